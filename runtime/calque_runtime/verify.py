"""Checks that a function is well formed: names, references, types, attributes, order.

Passes are run between two calls of `verify` in tests, and files are checked with it before they are trusted. A graph
that fails names the node, and shows the lines of text around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .dtypes import DType
from .errors import InvalidArgumentError, OpError
from .ir import ARG, Function, FunctionRef, Library, Node, Value
from .schedule import schedule_nodes
from .signature import MISSING, AttrDef, Signature

__all__ = ["verify", "verify_library"]

_AROUND = 2  # lines shown before and after a wrong one


def verify_library(library: Library) -> None:
    """Check every function of a library, see `verify`."""
    for function in library.values():
        verify(function, library)


def verify(function: Function, library: Library | None = None) -> None:
    """Check one function.

    Names are unique; inputs, control inputs, results and control outputs belong to the function; nothing depends on
    itself; each node's inputs and outputs have the number and types that its op's signature asks for; attributes are
    known, of the right kind and among the values allowed.

    Args:
        function: what to check.
        library: where functions that attributes name must be found; None: references are not followed.

    Raises:
        InvalidArgumentError: something does not hold; the message names the node and shows the lines around it.
    """
    _Verifier(function, library).run()


class _Verifier:
    def __init__(self, function: Function, library: Library | None) -> None:
        self.function = function
        self.library = library
        self.nodes = set(function.nodes)
        self.arguments = set(function.inputs)

    def run(self) -> None:
        self._names()
        for i, value in enumerate(self.function.inputs):
            if value.node.op is not ARG or value.node.attrs.get("index") != i:
                self._fail(None, f"argument {i} is not an argument node with that index: %{value.node.name}")
        for node in self.function.nodes:
            self._references(node)
            self._signature(node)
        for i, value in enumerate(self.function.outputs):
            if not self._is_here(value):
                self._fail(None, f"result {i}, %{value.name}, is no value of the function")
        for name, node in self.function.control_outputs.items():
            if node not in self.nodes:
                self._fail(None, f"control output '{name}', ^{node.name}, is no node of the function")
        names, outputs = self.function.output_names, self.function.outputs
        if names and (len(names) != len(outputs) or len(set(names)) != len(names)):
            self._fail(None, f"there are {len(outputs)} results and the result names {names}")
        try:
            schedule_nodes(self.function.nodes, self.function.name)
        except InvalidArgumentError as e:
            found = self.function.by_name().get(e.node_def or "")
            self._fail(found, e.message)

    def _fail(self, node: Node | None, message: str) -> None:
        where = f"function '{self.function.name}': "
        if node is None:
            raise InvalidArgumentError(None, None, where + message)
        raise InvalidArgumentError(
            node.name, node.op.name, f"{where}node '{node.name}': {message}\n{self._around(node)}"
        )

    def _around(self, node: Node) -> str:
        from .text import print_node

        nodes = self.function.nodes
        at = next(i for i, one in enumerate(nodes) if one is node)
        lines = []
        for one in nodes[max(0, at - _AROUND) : at + _AROUND + 1]:
            try:
                line = print_node(one)
            except Exception:  # what is wrong with it may keep it from being printed
                line = f"%{one.name} = {one.op.name}(...)"
            lines.append(("> " if one is node else "  ") + line)
        return "\n".join(lines)

    def _names(self) -> None:
        seen: dict[str, Node | None] = {}
        for name in self.function.input_names:
            if name in seen:
                self._fail(None, f"two arguments are called '{name}'")
            seen[name] = None
        for node in self.function.nodes:
            if not node.name:
                self._fail(node, "it has no name")
            if node.name in seen:
                self._fail(node, "its name is used twice")
            seen[node.name] = node

    def _is_here(self, value: Value) -> bool:
        if value.node.op is ARG:
            return value in self.arguments
        outputs = value.node.outputs
        return value.node in self.nodes and value.index < len(outputs) and outputs[value.index] is value

    def _references(self, node: Node) -> None:
        if node.op is ARG:
            self._fail(node, "arguments stand in no node list")
        for i, value in enumerate(node.inputs):
            if not self._is_here(value):
                self._fail(node, f"input {i}, %{value.name}, is no value of the function")
        for other in node.control:
            if other not in self.nodes:
                self._fail(node, f"control input ^{other.name} is no node of the function")

    def _signature(self, node: Node) -> None:
        signature = node.op.signature
        for name, value in node.attrs.items():
            self._attr(node, signature, name, value)
        try:
            signature.check(node.attrs)
            wants = signature.input_dtypes(node.attrs), signature.output_dtypes(node.attrs)
        except OpError as e:
            self._fail(node, e.message)
            return
        for name, definition in signature.attrs.items():
            if definition.default is MISSING and name not in node.attrs:
                self._fail(node, f"attribute '{name}' is missing")
        values = node.inputs, node.outputs
        for what, want, have in zip(("input", "output"), wants, values, strict=True):
            if len(want) != len(have):
                self._fail(node, f"{node.op.name} has {len(want)} {what}s here, the node {len(have)}")
            for i, (dtype, value) in enumerate(zip(want, have, strict=True)):
                if dtype.base_dtype is not value.dtype.base_dtype:
                    self._fail(node, f"{what} {i} should be {dtype.name}, but is {value.dtype.name}")

    def _attr(self, node: Node, signature: Signature, name: str, value: Any) -> None:
        definition = signature.attrs.get(name)
        if definition is None:
            if not name.startswith("_"):
                self._fail(node, f"{node.op.name} has no attribute '{name}'")
        elif not _fits(definition, value):
            self._fail(node, f"attribute '{name}' should be of kind {definition.kind}, but is {value!r}")
        if self.library is not None:
            for ref in _references_in(value):
                if ref.name not in self.library:
                    self._fail(
                        node,
                        f"attribute '{name}' names the function '{ref.name}', which is not in the library",
                    )


def _references_in(value: Any) -> Iterator[FunctionRef]:
    if isinstance(value, FunctionRef):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _references_in(one)


def _is_shape(value: Any) -> bool:
    return value is None or (
        isinstance(value, tuple) and all(d is None or (type(d) is int and d >= 0) for d in value)
    )


_KINDS: dict[str, Any] = {
    "int": lambda v: isinstance(v, (int, np.integer)) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, (float, int, np.floating)) and not isinstance(v, bool),
    "bool": lambda v: isinstance(v, (bool, np.bool_)),
    "string": lambda v: isinstance(v, bytes),
    "type": lambda v: isinstance(v, DType),
    "shape": _is_shape,
    "tensor": lambda v: isinstance(v, (np.ndarray, np.generic)),
    "func": lambda v: isinstance(v, FunctionRef),
}


def _fits(definition: AttrDef, value: Any) -> bool:
    """Is the value of the attribute's kind?"""
    if definition.kind.startswith("list("):
        element = _KINDS[definition.kind[5:-1]]
        return isinstance(value, tuple) and all(element(v) for v in value)
    return bool(_KINDS[definition.kind](value))
