"""Keras layers as a table of cases, and what one case gives; run here and, by the interpreter of tf-keras, there.

A case is an expression that makes a layer, of ``L`` (`keras.layers`), ``keras``, ``tf`` and ``np``, and the shapes of
the inputs it is called on. To cover a layer, add a line to `CASES`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A layer and how it is called.

    Attributes:
        make: the expression that makes the layer.
        shapes: those of the inputs, which are given as a list if there are several.
        dtype: the inputs' dtype; integers are within [0, `below`).
        below: see `dtype`.
        call: the call, an expression of ``layer``, ``x``, ``training`` and the masks ``mask`` and ``masks``.
        random: is the result in training random? Then only inference is compared.
        trains: does the call take `training`?
        symbolic: may it be called on `keras.Input`s?
        tolerance: relative to the largest number in a result.
        same_shape: does `compute_output_shape` say what tf-keras's does?
    """

    make: str
    shapes: tuple[tuple[int, ...], ...]
    dtype: str = "float32"
    below: int = 5
    call: str | None = None
    random: bool = False
    trains: bool = False
    symbolic: bool = True
    tolerance: float = 2e-5
    same_shape: bool = True


ROW, STEPS, IMAGE, VOLUME = (3, 4), (2, 6, 4), (2, 7, 6, 4), (2, 5, 6, 5, 4)
NUMBERS = "kernel_initializer='he_normal', bias_initializer=keras.initializers.Constant(0.5)"


def named(*cases: Case) -> dict[str, Case]:
    table: dict[str, Case] = {}
    for case in cases:
        name = case.make.removeprefix("L.").replace(" ", "") + ("" if case.call is None else f"[{case.call}]")
        if case.dtype != "float32" or name in table:
            name += f"-{case.dtype}"
        name += "" if name not in table else str(len(table))
        table[name] = case
    return table


def _one(make: str, shape: tuple[int, ...], **more: Any) -> Case:
    return Case(make, (shape,), **more)


def _training(make: str, shape: tuple[int, ...], **more: Any) -> Case:
    return Case(make, (shape,), trains=True, **more)


