r"""The text form of functions: what people read, and what tests of passes are written in.

    func @f(%x: float32[?,3], %w: resource[]<float32[3,2]>) -> (y: float32[?,2]) {
      %read = ReadVariableOp(%w) : float32[3,2]
      %mm = MatMul(%x, %read) {transpose_b=true} : float32[?,2] ^other
      return %mm ^other
    }

``%name`` is the first output of a node (or an argument), ``%name:1`` its second. Behind the colon stand the types of
the outputs (``float32`` alone where not even the rank is known), behind ``^`` what must run before. Attributes appear
unless they have their default, or the types of inputs and outputs tell them. Values of attributes are ``3``, ``0.5``,
``true``, ``"bytes\x00"``, ``float32``, ``[2,?]`` (a shape or a list), ``?`` (a shape of unknown rank), ``@function``
and ``tensor<int32[2]>[1, 2]``; large tensors are shortened to ``tensor<int32[1000]>...`` unless asked for in full.
``stateful func``, attributes of the function (``attributes {...}``) and of arguments, and devices (``on "..."``) appear
where there are any. A ``#`` starts a comment. `text_parser` reads it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .dtypes import DType, from_numpy
from .ir import Function, FunctionRef, Library, Node, Value
from .op import Op
from .shapes import Shape
from .signature import MISSING, Arg, Signature

__all__ = ["implied_attrs", "parse_function", "parse_module", "print_function", "print_module", "print_node"]

_LARGE = 16  # elements: what larger tensors hold is rarely what one looks for
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.][\w./\->$]*", re.A)
_IDENTIFIER = re.compile(r"[A-Za-z_][\w.]*", re.A)


def print_module(functions: Library | Iterable[Function], full: bool = False) -> str:
    """The text of all functions of a library, or of these; `full` prints large tensors too."""
    several = [functions[name] for name in functions] if isinstance(functions, Library) else functions
    return "\n".join(print_function(f, full) for f in several)


def print_function(function: Function, full: bool = False) -> str:
    """The text of one function; `full` prints large tensors too."""
    arguments = []
    for i, value in enumerate(function.inputs):
        attrs = _attrs(function.arg_attrs.get(i, {}), {}, full)
        arguments.append(f"{_value(value)}: {_type(value)}" + (f" {attrs}" if attrs else ""))
    results = []
    for i, value in enumerate(function.outputs):
        named = i < len(function.output_names)
        results.append((f"{_word(function.output_names[i])}: " if named else "") + _type(value))
    head = "stateful " if function.stateful else ""
    head += f"func @{_name(function.name)}({', '.join(arguments)}) -> ({', '.join(results)})"
    own = _attrs(function.attrs, {}, full)
    lines = [head + (f" attributes {own}" if own else "") + " {"]
    lines += ["  " + print_node(node, full) for node in function.nodes]
    last = " ".join(["return", ", ".join(_value(v) for v in function.outputs)]).rstrip()
    for alias, node in function.control_outputs.items():
        last += f" ^{_name(node.name)}" if alias == node.name else f" ^{_name(alias)}=%{_name(node.name)}"
    return "\n".join([*lines, "  " + last, "}", ""])


def print_node(node: Node, full: bool = False) -> str:
    """The line of one node."""
    signature = node.op.signature
    dtypes = [v.dtype for v in node.inputs], [v.dtype for v in node.outputs]
    hidden = {name: d.default for name, d in signature.attrs.items() if d.default is not MISSING}
    hidden.update(implied_attrs(signature, *dtypes))
    line = f"%{_name(node.name)} = {_word(node.op.name)}({', '.join(_value(v) for v in node.inputs)})"
    attrs = _attrs(node.attrs, hidden, full)
    if attrs:
        line += f" {attrs}"
    if node.outputs:
        line += " : " + ", ".join(_type(v) for v in node.outputs)
    line += "".join(f" ^{_name(other.name)}" for other in node.control)
    return line + (f" on {_quoted(node.device.encode())}" if node.device else "")


def implied_attrs(
    signature: Signature,
    inputs: Sequence[DType],
    outputs: Sequence[DType],
    given: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The attributes that the types of a node's inputs and outputs tell: types, type lists and numbers.

    Args:
        signature: of the node's op.
        inputs: the type of each flat input.
        outputs: the type of each flat output.
        given: attributes known already; they help where several lists share the inputs.
    """
    known = dict(given or {})
    found: dict[str, Any] = {}
    for args, dtypes in ((signature.inputs, inputs), (signature.outputs, outputs)):
        for name, value in _implied(args, dtypes, {**known, **found}).items():
            found.setdefault(name, value)
    return {name: value for name, value in found.items() if name in signature.attrs and name not in known}


