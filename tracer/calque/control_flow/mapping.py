"""Loops over the first axis of tensors: `map_fn`, `scan`, `foldl`, `foldr`, `vectorized_map`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nest
from ..api import array_ops
from ..composite.composite import CompositeTensor
from ..composite.type_spec import TypeSpec, type_spec_from_value
from ..tensor import SymbolicTensor, Tensor, convert_to_tensor
from ..tensor_array import TensorArray
from ..tensor_shape import TensorShape
from ..tensor_spec import TensorSpec
from .loops import while_loop
from .structures import as_values

__all__ = ["foldl", "foldr", "map_fn", "scan"]


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """Apply `fn` to each slice of `elems` along the first axis, and stack what it returns.

    Args:
        fn: from a slice (in the structure of `elems`) to a tensor or structure of tensors.
        elems: a tensor or a structure of tensors of one size along the first axis.
        dtype: the older name of `fn_output_signature`.
        parallel_iterations, swap_memory: kept for other runtimes, accepted.
        back_prop: False: no gradient flows through the loop.
        infer_shape: do all results have one shape?
        name: the loop's name.
        fn_output_signature: the dtypes or `TypeSpec`s of what `fn` returns, in its structure; needed where they are
            not those of `elems`.

    Raises:
        TypeError: `fn` cannot be called, or an element is of a kind that cannot be sliced.
        ValueError: there are no elements or they are scalars; their sizes differ; `fn` returns another structure.
    """
    _check_callable(fn)
    signature = fn_output_signature if fn_output_signature is not None else dtype
    sliced = _Sliced(as_values(elems), "map_fn")
    if signature is None:
        likeness, specs = elems, [_any_shape(spec) for spec in sliced.element_specs]
    else:
        likeness, specs = signature, [_as_spec(one) for one in nest.flatten(signature)]
    written = [
        TensorArray(one.dtype, sliced.count, infer_shape=infer_shape, element_shape=one.shape)
        for spec in specs
        for one in _parts(spec)
    ]

    def compute(i: Any, arrays: Any) -> Any:
        result = fn(sliced.read(i))
        nest.assert_same_structure(likeness, result)
        values = [
            part for spec, one in zip(specs, nest.flatten(result), strict=True) for part in _taken(spec, one)
        ]
        return i + 1, [array.write(i, value) for array, value in zip(arrays, values, strict=True)]

    _, arrays = while_loop(
        lambda i, _: i < sliced.count,
        compute,
        (convert_to_tensor(0), written),
        parallel_iterations=parallel_iterations or 10,
        back_prop=back_prop,
        swap_memory=swap_memory,
        maximum_iterations=sliced.count,
        name=name or "map",
    )
    stacked = iter(sliced.stacked(arrays))
    results = [_batched(spec, sliced.static, [next(stacked) for _ in _parts(spec)]) for spec in specs]
    return nest.pack_sequence_as(likeness, results)


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """The accumulators that ``a = fn(a, slice)`` gives for each slice of `elems` along the first axis, stacked.

    Args:
        fn: from the accumulator (in the structure of `initializer`) and a slice (in that of `elems`) to the next one.
        elems: a tensor or a structure of tensors of one size along the first axis.
        initializer: the first accumulator; without one, the first slice is, and is the first result.
        infer_shape: do all accumulators have one shape?
        reverse: start with the last slice; results stand at the places of their slices.
        parallel_iterations, back_prop, swap_memory, name: as in `map_fn`.

    Raises:
        TypeError, ValueError: as `map_fn`.
    """
    _check_callable(fn)
    sliced = _Sliced(as_values(elems), "scan")
    count = sliced.count
    first = count - 1 if reverse else 0
    likeness = elems if initializer is None else initializer
    if initializer is None:
        start = nest.flatten(sliced.read(first))
    else:
        start = [convert_to_tensor(one) for one in nest.flatten(as_values(initializer))]
    written = [
        TensorArray(
            one.dtype, count, infer_shape=infer_shape, element_shape=one.shape if infer_shape else None
        )
        for one in start
    ]
    if initializer is None:
        written = [array.write(first, one) for array, one in zip(written, start, strict=True)]
        first = first - 1 if reverse else 1

    def compute(i: Any, accumulated: Any, arrays: Any) -> Any:
        result = fn(nest.pack_sequence_as(likeness, accumulated), sliced.read(i))
        nest.assert_same_structure(likeness, result)
        flat = nest.flatten(result)
        arrays = [array.write(i, value) for array, value in zip(arrays, flat, strict=True)]
        return i - 1 if reverse else i + 1, flat, arrays

    _, _, arrays = while_loop(
        (lambda i, *_: i >= 0) if reverse else (lambda i, *_: i < count),
        compute,
        (convert_to_tensor(first), start, written),
        parallel_iterations=parallel_iterations,
        back_prop=back_prop,
        swap_memory=swap_memory,
        maximum_iterations=count,
        name=name or "scan",
    )
    return nest.pack_sequence_as(likeness, sliced.stacked(arrays))


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last accumulator of ``a = fn(a, slice)`` over the slices of `elems` along the first axis, first to last.

    Args:
        fn, elems, initializer: as in `scan`.
        parallel_iterations, back_prop, swap_memory, name: as in `map_fn`.

    Raises:
        TypeError, ValueError: as `map_fn`.
    """
    _check_callable(fn)
    sliced = _Sliced(as_values(elems), "foldl")
    start, first = (sliced.read(0), 1) if initializer is None else (initializer, 0)
    _, result = while_loop(
        lambda i, _: i < sliced.count,
        lambda i, a: [i + 1, fn(a, sliced.read(i))],
        [convert_to_tensor(first), start],
        parallel_iterations=parallel_iterations,
        back_prop=back_prop,
        swap_memory=swap_memory,
        maximum_iterations=sliced.count,
        name=name or "foldl",
    )
    return result


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """As `foldl`, from the last slice to the first."""
    _check_callable(fn)
    sliced = _Sliced(as_values(elems), "foldr")
    if initializer is None:
        last = sliced.count - 1
        start = sliced.read(last)
    else:
        last, start = sliced.count, initializer
    _, result = while_loop(
        lambda i, _: i > 0,
        lambda i, a: [i - 1, fn(a, sliced.read(i - 1))],
        [convert_to_tensor(last), start],
        parallel_iterations=parallel_iterations,
        back_prop=back_prop,
        swap_memory=swap_memory,
        maximum_iterations=sliced.count,
        name=name or "foldr",
    )
    return result


