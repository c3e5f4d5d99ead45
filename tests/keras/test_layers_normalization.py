"""Normalization and attention by numpy: training, inference, frozen layers, masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

keras = tf.keras
layers = keras.layers
RANDOM = np.random.default_rng(0)
FOUR = RANDOM.normal(2.0, 3.0, (4, 3, 2, 5)).astype("float32")
TWO = RANDOM.normal(2.0, 3.0, (8, 5)).astype("float32")


@pytest.mark.parametrize(("x", "ddof"), [(FOUR, 1), (TWO, 0)], ids=["fused", "plain"])
def test_batch_normalization_in_training_and_inference(x: Any, ddof: int) -> None:
    layer = layers.BatchNormalization(momentum=0.9)
    axes = tuple(range(x.ndim - 1))
    y = layer(x, training=True)
    mean, variance = x.mean(axes), x.var(axes)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * x.var(axes, ddof=ddof), rtol=1e-4)
    moving = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    y = layer(x)
    np.testing.assert_allclose(y, (x - moving[0]) / np.sqrt(moving[1] + 1e-3), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(layer.moving_mean, moving[0])


@pytest.mark.parametrize("x", [FOUR, TWO], ids=["fused", "plain"])
def test_frozen_batch_normalization_infers(x: Any) -> None:
    layer = layers.BatchNormalization()
    layer(x)
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(5))
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 4


@pytest.mark.parametrize("x", [FOUR, TWO], ids=["fused", "plain"])
def test_the_mode_of_batch_normalization_may_be_a_tensor(x: Any) -> None:
    layer = layers.BatchNormalization()
    step = tf.function(lambda x, training: layer(x, training=training))
    before = step(x, tf.constant(False))
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(5))
    other = layers.BatchNormalization()
    np.testing.assert_allclose(step(x, tf.constant(True)), other(x, training=True), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, other.moving_mean, rtol=1e-5)
    assert not np.allclose(before, step(x, tf.constant(False)))


def test_a_mask_says_what_counts() -> None:
    x = np.array([[[1.0], [3.0], [100.0]]], "float32")
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, training=True, mask=tf.constant([[True, True, False]]))
    np.testing.assert_allclose(layer.moving_mean, [2.0], rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, [1.0], rtol=1e-5)
    with pytest.warns(UserWarning, match="Masking is not supported with `fused=True`"):
        layers.BatchNormalization()(FOUR, mask=tf.ones((4, 3, 2), "bool"), training=True)


def test_fused_is_chosen_by_rank_and_dtype() -> None:
    for layer, x, want in (
        (layers.BatchNormalization(), FOUR, True),
        (layers.BatchNormalization(), TWO, False),
        (layers.BatchNormalization(dtype="float64"), FOUR, False),
        (layers.BatchNormalization(axis=[1, 2]), FOUR, False),
        (layers.BatchNormalization(synchronized=True), FOUR, False),
    ):
        layer(x)
        assert layer.fused is want


@pytest.mark.parametrize(
    ("make", "x", "error", "message"),
    [
        (lambda: layers.BatchNormalization(axis="a"), None, TypeError, "Expected an int or a list/tuple"),
        (lambda: layers.BatchNormalization(axis=[1, 2], fused=True), None, ValueError, "only supported when axis"),
        (lambda: layers.BatchNormalization(fused=True, dtype="float64"), None, ValueError, "compute dtype"),
        (lambda: layers.BatchNormalization(fused=True), TWO, ValueError, "only support 4D or 5D"),
        (lambda: layers.BatchNormalization(fused=True, synchronized=True), None, ValueError, "synchronized"),
        (lambda: layers.BatchNormalization(axis=-4), FOUR, ValueError, "Unsupported axis"),
        (lambda: layers.BatchNormalization(axis=7), TWO, ValueError, "Invalid value for `axis`"),
        (lambda: layers.BatchNormalization(axis=[1, 1]), TWO, ValueError, "Duplicate axis"),
        (lambda: layers.BatchNormalization(), keras.Input((None,)), ValueError, "undefined `axis` dimension"),
        (lambda: layers.BatchNormalization(renorm=True), None, tf.errors.UnimplementedError, "`renorm`"),
        (lambda: layers.LayerNormalization(axis="a"), None, TypeError, "Expected an int or a list/tuple"),
        (lambda: layers.GroupNormalization(7), TWO, ValueError, "cannot be more than the number of channels"),
        (lambda: layers.GroupNormalization(2), TWO, ValueError, "must be a multiple"),
        (lambda: layers.GroupNormalization(2), keras.Input((3, None)), ValueError, "defined dimension"),
        (lambda: layers.Attention(score_mode="x"), None, ValueError, "score_mode=x"),
        (lambda: layers.Attention(), TWO, ValueError, "must be called on a list of inputs"),
        (lambda: layers.Attention(), [FOUR[0]], ValueError, "list of length 2 or 3"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(make: Any, x: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()(x)


@pytest.mark.parametrize("epsilon", [1e-3, 1e-6], ids=["fused", "moments"])
def test_layer_normalization(epsilon: float) -> None:
    layer = layers.LayerNormalization(epsilon=epsilon, beta_initializer="ones")
    mean, variance = FOUR.mean(-1, keepdims=True), FOUR.var(-1, keepdims=True)
    want = (FOUR - mean) / np.sqrt(variance + epsilon) + 1
    np.testing.assert_allclose(layer(FOUR), want, rtol=1e-4, atol=1e-4)


def test_layer_normalization_of_ragged_rows() -> None:
    x = tf.ragged.constant([[[1.0, 3.0]], []], ragged_rank=1, inner_shape=(2,))
    y = layers.LayerNormalization()(x)
    assert y.row_lengths().numpy().tolist() == [1, 0]
    np.testing.assert_allclose(y.flat_values, [[-1, 1]], atol=1e-3)


def test_group_normalization() -> None:
    x = RANDOM.normal(size=(2, 3, 4)).astype("float32")
    grouped = x.reshape(2, 3, 2, 2)
    mean, variance = grouped.mean((1, 3), keepdims=True), grouped.var((1, 3), keepdims=True)
    want = ((grouped - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape)
    np.testing.assert_allclose(layers.GroupNormalization(2)(x), want, rtol=1e-4, atol=1e-4)
    masked = layers.GroupNormalization(1)(x, mask=tf.ones((2, 3, 4), "bool"))
    np.testing.assert_allclose(masked, layers.GroupNormalization(1)(x), rtol=1e-4, atol=1e-4)


def test_attention_is_a_weighted_mean() -> None:
    query, value = (RANDOM.normal(size=(2, n, 4)).astype("float32") for n in (3, 5))
    layer = layers.Attention()
    result, weights = layer([query, value], return_attention_scores=True)
    scores = np.exp(query @ value.transpose(0, 2, 1))
    want = scores / scores.sum(-1, keepdims=True)
    np.testing.assert_allclose(weights, want, rtol=1e-4)
    np.testing.assert_allclose(result, want @ value, rtol=1e-4, atol=1e-5)
    seen = tf.constant([[True, True, False, False, False]] * 2)
    _, masked = layer([query, value], mask=[None, seen], return_attention_scores=True)
    assert np.abs(masked[:, :, 2:]).max() == 0
    _, causal = layer([value, value], return_attention_scores=True, use_causal_mask=True)
    np.testing.assert_array_equal(np.triu(causal.numpy(), 1), np.zeros((2, 5, 5)))
    _, older = layers.Attention(causal=True)([value, value], return_attention_scores=True)
    np.testing.assert_array_equal(older, causal)


def test_multi_head_attention_sees_what_masks_leave() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    x = RANDOM.normal(size=(2, 4, 5)).astype("float32")
    x[:, 3] = 0
    masked = layers.Masking()(x)
    output, scores = layer(masked, masked, return_attention_scores=True)
    assert output.shape == (2, 4, 5)
    assert scores.shape == (2, 2, 4, 4)
    np.testing.assert_allclose(scores[:, :, :3, 3], np.zeros((2, 2, 3)), atol=1e-6)
    np.testing.assert_array_equal(output._keras_mask, masked._keras_mask)
    _, causal = layer(x, x, return_attention_scores=True, use_causal_mask=True)
    np.testing.assert_allclose(np.triu(causal.numpy(), 1), np.zeros((2, 2, 4, 4)), atol=1e-6)
    again = layers.MultiHeadAttention.from_config(layer.get_config())
    again(x, x)
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(x, x), layer(x, x), rtol=1e-5)
    with pytest.raises(ValueError, match="last dimension of `query_shape`"):
        layer.compute_output_shape((2, 3, 4), (2, 3, 5))


def test_attention_layers_in_functional_models() -> None:
    queries, values = keras.Input((3, 4)), keras.Input((5, 4))
    outputs = layers.MultiHeadAttention(2, 2)(queries, values)
    outputs = layers.AdditiveAttention()([outputs, values])
    model = keras.Model([queries, values], outputs)
    x = [RANDOM.normal(size=(2, n, 4)).astype("float32") for n in (3, 5)]
    assert model(x).shape == (2, 3, 4)
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(x), model(x), rtol=1e-5)
