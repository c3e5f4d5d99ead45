"""Loops: `while_loop`, in Python or as a While node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque_runtime.ops import calls
from calque_runtime.shapes import Shape

from .. import nest
from ..composite.composite import CompositeTensor
from ..composite.type_spec import TypeSpec
from ..context import state
from ..function.trace import Trace
from ..tensor import SymbolicTensor, convert_to_tensor
from ..tensor_array import TensorArray
from ..tensor_shape import TensorShape, as_shape
from .branches import condition
from .structures import as_values, convert_leaves, flat_tensors, packed, path_name, paths
from .subgraph import Subgraph, graph_name, match_captures, trace_subgraph

__all__ = ["while_in_graph", "while_loop"]


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Run ``loop_vars = body(*loop_vars)`` as long as ``cond(*loop_vars)`` holds, and give the last `loop_vars`.

    Args:
        cond: from the loop variables to a bool scalar.
        body: from the loop variables to their next values, in the same structure.
        loop_vars: a list or tuple of the first values: tensors, what can become one, and (nested) structures of them.
        shape_invariants: for each loop variable, a shape that it keeps to in every iteration, in the same structure;
            by default the shape that it starts with.
        parallel_iterations: kept for other runtimes; calque runs one iteration after the other.
        back_prop: False: no gradient flows through the loop.
        swap_memory: accepted, and of no effect.
        maximum_iterations: stop after so many iterations, at most.
        name: the node's name.

    Raises:
        TypeError: `cond` or `body` cannot be called, or the type of a loop variable changes.
        ValueError: there are no loop variables; in a graph: the body returns another structure, or a tensor whose
            shape does not fit the loop variable's.
    """
    for one, what in ((cond, "cond"), (body, "body")):
        if not callable(one):
            raise TypeError(f"'{what}' must be callable, but is {one!r}.")
    if parallel_iterations < 1:
        raise TypeError(f"'parallel_iterations' must be a positive integer, but is {parallel_iterations}.")
    if state.trace is None:
        return _eager(cond, body, as_values(loop_vars), maximum_iterations)
    results = while_in_graph(
        state.trace,
        cond,
        body,
        loop_vars,
        shape_invariants,
        maximum_iterations,
        parallel_iterations,
        name or "while",
    )
    if back_prop:
        return results
    from ..api.array_ops import stop_gradient

    return packed(results, [stop_gradient(t) for t in flat_tensors(results)])


def _eager(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum: Any) -> Any:
    if not loop_vars:
        raise ValueError("'loop_vars' must be provided.")
    left = None if maximum is None else int(_limit(maximum))
    values = loop_vars
    while (left is None or left > 0) and cond(*values):
        values = _as_sequence(body(*values))
        nest.assert_same_structure(list(loop_vars), list(values), expand_composites=True)
        left = None if left is None else left - 1
    return convert_leaves(values)


def _as_sequence(results: Any) -> Any:
    return results if nest.is_nested(results) else [results]


def _limit(maximum: Any) -> Any:
    limit = convert_to_tensor(-1 if maximum is None else maximum, name="maximum_iterations")
    if limit.shape.rank not in (0, None):
        raise ValueError(f"'maximum_iterations' must be a scalar, but its shape is {limit.shape}.")
    return limit


def while_in_graph(
    outer: Trace,
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any,
    maximum_iterations: Any,
    parallel_iterations: int,
    name: str,
) -> Any:
    """`while_loop` as a node of `outer`, the current graph.

    The node's operands are a counter, the largest number of iterations (-1: any), the loop variables, and what
    condition and body capture, as TensorFlow has them.
    """
    start = convert_leaves(as_values(loop_vars))
    first = [outer.inside(t) for t in flat_tensors(start)]
    like, shapes = _invariants(start, first, shape_invariants)
    limit = _limit(maximum_iterations)
    counter = convert_to_tensor(0, limit.dtype, name="loop_counter")
    operands = [outer.inside(counter), outer.inside(limit), *first]
    known: list[Shape] = [(), (), *shapes]

    def arguments(trace: Trace) -> tuple[SymbolicTensor, SymbolicTensor, Any]:
        made = []
        for operand, shape in zip(operands, known, strict=True):
            argument = trace.argument(_argument_name(operand), operand.dtype, shape)
            argument._value.handle = operand._value.handle
            made.append(argument)
        return made[0], made[1], packed(like, made[2:])

    def traced_cond(trace: Trace) -> Any:
        count, limit, values = arguments(trace)
        holds = condition(convert_to_tensor(cond(*values)), "tf.while_loop")
        return holds if maximum_iterations is None else _both(count, limit, holds)

    def traced_body(trace: Trace) -> Any:
        count, limit, values = arguments(trace)
        for external, _ in test.trace.captures:  # so that both have them in the same order
            trace.capture_external(external)
        results = as_values(_as_sequence(body(*values)))
        _check_structure(start, results)
        return [count + 1, limit, results]

    test = trace_subgraph(graph_name(name, "cond"), traced_cond)
    iteration = trace_subgraph(graph_name(name, "body"), traced_body)
    _check_results(start, operands, known, iteration)
    captures = match_captures([test.trace, iteration.trace])
    passed_on = iteration.trace.inputs[len(operands) :]
    refs = {"cond": test.finish(), "body": iteration.finish(passed_on)}
    known += [t._value.shape for t in passed_on]
    stateful = test.trace.function.stateful or iteration.trace.function.stateful
    results = outer.call(
        calls.while_ if stateful else calls.stateless_while,
        [[*operands, *captures]],
        {**refs, "output_shapes": tuple(known), "parallel_iterations": int(parallel_iterations)},
        name,
    )
    for result, inner in zip(results, iteration.trace.inputs, strict=True):
        result._value.handle = inner._value.handle
    return packed(like, results[2 : len(operands)])


