"""`tf.IndexedSlices`: some rows of a tensor, as gradients of look-ups are."""

from __future__ import annotations

from typing import Any

from calque_runtime import ops
from calque_runtime.constants import constant_shape
from calque_runtime.dtypes import DType, int32

from .tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from .tensor_shape import TensorShape

__all__ = ["IndexedSlices"]


class IndexedSlices:
    """The rows `values` of a tensor, at `indices`; rows that occur several times add up, the others are zero.

    Args:
        values: a tensor of shape [n, ...].
        indices: a vector of n row numbers.
        dense_shape: the shape of the whole tensor, where it is known.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Any:
        """The rows."""
        return self._values

    @property
    def indices(self) -> Any:
        """Where they belong."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the whole tensor, or None."""
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return convert_to_tensor(self._values).dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape of the whole tensor."""
        if self._dense_shape is None:
            return TensorShape(None)
        shape = convert_to_tensor(self._dense_shape)
        if isinstance(shape, EagerTensor):
            return TensorShape(shape.numpy().tolist())
        return TensorShape(constant_shape(shape._value) if isinstance(shape, SymbolicTensor) else None)

    def __tf_tensor__(self, dtype: DType | None = None, name: str | None = None) -> Tensor:
        """The whole tensor.

        Raises:
            ValueError: its shape is not known, or it is not of type `dtype`.
        """
        if self._dense_shape is None:
            raise ValueError(
                f"{self} cannot become a tensor: it does not say how many rows there are (dense_shape is None)."
            )
        rows = convert_to_tensor(self._dense_shape, dtype_hint=int32)[0]
        dense: Tensor = ops.require("UnsortedSegmentSum")(
            convert_to_tensor(self._values), convert_to_tensor(self._indices), rows, name=name
        )
        return convert_to_tensor(dense, dtype)

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-convert_to_tensor(self._values), self._indices, self._dense_shape)

    def __str__(self) -> str:
        whole = "" if self._dense_shape is None else f", dense_shape={self._dense_shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{whole})"
