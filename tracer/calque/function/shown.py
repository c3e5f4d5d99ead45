"""How arguments and results are written in signatures and messages."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from .. import nest
from ..composite.composite import CompositeTensor
from ..composite.type_spec import type_spec_from_value
from ..tensor import EagerTensor, SymbolicTensor
from ..tensor_spec import TensorSpec
from ..variable import Variable
from .leaves import Literal
from .signature import identifier as _identifier

__all__ = [
    "described",
    "parameter_rows",
    "python_signature",
    "result_text",
    "signature_line",
    "structure_text",
]

Row = tuple[str, Any, Any]  # name, kind, structure of leaves
_POSITIONAL_ONLY = inspect.Parameter.POSITIONAL_ONLY
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


def _nested(structure: Any, leaf: Any) -> str:
    found = nest.argument_parts(structure)
    if found is None:
        return str(leaf(structure))
    inside = [(place, _nested(child, leaf)) for place, child in found[1]]
    if isinstance(structure, Mapping):
        return f"Dict[{', '.join(f'[{k!r}, {v}]' for k, v in inside)}]"
    if isinstance(structure, (list, tuple)) and not hasattr(structure, "_fields"):
        kind = "List" if isinstance(structure, list) else "Tuple"
        return f"{kind}[{', '.join(v for _, v in inside)}]"
    return f"{type(structure).__name__}[{', '.join(f'[{k!r}, {v}]' for k, v in inside)}]"


def structure_text(structure: Any) -> str:
    """An argument's structure, with `Leaf` objects at its leaves."""
    return _nested(structure, lambda leaf: leaf.describe())


def result_text(outputs: Any) -> str:
    """What a function returns, with tensors at its leaves."""
    return _nested(
        outputs, lambda leaf: "Literal[None]" if leaf is None else repr(type_spec_from_value(leaf))
    )


def parameter_rows(parameters: Iterable[inspect.Parameter], structure: Mapping[str, Any]) -> list[Row]:
    """(name, kind, structure) for each argument of one trace: ``*args`` and ``**kwargs`` stand one by one.

    As in TensorFlow, a function with ``*args`` takes all positional arguments by position only.
    """
    rows: list[Row] = []
    for parameter in parameters:
        name, part = parameter.name, structure[parameter.name]
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            rows = [(n, _POSITIONAL_ONLY, s) for n, _, s in rows]
            rows += [(f"{name}_{i}", _POSITIONAL_ONLY, s) for i, s in enumerate(part)]
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            rows += [(key, _KEYWORD_ONLY, s) for key, s in part.items()]
        else:
            rows.append((name, parameter.kind, part))
    return rows


def signature_line(rows: Iterable[Row], outputs: Any) -> str:
    """The signature of one trace in one line."""
    parts: list[str] = []
    before: Any = None
    for name, kind, structure in rows:
        if before is _POSITIONAL_ONLY and kind is not _POSITIONAL_ONLY:
            parts.append("/")
        if kind is _KEYWORD_ONLY and before is not _KEYWORD_ONLY:
            parts.append("*")
        parts.append(f"{name}: {structure_text(structure)}")
        before = kind
    if before is _POSITIONAL_ONLY:
        parts.append("/")
    return f"({', '.join(parts)}) -> {result_text(outputs)}"


def python_signature(rows: Iterable[Row]) -> inspect.Signature:
    """How one trace is called: by its rows; a Python value that it was traced for may be left out."""
    parameters = []
    required = True
    for name, kind, structure in reversed(list(rows)):
        literal = isinstance(structure, Literal)
        if kind is not _KEYWORD_ONLY and not literal:
            required = False  # what stands before it cannot be left out
        default = (
            structure.value if literal and (required or kind is _KEYWORD_ONLY) else inspect.Parameter.empty
        )
        parameters.append(inspect.Parameter(_identifier(name), kind, default=default))
    return inspect.Signature(parameters[::-1])


def described(value: Any) -> str:
    """What came as an argument: a tensor by its spec, anything else by its repr."""
    if isinstance(value, (EagerTensor, SymbolicTensor, Variable)):
        return repr(TensorSpec(value.shape, value.dtype))
    if isinstance(value, CompositeTensor):
        return repr(value._type_spec)
    return repr(value)
