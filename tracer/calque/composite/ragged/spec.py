"""The spec of ragged tensors."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from ...tensor_shape import TensorShape, as_shape
from ...tensor_spec import TensorSpec
from ..type_spec import TypeSpec

__all__ = ["RaggedTensorSpec"]


class RaggedTensorSpec(TypeSpec):
    """The static shape, the dtype and the ragged dimensions of a ragged tensor.

    Args:
        shape: anything a TensorShape is made from.
        dtype: the type of the elements.
        ragged_rank: how many dimensions are ragged; default: all but the outermost one.
        row_splits_dtype: the type of the row splits: int32 or int64.
        flat_values_spec: the spec of the innermost values, where they are no plain tensor.

    Raises:
        ValueError: the ragged rank does not fit the shape.
    """

    __slots__ = ("_dtype", "_flat_values_spec", "_ragged_rank", "_row_splits_dtype", "_shape")

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        flat_values_spec: TypeSpec | None = None,
    ) -> None:
        self._shape = as_shape(shape)
        self._row_splits_dtype = as_dtype(row_splits_dtype)
        if flat_values_spec is not None:
            dtype = getattr(flat_values_spec, "dtype", None) if dtype is None else dtype
        elif dtype is None:
            raise ValueError("At least one of dtype or flat_values_spec must be provided")
        self._dtype = as_dtype(dtype)
        self._flat_values_spec = flat_values_spec
        rank = self._shape.rank
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank.")
            ragged_rank = rank - 1
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank!r}.")
        if rank is not None and ragged_rank >= rank:
            raise ValueError(f"Argument `ragged_rank` ({ragged_rank}) must be less than rank ({rank}).")
        self._ragged_rank = ragged_rank

    @classmethod
    def from_value(cls, value: Any) -> RaggedTensorSpec:
        """The spec of a ragged tensor."""
        return value._type_spec  # type: ignore[no-any-return]

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known; None for a ragged dimension."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def ragged_rank(self) -> int:
        """How many dimensions are ragged; 0: the values are plain tensors."""
        return self._ragged_rank

    @property
    def row_splits_dtype(self) -> DType:
        """The type of the row splits."""
        return self._row_splits_dtype

    @property
    def flat_values_spec(self) -> TypeSpec | None:
        """The spec of the innermost values, where they are no plain tensor."""
        return self._flat_values_spec

    @property
    def value_type(self) -> type:
        """RaggedTensor, or Tensor where no dimension is ragged."""
        from ...tensor import Tensor
        from .ragged_tensor import RaggedTensor

        return RaggedTensor if self._ragged_rank > 0 else Tensor

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Could one value be of both specs, or is the value of this spec? A plain tensor is if none is ragged."""
        if self._ragged_rank == 0:
            flat = self._flat_values_spec or TensorSpec(self._shape, self._dtype)
            if not isinstance(spec_or_value, RaggedTensorSpec):
                return flat.is_compatible_with(spec_or_value)
        return super().is_compatible_with(spec_or_value)

    def _serialize(self) -> tuple[Any, ...]:
        plain = self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype
        return plain if self._flat_values_spec is None else (*plain, self._flat_values_spec)

    @property
    def _component_specs(self) -> Any:
        if self._ragged_rank <= 0:
            return [self._flat_values_spec or TensorSpec(self._shape, self._dtype)]
        flat: TypeSpec
        if self._flat_values_spec is not None:
            flat = self._flat_values_spec
        else:
            inner = self._shape[self._ragged_rank + 1 :] if self._shape.rank is not None else None
            shape = TensorShape(None) if inner is None else TensorShape([None]).concatenate(inner)
            flat = TensorSpec(shape, self._dtype)
        outer = self._shape[0] if self._shape.rank is not None else None
        splits = [TensorSpec([None if outer is None else outer + 1], self._row_splits_dtype)]
        splits += [TensorSpec([None], self._row_splits_dtype)] * (self._ragged_rank - 1)
        return [flat, *splits]

    def _to_components(self, value: Any) -> list[Any]:
        from .ragged_tensor import RaggedTensor

        if not isinstance(value, RaggedTensor):
            return [value]
        return [value.flat_values, *value.nested_row_splits]

    def _from_components(self, components: Any) -> Any:
        from .making import with_static_shape
        from .ragged_tensor import RaggedTensor
        from .row_partition import RowPartition

        result = components[0]
        for splits in reversed(components[1:]):
            result = RaggedTensor._of(result, RowPartition(splits))
        return with_static_shape(result, self._shape) if self._ragged_rank > 0 else result
