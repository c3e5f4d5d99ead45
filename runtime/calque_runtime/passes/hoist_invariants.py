"""What is the same in every round of a While is computed once, before it.

before                                          after
  func @body(%i, %x, %w) {                        %t = Transpose(%w, %perm)
    %t = Transpose(%w, %perm)                     %r = While(%i, %x, %w, %t) {body=@body}
    %y = MatMul(%x, %t)                           func @body(%i, %x, %w, %t) {
    return %i, %y, %w                               %y = MatMul(%x, %t)
  }                                                 return %i, %y, %w, %t
  %r = While(%i, %x, %w) {body=@body}             }

Only ops that cannot fail are moved: the loop may have no round at all.
"""

from __future__ import annotations

from ..effects import has_effect
from ..environment import Environment
from ..ir import Function, FunctionRef, Node, Value
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]

LOOPS = frozenset({"While", "StatelessWhile"})
# Pure, cheap to do for nothing, and they never fail on inputs whose shapes fit.
_SAFE = frozenset(
    {
        "Abs", "Add", "AddV2", "BiasAdd", "BroadcastTo", "Cast", "ConcatV2", "Const", "Exp", "ExpandDims", "Fill",
        "Identity", "MatMul", "BatchMatMulV2", "Maximum", "Minimum", "Mul", "Neg", "OnesLike", "Pack", "Rank",
        "RealDiv", "Relu", "Reshape", "Rsqrt", "Shape", "Sigmoid", "Size", "Split", "SplitV", "Sqrt", "Square",
        "Squeeze", "StridedSlice", "Sub", "Tanh", "Transpose", "Unpack", "ZerosLike",
    }
)  # fmt: skip


def run(function: Function, env: Environment) -> bool:
    """Hoist out of the loops of `function`, the innermost first."""
    changed = False
    for one in [*nested(function), function]:
        changed |= rewrite(one, _visit)
    return changed


def _visit(node: Node, builder: Builder) -> list[Value] | None:
    if node.op.name not in LOOPS:
        return None
    condition, body = node.attrs["cond"].function, node.attrs["body"].function
    writes = any(has_effect(n) for f in (condition, body) for n in f.nodes)
    # For each value inside that is the same in every round, the value outside.
    outside = {
        inner: outer
        for inner, outer, after in zip(body.inputs, node.inputs, body.outputs, strict=True)
        if _origin(after) is inner
    }
    same = set(outside)
    fits = []
    for one in body.nodes:
        safe = one.op.name in _SAFE or (one.op.name == "ReadVariableOp" and not writes)
        if safe and all(v in same for v in one.inputs):
            fits.append(one)
            same.update(one.outputs)
    # A constant costs nothing where it is: it is copied for what is moved.
    chosen = [one for one in fits if one.op.name != "Const"]
    if not chosen:
        return None
    read = {v.node for one in chosen for v in one.inputs}
    moved: dict[Node, tuple[Value, ...]] = {}
    for one in fits:
        if one.op.name != "Const" or one in read:
            values = _copy(one, [outside[v] for v in one.inputs], builder)
            outside.update(zip(one.outputs, values, strict=True))
            if one.op.name != "Const":
                moved[one] = values
    return list(_with_inputs(node, moved, builder))[: len(node.outputs)]


def _origin(value: Value) -> Value:
    while value.node.op.name == "Identity":
        value = value.node.inputs[0]
    return value


def _copy(node: Node, inputs: list[Value], builder: Builder) -> tuple[Value, ...]:
    twin = Node(
        node.op,
        builder.function.unique_name(node.name),
        inputs,
        dict(node.attrs),
        [v.dtype for v in node.outputs],
        [v.shape for v in node.outputs],
        node.location,
    )
    for old, new in zip(node.outputs, twin.outputs, strict=True):
        new.handle, new.known = old.handle, old.known
    builder.nodes.append(twin)
    return twin.outputs


def _with_inputs(node: Node, moved: dict[Node, tuple[Value, ...]], builder: Builder) -> tuple[Value, ...]:
    """The loop with what was moved out of its body as further state that no round changes."""
    condition, body = node.attrs["cond"].function, node.attrs["body"].function
    read = {v for one in body.nodes if one not in moved for v in one.inputs} | set(body.outputs)
    inside: dict[Value, Value] = {}
    more: list[Value] = []
    for one, values in moved.items():
        for old, outer in zip(one.outputs, values, strict=True):
            if old not in read:
                continue
            inner = body.add_input(body.unique_name("hoisted"), old.dtype, old.shape)
            condition.add_input(condition.unique_name("hoisted"), old.dtype, old.shape)
            inner.handle = old.handle
            inside[old] = inner
            more.append(outer)
    body.nodes = [one for one in body.nodes if one not in moved]
    for one in body.nodes:
        one.inputs = [inside.get(v, v) for v in one.inputs]
    body.outputs = [inside.get(v, v) for v in body.outputs] + list(inside.values())
    body.output_names += [v.node.name for v in inside.values()]
    inputs = [*node.inputs, *more]
    attrs = {
        **node.attrs,
        "T": tuple(v.dtype for v in inputs),
        "output_shapes": (),
        "cond": FunctionRef(condition.name, condition),
        "body": FunctionRef(body.name, body),
    }
    shapes = [v.shape for v in node.outputs] + [v.shape for v in more]
    twin = Node(
        node.op,
        builder.function.unique_name(node.name),
        inputs,
        attrs,
        [v.dtype for v in inputs],
        shapes,
        node.location,
    )
    builder.nodes.append(twin)
    if node.name in builder.function.control_outputs:
        del builder.function.control_outputs[node.name]
        builder.function.control_outputs[twin.name] = twin
    return twin.outputs
