"""Op signatures: the arguments, outputs and attributes of an op type, in TensorFlow's own notation.

An op is declared by one line in the form in which TensorFlow's registry prints it:

    MatMul(a: T, b: T) -> (product: T) | T: type in numeric; transpose_a: bool=false; transpose_b: bool=false

``N*T`` is N tensors of type T, ``list(T)`` one tensor for each entry of the type list T, ``Ref(T)`` a TF1
reference. Attributes without ``=`` are mandatory, unless an input determines them. After a second ``|`` stand
flags: ``stateful``, ``commutative``, ``aggregate``. The sets of types that many ops share have names (`TYPE_SETS`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

from .dtypes import DType, as_dtype
from .errors import InternalError, InvalidArgumentError
from .record import record

__all__ = [
    "Arg",
    "AttrDef",
    "MISSING",
    "Signature",
    "TYPE_SETS",
    "parse",
]

_FLOATS = "bfloat16 half float double"
_SIGNED = "int8 int16 int32 int64"
_UNSIGNED = "uint8 uint16 uint32 uint64"
_COMPLEX = "complex64 complex128"
TYPE_SETS = {
    "floats": _FLOATS,
    "ints": f"{_SIGNED} {_UNSIGNED}",
    "real": f"{_FLOATS} {_SIGNED} {_UNSIGNED}",
    "complexes": _COMPLEX,
    "floatcomplex": f"{_FLOATS} {_COMPLEX}",
    "numeric": f"{_FLOATS} {_SIGNED} {_UNSIGNED} {_COMPLEX}",
    "index": "int32 int64",
}


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()

_MOST_TENSORS = 1 << 20  # of one argument: more than any node has, few enough to make a list of


@record(frozen=True)
class Arg:
    """One input or output argument.

    Attributes:
        name: its name in the OpDef.
        dtype: its type where that is fixed, else None.
        type_attr: the attribute that holds its type ("T"), or "".
        number_attr: the attribute that holds how many tensors it stands for ("N"), or "".
        type_list_attr: the attribute that lists the types of its tensors, or "".
        is_ref: is it a TF1 reference?
    """

    name: str
    dtype: DType | None = None
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""
    is_ref: bool = False

    @cached_property
    def is_list(self) -> bool:
        """Does it stand for a list of tensors?"""
        return bool(self.number_attr or self.type_list_attr)


@record(frozen=True)
class AttrDef:
    """One attribute: its kind ("type", "int", "list(shape)", ...), default (or MISSING) and allowed values."""

    name: str
    kind: str
    default: Any = MISSING
    allowed: tuple[Any, ...] | None = None
    minimum: int | None = None


@record(frozen=True)
class Signature:
    """What an op type takes and gives."""

    name: str
    inputs: tuple[Arg, ...]
    outputs: tuple[Arg, ...]
    attrs: dict[str, AttrDef]
    stateful: bool = False
    commutative: bool = False
    aggregate: bool = False

    @cached_property
    def single(self) -> bool:
        """Is there exactly one output argument, and is it no list? Then kernels return it bare."""
        return len(self.outputs) == 1 and not self.outputs[0].is_list

    @cached_property
    def takes_lists(self) -> bool:
        """Does an input stand for a list of tensors?"""
        return any(arg.is_list for arg in self.inputs)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The attributes without a default."""
        return tuple(name for name, one in self.attrs.items() if one.default is MISSING)

    @cached_property
    def holds_objects(self) -> bool:
        """Is there an attribute whose values are functions or arrays?"""
        return any("func" in a.kind or "tensor" in a.kind for a in self.attrs.values())

    def output_dtypes(self, attrs: dict[str, Any]) -> tuple[DType, ...]:
        """The type of each output tensor, lists flattened."""
        return self._dtypes(self.outputs, attrs)

    def input_dtypes(self, attrs: dict[str, Any]) -> tuple[DType, ...]:
        """The type of each input tensor, lists flattened."""
        return self._dtypes(self.inputs, attrs)

    def _dtypes(self, args: tuple[Arg, ...], attrs: dict[str, Any]) -> tuple[DType, ...]:
        out: list[DType] = []
        for arg in args:
            if arg.type_list_attr:
                out.extend(self._get(attrs, arg.type_list_attr))
                continue
            dtype = arg.dtype
            if dtype is None:
                dtype = self._get(attrs, arg.type_attr)
            if arg.number_attr:
                out.extend((dtype,) * self._count(attrs, arg.number_attr))
            else:
                out.append(dtype)
        return tuple(out)

    def _count(self, attrs: dict[str, Any], name: str) -> int:
        count: int = self._get(attrs, name)
        if not 0 <= count <= _MOST_TENSORS:
            raise InvalidArgumentError(
                None, self.name, f"attribute '{name}' is {count}, which is no number of tensors"
            )
        return count

    def _get(self, attrs: dict[str, Any], name: str) -> Any:
        value = attrs.get(name, MISSING)
        if value is MISSING:
            value = self.attrs[name].default
        if value is MISSING:
            raise InvalidArgumentError(None, self.name, f"attribute '{name}' is missing")
        return value

    def output_slices(self, attrs: dict[str, Any]) -> dict[str, tuple[int, int]]:
        """For each output argument, where its tensors stand in the flat list of outputs: (first, count)."""
        out, at = {}, 0
        for arg in self.outputs:
            # Not by the types: a call that a kernel was bound for before brings only the attributes it was given.
            n = self._get(attrs, arg.number_attr) if arg.number_attr else 1
            n = len(self._get(attrs, arg.type_list_attr)) if arg.type_list_attr else n
            out[arg.name] = (at, n)
            at += n
        return out

    def complete(self, dtypes_in: Sequence[Any], given: dict[str, Any]) -> dict[str, Any]:
        """All attributes of a call: those given, those its inputs determine, defaults for the rest.

        Args:
            dtypes_in: for each input argument its DType, or a sequence of them where it is a list.
            given: attributes as the caller wrote them; types may be anything `as_dtype` takes.

        Raises:
            InvalidArgumentError: the number of inputs, a type or an attribute does not fit.
        """
        if len(dtypes_in) != len(self.inputs):
            wants = ", ".join(a.name for a in self.inputs)
            raise InvalidArgumentError(
                None,
                self.name,
                f"{self.name} takes {len(self.inputs)} inputs ({wants}), got {len(dtypes_in)}",
            )
        attrs = {name: self._normal(name, value) for name, value in given.items()}
        first: dict[str, int] = {}
        for i, (arg, got) in enumerate(zip(self.inputs, dtypes_in, strict=True)):
            if arg.type_list_attr:
                attrs[arg.type_list_attr] = tuple(d.base_dtype for d in got)
                continue
            if arg.number_attr:
                self._fix_number(attrs, arg, len(got))
                types: Sequence[DType] = got
            else:
                types = (got,)
            for dtype in types:
                want = arg.dtype or attrs.get(arg.type_attr)
                if want is None:
                    attrs[arg.type_attr] = dtype.base_dtype
                    first[arg.type_attr] = i
                elif dtype is not want and dtype.base_dtype is not want.base_dtype:
                    raise InvalidArgumentError(
                        None,
                        self.name,
                        f"cannot compute {self.name} as input #{i}(zero-based) was expected to be a "
                        f"{want.name} tensor but is a {dtype.name} tensor",
                    )
        for name, definition in self.attrs.items():
            if name not in attrs:
                if definition.default is MISSING:
                    raise InvalidArgumentError(
                        None, self.name, f"attribute '{name}' of {self.name} must be given"
                    )
                attrs[name] = definition.default
        self.check(attrs)
        return attrs

    def _fix_number(self, attrs: dict[str, Any], arg: Arg, count: int) -> None:
        if attrs.setdefault(arg.number_attr, count) != count:
            raise InvalidArgumentError(
                None,
                self.name,
                f"input '{arg.name}' has {count} tensors, others have {attrs[arg.number_attr]}",
            )

    def _normal(self, name: str, value: Any) -> Any:
        definition = self.attrs.get(name)
        if definition is None:
            if name.startswith("_"):
                return value
            raise InvalidArgumentError(None, self.name, f"{self.name} has no attribute '{name}'")
        if definition.kind == "type":
            return as_dtype(value)
        if definition.kind == "list(type)":
            return tuple(as_dtype(v) for v in value)
        if definition.kind == "string" and isinstance(value, str):
            return value.encode()
        if definition.kind == "list(int)":
            return tuple(int(v) for v in value)
        if definition.kind.startswith("list("):
            return tuple(value)
        return value

    def check(self, attrs: dict[str, Any]) -> None:
        """Are the attributes' values among those allowed?

        Raises:
            InvalidArgumentError: one is not; the message lists what is.
        """
        for name, definition in self.attrs.items():
            value = attrs.get(name)
            if value is None:
                continue
            if definition.allowed is not None:
                for one in value if definition.kind.startswith("list(") else (value,):
                    if (one.base_dtype if isinstance(one, DType) else one) not in definition.allowed:
                        raise InvalidArgumentError(
                            None,
                            self.name,
                            f"Value for attr '{name}' of {_show(one)} is not in the list of allowed values: "
                            + ", ".join(_show(v) for v in definition.allowed),
                        )
            if definition.minimum is not None:
                size = value if definition.kind == "int" else len(value)
                if size < definition.minimum:
                    raise InvalidArgumentError(
                        None,
                        self.name,
                        f"Value for attr '{name}' of {size} must be at least minimum {definition.minimum}",
                    )


