"""`tf.GradientTape`."""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import nest
from ..composite.composite import CompositeTensor
from ..context import state
from ..tensor import Tensor
from ..variable import Variable
from . import jacobians
from .aggregation import dense, ones_like, zeros_like
from .components import differentiable_parts, with_parts
from .differentiate import backpropagate
from .recording import Recorder, is_trainable, key_of

__all__ = ["GradientTape", "UnconnectedGradients"]

_log = logging.getLogger("calque")
_USED = "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)"


class UnconnectedGradients(enum.Enum):
    """What the gradient is of a target that does not depend on the source: ``NONE``, or zeros (``ZERO``)."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Records what is computed inside of it from watched tensors and trainable variables, to differentiate it.

        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((tf.matmul(x, w) - y) ** 2)
        gradient = tape.gradient(loss, w)

    Tapes nest: what an inner tape's `gradient` computes inside of an outer one can be differentiated again.

    Args:
        persistent: may `gradient` be called more than once? What is recorded then lives as long as the tape.
        watch_accessed_variables: watch each trainable variable when it is read.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._tape: Recorder | None = None
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._watched: tuple[Any, ...] = ()
        self._recording = False

    def __enter__(self) -> GradientTape:
        self._push_tape()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._recording:
            self._pop_tape()

    def _push_tape(self) -> None:
        if self._recording:
            raise ValueError(
                "Tape is still recording, This can happen if you try to re-enter an already-active tape."
            )
        if self._tape is None:
            self._tape = Recorder(self._persistent, self._watch_accessed_variables)
        state.tapes = (*state.tapes, self._tape)
        self._recording = True

    def _pop_tape(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        state.tapes = tuple(t for t in state.tapes if t is not self._tape)
        self._recording = False

    @contextmanager
    def _ensure_recording(self) -> Iterator[None]:
        """Record inside, whether or not it does outside."""
        if self._recording:
            yield
            return
        self._push_tape()
        try:
            yield
        finally:
            self._pop_tape()

    def watch(self, tensor: Any) -> None:
        """Record what is computed from a tensor, a variable, or a nested structure of them.

        Raises:
            ValueError: something else is in it.
            RuntimeError: the tape has not been entered, or is used up.
        """
        for one in _tensors_and_variables(tensor):
            tape = self._tape
            if tape is None:
                raise RuntimeError("Only an entered tape can watch: call watch() inside of `with tape:`.")
            if not is_trainable(one.dtype):
                _log.warning(
                    "The dtype of the watched tensor must be floating (e.g. tf.float32), got %r", one.dtype
                )
            elif isinstance(one, Variable):
                tape.watch_variable(one)
            else:
                tape.watch(one)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Record nothing inside.

        Raises:
            RuntimeError: the tape is not recording.
        """
        if self._tape is None:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._pop_tape()
        try:
            yield
        finally:
            self._push_tape()

    def reset(self) -> None:
        """Forget everything, as if the tape had been left and a new one entered."""
        self._pop_tape()
        self._tape = None
        self._push_tape()

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables watched, in the order in which they were made."""
        if self._tape is not None:
            self._watched = tuple(sorted(self._tape.variables.values(), key=lambda v: v._number))
        return self._watched

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradient of the sum of the targets with respect to each source.

        Args:
            target: a tensor or variable, or a nested structure of them.
            sources: what to differentiate with respect to, alike.
            output_gradients: for each target the gradient to start from, or None; default: ones.
            unconnected_gradients: what to give for a source on which no target depends.

        Returns:
            For each source, in their structure: a tensor, an `IndexedSlices`, or None.

        Raises:
            RuntimeError: the tape has been used, and is not persistent.
            TypeError: `target` is None.
            ValueError: `unconnected_gradients` is unknown, or there are not as many `output_gradients` as targets.
            LookupError: an op on the way has no gradient.
        """
        if self._tape is None:
            raise RuntimeError(_USED)
        if self._recording:
            if not self._persistent:
                self._pop_tape()
            else:
                _log.warning(
                    "Calling GradientTape.gradient on a persistent tape inside its context is significantly less "
                    "efficient than calling it outside the context (it causes the gradient ops to be recorded on the "
                    "tape, leading to increased CPU and memory usage). Only call GradientTape.gradient inside the "
                    "context if you actually want to trace the gradient in order to compute higher order derivatives."
                )
        if target is None:
            raise TypeError(
                "Argument `target` should be a list or nested structure of Tensors, Variables or CompositeTensors to "
                "be differentiated, but received None."
            )
        unconnected = _unconnected(unconnected_gradients)
        targets = [part for leaf in nest.flatten(target) for part in differentiable_parts(leaf)]
        leaves = nest.flatten(sources)
        parts = [differentiable_parts(leaf) for leaf in leaves]
        flat_sources = [part for one in parts for part in one]
        starts: Sequence[Any] = [None] * len(targets)
        if output_gradients is not None:
            starts = [p for leaf in nest.flatten(output_gradients) for p in differentiable_parts(leaf)]
            starts = [None if g is None else _as_gradient(g) for g in starts]
            if len(starts) != len(targets):
                raise ValueError(
                    f"There are {len(starts)} output_gradients for {len(targets)} target(s): give one, or None, for "
                    "each."
                )
        found = self._gradients(targets, flat_sources, starts)
        if unconnected is UnconnectedGradients.ZERO:
            found = [zeros_like(s) if g is None else g for s, g in zip(flat_sources, found, strict=True)]
        if not self._persistent:
            self.watched_variables()
            self._tape = None
        remaining = iter(found)
        whole = [
            with_parts(leaf, [next(remaining) for _ in one]) for leaf, one in zip(leaves, parts, strict=True)
        ]
        return nest.pack_sequence_as(sources, whole)

    def _gradients(self, targets: Sequence[Any], sources: Sequence[Any], starts: Sequence[Any]) -> list[Any]:
        tape = self._tape
        assert tape is not None
        keys = [key_of(s) for s in sources]
        seeds = []
        for target, start in zip(targets, starts, strict=True):
            key = key_of(target)
            if not is_trainable(target.dtype) or (key not in tape.watched and key not in keys):
                continue
            seeds.append((key, ones_like(target) if start is None else start))
        wanted = {key for key, s in zip(keys, sources, strict=True) if is_trainable(s.dtype)}
        found = backpropagate(tape.steps, seeds, wanted)
        return [found.get(key) for key in keys]

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivatives of each element of `target` with respect to each element of each source.

        Args:
            target: a tensor of shape S.
            sources: tensors or variables, in any structure.
            unconnected_gradients: what to give for a source on which the target does not depend.
            parallel_iterations: accepted, and of no effect.
            experimental_use_pfor: as in TensorFlow, False needs a persistent tape; the way of computing is the same.

        Returns:
            For each source of shape T a tensor of shape S + T, or None.

        Raises:
            RuntimeError: the tape has been used, and is not persistent.
        """
        self._may_differentiate_often("jacobian", experimental_use_pfor)
        return self._often(lambda: jacobians.jacobian(self, target, sources, unconnected_gradients))

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivatives of each row of `target` with respect to the same row of `source`.

        Args:
            target: a tensor of shape [n, ...S], of which row i depends on row i of `source` only.
            source: a tensor of shape [n, ...T].
            unconnected_gradients, parallel_iterations, experimental_use_pfor: as for `jacobian`.

        Returns:
            A tensor of shape [n, ...S, ...T]; zeros where the target does not depend on the source.

        Raises:
            RuntimeError: the tape has been used, and is not persistent, or `parallel_iterations` is given and it is
                not persistent.
            ValueError: the first sizes differ, or there are less than two axes.
        """
        self._may_differentiate_often("batch_jacobian", experimental_use_pfor)
        if parallel_iterations is not None and not self._persistent:
            raise RuntimeError(
                "GradientTape must be created with persistent=True to compute the batch_jacobian with "
                "parallel_iterations."
            )
        return self._often(lambda: jacobians.batch_jacobian(self, target, source, unconnected_gradients))

    def _may_differentiate_often(self, what: str, experimental_use_pfor: bool) -> None:
        if self._tape is None:
            raise RuntimeError(_USED)
        if not experimental_use_pfor and not self._persistent and state.trace is None:
            raise RuntimeError(
                f"GradientTape must be created with persistent=True to compute the {what} with eager execution "
                "enabled and with experimental_use_pfor set to False."
            )

    def _often(self, compute: Any) -> Any:
        """Compute what differentiates several times; a tape that is not persistent is used up afterwards."""
        persistent, self._persistent = self._persistent, True
        try:
            return compute()
        finally:
            self._persistent = persistent
            if not persistent:
                if self._recording:
                    self._pop_tape()
                self.watched_variables()
                self._tape = None


def _unconnected(value: Any) -> UnconnectedGradients:
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {value!r}") from None


def _as_gradient(value: Any) -> Any:
    return dense(value.read_value() if isinstance(value, Variable) else value)


def _tensors_and_variables(structure: Any) -> Iterator[Any]:
    for one in nest.flatten(structure):
        if isinstance(one, (Tensor, Variable)):
            yield one
        elif isinstance(one, CompositeTensor):
            yield from _tensors_and_variables(nest.flatten(one, expand_composites=True))
        else:
            raise ValueError(
                f"Passed in object {one} of type {type(one).__name__!r}, not tf.Tensor or tf.Variable or ExtensionType."
            )
