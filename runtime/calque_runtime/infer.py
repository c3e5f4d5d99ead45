"""Static shapes of a whole function, by its ops' shape rules.

A function read from a file knows the shapes of its arguments at most. Passes that need more ask here.
"""

from __future__ import annotations

from .constants import constant_value
from .dtypes import resource
from .errors import OpError
from .ir import Function, Library, Node, Value
from .schedule import schedule_nodes
from .shapes import Shape, compatible, concat, merge, relax

__all__ = ["infer_ordered", "infer_shapes"]

# Ops whose output is the very resource that comes in.
_PASS_ON = frozenset({"Identity", "IdentityN"})


def infer_shapes(function: Function, library: Library | None = None) -> None:
    """Fill in the static shapes of `function`'s values as far as the shape rules find them.

    A rule that objects, or that fails over something it has not seen, leaves its shapes unknown: what is
    wrong with such a node comes out when it runs.

    Args:
        function: the function; shapes in it only become more exact.
        library: where the functions it calls are; they are inferred as well. None: what a call gives stays
            unknown.

    Raises:
        InvalidArgumentError: the graph has a cycle.
        NotFoundError: a function it calls is not in the library.
    """
    _infer(function, library, set())


def _infer(function: Function, library: Library | None, seen: set[str]) -> None:
    seen.add(function.name)
    if library is not None:
        for ref in function.calls():
            callee = library.resolve(ref)
            if callee.name not in seen:
                _infer(callee, library, seen)
    for node in schedule_nodes(function.nodes, function.name):
        if node.op.name == "VarHandleOp":
            site = node.site()
            node.outputs[0].handle = (site["dtype"], site["shape"])
        for value, shape in zip(node.outputs, _shapes(node), strict=False):
            _sharpen(value, shape)
        if node.op.name in _PASS_ON:
            for source, value in zip(node.inputs, node.outputs, strict=True):
                value.handle = value.handle or source.handle


def _shapes(node: Node) -> list[Shape]:
    try:
        return node.op.infer_shapes(node.site())
    except (OpError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return []


def _sharpen(value: Value, shape: Shape) -> None:
    if compatible(value.shape, shape):
        value.shape = merge(value.shape, shape)


_LOOPS = frozenset({"While", "StatelessWhile"})
_BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})


def infer_ordered(function: Function) -> None:
    """Fill in the static shapes of an ordered function (`plan.specialize`) and of the functions inside its nodes.

    What runs inside takes the shapes of what it is called with. A loop's state has the shapes that it keeps from one
    round to the next.
    """
    for node in function.nodes:
        name = node.op.name
        if name in _LOOPS:
            _infer_loop(node)
        elif name in _BRANCHES:
            for ref in node.calls():
                if ref.function is not None:
                    _enter(ref.function, node.inputs[1:])
                    infer_ordered(ref.function)
        for value, shape in zip(node.outputs, _shapes(node), strict=False):
            _sharpen(value, shape)
        if name in _PASS_ON:
            for source, value in zip(node.inputs, node.outputs, strict=True):
                value.handle = value.handle or source.handle
        elif name == "TensorListFromTensor" and node.inputs[0].shape:
            node.outputs[0].handle = node.inputs[0].dtype, node.inputs[0].shape[1:]
        elif name == "TensorListStack":
            _sharpen(node.outputs[0], _stacked_shape(node.inputs[0]))
        elif name == "TensorListGetItem" and node.inputs[0].handle is not None:
            _sharpen(node.outputs[0], node.inputs[0].handle[1])


def _stacked_shape(value: Value) -> Shape:
    """The shape of all items of a list as one array, for a list made from one and for one that a loop fills."""
    made = _origin(value)
    node = made.node
    if node.op.name == "TensorListFromTensor":
        return node.inputs[0].shape
    if node.op.name not in _LOOPS or node.attrs["body"].function is None:
        return None
    body: Function = node.attrs["body"].function
    first, after = _origin(node.inputs[made.index]).node, _origin(body.outputs[made.index]).node
    if first.op.name != "TensorListReserve" or after.op.name != "TensorListSetItem":
        return None
    if _origin(after.inputs[0]) is not body.inputs[made.index]:
        return None
    # Where no item was set, stacking says so, or knows the shape by itself.
    resizes = after.attrs.get("resize_if_index_out_of_bounds", False)
    count = None if resizes else constant_value(first.inputs[1])
    return concat([(None if count is None else int(count),), after.inputs[2].shape])


def _enter(function: Function, given: list[Value]) -> None:
    for inner, outer in zip(function.inputs, given, strict=True):
        _sharpen(inner, outer.shape)
        inner.handle = inner.handle or outer.handle


def _infer_loop(node: Node) -> None:
    """The shapes of a loop's state: those it begins with, unknown where a round changes them."""
    condition, body = (node.attrs[name].function for name in ("cond", "body"))
    if condition is None or body is None:
        return
    declared = [v.shape for v in body.inputs]
    state = [v.shape for v in node.inputs]
    for inner, outer, after in zip(body.inputs, node.inputs, body.outputs, strict=True):
        if (
            _origin(after) is inner or outer.dtype is resource
        ):  # a list that rounds change may hold other shapes
            inner.handle = inner.handle or outer.handle
    while True:
        for inner, shape, own in zip(body.inputs, state, declared, strict=True):
            inner.shape = own
            _sharpen(inner, shape)
        infer_ordered(body)
        relaxed = [relax(a, b.shape) for a, b in zip(state, body.outputs, strict=True)]
        if relaxed == state:
            break
        state = relaxed
        _forget(body)
    _enter(condition, body.inputs)
    infer_ordered(condition)
    for value, shape in zip(node.outputs, state, strict=True):
        _sharpen(value, shape)


def _origin(value: Value) -> Value:
    while value.node.op.name == "Identity":
        value = value.node.inputs[0]
    return value


def _forget(function: Function) -> None:
    """Drop what was inferred: it was for a state of other shapes."""
    for node in function.nodes:
        for value in node.outputs:
            value.shape = None
        for ref in node.calls():
            if ref.function is not None:
                for value in ref.function.inputs:
                    value.shape = None
                _forget(ref.function)