def _show(value: Any) -> str:
    if isinstance(value, DType):
        return value.name
    return f'"{value.decode()}"' if isinstance(value, bytes) else str(value)


_HEAD = re.compile(r"\s*(\w+)\((.*?)\)\s*->\s*\((.*?)\)\s*$", re.S)
_ATTR = re.compile(r"\s*(\w+):\s*([\w()]+)(?:=(.*?))?(?:\s*>=(-?\d+))?(?:\s+in\s+(.+?))?\s*$", re.S)


@cache
def parse(text: str) -> Signature:
    """Read a declaration (see the module's docstring).

    Raises:
        InternalError: it is not in that form, a mistake in calque or in a user's own op.
    """
    head, *rest = text.split("|")
    attr_text = next((part for part in rest if ":" in part), "")
    flags = " ".join(part for part in rest if ":" not in part)
    match = _HEAD.match(head)
    if match is None:
        raise InternalError(None, None, f"op declaration not understood: {text!r}")
    attrs: dict[str, AttrDef] = {}
    for part in filter(None, (p.strip() for p in attr_text.split(";"))):
        attr = _attr(part)
        attrs[attr.name] = attr
    name, inputs, outputs = match.groups()
    flagset = set(flags.split())
    return Signature(
        name,
        tuple(_arg(a) for a in _split(inputs)),
        tuple(_arg(a) for a in _split(outputs)),
        attrs,
        stateful="stateful" in flagset,
        commutative="commutative" in flagset,
        aggregate="aggregate" in flagset,
    )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _type(text: str) -> dict[str, Any]:
    try:  # only capitals: numpy reads "S", "U" and "D" as types of its own
        return {"type_attr": text} if text.isupper() else {"dtype": as_dtype(text)}
    except TypeError:
        return {"type_attr": text}


