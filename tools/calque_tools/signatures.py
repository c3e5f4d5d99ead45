"""How a saved function is called, as Python would write it: ``__call__(x: float32[?,3], training=False)``."""

from __future__ import annotations

from typing import Any

from calque_runtime.dtypes import DType
from calque_runtime.savedmodel.matching import describe_spec, flat_specs
from calque_runtime.savedmodel.metagraph import ConcreteFunctionInfo, FunctionSpec
from calque_runtime.shapes import Shape, format_shape
from calque_runtime.structure import (
    BoundedTensorSpecValue,
    NumpyValue,
    ShapeValue,
    TensorSpecValue,
    TensorValue,
    TypeSpecValue,
)

__all__ = ["arguments", "declaration", "result_text", "tensor_text"]


def tensor_text(dtype: str | None, shape: Shape) -> str:
    """``float32[?,3]``; ``op`` where it is no tensor."""
    return "op" if dtype is None else f"{dtype}{format_shape(shape)}"


def arguments(
    info: ConcreteFunctionInfo, spec: FunctionSpec | None, keywords: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """Each argument of a concrete function, in order, and what it takes.

    Args:
        info: what was saved of it.
        spec: how the Python function is called, if that is known.
        keywords: the names of its tensors, for a function whose spec is not known.

    Returns:
        (name, text) pairs; the text begins with ": " for tensors and "=" for Python values.
    """
    positional, keyword = info.input_signature
    names = _names(spec) or list(keywords)
    found: list[tuple[str, str]] = []
    for i, value in enumerate(positional[: len(names)] if spec is not None else positional):
        fallback = value.name if isinstance(value, TensorSpecValue) and value.name else f"arg{i}"
        found.append((names[i] if i < len(names) else fallback, _value(value)))
    if spec is not None and len(positional) > len(names):
        found.append((f"*{spec.varargs or 'args'}", _value(tuple(positional[len(names) :]))))
    return found + [(name, _value(value)) for name, value in keyword.items()]


def declaration(spec: FunctionSpec | None) -> str:
    """The arguments of a Python function that has no concrete function: ``x, training=False, *, power=1``."""
    if spec is None:
        return "..."
    names = _names(spec)
    defaults = dict(zip(names[len(names) - len(spec.defaults or ()) :], spec.defaults or (), strict=False))
    parts = [name + (_value(defaults[name]) if name in defaults else "") for name in names]
    if spec.varargs or spec.kwonlyargs:
        parts.append(f"*{spec.varargs or ''}")
    given = spec.kwonlydefaults or {}
    parts += [name + (_value(given[name]) if name in given else "") for name in spec.kwonlyargs]
    if spec.varkw:
        parts.append(f"**{spec.varkw}")
    return ", ".join(parts)


def result_text(info: ConcreteFunctionInfo) -> str:
    """The structure of the result."""
    return _text(info.output_signature)


def _names(spec: FunctionSpec | None) -> list[str]:
    if spec is None:
        return []
    return list(spec.args[1:] if spec.is_method and spec.args[:1] == ("self",) else spec.args)


def _value(value: Any) -> str:
    is_tensor = isinstance(value, TypeSpecValue) or next(iter(flat_specs(value)), None) is not None
    return f": {_text(value)}" if is_tensor else f"={_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, TypeSpecValue):
        state = value.state if isinstance(value.state, (tuple, list)) else (value.state,)
        dtype = next((one for one in state if isinstance(one, DType)), None)
        shape = next((one for one in state if isinstance(one, ShapeValue)), None)
        inner = tensor_text(dtype.name, None if shape is None else shape.shape) if dtype else ""
        return f"{value.class_name.removesuffix('Spec')}({inner})"
    if isinstance(value, (TensorValue, NumpyValue)):
        array = value.array
        return repr(array.item()) if array.ndim == 0 else f"an array of shape {list(array.shape)}"
    if isinstance(value, DType):
        return value.name
    if isinstance(value, ShapeValue):
        return format_shape(value.shape)
    if isinstance(value, BoundedTensorSpecValue):
        low, high = (bound.item() if bound.size == 1 else "..." for bound in (value.minimum, value.maximum))
        return f"{describe_spec(value)} in [{low}, {high}]"
    return describe_spec(value)
