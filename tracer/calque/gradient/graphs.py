"""The two graphs of a derivative: a copy of the function that gives what the way back needs, and the way back.

The copy may change where the function itself must not: it may be in use, belong to a file, or be shared. Nodes of the
copy that run functions are extended in place when their gradients need what happens inside.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from calque_runtime.clone import clone_function
from calque_runtime.constants import constant_value
from calque_runtime.dtypes import DType, resource
from calque_runtime.errors import InvalidArgumentError, OpError
from calque_runtime.ir import Function, Node, Value
from calque_runtime.schedule import schedule
from calque_runtime.shapes import Shape

from ..context import state
from ..function.trace import Trace
from ..tensor import SymbolicTensor, Tensor
from .recording import NodeStep

__all__ = [
    "BackwardTrace",
    "ForwardTrace",
    "add_outputs",
    "copied_from",
    "fresh_name",
    "gradient_spec",
    "result_names",
    "share_handles",
    "tell_tapes",
]

_numbers = itertools.count()
_STEM = re.compile(r"^(?:__(?:inference|forward|backward)_)?(.*?)(?:_\d+)?$", re.S)
_SMALL = 1 << 10  # elements: constants up to that size are repeated on the way back

# Of a copy: from the values of what it was copied from (and what that was copied from) to its own.
_origins: WeakKeyDictionary[Function, dict[Value, Value]] = WeakKeyDictionary()


def fresh_name(kind: str, function_name: str) -> str:
    """A name for a function made of another one: ``__forward_f_12``."""
    match = _STEM.match(function_name)
    return f"__{kind}_{match.group(1) if match else function_name}_{next(_numbers)}"


def gradient_spec(value: Value) -> tuple[DType, Shape]:
    """Type and static shape of the gradient of a value; of a variable's handle those of the variable.

    Raises:
        InvalidArgumentError: it is not known which variable is behind a handle.
    """
    if value.dtype is not resource:
        return value.dtype, value.shape
    if value.handle is None:
        raise InvalidArgumentError(
            value.node.name, value.node.op.name, "the graph does not say what variable is behind this handle"
        )
    return value.handle


def share_handles(known: Sequence[Value], values: Sequence[Value]) -> None:
    """Let arguments of a function know the variables behind the handles that a call passes for them."""
    for source, value in zip(known, values, strict=True):
        if value.handle is None:
            value.handle = source.handle


def result_names(count: int) -> list[str]:
    """The names of a function's results."""
    return ["identity" if i == 0 else f"identity_{i}" for i in range(count)]


class ForwardTrace(Trace):
    """A copy of a function, to which nodes and results can be added.

    Attributes:
        origins: from the values of the original to those of the copy.
    """

    def __init__(self, original: Function) -> None:
        super().__init__(fresh_name("forward", original.name))
        self.outer = None
        if any(node.op.name in ("Switch", "Merge") for node in original.nodes):
            from calque_runtime.passes.raise_control_flow import raise_control_flow

            original = clone_function(original, original.name)
            raise_control_flow(original)
        copy = clone_function(original, self.function.name)
        self.function = copy
        _infer_shapes(copy)
        self.origins = dict(zip(_values(original), _values(copy), strict=True))
        for old, mine in _origins.get(original, {}).items():
            self.origins[old] = self.origins[mine]
        _origins[copy] = self.origins

    def extend(self, results: Sequence[Value]) -> None:
        """Make values of the copy results, behind those that it has."""
        self.function.outputs += results
        self.function.output_names = result_names(len(self.function.outputs))


def _infer_shapes(function: Function) -> None:
    """Make the shapes of a function from a file known, as far as the shape rules can tell them."""
    for node in schedule(function):
        if all(v.shape is not None for v in node.outputs):
            continue
        try:
            shapes = node.op.infer_shapes(node.site())
        except OpError:  # it says so when it runs
            continue
        for value, shape in zip(node.outputs, shapes, strict=True):
            if value.shape is None:
                value.shape = shape


def copied_from(function: Function) -> Mapping[Value, Value]:
    """Of a copy that a derivative made: from the values of what it was copied from to its own."""
    return _origins.get(function, {})


def _values(function: Function) -> list[Value]:
    return [*function.inputs, *(v for node in function.nodes for v in node.outputs)]


class BackwardTrace(Trace):
    """The way back through a graph, as a function of its own.

    What it uses of the graph's values becomes captures, constants are repeated. Code that was written for the graph
    of which `forward` is a copy (the gradient function of a custom gradient) may use that graph's tensors.
    """

    def __init__(self, name: str, forward: ForwardTrace) -> None:
        super().__init__(name)
        self.outer = forward
        self._caller = state.trace
        self._forward = forward

    def inside(self, value: Any) -> SymbolicTensor:
        """See `Trace.inside`."""
        if isinstance(value, SymbolicTensor) and value.trace is not self:
            back: Trace | None = self
            while back is not None:  # it may be a tensor of a graph around the one that is a copy
                if isinstance(back, BackwardTrace):
                    mine = back._forward.origins.get(value._value)
                    if mine is not None:
                        value = SymbolicTensor(mine, back._forward)
                        break
                    back = back._caller
                else:
                    back = back.outer
        return super().inside(value)

    def _encloses(self, trace: Trace) -> bool:
        caller = self._caller
        while caller is not None:
            if caller is trace:
                return True
            caller = caller.outer
        return super()._encloses(trace)

    def capture(self, tensor: Tensor) -> SymbolicTensor:
        """See `Trace.capture`."""
        if isinstance(tensor, SymbolicTensor):
            known = constant_value(tensor._value)
            if isinstance(known, (np.ndarray, np.generic)) and known.size <= _SMALL:
                with self.as_current():
                    return self.constant(known, tensor.dtype)
        return super().capture(tensor)


def add_outputs(node: Node, specs: Sequence[Value]) -> None:
    """Give a node more outputs, of the types and shapes of `specs`.

    Its attributes are the caller's to change. Tapes that watch what came out of the node must see the new outputs too:
    `tell_tapes`, once the node is complete.
    """
    first = len(node.outputs)
    new = [Value(node, first + i, v.dtype, v.shape) for i, v in enumerate(specs)]
    for value, spec in zip(new, specs, strict=True):
        value.handle = spec.handle
    node.outputs = (*node.outputs, *new)


def tell_tapes(node: Node, trace: Trace, first: int) -> None:
    """Let tapes that watch what comes out of a node know of its outputs from number `first` on."""
    seen = [id(v) for v in node.outputs[:first]]
    for tape in state.tapes:
        if tape.sees(seen):
            tape.extended(NodeStep(node, trace), node.outputs[first:])