def _arg(text: str) -> Arg:
    name, _, kind = (part.strip() for part in text.partition(":"))
    is_ref = kind.startswith("Ref(")
    if is_ref:
        kind = kind[4:-1]
    if kind.startswith("list("):
        return Arg(name, type_list_attr=kind[5:-1], is_ref=is_ref)
    number, star, of = kind.partition("*")
    if star:
        return Arg(name, number_attr=number, is_ref=is_ref, **_type(of))
    return Arg(name, is_ref=is_ref, **_type(kind))


def _attr(text: str) -> AttrDef:
    match = _ATTR.match(text)
    if match is None:
        raise InternalError(None, None, f"attribute declaration not understood: {text!r}")
    name, kind, default, minimum, allowed = match.groups()
    element = kind[5:-1] if kind.startswith("list(") else kind
    values: tuple[Any, ...] | None = None
    if allowed is not None:
        words = allowed.strip().strip("[]").replace(",", " ").split()
        words = [w for word in words for w in TYPE_SETS.get(word, word).split()]
        values = tuple(_literal(element, w) for w in words)
    return AttrDef(
        name,
        kind,
        MISSING if default is None else _default(kind, element, default.strip()),
        values,
        None if minimum is None else int(minimum),
    )


def _default(kind: str, element: str, text: str) -> Any:
    if kind.startswith("list("):
        return tuple(_literal(element, part) for part in _split(text.strip("[]")))
    return _literal(element, text)


def _literal(kind: str, text: str) -> Any:
    if kind == "type":
        return as_dtype(text)
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "bool":
        return text == "true"
    if kind == "string":
        return str(ast.literal_eval(text) if text[:1] in "'\"" else text).encode()
    if kind == "shape":
        if text == "unknown_rank":
            return None
        return tuple(None if p in ("?", "-1") else int(p) for p in _split(text.strip("[]")))
    raise InternalError(None, None, f"a default of kind {kind} is not understood: {text!r}")