CASES = named(
    # core
    _one("L.Dense(5)", ROW),
    _one(f"L.Dense(5, 'relu', {NUMBERS}, kernel_regularizer='l2', activity_regularizer='l1')", ROW),
    _one("L.Dense(3, use_bias=False, kernel_constraint='max_norm')", STEPS),
    _one("L.Dense(3, dtype='float64')", IMAGE, dtype="float64"),
    _one("L.Dense(3, dtype='mixed_bfloat16')", STEPS, tolerance=0.02),
    _one("L.Activation('softmax')", STEPS),
    _one("L.Activation(keras.activations.gelu)", STEPS),
    _one("L.Identity()", STEPS),
    _one("L.Masking(mask_value=0.0)", STEPS),
    _one("L.Embedding(5, 3)", (2, 4), dtype="int32"),
    _one("L.Embedding(5, 3, mask_zero=True, input_length=4)", (2, 4), dtype="int64"),
    _one("L.Embedding(5, 3, embeddings_regularizer='l2', dtype='mixed_bfloat16')", (2, 4), dtype="int32"),
    _one("L.Flatten()", IMAGE),
    _one("L.Flatten(data_format='channels_first')", IMAGE),
    _one("L.Flatten()", (3,), same_shape=False),
    _one("L.Reshape((3, -1))", STEPS),
    _one("L.Reshape((24,))", STEPS),
    _one("L.Permute((3, 1, 2))", IMAGE),
    _one("L.RepeatVector(3)", ROW),
    _one("L.ActivityRegularization(l1=0.1, l2=0.2)", STEPS),
    _one("L.EinsumDense('abc,cd->abd', (None, 3), bias_axes='d', activation='tanh')", STEPS, same_shape=False),
    _one("L.EinsumDense('...x,xy->...y', 3, bias_axes='y')", IMAGE, same_shape=False),
    _one("L.EinsumDense('ab...,bc->ac...', 3, bias_axes='c')", STEPS, same_shape=False),
    _one("L.EinsumDense('abc,cde->abde', (None, 2, 3), bias_axes='de')", STEPS, same_shape=False),
    _one("L.EinsumDense('abcd,cdb->acdb', (4, 3, 2), bias_axes='cd')", (2, 2, 4, 3), same_shape=False),
    _one("L.UnitNormalization()", STEPS),
    _one("L.UnitNormalization(axis=[1, 2])", IMAGE),
    # activations
    _one("L.ReLU()", STEPS),
    _one("L.ReLU(max_value=1.0, negative_slope=0.2, threshold=0.1)", STEPS),
    _one("L.ReLU(max_value=6.0)", STEPS),
    _one("L.ReLU(negative_slope=0.3)", STEPS),
    _one("L.LeakyReLU()", STEPS),
    _one("L.LeakyReLU(alpha=0.1, dtype='float64')", STEPS, dtype="float64"),
    _one("L.PReLU()", STEPS),
    _one("L.PReLU(alpha_initializer='ones', shared_axes=[1, 2])", IMAGE),
    _one("L.ELU(alpha=0.5)", STEPS),
    _one("L.ThresholdedReLU(theta=0.5)", STEPS),
    _one("L.Softmax()", STEPS),
    _one("L.Softmax(axis=[1, 2])", STEPS),
    _one("L.Softmax(axis=1)", STEPS, call="layer(x, mask=mask)"),
    _one("L.Softmax(robust_masking=True)", STEPS, call="layer(x, mask=mask)"),
    # regularization, in inference; rates of 0 or 1 are not random
    _training("L.Dropout(0.3, noise_shape=(None, 1, 4), seed=3)", STEPS, random=True),
    _training("L.Dropout(0.0)", STEPS),
    _training("L.SpatialDropout1D(0.3)", STEPS, random=True),
    _training("L.SpatialDropout2D(0.3)", IMAGE, random=True),
    _training("L.SpatialDropout3D(0.3, data_format='channels_first')", VOLUME, random=True),
    _training("L.GaussianNoise(0.3)", STEPS, random=True),
    _training("L.GaussianDropout(0.3)", STEPS, random=True),
    _training("L.AlphaDropout(0.3)", STEPS, random=True),
    _training("L.AlphaDropout(0.0)", STEPS),
    # convolutions
    _one("L.Conv1D(3, 2)", STEPS),
    _one("L.Conv1D(3, 3, strides=2, padding='same', activation='relu')", STEPS),
    _one("L.Conv1D(3, 2, padding='causal', dilation_rate=2)", STEPS),
    _one("L.Conv1D(3, 2)", (2, 3, 6, 4)),
    _one("L.Conv2D(3, (2, 3))", IMAGE),
    _one("L.Conv2D(3, 3, strides=(2, 1), padding='same', use_bias=False)", IMAGE),
    _one("L.Conv2D(3, 2, dilation_rate=2, padding='same')", IMAGE),
    _one(f"L.Conv2D(4, 2, groups=2, {NUMBERS})", IMAGE),
    _one("L.Conv2D(3, 2)", (2, 3, 7, 6, 4)),
    _one("L.Conv2D(3, 2, dtype='float64')", IMAGE, dtype="float64"),
    _one("L.Conv2D(3, 2, dtype='mixed_bfloat16')", IMAGE, tolerance=0.03),
    _one("L.Conv3D(3, 2)", VOLUME),
    _one("L.Conv3D(3, (2, 3, 2), strides=2, padding='same', activation='tanh')", VOLUME),
    _one("L.Conv1DTranspose(3, 2)", STEPS),
    _one("L.Conv1DTranspose(3, 3, strides=2, padding='same', output_padding=1)", STEPS),
    _one("L.Conv2DTranspose(3, 2)", IMAGE),
    _one("L.Conv2DTranspose(3, 3, strides=2, padding='same', activation='relu')", IMAGE),
    _one("L.Conv2DTranspose(3, (2, 3), strides=(2, 3), output_padding=1)", IMAGE),
    _one("L.Conv2DTranspose(3, 3, padding='same', dilation_rate=2)", IMAGE),
    _one("L.Conv2DTranspose(3, 2, dilation_rate=2)", IMAGE),
    _one("L.Conv2DTranspose(3, 2, strides=2, data_format='channels_first')", IMAGE),
    _one("L.Conv3DTranspose(3, 2)", VOLUME),
    _one("L.Conv3DTranspose(3, 2, strides=2, padding='same', output_padding=1, use_bias=False)", VOLUME),
    _one("L.DepthwiseConv1D(2, depth_multiplier=2)", STEPS),
    _one("L.DepthwiseConv1D(3, strides=2, padding='same')", STEPS),
    _one("L.DepthwiseConv2D(2, depth_multiplier=2, activation='relu')", IMAGE),
    _one("L.DepthwiseConv2D((3, 2), strides=2, padding='same', depthwise_regularizer='l2')", IMAGE),
    _one("L.DepthwiseConv2D(2, dilation_rate=2)", IMAGE),
    _one("L.DepthwiseConv2D(2, data_format='channels_first')", IMAGE),
    _one("L.SeparableConv1D(3, 2, depth_multiplier=2)", STEPS),
    _one("L.SeparableConv1D(3, 2, padding='causal', dilation_rate=2)", STEPS),
    _one("L.SeparableConv2D(3, 2, activation='relu', pointwise_regularizer='l2')", IMAGE),
    _one("L.SeparableConv2D(3, 3, strides=2, padding='same', depth_multiplier=2)", IMAGE),
    _one("L.LocallyConnected1D(3, 2, strides=2)", STEPS),
    _one("L.LocallyConnected1D(3, 3, padding='same', implementation=2)", STEPS),
    _one("L.LocallyConnected1D(3, 2, implementation=3, data_format='channels_first', use_bias=False)", STEPS),
    _one("L.LocallyConnected2D(3, (2, 3), activation='relu')", IMAGE),
    _one("L.LocallyConnected2D(2, 3, data_format='channels_first', kernel_regularizer='l2')", IMAGE),
    _one("L.LocallyConnected2D(2, 2, strides=2, implementation=2)", IMAGE),
    _one("L.LocallyConnected2D(2, 2, padding='same', implementation=3)", IMAGE),
    # pooling
    _one("L.MaxPooling1D()", STEPS),
    _one("L.MaxPooling1D(3, strides=2, padding='same')", STEPS),
    _one("L.MaxPooling1D(2, data_format='channels_first')", STEPS),
    _one("L.AveragePooling1D(3, 1, 'same')", STEPS),
    _one("L.MaxPooling2D()", IMAGE),
    _one("L.MaxPool2D((3, 2), strides=1, padding='same')", IMAGE),
    _one("L.AveragePooling2D(3, 2)", IMAGE),
    _one("L.AvgPool2D(3, 2, 'same')", IMAGE),
    _one("L.MaxPooling3D()", VOLUME),
    _one("L.AveragePooling3D(2, 1, 'same')", VOLUME),
    _one("L.MaxPooling3D(2, data_format='channels_first')", VOLUME),
    _one("L.GlobalMaxPooling1D()", STEPS),
    _one("L.GlobalAveragePooling1D(data_format='channels_first', keepdims=True)", STEPS),
    _one("L.GlobalAveragePooling1D()", STEPS, call="layer(x, mask=mask[:, :, 0])"),
    _one("L.GlobalMaxPooling2D(keepdims=True)", IMAGE),
    _one("L.GlobalAveragePooling2D()", IMAGE),
    _one("L.GlobalAveragePooling2D(data_format='channels_first')", IMAGE),
    _one("L.GlobalMaxPooling3D()", VOLUME),
    _one("L.GlobalAveragePooling3D(keepdims=True)", VOLUME),
    # sizes of images and the like
    _one("L.UpSampling1D(3)", STEPS),
    _one("L.UpSampling2D()", IMAGE),
    _one("L.UpSampling2D((2, 3), interpolation='bilinear')", IMAGE),
    _one("L.UpSampling2D(2, interpolation='bicubic')", IMAGE),
    _one("L.UpSampling2D(2, data_format='channels_first')", IMAGE),
    _one("L.UpSampling3D((2, 1, 3))", VOLUME),
    _one("L.UpSampling3D(2, data_format='channels_first')", VOLUME),
    _one("L.ZeroPadding1D((1, 2))", STEPS),
    _one("L.ZeroPadding2D(((1, 0), (2, 1)))", IMAGE),
    _one("L.ZeroPadding2D(2, data_format='channels_first')", IMAGE),
    _one("L.ZeroPadding3D((1, 2, 0))", VOLUME),
    _one("L.Cropping1D((1, 0))", STEPS),
    _one("L.Cropping2D(((1, 0), (2, 1)))", IMAGE),
    _one("L.Cropping2D(1, data_format='channels_first')", (2, 4, 6, 7)),
    _one("L.Cropping3D()", VOLUME),
    _one("L.Cropping3D(((1, 0), (0, 1), (2, 1)))", VOLUME),
    # normalization
    _training("L.BatchNormalization()", ROW),
    _training("L.BatchNormalization(momentum=0.8, epsilon=0.01, scale=False)", STEPS),
    _training("L.BatchNormalization(axis=1, beta_regularizer='l2')", STEPS),
    _training("L.BatchNormalization(axis=[1, 2], center=False)", STEPS),
    _training("L.BatchNormalization()", STEPS, call="layer(x, training=training, mask=mask[:, :, 0])"),
    _training("L.BatchNormalization()", IMAGE),
    _training("L.BatchNormalization(epsilon=1e-6, momentum=0.5, center=False, scale=False)", IMAGE),
    _training("L.BatchNormalization(axis=1, fused=False)", IMAGE),
    _training("L.BatchNormalization(trainable=False)", IMAGE),
    _training("L.BatchNormalization()", VOLUME),
    _training("L.BatchNormalization(dtype='float64')", IMAGE, dtype="float64"),
    _training("L.BatchNormalization(dtype='mixed_bfloat16')", IMAGE, tolerance=0.03),
    _training("L.BatchNormalization(dtype='mixed_bfloat16')", STEPS, tolerance=0.03),
    _training("L.BatchNormalization(synchronized=True)", IMAGE),
    _training("L.experimental.SyncBatchNormalization(momentum=0.9)", STEPS),
    _one("L.experimental.EinsumDense('ab,bc->ac', 3, activity_regularizer='l2')", ROW, same_shape=False),
    _one("L.LayerNormalization()", STEPS),
    _one("L.LayerNormalization(axis=[1, 2], gamma_initializer='zeros')", IMAGE),
    _one("L.LayerNormalization(axis=1, epsilon=1e-5)", IMAGE),
    _one("L.LayerNormalization(epsilon=1e-6, center=False)", STEPS),
    _one("L.LayerNormalization(dtype='float64', scale=False)", STEPS, dtype="float64"),
    _one("L.LayerNormalization(dtype='mixed_bfloat16')", STEPS, tolerance=0.03),
    _one("L.GroupNormalization(2)", IMAGE),
    _one("L.GroupNormalization(-1, axis=1, center=False)", IMAGE),
    _one("L.GroupNormalization(1, epsilon=0.1, scale=False)", STEPS),
    _training("L.SpectralNormalization(L.Conv2D(3, 2, name='in'), power_iterations=2)", IMAGE),
    _training("L.SpectralNormalization(L.Dense(3, name='in'))", ROW),
    # merging
    Case("L.Add()", (STEPS, STEPS, STEPS)),
    Case("L.Add()", (STEPS, (2, 4))),
    Case("L.Subtract()", (STEPS, (2, 1, 4))),
    Case("L.Multiply()", (STEPS, STEPS)),
    Case("L.Average()", (STEPS, STEPS, STEPS)),
    Case("L.Maximum()", (STEPS, STEPS)),
    Case("L.Minimum()", (STEPS, STEPS)),
    Case("L.Concatenate()", (STEPS, (2, 6, 3))),
    Case("L.Concatenate(axis=1)", (STEPS, (2, 5, 4))),
    Case("L.Dot(axes=1)", (ROW, ROW)),
    Case("L.Dot(axes=(2, 1), normalize=True)", ((2, 6, 4), (2, 4, 3))),
    Case("L.Dot(axes=-1)", ((2, 6, 4), (2, 4))),
    Case("L.Dot(axes=(1, 2))", ((2, 4), (2, 3, 4))),
    Case("L.Dot(axes=(3, 2))", (IMAGE, (2, 3, 4, 5))),
    # attention
    Case("L.Attention()", (STEPS, (2, 5, 4)), trains=True),
    Case("L.Attention(use_scale=True, score_mode='concat')", (STEPS, (2, 5, 4), (2, 5, 4)), trains=True),
    Case("L.Attention(dropout=0.2)", (STEPS, STEPS), trains=True, random=True),
    Case(
        "L.Attention(use_scale=True)",
        (STEPS, STEPS),
        call="layer(x, mask=[m[:, :, 0] for m in masks], return_attention_scores=True, use_causal_mask=True)",
    ),
    Case("L.AdditiveAttention()", (STEPS, (2, 5, 4))),
    Case("L.AdditiveAttention(use_scale=False)", (STEPS, STEPS), call="layer(x, use_causal_mask=True)"),
    Case("L.MultiHeadAttention(2, 3)", (STEPS, (2, 5, 4)), call="layer(*x)", same_shape=False, symbolic=False),
    Case(
        "L.MultiHeadAttention(2, 3, value_dim=5, output_shape=7, use_bias=False, kernel_regularizer='l2')",
        (STEPS, (2, 5, 4), (2, 5, 3)),
        call="layer(*x, return_attention_scores=True)",
        same_shape=False,
        symbolic=False,
    ),
    Case(
        "L.MultiHeadAttention(2, 3, attention_axes=(2,), dropout=0.1)",
        (IMAGE, (2, 7, 5, 4)),
        call="layer(*x)",
        same_shape=False,
        symbolic=False,
    ),
    Case(
        "L.MultiHeadAttention(2, 3, softmax_robust_masking=True)",
        (STEPS, STEPS),
        call="layer(*x, use_causal_mask=True, attention_mask=mask[:, :, :1] | True, return_attention_scores=True)",
        same_shape=False,
        symbolic=False,
    ),
)  # fmt: skip


