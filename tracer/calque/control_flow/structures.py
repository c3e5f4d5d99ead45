"""Structures that cross the border of a branch or a loop: their leaves as tensors, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nest
from ..tensor import Tensor, convert_to_tensor
from ..variable import Variable

__all__ = ["as_values", "convert_leaves", "flat_tensors", "packed", "path_name", "paths"]


def as_values(structure: Any) -> Any:
    """`structure` with variables in it read."""
    return nest.map_structure(
        lambda leaf: leaf.read_value() if isinstance(leaf, Variable) else leaf, structure
    )


def convert_leaves(structure: Any, convert: Callable[[Any], Any] = convert_to_tensor) -> Any:
    """`structure` with every leaf a tensor (by `convert`); None stays."""
    return nest.map_structure(
        lambda leaf: leaf if leaf is None or isinstance(leaf, Tensor) else convert(leaf),
        structure,
        expand_composites=True,
    )


def flat_tensors(structure: Any) -> list[Any]:
    """The tensors of a structure, in order; None leaves have none."""
    return [leaf for leaf in nest.flatten(structure, expand_composites=True) if leaf is not None]


def packed(like: Any, tensors: Sequence[Any]) -> Any:
    """A structure like `like` with `tensors` for its tensors, None where it has None."""
    new = iter(tensors)
    leaves = [None if leaf is None else next(new) for leaf in nest.flatten(like, expand_composites=True)]
    return nest.pack_sequence_as(like, leaves, expand_composites=True)


def paths(structure: Any) -> list[tuple[Any, ...]]:
    """The path to each tensor of a structure, in the order of `flat_tensors`."""
    flat = nest.flatten_with_paths(structure, expand_composites=True)
    return [path for path, leaf in flat if leaf is not None]


def path_name(path: Sequence[Any], root: str) -> str:
    """A path as one writes it in Python: ``root[0]['a']``."""
    return root + "".join(f"[{key!r}]" for key in path)
