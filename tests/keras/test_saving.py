"""Models as directories: saved in Keras 2's form, loaded as models again, by class or as what their functions do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
import calque_runtime
from calque_runtime.wire.keras_metadata import FILE_NAME, decode_keras_metadata, encode_keras_metadata

keras = tf.keras
layers = keras.layers

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    keras.backend.clear_session()


class Scale(layers.Layer):
    """A layer of the user's own, with a loss, and something else in training."""

    def __init__(self, start: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = start
        self.inner = layers.Dense(4)

    def build(self, shape: Any) -> None:
        self.factor = self.add_weight(
            name="factor", shape=(), initializer=keras.initializers.Constant(self.start)
        )
        super().build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        y = self.inner(x) * self.factor
        if training:
            y = y + 1.0
        self.add_loss(tf.reduce_mean(y))
        return y

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start}


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.parts = [layers.Dense(4, activation="relu"), Scale()]
        self.head = keras.Sequential([layers.Dense(2)])

    def call(self, x: Any) -> Any:
        for layer in self.parts:
            x = layer(x)
        return self.head(x)


def functional() -> Any:
    x = keras.Input((4,), name="x")
    hidden = Scale(name="scale")(x)
    out = layers.Dense(2, kernel_regularizer="l2", activity_regularizer="l1")(hidden) + tf.reduce_sum(
        x, 1, keepdims=True
    )
    return keras.Model(x, out)


def sequential() -> Any:
    return keras.Sequential(
        [layers.Dense(3, activation="relu", input_shape=(4,)), layers.Dropout(0.5), layers.Dense(2)]
    )


def subclassed() -> Any:
    model = Own()
    model(X)
    return model


MAKERS = {"functional": functional, "sequential": sequential, "subclassed": subclassed}
each = pytest.mark.parametrize("name", MAKERS)


@each
def test_unknown_classes_do_what_they_did(name: str, tmp_path: Path) -> None:
    model = MAKERS[name]()
    want = model(X)
    wanted_losses = sorted(float(x) for x in model.losses)
    model.save(tmp_path / "m")
    loaded = keras.models.load_model(tmp_path / "m")
    np.testing.assert_allclose(loaded(X), want, rtol=1e-6)
    assert sorted(float(x) for x in loaded.losses) == pytest.approx(wanted_losses)
    assert [v.name for v in loaded.weights] == [v.name for v in model.weights]
    if name != "sequential":
        np.testing.assert_allclose(loaded(X, training=True), model(X, training=True), rtol=1e-6)


@each
def test_known_classes_come_back(name: str, tmp_path: Path) -> None:
    model = MAKERS[name]()
    model.save(tmp_path / "m")
    loaded = keras.models.load_model(tmp_path / "m", custom_objects={"Scale": Scale, "Own": Own})
    assert type(loaded) is type(model)
    assert [type(x) for x in loaded.layers] == [type(x) for x in model.layers]
    np.testing.assert_allclose(loaded(X), model(X), rtol=1e-6)


@each
def test_it_is_trained_on_and_saved_again(name: str, tmp_path: Path) -> None:
    MAKERS[name]().save(tmp_path / "m")
    model = keras.models.load_model(tmp_path / "m")
    optimizer = keras.optimizers.SGD(0.1)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(X, training=True) ** 2) + sum(model.losses)
        gradients = tape.gradient(loss, model.trainable_weights)
        assert all(g is not None for g in gradients)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    model.save(tmp_path / "again")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "again")(X), model(X), rtol=1e-6)


@each
def test_the_same_model_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    model = MAKERS[name]()
    for folder in ("a", "b"):
        model.save(tmp_path / folder)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert Path(FILE_NAME) in files
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


