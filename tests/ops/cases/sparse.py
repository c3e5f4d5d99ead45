"""Rows of ops/sparse.py, sparse_segment.py, sparse_math.py, sparse_count.py and sparse_cross.py."""

from __future__ import annotations

from ops.rows import NUMERIC, REAL, A, Row, V, rows

BAD = "InvalidArgumentError"


def L(values: object) -> V:
    return V(values, "int64")


PLACES = [[0, 1], [0, 3], [1, 0], [3, 0], [3, 2]]
IX, SHAPE = L(PLACES), L([4, 5])
OTHER, OTHER_SHAPE = L([[0, 1], [1, 1], [3, 2]]), L([4, 5])
CUBE, CUBE_SHAPE = L([[0, 0, 1], [0, 1, 0], [0, 1, 2], [1, 1, 1]]), L([2, 2, 3])
EMPTY = A(0, 2, dtype="int64")
ALL = f"{NUMERIC} bool string"


def sparse(op: str, *more: object, **options: object) -> list[Row]:
    """Rows of an op that takes one sparse tensor and more."""
    return list(rows(op, IX, A(5), SHAPE, *more, **options))


TO_DENSE = [
    *rows("SparseToDense", IX, SHAPE, A(5), A(), dtypes=ALL),
    *rows(
        "SparseToDense",
        V([[0, 1], [2, 0]], "int32"),
        V([3, 2], "int32"),
        A(),
        A(),
        dtypes="float64",
        label="scalar",
        grad=False,
    ),
    *rows("SparseToDense", L([1, 3]), L([5]), A(2), A(), dtypes="float64 string", label="vector", grad=False),
    *rows("SparseToDense", L(3), L([5]), A(), A(), dtypes="float64", label="one", grad=False),
    *rows("SparseToDense", EMPTY, SHAPE, A(0), A(), label="empty", dtypes="float64"),
    *rows("SparseToDense", L([[1, 0], [0, 0]]), L([2, 2]), A(2), A(), label="order", error=BAD),
    *rows("SparseToDense", L([[1, 0], [1, 0]]), L([2, 2]), A(2), A(), label="repeat", error=BAD),
    *rows(
        "SparseToDense", L([[1, 0], [0, 0]]), L([2, 2]), A(2), A(), label="unchecked", validate_indices=False
    ),
    *rows("SparseToDense", L([[1, 0], [1, 0]]), L([2, 2]), A(2), A(), label="last", validate_indices=False),
    *rows("SparseToDense", L([[1, 5]]), L([2, 2]), A(1), A(), label="outside", error=BAD),
    *rows(
        "SparseToDense", L([[-1, 0]]), L([2, 2]), A(1), A(), label="below", error=BAD, validate_indices=False
    ),
    *rows("SparseToDense", L([[1, 1]]), L([2, 2]), A(3), A(), label="values", error=BAD),
    *rows("SparseToDense", L([[1, 1]]), L([2, 2]), A(1), A(1), label="default", error=BAD),
    *rows("SparseToDense", L([[1, 1]]), L([2]), A(1), A(), label="rank", error=BAD),
]

FILL = [
    *sparse("SparseFillEmptyRows", A(), dtypes=ALL),
    *rows(
        "SparseFillEmptyRows",
        L([[3, 0], [1, 2], [1, 0], [0, 1]]),
        A(4),
        L([5, 3]),
        A(),
        dtypes="float64",
        label="mixed",
    ),
    *rows("SparseFillEmptyRows", EMPTY, A(0), L([0, 3]), A(), label="no_rows"),
    *rows("SparseFillEmptyRows", EMPTY, A(0), L([2, 3]), A(), label="empty", dtypes="float64"),
    *rows("SparseFillEmptyRows", CUBE, A(4), CUBE_SHAPE, A(), label="cube"),
    *rows("SparseFillEmptyRows", L([[5, 0]]), A(1), L([4, 3]), A(), label="outside", error=BAD),
    *rows("SparseFillEmptyRows", L([[0, 0]]), A(1), L([4, 3]), A(1), label="default", error=BAD),
    *rows("SparseFillEmptyRows", L([[0, 0]]), A(2), L([4, 3]), A(), label="values", error=BAD),
    *rows("SparseFillEmptyRowsGrad", L([2, 0]), A(4), dtypes="float32 float64 int32"),
    *rows("SparseFillEmptyRowsGrad", L([4]), A(4), label="outside", error=BAD),
]

