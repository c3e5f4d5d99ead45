"""`tf.autodiff.ForwardAccumulator`: Jacobian-vector products, from two runs backward.

The way back is linear in the gradient u that it starts from: it gives uᵀJ. Its own gradient with respect to u, started
from the tangents v, is Jv. So nothing but the rules for the way back is needed.
"""

from __future__ import annotations

import logging
from typing import Any

from calque_runtime import ops

from .. import nest
from ..context import state
from ..tensor import Tensor, convert_to_tensor
from ..variable import Variable
from .aggregation import dense, zeros_like
from .differentiate import backpropagate
from .recording import Recorder, is_trainable, key_of
from .tape import UnconnectedGradients

__all__ = ["ForwardAccumulator"]

_log = logging.getLogger("calque")


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
        self._tape = Recorder(persistent=True, watch_accessed=False)
        self._recording = False
        self._tangents: dict[int, Any] = {}
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
        key = key_of(primal)
        if key in self._tangents:
            raise ValueError(
                f"Tensor {primal} was specified as a primal multiple times. This may indicate an error. If it was "
                "intended, please sum the corresponding tangents."
            )
        self._tangents[key] = tangent
        if isinstance(primal, Variable):
            self._tape.watch_variable(primal)
        else:
            self._tape.watch(primal)

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        state.tapes = (*state.tapes, self._tape)
        self._recording = True
        return self

    def __exit__(self, *exc: object) -> None:
        if self._recording:
            state.tapes = tuple(t for t in state.tapes if t is not self._tape)
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
            found = self._product(tensor)
            return zeros_like(tensor) if found is None and unconnected is UnconnectedGradients.ZERO else found

        return nest.map_structure(one, primals)

    def _product(self, tensor: Any) -> Any:
        key = key_of(tensor)
        if key in self._tangents:
            return self._tangents[key]
        if key not in self._tape.watched or not is_trainable(tensor.dtype):
            return None
        back = Recorder(persistent=True, watch_accessed=False)
        before = state.tapes
        state.tapes = (*(t for t in before if t is not self._tape), back)
        try:
            start = ops.require("Identity")(zeros_like(tensor))
            back.watch(start)
            found = backpropagate(self._tape.steps, [(key, start)], self._tangents)
            found = {k: ops.require("Identity")(dense(g)) for k, g in found.items()}
        finally:
            state.tapes = before
        state.tapes = tuple(t for t in before if t is not self._tape)
        try:
            seeds = [(key_of(g), self._tangents[k]) for k, g in found.items()]
            product = backpropagate(back.steps, seeds, [key_of(start)]).get(key_of(start))
        finally:
            state.tapes = before
        if product is None:
            return zeros_like(tensor) if found else None
        return dense(product)
