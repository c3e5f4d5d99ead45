"""What is measured, as Python numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import nest
from ...tensor import Tensor

__all__ = ["as_numbers"]


def as_numbers(logs: Any) -> Any:
    """A structure with Python numbers for scalar tensors, and arrays for others; ragged and sparse ones as they are."""
    if type(logs) is dict:
        return {name: _number(value) for name, value in logs.items()}
    return nest.map_structure(_number, logs)


def _number(value: Any) -> Any:
    if isinstance(value, Tensor) or hasattr(value, "read_value"):
        value = value.numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.item() if value.ndim == 0 else value
    return value if not isinstance(value, dict) else as_numbers(value)
