"""Variables that are read in the dtype in which the layer being called computes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import dtypes
from ...api.math_ops import cast
from ...variable import Variable

__all__ = ["AutoCastVariable", "compute_in"]


class _Local(threading.local):
    dtype: dtypes.DType | None = None


_local = _Local()


@contextmanager
def compute_in(dtype: str | None) -> Iterator[None]:
    """Floating variables of layers are read in this dtype inside; None: as they are."""
    before = _local.dtype
    _local.dtype = None if dtype is None else dtypes.as_dtype(dtype)
    try:
        yield
    finally:
        _local.dtype = before


class AutoCastVariable(Variable):
    """A variable of a layer that computes in another dtype than its weights have (a mixed policy)."""

    @property
    def true_dtype(self) -> dtypes.DType:
        """The dtype in which the value is kept."""
        return self._state.dtype

    @property
    def dtype(self) -> dtypes.DType:
        """The dtype in which it is read here."""
        return _local.dtype or self._state.dtype

    def read_value(self) -> Any:
        """The value now, in the dtype in which the layer being called computes."""
        value = super().read_value()
        return value if _local.dtype is None else cast(value, _local.dtype)
