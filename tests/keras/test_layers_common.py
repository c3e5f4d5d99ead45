"""What holds for every layer: shapes, configs, eager and traced calls, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

keras = tf.keras
layers = keras.layers

STEPS, IMAGE, VOLUME = (5, 4), (6, 7, 4), (4, 5, 6, 4)
# A layer of each class that is called on one tensor, and the shape of an input without its batch axis.
EACH: dict[str, tuple[Any, tuple[int, ...]]] = {
    "Activation": (lambda **k: layers.Activation("tanh", **k), STEPS),
    "ActivityRegularization": (lambda **k: layers.ActivityRegularization(0.1, **k), STEPS),
    "AlphaDropout": (lambda **k: layers.AlphaDropout(0.2, **k), STEPS),
    "AveragePooling1D": (layers.AveragePooling1D, STEPS),
    "AveragePooling2D": (layers.AveragePooling2D, IMAGE),
    "AveragePooling3D": (layers.AveragePooling3D, VOLUME),
    "BatchNormalization": (layers.BatchNormalization, IMAGE),
    "Conv1D": (lambda **k: layers.Conv1D(3, 2, **k), STEPS),
    "Conv1DTranspose": (lambda **k: layers.Conv1DTranspose(3, 2, **k), STEPS),
    "Conv2D": (lambda **k: layers.Conv2D(3, 2, **k), IMAGE),
    "Conv2DTranspose": (lambda **k: layers.Conv2DTranspose(3, 2, **k), IMAGE),
    "Conv3D": (lambda **k: layers.Conv3D(3, 2, **k), VOLUME),
    "Conv3DTranspose": (lambda **k: layers.Conv3DTranspose(3, 2, **k), VOLUME),
    "Cropping1D": (layers.Cropping1D, STEPS),
    "Cropping2D": (lambda **k: layers.Cropping2D(1, **k), IMAGE),
    "Cropping3D": (layers.Cropping3D, VOLUME),
    "Dense": (lambda **k: layers.Dense(3, "relu", **k), STEPS),
    "DepthwiseConv1D": (lambda **k: layers.DepthwiseConv1D(2, **k), STEPS),
    "DepthwiseConv2D": (lambda **k: layers.DepthwiseConv2D(2, **k), IMAGE),
    "Dropout": (lambda **k: layers.Dropout(0.2, **k), STEPS),
    "ELU": (layers.ELU, STEPS),
    "EinsumDense": (lambda **k: layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d", **k), STEPS),
    "Embedding": (lambda **k: layers.Embedding(4, 3, **k), (5,)),
    "Flatten": (layers.Flatten, IMAGE),
    "GaussianDropout": (lambda **k: layers.GaussianDropout(0.2, **k), STEPS),
    "GaussianNoise": (lambda **k: layers.GaussianNoise(0.2, **k), STEPS),
    "GlobalAveragePooling1D": (layers.GlobalAveragePooling1D, STEPS),
    "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D, IMAGE),
    "GlobalAveragePooling3D": (layers.GlobalAveragePooling3D, VOLUME),
    "GlobalMaxPooling1D": (layers.GlobalMaxPooling1D, STEPS),
    "GlobalMaxPooling2D": (layers.GlobalMaxPooling2D, IMAGE),
    "GlobalMaxPooling3D": (layers.GlobalMaxPooling3D, VOLUME),
    "GroupNormalization": (lambda **k: layers.GroupNormalization(2, **k), IMAGE),
    "Identity": (layers.Identity, STEPS),
    "LayerNormalization": (layers.LayerNormalization, STEPS),
    "LeakyReLU": (layers.LeakyReLU, STEPS),
    "LocallyConnected1D": (lambda **k: layers.LocallyConnected1D(3, 2, **k), STEPS),
    "LocallyConnected2D": (lambda **k: layers.LocallyConnected2D(3, 2, **k), IMAGE),
    "Masking": (layers.Masking, STEPS),
    "MaxPooling1D": (layers.MaxPooling1D, STEPS),
    "MaxPooling2D": (layers.MaxPooling2D, IMAGE),
    "MaxPooling3D": (layers.MaxPooling3D, VOLUME),
    "PReLU": (layers.PReLU, STEPS),
    "Permute": (lambda **k: layers.Permute((2, 1), **k), STEPS),
    "ReLU": (layers.ReLU, STEPS),
    "RepeatVector": (lambda **k: layers.RepeatVector(3, **k), (4,)),
    "Reshape": (lambda **k: layers.Reshape((2, -1), **k), STEPS),
    "SeparableConv1D": (lambda **k: layers.SeparableConv1D(3, 2, **k), STEPS),
    "SeparableConv2D": (lambda **k: layers.SeparableConv2D(3, 2, **k), IMAGE),
    "Softmax": (layers.Softmax, STEPS),
    "SpatialDropout1D": (lambda **k: layers.SpatialDropout1D(0.2, **k), STEPS),
    "SpatialDropout2D": (lambda **k: layers.SpatialDropout2D(0.2, **k), IMAGE),
    "SpatialDropout3D": (lambda **k: layers.SpatialDropout3D(0.2, **k), VOLUME),
    "ThresholdedReLU": (layers.ThresholdedReLU, STEPS),
    "UnitNormalization": (layers.UnitNormalization, STEPS),
    "UpSampling1D": (layers.UpSampling1D, STEPS),
    "UpSampling2D": (layers.UpSampling2D, IMAGE),
    "UpSampling3D": (layers.UpSampling3D, VOLUME),
    "ZeroPadding1D": (layers.ZeroPadding1D, STEPS),
    "ZeroPadding2D": (layers.ZeroPadding2D, IMAGE),
    "ZeroPadding3D": (layers.ZeroPadding3D, VOLUME),
}
each = pytest.mark.parametrize("name", EACH)


def batch(shape: tuple[int, ...], name: str, dtype: str = "float32") -> Any:
    random = np.random.default_rng(len(shape))
    if name == "Embedding":
        return random.integers(0, 4, (2, *shape)).astype("int32")
    return random.normal(size=(2, *shape)).astype(dtype)


@each
def test_eager_traced_and_symbolic_calls_agree(name: str) -> None:
    make, shape = EACH[name]
    x = batch(shape, name)
    layer = make()
    eager = layer(x)
    traced = tf.function(lambda x: layer(x))(tf.constant(x))
    np.testing.assert_allclose(eager, traced, rtol=1e-5, atol=1e-6)
    inputs = keras.Input(shape, dtype="int32" if name == "Embedding" else None)
    outputs = layer(inputs)
    assert outputs.shape.as_list() == [None, *eager.shape[1:]]
    assert outputs.dtype == eager.dtype
    model = keras.Model(inputs, outputs)
    np.testing.assert_allclose(model(x), eager, rtol=1e-5, atol=1e-6)
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(x), eager, rtol=1e-5, atol=1e-6)


@each
def test_the_shape_is_known_before_a_call(name: str) -> None:
    make, shape = EACH[name]
    known = make().compute_output_shape((None, *shape))
    assert tf.TensorShape(known)[1:].is_compatible_with(make()(batch(shape, name)).shape[1:])


@each
def test_unknown_batch_sizes_are_traced(name: str) -> None:
    make, shape = EACH[name]
    layer = make()
    x = batch(shape, name)
    want = layer(x)
    step = tf.function(lambda x: layer(x), input_signature=[tf.TensorSpec((None, *shape), x.dtype)])
    np.testing.assert_allclose(step(x), want, rtol=1e-5, atol=1e-6)
    assert step(x[:1]).shape[0] == 1


@each
def test_a_config_makes_the_same_layer(name: str) -> None:
    make, shape = EACH[name]
    layer = make(name="mine", trainable=False)
    layer(batch(shape, name))
    for config in (layers.serialize(layer), layers.serialize(layer, use_legacy_format=True)):
        again = layers.deserialize(config)
        assert type(again) is type(layer)
        assert (again.name, again.trainable) == ("mine", False)
        again(batch(shape, name))
        assert again.get_config() == layer.get_config()


@each
@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_other_dtypes(name: str, dtype: str) -> None:
    make, shape = EACH[name]
    if name == "MaxPooling3D" and dtype == "float64":
        return  # TensorFlow has no such op
    layer = make(dtype=dtype)
    y = layer(batch(shape, name))
    assert y.dtype.name == ("bfloat16" if dtype.startswith("mixed") else dtype)
    assert {w.numpy().dtype.name for w in layer.weights} <= {"float64" if dtype == "float64" else "float32"}
    near = make()
    want = near(batch(shape, name))
    if not layer.weights:
        np.testing.assert_allclose(tf.cast(y, "float32"), want, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("name", [n for n in layers.__all__ if n[0].isupper()])
def test_every_layer_is_in_the_table_or_has_its_own_test(name: str) -> None:
    own = "Add Average Concatenate Dot Maximum Minimum Multiply Subtract Attention AdditiveAttention Lambda"
    others = "MultiHeadAttention Input InputLayer InputSpec Layer TFOpLambda SlicingOpLambda ClassMethodLayer"
    there = set(own.split()) | set(others.split()) | {"AddLoss", "AddMetric", "SpectralNormalization"}
    cls = getattr(layers, name)
    home = getattr(cls, "__module__", "")
    if "recurrent" in home or "preprocessing" in home:
        return
    assert cls.__name__ in set(EACH) | there
