"""`tf.gradients` and `tf.hessians`: derivatives within the graph being traced, without a tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calque_runtime.ir import Node
from calque_runtime.ops.common import static_rank
from calque_runtime.schedule import schedule_nodes

from ..context import name_scope, state
from ..function.trace import Trace
from ..indexed_slices import IndexedSlices
from ..tensor import Tensor, convert_to_tensor
from ..variable import Variable
from .aggregation import ones_like, zeros_like
from .differentiate import backpropagate
from .recording import NodeStep, Step, is_trainable, key_of
from .tape import UnconnectedGradients

__all__ = ["AggregationMethod", "gradients", "hessians"]


class AggregationMethod:
    """How gradients that meet are added up. calque adds them all at once, whatever is asked for."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """The gradient of the sum of `ys` with respect to each of `xs`, in the graph being traced.

    Args:
        ys: a tensor, or a list of them.
        xs: tensors or variables: one, or a list.
        grad_ys: the gradient to start from for each of `ys`; default: ones.
        name: the name scope of the nodes.
        gate_gradients, aggregation_method: accepted, and of no effect.
        stop_gradients: tensors that count as constants: nothing flows back through them.
        unconnected_gradients: what to give for one of `xs` on which no `ys` depends (`tf.UnconnectedGradients`).

    Returns:
        For each of `xs` a tensor, an IndexedSlices, or None.

    Raises:
        RuntimeError: no function is being traced.
        ValueError: there are not as many `grad_ys` as `ys`, or `unconnected_gradients` is unknown.
        TypeError: a target has no default gradient, or its gradient has another type.
        LookupError: an op on the way has no gradient.
    """
    trace = state.trace
    if trace is None:
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead."
        )
    try:
        unconnected = UnconnectedGradients(unconnected_gradients)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}") from None
    with name_scope(name):
        targets = [trace.inside(y) for y in _as_list(ys)]
        starts = [None] * len(targets) if grad_ys is None else _as_list(grad_ys)
        if len(starts) != len(targets):
            raise ValueError(f"Length mismatch. Passed {len(starts)} grad_ys for {len(targets)} ys")
        sources = [x if isinstance(x, (Tensor, Variable)) else convert_to_tensor(x) for x in _as_list(xs)]
        seeds = [(key_of(y), _start(y, g)) for y, g in zip(targets, starts, strict=True)]
        keys = [key_of(x) for x in sources]
        wanted = {key for key, x in zip(keys, sources, strict=True) if is_trainable(x.dtype)}
        stops = {key_of(t) for t in _as_list(stop_gradients or [])}
        found = backpropagate(_steps(trace, [y._value.node for y in targets]), seeds, wanted, stops)
        results = [found.get(key) for key in keys]
        if unconnected is UnconnectedGradients.ZERO:
            results = [zeros_like(x) if g is None else g for x, g in zip(sources, results, strict=True)]
        return results


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _start(y: Any, gradient: Any) -> Any:
    """The gradient to start from for the target `y`."""
    dtype = y.dtype
    if gradient is None:
        if dtype.is_complex:
            raise TypeError(f"Gradients of complex tensors ({y}) must set grad_ys (y.dtype = {dtype.name})")
        if not dtype.is_floating and not dtype.is_integer:
            raise TypeError(
                f"Tensor {y.name} with type {dtype.name} must be numeric to obtain a default gradient"
            )
        return ones_like(y)
    given = gradient if isinstance(gradient, IndexedSlices) else convert_to_tensor(gradient)
    if (
        given.dtype.is_complex != dtype.is_complex
        or given.dtype.is_numpy_compatible != dtype.is_numpy_compatible
    ):
        raise TypeError(
            f"Gradient type {given.dtype.name} generated for tensor {y} with type {dtype.name}: it must be of that kind"
        )
    return given


def _steps(trace: Trace, targets: Sequence[Node]) -> list[Step]:
    """The nodes that the targets depend on, in an order in which they can run."""
    seen: set[Node] = set()
    waiting = list(targets)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(v.node for v in node.inputs)
    nodes = [node for node in trace.function.nodes if node in seen]
    return [NodeStep(node, trace) for node in schedule_nodes(nodes, trace.function.name)]


def hessians(
    ys: Any,
    xs: Any,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    name: str = "hessians",
) -> list[Any]:
    """The second derivatives of the sum of `ys` with respect to each of `xs`, in the graph being traced.

    Args:
        ys: a tensor, or a list of them.
        xs: tensors of shapes that are known: one, or a list.
        gate_gradients, aggregation_method: accepted, and of no effect.
        name: the name scope of the nodes.

    Returns:
        For x of shape S a tensor of shape S + S.

    Raises:
        RuntimeError: no function is being traced.
        ValueError: the number of elements of one of `xs` is not known.
    """
    from ..api.array_ops import concat, reshape, shape, stack

    found = []
    for x in _as_list(xs):
        first = gradients(ys, x, name=name)[0]
        with name_scope(name):
            source = convert_to_tensor(x)
            count = source.shape.num_elements()
            if count is None or static_rank(source) is None:
                raise ValueError(
                    f"tf.hessians needs tensors of known shape, but one of xs has shape {source.shape}."
                )
            flat = reshape(convert_to_tensor(first), [-1])
            rows = [gradients(flat[i], x, unconnected_gradients="zero")[0] for i in range(count)]
            sizes = shape(source)
            found.append(reshape(stack([convert_to_tensor(r) for r in rows]), concat([sizes, sizes], 0)))
    return found
