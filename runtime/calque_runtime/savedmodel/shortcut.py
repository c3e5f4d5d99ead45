"""The way of a call that came before: plain arrays of the same types and shapes go straight to their plan.

What a call's arguments mean (which concrete function, in which order, are they right) follows from types and shapes
alone where all of them are arrays; so does the structure of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from ..structure import TensorSpecValue

__all__ = ["Call", "plain_key", "shortcut"]

Call = Callable[[tuple[Any, ...], dict[str, Any]], Any]
_ARRAY = np.ndarray
_TEXT = "OSU"  # kinds of arrays that are converted first
_Plan = Callable[..., list[Any]]


def plain_key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable | None:
    """What a call's way depends on, where every argument is a plain array; else None."""
    if len(args) + len(kwargs) == 1:
        for name, value in kwargs.items():
            return (name, value.dtype, value.shape) if type(value) is _ARRAY else None
        (value,) = args
        return (value.dtype, value.shape) if type(value) is _ARRAY else None
    key: list[Any] = []
    for value in args:
        if type(value) is not _ARRAY:
            return None
        key += (value.dtype, value.shape)
    for name, value in kwargs.items():
        if type(value) is not _ARRAY:
            return None
        key += (name, value.dtype, value.shape)
    return tuple(key)


def shortcut(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], flat: Sequence[Any], plan: _Plan | None, structure: Any
) -> Call | None:
    """What answers calls of the same key, or None where there is no short way.

    Args:
        args, kwargs: of a call that has been answered.
        flat: the arrays that its plan got for them.
        plan: the plan for these shapes; None: there is none yet.
        structure: of the result.
    """
    given = [*args, *kwargs.values()]
    if plan is None or any(value.dtype.kind in _TEXT for value in given):
        return None
    order = [next((i for i, value in enumerate(given) if value is one), -1) for one in flat]
    if -1 in order or len(set(order)) != len(given):
        return None
    pack = _packer(structure)
    if pack is None:
        return None
    if order != list(range(len(given))):
        return lambda args, kwargs: pack(plan(*_ordered([*args, *kwargs.values()], order)))
    if not kwargs:
        return lambda args, kwargs: pack(plan(*args))
    if not args:
        return lambda args, kwargs: pack(plan(*kwargs.values()))
    return lambda args, kwargs: pack(plan(*args, *kwargs.values()))


def _ordered(values: Sequence[Any], order: Sequence[int]) -> list[Any]:
    return [values[i] for i in order]


def _packer(structure: Any) -> Callable[[list[Any]], Any] | None:
    """From flat results to a result of this structure: one tensor, or a dict of tensors."""
    if _is_array(structure):

        def one(results: list[Any]) -> Any:
            (array,) = results
            return array if array.ndim else array[()]

        return one
    if isinstance(structure, dict) and structure and all(_is_array(v) for v in structure.values()):
        names = sorted(structure)

        def several(results: list[Any]) -> Any:
            return {name: a if a.ndim else a[()] for name, a in zip(names, results, strict=True)}

        return several
    return None


def _is_array(spec: Any) -> bool:
    return (
        isinstance(spec, TensorSpecValue) and spec.dtype.is_numpy_compatible and spec.dtype.name != "string"
    )
