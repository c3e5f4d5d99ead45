"""`rnn`: a step applied to the time steps of a sequence one after the other, which is `keras.backend.rnn`.

The loop is a `tf.while_loop` over TensorArrays, with the time steps first: what the compiler raises to a scan, and
known cells in it to kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import calque as tf

__all__ = ["as_dense", "as_ragged", "rnn"]


def rnn(
    step_function: Callable[[Any, Any], Any],
    inputs: Any,
    initial_states: Any,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Sequence[Any] | None = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> Any:
    """Run a step over the time steps of `inputs`.

    Args:
        step_function: ``(input, states) -> (output, new_states)``, of one time step: `input` is structured like
            `inputs`, without the time dimension; `states` is a tuple of the states, with `constants` behind them.
        inputs: a tensor, or a structure of tensors, of shape ``(batch, time, ...)``.
        initial_states: a sequence of states, each a tensor or a structure of tensors of shape ``(batch, ...)``.
        go_backwards: begin with the last time step; outputs then are in that order.
        mask: ``(batch, time)`` or ``(batch, time, 1)``: where it is False, states stay, and the output is that of the
            step before.
        constants: given to each step.
        unroll: write out all steps, instead of a loop; the number of time steps has to be known.
        input_length: a vector, the number of steps of each sequence, which masks the others if there is no `mask`; a
            number means nothing.
        time_major: is the time dimension the first one, in inputs, outputs and mask?
        zero_output_for_mask: the output of a masked step is 0.
        return_all_outputs: give all outputs, or the last one only?

    Returns:
        The last output, ``(batch, ...)``; all outputs, ``(batch, time, ...)``, or the last one, ``(batch, 1, ...)``;
        and the last states.

    Raises:
        ValueError: an input has no dimensions for batch, time and features; `unroll` without a known number of steps.
    """
    if not time_major:
        inputs = tf.nest.map_structure(_swapped, inputs)
    flat = tf.nest.flatten(inputs)
    for one in flat:
        one.shape.with_rank_at_least(3)
    steps, batch = flat[0].shape[0], flat[0].shape[1]
    if mask is not None:
        mask = tf.cast(mask, tf.bool)
        mask = tf.expand_dims(mask, -1) if mask.shape.rank == 2 else mask
        mask = mask if time_major else _swapped(mask)
    elif tf.is_tensor(input_length) and not unroll:
        mask = tf.sequence_mask(input_length, tf.shape(flat[0])[0])
        mask = tf.expand_dims(_swapped(mask), -1)
    if go_backwards:
        inputs = tf.nest.map_structure(lambda x: tf.reverse(x, [0]), inputs)
        mask = mask if mask is None else tf.reverse(mask, [0])
    if unroll and not steps:
        raise ValueError("Unrolling requires a fixed number of timesteps.")
    run = _Run(step_function, tuple(constants or ()), zero_output_for_mask, return_all_outputs)
    loop = run.unrolled if unroll else run.looped
    last, outputs, states = loop(inputs, mask, tuple(initial_states))

    def finished(output: Any) -> Any:
        output.set_shape([steps if return_all_outputs else 1, batch, *output.shape[2:]])
        return output if time_major else _swapped(output)

    return last, tf.nest.map_structure(finished, outputs), states


class _Run:
    """How the steps are run; everything has the time dimension first, and is in the order of the steps."""

    def __init__(self, step: Callable[[Any, Any], Any], constants: Any, zeros: bool, keep_all: bool) -> None:
        self._step = step
        self._constants = constants
        self._zeros = zeros
        self._keep_all = keep_all

    def unrolled(self, inputs: Any, mask: Any, states: Any) -> Any:
        """All steps written out: last output, outputs, last states."""
        rows = [tf.unstack(x) for x in tf.nest.flatten(inputs)]
        masks = None if mask is None else tf.unstack(mask)
        kept: list[Any] = []
        output = None
        for i in range(len(rows[0])):
            now = tf.nest.pack_sequence_as(inputs, [row[i] for row in rows])
            output, states = self._one(now, None if masks is None else masks[i], output, states)
            kept = [*kept, output] if self._keep_all else [output]
        return output, tf.nest.map_structure(lambda *steps: tf.stack(steps), *kept), states

    def looped(self, inputs: Any, mask: Any, states: Any) -> Any:
        """The steps as a loop: last output, outputs, last states."""
        flat = tf.nest.flatten(inputs)
        steps = tf.shape(flat[0])[0]
        rows = [_rows(x, steps) for x in flat]
        masks = None if mask is None else _rows(mask, steps)
        first = tf.nest.pack_sequence_as(inputs, [x[0] for x in flat])
        like, _ = self._step(
            first, states + self._constants
        )  # for its structure; the loop does not use its values
        flat_like = tf.nest.flatten(like)
        size = steps if self._keep_all else 1
        results = tuple(tf.TensorArray(o.dtype, size, element_shape=o.shape) for o in flat_like)
        before = () if masks is None or self._zeros else tuple(tf.zeros_like(o) for o in flat_like)

        def body(time: Any, results: Any, before: Any, *states: Any) -> Any:
            now = tf.nest.pack_sequence_as(inputs, [row.read(time) for row in rows])
            mask_now = None if masks is None else masks.read(time)
            output, after = self._one(now, mask_now, before, states)
            flat_output = tuple(tf.nest.flatten(output))
            place = time if self._keep_all else 0
            written = tuple(r.write(place, o) for r, o in zip(results, flat_output, strict=True))
            return (time + 1, written, flat_output if before else (), *after)

        start = tf.constant(0, tf.int32)
        _, results, _, *states = tf.while_loop(
            lambda time, *_: time < steps,
            body,
            (start, results, before, *states),
            parallel_iterations=32,
            swap_memory=True,
        )
        stacked = [r.stack() for r in results]
        outputs = tf.nest.pack_sequence_as(like, stacked)
        last = tf.nest.pack_sequence_as(like, [o[-1] for o in stacked])
        return last, outputs, tuple(states)

    def _one(self, inputs: Any, mask: Any, before: Any, states: Any) -> Any:
        """One step: its output, and the states behind it, structured as those before it."""
        output, after = self._step(inputs, states + self._constants)
        flat_states, flat_after = tf.nest.flatten(states), tf.nest.flatten(after)
        for old, new in zip(flat_states, flat_after, strict=True):
            if isinstance(new, tf.Tensor):
                new.set_shape(old.shape)
        if mask is not None:
            flat = tf.nest.flatten(output)
            old = None if self._zeros else before
            others = [tf.zeros_like(o) for o in flat] if old is None else tf.nest.flatten(old)
            output = tf.nest.pack_sequence_as(output, _chosen(mask, flat, others))
            flat_after = _chosen(mask, flat_after, flat_states)
        return output, tf.nest.pack_sequence_as(states, flat_after)


def _chosen(mask: Any, new: list[Any], old: list[Any]) -> list[Any]:
    """`new` for the sequences that count, and `old` for the others."""
    return [tf.where(_widened(mask, n.shape.rank), n, o) for n, o in zip(new, old, strict=True)]


def _widened(mask: Any, rank: int) -> Any:
    for _ in range(rank - mask.shape.rank):
        mask = tf.expand_dims(mask, -1)
    return mask


def _rows(x: Any, steps: Any) -> Any:
    return tf.TensorArray(x.dtype, steps, clear_after_read=False).unstack(x)


def _swapped(x: Any) -> Any:
    """The tensor with its first two dimensions, batch and time, swapped."""
    return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])


def as_dense(inputs: Any) -> tuple[Any, Any]:
    """Ragged sequences padded to one length, and their lengths; other inputs, and None."""
    flat = tf.nest.flatten(inputs)
    if not any(isinstance(x, tf.RaggedTensor) for x in flat):
        return inputs, None
    lengths = tf.cast(flat[0].nested_row_lengths()[0], tf.int32)
    return tf.nest.map_structure(lambda x: x.to_tensor(), inputs), lengths


def as_ragged(output: Any, lengths: Any, go_backwards: bool = False) -> Any:
    """Outputs of padded sequences without the padding, if there are lengths: those `as_dense` gave."""
    if lengths is None:
        return output
    if not go_backwards:
        return tf.RaggedTensor.from_tensor(output, lengths)
    return tf.reverse(tf.RaggedTensor.from_tensor(tf.reverse(output, [1]), lengths), [1])
