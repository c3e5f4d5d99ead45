"""Recurrent layers against numpy: states, masks, ragged inputs, and what the compiler makes of their loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
import calque_runtime
from calque_runtime.plan.bound import optimized

L = tf.keras.layers
X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def lstm(layer: Any, x: Any, h: Any, c: Any) -> Any:
    """All outputs, and the last states, by the formulas of Hochreiter's paper."""
    kernel, recurrent, bias = layer.get_weights()
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1), h, c


def test_lstm_is_what_its_formulas_say() -> None:
    layer = L.LSTM(3, return_sequences=True, return_state=True)
    zeros = np.zeros((2, 3), "float32")
    for have, want in zip(layer(X), lstm(layer, X, zeros, zeros), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-6)
    start = [np.ones((2, 3), "float32"), -zeros - 0.5]
    for have, want in zip(layer(X, initial_state=start), lstm(layer, X, *start), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [L.SimpleRNN, L.LSTM, L.GRU])
def test_stateful_layers_go_on_where_they_were(kind: Any) -> None:
    stateful = kind(3, stateful=True, return_sequences=True)
    first, second = stateful(X[:, :2]), stateful(X[:, 2:])
    plain = kind(3, return_sequences=True)
    plain(X)
    plain.set_weights(stateful.get_weights())
    whole = plain(X)
    np.testing.assert_allclose(np.concatenate([first, second], 1), whole, rtol=1e-5, atol=1e-6)
    stateful.reset_states()
    np.testing.assert_allclose(stateful(X[:, :2]), whole[:, :2], rtol=1e-5, atol=1e-6)
    given = [np.full(s.shape, 0.5, "float32") for s in stateful.states]
    stateful.reset_states(given)
    np.testing.assert_allclose(
        stateful(X), plain(X, initial_state=[tf.constant(g) for g in given]), rtol=1e-5, atol=1e-6
    )


def test_errors_of_states() -> None:
    with pytest.raises(AttributeError, match="must be stateful"):
        L.LSTM(3).reset_states()
    with pytest.raises(ValueError, match="needs to know its batch size"):
        L.LSTM(3, stateful=True)(tf.keras.Input((5, 4)))
    layer = L.LSTM(3, stateful=True)
    layer(X)
    with pytest.raises(ValueError, match="expects 2 states"):
        layer.reset_states([np.zeros((2, 3))])
    with pytest.raises(ValueError, match="State 0 is incompatible"):
        layer.reset_states([np.zeros((2, 4)), np.zeros((2, 3))])
    with pytest.raises(ValueError, match="not compatible with"):
        L.LSTM(3)(X, initial_state=[tf.zeros((2, 4)), tf.zeros((2, 3))])
    with pytest.raises(ValueError, match="positive integer"):
        L.GRU(0)
    with pytest.raises(ValueError, match="`call` method"):
        L.RNN(object())
    with pytest.raises(ValueError, match="Cannot unroll"):
        L.LSTM(3, unroll=True)(tf.keras.Input((None, 4)))


def test_layers_have_what_their_cells_were_told() -> None:
    layer = L.ConvLSTM2D(3, (2, 1), strides=2, padding="same", dropout=0.5, unit_forget_bias=False)
    assert (layer.filters, layer.kernel_size, layer.strides, layer.padding) == (3, (2, 1), (2, 2), "same")
    assert (layer.data_format, layer.dilation_rate) == ("channels_last", (1, 1))
    assert (layer.dropout, layer.recurrent_dropout, layer.unit_forget_bias) == (0.5, 0.0, False)
    assert layer.recurrent_activation is tf.keras.activations.hard_sigmoid
    assert L.LSTM(3, use_bias=False).use_bias is False


def test_states_as_symbolic_inputs() -> None:
    x, h, c = tf.keras.Input((5, 4)), tf.keras.Input((3,)), tf.keras.Input((3,))
    layer = L.LSTM(3)
    model = tf.keras.Model([x, h, c], layer(x, initial_state=[h, c]))
    start = [np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")]
    want = layer(X, initial_state=start)
    np.testing.assert_allclose(model([X, *start]), want, rtol=1e-6)
    again = tf.keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again([X, *start]), want, rtol=1e-6)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", [L.LSTM, L.GRU, L.SimpleRNN])
