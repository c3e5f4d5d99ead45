"""What functions of tensors take: tensors, and what becomes one."""

from __future__ import annotations

from typing import Any

import calque as tf

__all__ = ["as_tensor"]


def as_tensor(x: Any, dtype: Any = None) -> Any:
    """A tensor of an array or number; tensors, variables, composite and symbolic ones as they are.

    Args:
        x: the value.
        dtype: the dtype of what is no tensor yet; None: its own.
    """
    return x if isinstance(getattr(x, "shape", None), tf.TensorShape) else tf.convert_to_tensor(x, dtype)
