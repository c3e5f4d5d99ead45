"""Values made of several tensors, as arguments and results of loaded functions.

A loaded function that takes or gives such a value says so by a `TypeSpecValue`; these classes hold the arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calque_runtime.errors import InvalidArgumentError
from calque_runtime.record import record
from calque_runtime.structure import ShapeValue, TensorSpecValue, TypeSpecValue

__all__ = [
    "Composite",
    "IndexedSlices",
    "RaggedTensor",
    "SparseTensor",
    "component_specs",
    "components",
    "compose",
]

Array = Any

# Numbers in TypeSpecProto.TypeSpecClass.
_SPARSE, _INDEXED_SLICES, _RAGGED = 1, 2, 3
_MOST_COMPONENTS = 1 << 10


@record(frozen=True, eq=False)
class SparseTensor:
    """A tensor of which only some elements are given.

    Attributes:
        indices: int64 of shape [n, rank]: where the elements are.
        values: the n elements.
        dense_shape: int64 of shape [rank].
    """

    indices: Array
    values: Array
    dense_shape: Array


@record(frozen=True, eq=False)
class RaggedTensor:
    """A tensor whose rows differ in length.

    Attributes:
        flat_values: all elements, row after row.
        nested_row_splits: for each ragged dimension, outermost first, where its rows begin, and the end of the last.
    """

    flat_values: Array
    nested_row_splits: tuple[Array, ...]

    def to_list(self) -> list[Any]:
        """The elements as nested Python lists."""
        rows: list[Any] = np.asarray(self.flat_values).tolist()
        for splits in reversed(self.nested_row_splits):
            rows = [rows[begin:end] for begin, end in zip(splits[:-1], splits[1:], strict=True)]  # noqa: RUF007
        return rows


@record(frozen=True, eq=False)
class IndexedSlices:
    """Slices of a larger tensor: ``values[i]`` belongs at ``indices[i]`` of its first dimension."""

    values: Array
    indices: Array
    dense_shape: Array | None = None


@record(frozen=True, eq=False)
class Composite:
    """A value of any other kind: its spec, and the tensors it is made of."""

    spec: TypeSpecValue
    components: tuple[Array, ...]


def components(value: Any, spec: TypeSpecValue) -> tuple[Array, ...] | None:
    """The tensors that `value` is made of, in the order of `spec`; None where it is no such value."""
    if spec.class_enum == _SPARSE and isinstance(value, SparseTensor):
        return value.indices, value.values, value.dense_shape
    if spec.class_enum == _RAGGED and isinstance(value, RaggedTensor):
        return value.flat_values, *value.nested_row_splits
    if spec.class_enum == _INDEXED_SLICES and isinstance(value, IndexedSlices):
        parts = (value.values, value.indices, value.dense_shape)
        return tuple(part for part in parts if part is not None)
    if isinstance(value, Composite) and value.spec == spec:
        return value.components
    return None


def compose(spec: TypeSpecValue, parts: tuple[Array, ...]) -> Any:
    """The value of that spec made of these tensors."""
    if spec.class_enum == _SPARSE and len(parts) == 3:
        return SparseTensor(*parts)
    if spec.class_enum == _RAGGED and len(parts) >= 1:
        return RaggedTensor(parts[0], parts[1:]) if len(parts) > 1 else parts[0]
    if spec.class_enum == _INDEXED_SLICES and len(parts) in (2, 3):
        return IndexedSlices(*parts)
    return Composite(spec, parts)


def component_specs(spec: TypeSpecValue) -> list[TensorSpecValue | None]:
    """What is known of each tensor that a value of `spec` is made of; None: nothing.

    Raises:
        InvalidArgumentError: the spec says that there are absurdly many.
    """
    from calque_runtime import dtypes

    count = spec.num_flat_components
    if not 0 <= count <= _MOST_COMPONENTS:
        raise InvalidArgumentError(None, None, f"a {spec.class_name} cannot have {count} components")
    state = spec.state if isinstance(spec.state, tuple) else ()
    kinds = tuple(map(type, state))
    if spec.class_enum == _SPARSE and kinds[:2] == (ShapeValue, dtypes.DType):
        rank = None if state[0].shape is None else len(state[0].shape)
        return [
            TensorSpecValue((None, rank), dtypes.int64),
            TensorSpecValue((None,), state[1]),
            TensorSpecValue((rank,), dtypes.int64),
        ]
    if (
        spec.class_enum == _RAGGED
        and kinds[1:4] == (dtypes.DType, int, dtypes.DType)
        and state[2] + 1 == count
    ):
        ragged_rank, splits = state[2], state[3]
        return [TensorSpecValue(None, state[1]), *[TensorSpecValue((None,), splits)] * ragged_rank]
    return [None] * count
