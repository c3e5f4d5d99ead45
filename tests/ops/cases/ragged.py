"""Rows of ops/ragged.py and ops/sets.py."""

from __future__ import annotations

from typing import Any

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"


def L(values: object) -> V:
    return V(values, "int64")


def to_tensor(
    shape: object, values: object, default: object, kinds: str, *parts: object, **options: Any
) -> list[Row]:
    names = {"F": "FIRST_DIM_SIZE", "R": "VALUE_ROWIDS", "S": "ROW_SPLITS", "?": "NOPE"}
    return list(
        rows(
            "RaggedTensorToTensor",
            L(shape),
            values,
            default,
            [L(p) for p in parts],
            row_partition_types=[names[k] for k in kinds],
            **options,
        )
    )


TYPES = "float32 float64 bfloat16 int8 int32 int64 uint16 bool string complex64"
IDS = [0, 0, 2]
TO_TENSOR = [
    *to_tensor([-1, -1], A(3), A(), "S", [0, 2, 2, 3], dtypes=TYPES),
    *to_tensor(-1, A(3), A(), "S", [0, 2, 3], dtypes="float64", label="scalar"),
    *to_tensor([2, 1], A(3), A(), "S", [0, 2, 2, 3], dtypes="float64", label="cut"),
    *to_tensor([4, 3], A(3), A(), "S", [0, 2, 2, 3], dtypes="float64", label="filled"),
    *to_tensor([-1, -1], A(3), A(), "FR", 4, IDS, dtypes="float64 string", label="rowids"),
    *to_tensor([-1, -1, -1], A(3), A(), "FRR", 2, [0, 0, 1], [0, 2, 2], dtypes="float64", label="two_rowids"),
    *to_tensor([-1, -1, -1], A(3), A(), "FRS", 2, [0, 0, 1], [0, 2, 2, 3], dtypes="float64", label="both"),
    *to_tensor([-1, -1, -1], A(3), A(), "SS", [0, 1, 3], [0, 2, 2, 3], dtypes="float64", label="nested"),
    *to_tensor([-1, 1, 1], A(3), A(), "SS", [0, 1, 3], [0, 2, 2, 3], dtypes="float64", label="nested_cut"),
    *to_tensor([3, 1, 4], A(3), A(), "SS", [0, 1, 3], [0, 2, 2, 3], dtypes="float64", label="nested_filled"),
    *to_tensor([-1, -1, 2], A(3, 2), A(2), "S", [0, 1, 3], dtypes="float64 string", label="inner"),
    *to_tensor([-1, -1, -1], A(3, 2), A(), "S", [0, 1, 3], dtypes="float64", label="inner_scalar"),
    *to_tensor([-1, -1, -1], A(3, 2), A(1), "S", [0, 1, 3], dtypes="float64", label="inner_one"),
    *to_tensor([-1, -1], A(3), A(), "S", [0, 2, 2], dtypes="float64", label="unused"),
    *to_tensor([-1], A(3), A(), "F", 3, dtypes="float64", label="first_only"),
    *to_tensor([-1, -1], A(0), A(), "S", [0], label="empty"),
    *to_tensor([-1, -1], A(0), A(), "S", [0, 0, 0], label="empty_rows"),
    *to_tensor([-1, -1, 3], A(3, 2), A(), "S", [0, 1, 3], label="element", error=BAD),
    *to_tensor([-1, -1], A(3, 2), A(), "S", [0, 1, 3], label="rank", error=BAD),
    *to_tensor([-1, -1, -1], A(3, 2), A(1, 2), "S", [0, 1, 3], label="default", error=BAD),
    *to_tensor([-1, -1], A(3), A(), "S", [0, 2, 1, 3], label="down", error=BAD),
    *to_tensor([-1, -1], A(3), A(), "FR", 1, IDS, label="rows", error=BAD),
    *to_tensor([-1, -1], A(3), A(), "R", IDS, label="first", error=BAD),
    *to_tensor([-1, -1], A(3), A(), "?", IDS, label="kind", error=BAD),
    *to_tensor([-1, 2], A(3), A(), "F", 3, label="first_rank", error=BAD),
    *to_tensor([-1, -1], A(0), A(), "S", [], label="no_splits", error=BAD),
]

ONE, TWO = [L([0, 2, 2, 3])], [L([0, 2, 3]), L([0, 2, 2, 3])]
GATHER = [
    *rows("RaggedGather", ONE, A(3), V([2, 0, 0], "int32"), OUTPUT_RAGGED_RANK=1, dtypes=TYPES, grad=False),
    *rows("RaggedGather", ONE, A(3), L([[2, 0], [0, 1]]), OUTPUT_RAGGED_RANK=2, label="matrix"),
    *rows("RaggedGather", ONE, A(3), L([[[2, 0], [0, 1]]]), OUTPUT_RAGGED_RANK=3, label="cube"),
    *rows("RaggedGather", ONE, A(3), L(0), OUTPUT_RAGGED_RANK=0, label="scalar"),
    *rows("RaggedGather", TWO, A(3, 2), L(1), OUTPUT_RAGGED_RANK=1, label="nested_scalar"),
    *rows("RaggedGather", TWO, A(3, 2), L([1, 0, 1]), OUTPUT_RAGGED_RANK=2, label="nested"),
    *rows("RaggedGather", ONE, A(3), L([]), OUTPUT_RAGGED_RANK=1, label="empty"),
    *rows("RaggedGather", ONE, A(3), L([3]), OUTPUT_RAGGED_RANK=1, label="outside", error=BAD),
    *rows("RaggedGather", ONE, A(2), L([2]), OUTPUT_RAGGED_RANK=1, label="short", error=BAD),
]

