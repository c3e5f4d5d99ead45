"""Structures that cross the border of a branch or a loop: their leaves as tensors, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import nest
from ..composite.composite import CompositeTensor
from ..composite.type_spec import TypeSpec
from ..context import state
from ..tensor import Tensor, convert_to_tensor
from ..tensor_array import TensorArray
from ..variable import Variable

__all__ = [
    "as_values",
    "convert_leaves",
    "converted_callback",
    "flat_tensors",
    "packed",
    "path_name",
    "paths",
]


def as_values(structure: Any) -> Any:
    """`structure` with variables in it read."""
    return nest.map_structure(
        lambda leaf: leaf.read_value() if isinstance(leaf, Variable) else leaf, structure
    )


def convert_leaves(structure: Any, convert: Callable[[Any], Any] = convert_to_tensor) -> Any:
    """`structure` with every leaf a tensor (by `convert`), or a composite of tensors; None stays."""

    def converted(leaf: Any) -> Any:
        return leaf if leaf is None or isinstance(leaf, (Tensor, CompositeTensor)) else convert(leaf)

    return nest.map_structure(converted, structure)


def converted_callback(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn`, which a user's function gave to a loop, as AutoGraph converts it where it converts the user's function."""
    if state.trace is None:
        return fn
    from ..autograph.calls import tf_convert
    from ..autograph.status import control_status

    return tf_convert(fn, control_status())


def flat_tensors(structure: Any) -> list[Any]:
    """The tensors of a structure, in order; None leaves have none, composites have their components."""
    return [leaf for leaf in nest.flatten(structure, expand_composites=True) if leaf is not None]


def packed(like: Any, tensors: Sequence[Any]) -> Any:
    """A structure like `like` made of `tensors`, which are laid out as `flat_tensors` lays them out.

    Composites in `like`, or specs of them, say how to put theirs together; None stays.
    """
    rest = iter(tensors)
    return nest.map_structure(lambda leaf: _put_together(leaf, rest), like)


def _put_together(leaf: Any, tensors: Iterator[Any]) -> Any:
    if leaf is None:
        return None
    if isinstance(leaf, TensorArray):  # the arrays of all iterations share what is known of the elements
        return leaf._with(next(tensors))
    if isinstance(leaf, CompositeTensor):
        return leaf._type_spec.from_tensors(tensors)
    return leaf.from_tensors(tensors) if isinstance(leaf, TypeSpec) else next(tensors)


def paths(structure: Any) -> list[tuple[Any, ...]]:
    """The path to each tensor of a structure, in the order of `flat_tensors`."""
    flat = nest.flatten_with_paths(structure, expand_composites=True)
    return [path for path, leaf in flat if leaf is not None]


def path_name(path: Sequence[Any], root: str) -> str:
    """A path as one writes it in Python: ``root[0]['a']``."""
    return root + "".join(f"[{key!r}]" for key in path)
