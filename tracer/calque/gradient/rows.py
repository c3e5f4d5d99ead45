"""Gradients of look-ups: some rows of the whole (`IndexedSlices`), which the ops' own rules, for arrays, cannot say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes, ops
from calque_runtime.op import Call
from calque_runtime.ops.common import known_value

from ..indexed_slices import IndexedSlices

__all__ = ["PASS_ON", "rule"]

# Ops whose rules do nothing with a gradient but pass it on: rows stay rows.
PASS_ON = frozenset({"Identity", "IdentityN", "ReadVariableOp", "Snapshot"})

Rule = Callable[[Call, Any], Sequence[Any]]


def rule(call: Call) -> Rule | None:
    """How the gradient of this call becomes rows; None where it does not."""
    kind = call.op.name
    if kind == "Gather":
        return _gather
    if kind == "GatherV2":
        axis = known_value(call.inputs[2])
        return _gather if axis is not None and int(axis) == 0 and call["batch_dims"] == 0 else None
    if kind in ("GatherNd", "ResourceGatherNd"):
        return _gather_nd
    if kind == "ResourceGather" and call["batch_dims"] == 0:
        return _resource_gather
    return None


def _gather(call: Call, g: Any) -> Sequence[Any]:
    params, indices = call.inputs[:2]
    sizes = ops.require("Shape")(params, out_type=dtypes.int32)
    return [_rows(g, indices, sizes), *[None] * (len(call.inputs) - 1)]


def _resource_gather(call: Call, g: Any) -> Sequence[Any]:
    handle, indices = call.inputs
    sizes = ops.require("VariableShape")(handle, out_type=dtypes.int32)
    return [_rows(g, indices, sizes), None]


def _gather_nd(call: Call, g: Any) -> Sequence[Any]:
    """Rows where the positions are row numbers, else the whole."""
    source, indices = call.inputs
    of_variable = call.op.name == "ResourceGatherNd"
    sizes = ops.require("VariableShape" if of_variable else "Shape")(source, out_type=indices.dtype)
    if indices.shape.rank == 2 and indices.shape[-1] == 1:
        return [IndexedSlices(g, ops.require("Squeeze")(indices, squeeze_dims=[-1]), sizes), None]
    return [ops.require("ScatterNd")(indices, g, sizes), None]


def _rows(g: Any, indices: Any, sizes: Any) -> IndexedSlices:
    """The rows `g`, in the shape of `indices` and behind it a row's, as a list of rows."""
    reshape, concat = ops.require("Reshape"), ops.require("ConcatV2")
    one = np.array([-1], np.int32)
    shape = concat([one, _tail(sizes)], np.array(0, np.int32))
    return IndexedSlices(reshape(g, shape), reshape(indices, one), sizes)


def _tail(sizes: Any) -> Any:
    begin, end, step = (np.array([k], np.int32) for k in (1, 0, 1))
    return ops.require("StridedSlice")(sizes, begin, end, step, end_mask=1)
