"""What running a function or a graph needs: ops, attributes, other functions. NodeDefs are not decoded for it.

A model's signatures are checked by this when it is loaded, so it has to be quick: of equal nodes only one is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from calque_runtime import ops
from calque_runtime.dtypes import DType
from calque_runtime.errors import OpError, UnimplementedError
from calque_runtime.op import Op, Site
from calque_runtime.record import record

from .attrs import decode_attrs
from .graphs import needed_nodes

__all__ = ["Need", "Needs"]

_NO_KERNEL = "it is not supported"
# What a user can do about ops that no runtime but one can run.
_ADVICE = {
    "XlaCallModule": (
        "it holds a program for XLA, which only XLA runs; save the model again as TensorFlow ops: "
        "jax2tf.convert(..., native_serialization=False)"
    )
}
# What runs nothing by itself, or cannot refuse anything.
_PLAIN = frozenset({"Const", "Identity", "NoOp", "Placeholder", "PlaceholderWithDefault"})
_FUNCTIONS = ("func", "list(func)")


@record(frozen=True)
class Need:
    """What is missing for a function or a graph, and what it calls.

    Attributes:
        missing: for each op and the reason why it cannot run, the number of nodes.
        calls: the functions it may call.
    """

    missing: Counter[tuple[str, str]]
    calls: Sequence[str]


class Needs:
    """The needs of one GraphDef and of the functions in its library.

    Args:
        graph_def: the message.
    """

    def __init__(self, graph_def: Any) -> None:
        self._graph = graph_def
        self._functions = {one.signature.name: one for one in graph_def.library.function}
        self._found: dict[str, Need] = {}
        self._problems: dict[Any, str | None] = {}

    def function(self, name: str) -> Need:
        """What the function of that name needs; nothing where there is none."""
        if name not in self._found:
            proto = self._functions.get(name)
            if proto is None:
                return Need(Counter(), ())
            roots = [ref.partition(":")[0] for ref in proto.ret.values()]
            self._found[name] = self._need(
                needed_nodes(proto.node_def, [*roots, *proto.control_ret.values()])
            )
        return self._found[name]

    def graph(self, wanted: Iterable[str], fed: Iterable[str] = ()) -> Need:
        """What some nodes of the top-level graph need.

        Args:
            wanted: names of nodes or of tensors, ``node:index``.
            fed: names of tensors that a caller gives.
        """
        given = set(fed)
        given.update(one.removesuffix(":0") for one in fed)
        roots = [name.partition(":")[0] for name in wanted if name not in given]
        return self._need(needed_nodes(self._graph.node, roots, given))

    def _need(self, protos: Iterable[Any]) -> Need:
        missing: Counter[tuple[str, str]] = Counter()
        calls: dict[str, None] = {}
        for proto in protos:
            kind = proto.op
            if kind in _PLAIN:
                continue
            op = ops.find(kind)
            if op is None and kind in self._functions:
                calls[kind] = None
                continue
            for name in _callees(proto, op):
                calls[name] = None
            problem = _ADVICE.get(kind, _NO_KERNEL) if op is None else self._problem(proto, op)
            if problem is not None:
                missing[kind, problem] += 1
        return Need(missing, tuple(calls))

    def _problem(self, proto: Any, op: Op) -> str | None:
        """Why the node cannot run, as far as its op and its attributes tell; None where nothing speaks against it."""
        if op.kernel is None:
            return None if _is_replaced(op) else _NO_KERNEL
        attr = proto.attr
        key = (op.name, *((name, attr[name].SerializeToString()) for name in sorted(attr) if name[:1] != "_"))
        if key not in self._problems:
            self._problems[key] = _refusal(proto, op)
        return self._problems[key]


def _is_replaced(op: Op) -> bool:
    """Does the op give way to others before a graph runs, and are these there?"""
    from calque_runtime.ops.refs import CONTROL_FLOW, RESOURCE_FORM

    form = RESOURCE_FORM.get(op.name)
    return (
        op.name in CONTROL_FLOW or form in CONTROL_FLOW or (form is not None and ops.find(form) is not None)
    )


def _callees(proto: Any, op: Op | None) -> list[str]:
    if op is None:
        names: Iterable[str] = proto.attr
    elif not op.signature.holds_objects:
        return []
    else:
        names = [
            name
            for name, attr in op.signature.attrs.items()
            if attr.kind in _FUNCTIONS and name in proto.attr
        ]
    out: list[str] = []
    for name in names:
        value = proto.attr[name]
        out += [value.func.name] if value.HasField("func") else [one.name for one in value.list.func]
    return out


def _refusal(proto: Any, op: Op) -> str | None:
    """What keeps the op from running with these attributes: a type that it does not take, or what its kernel says."""
    signature = op.signature
    try:
        attrs = decode_attrs(proto.attr, signature.attrs)
        for name, definition in signature.attrs.items():
            values = attrs.get(name)
            for value in values if isinstance(values, tuple) else (values,):
                if (
                    definition.allowed is not None
                    and isinstance(value, DType)
                    and value.base_dtype not in definition.allowed
                ):
                    return f"{name} is {value.base_dtype.name}"
        op.bind(Site(op, attrs, signature.input_dtypes(attrs)))
    except UnimplementedError as e:
        return e.message
    except OpError:  # a damaged node, or one that needs an environment: what runs it will tell
        pass
    return None
