"""Reads the text form of functions (`text` describes it)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .dtypes import DType
from .errors import InvalidArgumentError, OpError
from .ir import Function, FunctionRef, Node, Value
from .op import Op
from .shapes import Shape, known_size
from .signature import MISSING
from .text import implied_attrs

__all__ = ["Parser"]

_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_NAME = re.compile(r"[A-Za-z0-9_.][\w./\->$]*", re.A)
_WORD = re.compile(r"[A-Za-z_][\w.]*", re.A)
_NUMBER = re.compile(r"[+-]?(?:inf|nan|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))")
_ESCAPES = {"n": 10, "t": 9, "r": 13, "\\": 92, '"': 34, "'": 39, "0": 0}

Reference = tuple[str, int, int]  # node, output, place in the text


class Parser:
    """A position in a text."""

    def __init__(self, text: str, lookup: Callable[[str], Op] | None = None) -> None:
        self.text = text
        self.at = 0
        self._lookup = lookup
        self._skip()

    # Characters.

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = self.at if match is None else match.end()

    def _error(self, message: str, at: int | None = None) -> InvalidArgumentError:
        at = self.at if at is None else at
        line = self.text.count("\n", 0, at) + 1
        shown = self.text.splitlines()[line - 1].strip() if self.text.strip() and at < len(self.text) else ""
        return InvalidArgumentError(None, None, f"line {line}: {message}" + (f"\n  {shown}" if shown else ""))

    def _peek(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def _take(self, token: str) -> bool:
        if not self._peek(token):
            return False
        self.at += len(token)
        self._skip()
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._error(f"expected '{token}'")

    def _match(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise self._error(f"expected {what}")
        self.at = match.end()
        self._skip()
        return match[0]

    def _keyword(self, word: str) -> bool:
        match = _WORD.match(self.text, self.at)
        return match is not None and match[0] == word and self._take(word)

    def at_end(self) -> bool:
        """Is there nothing left?"""
        return self.at >= len(self.text)

    def expect_end(self) -> None:
        """Raise unless there is nothing left."""
        if not self.at_end():
            raise self._error("expected the end of the text")

    def _bytes(self) -> bytes:
        quoted = self._match(_STRING, "a string")[1:-1]
        out = bytearray()
        at = 0
        for match in _ESCAPE.finditer(quoted):
            out += quoted[at : match.start()].encode()
            if match[1] is None and match[2] not in _ESCAPES:
                raise self._error(f"no such escape: {match[0]}")
            out.append(int(match[1], 16) if match[1] is not None else _ESCAPES[match[2]])
            at = match.end()
        return bytes(out + quoted[at:].encode())

    def _name(self, pattern: re.Pattern[str] = _NAME) -> str:
        """A name, plain or in quotes."""
        if self._peek('"'):
            return self._bytes().decode(errors="surrogateescape")
        return self._match(pattern, "a name")

    def _list(self, opening: str, item: Callable[[], Any], closing: str) -> list[Any]:
        self._expect(opening)
        out: list[Any] = []
        while not self._take(closing):
            if out:
                self._expect(",")
            out.append(item())
        return out

    # Types and values.

    def _shape(self) -> Shape:
        if not self._peek("["):
            return None
        return tuple(self._list("[", self._dim, "]"))

    def _dim(self) -> int | None:
        return None if self._take("?") else int(self._match(re.compile(r"\d+"), "a size"))

    def _dtype(self) -> DType:
        at = self.at
        word = self._match(_WORD, "a type")
        found = _dtype_named(word)
        if found is None:
            raise self._error(f"there is no type '{word}'", at)
        return found

    def _type(self) -> tuple[DType, Shape, tuple[DType, Shape] | None]:
        dtype, shape = self._dtype(), self._shape()
        handle = None
        if self._take("<"):
            handle = self._dtype(), self._shape()
            self._expect(">")
        return dtype, shape, handle

    def _attrs(self) -> dict[str, Any]:
        """``{name=value, ...}``, or nothing."""
        if not self._peek("{"):
            return {}
        return dict(self._list("{", self._named_attr, "}"))

    def _named_attr(self) -> tuple[str, Any]:
        name = self._name(_WORD)
        self._expect("=")
        return name, self._attr()

    def _attr(self) -> Any:
        if self._take("?"):
            return None
        if self._peek('"'):
            return self._bytes()
        if self._take("@"):
            return FunctionRef(self._name(), None, self._attrs())
        if self._peek("["):
            return tuple(self._list("[", self._attr, "]"))
        number = _NUMBER.match(self.text, self.at)
        if number is not None:
            return _number(self._match(_NUMBER, "a number"))
        at = self.at
        word = self._match(_WORD, "a value")
        if word in ("true", "false"):
            return word == "true"
        if word == "tensor":
            return self._tensor()[0]
        if word in ("shape", "undeclared"):
            return self._undeclared(word)
        dtype = _dtype_named(word)
        if dtype is None:
            raise self._error(f"'{word}' is no value of an attribute", at)
        return dtype

    def _undeclared(self, word: str) -> Any:
        from .wire.attrs import Undeclared

        if word == "shape":
            return Undeclared("shape", None if self._take("?") else self._shape())
        self._expect("tensor")
        return Undeclared("tensor", *self._tensor())

    def _tensor(self) -> tuple[Any, DType]:
        at = self.at
        self._expect("<")
        dtype, shape = self._dtype(), self._shape()
        self._expect(">")
        if shape is None or None in shape:
            raise self._error("the shape of a tensor must be known", at)
        if self._peek("..."):
            raise self._error(
                "this tensor was shortened when it was printed; print it in full to read it back", at
            )
        flat: list[Any] = []
        self._elements(flat, dtype)
        if len(flat) != known_size(shape):
            raise self._error(f"a tensor of this shape has not {len(flat)} elements", at)
        out = np.empty(len(flat), dtype.np)
        try:
            out[:] = flat
        except (ValueError, OverflowError, TypeError) as e:
            raise self._error(f"not a tensor of {dtype.name}: {e}", at) from None
        return out.reshape([d for d in shape if d is not None]), dtype

    def _elements(self, flat: list[Any], dtype: DType) -> None:
        if self._peek("["):
            self._list("[", lambda: self._elements(flat, dtype), "]")
        elif dtype.kind == "s":
            flat.append(self._bytes())
        elif dtype.kind == "c":
            parts = self._list("(", lambda: float(self._match(_NUMBER, "a number")), ")")
            if len(parts) != 2:
                raise self._error("a complex number has two parts")
            flat.append(complex(*parts))
        elif dtype.kind == "b":
            flat.append(self._match(re.compile("true|false"), "true or false") == "true")
        else:
            at = self.at
            number = _number(self._match(_NUMBER, "a number"))
            if dtype.is_integer and (isinstance(number, float) or not dtype.min <= number <= dtype.max):
                raise self._error(f"{number} is no {dtype.name}", at)
            flat.append(float(number) if dtype.is_floating else number)

    # Functions.

    def function(self) -> Function:
        """The function that starts here."""
        stateful = self._keyword("stateful")
        if not self._keyword("func"):
            raise self._error("expected 'func'")
        self._expect("@")
        function = Function(self._name())
        function.stateful = stateful
        values: dict[str, Node] = {}
        for name, (dtype, shape, handle), attrs in self._list("(", self._argument, ")"):
            value = function.add_input(self._new(function, name, values), dtype, shape)
            value.handle = handle
            values[name] = value.node
            if attrs:
                function.arg_attrs[len(function.inputs) - 1] = attrs
        self._expect("->")
        function.output_names = [name for name in self._list("(", self._result, ")") if name is not None]
        if self._keyword("attributes"):
            function.attrs = self._attrs()
        self._expect("{")
        body = []
        while self._peek("%"):
            body.append(self._node(function, values))
        for node, inputs, control in body:
            node.inputs = [self._resolve(r, values) for r in inputs]
            node.control = [self._node_named(r, values) for r in control]
            types = [v.dtype for v in node.inputs], [v.dtype for v in node.outputs]
            signature = node.op.signature
            defaults = {n: d.default for n, d in signature.attrs.items() if d.default is not MISSING}
            node.attrs = {**defaults, **implied_attrs(signature, *types, node.attrs), **node.attrs}
        self._return(function, values)
        self._expect("}")
        return function

    def _new(self, function: Function, name: str, values: dict[str, Node]) -> str:
        if name in values or function.unique_name(name) != name:
            raise self._error(f"the name '{name}' is used twice")
        return name

    def _argument(self) -> tuple[str, Any, dict[str, Any]]:
        self._expect("%")
        name = self._name()
        self._expect(":")
        return name, self._type(), self._attrs()

    def _result(self) -> str | None:
        """The result's name, where it has one; its type is that of the value."""
        at = self.at
        name = self._name(_WORD)
        if self._take(":"):
            self._type()
            return name
        self.at = at
        self._type()
        return None

    def _node(
        self, function: Function, values: dict[str, Node]
    ) -> tuple[Node, list[Reference], list[Reference]]:
        self._expect("%")
        name = self._new(function, self._name(), values)
        self._expect("=")
        at = self.at
        op = self._op(self._name(_WORD), name, at)
        inputs = self._list("(", self._reference, ")")
        attrs = self._attrs()
        types = []
        if self._take(":"):
            types.append(self._type())
            while self._take(","):
                types.append(self._type())
        node = Node(op, name, [], attrs, [t[0] for t in types], [t[1] for t in types])
        for value, (_, _, handle) in zip(node.outputs, types, strict=True):
            value.handle = handle
        control = []
        while self._peek("^"):
            at = self.at
            self._expect("^")
            control.append((self._name(), 0, at))
        if self._keyword("on"):
            node.device = self._bytes().decode(errors="replace")
        values[name] = function.add(node)
        return node, inputs, control

    def _op(self, kind: str, name: str, at: int) -> Op:
        from .ops import require

        try:
            return require(kind, name) if self._lookup is None else self._lookup(kind)
        except OpError as e:
            raise type(e)(name, kind, self._error(e.message, at).message) from None

    def _reference(self) -> Reference:
        at = self.at
        self._expect("%")
        name = self._name()
        index = int(self._match(re.compile(r"\d+"), "the number of an output")) if self._take(":") else 0
        return name, index, at

    def _node_named(self, reference: Reference, values: dict[str, Node]) -> Node:
        name, _, at = reference
        if name not in values:
            raise self._error(f"there is no '%{name}'", at)
        return values[name]

    def _resolve(self, reference: Reference, values: dict[str, Node]) -> Value:
        node = self._node_named(reference, values)
        _, index, at = reference
        if index >= len(node.outputs):
            raise self._error(f"'%{node.name}' has {len(node.outputs)} outputs, no output {index}", at)
        return node.outputs[index]

    def _return(self, function: Function, values: dict[str, Node]) -> None:
        if not self._keyword("return"):
            raise self._error("expected a node or 'return'")
        if self._peek("%"):
            function.outputs.append(self._resolve(self._reference(), values))
            while self._take(","):
                function.outputs.append(self._resolve(self._reference(), values))
        if function.output_names and len(function.output_names) != len(function.outputs):
            raise self._error(
                f"{len(function.outputs)} results, but {len(function.output_names)} are named above"
            )
        while self._peek("^"):
            at = self.at
            self._expect("^")
            alias = self._name()
            target: Reference = (alias, 0, at)
            if self._take("="):
                target = self._reference()
            function.control_outputs[alias] = self._node_named(target, values)


def _number(text: str) -> int | float:
    return float(text) if text.lstrip("+-") in ("inf", "nan") or any(c in text for c in ".eE") else int(text)


def _dtype_named(word: str) -> DType | None:
    found = getattr(dtypes, word.removesuffix("_ref"), None)
    if not isinstance(found, DType):
        return None
    return dtypes.as_dtype(word)
