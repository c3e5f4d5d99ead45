"""Convolutions, pooling, padding, merging: values by numpy on small inputs, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

keras = tf.keras
layers = keras.layers
RAMP = np.arange(1.0, 7.0, dtype="float32").reshape(1, 6, 1)


def ones(*args: Any, **kwargs: Any) -> Any:
    return layers.Conv1D(1, *args, kernel_initializer="ones", **kwargs)


@pytest.mark.parametrize(
    ("layer", "want"),
    [
        (ones(2), [3, 5, 7, 9, 11]),
        (ones(2, padding="same"), [3, 5, 7, 9, 11, 6]),
        (ones(2, padding="causal"), [1, 3, 5, 7, 9, 11]),
        (ones(2, padding="causal", dilation_rate=2), [1, 2, 4, 6, 8, 10]),
        (ones(2, strides=2), [3, 7, 11]),
        (ones(2, bias_initializer="ones", activation=lambda x: -x), [-4, -6, -8, -10, -12]),
        (layers.Conv1DTranspose(1, 2, kernel_initializer="ones"), [1, 3, 5, 7, 9, 11, 6]),
        (layers.Conv1DTranspose(1, 1, 2, kernel_initializer="ones"), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]),
        (layers.DepthwiseConv1D(2, depthwise_initializer="ones"), [3, 5, 7, 9, 11]),
        (layers.LocallyConnected1D(1, 2, kernel_initializer="ones"), [3, 5, 7, 9, 11]),
        (layers.MaxPooling1D(3, 2), [3, 5]),
        (layers.AveragePooling1D(2), [1.5, 3.5, 5.5]),
        (layers.AveragePooling1D(2, 1, "same"), [1.5, 2.5, 3.5, 4.5, 5.5, 6]),
        (layers.UpSampling1D(2), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]),
        (layers.ZeroPadding1D((1, 2)), [0, 1, 2, 3, 4, 5, 6, 0, 0]),
        (layers.Cropping1D((1, 2)), [2, 3, 4]),
        (layers.GlobalMaxPooling1D(keepdims=True), [6]),
        (layers.GlobalAveragePooling1D(), [3.5]),
    ],
)
def test_along_one_axis(layer: Any, want: list[float]) -> None:
    np.testing.assert_allclose(layer(RAMP).numpy().reshape(-1), want, rtol=1e-6)


def test_the_data_format_says_where_channels_are() -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    turned = x.transpose(0, 3, 1, 2)
    for make in (
        lambda f: layers.Conv2D(4, 3, kernel_initializer=keras.initializers.GlorotUniform(1), data_format=f),
        lambda f: layers.Conv2DTranspose(
            4, 3, 2, kernel_initializer=keras.initializers.GlorotUniform(1), data_format=f
        ),
        lambda f: layers.DepthwiseConv2D(
            3, depthwise_initializer=keras.initializers.GlorotUniform(1), data_format=f
        ),
        lambda f: layers.MaxPooling2D(2, data_format=f),
        lambda f: layers.UpSampling2D(2, data_format=f),
        lambda f: layers.ZeroPadding2D(((1, 0), (0, 2)), data_format=f),
    ):
        last, first = make("channels_last")(x), make("channels_first")(turned)
        np.testing.assert_allclose(first.numpy().transpose(0, 2, 3, 1), last, rtol=1e-5, atol=1e-5)


def test_the_default_data_format_is_the_setting() -> None:
    keras.backend.set_image_data_format("channels_first")
    try:
        assert layers.Conv2D(1, 1).data_format == "channels_first"
        assert layers.Conv1D(1, 1).data_format == "channels_last"
    finally:
        keras.backend.set_image_data_format("channels_last")


def test_groups_are_convolved_alone() -> None:
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 4)).astype("float32")
    layer = layers.Conv2D(2, 3, groups=2)
    y = layer(x)
    kernel = layer.get_weights()[0]
    assert kernel.shape == (3, 3, 2, 2)
    alone = tf.nn.conv2d(x[..., 2:], kernel[..., 1:], 1, "VALID")
    np.testing.assert_allclose(y[..., 1:], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "x", "message"),
    [
        (lambda: layers.Conv2D(0, 2), None, "strictly positive"),
        (lambda: layers.Conv2D(3, 2, groups=2), None, "evenly divisible by the number of groups"),
        (lambda: layers.Conv2D(4, 2, groups=2), np.ones((1, 4, 4, 3), "float32"), "number of input channels"),
        (lambda: layers.Conv2D(3, (2, 2, 2)), None, "`kernel_size` argument must be a tuple of 2"),
        (lambda: layers.Conv2D(3, (2, "a")), None, "including element a"),
        (lambda: layers.Conv2D(3, 0), None, "does not satisfy the requirement `> 0`"),
        (lambda: layers.Conv2D(3, 2, strides=0), None, r"`strides` cannot contains 0"),
        (lambda: layers.Conv2D(3, 2, padding="causal"), None, "Causal padding is only supported"),
        (lambda: layers.Conv2D(3, 2, padding="none"), None, "`padding` argument must be"),
        (lambda: layers.Conv2D(3, 2, strides=2, dilation_rate=2), None, "not supported in conjunction"),
        (lambda: layers.Conv2D(3, 2, data_format="NHWC"), None, "`data_format` argument must be one of"),
        (lambda: layers.Conv2D(3, 7), np.ones((1, 4, 4, 3), "float32"), "due to downsampling"),
        (lambda: layers.Conv2D(3, 2), keras.Input((4, 4, None)), "channel dimension of the inputs"),
        (lambda: layers.Conv2D(3, 2), np.ones((1, 4, 4), "float32"), "expected min_ndim=4"),
        (lambda: layers.Conv2DTranspose(3, 2, 2, output_padding=2), None, "Strides must be greater"),
        (lambda: layers.Conv1DTranspose(3, 2), np.ones((1, 2, 4, 4), "float32"), "Inputs should have rank 3"),
        (lambda: layers.DepthwiseConv2D(2), np.ones((1, 1, 4, 4, 2), "float32"), "should have rank 4"),
        (lambda: layers.LocallyConnected2D(2, 2, padding="same"), None, "Invalid border mode"),
        (lambda: layers.LocallyConnected2D(2, 2, implementation=4), None, "Unrecognized implementation"),
        (lambda: layers.LocallyConnected2D(2, 2), keras.Input((None, 4, 2)), "should be fully-defined"),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), None, "`padding` should have 2 elements"),
        (lambda: layers.ZeroPadding2D(None), None, "`padding` should be either an int"),
        (lambda: layers.Cropping2D(((1, 2), (1, 2, 3))), None, "2nd entry of cropping"),
        (lambda: layers.Cropping1D(3), np.ones((1, 4, 2), "float32"), "must be smaller than the input shape"),
        (lambda: layers.GlobalMaxPooling2D(), np.ones((1, 0, 2, 2), "float32"), "dimension 0 at reduction axis 1"),
        (lambda: layers.Add(), np.ones((1, 2), "float32"), "should be called on a list of inputs"),
        (lambda: layers.Add(), [np.ones((1, 2), "f"), np.ones((1, 3), "f")], "incompatible shapes"),
        (lambda: layers.Add(), [np.ones((1, 2), "f"), np.ones((2, 2), "f")], "different batch sizes"),
        (lambda: layers.Subtract(), [np.ones((1, 2), "f")] * 3, "exactly 2 inputs"),
        (lambda: layers.Concatenate(), [np.ones((1, 2, 2), "f"), np.ones((1, 3, 2), "f")], "matching shapes"),
        (lambda: layers.Dot((1, 2, 3)), None, "should contain two elements"),
        (lambda: layers.Dot(1), [np.ones((1, 2), "f"), np.ones((1, 3), "f")], "Incompatible input shapes"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(make: Any, x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()(x)


def test_unknown_interpolations_and_axes_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="interpolation"):
        layers.UpSampling2D(2, interpolation="round")
    with pytest.raises(TypeError, match="should be a list or an int"):
        layers.Dot("a")


def test_merging_functions_and_masks() -> None:
    a, b = np.array([[1.0, 5.0]], "float32"), np.array([[3.0, 2.0]], "float32")
    for function, want in (
        (layers.add, [[4, 7]]),
        (layers.subtract, [[-2, 3]]),
        (layers.multiply, [[3, 10]]),
        (layers.average, [[2, 3.5]]),
        (layers.maximum, [[3, 5]]),
        (layers.minimum, [[1, 2]]),
        (layers.concatenate, [[1, 5, 3, 2]]),
    ):
        np.testing.assert_array_equal(function([a, b]), want)
    np.testing.assert_array_equal(layers.dot([a, b], axes=1), [[13]])
    masks = [tf.constant([[True, False, True]]), tf.constant([[True, True, False]])]
    tensors = [tf.ones((1, 3, 2))] * 2
    assert layers.Add().compute_mask(tensors, masks).numpy().tolist() == [[True, False, False]]
    joined = layers.Concatenate(axis=1).compute_mask(tensors, [masks[0], None])
    assert joined.numpy().tolist() == [[True, False, True, True, True, True]]
    assert layers.Add().compute_mask(tensors, [None, None]) is None
    with pytest.raises(ValueError, match="same length"):
        layers.Add().compute_mask(tensors, masks[:1])
    with pytest.raises(ValueError, match="`mask` should be a list"):
        layers.Add().compute_mask(tensors, masks[0])
