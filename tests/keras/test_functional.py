"""Functional models: graphs of layer calls, and of ops on symbolic tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

keras = tf.keras
layers = keras.layers

X = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    keras.backend.clear_session()


def test_a_chain_of_layers() -> None:
    x = keras.Input((4,), name="x")
    first, second = layers.Dense(3, activation="relu"), layers.Dense(2)
    model = keras.Model(x, second(first(x)))
    want = np.maximum(X @ first.kernel.numpy(), 0) @ second.kernel.numpy()
    np.testing.assert_allclose(model(X), want, rtol=1e-5, atol=1e-6)
    assert model.name == "model"
    assert [layer.name for layer in model.layers] == ["x", "dense", "dense_1"]
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert [v.name for v in model.weights] == [
        "dense/kernel:0",
        "dense/bias:0",
        "dense_1/kernel:0",
        "dense_1/bias:0",
    ]
    assert model.get_layer("dense") is first
    assert model.get_layer(index=2) is second
    with pytest.raises(ValueError, match="No such layer: nobody. Existing layers"):
        model.get_layer("nobody")


OPS: dict[str, tuple[Any, Any]] = {
    "operators": (lambda x: 1 - (x + 2) * x / 3 + x**2 - -x, lambda a: 1 - (a + 2) * a / 3 + a**2 + a),
    "comparison": (
        lambda x: tf.cast(x > 0, tf.float32) + tf.cast(x <= 0.5, tf.float32),
        lambda a: (a > 0) + 1.0 * (a <= 0.5),
    ),
    "reduction": (lambda x: tf.reduce_mean(x, axis=1, keepdims=True), lambda a: a.mean(1, keepdims=True)),
    "slices": (lambda x: x[:, 1:3] + x[:, tf.newaxis, 0], lambda a: a[:, 1:3] + a[:, None, 0]),
    "ellipsis": (lambda x: x[..., ::2], lambda a: a[..., ::2]),
    "matmul": (lambda x: x @ tf.ones((4, 2)), lambda a: a @ np.ones((4, 2), np.float32)),
    "lists": (lambda x: tf.concat([x, 2 * x], axis=1), lambda a: np.concatenate([a, 2 * a], 1)),
    "several results": (lambda x: tf.split(x, 2, axis=1)[1], lambda a: a[:, 2:]),
    "shape": (lambda x: tf.reshape(x, [tf.shape(x)[0], 2, 2]), lambda a: a.reshape(-1, 2, 2)),
    "where": (lambda x: tf.where(x > 0, x, 0.0), lambda a: np.where(a > 0, a, 0)),
    "nn": (
        lambda x: tf.nn.relu(x) + tf.nn.leaky_relu(x, alpha=0.5),
        lambda a: np.maximum(a, 0) + np.where(a > 0, a, a / 2),
    ),
    "abs, equality": (lambda x: abs(x) * tf.cast(x == x, tf.float32), np.abs),
    "backend": (lambda x: keras.backend.sum(x, axis=-1), lambda a: a.sum(-1)),
    "boolean": (
        lambda x: tf.cast(~(x > 0) | (x > 0.5), tf.int32),
        lambda a: (~(a > 0) | (a > 0.5)).astype(np.int32),
    ),
}


@pytest.mark.parametrize("name", OPS)
def test_ops_on_symbolic_tensors_become_layers(name: str) -> None:
    symbolic, numeric = OPS[name]
    x = keras.Input((4,))
    model = keras.Model(x, symbolic(x))
    np.testing.assert_allclose(model(X), numeric(X), rtol=1e-5, atol=1e-6)
    again = keras.Model.from_config(model.get_config())
    np.testing.assert_allclose(again(X), numeric(X), rtol=1e-5, atol=1e-6)
    from_json = keras.models.model_from_json(model.to_json())
    np.testing.assert_allclose(from_json(X), numeric(X), rtol=1e-5, atol=1e-6)


def test_several_inputs_and_outputs() -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    model = keras.Model({"a": a, "b": b}, {"sum": a + b, "product": a * b})
    got = model({"a": X, "b": 2 * X})
    np.testing.assert_allclose(got["sum"], 3 * X)
    np.testing.assert_allclose(got["product"], 2 * X * X)
    by_place = keras.Model([a, b], [a - b, a])
    np.testing.assert_allclose(by_place([X, 2 * X])[0], -X)
    np.testing.assert_allclose(by_place({"a": X, "b": 2 * X})[0], -X)
    with pytest.raises(ValueError, match="Missing data for input"):
        by_place({"a": X})
    with pytest.raises(ValueError, match="expects 2 input"):
        by_place([X])


def test_shared_layers_and_nested_models() -> None:
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, layers.Dense(3)(inner_in), name="inner")
    a, b = keras.Input((4,)), keras.Input((4,))
    shared = layers.Dense(2, name="shared")
    model = keras.Model([a, b], layers.Add()([shared(inner(a)), shared(inner(b))]))
    got = model([X, -X])
    np.testing.assert_allclose(
        got,
        2 * (inner.layers[1].bias.numpy() @ shared.kernel.numpy() + shared.bias.numpy()) + 0 * got,
        atol=1e-5,
    )
    assert len(model.weights) == 4
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again([X, 2 * X]), model([X, 2 * X]), rtol=1e-6)


def test_a_model_may_begin_at_a_layers_result() -> None:
    x = keras.Input((4,))
    hidden = layers.Dense(3)(x)
    out = layers.Dense(2)(hidden)
    whole, tail = keras.Model(x, out), keras.Model(hidden, out)
    head = keras.Model(x, hidden)
    np.testing.assert_allclose(tail(head(X)), whole(X), rtol=1e-6)


def test_bad_models() -> None:
    x, other = keras.Input((4,)), keras.Input((4,))
    with pytest.raises(ValueError, match="Graph disconnected"):
        keras.Model(x, layers.Dense(2)(other))
    with pytest.raises(ValueError, match="same input multiple times"):
        keras.Model([x, x], x + 1)
    with pytest.raises(ValueError, match="should be unique"):
        keras.Model(x, layers.Dense(2, name="d")(layers.Dense(2, name="d")(x)))
    with pytest.raises(TypeError, match="do not implement"):
        np.asarray(x)
    with pytest.raises(TypeError, match="truth values"):
        bool(x > 0)
    with pytest.raises(TypeError, match="Cannot iterate"):
        list(x)


def test_a_subclass_may_give_inputs_and_outputs_to_the_constructor() -> None:
    class Own(keras.Model):
        def train_step(self, data: Any) -> Any:
            return {}

    x = keras.Input((4,))
    model = Own(x, layers.Dense(2)(x))
    assert isinstance(model, Own)
    assert model(X).shape == (2, 2)
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "Dense"]


def test_it_is_traced_by_functions_and_has_gradients() -> None:
    x = keras.Input((4,))
    dense = layers.Dense(2)
    model = keras.Model(x, tf.reduce_sum(dense(x)))

    @tf.function
    def step(value: Any) -> Any:
        with tf.GradientTape() as tape:
            out = model(value)
        return tape.gradient(out, dense.kernel)

    np.testing.assert_allclose(step(X), np.repeat(X.sum(0)[:, None], 2, 1), atol=1e-5)


def test_inputs_are_cast_and_their_last_axis_added() -> None:
    x = keras.Input((1,))
    model = keras.Model(x, x * 2)
    np.testing.assert_array_equal(model(np.arange(3)), [[0], [2], [4]])


def test_sequential_with_and_without_a_shape() -> None:
    known = keras.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(2)])
    assert len(known.weights) == 4
    assert [layer.name for layer in known.layers] == ["dense", "dense_1"]
    late = keras.Sequential([layers.Dense(3), layers.Dense(2)])
    for what in ("weights", "trainable_weights", "non_trainable_variables"):
        with pytest.raises(ValueError, match=r"have not yet been created.*`build\(\)`"):
            getattr(late, what)
    with pytest.raises(ValueError, match="have not yet been created"):
        late.get_weights()
    assert late(X).shape == (2, 2)
    assert late(np.ones((5, 7, 4), np.float32)).shape == (5, 7, 2)  # of another rank
    built = keras.Sequential([layers.Dense(3), layers.Dense(2)])
    built.build((None, 4))
    assert len(built.weights) == 4
    for model in (known, late, built):
        again = keras.Sequential.from_config(model.get_config())
        again.build((None, 4))
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again(X), model(X), rtol=1e-6)


def test_sequential_grows_and_shrinks() -> None:
    model = keras.Sequential([keras.Input((4,))])
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    model.pop()
    assert model.output_shape == (None, 3)
    with pytest.raises(ValueError, match="unique names"):
        model.add(layers.Dense(1, name=model.layers[0].name))
    with pytest.raises(TypeError, match="must be an instance of class Layer"):
        model.add(3)
    with pytest.raises(TypeError, match="no layers"):
        keras.Sequential().pop()


def test_clone_model_makes_new_layers() -> None:
    x = keras.Input((4,))
    for model in (
        keras.Model(x, layers.Dense(2)(x) + 1),
        keras.Sequential([layers.Dense(2, input_shape=(4,))]),
    ):
        twin = keras.models.clone_model(model)
        assert not {id(v) for v in twin.weights} & {id(v) for v in model.weights}
        twin.set_weights(model.get_weights())
        np.testing.assert_allclose(twin(X), model(X), rtol=1e-6)


def test_checkpoints_name_layers_by_number() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(2)(layers.Activation("relu")(x)))
    view = tf.train.Checkpoint(root=model)._children_of(model)
    assert view["layer_with_weights-0"] is view["layer-2"] is model.layers[2]