MOVED = [
    *rows("SparseReshape", IX, SHAPE, L([2, 10])),
    *rows("SparseReshape", IX, SHAPE, L([-1, 2]), label="open"),
    *rows("SparseReshape", IX, SHAPE, L([-1]), label="flat"),
    *rows("SparseReshape", IX, SHAPE, L([2, 2, 5, 1]), label="longer"),
    *rows("SparseReshape", IX, SHAPE, L([4, 5]), label="same"),
    *rows("SparseReshape", L([[0, 7], [1, 1 << 40]]), L([2, 1 << 41]), L([1 << 30, -1]), label="big"),
    *rows("SparseReshape", EMPTY, L([0, 3]), L([-1, 4]), label="empty"),
    *rows("SparseReshape", IX, SHAPE, L([-1, 3]), label="indivisible", error=BAD),
    *rows("SparseReshape", IX, SHAPE, L([3, 3]), label="size", error=BAD),
    *rows("SparseReshape", IX, SHAPE, L([-1, -1]), label="two", error=BAD),
    *rows("SparseReorder", L([[1, 1], [0, 2], [1, 1], [0, 0]]), A(4), L([2, 3]), dtypes=ALL),
    *rows("SparseReorder", EMPTY, A(0), L([2, 3]), label="empty"),
    *rows("SparseReorder", L([[1, 1]]), A(2), L([2, 3]), label="values", error=BAD),
    *sparse("SparseSlice", L([0, 1]), L([2, 9]), dtypes=ALL),
    *sparse("SparseSlice", L([5, 1]), L([2, 9]), label="outside"),
    *sparse("SparseSlice", L([1]), L([2, 9]), label="rank", error=BAD),
    *rows("SparseSlice", CUBE, A(4), CUBE_SHAPE, L([0, 1, 0]), L([2, 1, 2]), label="cube", dtypes="float64"),
    *rows("SparseSliceGrad", A(2), IX, L([0, 1]), L([[0, 2], [3, 1]]), dtypes="float32 int32"),
]

JOINED = [
    *rows("SparseConcat", [IX, OTHER], [A(5), A(3)], [SHAPE, OTHER_SHAPE], concat_dim=0, dtypes=ALL),
    *rows("SparseConcat", [IX, OTHER], [A(5), A(3)], [SHAPE, OTHER_SHAPE], concat_dim=-1, label="last"),
    *rows(
        "SparseConcat",
        [IX, EMPTY, OTHER],
        [A(5), A(0), A(3)],
        [SHAPE, L([4, 2]), SHAPE],
        concat_dim=1,
        label="3",
    ),
    *rows(
        "SparseConcat", [IX, OTHER], [A(5), A(3)], [SHAPE, L([4, 6])], concat_dim=0, label="sizes", error=BAD
    ),
    *rows("SparseConcat", [IX, OTHER], [A(5), A(3)], [SHAPE, SHAPE], concat_dim=2, label="axis", error=BAD),
    *rows("SparseSplit", L(1), IX, A(5), SHAPE, num_split=2, dtypes=ALL),
    *rows("SparseSplit", L(0), IX, A(5), SHAPE, num_split=4, label="rows"),
    *rows("SparseSplit", L(2), IX, A(5), SHAPE, num_split=2, label="axis", error=BAD),
    *rows("SparseSplit", L(0), IX, A(5), SHAPE, num_split=5, label="many", error=BAD),
]

