"""Rows of ops/indexing.py, strided.py, scatter.py and search.py."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"
SOME = "float32 float64 int32 string bool bfloat16"  # every way in which elements are held
FEW = "float64 string"


def I(values: object, dtype: str = "int32") -> V:  # noqa: E743
    return V(values, dtype)


def strided(begin: object, end: object, strides: object, x: A | None = None, **more: object) -> list[Row]:
    return list(
        rows("StridedSlice", x or A(4, 5, 3), I(begin), I(end), I(strides), **{"dtypes": FEW, **more})
    )  # type: ignore[arg-type]


SLICES: list[Row] = [
    *rows("Slice", A(3, 4, 2), I([1, 0, 0]), I([2, -1, 1]), dtypes=SOME),
    *rows("Slice", A(), I([]), I([], "int32"), dtypes=FEW, label="scalar"),
    *rows("Slice", A(3), I([3], "int64"), I([-1], "int64"), dtypes=FEW, label="empty"),
    *rows("Slice", A(3), I([2]), I([2]), label="size", error=BAD),
    *rows("Slice", A(3), I([4]), I([-1]), label="begin", error=BAD),
    *rows("Slice", A(3), I([-1]), I([1]), label="negative", error=BAD),
    *rows("Slice", A(3), I([0]), I([-2]), label="negative_size", error=BAD),
    *rows("Slice", A(3), I([0, 0]), I([1, 1]), label="rank", error=BAD),
    *strided([0, 1, 0], [4, 4, 3], [2, 1, 1], dtypes=SOME),
    *strided([3, -1, 0], [0, 0, 3], [-1, -2, 2], label="negative"),
    *strided([-100], [100], [3], label="clamped"),
    *strided([100], [-100], [-3], label="clamped_back"),
    *strided([3], [1], [1], label="empty"),
    *strided([1, 2], [0, 0], [1, 1], shrink_axis_mask=3, label="single"),
    *strided([-1, -2, -3], [0, 0, 0], [1, 1, 1], shrink_axis_mask=7, label="element"),
    *strided([1, 1], [3, 3], [1, 1], begin_mask=1, end_mask=2, label="open"),
    *strided([3, 1], [3, 3], [-1, 1], begin_mask=1, end_mask=1, label="open_back"),
    *strided([0, 1], [0, 2], [1, 1], ellipsis_mask=1, label="ellipsis_first"),
    *strided([1, 0, 1], [2, 0, 3], [1, 1, 1], ellipsis_mask=2, label="ellipsis_middle"),
    *strided([1, 1, 0, 0], [2, 2, 0, 3], [1, 1, 1, 1], ellipsis_mask=4, label="ellipsis_nothing"),
    *strided([0, 1, 0], [0, 2, 0], [1, 1, 1], new_axis_mask=5, label="new_axes"),
    *strided(
        [0, 0, 1],
        [0, 0, 2],
        [1, 1, 1],
        ellipsis_mask=1,
        new_axis_mask=2,
        shrink_axis_mask=4,
        label="all_masks",
    ),
    *strided([0, 0, 0], [0, 0, 2], [1, 1, 1], ellipsis_mask=2, new_axis_mask=1, label="new_ellipsis"),
    *strided([0, 0], [1, 1], [1, 1], new_axis_mask=1, shrink_axis_mask=1, label="new_wins"),
    *strided([3], [4], [1], begin_mask=1, shrink_axis_mask=1, x=A(6), label="single_masked"),
    *strided([], [], [], label="nothing"),
    *strided([0], [1], [1], x=A(), new_axis_mask=1, label="scalar_new"),
    *strided([0], [0], [1], x=A(), ellipsis_mask=1, label="scalar_all"),
    *rows(
        "StridedSlice", A(4, 5), I([1], "int64"), I([3], "int64"), I([1], "int64"), dtypes=FEW, label="int64"
    ),
    *strided([0], [2], [0], dtypes="float32", label="stride0", error=BAD),
    *strided([4], [5], [1], dtypes="float32", shrink_axis_mask=1, label="bounds", error=BAD),
    *strided([2], [1], [-1], dtypes="float32", shrink_axis_mask=1, label="back_single", error=BAD),
    *strided([0] * 4, [1] * 4, [1] * 4, dtypes="float32", label="rank", error=BAD),
    *strided([0, 0], [1, 1], [1, 1], dtypes="float32", ellipsis_mask=3, label="ellipses", error=BAD),
    *strided([0, 0], [1], [1], dtypes="float32", label="lengths", error=BAD),
    *rows(
        "StridedSliceGrad",
        I([4, 5]),
        I([0, 1]),
        I([4, 0]),
        I([2, 1]),
        A(2),
        shrink_axis_mask=2,
        dtypes="float64 bfloat16",
    ),
    *rows("StridedSliceGrad", I([4]), I([0]), I([4]), I([2]), A(3), label="shape", error=BAD),
    *rows("TensorStridedSliceUpdate", A(4, 5), I([0, 1]), I([4, 4]), I([2, 1]), A(2, 3), dtypes=SOME),
    *rows("TensorStridedSliceUpdate", A(4), I([0]), I([4]), I([2]), A(3), label="shape", error=BAD),
]

GATHER: list[Row] = [
    *rows("Gather", A(4, 3), I([[0, 3], [1, 1]]), dtypes=SOME),
    *rows("Gather", A(4), I(2, "int64"), dtypes=FEW, label="scalar"),
    *rows("Gather", A(4), I([4]), label="range", error=BAD),
    *rows("GatherV2", A(4, 3), I([0, 3, 0]), I(0), dtypes=SOME),
    *rows("GatherV2", A(2, 4, 3), I([[0, 3], [1, 1]], "int64"), I(1), dtypes=FEW, label="middle"),
    *rows("GatherV2", A(2, 4, 3), I([2, 0]), I(-1, "int64"), dtypes=FEW, label="negative_axis"),
    *rows("GatherV2", A(4, 3), I(1), I(1), dtypes=FEW, label="scalar"),
    *rows("GatherV2", A(4), I(1), I(0), dtypes=FEW, label="element"),
    *rows("GatherV2", A(4, 3), I([[]], "int32"), I(0), dtypes=FEW, label="empty"),
    *rows("GatherV2", A(0, 3), I([], "int32"), I(0), dtypes=FEW, label="from_empty"),
    *rows("GatherV2", A(4, 3), I([1, 0], "int16"), I(0), dtypes="float32", label="int16"),
    *rows("GatherV2", A(2, 4, 3), I([[0, 3, 1], [1, 1, 2]]), I(1), batch_dims=1, dtypes=FEW, label="batch"),
    *rows(
        "GatherV2", A(2, 3, 4, 2), I([[[0, 1]], [[1, 0]]]), I(3), batch_dims=1, dtypes=FEW, label="batch_far"
    ),
    *rows("GatherV2", A(2, 3, 4), I([[1, 0, 3], [2, 2, 2]]), I(2), batch_dims=2, dtypes=FEW, label="batch2"),
    *rows("GatherV2", A(2, 4), I([[0], [3]]), I(-1), batch_dims=-1, dtypes=FEW, label="negative_batch"),
    *rows("GatherV2", A(3), I([5]), I(0), label="range", error=BAD),
    *rows("GatherV2", A(3), I(-1), I(0), label="negative", error=BAD),
    *rows("GatherV2", A(2, 4), I([[0], [4]]), I(1), batch_dims=1, label="batch_range", error=BAD),
    *rows("GatherV2", A(2, 4), I([[0]]), I(1), batch_dims=1, label="batch_size", error=BAD),
    *rows("GatherV2", A(2, 4), I(0), I(2), label="axis", error=BAD),
    *rows("GatherV2", A(), I(0), I(0), label="scalar_params", error=BAD),
    *rows("GatherNd", A(3, 4), I([[0, 1], [2, 3]]), dtypes=SOME),
    *rows("GatherNd", A(3, 4, 2), I([[[0, 1]], [[2, 3]]], "int64"), dtypes=FEW, label="slices"),
    *rows("GatherNd", A(3, 2), I([1]), dtypes=FEW, label="one", grad=False),
    *rows("GatherNd", A(3, 2), I([1, 1]), dtypes=FEW, label="element", grad=False),
    *rows("GatherNd", A(3, 2), I([[], []], "int32"), dtypes=FEW, label="whole", grad=False),
    *rows(
        "GatherNd",
        A(3),
        I([[0], [5]]),
        bad_indices_policy="IGNORE",
        dtypes="float64",
        label="ignore",
        grad=False,
    ),
    *rows("GatherNd", A(3), I([[0], [5]]), label="range", error=BAD),
    *rows("GatherNd", A(3), I([[0, 0]]), label="depth", error=BAD),
]

_AT = I([[4], [1], [4]])
SCATTER: list[Row] = [
    *rows("ScatterNd", _AT, A(3), I([6]), dtypes="float32 float64 int32 string bool bfloat16 complex64"),
    *rows(
        "ScatterNd",
        I([[0, 1], [0, 1]], "int64"),
        A(2, 3),
        I([2, 2, 3], "int64"),
        dtypes="float64",
        label="slices",
    ),
    *rows("ScatterNd", I([4, 1, 4]), A(3), I([6]), dtypes="float64", label="vector", error=BAD),
    *rows(
        "ScatterNd",
        I([[0], [7]]),
        A(2),
        I([3]),
        bad_indices_policy="IGNORE",
        dtypes="float64",
        label="ignore",
        grad=False,
    ),
    *rows("ScatterNd", I([[0], [5]]), A(2), I([3]), label="range", error=BAD),
    *rows("ScatterNd", I([[0], [1]]), A(3), I([3]), label="mismatch", error=BAD),
    *rows("ScatterNd", I([[0], [1]]), A(), I([3]), label="scalar", error=BAD),
    *rows("TensorScatterUpdate", A(6), I([[4], [1]]), A(2), dtypes=SOME),
    *rows(
        "TensorScatterUpdate", A(3, 4, 2), I([[0, 1], [2, 3]], "int64"), A(2, 2), dtypes=FEW, label="slices"
    ),
    *rows("TensorScatterUpdate", A(6), _AT, A(3), dtypes="float32 string", label="twice"),
    *rows("TensorScatterUpdate", A(6, 2), I([4, 1]), A(2, 2), dtypes="float64", label="vector", error=BAD),
    *rows("TensorScatterUpdate", A(3), I([[3]]), A(1), label="range", error=BAD),
    *rows("TensorScatterUpdate", A(3), I([[1]]), A(), label="scalar", error=BAD),
    *rows("TensorScatterAdd", A(6), _AT, A(3), dtypes="float32 float64 int32 bfloat16 complex64"),
    *rows("TensorScatterAdd", A(3), I([[0, 1]]), A(1), label="depth", error=BAD),
    *rows("TensorScatterSub", A(6), _AT, A(3), dtypes="float32 float64 int32 bfloat16"),
    *rows("TensorScatterMax", A(6), _AT, A(3), dtypes="float32 float64 int32 bfloat16"),
    *rows(
        "TensorScatterMax",
        V([1.0, 2.0, 2.0]),
        I([[0], [1], [1]]),
        V([3.0, 2.0, 2.0]),
        dtypes="float64",
        label="ties",
    ),
    *rows("TensorScatterMax", V([1.0, 2.0]), I([[0], [1]]), V([float("nan"), 3.0]), label="nan"),
    *rows("TensorScatterMin", A(6), _AT, A(3), dtypes="float32 float64 int32 bfloat16"),
    *rows("ScatterNdNonAliasingAdd", A(6), _AT, A(3), dtypes="float32 float64 int32 bool"),
    *rows(
        "DynamicStitch",
        [I([0, 4]), I([2])],
        [A(2), A(1)],
        dtypes=f"{SOME} complex64",
        label="gaps",
        grad=False,
    ),
    *rows("DynamicStitch", [I([0, 1]), I([1, 2])], [A(2), A(2)], dtypes=FEW, label="twice"),
    *rows("DynamicStitch", [I(0), I([[1, 2], [3, 4]])], [A(2), A(2, 2, 2)], dtypes=FEW, label="ranks"),
    *rows("DynamicStitch", [I([], "int32")], [A(0, 3)], dtypes=FEW, label="empty"),
    *rows("DynamicStitch", [I([0, -1])], [A(2)], label="negative", error=BAD),
    *rows("DynamicStitch", [I([0, 1]), I([2])], [A(2), A(1, 1)], label="mismatch", error=BAD),
    *rows("ParallelDynamicStitch", [I([0, 3]), I([2, 1])], [A(2, 2), A(2, 2)], dtypes=FEW),
    *rows("DynamicPartition", A(4, 2), I([2, 0, 2, 1]), num_partitions=4, dtypes=SOME),
    *rows("DynamicPartition", A(2, 2), I([[1, 0], [0, 1]]), num_partitions=2, dtypes=FEW, label="matrix"),
    *rows("DynamicPartition", A(3), I(1), num_partitions=2, dtypes=FEW, label="scalar"),
    *rows("DynamicPartition", A(3), I([0, 1, 5]), num_partitions=2, label="range", error=BAD),
    *rows("DynamicPartition", A(3), I([0, 1]), num_partitions=2, label="mismatch", error=BAD),
]

_ROWS2 = [[1, 2], [1, 2], [0, 1], [1, 2]]
SEARCH: list[Row] = [
    *rows("OneHot", I([0, 5, -1, 2]), I(3), A(), A(), dtypes=SOME),
    *rows("OneHot", I([[0, 1], [2, 0]], "int64"), I(3), A(), A(), axis=1, dtypes=FEW, label="middle"),
    *rows("OneHot", I(1, "uint8"), I(3), A(), A(), axis=0, dtypes="float32", label="scalar"),
    *rows("OneHot", I([0, 1]), I(0), A(), A(), label="none"),
    *rows("OneHot", I([0]), I(-1), A(), A(), label="negative", error=BAD),
    *rows("OneHot", I([0]), I(2), A(), A(), axis=2, label="axis", error=BAD),
    *rows("Where", A(3, 4), dtypes="float32 float64 int8 bool complex64"),
    *rows("Where", V([0.0, float("nan"), 2.0, -0.0]), label="nan"),
    *rows("Where", A(0, 2), dtypes="bool", label="empty"),
    *rows("Where", A(), dtypes="bool", label="scalar", error=BAD),
    *rows(
        "LowerBound",
        V([[1, 3, 3, 5], [0, 0, 1, 2]]),
        V([[0, 3, 9], [0, 1, 2]]),
        dtypes="float32 float64 int32 int64",
    ),
    *rows("LowerBound", V([[1.0, 3.0]]), V([[float("nan"), 2.0]]), out_type="int64", label="nan"),
    *rows("LowerBound", V([1.0]), V([1.0]), label="rank", error=BAD),
    *rows(
        "UpperBound",
        V([[1, 3, 3, 5], [0, 0, 1, 2]]),
        V([[0, 3, 9], [0, 1, 2]]),
        dtypes="float32 float64 int32 int64",
    ),
    *rows("UpperBound", V([[1.0, 3.0]]), V([[float("nan"), 2.0]]), label="nan"),
    *rows("Unique", A(12), dtypes="float32 float64 float16 bfloat16 int32 int64 uint8 string bool"),
    *rows("Unique", V([float("nan"), 1.0, float("nan"), 0.0, -0.0]), label="nan"),
    *rows("Unique", A(0), out_idx="int64", dtypes="float32 string", label="empty"),
    *rows("Unique", A(2, 2), label="rank", error=BAD),
    *rows("UniqueV2", V(_ROWS2), I([0], "int64"), dtypes="float32 int32"),
    *rows("UniqueV2", A(5), I([], "int64"), dtypes="int32 string", label="vector"),
    *rows("UniqueV2", A(1, 4), I([-1]), dtypes="int32 string", label="last"),
    *rows("UniqueV2", A(3, 0), I([0]), label="empty"),
    *rows("UniqueV2", A(2, 2), I([], "int64"), label="rank", error=BAD),
    *rows("UniqueV2", A(2), I(0), label="axis", error=BAD),
    *rows("UniqueWithCounts", A(12), dtypes="float32 int32 string"),
    *rows("UniqueWithCountsV2", V(_ROWS2), I([0]), dtypes="float32 int32"),
    *rows("ListDiff", A(8), V([1, 2]), dtypes="float32 int32 int64 bfloat16"),
    *rows("ListDiff", A(8), V([b"a", b""]), out_idx="int64", dtypes="string"),
    *rows("ListDiff", A(0), A(2), dtypes="float32 string", label="empty"),
    *rows("ListDiff", A(1, 1), A(2), label="rank", error=BAD),
    *rows(
        "Bucketize",
        V([[-1, 0, 5], [10, 11, 3]]),
        boundaries=[0.0, 3.0, 10.0],
        dtypes="float32 float64 int32 int64",
    ),
    *rows("Bucketize", V([float("nan")]), boundaries=[0.0, 10.0], label="nan"),
    *rows("Bucketize", V(0.5), boundaries=[], label="scalar"),
    *rows("Bucketize", A(1), boundaries=[1.0, 0.0], label="unsorted", error=BAD),
]

ROWS: list[Row] = SLICES + GATHER + SCATTER + SEARCH
