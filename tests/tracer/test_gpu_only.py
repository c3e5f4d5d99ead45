"""Ops for GPUs: they can be traced and have shapes, and refuse to run by name."""

from __future__ import annotations

from typing import Any

import pytest

import calque as tf


def rnn(x: Any, mode: str) -> Any:
    h = tf.zeros([1, 2, 4])
    return tf.raw_ops.CudnnRNN(input=x, input_h=h, input_c=h, params=tf.zeros([8]), rnn_mode=mode)


@pytest.mark.parametrize(("mode", "cell"), [("lstm", (1, 2, 4)), ("gru", (0,))])
def test_it_is_traced_with_its_shapes(mode: str, cell: tuple[int, ...]) -> None:
    traced = tf.function(rnn).get_concrete_function(tf.TensorSpec([3, 2, 5], tf.float32), mode)
    shapes = [traced.output_shapes[i] for i in range(3)]
    assert [tuple(s) for s in shapes] == [(3, 2, 4), (1, 2, 4), cell]


def test_it_does_not_run() -> None:
    with pytest.raises(tf.errors.UnimplementedError, match="GPUs only"):
        rnn(tf.zeros([3, 2, 5]), "lstm")
