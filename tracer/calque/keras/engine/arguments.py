"""What layers are called with: tensors for arrays, in the layer's dtype; and the shapes and specs of arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import dtypes, nest
from ...api.array_ops import shape as shape_of
from ...api.math_ops import cast
from ...tensor import Tensor, convert_to_tensor
from ...tensor_shape import TensorShape
from ...tensor_spec import TensorSpec
from .call_spec import CallSpec
from .masks import mask_of, set_mask

__all__ = [
    "arrays_as_tensors",
    "as_shapes",
    "as_tensors",
    "batch_shape",
    "batch_size",
    "cast_floating",
    "open_batch",
    "spec_of",
    "specs_of_call",
]

_PYTHON_NUMBERS = (np.ndarray, np.generic, float, int, bool)


def batch_shape(kwargs: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """The batch shape that a constructor's keyword arguments say."""
    if "input_dim" in kwargs and "input_shape" not in kwargs:
        return (kwargs.get("batch_size"), kwargs["input_dim"])
    if kwargs.get("batch_input_shape") is not None:
        return tuple(kwargs["batch_input_shape"])
    if kwargs.get("input_shape") is not None:
        return (kwargs.get("batch_size"), *tuple(kwargs["input_shape"]))
    return None


def as_tensors(inputs: Any) -> Any:
    """Inputs with tensors in the place of arrays and Python numbers."""
    if isinstance(inputs, Tensor):
        return inputs
    if isinstance(inputs, np.ndarray):
        return convert_to_tensor(inputs)
    if any(isinstance(x, _PYTHON_NUMBERS) for x in nest.flatten(inputs)):
        return nest.map_structure(
            lambda x: convert_to_tensor(x) if isinstance(x, _PYTHON_NUMBERS) else x, inputs
        )
    return inputs


def arrays_as_tensors(given: Any) -> Any:
    """Further arguments with tensors in the place of arrays."""
    if not given:
        return given
    if not any(isinstance(x, np.ndarray) for x in nest.flatten(given)):
        return given
    return nest.map_structure(lambda x: convert_to_tensor(x) if isinstance(x, np.ndarray) else x, given)


def cast_floating(inputs: Any, dtype: str) -> Any:
    """Inputs with the floating tensors among them in this dtype, if it is a floating one."""
    wanted = dtypes.as_dtype(dtype)
    if not wanted.is_floating:
        return inputs

    def one(x: Any) -> Any:
        known = getattr(x, "dtype", None)
        if known is None or known == wanted or not getattr(known, "is_floating", False):
            return x
        changed = cast(x, wanted)
        set_mask(changed, mask_of(x))
        return changed

    if isinstance(inputs, Tensor):
        return one(inputs)
    return nest.map_structure(one, inputs)


def batch_size(output: Any) -> Any:
    """The size of a tensor's first dimension: a number, or a tensor where it is not known."""
    size = output.shape[0]
    return size if size is not None else shape_of(output)[0]


def open_batch(spec: Any) -> Any:
    """A tensor's spec with any size for the first dimension; what is no such spec, or a scalar's, as it is."""
    if not isinstance(spec, TensorSpec) or not spec.shape.rank:
        return spec
    return TensorSpec([None, *spec.shape.as_list()[1:]], spec.dtype, spec.name)


def specs_of_call(inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any], spec: CallSpec) -> Any:
    """Specs of a call's arguments: tensors by shape and dtype, everything else as it is; the mode is left out."""

    def one(x: Any) -> Any:
        if isinstance(x, Tensor):
            return TensorSpec(x.shape, x.dtype)
        return getattr(x, "_type_spec", x)

    rest = {k: v for k, v in kwargs.items() if k not in ("training", "mask")}
    names = spec.names[1:]
    positional = [a for n, a in zip(names, args, strict=False) if n not in ("training", "mask")]
    return nest.map_structure(one, (inputs, *positional)), nest.map_structure(one, rest)


def as_shapes(value: Any) -> Any:
    """A shape, or a structure of shapes, as TensorShapes."""
    if value is None or isinstance(value, TensorShape):
        return TensorShape(value)
    if isinstance(value, Mapping):
        return {k: as_shapes(v) for k, v in value.items()}
    if all(x is None or isinstance(x, (int, np.integer)) for x in value):
        return TensorShape(value)
    return type(value)(as_shapes(v) for v in value)


def spec_of(shape: Any, dtype: Any) -> Any:
    """The spec of a tensor of this shape and dtype."""
    return TensorSpec(shape, dtypes.as_dtype(dtype))
