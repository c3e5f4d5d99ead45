"""Input signatures: the specs that every call of a function must match."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from .. import nest
from ..composite.type_spec import TypeSpec
from ..tensor import convert_to_tensor
from ..tensor_spec import TensorSpec, VariableSpec
from ..variable import Variable

__all__ = ["cast", "checked_specs", "specs_by_parameter"]


def checked_specs(specs: Any) -> tuple[Any, ...]:
    """The specs as a tuple.

    Raises:
        TypeError: they are no sequence, or there is something else than specs of tensors among them.
    """
    if not isinstance(specs, (list, tuple)):
        raise TypeError(f"input_signature must be either a tuple or a list, got {type(specs)}: {specs!r}.")
    for leaf in nest.flatten(list(specs)):
        if isinstance(leaf, VariableSpec):
            raise TypeError(f"input_signature doesn't support VariableSpec, got {specs!r}")
        if not isinstance(leaf, TypeSpec):
            raise TypeError(
                "input_signature must be a possibly nested sequence of TensorSpec objects, got "
                f"{leaf!r} in {specs!r}."
            )
    return tuple(specs)


def specs_by_parameter(
    specs: Sequence[Any], parameters: Sequence[inspect.Parameter], what: str
) -> dict[str, Any]:
    """The spec for each parameter that has one; a tuple of them for ``*args``.

    Args:
        specs: the input signature.
        parameters: the function's, without its ``self``.
        what: the function's name and signature, for messages.

    Raises:
        TypeError: a parameter without default gets no spec, or there are more specs than parameters.
    """
    left = list(specs)
    found: dict[str, Any] = {}
    for parameter in parameters:
        name, kind = parameter.name, parameter.kind
        optional = parameter.default is not inspect.Parameter.empty
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found[name] = tuple(left)
            left = []
        elif kind is inspect.Parameter.VAR_KEYWORD:
            continue
        elif kind is inspect.Parameter.KEYWORD_ONLY and not optional:
            raise TypeError(
                f"Since input_signature is defined, keyword-only parameter `{name}` of {what} must have a default value"
            )
        elif left:
            found[name] = left.pop(0)
        elif not optional:
            raise TypeError(f"input_signature missing type constraint for {name}, a parameter of {what}")
    if left:
        raise TypeError(
            f"input_signature contains {len(left)} extra type constraints: it has {len(specs)} entries, and {what} "
            f"takes {len(specs) - len(left)} arguments."
        )
    return found


def cast(value: Any, spec: Any) -> Any:
    """`value` made one of `spec`, which may be nested.

    Raises:
        TypeError: it is none, and cannot become one; says what came and what is wanted.
    """
    if isinstance(spec, TypeSpec):
        if isinstance(value, Variable) and isinstance(spec, TensorSpec):
            value = convert_to_tensor(value)
        return spec.cast(value, None)
    parts = nest.argument_parts(spec)
    if parts is None:
        raise TypeError(f"Can not cast {value!r} to {spec!r}")
    given = nest.argument_parts(value)
    alike = given is not None and [k for k, _ in given[1]] == [k for k, _ in parts[1]]
    alike = alike and isinstance(value, list) == isinstance(spec, list)
    if not alike or given is None or isinstance(value, Mapping) != isinstance(spec, Mapping):
        raise TypeError(f"Can not cast {value!r} to {spec!r}: it does not have that structure")
    pairs = zip(given[1], parts[1], strict=True)
    return nest.argument_like(spec, [cast(v, s) for (_, v), (_, s) in pairs], raw=True)
