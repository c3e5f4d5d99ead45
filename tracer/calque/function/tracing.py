"""One run of a Python function: arguments of a graph go in, the graph with its results comes out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.effects import has_effect
from calque_runtime.ops import control

from .. import nest
from ..composite.composite import CompositeTensor
from ..composite.trace_type import TracingContext
from ..composite.type_spec import TypeSpec
from ..tensor import SymbolicTensor, Tensor, convert_to_tensor
from .concrete import ConcreteFunction
from .effects import add_control_dependencies
from .leaves import Leaf, TensorLeaf, TypeLeaf, VariableLeaf
from .operation import Operation
from .signature import Arguments, FunctionSignature
from .trace import Trace

__all__ = ["graph_name", "trace_once"]

_numbers = itertools.count()


def trace_once(
    name: str,
    signature: FunctionSignature,
    body: Callable[[Sequence[Any], dict[str, Any]], Any],
    arguments: Arguments,
    leaves: Sequence[Leaf],
    values: dict[str, Any],
    initial: dict[str, Any] | None,
    order_effects: bool = True,
) -> tuple[Trace, ConcreteFunction]:
    """Run the Python body once.

    Args:
        name: the function's name.
        signature: its parameters.
        body: runs the Python function on positional and keyword arguments.
        arguments: what the trace is made for, with `leaves` in place of its own.
        leaves: what the trace is made for.
        values: the arguments by parameter; tensors in them (or specs) become arguments of the graph.
        initial: on a first call, which may make variables, the arguments it was called with; else None.
        order_effects: add the control edges that keep effects in program order on other runtimes?

    Raises:
        TypeError: the function returns something that is no tensor.
        ValueError: it changes a list or dict that it was given.
    """
    trace = Trace(f"__inference_{graph_name(name)}_{next(_numbers)}", initial is not None)
    placeholders = _Placeholders(trace, leaves, arguments.names)
    inner = {
        p.name: placeholders.in_place_of(values[p.name], (initial or values)[p.name])
        for p in signature.parameters
    }
    before = _outline(inner)
    args, kwargs = signature.split(inner)
    with trace.as_current():
        result = body(args, kwargs)
        outputs = nest.map_structure(
            lambda leaf: _returned(leaf, trace, name), result, expand_composites=True
        )
    if not _is_unchanged(before, inner):
        raise ValueError(
            f"{name}{signature.signature} should not modify its Python input arguments. Check if it modifies any lists "
            "or dicts passed as arguments. Modifying a copy is allowed."
        )
    trace.finish()
    flat = [t for t in nest.flatten(outputs, expand_composites=True) if t is not None]
    trace.function.outputs = [t._value for t in flat]
    trace.function.output_names = ["identity" if i == 0 else f"identity_{i}" for i in range(len(flat))]
    trace.orders_effects = order_effects
    if order_effects:
        add_control_dependencies(trace.function)
    else:
        effects = {node.name: node for node in trace.function.nodes if has_effect(node)}
        trace.function.control_outputs.update(effects)
        trace.function.stateful = any(node.op.signature.stateful for node in trace.function.nodes)
    new = iter(leaves)
    structure = {
        key: nest.map_argument(lambda _: next(new), part, raw=True)
        for key, part in arguments.structure.items()
    }
    concrete = ConcreteFunction(trace, signature, structure, placeholders.arg_names, outputs, arguments.paths)
    return trace, concrete


class _Placeholders:
    """Makes the arguments of a graph, leaf by leaf.

    Attributes:
        arg_names: the unique name of each.
    """

    def __init__(self, trace: Trace, leaves: Sequence[Leaf], names: Sequence[str]) -> None:
        self._trace = trace
        self._leaves = iter(leaves)
        self._names = iter(names)
        self.arg_names: list[str] = []

    def in_place_of(self, value: Any, given: Any) -> Any:
        """An argument with what it is in the graph, visited in the order in which it was canonicalized.

        Args:
            value: the argument, or a structure of specs.
            given: the argument of a first call, whose values variables may start from.
        """
        originals = iter(nest.argument_leaves(given))
        return nest.map_argument(lambda leaf: self._placeholder(leaf, next(originals)), value)

    def _placeholder(self, value: Any, given: Any) -> Any:
        leaf = next(self._leaves)
        if isinstance(leaf, VariableLeaf):
            inner = self._argument(dtypes.resource, ())
            inner._value.handle = (value.dtype, value._state.shape)
            self._trace.bind_variable_argument(value, inner)
            return value
        if isinstance(leaf, TensorLeaf):
            inner = self._argument(leaf.dtype, leaf.shape)
            self._note(inner, given)
            return inner
        if not isinstance(leaf, TypeLeaf):
            return value
        parts = [self._argument(spec.dtype, spec.shape.as_tuple()) for spec in leaf.specs()]
        if isinstance(given, CompositeTensor):
            for part, original in zip(parts, leaf.type.to_tensors(given), strict=True):
                self._note(part, original)
        if not parts and not isinstance(leaf.type, TypeSpec):
            return leaf.type.placeholder_value(TracingContext())
        return leaf.type.from_tensors(iter(parts))

    def _argument(self, dtype: dtypes.DType, shape: Any) -> SymbolicTensor:
        name = next(self._names)
        self.arg_names.append(_unique(name, self.arg_names))
        inner = self._trace.argument(graph_name(name), dtype, shape)
        if dtype is not dtypes.resource:
            place = len(self._trace.function.inputs) - 1
            self._trace.function.arg_attrs[place] = {"_user_specified_name": name.encode()}
        return inner

    def _note(self, inner: SymbolicTensor, given: Any) -> None:
        if isinstance(given, (Tensor, np.ndarray, np.generic)):
            self._trace.called_with(inner, given)


def _returned(leaf: Any, trace: Trace, name: str) -> SymbolicTensor | None:
    """A returned leaf as a result of the graph; nothing for an operation."""
    if leaf is None or isinstance(leaf, Operation):
        return None
    try:
        tensor = leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf)
    except (TypeError, ValueError):
        raise TypeError(
            "To be compatible with tf.function, Python functions must return zero or more Tensors or ExtensionTypes or "
            f"None values; in compilation of {name}, found return value of type {type(leaf).__name__}, which is not a "
            "Tensor or ExtensionType."
        ) from None
    return control.identity(tensor, name="Identity")  # type: ignore[no-any-return]


def _outline(value: Any) -> Any:
    """What an argument is made of: its leaves themselves, and the kinds and places of what they are nested in."""
    found = nest.argument_parts(value)
    if found is None:
        return value
    return type(value), [(place, _outline(child)) for place, child in found[1]]


def _is_unchanged(outline: Any, value: Any) -> bool:
    found = nest.argument_parts(value)
    if found is None:
        return outline is value
    if not isinstance(outline, tuple) or outline[0] is not type(value):
        return False
    before, now = outline[1], found[1]
    return len(before) == len(now) and all(
        a == b and _is_unchanged(was, child) for (a, was), (b, child) in zip(before, now, strict=True)
    )


def _unique(name: str, taken: Sequence[str]) -> str:
    """`name`, or ``name_1``, ``name_2``, ... where it is taken."""
    numbered: Iterator[str] = itertools.chain([name], (f"{name}_{i}" for i in itertools.count(1)))
    return next(n for n in numbered if n not in taken)


def graph_name(name: str) -> str:
    """`name` with whatever a node's name may not hold replaced."""
    cleaned = re.sub(r"[^A-Za-z0-9_.\-/]", "_", name)
    return cleaned if re.match(r"[A-Za-z0-9.]", cleaned) else cleaned.lstrip("_-/") or "arg"
