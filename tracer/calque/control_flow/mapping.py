"""Loops over the first axis of tensors: `map_fn`, `scan`, `foldl`, `foldr`, `vectorized_map`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nest
from ..composite.composite import CompositeTensor
from ..tensor import Tensor, convert_to_tensor
from ..tensor_spec import TensorSpec
from .loops import while_loop
from .slices import Results, Source, result_spec
from .structures import as_values, converted_callback

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
        elems: a tensor or a structure of tensors, ragged and sparse ones too, of one size along the first axis.
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
    fn = converted_callback(fn)
    signature = fn_output_signature if fn_output_signature is not None else dtype
    sliced = _Sliced(as_values(elems), "map_fn")
    if signature is None:
        likeness, specs = elems, [source.spec for source in sliced.sources]
    else:
        likeness, specs = signature, nest.flatten(signature)
    results = [Results(result_spec(spec), sliced.count, infer_shape) for spec in specs]

    def compute(i: Any, arrays: Any) -> Any:
        result = fn(sliced.read(i))
        nest.assert_same_structure(likeness, result)
        rows = zip(results, arrays, nest.flatten(result), strict=True)
        return i + 1, [one.write(written, i, value) for one, written, value in rows]

    _, arrays = while_loop(
        lambda i, _: i < sliced.count,
        compute,
        (convert_to_tensor(0), [one.arrays for one in results]),
        parallel_iterations=parallel_iterations or 10,
        back_prop=back_prop,
        swap_memory=swap_memory,
        maximum_iterations=sliced.count,
        name=name or "map",
    )
    collected = [one.collected(written, sliced.static) for one, written in zip(results, arrays, strict=True)]
    return nest.pack_sequence_as(likeness, collected)


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
    results = [
        Results(TensorSpec(one.shape if infer_shape else None, one.dtype), count, infer_shape)
        for one in start
    ]
    written = [one.arrays[0] for one in results]
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
    collected = [one.collected([array], sliced.static) for one, array in zip(results, arrays, strict=True)]
    return nest.pack_sequence_as(likeness, collected)


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
    """A structure of values to be read slice by slice.

    Attributes:
        count: how many slices there are: an int where it is known, else an int32 scalar.
        static: the same, None where it is not known.
        sources: the leaves.
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
        self.sources = [Source(e, caller) for e in flat]
        self.static: int | None = None
        self.count: Any = self.sources[0].count
        for source in self.sources:
            if source.static is None:
                continue
            if self.static is not None and source.static != self.static:
                raise ValueError(
                    f"Dimensions {self.static} and {source.static} are not compatible: elems differ in size"
                )
            self.static = self.count = source.static
        for source in self.sources:
            source.prepare(self.count)

    def read(self, i: Any) -> Any:
        """Slice `i`, in the structure of the elements."""
        return nest.pack_sequence_as(self._likeness, [source.read(i) for source in self.sources])
