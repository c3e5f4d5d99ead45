"""What tapes see: every op call that starts from something watched becomes a step on the tape.

A tensor is known to tapes by its *key*, an integer: of an eager tensor the object's id, of a symbolic one its value's.
What a graph captured has the key of what it stands for outside, and a variable the key of its state, wherever it is
read: a tape sees through the borders of graphs. Whoever keeps a key keeps the object alive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType
from calque_runtime.ir import Node, Value
from calque_runtime.op import Op

from ..context import state
from ..tensor import EagerTensor, SymbolicTensor

if TYPE_CHECKING:
    from ..function.trace import Trace

__all__ = [
    "BlockStep",
    "NodeStep",
    "OpStep",
    "Recorder",
    "Step",
    "VariableWatcher",
    "is_trainable",
    "key_of",
    "record_block",
    "record_node",
    "record_op",
    "stopped",
    "variable_accessed",
    "watching_variables",
]

# What can change by infinitely little, or may hold what can.
_TRAINABLE = frozenset(
    {
        dtypes.float16,
        dtypes.float32,
        dtypes.float64,
        dtypes.bfloat16,
        dtypes.complex64,
        dtypes.complex128,
        dtypes.resource,
        dtypes.variant,
    }
)


def is_trainable(dtype: DType) -> bool:
    """Can a gradient flow through a tensor of this type?"""
    return dtype.base_dtype in _TRAINABLE


def key_of(tensor: Any) -> int:
    """The key of a tensor or variable."""
    if isinstance(tensor, EagerTensor):
        return id(tensor._array if tensor._dtype is dtypes.resource else tensor)
    if isinstance(tensor, SymbolicTensor):
        return tensor.trace.tape_key(tensor._value)
    return id(tensor._state)


class Step:
    """Something that happened on the way from sources to targets: tensors in, tensors out.

    Attributes:
        in_keys, out_keys: the keys of what went in and came out.
    """

    __slots__ = ()

    @property
    def in_keys(self) -> Sequence[int]:
        """The keys of what went in."""
        raise NotImplementedError

    @property
    def out_keys(self) -> Sequence[int]:
        """The keys of what came out."""
        raise NotImplementedError


class OpStep(Step):
    """An op call on eager tensors."""

    __slots__ = ("attrs", "inputs", "op", "outputs")

    def __init__(
        self, op: Op, inputs: Sequence[EagerTensor], outputs: Sequence[EagerTensor], attrs: dict[str, Any]
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.attrs = attrs

    @property
    def in_keys(self) -> Sequence[int]:
        """See Step."""
        return [id(t._array if t._dtype is dtypes.resource else t) for t in self.inputs]

    @property
    def out_keys(self) -> Sequence[int]:
        """See Step."""
        return [id(t) for t in self.outputs]


class NodeStep(Step):
    """A node of a graph. Its outputs may grow, when a gradient needs more of what it computes."""

    __slots__ = ("node", "trace")

    def __init__(self, node: Node, trace: Trace) -> None:
        self.node = node
        self.trace = trace

    @property
    def in_keys(self) -> Sequence[int]:
        """See Step."""
        return [self.trace.tape_key(v) for v in self.node.inputs]

    @property
    def out_keys(self) -> Sequence[int]:
        """See Step."""
        return [id(v) for v in self.node.outputs]


class BlockStep(Step):
    """Several ops that are differentiated as one: by ``backward(gradients of the outputs)``, one for each input.

    Attributes:
        first: how many outputs may have gradients at once; those behind are for derivatives of higher order.
    """

    __slots__ = ("_in_keys", "_out_keys", "backward", "first", "inputs", "outputs")

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        backward: Callable[[Sequence[Any]], Sequence[Any]],
        first: int | None = None,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.backward = backward
        self.first = len(outputs) if first is None else first
        self._in_keys = [key_of(t) for t in inputs]
        self._out_keys = [key_of(t) for t in outputs]

    @property
    def in_keys(self) -> Sequence[int]:
        """See Step."""
        return self._in_keys

    @property
    def out_keys(self) -> Sequence[int]:
        """See Step."""
        return self._out_keys


class Recorder:
    """One tape: the steps in order, and what is watched.

    Attributes:
        steps: what happened.
        watched: what gradients can be asked for, and all that was made from it: by key, what keeps the key valid.
        variables: the variables watched, by the key of their states.
        persistent: may it be asked more than once?
        watch_accessed: are trainable variables watched when they are read?
    """

    __slots__ = ("persistent", "steps", "variables", "watch_accessed", "watched")

    def __init__(self, persistent: bool = False, watch_accessed: bool = True) -> None:
        self.steps: list[Step] = []
        self.watched: dict[int, Any] = {}
        self.variables: dict[int, Any] = {}
        self.persistent = persistent
        self.watch_accessed = watch_accessed

    def watch(self, tensor: Any) -> None:
        """Gradients with respect to a tensor will be asked for."""
        self.watched[key_of(tensor)] = tensor

    def watch_variable(self, variable: Any) -> None:
        """Gradients with respect to a variable will be asked for."""
        key = id(variable._state)
        self.watched[key] = self.variables[key] = variable

    def sees(self, keys: Sequence[int]) -> bool:
        """Is any of these watched?"""
        watched = self.watched
        return any(key in watched for key in keys)

    def record(self, step: Step, outputs: Sequence[Any]) -> None:
        """Something watched went into `step`, whose outputs (tensors, or values of a graph) are watched from now on."""
        self.steps.append(step)
        watched = self.watched
        for key, out in zip(step.out_keys, outputs, strict=True):
            if out.dtype in _TRAINABLE:
                watched[key] = out

    def extended(self, step: NodeStep, new: Sequence[Value]) -> None:
        """A node that was recorded has got more outputs."""
        self.watched.update((id(v), v) for v in new)


class VariableWatcher(Recorder):
    """Records no steps, but lists the trainable variables that are read while it is among the tapes."""

    __slots__ = ()

    def watch_variable(self, variable: Any) -> None:
        """See Recorder."""
        self.variables[id(variable._state)] = variable


def record_op(
    op: Op, inputs: Sequence[EagerTensor], outputs: Sequence[EagerTensor], attrs: dict[str, Any]
) -> None:
    """An op ran on eager tensors."""
    if not op.differentiable:
        return
    keys = [id(t._array if t._dtype is dtypes.resource else t) for t in inputs]
    step = None
    for tape in state.tapes:
        if tape.sees(keys):
            if step is None:
                step = OpStep(op, inputs, outputs, attrs)
            tape.record(step, outputs)


def record_node(node: Node, trace: Trace) -> None:
    """A node was added to a graph."""
    if not node.op.differentiable or not node.inputs:
        return
    keys = [trace.tape_key(v) for v in node.inputs]
    for tape in state.tapes:
        if tape.sees(keys):
            tape.record(NodeStep(node, trace), node.outputs)


def record_block(
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    backward: Callable[[Sequence[Any]], Sequence[Any]],
    first: int | None = None,
) -> None:
    """Several ops ran (none of which was recorded by itself) that are differentiated as one.

    Args:
        inputs: tensors, and variables where their handles went in.
        outputs: tensors.
        backward: from the gradients of the outputs (None where there is none) to those of the inputs.
        first: see BlockStep; default: all.
    """
    step = BlockStep(inputs, outputs, backward, first)
    for tape in state.tapes:
        if tape.sees(step.in_keys):
            tape.record(step, outputs)


def variable_accessed(variable: Any) -> None:
    """A variable is about to be read: tapes that watch what is read watch it from now on."""
    if variable.trainable:
        for tape in state.tapes:
            if tape.watch_accessed:
                tape.watch_variable(variable)


@contextmanager
def watching_variables() -> Iterator[VariableWatcher]:
    """Gives the list of the trainable variables that are read inside."""
    watcher = VariableWatcher()
    state.tapes = (*state.tapes, watcher)
    try:
        yield watcher
    finally:
        state.tapes = tuple(t for t in state.tapes if t is not watcher)


@contextmanager
def stopped() -> Iterator[None]:
    """No tape sees what happens inside; lists of variables that are read go on."""
    before = state.tapes
    state.tapes = tuple(t for t in before if isinstance(t, VariableWatcher))
    try:
        yield
    finally:
        state.tapes = before
