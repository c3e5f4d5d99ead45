"""The derivative of a function: a forward function, which gives what the way back needs, and a backward function.

Both are made once for each choice of outputs that have gradients and inputs whose gradients are wanted. Derivatives of
higher order need nothing more: forward and backward functions are functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from calque_runtime.dtypes import DType, resource
from calque_runtime.ir import Function, FunctionRef, Value
from calque_runtime.op import Op
from calque_runtime.ops import calls
from calque_runtime.schedule import schedule

from ..context import state
from ..function.effects import add_control_dependencies
from ..indexed_slices import IndexedSlices
from ..tensor import SymbolicTensor, Tensor, convert_to_tensor
from .differentiate import backpropagate
from .graphs import BackwardTrace, ForwardTrace, fresh_name, gradient_spec, result_names
from .recording import NodeStep, is_trainable, stopped

__all__ = ["Derivative", "call_function", "derivative", "outputs_with_gradients", "trainable"]

Mask = tuple[bool, ...]


class Derivative:
    """A function's derivative.

    Attributes:
        forward: a copy of the function with more results behind its own.
        backward: from the gradients of the outputs that have one, and `captured`, to gradients.
        captured: what else `backward` takes: ("input", i) and ("output", i) of `forward`, or ("outside", tensor or
            variable).
        results: for each input what `backward` says of it: None, the number of a result, or those of an
            IndexedSlices's parts.
    """

    __slots__ = ("backward", "captured", "forward", "results")

    def __init__(
        self,
        forward: Function,
        backward: Function,
        captured: Sequence[tuple[str, Any]],
        results: Sequence[int | tuple[int, ...] | None],
    ) -> None:
        self.forward = forward
        self.backward = backward
        self.captured = captured
        self.results = results

    def gradients(self, flat: Sequence[Any]) -> list[Any]:
        """The gradient of each input, given the results of `backward`."""
        return [
            None if r is None else IndexedSlices(*[flat[k] for k in r]) if isinstance(r, tuple) else flat[r]
            for r in self.results
        ]

    def arguments(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
        """What `backward` captures, given the inputs and outputs of a call of `forward`."""
        places = {"input": inputs, "output": outputs}
        return [places[kind][where] if kind in places else where for kind, where in self.captured]


# The derivative holds the function's values, but not the function: nothing keeps itself alive here.
_derivatives: WeakKeyDictionary[Function, dict[tuple[Mask, Mask], Derivative]] = WeakKeyDictionary()


def trainable(values: Sequence[Value]) -> Mask:
    """For each value: can it have a gradient?"""
    return tuple(is_trainable(v.dtype) for v in values)


def outputs_with_gradients(function: Function) -> Mask:
    """For each output: can it have a gradient? A handle cannot."""
    return tuple(is_trainable(v.dtype) and v.dtype is not resource for v in function.outputs)


def derivative(function: Function, outputs: Mask, inputs: Mask) -> Derivative:
    """The derivative of `function`.

    Args:
        function: a function that is complete; it is not changed.
        outputs: which of its outputs have gradients.
        inputs: with respect to which of its inputs to differentiate.
    """
    made = _derivatives.setdefault(function, {})
    found = made.get((outputs, inputs))
    if found is None:
        found = made[outputs, inputs] = _make(function, outputs, inputs)
    return found


def _make(function: Function, outputs: Mask, inputs: Mask) -> Derivative:
    forward = ForwardTrace(function)
    copy = forward.function
    backward = BackwardTrace(fresh_name("backward", function.name), forward)
    steps = [NodeStep(node, forward) for node in schedule(copy)]
    with stopped(), backward.as_current():
        seeds = []
        for i, (value, has_gradient) in enumerate(zip(copy.outputs, outputs, strict=True)):
            if has_gradient:
                argument = backward.argument(f"gradient_{i}", *gradient_spec(value))
                seeds.append((id(value), argument))
        wanted = [value for value, asked in zip(copy.inputs, inputs, strict=True) if asked]
        found = backpropagate(steps, seeds, [id(v) for v in wanted])
        gradients = [found.get(id(v)) if v in set(wanted) else None for v in copy.inputs]
        flat: list[SymbolicTensor] = []
        results = [_placed(g, flat, backward) for g in gradients]
    backward.function.outputs = [t._value for t in flat]
    backward.function.output_names = result_names(len(flat))
    add_control_dependencies(backward.function)
    captured = _captured(forward, backward)
    return Derivative(copy, backward.function, captured, results)


def _placed(
    gradient: Any, flat: list[SymbolicTensor], backward: BackwardTrace
) -> int | tuple[int, ...] | None:
    """Put the tensors of a gradient into the results; returns where they are."""
    if gradient is None:
        return None
    first = len(flat)
    if not isinstance(gradient, IndexedSlices):
        flat.append(backward.inside(gradient))
        return first
    parts = [gradient.values, gradient.indices]
    if gradient.dense_shape is not None:
        parts.append(gradient.dense_shape)
    flat.extend(backward.inside(part) for part in parts)
    return tuple(range(first, len(flat)))


def _captured(forward: ForwardTrace, backward: BackwardTrace) -> list[tuple[str, Any]]:
    """Where what `backward` captures comes from; what is neither input nor output of `forward` becomes an output."""
    function = forward.function
    inputs = {v: i for i, v in enumerate(function.inputs)}
    outputs: dict[Value, int] = {}
    for i, v in enumerate(function.outputs):
        outputs.setdefault(v, i)
    captured: list[tuple[str, Any]] = []
    extra: list[Value] = []
    for external, _ in backward.captures:
        if not isinstance(external, SymbolicTensor) or external.trace is not forward:
            captured.append(("outside", external))
        elif external._value in inputs:
            captured.append(("input", inputs[external._value]))
        else:
            value = external._value
            if value not in outputs:
                outputs[value] = len(function.outputs) + len(extra)
                extra.append(value)
            captured.append(("output", outputs[value]))
    forward.extend(extra)
    return captured


def call_function(function: Function, arguments: Sequence[Any], name: str | None = None) -> list[Any]:
    """Call a function in the graph being traced.

    Args:
        function: a complete function.
        arguments: tensors, and variables for their handles.
        name: the node's name.
    """
    trace = state.trace
    assert trace is not None
    op: Op = calls.stateful_partitioned_call if function.stateful else calls.partitioned_call
    values = [a if isinstance(a, Tensor) else trace.capture_variable(a) for a in arguments]
    types: list[DType] = [v.dtype for v in function.outputs]
    ref = FunctionRef(function.name, function)
    results = op(values, Tout=types, f=ref, name=name or op.name)
    for result, own in zip(results, function.outputs, strict=True):
        result._value.shape, result._value.handle = own.shape, own.handle
    return [convert_to_tensor(r) for r in results]
