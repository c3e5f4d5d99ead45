"""Function signatures as a file holds them: Python parameters, canonical arguments and results as structured values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.record import replace
from calque_runtime.savedmodel.metagraph import FunctionSpec
from calque_runtime.structure import (
    NamedTupleValue,
    NumpyValue,
    ShapeValue,
    TensorSpecValue,
    TensorValue,
)

from ..composite.composite import CompositeTensor
from ..composite.type_spec import TypeSpec
from ..function.concrete import ConcreteFunction
from ..function.leaves import Literal, TensorLeaf
from ..function.signature import FunctionSignature
from ..tensor import EagerTensor, Tensor
from ..tensor_shape import TensorShape
from ..tensor_spec import TensorSpec
from .specs import encode_type

__all__ = ["NotEncodable", "function_spec", "input_structure", "output_structure", "without_defaults"]


class NotEncodable(InvalidArgumentError, ValueError):
    """A Python value in a signature that the format has no form for."""

    def __init__(self, message: str) -> None:
        super().__init__(None, None, message)


def function_spec(signature: FunctionSignature, jit_compile: bool | None = None) -> FunctionSpec:
    """How the function is called, without its ``self``.

    Raises:
        NotEncodable: a default value has no form in the file.
    """
    kinds = inspect.Parameter
    positional = [
        p for p in signature.parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    keyword_only = [p for p in signature.parameters if p.kind is kinds.KEYWORD_ONLY]
    defaults = tuple(_default(signature, p) for p in positional if p.default is not kinds.empty)
    keyword_defaults = {p.name: _default(signature, p) for p in keyword_only if p.default is not kinds.empty}
    rest = {p.kind: p.name for p in signature.parameters}
    specs = (
        signature.input_signature if signature.parameters else ()
    )  # nothing to call it with is a declaration too
    return FunctionSpec(
        args=tuple(p.name for p in positional),
        varargs=rest.get(kinds.VAR_POSITIONAL),
        varkw=rest.get(kinds.VAR_KEYWORD),
        defaults=defaults or None,
        kwonlyargs=tuple(p.name for p in keyword_only),
        kwonlydefaults=keyword_defaults or None,
        input_signature=None if specs is None else tuple(_value(s) for s in specs),
        jit_compile=jit_compile,
    )


def without_defaults(spec: FunctionSpec) -> FunctionSpec:
    """How one trace of a function of that spec is called: with all that it was traced for."""
    declared = spec.input_signature if not (spec.args or spec.kwonlyargs) else None
    return replace(spec, defaults=None, kwonlydefaults=None, input_signature=declared)


def _default(signature: FunctionSignature, parameter: inspect.Parameter) -> Any:
    try:
        return _value(parameter.default)
    except NotEncodable as e:
        raise NotEncodable(
            f"function '{signature.name}' cannot be saved: the default of '{parameter.name}' is {e.message}"
        ) from None


def input_structure(concrete: ConcreteFunction) -> tuple[Any, Any]:
    """The canonical arguments of a concrete function: a tuple of the positional ones, a dict of the others.

    Raises:
        NotEncodable: an argument has no form in the file.
    """
    if concrete.info is not None:
        return concrete.info.input_signature  # type: ignore[no-any-return]
    args, kwargs = concrete.structured_input_signature
    return tuple(_value(a) for a in args), {k: _value(v) for k, v in kwargs.items()}


def output_structure(concrete: ConcreteFunction) -> Any:
    """What a concrete function returns: a spec for each tensor, named by its place."""
    return (
        _output(concrete.structured_outputs, "") if concrete.info is None else concrete.info.output_signature
    )


def _output(value: Any, path: str) -> Any:
    if value is None:
        return None
    if isinstance(value, Tensor):
        return TensorSpecValue(value.shape.as_tuple(), value.dtype, path or "unknown")
    if isinstance(value, CompositeTensor):
        return _value(value._type_spec)
    prefix = f"{path}_" if path else ""
    if hasattr(value, "_fields"):
        fields = tuple((f, _output(v, prefix + f)) for f, v in zip(value._fields, value, strict=True))
        return NamedTupleValue(type(value).__name__, fields)
    if isinstance(value, (list, tuple)):
        parts = [_output(v, f"{prefix}{i}" if path else f"tensor_{i}") for i, v in enumerate(value)]
        return parts if isinstance(value, list) else tuple(parts)
    return {k: _output(value[k], f"{prefix}{k}") for k in sorted(value)}


def _value(value: Any) -> Any:
    if isinstance(value, TensorSpec):
        return TensorSpecValue(value.shape.as_tuple(), value.dtype, value.name or "")
    if isinstance(value, TensorLeaf):
        return TensorSpecValue(value.shape, value.dtype, "")
    if isinstance(value, TypeSpec):
        encoded = encode_type(value, _value)
        if encoded is not None:
            return encoded
    if isinstance(value, Literal):
        return _value(value.value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, EagerTensor):
        return TensorValue(value._array)
    if isinstance(value, (np.ndarray, np.generic)):
        return NumpyValue(np.asarray(value))
    if isinstance(value, DType):
        return value
    if isinstance(value, TensorShape):
        return ShapeValue(value.as_tuple() if value.rank is not None else None)
    if hasattr(value, "_fields"):
        return NamedTupleValue(
            type(value).__name__, tuple((f, _value(v)) for f, v in zip(value._fields, value, strict=True))
        )
    if isinstance(value, list):
        return [_value(v) for v in value]
    if isinstance(value, tuple):
        return tuple(_value(v) for v in value)
    if isinstance(value, Mapping) and all(isinstance(k, str) for k in value):
        return {k: _value(value[k]) for k in sorted(value)}
    raise NotEncodable(
        f"a value of type {type(value).__name__} ({value!r}) has no form in a SavedModel's signature"
    )
