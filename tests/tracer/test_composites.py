"""Composite tensors: what probes cannot state (messages, gradients of their ops, structures, what is kept)."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

import calque as tf
from calque import nest
from calque.composite import extension_type
from support.composite_models import WANTED, build, told


def test_messages_name_what_came_and_what_was_wanted() -> None:
    f = tf.function(lambda r: r).get_concrete_function(tf.ragged.constant([[1]]))
    with pytest.raises(TypeError, match=r"Can not cast .*tf.float32.* to .*tf.int32.* for argument 'r'"):
        f(tf.ragged.constant([[1.0]]))
    with pytest.raises(TypeError, match="don't have the same nested structure"):
        f(tf.constant([[1]]))
    with pytest.raises(ValueError, match="use .to_tensor"):
        tf.convert_to_tensor(tf.ragged.constant([[1]]))
    with pytest.raises(ValueError, match=r"tf\.sparse\.to_dense"):
        tf.convert_to_tensor(tf.sparse.from_dense([[1]]))
    with pytest.raises(TypeError, match="sp_a must be a SparseTensor, got int"):
        tf.sparse.maximum(1, 2)
    with pytest.raises(ValueError, match="private"):
        tf.RaggedTensor([1], None)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: tf.RaggedTensor.from_row_splits([1, 2], [0, 1]), "row_splits must begin with 0"),
        (lambda: tf.RaggedTensor.from_row_splits([1, 2], [0, 2, 1, 2]), "row_splits must begin with 0"),
        (lambda: tf.RaggedTensor.from_row_lengths([1, 2], [3]), "add up to the number of values"),
        (lambda: tf.RaggedTensor.from_row_starts([1, 2], [1]), "row_starts must begin with 0"),
        (lambda: tf.RaggedTensor.from_row_limits([1, 2], [1]), "end with the number of values"),
        (lambda: tf.RaggedTensor.from_value_rowids([1, 2], [1, 0]), "value_rowids must not decrease"),
        (lambda: tf.RaggedTensor.from_value_rowids([1, 2], [0, 5], nrows=2), "less than nrows"),
    ],
)
def test_rows_that_are_none_are_refused_eagerly_and_in_graphs(make: Any, what: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=what):
        make()
    with pytest.raises(tf.errors.InvalidArgumentError, match=what):
        tf.function(make)()


def test_what_is_given_is_not_changed_by_validation_that_is_off() -> None:
    made = tf.RaggedTensor.from_row_splits([1, 2, 3], [0, 2], validate=False)
    assert made.to_list() == [[1, 2]]


def test_random_ragged_tensors_agree_with_lists() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        rows = [rng.integers(0, 50, n).tolist() for n in rng.integers(0, 5, rng.integers(1, 6))]
        r = tf.ragged.constant(rows, tf.int32)
        assert r.to_list() == rows
        assert r[1:].to_list() == rows[1:]
        assert r[::-1].to_list() == rows[::-1]
        assert r[:, 1:].to_list() == [row[1:] for row in rows]
        assert r[:, ::-2].to_list() == [row[::-2] for row in rows]
        assert (r * 2).to_list() == [[2 * v for v in row] for row in rows]
        assert tf.reduce_sum(r, 1).numpy().tolist() == [sum(row) for row in rows]
        assert tf.concat([r, r[::-1]], 1).to_list() == [a + b for a, b in zip(rows, rows[::-1], strict=True)]
        assert tf.RaggedTensor.from_sparse(r.to_sparse()).to_list() == rows
        longest = max(map(len, rows))
        dense = np.array([row + [-1] * (longest - len(row)) for row in rows], np.int32)
        np.testing.assert_array_equal(r.to_tensor(-1), dense.reshape(len(rows), longest))
        if longest:
            back = tf.RaggedTensor.from_tensor(dense, padding=-1)
            assert back.to_list() == rows


def test_functions_of_unknown_shapes() -> None:
    spec = tf.RaggedTensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[spec])
    def f(r: Any) -> Any:
        return tf.reduce_max(r[:, :2], 1), (r + 1)[1:], tf.concat([r, r], 0).to_tensor()

    for rows in ([[1, 2, 3], [4]], [[5]], [[1], [2], [3, 4]]):
        most, rest, dense = f(tf.ragged.constant(rows))
        assert most.numpy().tolist() == [max(row[:2]) for row in rows]
        assert rest.to_list() == [[v + 1 for v in row] for row in rows[1:]]
        assert dense.shape[0] == 2 * len(rows)
    assert f.experimental_get_tracing_count() == 1


def test_gradients_reach_the_values() -> None:
    values = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        r = tf.RaggedTensor.from_row_lengths(values, [2, 1])
        loss = tf.reduce_sum(tf.reduce_prod(r * r, 1))
    np.testing.assert_allclose(tape.gradient(loss, values), [8.0, 4.0, 6.0])
    with tf.GradientTape() as tape:
        s = tf.SparseTensor([[0, 0], [1, 1], [1, 2]], values, [2, 3])
        loss = tf.reduce_sum(tf.sparse.sparse_dense_matmul(s, tf.constant([[1.0], [2.0], [3.0]])))
    np.testing.assert_allclose(tape.gradient(loss, values), [1.0, 2.0, 3.0])


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass
class Masked:
    mask: bool
    value: Any

    def __tf_flatten__(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return (self.mask,), (self.value,)

    @classmethod
    def __tf_unflatten__(cls, metadata: tuple[Any, ...], leaves: tuple[Any, ...]) -> Masked:
        return cls(metadata[0], leaves[0])


def test_structures_come_in_and_go_out_as_they_are() -> None:
    f = tf.function(lambda x: x)
    point = f(Point(1, tf.constant(2)))
    assert (type(point), point.x.numpy(), point.y.numpy()) == (Point, 1, 2)
    ordered = f(collections.OrderedDict([("b", 1), ("a", 2)]))
    assert (type(ordered), list(ordered)) == (collections.OrderedDict, ["b", "a"])
    default = f(collections.defaultdict(list, {"a": 1}))
    assert type(default) is collections.defaultdict
    masked = f(Masked(True, Masked(False, tf.constant(3))))
    assert (masked.mask, masked.value.mask, masked.value.value.numpy()) == (True, False, 3)


def test_attrs_classes_are_structures() -> None:
    attr = pytest.importorskip("attr", reason="attrs is not a dependency")

    @attr.s
    class Pair:
        a = attr.ib(validator=attr.validators.instance_of(tf.Tensor))
        b = attr.ib()

    f = tf.function(lambda p: Pair(p.a + 1, {"inner": p.b}))
    result = f(Pair(tf.constant(1), tf.constant(2)))
    assert (result.a.numpy(), result.b["inner"].numpy()) == (2, 2)
    assert nest.flatten(Pair(tf.constant(1), [3])) == [tf.constant(1), 3]


def test_nest_and_composites() -> None:
    r = tf.ragged.constant([[1, 2], [3]])
    flat = nest.flatten([r, {"s": tf.sparse.from_dense([[5]])}], expand_composites=True)
    assert [t.dtype.name for t in flat] == ["int32", "int64", "int64", "int32", "int64"]
    packed = nest.pack_sequence_as([r], [f + 1 for f in flat[:1]] + flat[1:2], expand_composites=True)
    assert packed[0].to_list() == [[2, 3], [4]]
    assert nest.composites_as_components((r, 1))[1] == 1
    with pytest.raises(ValueError, match="Incompatible CompositeTensor TypeSpecs"):
        nest.assert_same_structure(r, tf.ragged.constant([[1.0]]), expand_composites=True)
    with pytest.raises(ValueError, match="same metadata"):
        nest.assert_same_structure(Masked(True, 1), Masked(False, 1))
    assert nest.flatten_with_joined_string_paths({"a": r}, expand_composites=True)[0][0] == "a/RaggedTensor/0"


def test_traces_do_not_keep_composites_alive() -> None:
    import gc
    import weakref

    f = tf.function(lambda r: r.values + 1)
    r = tf.ragged.constant([[1, 2], [3]])
    gone = weakref.ref(r)
    f(r)
    del r
    gc.collect()
    assert gone() is None


def test_errors_of_plain_functions_stay_what_they_are() -> None:
    with pytest.raises(ValueError, match="unsupported type"):
        tf.add(tf.constant(1), object())
    with pytest.raises(ValueError, match="does not support dispatch"):
        tf.experimental.dispatch_for_api(tf.function)


def test_models_of_composites_are_loaded_with_and_without_their_classes(tmp_path: Any) -> None:
    model, arguments = build(tf)
    assert told(tf, model, arguments) == WANTED
    tf.saved_model.save(model, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    assert told(tf, loaded, arguments) == WANTED
    again = tmp_path / "again"
    tf.saved_model.save(loaded, again)
    assert told(tf, tf.saved_model.load(again), arguments) == WANTED
    names, registered = dict(extension_type._registered), extension_type._registered
    registered.clear()
    try:
        spec = tf.saved_model.load(tmp_path).every.concrete_functions[0].structured_input_signature[0][-1]
    finally:
        registered.update(names)
    assert isinstance(spec, extension_type.AnonymousExtensionTypeSpec)
    assert spec.scale == 3.0  # type: ignore[attr-defined]
