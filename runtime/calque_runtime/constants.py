"""What is known of a value before the graph runs: constants, and shapes read as values.

Shape rules ask (`Site.const`, `Site.const_shape`) for the shape argument of Reshape, the axis of a reduction and the
like. A value is known if it comes from Const nodes, or from static shapes, through ops on small tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .environment import Environment, Limits
from .ir import Value
from .shapes import Dim, Shape, is_static

__all__ = ["constant_shape", "constant_value"]

_SMALL = 1 << 10  # elements: larger values are data, and folding them here would hold the trace up
_FOLDING = Environment(
    limits=Limits(max_bytes=16 * _SMALL)
)  # what Fill, Range and the like may make meanwhile
# Ops of shape arithmetic: cheap, without effects.
_FOLDABLE = frozenset(
    {
        "Add",
        "AddV2",
        "BroadcastTo",
        "Cast",
        "Concat",
        "ConcatV2",
        "Equal",
        "ExpandDims",
        "Fill",
        "FloorDiv",
        "FloorMod",
        "GatherV2",
        "Greater",
        "GreaterEqual",
        "Identity",
        "Less",
        "LessEqual",
        "LogicalAnd",
        "LogicalNot",
        "LogicalOr",
        "Max",
        "Maximum",
        "Min",
        "Minimum",
        "Mul",
        "Neg",
        "NotEqual",
        "Pack",
        "Prod",
        "Range",
        "RealDiv",
        "Reshape",
        "Select",
        "SelectV2",
        "Slice",
        "Split",
        "Squeeze",
        "StridedSlice",
        "Sub",
        "Sum",
        "Transpose",
        "Unpack",
        "Where",
    }
)


def constant_value(value: Any) -> Any:
    """The array that `value` (a Value, or an array already) always holds, or None where that is not known."""
    if not isinstance(value, Value):
        return value
    return _value(value, {}, 0)


def _value(value: Value, memo: dict[Value, Any], depth: int) -> Any:
    node = value.node
    kind = node.op.name
    if kind == "Const":
        return node.attrs["value"]
    if value.known is not None:
        return value.known
    if value in memo:
        return memo[value]
    found = None
    if kind in ("Shape", "Size", "Rank"):
        found = _from_shape(kind, node)
    elif kind in _FOLDABLE and depth < 64 and _is_small(value.shape):
        found = _fold(value, memo, depth)
    memo[value] = found
    return found


def _is_small(shape: Shape) -> bool:
    return shape is None or (
        is_static(shape) and int(np.prod([d or 0 for d in shape], dtype=object)) <= _SMALL
    )


def _from_shape(kind: str, node: Any) -> Any:
    shape = node.inputs[0].shape
    dtype = np.int32 if kind == "Rank" else node.site()["out_type"].np
    if shape is None:
        return None
    if kind == "Rank":
        return np.array(len(shape), np.int32)
    if not is_static(shape):
        return None
    return np.array(shape if kind == "Shape" else int(np.prod(shape, dtype=np.int64)), dtype)


def _fold(value: Value, memo: dict[Value, Any], depth: int) -> Any:
    arrays = []
    for one in value.node.inputs:
        array = _value(one, memo, depth + 1)
        if array is None or np.size(array) > _SMALL:
            return None
        arrays.append(array)
    op = value.node.op
    try:
        with np.errstate(all="ignore"):
            out = op.bind(value.node.site(_FOLDING))(*arrays)
    except Exception:  # a graph that fails when it runs must not fail while it is traced
        return None
    return out if op.signature.single else out[value.index]


def constant_shape(value: Any) -> Shape:
    """`value`, a vector of sizes, as a static shape: -1 and what is not known are None."""
    known = constant_value(value)
    if known is not None:
        return tuple(None if d < 0 else int(d) for d in np.atleast_1d(known))
    node = value.node
    kind = node.op.name
    if kind == "Shape":
        return node.inputs[0].shape  # type: ignore[no-any-return]
    if kind in ("Identity", "Cast"):
        return constant_shape(node.inputs[0])
    if kind == "Pack" and node.site()["axis"] == 0:
        return tuple(_one_dim(v) for v in node.inputs)
    if kind == "ConcatV2":
        out: tuple[Dim, ...] = ()
        for part in node.inputs[:-1]:
            shape = constant_shape(part)
            if shape is None:
                return None
            out += shape
        return out
    if kind == "StridedSlice":
        return _sliced(node)
    length = value.shape
    return None if length is None or len(length) != 1 or length[0] is None else (None,) * length[0]


def _one_dim(value: Value) -> Dim:
    known = constant_value(value)
    return None if known is None or known < 0 else int(known)


def _sliced(node: Any) -> Shape:
    """``shape[a:b]`` of a partly known shape, where the slice is one plain range."""
    whole = constant_shape(node.inputs[0])
    bounds = [constant_value(v) for v in node.inputs[1:]]
    site = node.site()
    if (
        whole is None
        or any(b is None or len(b) != 1 for b in bounds)
        or site["ellipsis_mask"]
        or site["new_axis_mask"]
    ):
        length = node.outputs[0].shape
        return None if length is None or len(length) != 1 or length[0] is None else (None,) * length[0]
    begin, end, step = (int(b[0]) for b in bounds)
    if site["shrink_axis_mask"]:
        return None
    return whole[
        slice(None if site["begin_mask"] & 1 else begin, None if site["end_mask"] & 1 else end, step)
    ]
