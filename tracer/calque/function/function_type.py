"""`FunctionType`: what a concrete function takes, captures and gives."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..composite.type_spec import TypeSpec, type_spec_from_value

__all__ = ["DictType", "FunctionType", "Parameter", "SequenceType"]


class Parameter(inspect.Parameter):
    """A parameter of one trace.

    Attributes:
        type_constraint: what it was traced for: a spec, or a structure of specs and Python values.
    """

    __slots__ = ("type_constraint",)

    def __init__(self, name: str, kind: Any, type_constraint: Any, default: Any) -> None:
        super().__init__(name, kind, default=default)
        self.type_constraint = type_constraint

    @property
    def optional(self) -> bool:
        """May a call leave it out?"""
        return self.default is not self.empty


class DictType(NamedTuple):
    """The type of a dict: that of each value, by key."""

    mapping: dict[Any, Any]


class SequenceType(NamedTuple):
    """The type of a list or tuple: that of each item."""

    components: tuple[Any, ...]


class FunctionType(inspect.Signature):
    """The signature of one trace.

    Attributes:
        captures: the spec of each captured tensor, by an identity of its own.
        output: the spec of the result; of a structure, a `DictType` or `SequenceType` of specs.
    """

    __slots__ = ("_line", "captures", "output")

    def __init__(
        self, parameters: list[Parameter], captures: Mapping[int, Any], output: Any, line: str
    ) -> None:
        super().__init__(parameters, __validate_parameters__=False)
        self.captures = dict(captures)
        self.output = _type_of(output)
        self._line = line

    def __str__(self) -> str:
        return self._line

    __repr__ = __str__


def _type_of(structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return DictType({key: _type_of(value) for key, value in structure.items()})
    if isinstance(structure, (list, tuple)):
        return SequenceType(tuple(_type_of(value) for value in structure))
    if structure is None or isinstance(structure, TypeSpec):
        return structure
    return type_spec_from_value(structure)
