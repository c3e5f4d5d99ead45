"""Elements of datasets: structures (tuples and dicts) of tensors, their specs, and functions of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..autograph.calls import call_with_autograph
from ..composite.composite import CompositeTensor
from ..context import init_scope
from ..function import function
from ..nest import flatten, map_structure, pack_sequence_as
from ..tensor import EagerTensor, Tensor, convert_to_tensor
from ..tensor_shape import TensorShape
from ..tensor_spec import TensorSpec, type_spec_from_value

__all__ = [
    "ElementFunction",
    "as_element",
    "batched_spec",
    "fitting",
    "relaxed",
    "spec_of",
    "stacked",
    "to_numpy",
    "unpacked",
]


def as_element(value: Any) -> Any:
    """`value` as an element: tuples and dicts stay, all else (lists too) becomes a tensor."""
    if isinstance(value, Mapping):
        return {key: as_element(item) for key, item in value.items()}
    if isinstance(value, tuple):
        parts = [as_element(item) for item in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if value is None or isinstance(value, CompositeTensor):
        return value
    return convert_to_tensor(value)


def spec_of(element: Any) -> Any:
    """The structure of an element's specs."""
    return map_structure(lambda leaf: None if leaf is None else type_spec_from_value(leaf), element)


def relaxed(spec: Any, other: Any) -> Any:
    """The structure of specs that fit both."""

    def both(a: Any, b: Any) -> Any:
        return a.most_specific_compatible_type(b) if hasattr(a, "most_specific_compatible_type") else a

    return map_structure(both, spec, other)


def batched_spec(spec: Any, size: int | None) -> Any:
    """The specs of batches of elements of these specs, `size` of them each."""

    def wider(one: Any) -> Any:
        if isinstance(one, TensorSpec):
            return TensorSpec(TensorShape([size]).concatenate(one.shape), one.dtype, one.name)
        return one

    return map_structure(wider, spec)


def stacked(elements: list[Any]) -> Any:
    """Elements as one, their tensors with a new first axis.

    Raises:
        ValueError: their shapes differ, or they are no plain tensors.
    """

    def together(*leaves: Any) -> Any:
        if not all(isinstance(leaf, EagerTensor) for leaf in leaves):
            raise ValueError("Only elements of dense tensors can be batched.")
        arrays = [np.asarray(leaf._array) for leaf in leaves]
        shapes = {a.shape for a in arrays}
        if len(shapes) > 1:
            raise ValueError(
                f"Cannot batch tensors with different shapes: {sorted(shapes)}. Use padded_batch for them."
            )
        return EagerTensor(np.stack(arrays), leaves[0].dtype)

    return map_structure(together, *elements)


def to_numpy(element: Any) -> Any:
    """An element with arrays (and numpy scalars, bytes) in place of tensors."""
    return map_structure(lambda leaf: leaf.numpy() if isinstance(leaf, Tensor) else leaf, element)


class ElementFunction:
    """A user's function of elements, traced once for their specs.

    Args:
        func: takes the element; a tuple's parts come as arguments of their own.
        *specs: the specs of the element; of several, each is one argument.

    Attributes:
        result_spec: the structure of its result's specs; None where the result is no element but a dataset.
    """

    def __init__(self, func: Callable[..., Any], *specs: Any) -> None:
        self._specs = specs
        self._func = func
        self._structure: Any = None

        def body(*flat: Any) -> Any:
            result = as_element(call_with_autograph(func, self._arguments(pack_sequence_as(specs, flat)), {}))
            self._structure = map_structure(lambda leaf: None, result)
            return flatten(result)

        with init_scope():
            traced = function(body, autograph=False)
            self._concrete = traced.get_concrete_function(*flatten(specs))
        outputs = self._concrete.structured_outputs
        self.result_spec = pack_sequence_as(self._structure, [type_spec_from_value(o) for o in outputs])

    def _arguments(self, given: Any) -> Any:
        if len(self._specs) == 1:
            return unpacked(given[0])
        return given

    def __call__(self, *elements: Any) -> Any:
        """What the function gives for an element."""
        return pack_sequence_as(self._structure, self._concrete(*flatten(elements)))


def unpacked(element: Any) -> tuple[Any, ...]:
    """An element as the arguments of a user's function."""
    if isinstance(element, tuple) and not hasattr(element, "_fields"):
        return element
    return (element,)


def fitting(value: Any, spec: Any) -> Any:
    """What a generator yielded, as an element of those specs.

    Raises:
        TypeError: it is not of their structure, or not of their dtypes or shapes.
    """

    def one(leaf_spec: Any, leaf: Any) -> Any:
        if not isinstance(leaf_spec, TensorSpec):
            return leaf
        made = convert_to_tensor(leaf, leaf_spec.dtype)
        if not leaf_spec.shape.is_compatible_with(made.shape):
            raise TypeError(
                f"`generator` yielded an element of shape {made.shape} where an element of shape {leaf_spec.shape} was "
                "expected."
            )
        return made

    if isinstance(spec, tuple) and isinstance(value, list):
        value = tuple(value)
    if isinstance(spec, TensorSpec):
        return one(spec, value)
    try:
        if isinstance(spec, dict):
            return {key: fitting(value[key], part) for key, part in spec.items()}
        if isinstance(spec, tuple) and len(value) == len(spec):
            return tuple(fitting(v, part) for v, part in zip(value, spec, strict=True))
    except (KeyError, IndexError):
        pass
    if not isinstance(spec, (dict, tuple)):
        return value
    raise TypeError(
        f"`generator` yielded an element that did not match the expected structure. The expected structure was {spec}, "
        f"but the yielded element was {value}."
    )