def _implied(args: Sequence[Arg], dtypes: Sequence[DType], known: dict[str, Any]) -> dict[str, Any]:
    """The attributes that some inputs (or outputs) with these types tell; none where they do not fit."""
    sizes: dict[str, int] = {}
    open_lists: list[str] = []
    rest = len(dtypes)
    for arg in args:
        key = arg.number_attr or arg.type_list_attr
        size = known.get(key, MISSING) if key else 1
        if size is MISSING:
            open_lists.append(key)
        else:
            sizes[key] = size if isinstance(size, int) else len(size)
            rest -= sizes[key]
    if open_lists:
        if len(set(open_lists)) > 1 or rest < 0 or rest % len(open_lists):
            return {}
        sizes[open_lists[0]] = rest // len(open_lists)
    elif rest:
        return {}
    out: dict[str, Any] = {}
    at = 0
    for arg in args:
        size = sizes[arg.number_attr or arg.type_list_attr]
        own = tuple(d.base_dtype for d in dtypes[at : at + size])
        at += size
        if arg.number_attr:
            out.setdefault(arg.number_attr, size)
        if arg.type_list_attr:
            out.setdefault(arg.type_list_attr, own)
        elif arg.type_attr and own:
            out.setdefault(arg.type_attr, own[0])
    return out


# Pieces.


def _quoted(value: bytes) -> str:
    text = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in value)
    return f'"{text}"'


def _name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else _quoted(name.encode())


def _word(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else _quoted(name.encode())


def _value(value: Value) -> str:
    return f"%{_name(value.node.name)}" + (f":{value.index}" if value.index else "")


def _shape(shape: Shape) -> str:
    return "" if shape is None else "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def _type(value: Value) -> str:
    text = value.dtype.name + _shape(value.shape)
    if value.handle is not None:
        text += f"<{value.handle[0].name}{_shape(value.handle[1])}>"
    return text


def _attrs(attrs: dict[str, Any], hidden: dict[str, Any], full: bool) -> str:
    shown = []
    for name in sorted(attrs):
        value = attrs[name]
        if name in hidden and not isinstance(value, np.ndarray) and value == hidden[name]:
            continue
        shown.append(f"{_word(name)}={_attr(value, full)}")
    return "{" + ", ".join(shown) + "}" if shown else ""


def _attr(value: Any, full: bool) -> str:
    if value is None:
        return "?"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)) and not isinstance(value, np.ndarray):
        return repr(float(value))
    if isinstance(value, (bytes, str)):
        return _quoted(value.encode() if isinstance(value, str) else value)
    if isinstance(value, DType):
        return value.name
    if isinstance(value, FunctionRef):
        return f"@{_name(value.name)}{_attrs(value.attrs, {}, full)}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_attr(v, full) for v in value) + "]"
    if hasattr(value, "kind"):  # wire.attrs.Undeclared: the value says of what kind it is
        if value.kind == "shape":
            return f"shape{_shape(value.value) or '?'}"
        return "undeclared " + _tensor(value.value, value.dtype, full)
    return _tensor(np.asarray(value), None, full)


def _tensor(array: Any, dtype: DType | None, full: bool) -> str:
    kind = from_numpy(array.dtype) if dtype is None else dtype
    head = f"tensor<{kind.name}{_shape(array.shape)}>"
    if array.size > _LARGE and not full:
        return head + "..."
    return head + _elements(array, _element_printer(kind))


def _elements(array: Any, show: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return show(array[()])
    return "[" + ", ".join(_elements(array[i, ...], show) for i in range(len(array))) + "]"


def _element_printer(dtype: DType) -> Callable[[Any], str]:
    if dtype.kind == "b":
        return lambda x: "true" if x else "false"
    if dtype.kind == "s":
        return lambda x: _quoted(x if isinstance(x, bytes) else np.asarray(x).item())
    if dtype.kind == "c":
        return lambda x: f"({x.real!s},{x.imag!s})"
    return str


# Reading.


def parse_function(text: str, lookup: Callable[[str], Op] | None = None) -> Function:
    """The function that `text` describes; the types of values are those written there, nothing is inferred.

    Args:
        text: one function.
        lookup: finds ops by name; calque's own ops if None.

    Raises:
        InvalidArgumentError: the text is not in this form, or names something that is not there; the message gives the
            line.
        UnimplementedError: there is no such op.
    """
    from .text_parser import Parser

    parser = Parser(text, lookup)
    function = parser.function()
    parser.expect_end()
    return function


def parse_module(text: str, lookup: Callable[[str], Op] | None = None) -> Library:
    """The functions that `text` describes; references among them are resolved.

    Raises:
        InvalidArgumentError, UnimplementedError: as `parse_function`.
    """
    from .text_parser import Parser

    parser = Parser(text, lookup)
    library = Library()
    while not parser.at_end():
        library.add(parser.function())
    for function in library.values():
        for ref in function.calls():
            if ref.name in library:
                library.resolve(ref)
    return library
