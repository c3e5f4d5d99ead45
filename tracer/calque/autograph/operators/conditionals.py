"""`if` statements and conditional expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import nest
from ...api.array_ops import reshape
from ...control_flow import cond as tf_cond
from ...control_flow.structures import as_values
from ...tensor import convert_to_tensor
from .kinds import as_static, is_dense
from .variables import Undefined, UndefinedReturnValue

__all__ = ["if_exp", "if_stmt", "verified_condition"]


def verified_condition(condition: Any, what: str) -> Any:
    """`condition` as a bool scalar.

    Args:
        condition: a tensor.
        what: the statement that it belongs to.

    Raises:
        ValueError: it is no bool, or has more than one element.
    """
    condition = convert_to_tensor(condition)
    shape = condition.shape
    sizes = [n for n in shape.as_list() or () if n is not None] if shape.rank is not None else []
    if condition.dtype != "bool" or any(n > 1 for n in sizes):
        raise ValueError(
            f"condition of {what} expected to be `tf.bool` scalar, got {condition}; to use as boolean Tensor, use "
            "`tf.cast`; to check for None, use `is not None`"
        )
    return condition if shape.rank == 0 else reshape(condition, ())


def if_stmt(
    cond: Any,
    body: Callable[[], Any],
    orelse: Callable[[], Any],
    get_state: Callable[[], tuple[Any, ...]],
    set_state: Callable[[tuple[Any, ...]], None],
    symbol_names: tuple[str, ...],
    nouts: int,
) -> None:
    """An `if` statement.

    Args:
        cond: its condition; if it is a tensor, the graph decides, else Python.
        body, orelse: the branches, which work on the symbols of the function around.
        get_state, set_state: read and write the symbols that the branches change.
        symbol_names: their names.
        nouts: how many of them, from the first on, are used afterwards.

    Raises:
        ValueError: a symbol has a value after one branch only.
        TypeError: its type differs between the branches.
    """
    if not is_dense(cond):
        (body if cond else orelse)()
        return
    before = get_state()
    results: dict[str, tuple[Any, ...]] = {}

    def branch(run: Callable[[], Any], name: str) -> Callable[[], tuple[Any, ...]]:
        def traced() -> tuple[Any, ...]:
            set_state(before)
            run()
            results[name] = found = tuple(get_state()[:nouts])
            _check_defined(symbol_names, found, name)
            if len(results) == 2:
                for symbol, main, other in zip(symbol_names, results["main"], results["else"], strict=False):
                    _check_alike(symbol, main, other)
            return found

        return traced

    after = tf_cond(verified_condition(cond, "if statement"), branch(body, "main"), branch(orelse, "else"))
    set_state(tuple(after) + tuple(before[nouts:]))


def if_exp(cond: Any, if_true: Callable[[], Any], if_false: Callable[[], Any], expr_repr: str) -> Any:
    """A conditional expression.

    Args:
        cond: its condition.
        if_true, if_false: its branches.
        expr_repr: its source, for messages.

    Raises:
        ValueError: a branch is None.
        TypeError: the branches' types differ.
    """
    if not is_dense(cond):
        return if_true() if cond else if_false()
    results: dict[str, Any] = {}

    def branch(run: Callable[[], Any], name: str) -> Callable[[], Any]:
        def traced() -> Any:
            results[name] = run()
            if len(results) == 2:
                _check_leaf(expr_repr, results["main"], results["else"])
            return results[name]

        return traced

    return tf_cond(cond, branch(if_true, "main"), branch(if_false, "else"))


def _check_defined(names: tuple[str, ...], values: tuple[Any, ...], branch: str) -> None:
    for name, value in zip(names, values, strict=False):
        if isinstance(value, Undefined):
            raise ValueError(f"'{name}' must also be initialized in the {branch} branch")
        if isinstance(value, UndefinedReturnValue):
            raise ValueError(f"the {branch} branch must also have a return statement.")


def _check_alike(name: str, main: Any, other: Any) -> None:
    """The symbol `name` has the same structure and types after both branches."""
    main, other = as_values(main), as_values(other)
    try:
        nest.assert_same_structure(main, other, expand_composites=True)
    except (ValueError, TypeError) as e:
        raise TypeError(
            f"'{name}' must have the same nested structure in the main and else branches:\n\n{e}"
        ) from e
    nest.map_structure(lambda a, b: _check_leaf(name, a, b), main, other)


def _check_leaf(name: str, main: Any, other: Any) -> None:
    for value, branch in ((main, "main"), (other, "else")):
        if value is None:
            raise ValueError(f"'{name}' is None at the end of the {branch} branch.")
    main, other = as_static(main), as_static(other)
    if is_dense(main) and is_dense(other) and main.dtype != other.dtype:
        raise TypeError(
            f"'{name}' has dtype {main.dtype.name} in the main branch, but dtype {other.dtype.name} in the else branch"
        )
