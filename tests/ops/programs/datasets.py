"""Programs of datasets and iterators. What calls functions is in test_datasets.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ops.programs import Program, Ref, i64, strings

INVALID = "InvalidArgumentError"
F32 = {"output_types": ["float32"], "output_shapes": [None]}
I64 = {"output_types": ["int64"], "output_shapes": [[]]}
BOTH = {"output_types": ["float32", "string"], "output_shapes": [None, None]}
X = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], np.float32)
WORDS = strings(b"a", b"b", b"c", b"d", b"e")


def rows(p: Program) -> Ref:
    return p.TensorSliceDataset([X, WORDS], output_shapes=[[2], []])


def numbers(p: Program, stop: int) -> Ref:
    return p.RangeDataset(i64(0), i64(stop), i64(1), **I64)


def take(p: Program, dataset: Ref, count: int, made: str = "IteratorV2", **types: Any) -> None:
    """Fetch the first elements."""
    iterator = p.call(made, shared_name=p.name, container="", **types)
    p.MakeIterator(dataset, iterator)
    for _ in range(count):
        element = p.IteratorGetNext(iterator, **types)
        p.fetch(*(element.out(i) for i in range(len(types["output_types"]))))


def values() -> Iterator[Program]:
    p = Program("rows")
    take(p, rows(p), 2, **BOTH)
    yield p
    p = Program("one")
    whole = p.TensorDataset([X], output_shapes=[None])
    take(p, p.RepeatDataset(whole, i64(-1), **F32), 3, "Iterator", **F32)
    yield p
    p = Program("batches")
    take(p, p.BatchDatasetV2(rows(p), i64(2), np.array(False), **BOTH), 3, **BOTH)
    yield p
    p = Program("whole-batches-only", "OutOfRangeError")
    take(p, p.BatchDatasetV2(rows(p), i64(2), np.array(True), **BOTH), 3, **BOTH)
    yield p
    p = Program("no-batch", INVALID)
    take(p, p.BatchDatasetV2(rows(p), i64(0), np.array(True), **BOTH), 1, **BOTH)
    yield p
    p = Program("range")
    three = p.TakeDataset(p.SkipDataset(numbers(p, 9), i64(4), **I64), i64(3), **I64)
    more = p.ConcatenateDataset(three, p.RangeDataset(i64(9), i64(0), i64(-4), **I64), **I64)
    cached = p.PrefetchDataset(p.CacheDataset(more, b"", **I64), i64(2), **I64)
    take(p, p.OptionsDataset(cached, serialized_options="", **I64), 6, **I64)
    yield p
    p = Program("end", "OutOfRangeError")
    take(p, numbers(p, 2), 3, **I64)
    yield p
    p = Program("zip")
    two = {"output_types": ["int64", "float32", "string"], "output_shapes": [None] * 3}
    take(p, p.ZipDataset([numbers(p, 3), rows(p)], **two), 3, **two)
    yield p
    p = Program("padded")
    both = p.ConcatenateDataset(
        p.TensorDataset([np.float32([1, 2])], output_shapes=[None]),
        p.TensorDataset([np.float32([3])], output_shapes=[None]),
        **F32,
    )
    known = {"output_shapes": [None]}
    padded = p.PaddedBatchDatasetV2(
        both, i64(2), [i64([-1])], [np.array(-1, np.float32)], np.array(False), **known
    )
    take(p, padded, 1, **F32)
    yield p
    p = Program("padded-to-a-size")
    one = p.TensorDataset([np.float32([1, 2])], output_shapes=[None])
    last = np.array(False)
    padded = p.PaddedBatchDatasetV2(one, i64(2), [i64([3])], [np.array(0, np.float32)], last, **known)
    take(p, padded, 1, **F32)
    yield p
    p = Program("optional")
    iterator = p.IteratorV2(shared_name="optional", container="", **I64)
    p.MakeIterator(numbers(p, 1), iterator)
    first, last = p.IteratorGetNextAsOptional(iterator, **I64), p.IteratorGetNextAsOptional(iterator, **I64)
    p.fetch(p.OptionalHasValue(first), p.OptionalGetValue(first, **I64), p.OptionalHasValue(last))
    yield p
    p = Program("handle")
    iterator = p.IteratorV2(shared_name="handle", container="", **I64)
    p.MakeIterator(numbers(p, 5), iterator)
    text = p.IteratorToStringHandle(iterator)
    p.fetch(p.IteratorGetNextSync(p.IteratorFromStringHandleV2(text, **I64), **I64))
    p.fetch(p.IteratorGetNext(p.IteratorFromStringHandle(text, **I64), **I64))
    yield p
    p = Program("not-begun", "FailedPreconditionError")
    p.fetch(p.IteratorGetNext(p.IteratorV2(shared_name="not-begun", container="", **I64), **I64))
    yield p
    p = Program("shuffled-and-back")
    shuffled = p.ShuffleDataset(numbers(p, 1), i64(10), i64(1), i64(2), **I64)
    take(p, p.ModelDataset(p.OptimizeDataset(shuffled, strings(), **I64), **I64), 1, **I64)
    yield p


PROGRAMS = list(values())
