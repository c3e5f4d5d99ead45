"""Zero gradients in graphs, also for handles, whose gradients are those of the variables behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from calque_runtime import dtypes, ops

from ..tensor import SymbolicTensor
from .graphs import gradient_spec

__all__ = ["zeros_for"]


def zeros_for(tensor: SymbolicTensor) -> Any:
    """A zero gradient for a tensor of a graph.

    Raises:
        InvalidArgumentError: it is not known which variable is behind a handle.
    """
    if tensor.dtype is not dtypes.resource:
        return ops.require("ZerosLike")(tensor)
    dtype, shape = gradient_spec(tensor._value)
    if shape is not None and None not in shape:
        sizes: Any = np.array(shape, np.int32)
    else:
        sizes = ops.require("VariableShape")(tensor, out_type=dtypes.int32)
    return ops.require("Fill")(sizes, np.zeros((), dtype.np))
