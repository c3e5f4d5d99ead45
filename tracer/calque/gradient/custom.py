"""`tf.custom_gradient` and what is made of it."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from calque_runtime import ops

from .. import nest
from ..context import state
from ..function.trace import Trace
from ..tensor import Tensor, convert_to_tensor
from ..variable import Variable
from .components import differentiable_parts, replaced_parts
from .recording import record_block, stopped, watching_variables
from .registry import GradientName
from .tape import GradientTape, UnconnectedGradients

__all__ = ["custom_gradient", "grad_pass_through", "recompute_grad"]

_numbers = itertools.count()


class _CustomGradient:
    """A function with a gradient of its own; also a method, where it is defined in a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        getter = getattr(self._function, "__get__", None)
        return self if getter is None else _CustomGradient(getter(instance, owner))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the function, whose gradient is what the function says."""
        trace = state.trace
        if trace is None:
            return _run(self._function, args, kwargs)
        if kwargs:
            raise ValueError(
                "The custom_gradient decorator currently supports keywords arguments only when eager execution is "
                "enabled."
            )
        return _add(trace, self._function, args)


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """Decorator: a function that says what its gradient is.

        @tf.custom_gradient
        def log1pexp(x):
            e = tf.exp(x)

            def grad(upstream):
                return upstream * (1 - 1 / (1 + e))

            return tf.math.log(1 + e), grad

    Args:
        f: from tensors to (result, gradient function). The gradient function takes the gradient of each tensor of the
            result, and returns one for each tensor among the arguments. Where `f` reads trainable variables that are
            not among its arguments, it takes the keyword ``variables`` as well, their list, and returns (gradients of
            the arguments, gradients of the variables).

    Returns:
        A function that gives the result. The gradient can be differentiated in turn, unless `f` uses what tapes do not
        see.

    Raises:
        TypeError: at a call: `f` reads variables, and its gradient function does not take ``variables``.
        ValueError: at a call, in a graph: there are keyword arguments; when differentiated: the gradient function gives
            another number of gradients.
    """
    return custom_gradient if f is None else _CustomGradient(f)


def _takes_variables(grad_fn: Callable[..., Any]) -> bool:
    parameters = inspect.signature(grad_fn).parameters.values()
    return any(
        p.kind is p.VAR_KEYWORD
        or (p.name == "variables" and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
        for p in parameters
    )


def _check_variables(grad_fn: Callable[..., Any], variables: Sequence[Variable]) -> None:
    if variables and not _takes_variables(grad_fn):
        raise TypeError(
            "@tf.custom_gradient grad_fn must accept keyword argument 'variables', since function uses variables: "
            f"{list(variables)}"
        )


def _tensor_leaves(structure: Any) -> list[Any]:
    return [part for leaf in nest.flatten(structure) for part in differentiable_parts(leaf)]


def _with_tensors(structure: Any, tensors: Sequence[Any]) -> Any:
    """`structure` with other tensors at its leaves."""
    remaining = iter(tensors)
    leaves = [
        replaced_parts(leaf, [next(remaining) for _ in differentiable_parts(leaf)])
        for leaf in nest.flatten(structure)
    ]
    return nest.pack_sequence_as(structure, leaves)


class _Backward:
    """From the gradients of a custom gradient's result to those of its arguments and variables."""

    def __init__(
        self, grad_fn: Callable[..., Any], result: Any, variables: Sequence[Variable], count: int
    ) -> None:
        self.grad_fn = grad_fn
        self.result = result
        self.variables = list(variables)
        self.count = count

    def __call__(self, gradients: Sequence[Any]) -> list[Any]:
        """See the class."""
        leaves = nest.flatten(_with_tensors(self.result, gradients))
        for_variables: Sequence[Any] = []
        if self.variables:
            for_inputs, for_variables = self.grad_fn(*leaves, variables=self.variables)
            if len(for_variables) != len(self.variables):
                raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
        else:
            for_inputs = self.grad_fn(*leaves)
        flat = _tensor_leaves(for_inputs)
        if len(flat) != self.count:
            raise ValueError(
                f"custom_gradient function expected to return {self.count} gradients, but returned {len(flat)} instead."
            )
        return [*flat, *for_variables]


