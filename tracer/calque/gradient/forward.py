"""`tf.autodiff.ForwardAccumulator`: Jacobian-vector products, computed along with what they are of.

There are no rules for the way forward, only for the way back: it is linear in the gradient u that it starts from, and
gives uᵀJ. Its own gradient with respect to u, started from the tangents v, is Jv. This is done for each step by itself.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from calque_runtime import dtypes, ops
from calque_runtime.ir import Value

from .. import nest
from ..context import state
from ..tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from ..variable import Variable
from .aggregation import dense, zeros_like
from .differentiate import backpropagate, pull
from .recording import BlockStep, NodeStep, Recorder, Step, is_trainable, key_of
from .tape import UnconnectedGradients

__all__ = ["ForwardAccumulator"]

_log = logging.getLogger("calque")


class _Forward(Recorder):
    """Keeps no steps, but the tangent of each tensor that it watches, as long as the tensor lives."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        super().__init__(persistent=False, watch_accessed=False)
        self._held: dict[int, Any] = {}  # by key: what keeps it valid, or tells when it no longer is

    def move(self, tensor: Any, tangent: Any) -> None:
        """From now on `tensor` moves along `tangent`."""
        key, watched, held = key_of(tensor), self.watched, self._held
        if isinstance(tensor, EagerTensor) and tensor.dtype is not dtypes.resource:

            def forget(_: Any) -> None:
                watched.pop(key, None)
                held.pop(key, None)

            held[key] = weakref.ref(tensor, forget)
        else:
            held[key] = tensor._value if isinstance(tensor, SymbolicTensor) else tensor
        watched[key] = tangent

    def record(self, step: Step, outputs: Sequence[Any]) -> None:
        """See Recorder."""
        if isinstance(step, NodeStep):
            self._record_node(step, list(outputs))
            return
        moved = [_moves(t) for t in outputs]
        if isinstance(step, BlockStep):
            moved[step.first :] = [False] * (len(moved) - step.first)
        self._move_all(step, outputs, moved)

    def _record_node(self, step: NodeStep, values: Sequence[Value]) -> None:
        # This gives the node more outputs itself, which accumulators inside of this one may build on.
        orders = len(state.tapes) - state.tapes.index(self)
        for _ in range(orders):
            known = len(step.node.outputs)
            self.extended(step, values)
            values = step.node.outputs[known:]

    def extended(self, step: NodeStep, new: Sequence[Value]) -> None:
        """See Recorder."""
        outputs = [SymbolicTensor(v, step.trace) for v in step.node.outputs]
        self._move_all(step, outputs, [t._value in new and _moves(t) for t in outputs])

    def _move_all(self, step: Step, outputs: Sequence[Any], moved: Sequence[bool]) -> None:
        if not any(moved):
            return
        tangents = {key: self.watched[key] for key in step.in_keys if key in self.watched}
        with self._aside():
            products = _products(step, outputs, moved, tangents)
        for output, product in zip(outputs, products, strict=True):
            if product is not None:
                self.move(output, product)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What is computed inside is seen by tapes, and by accumulators around this one."""
        before = state.tapes
        inner = before[before.index(self) :]
        outer = before[: before.index(self)]
        state.tapes = (*outer, *(t for t in inner if not isinstance(t, _Forward)))
        try:
            yield
        finally:
            state.tapes = before


def _moves(tensor: Any) -> bool:
    return is_trainable(tensor.dtype) and tensor.dtype is not dtypes.resource


def _products(
    step: Step, outputs: Sequence[Any], moved: Sequence[bool], tangents: dict[int, Any]
) -> list[Any]:
    """How the outputs of a step move; None for those that do not."""
    around = state.tapes
    back = Recorder(persistent=False, watch_accessed=False)
    state.tapes = (*around, back)
    try:
        starts = [
            ops.require("Identity")(zeros_like(t)) if moves else None
            for t, moves in zip(outputs, moved, strict=True)
        ]
        for start in starts:
            if start is not None:
                back.watch(start)
        gradients = [
            (ops.require("Identity")(dense(g)), tangents[key])
            for key, g in zip(step.in_keys, pull(step, starts), strict=True)
            if g is not None and key in tangents
        ]
    finally:
        state.tapes = around
    keys = [None if start is None else key_of(start) for start in starts]
    found = backpropagate(
        back.steps, [(key_of(g), tangent) for g, tangent in gradients], [k for k in keys if k is not None]
    )
    return [None if key is None else dense(found.get(key)) for key in keys]


class ForwardAccumulator:
    """Computes the product of the Jacobian of what runs inside of it with a vector.

        with tf.autodiff.ForwardAccumulator(primals=x, tangents=v) as acc:
            y = f(x)
        acc.jvp(y)  # how y changes as x moves along v

    Accumulators nest, in each other and in tapes, for derivatives of higher order.

    Args:
        primals: tensors or variables: what moves, in any structure.
        tangents: how it moves, in the same structure.

    Raises:
        ValueError: a primal is given twice, or a tangent's shape or type does not fit.
    """

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._forward = _Forward()
        self._recording = False
        nest.map_structure(self._watch, primals, tangents)

    def _watch(self, primal: Any, tangent: Any) -> None:
        if not isinstance(primal, (Tensor, Variable)):
            primal = convert_to_tensor(primal)
        if not primal.dtype.is_floating:
            _log.warning(
                "The dtype of the watched primal must be floating (e.g. tf.float32), got %r", primal.dtype
            )
        tangent = convert_to_tensor(tangent, dtype=primal.dtype)
        if not primal.shape.is_compatible_with(tangent.shape):
            raise ValueError(
                f"A tangent of shape {tangent.shape} does not fit a primal of shape {primal.shape}: {primal!r}"
            )
        if key_of(primal) in self._forward.watched:
            raise ValueError(
                f"Tensor {primal} was specified as a primal multiple times. This may indicate an error. If it was "
                "intended, please sum the corresponding tangents."
            )
        self._forward.move(primal, tangent)

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        state.tapes = (*state.tapes, self._forward)
        self._recording = True
        return self

    def __exit__(self, *exc: object) -> None:
        if self._recording:
            state.tapes = tuple(t for t in state.tapes if t is not self._forward)
            self._recording = False

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """How results move as the accumulator's primals move along their tangents.

        Args:
            primals: tensors that were computed inside, in any structure.
            unconnected_gradients: what to give for a tensor that does not depend on them.

        Returns:
            Tensors of the same shapes, or None.

        Raises:
            ValueError: `unconnected_gradients` is unknown.
        """
        try:
            unconnected = UnconnectedGradients(unconnected_gradients)
        except ValueError:
            raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}") from None

        def one(tensor: Any) -> Any:
            found = self._forward.watched.get(key_of(tensor))
            return zeros_like(tensor) if found is None and unconnected is UnconnectedGradients.ZERO else found

        return nest.map_structure(one, primals)
