"""Tables and lists against TensorFlow itself: models that it writes, and tables that go from here to there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import dtypes
from calque_runtime.tables import DenseTable
from interop.tf_process import TensorFlow


def words(random: np.random.RandomState, count: int) -> np.ndarray:
    out = np.empty(count, object)
    out[:] = [bytes(random.randint(33, 127, random.randint(1, 24)).tolist()) for _ in range(count)]
    return np.unique(out)


@pytest.mark.interop
@pytest.mark.parametrize("kind", ["words", "numbers", "vectors"])
def test_dense_buckets_are_tensorflows(tf: TensorFlow, kind: str) -> None:
    """What a dense table exports, TensorFlow takes as its buckets as they are: each key must stand where it looks."""
    random = np.random.RandomState(5)
    dtype: Any = dtypes.int64
    if kind == "words":
        keys, empty, deleted, dtype = words(random, 40), np.array(b"", object), np.array(b" ", object), dtypes.string
    elif kind == "numbers":
        keys, empty, deleted = np.unique(random.randint(-99, 99999, 50)), np.array(-100), np.array(-101)
    else:
        keys, empty, deleted = random.permutation(60).reshape(20, 3), np.full(3, -1), np.full(3, -2)
    values = np.arange(len(keys), dtype=np.int64)
    table = DenseTable(empty, deleted, dtype, dtypes.int64, (), 16, 0.8)
    table.insert(keys, values)
    all_keys, all_values = table.content()

    def look_up(tf: Any, empty: Any, deleted: Any, all_keys: Any, all_values: Any, keys: Any) -> Any:
        handle = tf.raw_ops.AnonymousMutableDenseHashTable(
            empty_key=empty, deleted_key=deleted, value_dtype=tf.int64, initial_num_buckets=16
        )
        tf.raw_ops.LookupTableImportV2(table_handle=handle, keys=all_keys, values=all_values)
        found = tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=keys, default_value=tf.constant(-1, tf.int64))
        exported = tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=keys.dtype, Tvalues=tf.int64)
        return found.numpy(), exported[0].numpy()

    code = "keys = tf.constant(keys)\n"
    assert code
    found, exported = tf.run(look_up_source(look_up), **{
        "empty": empty, "deleted": deleted, "all_keys": all_keys, "all_values": all_values, "keys": keys
    })
    np.testing.assert_array_equal(found, values)
    assert exported.tolist() == all_keys.tolist()