def _run(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """An eager call. Tapes see the ops of the function as well: the gradient function may use what they gave."""
    with watching_variables() as watcher:
        result, grad_fn = function(*args, **kwargs)
    given = _tensor_leaves(args)
    of_kwargs = _tensor_leaves(kwargs)
    variables = [v for v in watcher.variables.values() if all(v is not g for g in [*given, *of_kwargs])]
    _check_variables(grad_fn, variables)
    with stopped():
        flat = [ops.require("Identity")(t) for t in _tensor_leaves(result)]
    if state.tapes:
        inputs = [convert_to_tensor(t) for t in [*given, *variables]]
        backward = _Backward(grad_fn, result, variables, len(given))
        record_block(inputs, flat, lambda gradients: backward(_filled(gradients, flat)))
    return _with_tensors(result, flat)


def _filled(gradients: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    from .aggregation import zeros_like

    return [zeros_like(t) if g is None else g for g, t in zip(gradients, outputs, strict=True)]


def _add(trace: Trace, function: Callable[..., Any], args: Any) -> Any:
    """A call in a graph: its results, arguments and variables go through one node that names the gradient.

    The gradients of the results' own nodes are None: nothing flows back through what the function computes.
    """
    args = nest.map_structure(_as_tensor, args)
    with watching_variables() as watcher:
        result, grad_fn = function(*args)
    given = _tensor_leaves(args)
    flat = [trace.inside(t) for t in _tensor_leaves(result)]
    variables = sorted(watcher.variables.values(), key=lambda v: v.name)
    _check_variables(grad_fn, variables)
    backward = _Backward(grad_fn, result, variables, len(given))

    def gradient(operation: Any, *gradients: Any) -> list[Any]:
        return [None] * len(flat) + backward(gradients[: len(flat)])

    everything = [*flat, *given, *[convert_to_tensor(v) for v in variables]]
    name = GradientName.of(f"CustomGradient-{next(_numbers)}", gradient)
    passed = ops.require("IdentityN")(everything, _gradient_op_type=name)
    return _with_tensors(result, passed[: len(flat)])


def _as_tensor(leaf: Any) -> Any:
    return (
        leaf
        if leaf is None or isinstance(leaf, Tensor) or hasattr(leaf, "_type_spec")
        else convert_to_tensor(leaf)
    )


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, of which nothing is kept for the gradient but the arguments: it runs again when it is differentiated.

    Args:
        f: from tensors to a tensor or a list of them.
    """

    def inner(*args: Any, **kwargs: Any) -> Any:
        with stopped():
            result = f(*args, **kwargs)

        def grad(*upstream: Any, variables: Any = None) -> Any:
            with GradientTape() as tape:
                again = nest.map_structure(lambda t: ops.require("Identity")(_as_tensor(t)), args)
                tape.watch(again)
                held = list(variables or ())
                tape.watch(held)
                recomputed = f(*again, **kwargs)
            found = tape.gradient(
                recomputed,
                [*again, *held],
                output_gradients=list(upstream),
                unconnected_gradients=UnconnectedGradients.ZERO,
            )
            for_inputs, for_variables = found[: len(again)], found[len(again) :]
            return for_inputs if variables is None else (for_inputs, for_variables)

        return result, grad

    return functools.wraps(f)(_CustomGradient(inner))


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, with the gradient of a function that returns its arguments.

    Args:
        f: from tensors to as many tensors of the same shapes.
    """

    def inner(*args: Any, **kwargs: Any) -> Any:
        def grad(*upstream: Any, variables: Any = None) -> Any:
            return upstream if variables is None else (upstream, [None] * len(variables))

        return f(*args, **kwargs), grad

    wrapped: Callable[..., Any] = functools.wraps(f)(_CustomGradient(inner))
    return wrapped
