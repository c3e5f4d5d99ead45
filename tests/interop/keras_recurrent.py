"""Recurrent layers and what goes with them, as cases of `keras_layers`."""

from __future__ import annotations

from typing import Any

from interop.keras_layers import STEPS, Case, named, record


def _one(make: str, shape: tuple[int, ...] = STEPS, **more: Any) -> Case:
    return Case(make, (shape,), **more)


def _masked(make: str, **more: Any) -> Case:
    mask = "tf.constant(np.array([[1, 1, 0, 1, 0, 1], [0, 1, 1, 1, 0, 0]], bool))"
    return _one(make, call=f"layer(x, mask={mask})", **more)


def _kinds(arguments: str = "", **more: Any) -> list[Case]:
    return [_one(f"L.{kind}(3{arguments})", **more) for kind in ("SimpleRNN", "LSTM", "GRU")]


def _masked_kinds(arguments: str = "", **more: Any) -> list[Case]:
    return [_masked(f"L.{kind}(3{arguments})", **more) for kind in ("SimpleRNN", "LSTM", "GRU")]


INNER = "initial_state=[tf.ones((2, 3)), 2 * tf.ones((2, 3))]"

CASES = named(
    *_kinds(),
    *_kinds(", return_sequences=True"),
    *_kinds(", return_sequences=True, go_backwards=True"),
    *_kinds(", return_state=True", symbolic=False, same_shape=False),
    *_kinds(", return_sequences=True, return_state=True", symbolic=False, same_shape=False),
    *_kinds(", unroll=True"),
    *_kinds(", unroll=True, return_sequences=True, go_backwards=True"),
    *_kinds(", use_bias=False"),
    *_kinds(
        ", activation='relu', bias_initializer='ones', kernel_regularizer='l2', activity_regularizer='l1'"
    ),
    *_kinds(", recurrent_regularizer='l1', bias_constraint='max_norm', dtype='float64'", dtype="float64"),
    *_kinds(", return_sequences=True, dtype='mixed_bfloat16'", tolerance=0.03),
    *_kinds(", dropout=0.3", trains=True, random=True),
    *_kinds(", dropout=0.3, recurrent_dropout=0.2", trains=True, random=True),
    *_kinds(", input_shape=(6, 4)"),
    *_masked_kinds(),
    *_masked_kinds(", return_sequences=True"),
    *_masked_kinds(", return_sequences=True, go_backwards=True"),
    *_masked_kinds(", return_sequences=True, zero_output_for_mask=True"),
    *_masked_kinds(", return_sequences=True, return_state=True", same_shape=False),
    *_masked_kinds(", return_sequences=True, unroll=True"),
    *_masked_kinds(", return_sequences=True, unroll=True, zero_output_for_mask=True"),
    _one("L.LSTM(3, implementation=1)"),
    _one("L.LSTM(3, implementation=1, recurrent_activation='hard_sigmoid', use_bias=False)"),
    _one("L.LSTM(3, recurrent_activation='hard_sigmoid', unit_forget_bias=False)"),
    _one("L.LSTM(3, return_sequences=True, time_major=True)", same_shape=False),
    _one("L.LSTM(3)", call=f"layer(x, {INNER})"),
    _one("L.GRU(3, reset_after=False)"),
    _one("L.GRU(3, reset_after=False, use_bias=False, return_sequences=True)"),
    _one("L.GRU(3, reset_after=False, implementation=1)"),
    _one("L.GRU(3, implementation=1, recurrent_activation='hard_sigmoid')"),
    _one("L.GRU(3, implementation=1, use_bias=False, recurrent_activation='hard_sigmoid')"),
    _one("L.GRU(3)", call="layer(x, initial_state=tf.ones((2, 3)))"),
    _one("L.SimpleRNN(3)", call="layer([x, tf.ones((2, 3))])", symbolic=False),
    _one("L.RNN(L.LSTMCell(3))"),
    _one("L.RNN(L.SimpleRNNCell(3, dtype='float64'), dtype='float64')", dtype="float64"),
    _one("L.RNN([L.LSTMCell(3), L.GRUCell(5)], return_sequences=True)"),
    _one("L.RNN([L.LSTMCell(3), L.GRUCell(5)], return_state=True)", symbolic=False, same_shape=False),
    _one("L.RNN(L.StackedRNNCells([L.SimpleRNNCell(2), L.LSTMCell(3)]), go_backwards=True)"),
    _masked("L.RNN([L.LSTMCell(3), L.GRUCell(5)], return_sequences=True)"),
    _one("L.Bidirectional(L.LSTM(3))"),
    _one("L.Bidirectional(L.GRU(3, return_sequences=True))"),
    _one("L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode='sum')"),
    _one("L.Bidirectional(L.SimpleRNN(3), merge_mode='mul')"),
    _one("L.Bidirectional(L.SimpleRNN(3), merge_mode='ave')"),
    _one("L.Bidirectional(L.SimpleRNN(3), merge_mode=None)", symbolic=False, same_shape=False),
    _one(
        "L.Bidirectional(L.LSTM(3, return_state=True, return_sequences=True))",
        symbolic=False,
        same_shape=False,
    ),
    _one("L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3, activation='relu', go_backwards=True))"),
    _one("L.Bidirectional(L.RNN(L.LSTMCell(3), return_sequences=True))"),
    _one("L.Bidirectional(L.GRU(3, activity_regularizer='l2'))"),
    _masked("L.Bidirectional(L.LSTM(3, return_sequences=True))"),
    _masked("L.Bidirectional(L.GRU(3), merge_mode='sum')"),
    _one("L.Bidirectional(L.GRU(3))", call="layer(x, initial_state=[tf.ones((2, 3)), -tf.ones((2, 3))])"),
    _one("L.ConvLSTM1D(3, 2)", (2, 3, 6, 4)),
    _one("L.ConvLSTM2D(3, 2)", (2, 3, 5, 6, 4)),
    _one("L.ConvLSTM2D(3, (2, 3), strides=2, padding='same', return_sequences=True)", (2, 3, 5, 6, 4)),
    _one("L.ConvLSTM2D(3, 2, dilation_rate=2, use_bias=False, go_backwards=True)", (2, 3, 5, 6, 4)),
    _one("L.ConvLSTM2D(3, 2, return_state=True)", (2, 3, 5, 6, 4), symbolic=False, same_shape=False),
    _one("L.ConvLSTM3D(2, 2, unit_forget_bias=False, kernel_regularizer='l2')", (2, 2, 3, 4, 5, 2)),
    _one("L.TimeDistributed(L.Dense(3, activity_regularizer='l2'))"),
    _one("L.TimeDistributed(L.Conv2D(3, 2))", (2, 3, 5, 6, 4)),
    _one("L.TimeDistributed(L.LSTM(3))", (2, 3, 5, 4)),
    _one("L.TimeDistributed(L.BatchNormalization())", (2, 3, 5, 4), trains=True),
    _masked("L.TimeDistributed(L.Dense(3))"),
)


def record_all(names: list[str]) -> dict[str, Any]:
    """In TensorFlow: what the cases of these names give; an exception's text where one is raised."""
    import tensorflow as tf
    import tf_keras

    found: dict[str, Any] = {}
    for name in names:
        try:
            found[name] = record(tf, tf_keras, name, CASES[name])
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found
