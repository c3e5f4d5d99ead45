"""Shape rules where shapes and values are only partly known, and the limit on sizes that a graph computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors, ops
from calque_runtime.environment import Environment, Limits
from calque_runtime.op import Site

N = None


class K:
    """An input whose value is known."""

    def __init__(self, value: Any, dtype: str = "int32") -> None:
        self.array = np.array(value, dtype)


class U:
    """An int32 input whose value is not known."""

    def __init__(self, *shape: Any) -> None:
        self.shape = shape


def site(name: str, inputs: list[Any], attrs: dict[str, Any]) -> Site:
    """A use of the op: a K or U for each integer input, the bare shape of each float32 one."""
    op = ops.require(name)
    types = [dtypes.from_numpy(x.array.dtype) if isinstance(x, K) else dtypes.int32 for x in inputs]
    types = [t if isinstance(x, (K, U)) else dtypes.float32 for t, x in zip(types, inputs, strict=True)]
    lists = [arg.is_list for arg in op.signature.inputs]
    grouped: list[Any] = list(types)
    if any(lists):  # one list input, the others single
        at, count = lists.index(True), len(inputs) - len(lists) + 1
        grouped = [*types[:at], types[at : at + count], *types[at + count :]]
    full = op.signature.complete(grouped, attrs)
    shapes = [x.array.shape if isinstance(x, K) else x.shape if isinstance(x, U) else x for x in inputs]
    return Site(op, full, types, shapes, [x.array if isinstance(x, K) else None for x in inputs])


CASES = [
    ("Reshape", [(2, N), K([-1, 3])], {}, [(N, 3)]),
    ("Reshape", [(4, 3), K([2, -1])], {}, [(2, 6)]),
    ("Reshape", [N, K([2, 3])], {}, [(2, 3)]),
    ("Reshape", [N, U(2)], {}, [(N, N)]),
    ("Reshape", [(2, 3), U(N)], {}, [N]),
    ("ExpandDims", [(N, 3), K(-1)], {}, [(N, 3, 1)]),
    ("ExpandDims", [(N, 3), U()], {}, [(N, N, N)]),
    ("Squeeze", [(N, 1)], {"squeeze_dims": [1]}, [(N,)]),
    ("Squeeze", [(N, 1)], {}, [N]),
    ("Transpose", [(N, 3, 4), K([2, 0, 1])], {}, [(4, N, 3)]),
    ("Transpose", [(N, 3), U(2)], {}, [(N, N)]),
    ("Transpose", [N, U(3)], {}, [(N, N, N)]),
    ("ConcatV2", [(N, 3), (2, N), K(0)], {}, [(N, 3)]),
    ("ConcatV2", [(2, N), (N, 4), K(1)], {}, [(2, N)]),
    ("ConcatV2", [(2, 1), (N, 4), K(-1)], {}, [(2, 5)]),
    ("ConcatV2", [N, (2, 3), K(0)], {}, [(N, 3)]),
    ("ConcatV2", [(2, 3), (2, 3), U()], {}, [(N, N)]),
    ("Pack", [(N, 3), (2, N)], {"axis": 1}, [(2, 2, 3)]),
    ("Unpack", [(N, 3)], {"num": 3, "axis": 1}, [(N,)] * 3),
    ("Split", [K(1), (N, 6)], {"num_split": 3}, [(N, 2)] * 3),
    ("SplitV", [(5, N), K([1, -1]), K(0)], {"num_split": 2}, [(1, N), (4, N)]),
    ("SplitV", [(N, 2), K([1, -1]), K(0)], {"num_split": 2}, [(1, 2), (N, 2)]),
    ("Fill", [K([2, 3]), ()], {}, [(2, 3)]),
    ("Fill", [U(2), ()], {}, [(N, N)]),
    ("Range", [K(0), K(7), K(2)], {}, [(4,)]),
    ("Tile", [(N, 3), K([2, 2])], {}, [(N, 6)]),
    ("BroadcastTo", [(N, 1), K([2, 4, 3])], {}, [(2, 4, 3)]),
    ("Pad", [(N, 3), K([[1, 1], [0, 2]])], {}, [(N, 5)]),
    ("Pad", [(N, 3), U(2, 2)], {}, [(N, N)]),
    ("OneHot", [K([0]), K(3), (), ()], {}, [(1, 3)]),
    ("Slice", [(N, 5), K([0, 1]), K([2, -1])], {}, [(2, 4)]),
    ("Slice", [(N, 5), U(2), K([2, -1])], {}, [(2, N)]),
    (
        "StridedSlice",
        [(N, 5, 3), K([0, 1]), K([0, 4]), K([1, 2])],
        {"begin_mask": 1, "end_mask": 1},
        [(N, 2, 3)],
    ),
    ("StridedSlice", [(N, 5), K([-1]), K([0]), K([1])], {"shrink_axis_mask": 1}, [(5,)]),
    ("StridedSlice", [(4, 5), U(1), U(1), K([1])], {}, [(N, 5)]),
    (
        "StridedSlice",
        [(N, 5), K([0, 0]), K([0, 0]), K([1, 1])],
        {"ellipsis_mask": 1, "new_axis_mask": 2},
        [(N, 5, 1)],
    ),
    ("StridedSlice", [N, K([0]), K([1]), K([1])], {}, [N]),
    ("GatherV2", [(N, 4), K([[0, 1]]), K(1)], {}, [(N, 1, 2)]),
    ("GatherV2", [(3, 4), K([[0, 1]]), K(1)], {"batch_dims": 0}, [(3, 1, 2)]),
    ("GatherNd", [(3, N, 2), K([[0, 1]])], {}, [(1, 2)]),
    ("ScatterNd", [K([[0]]), (1, N), K([5, 2])], {}, [(5, 2)]),
    ("BiasAdd", [(N, N), (3,)], {}, [(N, 3)]),
    ("SparseSoftmaxCrossEntropyWithLogits", [(N, 3), K([0, 1])], {}, [(2,), (2, 3)]),
]


@pytest.mark.parametrize(("name", "inputs", "attrs", "want"), CASES)
def test_partly_known(name: str, inputs: list[Any], attrs: dict[str, Any], want: list[Any]) -> None:
    one = site(name, inputs, attrs)
    assert one.op.infer_shapes(one) == want


MISFITS = [
    ("Reshape", [(2, 3), K([4, -1])], {}),
    ("Squeeze", [(N, 3)], {"squeeze_dims": [1]}),
    ("ConcatV2", [(2, 3), (2, 4), K(0)], {}),
    ("ConcatV2", [(2, 3), (3,), K(0)], {}),
    ("Pack", [(2, N), (3, 1)], {}),
    ("BroadcastTo", [(3, N), K([2, 4])], {}),
    ("Slice", [(4, N), K([2, 0]), K([3, 1])], {}),
    ("StridedSlice", [(4, N), K([4]), K([0]), K([1])], {"shrink_axis_mask": 1}),
    ("GatherV2", [(), K([0]), K(0)], {}),
    ("BiasAdd", [(N, 4), (3,)], {}),
]


@pytest.mark.parametrize(("name", "inputs", "attrs"), MISFITS)
def test_misfit_is_found_before_the_run(name: str, inputs: list[Any], attrs: dict[str, Any]) -> None:
    one = site(name, inputs, attrs)
    with pytest.raises(errors.InvalidArgumentError) as info:
        one.op.infer_shapes(one)
    assert info.value.op == name


HUGE = 1 << 20
LARGE = [
    ("Fill", [np.array([HUGE, HUGE], np.int32), np.float32(1)], {}),
    ("Range", [np.array(0, np.int64), np.array(1 << 50, np.int64), np.array(1, np.int64)], {}),
    ("LinSpace", [np.float32(0), np.float32(1), np.array(1 << 50, np.int64)], {}),
    ("BroadcastTo", [np.float32(1), np.array([HUGE, HUGE], np.int32)], {}),
    ("Tile", [np.ones(HUGE, np.float32), np.array([HUGE], np.int32)], {}),
    ("Pad", [np.ones((1, 1), np.float32), np.full((2, 2), HUGE, np.int32)], {}),
    ("PadV2", [np.ones((1, 1), np.float32), np.full((2, 2), HUGE, np.int32), np.float32(0)], {}),
    ("OneHot", [np.zeros(HUGE, np.int32), np.array(HUGE, np.int32), np.float32(1), np.float32(0)], {}),
    (
        "ScatterNd",
        [np.zeros((1, 1), np.int32), np.ones((1, HUGE), np.float32), np.array([HUGE, HUGE], np.int32)],
        {},
    ),
]


@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.parametrize(("name", "arrays", "attrs"), LARGE)
def test_size_is_checked_before_allocation(
    name: str, arrays: list[Any], attrs: dict[str, Any], limited: bool
) -> None:
    op = ops.require(name)
    types = [dtypes.from_numpy(a.dtype) for a in arrays]
    full = op.signature.complete(types, attrs)
    env = Environment(limits=Limits(max_bytes=1 << 16)) if limited else None
    run = op.bind(Site(op, full, types, env=env))
    with pytest.raises(errors.ResourceExhaustedError) as info:
        run(*arrays)
    assert info.value.op == name
