"""Layers: built once, called through `call`, their weights listed in Keras 2's order and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

keras = tf.keras
layers = keras.layers


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    keras.backend.clear_session()


class Linear(layers.Layer):
    def __init__(self, units: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.built_for: list[Any] = []

    def build(self, input_shape: Any) -> None:
        self.built_for.append(tuple(input_shape))
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        return tf.matmul(inputs, self.kernel) + self.bias


def test_it_is_built_once_by_its_first_call() -> None:
    layer = Linear(3)
    assert not layer.built
    assert layer.weights == []
    out = layer(np.ones((2, 4), np.float32))
    layer(np.ones((5, 4), np.float32))
    assert layer.built
    assert layer.built_for == [(2, 4)]
    np.testing.assert_allclose(out, np.ones((2, 4), np.float32) @ layer.kernel.numpy(), rtol=1e-6)


def test_names_are_unique_and_weights_have_the_layers() -> None:
    first, second = Linear(), Linear()
    named = Linear(name="mine")
    for layer in (first, second, named):
        layer(tf.ones((1, 3)))
    assert [v.name for v in first.weights] == ["linear/kernel:0", "linear/bias:0"]
    assert [v.name for v in second.weights] == ["linear_1/kernel:0", "linear_1/bias:0"]
    assert [v.name for v in named.weights] == ["mine/kernel:0", "mine/bias:0"]


class Nested(layers.Layer):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = tf.Variable(2.0, trainable=False, name="scale")
        self.inner = [Linear(3), Linear(2)]
        self.by_name = {"b": Linear(1), "a": Linear(1)}

    def call(self, x: Any) -> Any:
        for layer in self.inner:
            x = layer(x)
        return self.by_name["a"](x) + self.by_name["b"](x) * self.scale


def test_layers_in_lists_and_dicts_are_tracked() -> None:
    layer = Nested()
    layer(tf.ones((1, 4)))
    names = [v.name.removeprefix("nested/") for v in layer.trainable_weights]
    assert names[:4] == ["linear/kernel:0", "linear/bias:0", "linear_1/kernel:0", "linear_1/bias:0"]
    assert len(layer.trainable_weights) == 8
    assert [v.name for v in layer.non_trainable_weights] == ["scale:0"]
    assert len(layer.weights) == 9
    assert set(layer.submodules) == {*layer.inner, *layer.by_name.values()}


def test_a_layer_appended_to_a_list_counts() -> None:
    layer = Nested()
    layer.inner.append(Linear(2))
    layer(tf.ones((1, 4)))
    assert len(layer.weights) == 11


def test_what_an_attribute_lets_go_of_counts_no_longer() -> None:
    layer = Nested()
    layer(tf.ones((1, 4)))
    layer.inner = [Linear(2)]
    layer(tf.ones((1, 4)))
    assert len(layer.weights) == 1 + 2 + 4
    del layer.scale
    assert layer.non_trainable_weights == []


def test_trainable_is_switched_live_and_for_all_inside() -> None:
    layer = Nested()
    layer(tf.ones((1, 4)))
    layer.trainable = False
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 9
    assert not layer.inner[0].trainable
    layer.trainable = True
    layer.inner[0].trainable = False
    assert len(layer.trainable_weights) == 6
    assert len(layer.weights) == 9


def test_arrays_and_numbers_become_tensors() -> None:
    class Double(layers.Layer):
        def call(self, inputs: Any) -> Any:
            assert all(isinstance(x, tf.Tensor) for x in tf.nest.flatten(inputs))
            return tf.nest.map_structure(lambda x: x * 2, inputs)

    layer = Double()
    np.testing.assert_array_equal(layer(np.arange(3)), [0, 2, 4])
    got = layer({"a": 1.5, "b": [np.ones(2, np.float32)]})
    assert float(got["a"]) == 3.0
    with pytest.raises(ValueError, match="first argument"):
        layer()


@pytest.mark.parametrize("symbolic", [False, True])
def test_training_is_passed_down(symbolic: bool) -> None:
    seen: list[Any] = []

    class Inner(layers.Layer):
        def call(self, x: Any, training: Any = None) -> Any:
            seen.append(training)
            return x

    class Outer(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def call(self, x: Any) -> Any:
            return self.inner(x)

    class Switching(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.outer = Outer()

        def call(self, x: Any, training: bool = False) -> Any:
            return self.outer(x)

    layer: Any = Switching()
    if symbolic:
        x = keras.Input((2,))
        layer = keras.Model(x, layer(x))
        seen.clear()
    layer(tf.ones((1, 2)), training=True)
    layer(tf.ones((1, 2)))
    layer(tf.ones((1, 2)), training=False)
    assert [bool(t) for t in seen] == [True, False, False]


def test_masks_travel_with_tensors() -> None:
    class Source(layers.Layer):
        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return tf.not_equal(inputs, 0)

        def call(self, inputs: Any) -> Any:
            return tf.cast(inputs, tf.float32) * 1.0

    class Passing(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, inputs: Any) -> Any:
            return inputs + 1

    class Using(layers.Layer):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            return tf.where(mask, inputs, -1.0)

    class Blind(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 1.0

    x = tf.constant([[1, 0, 2]])
    hidden = Passing()(Source()(x))
    np.testing.assert_array_equal(hidden._keras_mask, [[True, False, True]])
    np.testing.assert_array_equal(Using()(hidden), [[2, -1, 3]])
    symbol = keras.Input((3,), dtype="int32")
    model = keras.Model(symbol, Using()(Passing()(Source()(symbol))))
    np.testing.assert_array_equal(model(x), [[2, -1, 3]])
    with pytest.raises(TypeError, match="does not support masking"):
        Blind().compute_mask(x, hidden._keras_mask)


def test_losses_are_those_of_the_last_call_and_regularizers() -> None:
    class Regular(layers.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(name="w", shape=(2,), initializer="ones", regularizer="l2")

        def call(self, x: Any) -> Any:
            self.add_loss(tf.reduce_sum(x))
            return x * self.w

    layer = Regular()
    layer(tf.ones((1, 2)))
    layer(tf.ones((3, 2)))
    assert sorted(float(loss) for loss in layer.losses) == pytest.approx([0.02, 6.0])
    with tf.GradientTape() as tape:
        layer(tf.ones((1, 2)))
        total = tf.add_n(layer.losses)
    np.testing.assert_allclose(tape.gradient(total, layer.w), [0.02, 0.02], rtol=1e-6)


def test_dtypes_follow_the_policy() -> None:
    layer = Linear(dtype="float64")
    assert layer(np.ones((1, 2), np.float32)).dtype == tf.float64
    mixed = Linear(dtype="mixed_bfloat16")
    out = mixed(np.ones((1, 2), np.float32))
    assert out.dtype == tf.bfloat16
    assert mixed.kernel.dtype == tf.float32
    assert (mixed.compute_dtype, mixed.variable_dtype) == ("bfloat16", "float32")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(mixed(np.ones((1, 2), np.float32)))
    assert tape.gradient(total, mixed.kernel).dtype == tf.float32
    kept = Linear(dtype="float64", autocast=False)
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        kept(np.ones((1, 2), np.float32))


@pytest.mark.parametrize(
    ("spec", "shape", "said"),
    [
        ({"ndim": 3}, (2, 3), "expected ndim=3, found ndim=2"),
        ({"min_ndim": 3}, (2, 3), "expected min_ndim=3, found ndim=2"),
        ({"max_ndim": 1}, (2, 3), "expected max_ndim=1, found ndim=2"),
        ({"axes": {-1: 4}}, (2, 3), "expected axis -1 of input shape to have value 4"),
        ({"shape": (None, 4)}, (2, 3), "expected shape="),
    ],
)
def test_input_spec_refuses(spec: dict[str, Any], shape: tuple[int, ...], said: str) -> None:
    layer = layers.Layer(name="strict")
    layer.input_spec = layers.InputSpec(**spec)
    with pytest.raises(ValueError, match=f'Input 0 of layer "strict" is incompatible with the layer: {said}'):
        layer(np.zeros(shape, np.float32))


def test_input_spec_counts_inputs() -> None:
    layer = layers.Layer(name="two")
    layer.input_spec = [layers.InputSpec(ndim=2), layers.InputSpec(ndim=2)]
    with pytest.raises(ValueError, match="expects 2 input"):
        layer([tf.ones((1, 1))])
    with pytest.raises(TypeError, match="InputSpec"):
        layer.input_spec = 3


def test_configurations() -> None:
    layer = Linear(5, name="l", trainable=False, dtype="float64")
    config = layer.get_config()
    assert config == {"name": "l", "trainable": False, "dtype": "float64", "units": 5}
    again = Linear.from_config(config)
    assert again.get_config() == config

    class Opaque(layers.Layer):
        def __init__(self, function: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    with pytest.raises(NotImplementedError, match="get_config"):
        Opaque(len).get_config()
    with pytest.raises(TypeError, match="deserializing class 'Linear'"):
        Linear.from_config({"unit": 3})


def test_bad_arguments() -> None:
    with pytest.raises(TypeError, match="Keyword argument not understood"):
        layers.Layer(unit=3)
    with pytest.raises(TypeError, match="boolean"):
        layers.Layer(trainable="yes")
    layer = layers.Layer()
    with pytest.raises(TypeError, match="unknown keyword"):
        layer.add_weight(name="w", shap=(3,))
    with pytest.raises(ValueError, match="count_params"):
        layer.count_params()

    class Forgetful(layers.Layer):
        def __init__(self) -> None:
            self.x = tf.Variable(1.0)

    with pytest.raises(RuntimeError, match="super"):
        Forgetful()


def test_set_weights() -> None:
    layer = Linear(2)
    with pytest.raises(ValueError, match="weight list of length 2"):
        layer.set_weights([np.ones((3, 2)), np.ones(2)])
    layer.build(tf.TensorShape([None, 3]))
    layer.set_weights([np.ones((3, 2)), np.ones(2)])
    np.testing.assert_array_equal(layer(np.ones((1, 3), np.float32)), [[4, 4]])
    with pytest.raises(ValueError, match="not compatible with provided weight shape"):
        layer.set_weights([np.ones((4, 2)), np.ones(2)])
    np.testing.assert_array_equal(layer.get_weights()[0], np.ones((3, 2)))


def test_call_is_converted_by_autograph_inside_functions_and_models() -> None:
    class Choosing(layers.Layer):
        def call(self, x: Any) -> Any:
            if tf.reduce_sum(x) > 0:
                return x
            return -x

    layer = Choosing()
    function = tf.function(lambda x: layer(x))
    np.testing.assert_array_equal(function(tf.constant([-3.0])), [3.0])
    x = keras.Input((1,))
    model = keras.Model(x, layer(x))
    np.testing.assert_array_equal(model(tf.constant([[-3.0]])), [[3.0]])


def test_the_wrong_width_is_refused_in_tensorflows_words() -> None:
    layer = Linear(3)
    layer(tf.ones((1, 3)))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"In\[0\].*\[1,4\].*In\[1\].*\[3,3\].*\[Op:MatMul\]"
    ):
        layer(tf.ones((1, 4)))


def test_compute_output_shape_traces_the_call() -> None:
    layer = Linear(3)
    assert layer.compute_output_shape((None, 4)) == (None, 3)
    assert layer.built