def _argument_name(operand: SymbolicTensor) -> str:
    return operand._value.node.name.rpartition("/")[2]


def _both(count: Any, limit: Any, holds: Any) -> Any:
    from ..api.math_ops import less, logical_and

    return logical_and(less(count, limit), holds)


def _kept(start: Any, given: Any) -> tuple[Any, list[TensorShape | None]]:
    """What each loop variable keeps to: (structure like `start`, specs at composites; a shape for each tensor).

    A shape is None where it is not given.
    """
    if not nest.is_nested(start):
        return _kept_leaf(start, given)
    if given is None:
        parts = [_kept_leaf(leaf, None) for leaf in nest.flatten(start)]
    elif type(given) is TensorShape or not nest.is_nested(given) or len(given) != len(start):
        raise ValueError(
            f"'shape_invariants' must have the structure of 'loop_vars', but for {nest.skeleton(start)} it is "
            f"{given!r}."
        )
    else:
        keys = sorted(start) if isinstance(start, Mapping) else range(len(start))
        parts = [_kept(start[key], given[key]) for key in keys]
    like = [leaf for part, _ in parts for leaf in nest.flatten(part)]
    return nest.pack_sequence_as(start, like), [shape for _, shapes in parts for shape in shapes]


def _kept_leaf(start: Any, given: Any) -> tuple[Any, list[TensorShape | None]]:
    if start is None:
        return None, []
    if isinstance(start, TensorArray):
        return start, [None]
    if isinstance(start, CompositeTensor):
        spec = given if isinstance(given, TypeSpec) else start._type_spec
        return spec, [one.shape for one in spec.flatten()]
    shape = getattr(given, "shape", given)
    return start, [None if given is None else as_shape(shape)]


def _invariants(start: Any, first: Sequence[SymbolicTensor], given: Any) -> tuple[Any, list[Shape]]:
    """(what to make loop variables like, the shape that each of their tensors keeps to)."""
    like, shapes = _kept(start, given)
    for shape, tensor, path in zip(shapes, first, paths(start), strict=True):
        if shape is not None and not tensor.shape.is_subtype_of(shape):
            raise ValueError(
                f"The shape invariant specified for {path_name(path, 'loop_vars')} is not compatible with the initial "
                f"shape of the loop variable. It enters the loop with shape {tensor.shape}, but the specified shape "
                f"invariant is {shape}."
            )
    return like, [t._value.shape if s is None else s.as_tuple() for s, t in zip(shapes, first, strict=True)]


def _check_structure(start: Any, results: Any) -> None:
    nest.assert_same_structure(results, start, check_types=False, expand_composites=True)


def _check_results(
    start: Any, operands: Sequence[SymbolicTensor], known: Sequence[Shape], iteration: Subgraph
) -> None:
    """Are the loop variables after one iteration what they were before?"""
    names = [path_name(path, "loop_vars") for path in paths(start)]
    rows = zip(names, operands[2:], known[2:], iteration.outputs[2:], strict=True)
    for name, before, shape, after in rows:
        if before.dtype is not after.dtype:
            raise TypeError(
                f"Loop variable {name} enters the loop with type {before.dtype!r}, but has type {after.dtype!r} after "
                "one iteration. Loop variables must keep their type: use tf.cast."
            )
        if not after.shape.is_subtype_of(TensorShape(shape)):
            raise ValueError(
                f"Loop variable {name} enters the loop with shape {TensorShape(shape)}, but has shape {after.shape} "
                "after one iteration. To allow the shape to vary across iterations, use the `shape_invariants` "
                "argument of tf.while_loop to specify a less-specific shape."
            )
