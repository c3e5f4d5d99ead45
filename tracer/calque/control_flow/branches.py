"""Conditionals: `cond` on a truth value, `switch_case` on a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque_runtime.dtypes import bool as bool_
from calque_runtime.dtypes import int32
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.op import Op
from calque_runtime.ops import calls
from calque_runtime.shapes import Shape, relax

from .. import nest
from ..context import state
from ..function.trace import Trace
from ..tensor import convert_to_tensor, is_tensor
from .structures import packed, path_name
from .subgraph import Subgraph, graph_name, match_captures, trace_subgraph

__all__ = ["cond", "cond_in_graph", "condition", "switch_case", "switch_in_graph"]


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """What `true_fn` returns where `pred` holds, else what `false_fn` returns; only that one runs.

    Both are functions without arguments. In a graph both are traced, and must return the same structure of tensors
    of the same dtypes; shapes may differ.

    Args:
        pred: a bool scalar; eagerly, anything that is true or not.
        true_fn, false_fn: the branches.
        name: the node's name.

    Raises:
        TypeError: a branch cannot be called; in a graph: `pred` is a Python bool, or the branches' results differ in
            structure or dtype.
        ValueError: one branch returns None where the other returns a tensor.
        InvalidArgumentError: in a graph, `pred` is no bool scalar.
    """
    for one, what in ((true_fn, "true_fn"), (false_fn, "false_fn")):
        if not callable(one):
            raise TypeError(f"'{what}' must be callable, but is {one!r}.")
    if state.trace is None:
        return true_fn() if pred else false_fn()  # type: ignore[misc]
    if isinstance(pred, bool):
        raise TypeError(f"pred must not be a Python bool: {pred}. Use a Python `if` for it.")
    return cond_in_graph(state.trace, pred, true_fn, false_fn, name or "cond")  # type: ignore[arg-type]


def cond_in_graph(
    outer: Trace, pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str
) -> Any:
    """`cond` as a node of `outer`, the current graph. See `cond`."""
    pred = condition(convert_to_tensor(pred), "tf.cond")
    names = "true_fn", "false_fn"
    branches = [
        trace_subgraph(graph_name(name, part), lambda trace, fn=fn: fn(), pred)  # type: ignore[misc]
        for fn, part in ((true_fn, "true"), (false_fn, "false"))
    ]
    _check_alike("tf.cond", names, branches)
    captures, refs, shapes, stateful = _closed(branches)
    op = calls.if_ if stateful else calls.stateless_if
    attrs = {"then_branch": refs[0], "else_branch": refs[1]}
    return _node(outer, op, [pred, captures], attrs, branches, shapes, name)


def switch_case(
    branch_index: Any,
    branch_fns: Sequence[Any] | Mapping[int, Callable[[], Any]],
    default: Callable[[], Any] | None = None,
    name: str = "switch_case",
) -> Any:
    """What the branch with the number `branch_index` returns; only that one runs.

    Args:
        branch_index: an int32 scalar.
        branch_fns: functions without arguments: a list, or a dict or list of pairs that gives each its number, 0 to
            n - 1 in any order.
        default: runs where the index is out of range; by default the branch with the largest number does.
        name: the node's name.

    Raises:
        TypeError: `branch_index` is no tensor (of int32, in a graph), `branch_fns` is no such list, or the branches'
            results differ in structure or dtype.
        ValueError: the numbers are not 0 to n - 1.
    """
    branches = _numbered(branch_fns, default)
    if not is_tensor(branch_index):
        raise TypeError(f"'branch_index' must be a Tensor, got {type(branch_index)}")
    if state.trace is None:
        at = int(branch_index)
        return branches[at if 0 <= at < len(branches) else -1]()
    index = convert_to_tensor(branch_index)
    if index.dtype is not int32:
        raise TypeError(f"'branch_index' must be an int32 Tensor, but is {index}")
    return switch_in_graph(state.trace, index, branches, name or "switch_case")


def switch_in_graph(outer: Trace, index: Any, branch_fns: Sequence[Callable[[], Any]], name: str) -> Any:
    """`switch_case` as a node of `outer`, the current graph; the last branch is the default."""
    names = [f"branches[{i}]" for i in range(len(branch_fns))]
    branches = [
        trace_subgraph(graph_name(name, f"branch{i}"), lambda trace, fn=fn: fn(), index)  # type: ignore[misc]
        for i, fn in enumerate(branch_fns)
    ]
    _check_alike("tf.switch_case", names, branches)
    captures, refs, shapes, stateful = _closed(branches)
    op = calls.case if stateful else calls.stateless_case
    return _node(outer, op, [index, captures], {"branches": tuple(refs)}, branches, shapes, name)


def _numbered(branch_fns: Any, default: Any) -> list[Callable[[], Any]]:
    """The branches in the order of their numbers, the default one last."""
    if not isinstance(branch_fns, (list, tuple, dict)):
        raise TypeError(f"'branch_fns' must be a list, tuple, or dict, but is {type(branch_fns).__name__}.")
    items: list[Any] = list(branch_fns.items()) if isinstance(branch_fns, dict) else list(branch_fns)
    if not items:
        raise ValueError("'branch_fns' must hold at least one branch.")
    if isinstance(branch_fns, dict) or not all(callable(fn) for fn in items):
        for item in items:
            if not isinstance(item, tuple) or len(item) != 2:
                raise TypeError(
                    f"Each entry in 'branch_fns' must be a 2-tuple (number, function), but one is {item!r}."
                )
            if not isinstance(item[0], int):
                raise TypeError(f"The keys of 'branch_fns' must be Python ints, but one is {item[0]!r}.")
        items = sorted(items, key=lambda pair: pair[0])
        numbers = [number for number, _ in items]
        if numbers != list(range(len(items))):
            raise ValueError(
                f"'branch_fns' must number its {len(items)} branches contiguously, 0 to {len(items) - 1}, but the "
                f"numbers are {numbers}."
            )
        items = [fn for _, fn in items]
    if default is not None:
        items.append(default)
    for i, fn in enumerate(items):
        if not callable(fn):
            raise TypeError(f"The function for branch {i} must be callable, but is {fn!r}.")
    return items


def condition(value: Any, what: str) -> Any:
    """`value` as a condition that every runtime takes: a bool scalar. A tensor of one element counts as its element.

    Raises:
        InvalidArgumentError: it is none.
    """
    if value.shape.rank != 0:
        from ..api.array_ops import squeeze

        value = squeeze(value)
    if value.dtype is not bool_ or value.shape.rank not in (0, None):
        raise InvalidArgumentError(
            None,
            None,
            f"the condition of {what} must be a bool scalar, but is {value}: compare it with something.",
        )
    return value


def _check_alike(what: str, names: Sequence[str], branches: Sequence[Subgraph]) -> None:
    """Do all branches return the same structure, of the same dtypes?"""
    first = branches[0]
    for name, other in zip(names[1:], branches[1:], strict=True):
        problem = _difference(names[0], first, name, other)
        if problem is not None:
            kind, detail = problem
            raise kind(
                f"{names[0]} and {name} arguments to {what} must have the same number, type, and overall structure of "
                f"return values.\n\n{names[0]} output: {first.structure}\n{name} output: {other.structure}\n\n"
                f"Error details:\n{detail}"
            )


def _difference(
    first_name: str, first: Subgraph, name: str, other: Subgraph
) -> tuple[type[Exception], str] | None:
    try:
        nest.assert_same_structure(first.structure, other.structure, expand_composites=True)
    except (ValueError, TypeError) as error:
        return TypeError, str(error)
    mine = nest.flatten_with_paths(first.structure, expand_composites=True)
    theirs = nest.flatten_with_paths(other.structure, expand_composites=True)
    for (path, a), (_, b) in zip(mine, theirs, strict=True):
        here, there = path_name(path, f"the result of {first_name}"), path_name(path, f"that of {name}")
        if (a is None) != (b is None):
            return ValueError, (
                f"{here} is {_shown(a)}, but {there} is {_shown(b)}: both must be tensors, or both None."
            )
        if a is not None and a.dtype != b.dtype:
            return TypeError, f"{here} is {_shown(a)}, but {there} is {_shown(b)}: they have different types."
    return None


def _shown(leaf: Any) -> str:
    return "None" if leaf is None else f"a tensor of {leaf.dtype.name} and shape {leaf.shape}"


def _closed(
    branches: Sequence[Subgraph],
) -> tuple[list[Any], list[Any], tuple[Shape, ...], bool]:
    """The finished branches: (captures, function references, result shapes, does one hold a stateful op?)."""
    captures = match_captures([b.trace for b in branches])
    refs = [b.finish() for b in branches]
    shapes: list[Shape] = [t._value.shape for t in branches[0].outputs]
    for other in branches[1:]:
        shapes = [relax(a, t._value.shape) for a, t in zip(shapes, other.outputs, strict=True)]
    return captures, refs, tuple(shapes), any(b.trace.function.stateful for b in branches)


def _node(
    outer: Trace,
    op: Op,
    inputs: list[Any],
    attrs: dict[str, Any],
    branches: Sequence[Subgraph],
    shapes: tuple[Shape, ...],
    name: str,
) -> Any:
    """Add the node; its results in the structure of the first branch."""
    types = tuple(t.dtype for t in branches[0].outputs)
    results = outer.call(op, inputs, {**attrs, "Tout": types, "output_shapes": shapes}, name)
    for result, *insides in zip(results, *[b.outputs for b in branches], strict=True):
        handles = {t._value.handle for t in insides}
        if len(handles) == 1:
            result._value.handle = handles.pop()
    return packed(branches[0].structure, results)
