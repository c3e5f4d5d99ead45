"""`case`: a chain of conditions, the first that holds decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque_runtime import dtypes

from ..api.array_ops import stack
from ..api.debugging_ops import Assert
from ..api.math_ops import cast, less_equal
from ..api.reduce_ops import reduce_sum
from ..context import executing_eagerly
from ..function.graph_mode import control_dependencies
from ..tensor import Tensor
from .branches import cond

__all__ = ["case"]


def case(
    pred_fn_pairs: Sequence[tuple[Any, Callable[[], Any]]] | Mapping[Any, Callable[[], Any]],
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function beside the first true predicate returns.

    Args:
        pred_fn_pairs: pairs of a bool scalar tensor and a function without arguments.
        default: runs where no predicate holds; without it, one has to.
        exclusive: may only one predicate hold? All are looked at then.
        strict: False: eagerly, a result that is a list or tuple of one counts as that one.
        name: the nodes' name.

    Raises:
        TypeError: `pred_fn_pairs` is no list of pairs, a predicate is no bool tensor, or a function cannot be called.
        InvalidArgumentError: when it runs: no predicate holds and there is no `default`, or `exclusive` does not hold.
    """
    predicates, actions = _pairs(pred_fn_pairs, exclusive)
    if default is None:
        default = _checked_last(predicates.copy(), actions.pop())
        held = predicates[:-1]
    elif not callable(default):
        raise TypeError(f"'default' must be callable, but is {default!r}.")
    else:
        held = predicates

    def chain(at: int) -> Any:
        if at == len(actions):
            return default()
        return cond(held[at], actions[at], lambda: chain(at + 1), name)

    if exclusive:
        with control_dependencies([_at_most(held, 1, "Input error: exclusive=True")]):
            result = chain(0)
    else:
        result = chain(0)
    if executing_eagerly() and not strict and isinstance(result, (list, tuple)) and len(result) == 1:
        return result[0]
    return result


def _pairs(given: Any, exclusive: bool) -> tuple[list[Any], list[Callable[[], Any]]]:
    """(predicates, functions)."""
    if not isinstance(given, (list, tuple, dict)):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(given)}")
    pairs = list(given.items()) if isinstance(given, dict) else list(given)
    if not pairs:
        raise ValueError("'pred_fn_pairs' must hold at least one pair.")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {pair!r}.")
        pred, fn = pair
        if not isinstance(pred, Tensor):
            raise TypeError(f"pred must be a Tensor, got: {pred!r}")
        if pred.dtype is not dtypes.bool:
            raise TypeError(f"pred must be Tensor of type bool, but is {pred!r}")
        if not callable(fn):
            raise TypeError(f"fn for pred {pred!r} must be callable, but is {fn!r}")
    return [pred for pred, _ in pairs], [fn for _, fn in pairs]


def _at_most(predicates: Sequence[Any], count: int, message: str) -> Any:
    """A check that no more than `count` of the predicates hold."""
    together = stack(list(predicates))
    holding = reduce_sum(cast(together, dtypes.int32))
    said = f"{message}: more than {count} conditions evaluated as True:"
    return Assert(less_equal(holding, count), [said, together], summarize=len(predicates))


def _checked_last(predicates: list[Any], action: Callable[[], Any]) -> Callable[[], Any]:
    """`action` for where the last of `predicates` has to be the one that holds."""

    def checked() -> Any:
        message = "Input error: None of conditions evaluated as True:"
        with control_dependencies(
            [Assert(predicates[-1], [message, stack(predicates)], summarize=len(predicates))]
        ):
            return action()

    return checked