@each
def test_the_runtime_runs_it(name: str, tmp_path: Path) -> None:
    model = MAKERS[name]()
    model.save(tmp_path / "m")
    loaded = calque_runtime.load(tmp_path / "m")
    signature = loaded.signatures["serving_default"]
    (result,) = signature(**{next(iter(signature.inputs)): X}).values()
    np.testing.assert_allclose(result, model(X), rtol=1e-6)
    np.testing.assert_allclose(loaded(X), model(X), rtol=1e-6)


@each
def test_saved_by_tf_saved_model_it_has_a_signature_and_no_metadata(name: str, tmp_path: Path) -> None:
    model = MAKERS[name]()
    tf.saved_model.save(model, tmp_path / "m")
    assert not (tmp_path / "m" / FILE_NAME).exists()
    loaded = tf.saved_model.load(tmp_path / "m")
    np.testing.assert_allclose(loaded(X), model(X), rtol=1e-6)
    assert list(loaded.signatures) == ["serving_default"]
    inference = keras.models.load_model(tmp_path / "m")
    np.testing.assert_allclose(inference(X), model(X), rtol=1e-6)


def test_a_layer_in_a_module_is_saved_with_it(tmp_path: Path) -> None:
    class Holder(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Scale()

        @tf.function(input_signature=[tf.TensorSpec([None, 4])])
        def __call__(self, x: Any) -> Any:
            return self.layer(x)

    module = Holder()
    want = module(X)
    tf.saved_model.save(module, tmp_path / "m")
    np.testing.assert_allclose(tf.saved_model.load(tmp_path / "m")(X), want, rtol=1e-6)


def test_metadata_is_keras_twos(tmp_path: Path) -> None:
    sequential().save(tmp_path / "m")
    nodes = decode_keras_metadata((tmp_path / "m" / FILE_NAME).read_bytes())
    assert [(n.path, n.identifier) for n in nodes] == [
        ("root", "_tf_keras_sequential"),
        ("root.layer_with_weights-0", "_tf_keras_layer"),
        ("root.layer-1", "_tf_keras_layer"),
        ("root.layer_with_weights-1", "_tf_keras_layer"),
    ]
    said = json.loads(nodes[1].metadata)
    assert said["class_name"] == "Dense"
    assert said["build_input_shape"] == {"class_name": "TensorShape", "items": [None, 4]}
    assert said["config"]["batch_input_shape"] == {"class_name": "__tuple__", "items": [None, 4]}
    assert said["config"]["kernel_initializer"]["class_name"] == "GlorotUniform"
    assert "module" not in said["config"]["kernel_initializer"]


def test_without_traces_classes_must_be_known(tmp_path: Path) -> None:
    functional().save(tmp_path / "m", save_traces=False)
    known = keras.models.load_model(tmp_path / "m", custom_objects={"Scale": Scale})
    assert known(X).shape == (3, 2)
    with pytest.raises(tf.errors.UnimplementedError, match="Scale.*custom_objects"):
        keras.models.load_model(tmp_path / "m")(X)


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    unbuilt = keras.Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="cannot be saved"):
        unbuilt.save(tmp_path / "m")
    with pytest.raises(tf.errors.UnimplementedError, match="SavedModel"):
        sequential().save(tmp_path / "m.h5")
    sequential().save(tmp_path / "m")
    with pytest.raises(FileExistsError, match="overwrite"):
        sequential().save(tmp_path / "m", overwrite=False)
    with pytest.raises(ValueError, match="not supported"):
        keras.models.save_model(sequential(), tmp_path / "m", colour=3)


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        keras.models.load_model(tmp_path / "nothing")
    archive = tmp_path / "m.keras"
    archive.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(tf.errors.UnimplementedError, match="export"):
        keras.models.load_model(archive)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(tf.errors.UnimplementedError, match="neither"):
        keras.models.load_model(tmp_path / "text")


