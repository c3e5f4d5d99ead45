"""How the values that `mapping` loops over are taken apart, slice by slice, and put together again.

A tensor is unstacked into a TensorArray, and results are stacked. A ragged or sparse tensor is sliced where it stands.
A ragged result is kept as its row lengths and flat values, each in a TensorArray of pieces that are concatenated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from calque_runtime.dtypes import int64

from ..api import array_ops
from ..api.indexing_ops import boolean_mask
from ..api.math_ops import cast, equal
from ..composite.ragged.ragged_tensor import RaggedTensor
from ..composite.ragged.spec import RaggedTensorSpec
from ..composite.sparse_tensor import SparseTensor
from ..composite.type_spec import TypeSpec, type_spec_from_value
from ..tensor import SymbolicTensor, Tensor, convert_to_tensor
from ..tensor_array import TensorArray
from ..tensor_shape import TensorShape
from ..tensor_spec import TensorSpec

__all__ = ["Results", "Source", "result_spec"]


class Source:
    """One value to be read slice by slice along its first axis.

    Attributes:
        static: the number of slices where it is known.
        count: the number of slices, a tensor where it is not known.
        spec: the type that results have unless another is given.
    """

    def __init__(self, value: Any, caller: str) -> None:
        if isinstance(value, Tensor):
            if value.shape.rank == 0:
                raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars")
            self.spec: TypeSpec = TensorSpec(None, value.dtype)
            rows: Callable[[], Any] = lambda: array_ops.shape(value)[0]  # noqa: E731
        elif isinstance(value, RaggedTensor):
            self.spec = RaggedTensorSpec(None, value.dtype, value.ragged_rank - 1, value.row_splits.dtype)
            rows = lambda: value.nrows()  # noqa: E731
        elif isinstance(value, SparseTensor):
            self.spec = type_spec_from_value(value)
            rows = lambda: value.dense_shape[0]  # noqa: E731
        else:
            raise TypeError(f"{caller} can not consume {type_spec_from_value(value)} inputs: got {value!r}")
        shape = value.shape
        self.static: int | None = shape[0] if shape.rank is not None else None
        self.count: Any = cast(rows(), "int32") if self.static is None else self.static
        self._value = value
        self._array: TensorArray | None = None

    def prepare(self, count: Any) -> None:
        """Get ready to be read in a loop of `count` iterations."""
        if isinstance(self._value, Tensor):
            shape = self._value.shape[1:] if self._value.shape.rank is not None else TensorShape(None)
            empty = TensorArray(self._value.dtype, count, clear_after_read=False, element_shape=shape)
            self._array = empty.unstack(self._value)

    def read(self, i: Any) -> Any:
        """Slice `i`."""
        if self._array is not None:
            return self._array.read(i)
        if isinstance(self._value, RaggedTensor):
            return self._value[i]
        rows = self._value.indices
        here = equal(rows[:, 0], cast(i, int64))
        return SparseTensor(
            boolean_mask(rows, here)[:, 1:],
            boolean_mask(self._value.values, here),
            self._value.dense_shape[1:],
        )


def result_spec(given: Any) -> TypeSpec:
    """The type of a result as a user gives it: a dtype or a TypeSpec.

    Raises:
        TypeError: results of that type cannot be put together.
    """
    spec = given if isinstance(given, TypeSpec) else TensorSpec(None, given)
    if not isinstance(spec, (TensorSpec, RaggedTensorSpec)):
        raise TypeError(f"map_fn can not generate {spec} outputs")
    return spec


class Results:
    """Where the results of one type go.

    Attributes:
        arrays: the TensorArrays to start the loop with.
    """

    def __init__(self, spec: Any, count: Any, infer_shape: bool) -> None:
        self._spec = spec
        if isinstance(spec, TensorSpec):
            self.arrays = [TensorArray(spec.dtype, count, infer_shape=infer_shape, element_shape=spec.shape)]
            return
        kind = spec.row_splits_dtype
        inner = None if spec.shape.rank is None else [None, *spec.shape.as_list()[spec.ragged_rank + 1 :]]
        self.arrays = [TensorArray(kind, count, element_shape=[])]
        for _ in range(spec.ragged_rank):
            self.arrays.append(TensorArray(kind, count, infer_shape=False, element_shape=[None]))
        self.arrays.append(TensorArray(spec.dtype, count, infer_shape=False, element_shape=inner))

    def write(self, arrays: Sequence[TensorArray], i: Any, value: Any) -> list[TensorArray]:
        """The arrays with the result `value` of slice `i`.

        Raises:
            ValueError: it is not of the type that was said.
        """
        return [array.write(i, part) for array, part in zip(arrays, self._parts(value), strict=True)]

    def _parts(self, value: Any) -> list[Any]:
        spec = self._spec
        if isinstance(spec, TensorSpec):
            return [value]
        if not isinstance(value, RaggedTensor):
            value = convert_to_tensor(value, dtype_hint=spec.dtype)
        rank = value.ragged_rank if isinstance(value, RaggedTensor) else 0
        if (
            value.dtype is not spec.dtype
            or value.shape.rank == 0
            or rank != spec.ragged_rank
            or not spec.shape.is_compatible_with(value.shape)
        ):
            raise ValueError(
                f"Error in map_fn:\n  Expected `fn` to return a:\n    {spec}\n  But it returned a:\n    "
                f"{type_spec_from_value(value)}\n    (value={value})\n  To fix, update the `fn_output_signature` (or "
                "`dtype`) argument to `map_fn`."
            )
        kind = spec.row_splits_dtype
        if not rank:
            return [cast(array_ops.shape(value)[0], kind), value]
        lengths = [cast(one, kind) for one in value.nested_row_lengths()]
        return [cast(value.nrows(), kind), *lengths, value.flat_values]

    def collected(self, arrays: Sequence[TensorArray], static: int | None) -> Any:
        """All results as one value."""
        if isinstance(self._spec, TensorSpec):
            stacked = arrays[0].stack()
            if isinstance(stacked, SymbolicTensor) and stacked.shape.rank is not None:
                stacked.set_shape([static, *stacked.shape.as_list()[1:]])
            return stacked
        lengths = [arrays[0].stack(), *(array.concat() for array in arrays[1:-1])]
        return RaggedTensor.from_nested_row_lengths(arrays[-1].concat(), lengths, validate=False)