NUMBERS = "int32 int64 float32 float64"
RANGE = [
    *rows("RaggedRange", V([0, 5, 8]), V([3, 5, 2]), V([1, 1, -2]), dtypes=NUMBERS),
    *rows("RaggedRange", V(0), V([3, 5, -2]), V(1), dtypes=NUMBERS, label="scalars"),
    *rows("RaggedRange", V([0.5, -1]), V([2.1, 4]), V(0.25), dtypes="float32 float64", label="parts"),
    *rows("RaggedRange", V(1), V(4), V(1), dtypes="int32", label="one", Tsplits="int32"),
    *rows("RaggedRange", V(-120), V(2147483647), V(2147483640), dtypes="int32", label="large"),
    *rows("RaggedRange", V(0), V([3, 5]), V(0), dtypes="int32 float32", label="zero", error=BAD),
    *rows("RaggedRange", V([0, 1]), V([3, 5, 2]), V(1), dtypes="int32", label="lengths", error=BAD),
]

OTHERS = [
    *rows("RaggedTensorToSparse", ONE, A(3), dtypes=TYPES),
    *rows("RaggedTensorToSparse", TWO, A(3, 2), dtypes="float64", label="nested"),
    *rows("RaggedTensorToSparse", [L([0])], A(0), label="empty"),
    *rows("RaggedTensorToSparse", [L([0, 2, 2])], A(3), label="short", error=BAD),
    *rows("RaggedFillEmptyRows", L([0, 2, 0]), A(3), L(4), A(), dtypes=TYPES),
    *rows("RaggedFillEmptyRows", L([]), A(0), L(2), A(), label="empty"),
    *rows("RaggedFillEmptyRows", L([0, 4]), A(2), L(4), A(), label="outside", error=BAD),
    *rows("RaggedFillEmptyRowsGrad", L([2, 0]), A(4), dtypes="float32 int32"),
]

SETS = "int8 int16 int32 int64 uint8 uint16"
LEFT, RIGHT = V([[3, 1, 1], [5, 6, 7]]), V([[1, 2], [7, 7]])
IX, SHAPE = L([[0, 0], [1, 0], [1, 2]]), L([2, 4])
IX2, SHAPE2 = L([[0, 0], [0, 1]]), L([2, 2])
SET = [
    *(
        row
        for how in ("a-b", "b-a", "intersection", "union")
        for own in ({"set_operation": how, "label": how},)
        for row in (
            *rows("DenseToDenseSetOperation", LEFT, RIGHT, dtypes=SETS, **own),
            *rows("DenseToSparseSetOperation", LEFT, IX, V([1, 9, 7]), SHAPE, dtypes="int32 int64", **own),
            *rows(
                "SparseToSparseSetOperation",
                IX2,
                V([4, 2]),
                SHAPE2,
                IX,
                V([2, 9, 7]),
                SHAPE,
                dtypes="int64",
                **own,
            ),
        )
    ),
    *rows(
        "DenseToDenseSetOperation",
        V([[[b"b", b"a"]], [[b"", b"\xff"]]], "string"),
        V([[[b"c", b"a"]], [[b"x", b"x"]]], "string"),
        set_operation="union",
        label="words",
    ),
    *rows(
        "DenseToDenseSetOperation",
        V([[3], [5]]),
        V([[3], [5]]),
        set_operation="a-b",
        dtypes="int32",
        label="empty",
    ),
    *rows(
        "DenseToDenseSetOperation",
        LEFT,
        V([[1]]),
        set_operation="union",
        dtypes="int32",
        label="rows",
        error=BAD,
    ),
    *rows(
        "DenseToDenseSetOperation", LEFT, RIGHT, set_operation="nope", dtypes="int32", label="name", error=BAD
    ),
    *rows(
        "DenseToDenseSetOperation",
        V([1]),
        V([1]),
        set_operation="union",
        dtypes="int32",
        label="rank",
        error=BAD,
    ),
    *rows(
        "DenseToSparseSetOperation",
        LEFT,
        L([[1, 0], [0, 0], [1, 2]]),
        V([1, 9, 7]),
        SHAPE,
        set_operation="union",
        dtypes="int32",
        label="order",
        error=BAD,
    ),
    *rows("SetSize", IX, V([1, 4, 4]), L([3, 4]), dtypes=SETS),
    *rows("SetSize", L([[0, 1, 0], [0, 1, 1]]), V([b"a", b"b"], "string"), L([2, 2, 4]), label="words"),
    *rows("SetSize", L([[0], [1]]), V([1, 5]), L([4]), dtypes="int32", label="rank", error=BAD),
]

ROWS: list[Row] = [*TO_TENSOR, *GATHER, *RANGE, *OTHERS, *SET]