@each
def test_weights_alone(name: str, tmp_path: Path) -> None:
    model, twin = MAKERS[name](), MAKERS[name]()
    model.save_weights(tmp_path / "w")
    twin.load_weights(tmp_path / "w").assert_consumed()
    np.testing.assert_allclose(twin(X), model(X), rtol=1e-6)
    model.save(tmp_path / "m")
    third = MAKERS[name]()
    third.load_weights(tmp_path / "m")
    np.testing.assert_allclose(third(X), model(X), rtol=1e-6)
    with pytest.raises(tf.errors.UnimplementedError, match="HDF5"):
        model.save_weights(tmp_path / "w.h5")


def test_export_is_for_inference_alone(tmp_path: Path) -> None:
    model = functional()
    model.export(tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")
    np.testing.assert_allclose(loaded.serve(X), model(X), rtol=1e-6)
    assert sorted(loaded.signatures) == ["serve", "serving_default"]
    assert len(loaded.variables) == len(model.variables)
    with pytest.raises(ValueError, match="never been called"):
        Own().export(tmp_path / "n")


@pytest.mark.parametrize(
    "function",
    [
        "io.gfile.remove",
        "io.write_file",
        "saved_model.save",
        "py_function",
        "experimental.numpy",
        "os.remove",
    ],
)
def test_ops_of_a_configuration_are_functions_of_tensors_alone(function: str) -> None:
    config = {
        "name": "m",
        "layers": [
            {
                "class_name": "TFOpLambda",
                "config": {"name": "evil", "trainable": True, "dtype": "float32", "function": function},
                "name": "evil",
                "inbound_nodes": [["_CONSTANT_VALUE", -1, "/tmp/nothing", {}]],
            }
        ],
        "input_layers": [["evil", 0, 0]],
        "output_layers": [["evil", 0, 0]],
    }
    with pytest.raises(ValueError, match="no function"):
        keras.Model.from_config(config)


@pytest.mark.parametrize(("module", "name"), [("shutil", "rmtree"), ("calque.io", "write_file")])
def test_functions_of_libraries_are_out_of_reach(module: str, name: str) -> None:
    config = {"module": module, "class_name": "function", "config": name, "registered_name": "function"}
    with pytest.raises((TypeError, ValueError), match=name):
        keras.layers.deserialize(
            {
                "module": "keras.layers",
                "class_name": "Activation",
                "config": {"activation": config},
                "registered_name": None,
            }
        )


def test_a_class_that_cannot_be_made_again_says_why(tmp_path: Path) -> None:
    class Broken(Scale):
        def __init__(self, **kwargs: Any) -> None:
            raise ValueError("no such thing as a broken scale")

    model = functional()
    model.save(tmp_path / "m")
    with pytest.warns(UserWarning, match="your class Scale.*no such thing as a broken scale"):
        loaded = keras.models.load_model(tmp_path / "m", custom_objects={"Scale": Broken})
    np.testing.assert_allclose(loaded(X), model(X), rtol=1e-6)


@pytest.mark.parametrize(
    "damaged",
    [
        '{"class_name": "__tuple__"}',
        '{"class_name": "TypeSpec", "type_spec": "tf.TensorSpec"}',
        "{",
        "[]",
        "3",
    ],
)
def test_damaged_metadata_is_an_error_that_says_where(damaged: str, tmp_path: Path) -> None:
    sequential().save(tmp_path / "m")
    file = tmp_path / "m" / FILE_NAME
    first, *rest = decode_keras_metadata(file.read_bytes())
    file.write_bytes(encode_keras_metadata([first._replace(metadata=damaged), *rest]))
    with pytest.raises(tf.errors.DataLossError, match=f"{FILE_NAME}: what it says of object 0"):
        keras.models.load_model(tmp_path / "m")
    file.write_bytes(encode_keras_metadata([first._replace(node_id=9999)]))
    with pytest.raises(tf.errors.DataLossError, match="object 9999"):
        keras.models.load_model(tmp_path / "m")
    file.write_bytes(b"\xff\xff")
    with pytest.raises(tf.errors.DataLossError, match=FILE_NAME):
        keras.models.load_model(tmp_path / "m")
