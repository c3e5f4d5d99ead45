"""Datasets that call functions: MapDataset ParallelMapDataset ParallelMapDatasetV2 FilterDataset FlatMapDataset
OneShotIterator; and what shuffling does."""

from __future__ import annotations

from typing import Any

import pytest

from calque_runtime import errors
from calque_runtime.environment import Environment, Limits
from calque_runtime.ir import Function, FunctionRef
from support.graphs import Builder, run

HOW = pytest.mark.parametrize("how", ["reference", "plan"])
I64 = {"output_types": ("int64",), "output_shapes": ((),)}
COUNT = {"use_inter_op_parallelism": True}


def ref(function: Function) -> FunctionRef:
    return FunctionRef(function.name, function)


def numbers(b: Builder, stop: int) -> Any:
    (dataset,) = b.add("RangeDataset", *(b.constant(i, "int64") for i in (0, stop, 1)), **I64)
    return dataset


def elements(b: Builder, dataset: Any, count: int, how: str, limits: Limits | None = None) -> list[Any]:
    """The first elements, each made in a run of its own: an iterator remembers where it is."""
    (iterator,) = b.add("IteratorV2", shared_name=b"it", container=b"", **I64)
    b.add("MakeIterator", dataset, iterator, effect=True)
    env = Environment(limits=limits)
    run(b.done(), [], how, env)
    c = Builder("next")
    (again,) = c.add("IteratorV2", shared_name=b"it", container=b"", **I64)
    (value,) = c.add("IteratorGetNext", again, **I64)
    function = c.done(value)
    return [run(function, [], how, env)[0].tolist() for _ in range(count)]


def unary(op: str) -> Function:
    b = Builder(op.lower())
    (y,) = b.add(op, b.argument("int64", ()))
    return b.done(y)


@HOW
@pytest.mark.parametrize(
    ("op", "extra"),
    [("MapDataset", []), ("ParallelMapDataset", ["int32"]), ("ParallelMapDatasetV2", ["int64"])],
)
def test_map(how: str, op: str, extra: list[str]) -> None:
    b = Builder()
    rest = [b.constant(2, kind) for kind in extra]
    (mapped,) = b.add(op, numbers(b, 3), [], *rest, f=ref(unary("Neg")), Targuments=(), **I64)
    assert elements(b, mapped, 3, how) == [0, -1, -2]


@HOW
def test_filter_with_an_argument(how: str) -> None:
    p = Builder("over")
    x, least = p.argument("int64", ()), p.argument("int64", ())
    (keep,) = p.add("Greater", x, least)
    b = Builder()
    limit = b.constant(2, "int64")
    (kept,) = b.add(
        "FilterDataset", numbers(b, 6), [limit], predicate=ref(p.done(keep)), Targuments=("int64",), **I64
    )
    assert elements(b, kept, 3, how) == [3, 4, 5]


@HOW
def test_flat_map(how: str) -> None:
    f = Builder("upto")
    stop = f.argument("int64", ())
    (inner,) = f.add("RangeDataset", f.constant(0, "int64"), stop, f.constant(1, "int64"), **I64)
    b = Builder()
    (flat,) = b.add("FlatMapDataset", numbers(b, 4), [], f=ref(f.done(inner)), Targuments=(), **I64)
    assert elements(b, flat, 6, how) == [0, 0, 1, 0, 1, 2]


@HOW
def test_one_shot_iterator(how: str) -> None:
    f = Builder("factory")
    made = ref(f.done(numbers(f, 2)))
    b = Builder()
    (iterator,) = b.add("OneShotIterator", dataset_factory=made, shared_name=b"once", **I64)
    (value,) = b.add("IteratorGetNext", iterator, **I64)
    function, env = b.done(value), Environment()
    assert [run(function, [], how, env)[0].tolist() for _ in range(2)] == [0, 1]
    with pytest.raises(errors.OutOfRangeError, match="End of sequence"):
        run(function, [], how, env)


def test_shuffle_gives_every_element_once() -> None:
    b = Builder()
    seeds = b.constant(5, "int64"), b.constant(6, "int64")
    (mixed,) = b.add("ShuffleDataset", numbers(b, 50), b.constant(20, "int64"), *seeds, **I64)
    found = elements(b, mixed, 50, "plan")
    assert sorted(found) == list(range(50))
    assert found != sorted(found)


def test_a_batch_over_the_limit_is_refused_before_it_is_collected() -> None:
    b = Builder()
    (endless,) = b.add("RepeatDataset", numbers(b, 5), b.constant(-1, "int64"), **I64)
    size, drop = b.constant(1 << 40, "int64"), b.constant(False, "bool")
    (batched,) = b.add("BatchDatasetV2", endless, size, drop, **I64)
    with pytest.raises(errors.ResourceExhaustedError, match="over the limit"):
        elements(b, batched, 1, "plan", Limits(max_bytes=1 << 20))


@HOW
def test_batches_of_old_files(how: str) -> None:
    """BatchDataset, which TensorFlow rewrites."""
    b = Builder()
    (batched,) = b.add("BatchDataset", numbers(b, 5), b.constant(2, "int64"), **I64)
    assert elements(b, batched, 3, how) == [[0, 1], [2, 3], [4]]


@HOW
def test_padded_batches_of_old_files(how: str) -> None:
    """PaddedBatchDataset, which TensorFlow rewrites."""
    b = Builder()
    known = {"output_types": ("int64",), "output_shapes": (None,)}
    (one,) = b.add("TensorDataset", [b.constant([1, 2], "int64")], output_shapes=((2,),))
    arguments = one, b.constant(4, "int64"), [b.constant([3], "int64")], [b.constant(-1, "int64")]
    (padded,) = b.add("PaddedBatchDataset", *arguments, output_shapes=(None,))
    (iterator,) = b.add("IteratorV2", shared_name=b"it", container=b"", **known)
    b.add("MakeIterator", padded, iterator, effect=True)
    (value,) = b.add("IteratorGetNext", iterator, **known)
    assert run(b.done(value), [], how, Environment())[0].tolist() == [[1, 2, -1]]
