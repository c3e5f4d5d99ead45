"""`keras.backend`: connectionist temporal classification: labels for sequences whose alignment is not known."""

from __future__ import annotations

from typing import Any

import calque as tf

from ..config import epsilon

__all__ = ["ctc_batch_cost", "ctc_decode", "ctc_label_dense_to_sparse"]


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> Any:
    """Rows of labels, filled up, as a SparseTensor.

    Args:
        labels: of shape ``(batch, longest)``.
        label_lengths: how many of each row count, of shape ``(batch,)``.
    """
    labels = tf.convert_to_tensor(labels)
    at = tf.where(tf.sequence_mask(label_lengths, tf.shape(labels)[1]))
    return tf.SparseTensor(at, tf.gather_nd(labels, at), tf.shape(labels, out_type=tf.int64))


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The CTC loss of each sequence.

    Args:
        y_true: labels, of shape ``(batch, longest label)``.
        y_pred: probabilities, as a softmax gives them, of shape ``(batch, time, classes)``; the last class is blank.
        input_length, label_length: how many steps and labels of each count, of shape ``(batch, 1)``.

    Returns:
        A tensor of shape ``(batch, 1)``.
    """
    lengths, steps = (tf.cast(tf.squeeze(n, axis=-1), tf.int32) for n in (label_length, input_length))
    sparse = ctc_label_dense_to_sparse(tf.cast(y_true, tf.int32), lengths)
    loss, _ = tf.raw_ops.CTCLoss(
        inputs=_logarithms(y_pred),
        labels_indices=sparse.indices,
        labels_values=sparse.values,
        sequence_length=steps,
    )
    return tf.expand_dims(loss, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """The labels of sequences.

    Args:
        y_pred: probabilities, as for `ctc_batch_cost`.
        input_length: how many steps of each count, of shape ``(batch,)``.
        greedy: take the best class at each step, or search for the best labels?
        beam_width: how many candidates the search keeps.
        top_paths: how many of the best it gives.

    Returns:
        For each path, a tensor of shape ``(batch, time)``, filled up with -1; and the logarithms of their probabilities
        (greedily: what they lack to being the largest sums).
    """
    inputs, steps = _logarithms(y_pred), tf.cast(input_length, tf.int32)
    if greedy:
        indices, values, _, scores = tf.raw_ops.CTCGreedyDecoder(
            inputs=inputs, sequence_length=steps, merge_repeated=True
        )
        paths = [(indices, values)]
    else:
        indices, values, _, scores = tf.raw_ops.CTCBeamSearchDecoder(
            inputs=inputs,
            sequence_length=steps,
            beam_width=beam_width,
            top_paths=top_paths,
            merge_repeated=True,
        )
        paths = list(zip(indices, values, strict=True))
    sizes = tf.cast(tf.shape(y_pred)[:2], tf.int64)
    dense = [tf.sparse.to_dense(tf.SparseTensor(at, v, sizes), default_value=-1) for at, v in paths]
    return dense, scores


def _logarithms(y_pred: Any) -> Any:
    """Logarithms of probabilities, time first."""
    return tf.math.log(tf.transpose(y_pred, [1, 0, 2]) + epsilon())
