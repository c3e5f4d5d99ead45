"""`tf.IndexedSlices`: some rows of a tensor, as gradients of look-ups are."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes, ops
from calque_runtime.constants import constant_shape
from calque_runtime.dtypes import DType, as_dtype, int32

from .composite.composite import CompositeTensor
from .composite.type_spec import TypeSpec
from .tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from .tensor_shape import TensorShape, as_shape
from .tensor_spec import TensorSpec

__all__ = ["IndexedSlices", "IndexedSlicesSpec"]


class IndexedSlices(CompositeTensor):
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

    @property
    def _type_spec(self) -> IndexedSlicesSpec:
        indices = convert_to_tensor(self._indices)
        sizes = None if self._dense_shape is None else convert_to_tensor(self._dense_shape).dtype
        shape = self.shape.merge_with(
            TensorShape([None]).concatenate(convert_to_tensor(self._values).shape[1:])
        )
        return IndexedSlicesSpec(shape, self.dtype, indices.dtype, sizes, indices.shape)

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


class IndexedSlicesSpec(TypeSpec):
    """The static shape and the dtypes of indexed slices.

    Args:
        shape: of the whole tensor: anything a TensorShape is made from.
        dtype: the type of the elements.
        indices_dtype: the type of the row numbers.
        dense_shape_dtype: the type of the dense shape; None: it has none.
        indices_shape: the shape of the row numbers; default: a vector.
    """

    __slots__ = ("_dtype", "_indices_dtype", "_indices_shape", "_shape", "_sizes_dtype")

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None,
        indices_shape: Any = None,
    ) -> None:
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._indices_dtype = as_dtype(indices_dtype)
        self._sizes_dtype = None if dense_shape_dtype is None else as_dtype(dense_shape_dtype)
        self._indices_shape = as_shape(indices_shape).with_rank(1)

    @property
    def value_type(self) -> type:
        """IndexedSlices."""
        return IndexedSlices

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._indices_dtype, self._sizes_dtype, self._indices_shape

    @property
    def _component_specs(self) -> tuple[TensorSpec, ...]:
        rows = self._indices_shape.concatenate(self._shape[1:])
        specs = TensorSpec(rows, self._dtype), TensorSpec(self._indices_shape, self._indices_dtype)
        if self._sizes_dtype is None:
            return specs
        return *specs, TensorSpec([self._shape.rank], self._sizes_dtype)

    def _to_components(self, value: Any) -> tuple[Any, ...]:
        parts = (value.values, value.indices)
        return parts if value.dense_shape is None else (*parts, value.dense_shape)

    def _from_components(self, components: Any) -> Any:
        return IndexedSlices(*components)