def _check_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError(f"The provided function {fn!r} is not callable. fn must be callable.")


class _Sliced:
    """Elements to be read slice by slice.

    Attributes:
        count: how many slices there are: an int where it is known, else an int32 scalar.
        static: the same, None where it is not known.
        element_specs: the specs of the leaves of one slice.
    """

    def __init__(self, elems: Any, caller: str) -> None:
        flat = nest.flatten(elems)
        if not flat:
            raise ValueError(
                "elems must be a Tensor or (possibly nested) sequence of Tensors. "
                f"Got {elems}, which does not contain any Tensors."
            )
        self._likeness = elems
        flat = [e if isinstance(e, (Tensor, CompositeTensor)) else convert_to_tensor(e) for e in flat]
        self.element_specs = [_element_spec(e, caller) for e in flat]
        tensors = [part for e in flat for part in _batch_tensors(e)]
        self.static: int | None = None
        for tensor in tensors:
            size = tensor.shape[0] if tensor.shape.rank is not None else None
            if self.static is not None and size is not None and size != self.static:
                raise ValueError(
                    f"Dimensions {self.static} and {size} are not compatible: elems differ in size"
                )
            self.static = self.static if size is None else size
        self.count: Any = array_ops.shape(tensors[0])[0] if self.static is None else self.static
        self._arrays = [
            TensorArray(t.dtype, self.count, clear_after_read=False, element_shape=t.shape[1:]).unstack(t)
            for t in tensors
        ]

    def read(self, i: Any) -> Any:
        """Slice `i`, in the structure of the elements."""
        parts = iter([array.read(i) for array in self._arrays])
        leaves = [_from_parts(spec, [next(parts) for _ in _parts(spec)]) for spec in self.element_specs]
        return nest.pack_sequence_as(self._likeness, leaves)

    def stacked(self, arrays: Sequence[TensorArray]) -> list[Any]:
        """The results of all slices."""
        results = [array.stack() for array in arrays]
        for result in results:
            if isinstance(result, SymbolicTensor) and result.shape.rank is not None:
                result.set_shape([self.static, *result.shape.as_list()[1:]])
        return results


def _element_spec(elem: Any, caller: str) -> Any:
    """The spec of one slice."""
    if isinstance(elem, Tensor):
        if elem.shape.rank == 0:
            raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars")
        return TensorSpec(elem.shape[1:] if elem.shape.rank is not None else TensorShape(None), elem.dtype)
    spec: Any = type_spec_from_value(elem)
    if not hasattr(spec, "_to_batched_tensor_list"):
        raise TypeError(f"{caller} can not consume {spec} inputs: got {elem!r}")
    return spec._unbatch()


def _batch_tensors(elem: Any) -> list[Any]:
    """The tensors that are sliced in place of `elem`."""
    if isinstance(elem, Tensor):
        return [elem]
    batch: list[Any] = type_spec_from_value(elem)._to_batched_tensor_list(elem)
    return batch


def _as_spec(one: Any) -> Any:
    if not isinstance(one, TypeSpec):
        return TensorSpec(None, one)
    if not isinstance(one, TensorSpec) and not hasattr(one, "_to_tensor_list"):
        raise TypeError(f"map_fn can not generate {one} outputs")
    return one


def _any_shape(spec: Any) -> Any:
    return TensorSpec(None, spec.dtype) if isinstance(spec, TensorSpec) else spec


def _parts(spec: Any) -> Sequence[TensorSpec]:
    """The specs of the tensors that stand for a value of `spec` in the loop."""
    return [spec] if isinstance(spec, TensorSpec) else list(spec._flat_tensor_specs)


def _from_parts(spec: Any, parts: list[Any]) -> Any:
    return parts[0] if isinstance(spec, TensorSpec) else spec._from_compatible_tensor_list(parts)


def _taken(spec: Any, value: Any) -> list[Any]:
    """The tensors that stand for a `value` that `fn` returned."""
    if isinstance(spec, TensorSpec):
        return [value]
    if not spec.is_compatible_with(value):
        raise ValueError(
            f"Error in map_fn:\n  Expected `fn` to return a:\n    {spec}\n  But it returned a:\n    "
            f"{type_spec_from_value(value)}\n    (value={value})\n  To fix, update the `fn_output_signature` (or "
            "`dtype`) argument to `map_fn`."
        )
    taken: list[Any] = spec._to_tensor_list(value)
    return taken


def _batched(spec: Any, size: int | None, stacked: list[Any]) -> Any:
    """The results of `fn` for all slices as one value."""
    return (
        stacked[0]
        if isinstance(spec, TensorSpec)
        else spec._batch(size)._from_compatible_tensor_list(stacked)
    )