LOOKED_UP, IDS = V([3, 0, 3, 1], "int32"), V([0, 0, 2, 2], "int32")
SEGMENTS = [
    *rows("SparseSegmentSum", A(4, 3), LOOKED_UP, IDS, dtypes=REAL),
    *(
        row
        for how in ("Sum", "Mean", "SqrtN")
        for op in (f"SparseSegment{how}",)
        for more in (f"{op}WithNumSegments",)
        for row in (
            *rows(op, A(4, 3), LOOKED_UP, IDS, dtypes="float32 float64 float16 bfloat16", label="floats"),
            *rows(op, A(4), L([1, 1, 2]), L([0, 1, 1]), dtypes="float64", label="vector"),
            *rows(op, A(4, 2), L([]), L([]), label="empty"),
            *rows(op, A(4, 2), L([4]), L([0]), label="index", error=BAD),
            *rows(op, A(4, 2), L([1, 1]), L([1, 0]), label="order", error=BAD),
            *rows(op, A(4, 2), L([1, 1]), L([-1, 0]), label="negative", error=BAD),
            *rows(op, A(4, 2), L([1, 1]), L([0]), label="lengths", error=BAD),
            *rows(more, A(4, 3), LOOKED_UP, IDS, V(5, "int32"), dtypes="float32 float64 float16 bfloat16"),
            *rows(more, A(4, 3), LOOKED_UP, IDS, V(2, "int32"), label="few", error=BAD),
            *rows(more, A(4, 3), L([]), L([]), L(2), label="empty"),
            *rows(f"{op}Grad", A(3, 2), LOOKED_UP, IDS, V(5, "int32"), dtypes="float32 float64", grad=False),
            *rows(f"{op}Grad", A(2, 2), LOOKED_UP, IDS, V(5, "int32"), label="ids", error=BAD),
        )
    ),
]

PAIR = (IX, A(5), SHAPE, OTHER, A(3), OTHER_SHAPE)
UNLIKE = (IX, A(5), SHAPE, OTHER, A(3), L([4, 6]))
PRODUCTS = "float32 float64 int32 complex64 complex128"
MATH = [
    *rows("SparseAdd", *PAIR, V(0), dtypes="float32 float64 int8 int16 int32 int64"),
    *rows("SparseAdd", *PAIR, V(0, "float32"), dtypes="complex64"),
    *rows("SparseAdd", *PAIR, V(1), dtypes="float64 int32", label="threshold"),
    *rows("SparseAdd", *UNLIKE, V(0), label="shapes", error=BAD),
    *rows(
        "SparseAddGrad",
        A(6),
        IX,
        OTHER,
        L([*PLACES[:2], [1, 0], [1, 1], *PLACES[3:]]),
        dtypes="float32 int32",
    ),
    *rows("SparseSparseMaximum", *PAIR, dtypes="float32 float64 int32 int64 uint8", grad=False),
    *rows("SparseSparseMinimum", *PAIR, dtypes="float32 float64 int32 int64 uint8", grad=False),
    *rows("SparseSparseMinimum", *UNLIKE, label="shapes", error=BAD),
    *sparse("SparseTensorDenseAdd", A(4, 5), dtypes=PRODUCTS),
    *sparse("SparseTensorDenseAdd", A(4, 6), label="shapes", error=BAD),
    *sparse("SparseTensorDenseMatMul", A(5, 3), dtypes=f"{PRODUCTS} bfloat16"),
    *sparse("SparseTensorDenseMatMul", A(4, 3), adjoint_a=True, label="a", dtypes=PRODUCTS),
    *sparse("SparseTensorDenseMatMul", A(3, 5), adjoint_b=True, label="b", dtypes=PRODUCTS),
    *sparse("SparseTensorDenseMatMul", A(3, 4), adjoint_a=True, adjoint_b=True, label="ab", dtypes=PRODUCTS),
    *rows("SparseTensorDenseMatMul", L([[2, 0], [0, 1], [2, 0]]), A(3), L([3, 2]), A(2, 2), label="mixed"),
    *rows("SparseTensorDenseMatMul", EMPTY, A(0), L([3, 2]), A(2, 2), label="empty"),
    *sparse("SparseTensorDenseMatMul", A(4, 3), label="inner", error=BAD),
    *rows("SparseTensorDenseMatMul", L([[0, 2]]), A(1), L([3, 2]), A(2, 2), label="outside", error=BAD),
    *(
        row
        for op in ("SparseDenseCwiseMul", "SparseDenseCwiseDiv", "SparseDenseCwiseAdd")
        for types in ("float32 float64 int32 int64 float16 bfloat16",)
        for grad in (op != "SparseDenseCwiseAdd",)
        for row in (
            *sparse(op, A(4, 5, low=1), dtypes=types, grad=grad),
            *sparse(op, A(4, 1, low=1), dtypes="float64", label="column", grad=grad),
            *sparse(op, A(5, low=1), dtypes="float64", label="row", grad=grad),
            *sparse(op, A(low=1), dtypes="float64 int32", label="scalar", grad=False),
            *sparse(op, A(3, 5), label="shapes", error=BAD),
            *sparse(op, A(1, 4, 5), label="rank", error=BAD),
        )
    ),
    *sparse("SparseDenseCwiseDiv", V(0), dtypes="int32", label="zero", error=BAD),
    *(
        row
        for op, types in (("Sum", "float32 float64 int32 complex64"), ("Max", "float32 float64 int32 int64"))
        for one in (f"SparseReduce{op}", f"SparseReduce{op}Sparse")
        for row in (
            *sparse(one, V([1], "int32"), dtypes=types),
            *sparse(one, V([0], "int32"), dtypes="float64", label="rows", keep_dims=True),
            *sparse(one, V([-1, 0], "int32"), dtypes="float64", label="all"),
            *sparse(one, V([-1, 0], "int32"), dtypes="float64", label="all_kept", keep_dims=True),
            *sparse(one, V([], "int32"), dtypes="float64", label="none"),
            *rows(one, CUBE, A(4), CUBE_SHAPE, V([1], "int32"), dtypes="float64", label="cube"),
            *rows(one, EMPTY, A(0), SHAPE, V([1], "int32"), label="empty"),
            *sparse(one, V([2], "int32"), label="axis", error=BAD),
        )
    ),
    *sparse("SparseSoftmax", dtypes="float32 float64 float16"),
    *rows("SparseSoftmax", CUBE, A(4, low=-50, high=50), CUBE_SHAPE, dtypes="float64", label="cube"),
]

