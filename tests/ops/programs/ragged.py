"""Programs of ragged tensors packed as variants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ops.programs import Program, Ref, i64, strings

INVALID = "InvalidArgumentError"
SPLITS = [i64([0, 2, 3]), i64([0, 2, 2, 3])]
VALUES = np.arange(6, dtype=np.float32).reshape(3, 2)


def packed(p: Program, batched: bool, splits: Any = SPLITS, values: Any = VALUES) -> Ref:
    nested = [p.Identity(one) for one in splits]  # steps, so that the list is a list input
    return p.RaggedTensorToVariant(nested, values, batched_input=batched)


def fetch(
    p: Program, encoded: Ref, inner: int, outer: int, dtype: str = "float32", splits: str = "int64"
) -> None:
    found = p.RaggedTensorFromVariant(
        encoded, input_ragged_rank=inner, output_ragged_rank=outer, Tvalues=dtype, Tsplits=splits
    )
    p.fetch(*(found.out(i) for i in range(outer + 1)))


def values() -> Iterator[Program]:
    p = Program("whole")
    fetch(p, packed(p, False), 2, 2)
    fetch(p, packed(p, False), -1, 2)
    yield p

    p = Program("batch")
    rows = packed(p, True)
    fetch(p, rows, 1, 2)
    fetch(p, rows, -1, 2)
    fetch(p, p.GatherV2(rows, i64([1, 0, 1]), i64(0)), 1, 2)
    fetch(p, p.GatherV2(rows, i64(1), i64(0)), 1, 1)
    yield p

    p = Program("matrix")
    rows = packed(p, True, [i64([0, 1, 1, 3, 4])], strings(b"a", b"b", b"", b"d"))
    fetch(p, p.Reshape(rows, i64([2, 2])), 0, 2, "string")
    fetch(p, p.Reshape(rows, i64([1, 4])), -1, 2, "string")
    yield p

    p = Program("small-splits")
    fetch(p, packed(p, False, [np.array([0, 3], np.int32)]), 1, 1, splits="int32")
    yield p


def errors() -> Iterator[Program]:
    for name, inner, outer, dtype in (
        ("rank", 1, 1, "float32"),
        ("dtype", 2, 2, "float64"),
        ("outer", 2, 3, "float32"),
    ):
        p = Program(f"wrong-{name}", INVALID)
        fetch(p, packed(p, False), inner, outer, dtype)
        yield p

    p = Program("splits-past-values", INVALID)
    fetch(p, packed(p, True, [i64([0, 2, 9])]), 0, 1)
    yield p


PROGRAMS = [*values(), *errors()]
