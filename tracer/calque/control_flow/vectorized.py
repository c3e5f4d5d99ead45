"""`vectorized_map`: a function applied to every slice, which here runs slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..api import array_ops
from ..api.indexing_ops import gather, where
from ..api.reduce_ops import reduce_max
from ..context import state
from ..function import function
from ..tensor import SymbolicTensor, convert_to_tensor
from ..tensor_array import TensorArray
from .loops import while_loop
from .structures import as_values, convert_leaves, converted_callback, flat_tensors, packed
from .subgraph import call, graph_name, trace_subgraph

__all__ = ["vectorized_map"]


def vectorized_map(
    fn: Callable[[Any], Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True
) -> Any:
    """Apply `fn` to each slice of `elems` along the first axis, and stack what it returns.

    As `map_fn`, but what `fn` returns need not be declared, and an element of size 1 along the first axis serves for
    all slices. The slices run one after the other; their order is no promise.

    Args:
        fn: from a slice (in the structure of `elems`) to a structure of tensors.
        elems: a tensor or a structure of tensors.
        fallback_to_while_loop, warn: accepted; it is a loop in any case.

    Raises:
        ValueError: there are no elements, or they are scalars.
    """
    elems = convert_leaves(as_values(elems))
    flat = flat_tensors(elems)
    if not flat or any(e.shape.rank == 0 for e in flat):
        raise ValueError(f"elems must hold tensors, none of them a scalar, to be mapped over; got {elems}.")
    sizes = [e.shape[0] if e.shape.rank is not None else None for e in flat]
    known = [size for size in sizes if size is not None]
    static = max(known) if len(known) == len(sizes) else None
    if state.trace is None:
        if static == 0:  # nothing runs: only a trace tells what would come out
            return function(lambda *tensors: _looped(fn, packed(elems, tensors), static))(*flat)
        rows = [
            convert_leaves(fn(packed(elems, [t[0 if t.shape[0] == 1 else i] for t in flat])))
            for i in range(static or 0)
        ]
        columns = zip(*[flat_tensors(row) for row in rows], strict=True)
        return packed(rows[0], [array_ops.stack(list(column)) for column in columns])
    return _looped(fn, elems, static)


def _row(flat: list[Any], i: Any) -> list[Any]:
    return [_slice(tensor, i) for tensor in flat]


def _slice(tensor: Any, i: Any) -> Any:
    size = tensor.shape[0] if tensor.shape.rank is not None else None
    if size == 1:
        return gather(tensor, 0)
    if size is None:
        i = where(array_ops.shape(tensor)[0] > 1, i, 0)
    return gather(tensor, i)


def _looped(fn: Callable[[Any], Any], elems: Any, static: int | None) -> Any:
    """The loop in a graph: `fn` is traced once, as a function that the body calls."""
    fn = converted_callback(fn)
    flat = flat_tensors(elems)
    count = reduce_max([array_ops.shape(e)[0] for e in flat]) if static is None else static

    def body(trace: Any) -> Any:
        slots = [
            trace.argument("slice", e.dtype, e.shape[1:].as_tuple() if e.shape.rank else None) for e in flat
        ]
        return fn(packed(elems, slots))

    mapped = trace_subgraph(graph_name("vectorized_map", "fn"), body)
    ref = mapped.finish()
    written = [TensorArray(t.dtype, count, element_shape=t.shape) for t in mapped.outputs]

    def step(i: Any, arrays: Any) -> Any:
        results = call(mapped, ref, _row(flat, i))
        return i + 1, [array.write(i, one) for array, one in zip(arrays, results, strict=True)]

    _, arrays = while_loop(
        lambda i, _: i < count,
        step,
        (convert_to_tensor(0), written),
        maximum_iterations=count,
        name="vectorized_map",
    )
    results = [array.stack() for array in arrays]
    for result in results:
        if isinstance(result, SymbolicTensor) and result.shape.rank is not None:
            result.set_shape([static, *result.shape.as_list()[1:]])
    return packed(mapped.structure, results)
