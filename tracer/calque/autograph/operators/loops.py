"""`for` and `while` statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...context import state
from ...control_flow import cond as tf_cond
from ...errors import OperatorNotAllowedInGraphError
from ...function.trace import user_location
from ...tensor import SymbolicTensor
from .. import log
from .kinds import is_dense, is_range, scratch
from .staged_loops import staged_while
from .variables import Undefined

__all__ = ["for_stmt", "while_stmt"]

GetState = Callable[[], tuple[Any, ...]]
SetState = Callable[[tuple[Any, ...]], None]

_MANY_ITERATIONS = 50000  # a Python loop that long which makes ops at each turn was hardly meant


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], Any],
    get_state: GetState,
    set_state: SetState,
    symbol_names: tuple[str, ...],
    opts: dict[str, Any],
) -> None:
    """A `while` statement.

    It is a loop of the graph if its condition, evaluated once to find out, is a tensor; else a Python loop.

    Args:
        test: its condition.
        body: its body, which works on the symbols of the function around.
        get_state, set_state: read and write the symbols that the body changes.
        symbol_names: their names.
        opts: what `set_loop_options` says.

    Raises:
        NotImplementedError: the condition of a Python loop became a tensor.
        ValueError, TypeError: a symbol cannot be a variable of a loop, or changes its type.
    """
    with scratch():
        first = test()
    if is_dense(first):
        staged_while(test, body, get_state, set_state, symbol_names, opts)
    elif first:  # `test` has run for the first iteration
        unrolled = _Unrolled()
        body()
        while _python_condition(
            test(),
            "The condition of while loop started as non-Tensor, then changed to Tensor: a variable in it changed its "
            "type, or a break or return in the loop depends on a tensor. Make the condition a tensor from the start, "
            "so that it becomes a loop of the graph.",
        ):
            unrolled.count()
            body()


def for_stmt(
    iter_: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], Any],
    get_state: GetState,
    set_state: SetState,
    symbol_names: tuple[str, ...],
    opts: dict[str, Any],
) -> None:
    """A `for` statement: a loop of the graph over a tensor's first dimension, a Python loop over anything else.

    Args:
        iter_: what is iterated over.
        extra_test: a further condition for going on (there is a `break` or `return` in the body), or None.
        body: its body, a function of the current element.
        get_state, set_state, symbol_names, opts: as for `while_stmt`; ``opts["iterate_names"]`` is the target.

    Raises: as `while_stmt`.
    """
    if is_range(iter_):
        _for_range(iter_, extra_test, body, get_state, set_state, symbol_names, opts)
    elif is_dense(iter_):
        _for_elements(iter_, extra_test, body, get_state, set_state, symbol_names, opts)
    else:
        _for_python(iter_, extra_test, body)


def _for_python(
    iterable: Iterable[Any], extra_test: Callable[[], Any] | None, body: Callable[[Any], Any]
) -> None:
    message = (
        "break and return statements which depend on a TF condition are not supported in Python for loops. Iterate "
        "over a tensor, such as tf.range(n), so that it becomes a loop of the graph."
    )
    unrolled = _Unrolled()
    if extra_test is not None and not _python_condition(extra_test(), message):
        return
    for element in iterable:
        body(element)
        unrolled.count()
        if extra_test is not None and not _python_condition(extra_test(), message):
            break


def _python_condition(value: Any, message: str) -> bool:
    try:
        return bool(value)
    except OperatorNotAllowedInGraphError as e:
        raise NotImplementedError(message) from e


class _Unrolled:
    """Warns of a Python loop that makes an endless graph."""

    def __init__(self) -> None:
        self._iterations = 0
        self._nodes = 0

    def count(self) -> None:
        """An iteration is over."""
        self._iterations += 1
        if self._iterations < _MANY_ITERATIONS or state.trace is None:
            return
        nodes = len(state.trace.function.nodes)
        if self._iterations == _MANY_ITERATIONS + 1 and nodes > self._nodes:
            log.warn(
                "Large unrolled loop: each of %s iterations of a Python loop added ops to the graph, at %s. Did you "
                "mean a loop over a tensor, such as tf.range(n)?",
                self._iterations,
                user_location(),
            )
        self._nodes = nodes


def _and_then(main: Any, extra_test: Callable[[], Any] | None) -> Any:
    return main if extra_test is None else tf_cond(main, extra_test, lambda: False)


def _for_elements(
    tensor: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], Any],
    get_state: GetState,
    set_state: SetState,
    symbol_names: tuple[str, ...],
    opts: dict[str, Any],
) -> None:
    """A loop over the first dimension of a tensor."""
    from ...tensor_array import TensorArray
    from .py_builtins import len_

    length = len_(tensor)
    elements = TensorArray(tensor.dtype, size=length, element_shape=tensor.shape[1:]).unstack(tensor)
    index: Any = 0

    def get_all() -> tuple[Any, ...]:
        return (index, *get_state())

    def set_all(values: tuple[Any, ...]) -> None:
        nonlocal index
        index, *others = values
        set_state(tuple(others))

    def step() -> None:
        nonlocal index
        body(elements.read(index))
        index = index + 1

    staged_while(
        lambda: _and_then(index < length, extra_test),
        step,
        get_all,
        set_all,
        ("<internal iterate>", *symbol_names),
        opts,
    )


def _for_range(
    tensor: SymbolicTensor,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], Any],
    get_state: GetState,
    set_state: SetState,
    symbol_names: tuple[str, ...],
    opts: dict[str, Any],
) -> None:
    """A loop over `tf.range`: counts, and never makes the range."""
    from ...api.math_ops import logical_and, logical_or
    from ...function.graph_mode import get_static_value

    start, limit, delta = (SymbolicTensor(v, tensor.trace) for v in tensor._value.node.inputs)
    step_size = get_static_value(delta)
    number: Any = start

    def get_all() -> tuple[Any, ...]:
        # The target has a value in each iteration, so the first will do for a loop that defines it.
        values = [
            number if name == opts["iterate_names"] and isinstance(value, Undefined) else value
            for name, value in zip(symbol_names, get_state(), strict=True)
        ]
        return (number, *values)

    def set_all(values: tuple[Any, ...]) -> None:
        nonlocal number
        number, *others = values
        set_state(tuple(others))

    def test() -> Any:
        if step_size is not None:
            more = number < limit if step_size >= 0 else number > limit
        else:
            up, down = logical_and(delta >= 0, number < limit), logical_and(delta < 0, number > limit)
            more = logical_or(up, down)
        return _and_then(more, extra_test)

    def step() -> None:
        nonlocal number
        body(number)
        number = number + delta

    staged_while(test, step, get_all, set_all, ("<internal iterate>", *symbol_names), opts)
