"""Datasets: what TensorFlow's give for the same chains of calls, specs and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

Dataset = tf.data.Dataset


def listed(dataset: Any) -> list[Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(plain, value))
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return value.tolist() if hasattr(value, "tolist") else value

    return [plain(e) for e in dataset.as_numpy_iterator()]


CHAINS: list[tuple[Any, list[Any]]] = [
    (lambda: Dataset.range(5), [0, 1, 2, 3, 4]),
    (lambda: Dataset.range(1, 8, 3, output_type=tf.int32), [1, 4, 7]),
    (lambda: Dataset.from_tensors([1, 2]), [[1, 2]]),
    (lambda: Dataset.from_tensor_slices([1, 2]), [1, 2]),
    (lambda: Dataset.from_tensor_slices(([1, 2], {"a": ["x", "y"]})), [(1, {"a": b"x"}), (2, {"a": b"y"})]),
    (lambda: Dataset.range(5).batch(2), [[0, 1], [2, 3], [4]]),
    (lambda: Dataset.range(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]]),
    (lambda: Dataset.range(4).batch(2).unbatch(), [0, 1, 2, 3]),
    (lambda: Dataset.range(3).map(lambda x: x * 2), [0, 2, 4]),
    (
        lambda: Dataset.from_tensor_slices(([1, 2], [3, 4])).map(lambda a, b: {"sum": a + b}),
        [{"sum": 4}, {"sum": 6}],
    ),
    (lambda: Dataset.range(3).map(lambda x: (x, [x, x])), [(0, [0, 0]), (1, [1, 1]), (2, [2, 2])]),
    (lambda: Dataset.range(6).filter(lambda x: x % 2 == 0), [0, 2, 4]),
    (lambda: Dataset.range(9).take_while(lambda x: x < 3), [0, 1, 2]),
    (lambda: Dataset.range(2).repeat(2), [0, 1, 0, 1]),
    (lambda: Dataset.range(2).repeat().take(5), [0, 1, 0, 1, 0]),
    (lambda: Dataset.range(5).skip(3), [3, 4]),
    (lambda: Dataset.range(5).take(-1).skip(-1), []),
    (lambda: Dataset.range(7).shard(3, 1), [1, 4]),
    (lambda: Dataset.zip((Dataset.range(3), Dataset.range(5, 9))), [(0, 5), (1, 6), (2, 7)]),
    (lambda: Dataset.zip(Dataset.range(1), Dataset.range(1)), [(0, 0)]),
    (lambda: Dataset.range(2).concatenate(Dataset.range(5, 6)), [0, 1, 5]),
    (lambda: Dataset.from_tensor_slices(["a", "b"]).enumerate(5), [(5, b"a"), (6, b"b")]),
    (lambda: Dataset.range(3).cache().prefetch(tf.data.AUTOTUNE), [0, 1, 2]),
    (lambda: Dataset.range(1, 3).flat_map(lambda x: Dataset.from_tensors(x).repeat(2)), [1, 1, 2, 2]),
    (
        lambda: Dataset.range(1, 4).interleave(lambda x: Dataset.from_tensors(x).repeat(3), 2, 2),
        [1, 1, 2, 2, 1, 2, 3, 3, 3],
    ),
    (lambda: Dataset.range(5).window(3, 2).flat_map(lambda w: w.batch(3)), [[0, 1, 2], [2, 3, 4], [4]]),
    (lambda: Dataset.range(3).apply(lambda d: d.map(lambda x: -x)), [0, -1, -2]),
]


@pytest.mark.parametrize("number", range(len(CHAINS)))
def test_elements(number: int) -> None:
    make, wanted = CHAINS[number]
    dataset = make()
    assert listed(dataset) == wanted
    assert listed(dataset) == wanted, "another pass gives the same"
    count = int(dataset.cardinality())
    assert count in (len(wanted), tf.data.UNKNOWN_CARDINALITY)


def test_specs() -> None:
    pairs = Dataset.from_tensor_slices((np.zeros([4, 3], np.float32), [1, 2, 3, 4]))
    assert pairs.element_spec == (tf.TensorSpec([3], tf.float32), tf.TensorSpec([], tf.int32))
    assert pairs.batch(2).element_spec[0] == tf.TensorSpec([None, 3], tf.float32)
    assert pairs.batch(2, drop_remainder=True).element_spec[0] == tf.TensorSpec([2, 3], tf.float32)
    assert pairs.map(lambda a, b: tf.reduce_sum(a)).element_spec == tf.TensorSpec([], tf.float32)
    assert iter(pairs).element_spec == pairs.element_spec


def test_lengths() -> None:
    assert len(Dataset.range(5).batch(2)) == 3
    assert int(Dataset.range(2).repeat().cardinality()) == tf.data.INFINITE_CARDINALITY
    with pytest.raises(TypeError, match="infinite"):
        len(Dataset.range(2).repeat())
    with pytest.raises(TypeError, match="unknown"):
        len(Dataset.range(2).filter(lambda x: x > 0))


def test_a_function_is_traced_once_with_its_control_flow_converted() -> None:
    traces = []

    def absolute(x: Any) -> Any:
        traces.append(x)
        if x < 0:
            x = -x
        return x

    assert listed(Dataset.range(-2, 2).map(absolute)) == [2, 1, 0, 1]
    assert len(traces) == 1


def test_shuffle() -> None:
    dataset = Dataset.range(20).shuffle(5, seed=3)
    first, second = listed(dataset), listed(dataset)
    assert sorted(first) == list(range(20))
    assert first != second
    assert max(place - element for place, element in enumerate(first)) < 20
    assert all(element - place < 5 for place, element in enumerate(first)), "none comes before its time"
    assert listed(Dataset.range(20).shuffle(5, seed=3)) == first
    same = Dataset.range(20).shuffle(20, reshuffle_each_iteration=False)
    assert listed(same) == listed(same)


def test_a_generator() -> None:
    def pairs(count: Any) -> Any:
        for i in range(int(count)):
            yield i, [float(i)] * i

    signature = (tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.float32))
    dataset = Dataset.from_generator(pairs, args=[3], output_signature=signature)
    assert listed(dataset) == [(0, []), (1, [1.0]), (2, [2.0, 2.0])]
    assert dataset.element_spec == signature
    older = Dataset.from_generator(lambda: iter([1, 2]), tf.int64, [])
    assert listed(older) == [1, 2]
    with pytest.raises(TypeError, match="must be specified"):
        Dataset.from_generator(lambda: [])
    with pytest.raises(TypeError, match="yielded an element of shape"):
        listed(Dataset.from_generator(lambda: [[1]], output_signature=tf.TensorSpec([], tf.int32)))
    with pytest.raises(TypeError, match="did not match the expected structure"):
        listed(Dataset.from_generator(lambda: [(1,)], output_signature=signature))


def test_a_loop_in_training() -> None:
    v = tf.Variable(0.0)
    for x, y in Dataset.from_tensor_slices(([1.0, 2.0], [3.0, 4.0])).batch(1):
        v.assign_add(tf.reduce_sum(x * y))
    assert float(v) == 11.0


def test_reduce_and_single_elements() -> None:
    assert int(Dataset.range(5).reduce(tf.constant(0, tf.int64), lambda total, x: total + x)) == 10
    count, total = Dataset.range(4).reduce(
        (tf.constant(0), tf.constant(0, tf.int64)), lambda state, x: (state[0] + 1, state[1] + x)
    )
    assert (int(count), int(total)) == (4, 6)
    assert int(Dataset.range(1).get_single_element()) == 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one"):
        Dataset.range(2).get_single_element()
    iterator = iter(Dataset.range(1))
    assert int(iterator.get_next()) == 0
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        iterator.get_next()


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="are not compatible"):
        Dataset.from_tensor_slices(([1, 2], [1]))
    with pytest.raises(ValueError, match="rank >= 1"):
        Dataset.from_tensor_slices(1)
    with pytest.raises(ValueError, match="different shapes"):
        listed(Dataset.from_generator(lambda: [[1], [1, 2]], tf.int32).batch(2))
    with pytest.raises(ValueError, match="tf.bool"):
        Dataset.range(2).filter(lambda x: x)
    with pytest.raises(TypeError, match="must return a `Dataset`"):
        Dataset.range(2).flat_map(lambda x: x)
    with pytest.raises(ValueError, match="Batch size must be positive"):
        Dataset.range(2).batch(0)
