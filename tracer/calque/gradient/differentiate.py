"""Reverse mode: from the gradients of targets to those of sources, back through a list of steps.

One loop over the steps from the last to the first; no recursion, so that a chain may be as long as memory allows. Only
the steps on a way from a source are differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from calque_runtime.errors import OpError
from calque_runtime.ir import Node
from calque_runtime.op import Call, Op

from ..indexed_slices import IndexedSlices
from ..tensor import SymbolicTensor, convert_to_tensor
from . import registry, rows
from .aggregation import dense, total
from .recording import BlockStep, NodeStep, OpStep, Step, is_trainable

if TYPE_CHECKING:
    from ..function.trace import Trace

__all__ = ["backpropagate", "handles", "pull"]

Handler = Callable[[Node, "Trace", Sequence[Any]], Sequence[Any]]
_handlers: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Decorator: how nodes of these op types, which run functions, are differentiated where they stand in a graph."""

    def register(handler: Handler) -> Handler:
        _handlers.update(dict.fromkeys(names, handler))
        return handler

    return register


def backpropagate(
    steps: Sequence[Step],
    seeds: Iterable[tuple[int, Any]],
    sources: Iterable[int],
    stops: Collection[int] = (),
) -> dict[int, Any]:
    """The gradients of sources, by key; sources that the seeds do not depend on are left out.

    Args:
        steps: in the order in which they happened.
        seeds: (key, gradient) of each target; several gradients of one key add up.
        sources: their keys.
        stops: the keys of what counts as constant: no gradient flows back through it.

    Raises:
        LookupError: a step on the way has no gradient.
    """
    wanted = set(sources)
    needed, useful = _downstream(steps, wanted)
    pending: dict[int, list[Any]] = {}
    for key, gradient in seeds:
        if key in needed:
            pending.setdefault(key, []).append(gradient)
    for step in reversed(useful):
        gradients: list[Any] = []
        for key in step.out_keys:
            parts = pending.pop(key, None)
            if parts is None:
                gradients.append(None)
                continue
            gradient = total(parts)
            if key in wanted:
                pending[key] = [gradient]
            gradients.append(None if key in stops else gradient)
        if all(g is None for g in gradients):
            continue
        keys = step.in_keys
        for key, gradient in zip(keys, pull(step, gradients), strict=True):
            if gradient is not None and key in needed:
                pending.setdefault(key, []).append(gradient)
    return {key: total(parts) for key, parts in pending.items() if key in wanted}


def _downstream(steps: Sequence[Step], sources: set[int]) -> tuple[set[int], list[Step]]:
    """The keys of what depends on a source, and the steps between."""
    needed = set(sources)
    useful = []
    for step in steps:
        if any(key in needed for key in step.in_keys):
            useful.append(step)
            needed.update(_trainable_outputs(step))
    return needed, useful


def _trainable_outputs(step: Step) -> list[int]:
    if isinstance(step, NodeStep):
        return [id(v) for v in step.node.outputs if is_trainable(v.dtype)]
    outputs = step.outputs if isinstance(step, (OpStep, BlockStep)) else ()
    return [key for key, t in zip(step.out_keys, outputs, strict=True) if is_trainable(t.dtype)]


def pull(step: Step, gradients: Sequence[Any]) -> Sequence[Any]:
    """The gradients of a step's inputs, for those of its outputs (None where there is none, but not all of them)."""
    if isinstance(step, NodeStep):
        return _pull_node(step.node, step.trace, gradients)
    if isinstance(step, BlockStep):
        return step.backward(gradients)
    assert isinstance(step, OpStep)
    return _pull_op(Call(step.op, step.inputs, step.outputs, step.attrs), gradients)


def _pull_node(node: Node, trace: Trace, gradients: Sequence[Any]) -> Sequence[Any]:
    name = node.attrs.get("_gradient_op_type")
    if name is not None:
        custom = registry.custom(name)
        if custom is not None:
            from ..function.operation import Operation

            return registry.call(custom, Operation(node, trace), gradients, len(node.inputs))
    from . import branches, calls, loops  # noqa: F401  (each registers what it handles)

    handler = _handlers.get(node.op.name)
    if handler is not None:
        return handler(node, trace, [dense(g) for g in gradients])
    inputs = [SymbolicTensor(v, trace) for v in node.inputs]
    outputs = [SymbolicTensor(v, trace) for v in node.outputs]
    return _pull_op(Call(node.op, inputs, outputs, node.attrs), gradients)


def _pull_op(call: Call, gradients: Sequence[Any]) -> Sequence[Any]:
    op: Op = call.op
    own = registry.find(op.name)
    if own is not None:
        return registry.call(own, registry.EagerOperation(call), gradients, len(call.inputs))
    if not op.differentiable:
        return [None] * len(call.inputs)
    sparse = rows.rule(call)
    if sparse is not None:
        return sparse(call, dense(gradients[0]))
    if op.gradient is None:
        raise LookupError(
            f"gradient registry has no entry for: {op.name}. Use tf.custom_gradient around it, tf.stop_gradient on its "
            "inputs where no gradient should flow, or tf.RegisterGradient."
        )
    if op.name not in rows.PASS_ON:
        gradients = [dense(g) if isinstance(g, IndexedSlices) else g for g in gradients]
    try:
        found = op.gradient(call, *gradients)
    except OpError as e:
        if e.op is None:
            raise type(e)(e.node_def, op.name, f"gradient of {op.name}: {e.message}") from None
        raise
    return [g if g is None or hasattr(g, "dtype") else convert_to_tensor(g) for g in found]