W = V([], "float32")
PLAIN = {"minlength": -1, "maxlength": -1, "binary_output": False}
NUMBERS = A(5, low=0, high=4, dtype="int32")
MATRIX = A(3, 4, low=0, high=5, dtype="int32")
SPLITS = L([0, 2, 2, 5])
COUNTS = [
    *rows("DenseCountSparseOutput", A(7, low=0, high=4), W, dtypes="int32 int64", **PLAIN),
    *rows("DenseCountSparseOutput", MATRIX, W, label="matrix", **PLAIN),
    *rows(
        "DenseCountSparseOutput",
        MATRIX,
        A(3, 4),
        dtypes="float32 float64 int32",
        label="weights",
        grad=False,
        **PLAIN,
    ),
    *rows("DenseCountSparseOutput", MATRIX, W, label="binary", **{**PLAIN, "binary_output": True}),
    *rows("DenseCountSparseOutput", MATRIX, W, label="min", **{**PLAIN, "minlength": 8}),
    *rows("DenseCountSparseOutput", MATRIX, W, label="max", **{**PLAIN, "maxlength": 3}),
    *rows("DenseCountSparseOutput", MATRIX, W, label="max0", **{**PLAIN, "maxlength": 0}),
    *rows("DenseCountSparseOutput", V([], "int32"), W, label="empty", **PLAIN),
    *rows("DenseCountSparseOutput", V([1, -1], "int32"), W, label="negative", error=BAD, **PLAIN),
    *rows("DenseCountSparseOutput", V([1, 1], "int32"), A(3), label="lengths", error=BAD, **PLAIN),
    *rows("SparseCountSparseOutput", IX, NUMBERS, SHAPE, W, **PLAIN),
    *rows("SparseCountSparseOutput", IX, NUMBERS, SHAPE, A(5), label="weights", **PLAIN),
    *rows("SparseCountSparseOutput", L([[1], [2]]), V([3, 3], "int32"), L([4]), W, label="vector", **PLAIN),
    *rows("RaggedCountSparseOutput", SPLITS, NUMBERS, W, **PLAIN),
    *rows("RaggedCountSparseOutput", SPLITS, NUMBERS, A(5), label="weights", **{**PLAIN, "minlength": 9}),
    *rows("RaggedCountSparseOutput", L([0, 2, 4]), NUMBERS, W, label="splits", error=BAD, **PLAIN),
    *rows("RaggedCountSparseOutput", L([1, 2, 5]), NUMBERS, W, label="start", error=BAD, **PLAIN),
    *(
        row
        for op, source in (("SparseBincount", (IX, NUMBERS, SHAPE)), ("RaggedBincount", (SPLITS, NUMBERS)))
        for row in (
            *rows(op, *source, V(5, "int32"), V([]), dtypes="float32 float64 int32 int64"),
            *rows(op, *source, V(2, "int32"), A(5), dtypes="float32 float64 int32 int64", label="weights"),
            *rows(op, *source, V(5, "int32"), A(5), label="binary", binary_output=True),
            *rows(op, *source, V(-5, "int32"), A(5), label="size", error=BAD),
        )
    ),
    *rows("SparseBincount", L([[1], [2]]), V([3, 3], "int32"), L([4]), V(4, "int32"), W, label="vector"),
    *rows(
        "SparseBincount",
        L([[1], [2]]),
        V([3, -3], "int32"),
        L([4]),
        V(4, "int32"),
        W,
        label="negative",
        error=BAD,
    ),
]