def _numbers(seed: int, shape: tuple[int, ...], dtype: str, below: int) -> Any:
    random = np.random.default_rng(seed)
    if dtype.startswith("int"):
        return random.integers(0, below, shape).astype(dtype)
    x = random.normal(size=shape)
    x.reshape(-1)[:: max(x.size // 4, 2)] = 0  # something for masks
    if len(shape) > 2:
        x[0, -1] = 0
    return x.astype(dtype)


def _weight(seed: int, name: str, shape: tuple[int, ...]) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return np.abs(values) + 0.5 if "variance" in name else values


def plain(value: Any) -> Any:
    """A config as JSON has it."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if hasattr(value, "as_list"):
        return value.as_list()
    return value.item() if isinstance(value, np.generic) else value


def record(tf: Any, keras: Any, name: str, case: Case) -> dict[str, Any]:
    """What a case gives: weights, config, results, gradients, losses, in inference and training."""
    keras.backend.clear_session()
    space = {"L": keras.layers, "keras": keras, "tf": tf, "np": np}
    layer = eval(case.make, space)
    layer._name = "one"
    seed = sum(map(ord, name))
    arrays = [_numbers(seed + i, shape, case.dtype, case.below) for i, shape in enumerate(case.shapes)]
    tensors = [tf.constant(a) for a in arrays]
    x = tensors if len(tensors) > 1 else tensors[0]
    masks = [tf.constant(np.asarray(a) != 0) for a in arrays]
    call = case.call or ("layer(x, training=training)" if case.trains else "layer(x)")
    space |= {"layer": layer, "masks": masks, "mask": masks[0]}
    result: dict[str, Any] = {"config": plain(layer.get_config())}

    def run(x: Any, training: Any) -> Any:
        return eval(call, space | {"x": x, "training": training})

    run(x, False)
    result["weights"] = [(w.name, tuple(w.shape), bool(w.trainable), w.dtype.name) for w in layer.weights]
    result["trainable"] = [w.name for w in layer.trainable_weights]
    start = [_weight(seed + 9 + i, w.name, tuple(w.shape)) for i, w in enumerate(layer.weights)]
    for training in (False, True) if not case.random else (False,):
        layer.set_weights(start)
        result[f"training={training}"] = _one_run(tf, layer, run, x, training, seed)
    layer.set_weights(start)
    traced = tf.function(run)(x, False)
    result["traced"] = [np.asarray(y) for y in tf.nest.flatten(traced)]
    if case.same_shape:
        shapes = [(None, *shape[1:]) for shape in case.shapes]
        shape = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
        result["shape"] = plain(tf.TensorShape(shape))
    if case.symbolic and case.call is None:
        inputs = [keras.Input(shape[1:], dtype=case.dtype) for shape in case.shapes]
        symbol = layer(inputs if len(inputs) > 1 else inputs[0])
        result["symbolic"] = (plain(tf.TensorShape(symbol.shape)), tf.as_dtype(symbol.dtype).name)
    result["built config"] = plain(layer.get_config())
    again = type(layer).from_config(layer.get_config())
    result["config again"] = plain(again.get_config())
    json.dumps(result["config"])
    return result


def _one_run(tf: Any, layer: Any, run: Any, x: Any, training: bool, seed: int) -> dict[str, Any]:
    watched = [t for t in tf.nest.flatten(x) if t.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = tf.nest.flatten(run(x, training))
        losses = [tf.cast(loss, tf.float32) for loss in layer.losses]
        total = tf.add_n(losses) if losses else tf.constant(0.0)
        for i, y in enumerate(outputs):
            factor = np.random.default_rng(seed + 100 + i).normal(size=tuple(y.shape))
            total += tf.reduce_sum(tf.cast(y, tf.float32) * tf.constant(factor, tf.float32))
    gradients = tape.gradient(total, [*watched, *layer.trainable_weights])
    mask = getattr(outputs[0], "_keras_mask", None)
    return {
        "outputs": [np.asarray(y) for y in outputs],
        "dtypes": [y.dtype.name for y in outputs],
        "losses": [np.asarray(loss) for loss in losses],
        "gradients": [None if g is None else np.asarray(tf.convert_to_tensor(g)) for g in gradients],
        "weights after": [np.asarray(w.numpy()) for w in layer.weights],
        "mask": None if mask is None else np.asarray(mask),
    }


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


def assert_same(have: dict[str, Any], want: dict[str, Any], case: Case) -> None:
    """Compare what `record` gave in two places."""
    for what in ("weights", "trainable", "config", "built config", "config again", "shape", "symbolic"):
        assert have.get(what) == want.get(what), what
    _close(have["traced"], want["traced"], case.tolerance, "traced")
    for run in ("training=False", "training=True"):
        if run not in want:
            continue
        assert have[run]["dtypes"] == want[run]["dtypes"]
        for what in ("outputs", "losses", "gradients", "weights after", "mask"):
            _close(have[run][what], want[run][what], case.tolerance, f"{what}, {run}")


def _close(have: Any, want: Any, tolerance: float, what: str) -> None:
    if isinstance(want, list):
        assert len(have) == len(want), what
        for i, (a, b) in enumerate(zip(have, want, strict=True)):
            _close(a, b, tolerance, f"{what} {i}")
        return
    assert (have is None) == (want is None), what
    if want is None:
        return
    assert have.shape == want.shape, what
    if want.dtype == bool:
        assert (have == want).all(), what
        return
    a, b = np.asarray(have, "float64"), np.asarray(want, "float64")
    scale = np.abs(b).max(initial=1.0)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)
