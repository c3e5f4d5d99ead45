"""Indices that a graph computes: checked, and as numpy's indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array

__all__ = ["checked_indices", "places"]


def checked_indices(indices: Array, size: int) -> None:
    """Are all of the indices in [0, size)?

    Raises:
        InvalidArgumentError: names the first that is not, and its place.
    """
    if not indices.size:
        return
    if indices.ndim == 0:
        at = indices.item()
        if not 0 <= at < size:
            raise InvalidArgumentError(None, None, f"indices = {at} is not in [0, {size})")
    elif indices.min() < 0 or indices.max() >= size:
        place = np.argwhere((indices < 0) | (indices >= size))[0].tolist()
        shown = ",".join(map(str, place))
        raise InvalidArgumentError(
            None, None, f"indices[{shown}] = {indices[tuple(place)]} is not in [0, {size})"
        )


def places(
    indices: Array, sizes: tuple[int, ...], what: str, ignore: bool = False
) -> tuple[tuple[Any, ...], Array | None]:
    """The vectors in the last axis of `indices` as a tuple of index arrays for an array of shape `sizes`.

    Returns:
        The index arrays, and, where `ignore` is true and some vectors lie outside, the mask of those: their indices
        are 0. Otherwise None.

    Raises:
        InvalidArgumentError: a vector lies outside and `ignore` is false; names it and its place.
    """
    depth = indices.shape[-1]
    bounds = np.array(sizes[:depth], np.int64)
    bad = ((indices < 0) | (indices >= bounds)).any(axis=-1)
    if bad.any():
        if not ignore:
            at = tuple(np.argwhere(bad)[0].tolist())
            shown = ",".join(map(str, at))
            raise InvalidArgumentError(
                None, None, f"indices[{shown}] = {indices[at].tolist()} does not index into {what}"
            )
        indices = np.where(bad[..., None], 0, indices)
    return tuple(indices[..., k] for k in range(depth)), (bad if bad.any() else None)
