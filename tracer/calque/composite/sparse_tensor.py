"""`SparseTensor`: a tensor of which only some elements are given, and its spec."""

from __future__ import annotations

from typing import Any, NoReturn

from calque_runtime import dtypes, ops
from calque_runtime.constants import constant_shape
from calque_runtime.dtypes import DType, as_dtype

from ..tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from ..tensor_shape import TensorShape, as_shape
from ..tensor_spec import TensorSpec
from .composite import CompositeTensor
from .type_spec import TypeSpec

__all__ = ["SparseTensor", "SparseTensorSpec", "static_sizes"]


class SparseTensor(CompositeTensor):
    """A tensor of which only some elements are given; the others are zero (False, the empty string).

    Args:
        indices: int64 of shape [n, rank]: where the elements are. Most ops want them in row-major order (see
            `sparse.reorder`).
        values: the n elements.
        dense_shape: int64 of shape [rank].

    ``sp * dense`` and ``sp / dense`` multiply and divide the elements that are there; `dense` is broadcast.

    Raises:
        ValueError: the shapes of the three do not fit each other.
    """

    __array_priority__ = 100

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self._indices = convert_to_tensor(indices, dtypes.int64)
        self._values = convert_to_tensor(values)
        self._dense_shape = convert_to_tensor(dense_shape, dtypes.int64)
        self._known_shape: TensorShape | None = None
        where = self._indices.shape.with_rank(2)
        count = self._values.shape.with_rank(1)
        rank = self._dense_shape.shape.with_rank(1)
        TensorShape([where[0]]).assert_is_compatible_with(count)
        TensorShape([where[1]]).assert_is_compatible_with(rank)

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """A sparse tensor of anything that has `indices`, `values` and `dense_shape`."""
        value = sparse_tensor_value
        return cls(value.indices, value.values, value.dense_shape)

    @property
    def indices(self) -> Tensor:
        """Where the elements are: int64 of shape [n, rank]."""
        return self._indices

    @property
    def values(self) -> Tensor:
        """The elements: of shape [n]."""
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        """The shape of the whole tensor, as a tensor: int64 of shape [rank]."""
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._values.dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape of the whole tensor."""
        found = static_sizes(self._dense_shape)
        if found.rank is None:
            found = TensorShape([None] * self._indices.shape[1]) if self._indices.shape[1] else found
        return found if self._known_shape is None else found.merge_with(self._known_shape)

    def get_shape(self) -> TensorShape:
        """The static shape of the whole tensor."""
        return self.shape

    @property
    def graph(self) -> Any:
        """The graph it belongs to."""
        return self._indices.graph

    @property
    def op(self) -> Any:
        """The operation that makes its elements."""
        return self._values.op

    def set_shape(self, shape: Any) -> None:
        """Tell what is known of the shape; what is known already is kept.

        Raises:
            ValueError: it contradicts what is known.
        """
        self._known_shape = self.shape.merge_with(shape)

    def with_values(self, new_values: Any) -> SparseTensor:
        """A sparse tensor with other elements at the same places."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    @property
    def _type_spec(self) -> SparseTensorSpec:
        return SparseTensorSpec(self.shape, self.dtype)

    def _with_dense(self, op: str, other: Any, name: str | None = None) -> SparseTensor:
        dense = convert_to_tensor(other, self.dtype)
        values = ops.require(op)(self._indices, self._values, self._dense_shape, dense, name=name)
        return self.with_values(values)

    def __mul__(self, other: Any) -> SparseTensor:
        return self._with_dense("SparseDenseCwiseMul", other, "mul")

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SparseTensor:
        return self._with_dense("SparseDenseCwiseDiv", other, "truediv")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ValueError("A SparseTensor is no array: use tf.sparse.to_dense(x).numpy()")

    def __repr__(self) -> str:
        return f"SparseTensor(indices={self._indices!s}, values={self._values!s}, dense_shape={self._dense_shape!s})"


def static_sizes(sizes: Any) -> TensorShape:
    """What is known of the shape that the vector `sizes` holds."""
    if isinstance(sizes, EagerTensor):
        return TensorShape(sizes.numpy().tolist())
    found = constant_shape(sizes._value) if isinstance(sizes, SymbolicTensor) else None
    if found is None:
        rank = sizes.shape[0] if sizes.shape.rank == 1 else None
        return TensorShape(None if rank is None else [None] * rank)
    return TensorShape(found)


class SparseTensorSpec(TypeSpec):
    """The static shape and the dtype of a sparse tensor. How many elements are there is not part of it.

    Args:
        shape: anything a TensorShape is made from.
        dtype: the type of the elements.
    """

    __slots__ = ("_dtype", "_shape")

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32) -> None:
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)

    @classmethod
    def from_value(cls, value: Any) -> SparseTensorSpec:
        """The spec of a sparse tensor.

        Raises:
            TypeError: `value` is none.
        """
        if isinstance(value, SparseTensor):
            return cls(value.shape, value.dtype)
        raise TypeError("Expected SparseTensor or SparseTensorValue, got " + type(value).__name__)

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole tensor, as far as it is known."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def value_type(self) -> type:
        """SparseTensor."""
        return SparseTensor

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype

    @property
    def _component_specs(self) -> list[TensorSpec]:
        rank = self._shape.rank
        return [
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], self._dtype),
            TensorSpec([rank], dtypes.int64),
        ]

    def _to_components(self, value: Any) -> list[Any]:
        return [value.indices, value.values, value.dense_shape]

    def _from_components(self, components: Any) -> Any:
        made = SparseTensor(*components)
        made._known_shape = made.shape.merge_with(self._shape)
        return made
