"""Dense, Embedding, Lambda, masks, reshaping, dropout: values by numpy, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf

keras = tf.keras
layers = keras.layers


def test_dense_is_a_product_with_a_bias() -> None:
    layer = layers.Dense(3, "relu", bias_initializer="ones")
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    y = layer(x)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, np.maximum(x @ kernel + bias, 0), rtol=1e-5, atol=1e-6)


def test_dense_adds_what_its_regularizers_give() -> None:
    layer = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=keras.regularizers.L1(0.1))
    y = layer(np.ones((2, 4), "float32"))
    kernel = layer.get_weights()[0]
    found = sorted(float(loss) for loss in layer.losses)
    want = sorted([0.01 * float((kernel**2).sum()), 0.1 * float(np.abs(y).sum()) / 2])
    np.testing.assert_allclose(found, want, rtol=1e-5)


def test_dense_takes_sparse_and_ragged_inputs() -> None:
    layer = layers.Dense(2)
    x = np.eye(3, 4, dtype="float32")
    np.testing.assert_allclose(layer(tf.sparse.from_dense(x)), layer(x), rtol=1e-6)
    rows = tf.ragged.constant([[[1.0, 2.0, 3.0, 4.0]], []], ragged_rank=1, inner_shape=(4,))
    y = layer(rows)
    assert y.row_lengths().numpy().tolist() == [1, 0]
    np.testing.assert_allclose(y.flat_values, layer(rows.flat_values), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "x", "error", "message"),
    [
        (lambda: layers.Dense(-1), None, ValueError, "invalid value for `units`"),
        (lambda: layers.Dense(2, dtype="int32"), np.ones((1, 2), "int32"), TypeError, "floating-point dtype"),
        (lambda: layers.Dense(2), np.ones(2, "float32"), ValueError, "expected min_ndim=2"),
        (lambda: layers.Dense(2), keras.Input((None,)), ValueError, "last dimension .* should be defined"),
        (lambda: layers.Dropout(1.5), None, ValueError, "between 0 and 1"),
        (lambda: layers.Embedding(0, 2), None, ValueError, "should be positive"),
        (lambda: layers.Embedding(2, 2, sparse=True, mask_zero=True), None, ValueError, "`mask_zero` cannot"),
        (lambda: layers.Permute((1, 3)), None, ValueError, "consecutive and start from 1"),
        (lambda: layers.RepeatVector(1.5), None, TypeError, "integer value for `n`"),
        (lambda: layers.Reshape((-1, -1)), keras.Input((4,)), ValueError, "at most one unknown"),
        (lambda: layers.Reshape((3,)), keras.Input((4,)), ValueError, "total size of new array"),
        (lambda: layers.EinsumDense("ab->b", 3), keras.Input((4,)), ValueError, "Invalid einsum equation"),
        (lambda: layers.EinsumDense("ab,bc->ad", 3), keras.Input((4,)), ValueError, "Dimension 'd'"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="x"), keras.Input((4,)), ValueError, "Bias dim"),
        (lambda: layers.EinsumDense("ab,bcz->ac", 3), keras.Input((4,)), ValueError, "Weight dimension 'z'"),
        (lambda: layers.ReLU(max_value=-1), None, ValueError, "max_value of a ReLU layer"),
        (lambda: layers.ReLU(negative_slope=None), None, ValueError, "negative_slope of a ReLU layer"),
        (lambda: layers.LeakyReLU(None), None, ValueError, "cannot be None"),
        (lambda: layers.ELU(None), None, ValueError, "cannot be None"),
        (lambda: layers.ThresholdedReLU(-1), None, ValueError, "should be >=0"),
        (lambda: layers.UnitNormalization("a"), None, TypeError, "expected an int or a list"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(make: Any, x: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()(x)


def test_embedding_looks_rows_up_and_masks_zeros() -> None:
    layer = layers.Embedding(5, 3, mask_zero=True)
    x = np.array([[1, 0], [4, 4]])
    y = layer(x)
    np.testing.assert_array_equal(y, layer.get_weights()[0][x])
    np.testing.assert_array_equal(y._keras_mask, x != 0)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x))
    gradient = tape.gradient(total, layer.embeddings)
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient)[:, 0], [1, 1, 0, 0, 2])


def test_embedding_takes_and_gives_sparse_tensors() -> None:
    x = tf.sparse.from_dense(np.array([[1, 0, 2]]))
    layer = layers.Embedding(5, 3)
    np.testing.assert_array_equal(layer(x), layer(np.array([[1, 0, 2]])))
    sparse = layers.Embedding(5, 3, sparse=True, embeddings_initializer="ones")
    y = sparse(x)
    assert y.dense_shape.numpy().tolist() == [1, 3, 3]
    np.testing.assert_array_equal(tf.sparse.to_dense(y)[0, :, 0], [1, 0, 1])
    assert isinstance(sparse(np.array([[1, 2]])), tf.SparseTensor)


def test_masks_go_through_layers_that_support_them_and_end_at_others() -> None:
    x = np.array([[[1.0, 2.0], [0.0, 0.0]]], "float32")
    masked = layers.Masking()(x)
    np.testing.assert_array_equal(masked._keras_mask, [[True, False]])
    np.testing.assert_array_equal(layers.Dense(3)(masked)._keras_mask, [[True, False]])
    np.testing.assert_array_equal(layers.Dropout(0.5)(masked)._keras_mask, [[True, False]])
    assert getattr(layers.Flatten()(masked), "_keras_mask", None) is None
    pooled = layers.GlobalAveragePooling1D()(masked)
    np.testing.assert_array_equal(pooled, [[1.0, 2.0]])


def test_dropout_acts_in_training_only() -> None:
    x = np.ones((100, 100), "float32")
    layer = layers.Dropout(0.25)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    y = layer(x, training=True).numpy()
    assert set(np.unique(y).round(4)) == {0.0, np.float32(4 / 3).round(4)}
    assert abs((y == 0).mean() - 0.25) < 0.03


def test_the_mode_may_be_a_tensor() -> None:
    layer = layers.Dropout(0.5)
    step = tf.function(lambda x, training: layer(x, training=training))
    x = tf.ones((4, 50))
    np.testing.assert_array_equal(step(x, tf.constant(False)), x)
    assert (step(x, tf.constant(True)).numpy() == 0).any()


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (layers.SpatialDropout1D(0.5), (20, 5, 10), (1,)),
        (layers.SpatialDropout2D(0.5), (20, 3, 4, 10), (1, 2)),
        (layers.SpatialDropout2D(0.5, data_format="channels_first"), (20, 10, 3, 4), (2, 3)),
        (layers.SpatialDropout3D(0.5), (20, 2, 3, 4, 10), (1, 2, 3)),
    ],
)
def test_spatial_dropout_takes_whole_channels(layer: Any, shape: Any, axes: Any) -> None:
    y = layer(np.ones(shape, "float32"), training=True).numpy()
    assert set(y.mean(axes).reshape(-1).tolist()) == {0.0, 2.0}


def test_noise_has_the_moments_that_were_asked_for() -> None:
    keras.utils.set_random_seed(3)
    x = np.zeros((200, 200), "float32")
    noise = layers.GaussianNoise(0.5)(x, training=True).numpy()
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 0.5) < 0.01
    factor = layers.GaussianDropout(0.2)(x + 1, training=True).numpy()
    assert abs(factor.mean() - 1) < 0.01
    assert abs(factor.std() - 0.5) < 0.01
    normal = np.random.default_rng(0).normal(size=(200, 200)).astype("float32")
    kept = layers.AlphaDropout(0.3)(normal, training=True).numpy()
    assert abs(kept.mean()) < 0.02
    assert abs(kept.std() - 1) < 0.02


def test_random_layers_with_a_seed_repeat_themselves() -> None:
    x = np.ones((8, 8), "float32")

    def run() -> Any:
        tf.random.set_seed(1)
        return layers.Dropout(0.5, seed=7)(x, training=True)

    np.testing.assert_array_equal(run(), run())


def double(x: Any) -> Any:
    return x * 2


def test_lambda_calls_a_function_with_what_it_takes() -> None:
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(layers.Lambda(double)(x), x * 2)
    layer = layers.Lambda(lambda x, k, training=None: x * k if training else x, arguments={"k": 3.0})
    np.testing.assert_array_equal(layer(x, training=True), x * 3)
    np.testing.assert_array_equal(layer(x), x)
    assert layers.Lambda(double, output_shape=(7,)).compute_output_shape((None, 3)).as_list() == [None, 7]
    assert layers.Lambda(double).compute_output_shape((None, 3)).as_list() == [None, 3]
    shaped = layers.Lambda(double, output_shape=lambda shape: (shape[0], shape[1] + 1))
    assert shaped.compute_output_shape((None, 3)).as_list() == [None, 4]
    masked = layers.Lambda(double, mask=lambda inputs, mask: inputs[:, 0] > 0)
    assert masked(x)._keras_mask.numpy().tolist() == [True, True]


def test_lambda_refuses_variables_that_its_function_makes() -> None:
    with pytest.raises(ValueError, match="are not tracked by said layer"):
        layers.Lambda(lambda x: x * tf.Variable(1.0))(np.ones((1, 1), "float32"))


def test_lambda_speaks_once_of_variables_that_it_does_not_own(monkeypatch: pytest.MonkeyPatch) -> None:
    factor = tf.Variable(2.0)
    layer = layers.Lambda(lambda x: x * factor)
    said: list[str] = []
    monkeypatch.setattr(layer, "_warn", said.append)
    for _ in range(2):
        layer(np.ones((1, 1), "float32"))
    assert len(said) == 1
    assert "not present in its tracked objects" in said[0]


def test_lambda_reads_code_from_a_config_only_where_that_is_allowed() -> None:
    config = layers.Lambda(lambda x: x + 1).get_config()
    again = layers.Lambda.from_config(json.loads(json.dumps(config)))
    assert again(np.zeros((1, 1), "float32")).numpy().tolist() == [[1.0]]  # this process wrote it
    code, defaults, closure = layers.Lambda(lambda x: x + 3).get_config()["function"]
    foreign = {**config, "function": (code.replace("\n", " \n"), defaults, closure)}
    with pytest.raises(ValueError, match="safe_mode=False"):
        layers.Lambda.from_config(foreign)
    from calque.keras.saving.serialization import safe_mode_scope

    with safe_mode_scope(False):
        allowed = layers.Lambda.from_config(foreign)
    assert allowed(np.zeros((1, 1), "float32")).numpy().tolist() == [[3.0]]


def test_lambda_keeps_named_functions_by_name() -> None:
    config = {**layers.Lambda(double).get_config(), "function": "double", "function_type": "function"}
    again = layers.Lambda.from_config(config, custom_objects={"double": double})
    assert again.function is double
    with pytest.raises(TypeError, match="function_type"):
        layers.Lambda.from_config({**config, "function_type": "other"})


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("os", "getcwd"),
        ("os", {"class_name": "mkdir", "config": {"path": "made"}}),
        ("numpy", {"class_name": "savetxt", "config": {"fname": "made", "X": [1]}}),
        ("calque.io", "write_file"),
        ("builtins", "print"),
        (__name__, "mkdir"),
        (__name__, "Any"),
    ],
)
def test_a_named_function_is_the_programs_own_and_is_not_called(
    module: str, function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(globals(), "mkdir", os.mkdir)  # Python's, under another module's name
    config = {
        **layers.Lambda(double).get_config(),
        "function": function,
        "function_type": "function",
        "module": module,
    }
    with pytest.raises((TypeError, ValueError), match="Unknown function in Lambda layer"):
        layers.Lambda.from_config(config)
    assert not list(tmp_path.iterdir())
    own = layers.Lambda.from_config({**config, "function": "double", "module": __name__})
    assert own.function is double


def test_losses_on_symbols_become_layers_of_the_model() -> None:
    inputs = keras.Input((3,))
    outputs = layers.Dense(2, kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, outputs)
    model.add_loss(tf.reduce_sum(outputs))
    model(np.ones((2, 3), "float32"))
    assert [float(loss) for loss in model.losses] == [12.0]
    assert type(model.layers[-1]).__name__ == "AddLoss"


def test_a_layer_of_its_own_adds_losses() -> None:
    layer = layers.AddLoss(unconditional=True)
    layer(tf.constant(2.0))
    assert [float(loss) for loss in layer.losses] == [2.0]
    assert layer.get_config()["unconditional"] is True
