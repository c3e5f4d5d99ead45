"""References to TF1 variables and tables become resources.

    %w = VariableV2() {shared_name="w"}         %w = VarHandleOp() {shared_name="w"}
    %a = AssignAdd(%w, %x)                      %a = AssignAddVariableOp(%w, %x)
    %y = Mul(%a, %x)                            %r = Identity(%w) ^%a
    return %y                                   %v = ReadVariableOp(%r)
                                                %y = Mul(%v, %x)
                                                return %y

What takes a value gets one that is read when it runs: after what makes the reference, and after its control inputs.
That goes for what takes it through an Identity as well (``w/read``), whose result shares the variable's memory in
TensorFlow:

    count = tf.Variable(0)
    with tf.control_dependencies([tf.assign_add(count, 1)]):
        return tf.identity(count)       # count/read was there before the addition, but the result is 1
"""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes, ops
from calque_runtime.errors import UnimplementedError
from calque_runtime.ir import Function, Node, Value
from calque_runtime.op import Op
from calque_runtime.ops.refs import RESOURCE_FORM
from calque_runtime.signature import Arg

__all__ = ["replace_references"]

_VARIABLES = ("Variable", "VariableV2")


def replace_references(function: Function) -> None:
    """Rewrite `function`, which must be the caller's own, in place.

    Raises:
        UnimplementedError: an op on references has no form on resources.
    """
    if any(node.op.name in RESOURCE_FORM for node in function.nodes):
        _Rewrite(function).run()


class _Rewrite:
    def __init__(self, function: Function) -> None:
        self.function = function
        self.handles: dict[Value, Value] = {}  # from each reference to the resource in its place
        self.values: dict[Value, Value] = {}  # from the other results of replaced nodes to the new ones
        self.nodes: dict[Node, Node] = {}
        self.after: list[tuple[Node, Value]] = []  # what stands for an updated reference, and the reference
        self.reads: dict[Any, Value] = {}

    def run(self) -> None:
        function = self.function
        old = function.nodes
        function.nodes = []
        for node in old:
            if node.op.name in RESOURCE_FORM:
                self._replace(node)
            else:
                function.nodes.append(node)
        for node in old:
            if node.op.name == "Identity" and not node.control and node.inputs[0] in self.handles:
                self.handles[node.outputs[0]] = self.handles[node.inputs[0]]
        for node in old:  # every result has its new form by now; loops need it before the node that makes it
            twin = self.nodes.get(node, node)
            twin.control = [self.nodes.get(one, one) for one in node.control]
            inputs = zip(node.inputs, _is_ref(node.op.signature.inputs, node.attrs), strict=True)
            twin.inputs = [self.handles.get(v, v) if ref else self._value(v, twin) for v, ref in inputs]
        for identity, source in self.after:
            identity.inputs = [self.handles.get(source, source)]
        function.outputs = [self._value(value, None) for value in function.outputs]
        function.control_outputs = {k: self.nodes.get(n, n) for k, n in function.control_outputs.items()}

    def _replace(self, node: Node) -> None:
        kind = RESOURCE_FORM[node.op.name]
        op = ops.find(kind)
        if op is None:
            raise UnimplementedError(
                node.name, node.op.name, f"op {kind} is not supported, which {node.op.name} needs"
            )
        attrs = _attrs_for(node, op)
        refs = _is_ref(node.op.signature.outputs, node.attrs)
        types = [dtypes.resource if ref else v.dtype for v, ref in zip(node.outputs, refs, strict=True)]
        made = op.signature.output_dtypes(attrs)
        twin = Node(op, node.name, [], attrs, made, location=node.location)
        twin.device = node.device
        self.nodes[node] = self.function.add(twin)
        if list(made) == types:
            for value, new in zip(node.outputs, twin.outputs, strict=True):
                (self.handles if new.dtype is dtypes.resource else self.values)[value] = new
            if twin.op.name == "VarHandleOp":
                twin.outputs[0].handle = (attrs["dtype"], attrs["shape"])
        else:  # an update, which gives back the reference it was given
            after = self._add("Identity", node.name, {"T": dtypes.resource}, [dtypes.resource])
            after.control = [twin]
            self.handles[node.outputs[0]] = after.outputs[0]
            self.after.append((after, node.inputs[0]))

    def _value(self, value: Value, user: Node | None) -> Value:
        """What a taker of values gets: of a variable, what it holds when `user` runs."""
        if value not in self.handles:
            return self.values.get(value, value)
        handle = self.handles[value]
        control = () if user is None else tuple(user.control)
        key = (handle, control)
        if key not in self.reads:
            read = self._add("ReadVariableOp", value.node.name, {"dtype": value.dtype}, [value.dtype])
            read.inputs, read.control = [handle], list(control)
            self.reads[key] = read.outputs[0]
        return self.reads[key]

    def _add(self, kind: str, name: str, attrs: dict[str, Any], types: list[dtypes.DType]) -> Node:
        function = self.function
        return function.add(Node(ops.require(kind), function.unique_name(name), [], attrs, types))


def _attrs_for(node: Node, op: Op) -> dict[str, Any]:
    """The attributes of the node on resources."""
    known = op.signature.attrs
    attrs = {k: v for k, v in node.attrs.items() if k in known or k.startswith("_")}
    dtype = node.attrs.get("T", node.attrs.get("dtype"))
    if node.op.name in _VARIABLES:
        attrs.setdefault("shared_name", b"")
        attrs["shared_name"] = attrs["shared_name"] or node.name.encode()
    if "dtype" in known and dtype is not None:
        attrs["dtype"] = dtype
    if "T" in known and node.op.name.startswith("Ref"):
        attrs["T"] = dtypes.resource
    return attrs


def _is_ref(args: tuple[Arg, ...], attrs: dict[str, Any]) -> list[bool]:
    """For each flat input or output: is it a reference?"""
    out: list[bool] = []
    for arg in args:
        count = 1
        if arg.number_attr:
            count = attrs[arg.number_attr]
        elif arg.type_list_attr:
            count = len(attrs[arg.type_list_attr])
        out += [arg.is_ref] * count
    return out
