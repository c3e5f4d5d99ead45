"""Tables and lists against TensorFlow itself: the stored answers to programs, and tables that go from here to there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes
from calque_runtime.tables import DenseTable
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]


def run_programs(tests, family):  # type: ignore[no-untyped-def]
    """In TensorFlow: what every program of the family gives now."""
    import importlib
    import sys

    sys.path.insert(0, tests)
    from ops import make_programs

    found = {}
    for program in importlib.import_module(f"ops.programs.{family}").PROGRAMS:
        found.update(make_programs.run(program))
    return found


@pytest.mark.parametrize("family", ["lists", "arrays", "tables"])
def test_stored_answers_are_tensorflows(tf: TensorFlow, family: str) -> None:
    found = tf.script(run_programs, tests=str(TESTS), family=family)
    with np.load(TESTS / "ops" / "golden" / f"programs_{family}.npz") as archive:
        stored = dict(archive)
    assert sorted(found) == sorted(stored)
    for name, array in stored.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def import_and_find(empty, deleted, all_keys, all_values, keys):  # type: ignore[no-untyped-def]
    """In TensorFlow: what a dense table finds whose buckets are these, and the keys in them."""
    import tensorflow as tf

    ops = tf.raw_ops
    handle = ops.AnonymousMutableDenseHashTable(
        empty_key=empty, deleted_key=deleted, value_dtype=tf.int64, initial_num_buckets=16
    )
    ops.LookupTableImportV2(table_handle=handle, keys=all_keys, values=all_values)
    found = ops.LookupTableFindV2(table_handle=handle, keys=keys, default_value=tf.constant(-1, tf.int64))
    key_dtype = tf.convert_to_tensor(keys).dtype
    return found, ops.LookupTableExportV2(table_handle=handle, Tkeys=key_dtype, Tvalues=tf.int64)[0]


def words(random: np.random.RandomState, count: int) -> Any:
    out = np.empty(count, object)
    out[:] = [bytes(random.randint(33, 127, random.randint(1, 24)).tolist()) for _ in range(count)]
    return np.unique(out)


@pytest.mark.parametrize("kind", ["words", "numbers", "vectors"])
def test_dense_buckets_are_tensorflows(tf: TensorFlow, kind: str) -> None:
    """What a dense table exports, TensorFlow takes as its buckets as they are: each key must stand where it looks."""
    random = np.random.RandomState(5)
    dtype: Any = dtypes.int64
    keys: Any = np.unique(random.randint(-99, 99999, 50))
    empty: Any = np.array(-100)
    deleted: Any = np.array(-101)
    if kind == "words":
        keys, dtype = words(random, 40), dtypes.string
        empty, deleted = np.array(b"", object), np.array(b" ", object)
    elif kind == "vectors":
        keys, empty, deleted = random.permutation(60).reshape(20, 3), np.full(3, -1), np.full(3, -2)
    values = np.arange(len(keys), dtype=np.int64)
    table = DenseTable(empty, deleted, dtype, dtypes.int64, (), 16, 0.8)
    table.insert(keys, values)
    all_keys, all_values = table.content()
    found, exported = tf.run(
        import_and_find, empty=empty, deleted=deleted, all_keys=all_keys, all_values=all_values, keys=keys
    )
    np.testing.assert_array_equal(found, values)
    assert exported.tolist() == all_keys.tolist()