def test_ragged_sequences_are_those_of_their_lengths(kind: Any, backwards: bool) -> None:
    layer = kind(3, go_backwards=backwards, return_sequences=True)
    last = kind(3, go_backwards=backwards)
    rows = [X[0, :3], X[1]]
    ragged = tf.RaggedTensor.from_row_lengths(np.concatenate(rows), [3, 5])
    outputs = layer(ragged)
    last(ragged)
    last.set_weights(layer.get_weights())
    for i, row in enumerate(rows):
        want = layer(row[None])[0]
        np.testing.assert_allclose(outputs[i], want, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(last(ragged)[i], want[-1], rtol=1e-5, atol=1e-6)


class Sum(L.Layer):
    """A cell that adds up its inputs, and a constant."""

    state_size = 4

    def call(self, inputs: Any, states: Any, constants: Any = None) -> Any:
        total = inputs + states[0] + (0.0 if constants is None else constants[0])
        return total, [total]


def test_cells_of_ones_own_and_constants() -> None:
    np.testing.assert_allclose(L.RNN(Sum())(X), X.sum(1), rtol=1e-5, atol=1e-5)
    sums = L.RNN(Sum(), return_sequences=True)(X, constants=[tf.ones((2, 4))])
    np.testing.assert_allclose(sums, (X + 1).cumsum(1), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="does not support constants"):
        L.RNN(L.LSTMCell(3))(X, constants=[tf.ones((2, 4))])


def test_dropout_draws_once_for_all_steps() -> None:
    cell = L.SimpleRNNCell(4, "linear", recurrent_dropout=0.5, dropout=0.5, use_bias=False)
    layer = L.RNN(cell, return_sequences=True)
    ones = tf.ones((2, 6, 4))
    layer(ones)
    cell.set_weights([np.eye(4, dtype="float32"), np.zeros((4, 4), "float32")])
    for run in (layer, tf.function(layer)):
        seen = [np.asarray(run(ones, training=True)) for _ in range(4)]
        assert all((y == y[:, :1]).all() for y in seen)
        assert set(np.unique(seen)) == {0.0, 2.0}
    assert (layer(ones, training=False) == ones).numpy().all()


def test_bidirectional_errors() -> None:
    with pytest.raises(ValueError, match="Invalid merge mode"):
        L.Bidirectional(L.LSTM(3), merge_mode="max")
    with pytest.raises(ValueError, match="different `go_backwards`"):
        L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3))
    with pytest.raises(ValueError, match="at least 3 dimensions"):
        L.TimeDistributed(L.Dense(3))(tf.ones((2, 3)))


@pytest.mark.parametrize(("kind", "op"), [(L.LSTM, "_Lstm"), (L.GRU, "_Gru"), (L.SimpleRNN, "_Scan")])
def test_loops_become_kernels(kind: Any, op: str, tmp_path: Path) -> None:
    layer = kind(8, return_sequences=True)
    want = layer(X)
    module = tf.Module()
    module.layer = layer
    module.run = tf.function(layer, input_signature=[tf.TensorSpec((2, 5, 4))])
    tf.saved_model.save(module, str(tmp_path), signatures=module.run)
    loaded = calque_runtime.load(tmp_path)
    signature = loaded.signatures["serving_default"]
    concrete = signature.concrete
    made, _ = optimized(concrete.function, [X.shape], concrete.captures, concrete.env)
    assert op in {node.op.name for node in made.nodes}
    (have,) = signature(X).values()
    np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-6)


def test_states_are_saved_with_a_model(tmp_path: Path) -> None:
    model = tf.keras.Sequential([L.LSTM(3, stateful=True, batch_input_shape=(2, 5, 4))])
    model(X)
    model.save(str(tmp_path / "model"))
    again = tf.keras.models.load_model(str(tmp_path / "model"))
    np.testing.assert_allclose(again(X), model(X), rtol=1e-6)
