"""What is known of a value without the value: `TensorSpec` for tensors, `VariableSpec` for variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from .composite.type_spec import TypeSpec, type_spec_from_value
from .tensor_shape import TensorShape, as_shape

__all__ = ["TensorSpec", "TypeSpec", "VariableSpec", "type_spec_from_value"]


class TensorSpec(TypeSpec):
    """The shape, dtype and name of a tensor.

    Args:
        shape: anything a TensorShape is made from.
        dtype: the type of the elements.
        name: a name, such as an argument's; None for none.

    Raises:
        TypeError: `shape` is no shape, or `dtype` no type.
    """

    __slots__ = ("_dtype", "_name", "_shape")
    _is_leaf = True

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        """A spec with the shape and dtype of `spec`, and its name unless `name` is given."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec of a tensor; a symbolic one's name is the spec's unless `name` is given.

        Raises:
            ValueError: `tensor` is no Tensor.
        """
        from .tensor import SymbolicTensor, Tensor

        if not isinstance(tensor, Tensor):
            raise ValueError(f"`tensor` should be a tf.Tensor, but got type {type(tensor)}.")
        if name is None and isinstance(tensor, SymbolicTensor):
            name = tensor.name.partition(":")[0]
        return cls(tensor.shape, tensor.dtype, name)

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """The name, or None."""
        return self._name

    @property
    def value_type(self) -> type:
        """Tensor."""
        from .tensor import Tensor

        return Tensor

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """Has the tensor this dtype and a shape that fits, or could a tensor be of both specs? Names do not count."""
        from .tensor import Tensor

        if not isinstance(spec_or_tensor, (Tensor, TensorSpec)):
            return False
        return self._dtype == spec_or_tensor.dtype and self._shape.is_compatible_with(spec_or_tensor.shape)

    def is_subtype_of(self, other: Any) -> bool:
        """Is every tensor of this spec one of the spec `other`? A named one only of its name."""
        return (
            type(self) is type(other)
            and self._dtype == other._dtype
            and (not self._name or self._name == other._name)
            and self._shape.is_subtype_of(other._shape)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorSpec | None:
        """The spec of this dtype whose shape is true of all; None where dtypes or names differ."""
        shape = self._shape
        for other in others:
            if type(self) is not type(other) or self._dtype != other._dtype or self._name != other._name:
                return None
            shape = shape.most_specific_compatible_shape(other._shape)
        return type(self)(shape, self._dtype, self._name)

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._name

    @property
    def _component_specs(self) -> TensorSpec:
        return self

    def _to_components(self, value: Any) -> Any:
        return value

    def _from_components(self, components: Any) -> Any:
        return components

    def flatten(self) -> list[Any]:
        """Itself."""
        return [self]

    def to_tensors(self, value: Any) -> list[Any]:
        """The tensor, made one where it is none."""
        return [self.cast(value, None)]

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """The next of `tensors`."""
        return next(tensors)

    def cast(self, value: Any, cast_context: Any) -> Any:
        """`value` as a tensor of this spec.

        Raises:
            TypeError: it has another dtype or shape, or cannot become a tensor of this dtype.
        """
        from .tensor import Tensor, convert_to_tensor

        if isinstance(value, TensorSpec):
            tensor: Any = value
        elif isinstance(value, Tensor) or hasattr(value, "__tf_tensor__"):
            tensor = convert_to_tensor(value)
        else:
            try:
                tensor = convert_to_tensor(value, self._dtype)
            except (TypeError, ValueError) as e:
                raise TypeError(f"Can not cast {value!r} to {self!r}: {e}") from None
        if tensor.dtype is not self._dtype or not self._shape.is_compatible_with(tensor.shape):
            raise TypeError(f"Can not cast {TensorSpec(tensor.shape, tensor.dtype)!r} to {self!r}")
        return tensor

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorSpec):
            return NotImplemented
        return self._shape == other._shape and self._dtype == other._dtype and self._name == other._name

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._shape, self._dtype, self._name)


class VariableSpec(TypeSpec):
    """The shape and dtype of a variable.

    Args:
        shape: anything a TensorShape is made from.
        dtype: the type of the elements.
        trainable: is the variable trainable?
        alias_id: equal for arguments that are one and the same variable; None where that does not matter.
    """

    __slots__ = ("_alias_id", "_dtype", "_shape", "_trainable")
    _is_leaf = True

    def __init__(
        self, shape: Any, dtype: Any = dtypes.float32, trainable: bool = True, alias_id: int | None = None
    ) -> None:
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._trainable = trainable
        self._alias_id = alias_id

    @classmethod
    def from_value(cls, value: Any) -> VariableSpec:
        """The spec of a variable."""
        return cls(value.shape, value.dtype, value.trainable)

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def trainable(self) -> bool:
        """Is the variable trainable?"""
        return self._trainable

    @property
    def alias_id(self) -> int | None:
        """Equal for arguments that are one and the same variable, or None."""
        return self._alias_id

    @property
    def name(self) -> None:
        """Variables' specs have no name."""
        return None

    @property
    def value_type(self) -> type:
        """Variable."""
        from .variable import Variable

        return Variable

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Could a variable be of both specs, or is the variable of this dtype and a shape that fits?"""
        if not isinstance(spec_or_value, (VariableSpec, self.value_type)):
            return False
        value: Any = spec_or_value
        return self._dtype == value.dtype and self._shape.is_compatible_with(value.shape)

    def is_subtype_of(self, other: Any) -> bool:
        """Is every variable of this spec one of the spec `other`?"""
        return (
            isinstance(other, VariableSpec)
            and self._rest() == other._rest()
            and self._shape.is_subtype_of(other._shape)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> VariableSpec | None:
        """The spec whose shape is true of all; None where anything else differs."""
        shape = self._shape
        for other in others:
            if not isinstance(other, VariableSpec) or self._rest() != other._rest():
                return None
            shape = shape.most_specific_compatible_shape(other._shape)
        return VariableSpec(shape, *self._rest())

    def _rest(self) -> tuple[DType, bool, int | None]:
        return self._dtype, self._trainable, self._alias_id

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, *self._rest()

    def flatten(self) -> list[Any]:
        """The spec of the variable's handle."""
        return [TensorSpec([], dtypes.resource)]

    def to_tensors(self, value: Any) -> list[Any]:
        """The variable's handle."""
        return [value.handle]

    def cast(self, value: Any, cast_context: Any) -> Any:
        """`value`, if it is a variable of this spec.

        Raises:
            TypeError: it is none.
        """
        if isinstance(value, self.value_type) and self.is_compatible_with(value):
            return value
        raise TypeError(f"Can not cast {value!r} to {self!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VariableSpec):
            return NotImplemented
        return self._shape == other._shape and self._rest() == other._rest()

    def __hash__(self) -> int:
        return hash((self._shape, self._rest()))

    def __repr__(self) -> str:
        return (
            f"VariableSpec(shape={self._shape}, dtype={self._dtype!r}, trainable={self._trainable!r}, "
            f"alias_id={self._alias_id!r})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return VariableSpec, (self._shape, *self._rest())