WORDS = V([b"x", b"yy", b"z", b"", b"longer than eight bytes"], "string")
DENSE = L([[5, 6], [7, 8], [0, -1], [3, 1 << 40]])
TEXT = V([[b"a"], [b"b"], [b"c"], [b"d"]], "string")
SALT = (L(1000), V(False, "bool"), L([11, 137]))
STRONG = (L(1000), V(True, "bool"), L([11, 137]))
NO_BUCKETS = (L(0), V(False, "bool"), L([11, 137]))
HASHED = {"hashed_output": True, "hash_key": 956888297470, "out_type": "int64", "internal_type": "int64"}
JOINS = {
    "hashed_output": False,
    "num_buckets": 0,
    "hash_key": 0,
    "out_type": "string",
    "internal_type": "string",
}
CROSSES = [
    *rows("SparseCrossV2", [IX], [WORDS], [SHAPE], [DENSE], V(b"_X_", "string")),
    *rows(
        "SparseCrossV2",
        [IX, IX],
        [WORDS, L([1, 2, 3, 4, 5])],
        [SHAPE, SHAPE],
        [TEXT],
        V(b"-", "string"),
        label="3",
    ),
    *rows("SparseCrossV2", [IX], [WORDS], [SHAPE], [L([[1]])], V(b"", "string"), label="rows", error=BAD),
    *rows("SparseCrossHashed", [IX], [WORDS], [SHAPE], [DENSE], *SALT),
    *rows("SparseCrossHashed", [IX], [WORDS], [SHAPE], [TEXT], *STRONG, label="strong"),
    *rows("SparseCrossHashed", [], [], [], [DENSE, TEXT], *NO_BUCKETS, label="all"),
    *rows("SparseCross", [IX], [WORDS], [SHAPE], [DENSE], num_buckets=100, **HASHED),
    *rows("SparseCross", [IX], [WORDS], [SHAPE], [DENSE], num_buckets=0, label="all", **HASHED),
    *rows("SparseCross", [IX], [WORDS], [SHAPE], [TEXT], label="text", **JOINS),
    *rows(
        "SparseCross",
        [IX],
        [WORDS],
        [SHAPE],
        [TEXT],
        label="text-hashed",
        num_buckets=100,
        **{**HASHED, "internal_type": "string"},
    ),
]

ROWS: list[Row] = [*TO_DENSE, *FILL, *MOVED, *JOINED, *SEGMENTS, *MATH, *COUNTS, *CROSSES]
