"""Functions that run at once while tapes record: what they compute on the way is kept for the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from calque_runtime.environment import Environment
from calque_runtime.ir import Function
from calque_runtime.plan import watch

from ..context import state
from ..tensor import EagerTensor
from .aggregation import dense, zeros_like
from .functions import Derivative, call_function, derivative, outputs_with_gradients, trainable
from .recording import key_of, record_block

__all__ = ["run_recorded"]

_MOST_ORDERS = 6  # of what a persistent tape may be asked inside of itself


def run_recorded(
    function: Function, environment: Environment, arguments: Sequence[Any]
) -> list[EagerTensor] | None:
    """Run a function and let tapes record it as one step.

    Args:
        function: a complete function.
        environment: where it runs.
        arguments: an eager tensor, or a variable for its handle, for each argument.

    Returns:
        The results; None, and nothing has run, where no tape watches any of the arguments.
    """
    keys = [key_of(a) for a in arguments]
    seeing = [tape for tape in state.tapes if tape.sees(keys)]
    if not seeing:
        return None
    watched = tuple(any(key in tape.watched for tape in seeing) for key in keys)
    inputs = tuple(a and b for a, b in zip(watched, trainable(function.inputs), strict=True))
    orders = _MOST_ORDERS if any(tape.persistent for tape in seeing) else len(seeing)
    call = _Call(function, environment, arguments, inputs, orders)
    record_block(arguments, call.outputs, call.backward, call.first)
    return call.outputs[: len(function.outputs)]


class _Call:
    """One call of a function that tapes record.

    Its outputs are the function's and behind them what the ways back need, up to derivatives of order `orders`.
    """

    def __init__(
        self,
        function: Function,
        environment: Environment,
        arguments: Sequence[Any],
        inputs: tuple[bool, ...],
        orders: int,
    ) -> None:
        self.arguments = list(arguments)
        self.environment = environment
        self.inputs = inputs
        self.levels = [function]  # each gives what a derivative of the one before needs
        while len(self.levels) <= orders:
            last = self.levels[-1]
            made = derivative(last, outputs_with_gradients(last), inputs)
            self.levels.append(made.forward)
            if len(made.forward.outputs) == len(last.outputs):
                break  # it has all that derivatives of any order need
        function = self.levels[-1]
        closed = len(self.levels) <= orders
        self.first = len(self.levels[-1 if closed else orders - 1].outputs)  # see BlockStep
        arrays = [a._array if isinstance(a, EagerTensor) else a._state for a in arguments]
        plan = _plan(function, environment, arrays)
        self.outputs = [
            EagerTensor(array, v.dtype) for array, v in zip(plan(*arrays), function.outputs, strict=True)
        ]

    def backward(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """The gradients of the arguments."""
        gradients = [dense(g) for g in gradients]
        made, given = self._derivative(gradients)
        arguments = [*given, *made.arguments(self.arguments, self.outputs)]
        return made.gradients(_call(made.backward, self.environment, arguments))

    def _derivative(self, gradients: Sequence[Any]) -> tuple[Derivative, list[Any]]:
        """A derivative that needs no more than was kept, and the gradients that it takes.

        The best one is of just the outputs that have gradients. Where it needs what was not kept, zeros stand in for
        the gradients of all other outputs.
        """
        mask = tuple(g is not None for g in gradients)
        kept = self.levels[-1]
        found: Derivative | None = None
        for level, _ in pairwise(self.levels):
            whole = _outputs_with_gradients(level, len(mask))
            if whole == mask:
                found = derivative(level, whole[: len(level.outputs)], self.inputs)
                break
        else:
            made = derivative(kept, mask, self.inputs)
            if len(made.forward.outputs) == len(kept.outputs):
                found = made
        if found is None:
            last = max(i for i, asked in enumerate(mask) if asked)
            for level, wider in pairwise(self.levels):
                if last < len(level.outputs) and len(wider.outputs) <= len(kept.outputs):
                    mask = _outputs_with_gradients(level, len(mask))
                    found = derivative(level, mask[: len(level.outputs)], self.inputs)
                    break
        if found is None:
            raise RuntimeError(
                f"The call of '{self.levels[0].name}' was recorded for derivatives up to order {len(self.levels) - 1}, "
                "the number of tapes that watched it, but a higher one is asked for. Use one more tf.GradientTape."
            )
        given = [
            zeros_like(out) if g is None else g
            for g, out, asked in zip(gradients, self.outputs, mask, strict=True)
            if asked
        ]
        return found, given


def _outputs_with_gradients(function: Function, count: int) -> tuple[bool, ...]:
    """Which outputs can have gradients, as a mask of `count`."""
    mask = outputs_with_gradients(function)
    return mask + (False,) * (count - len(mask))


def _call(function: Function, environment: Environment, arguments: Sequence[Any]) -> list[Any]:
    if state.trace is not None:
        return call_function(function, arguments)
    if state.tapes:
        found = run_recorded(function, environment, arguments)
        if found is not None:
            return list(found)
    arrays = [a._array if isinstance(a, EagerTensor) else a._state for a in arguments]
    plan = _plan(function, environment, arrays)
    return [EagerTensor(array, v.dtype) for array, v in zip(plan(*arrays), function.outputs, strict=True)]


def _plan(function: Function, environment: Environment, arrays: Sequence[Any]) -> Callable[..., list[Any]]:
    return watch.plan_for(function, (), environment, arrays) or environment.compiled(function)
