"""Objects as data and back: both forms, names of one's own, and what is refused."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque.keras.saving import legacy_serialization, serialization

keras = tf.keras
saving = keras.saving


@pytest.fixture(autouse=True)
def _nothing_stays_registered() -> Iterator[None]:
    before = dict(saving.get_custom_objects())
    yield
    saving.get_custom_objects().clear()
    saving.get_custom_objects().update(before)


class Halve:
    """An object with a config that holds another one."""

    def __init__(self, factor: float = 0.5, inner: Any = None) -> None:
        self.factor, self.inner = factor, inner

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "inner": self.inner}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Halve:
        return cls(**config)


def triple(x: Any) -> Any:
    return 3 * x


def test_the_form_of_a_public_class() -> None:
    written = saving.serialize_keras_object(keras.regularizers.L2(0.5))
    assert written == {
        "module": "keras.regularizers",
        "class_name": "L2",
        "config": {"l2": 0.5},
        "registered_name": None,
    }
    assert saving.deserialize_keras_object(written).l2 == 0.5


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (1.5, 1.5),
        ("text", "text"),
        ([1, (2, "a")], [1, (2, "a")]),
        ({"a": np.float32(0.5)}, {"a": 0.5}),
        (b"ab", {"class_name": "__bytes__", "config": {"value": "ab"}}),
        (tf.TensorShape([None, 2]), [None, 2]),
        (tf.float16, "float16"),
        (np.arange(2), {"class_name": "__numpy__", "config": {"value": [0, 1], "dtype": "int64"}}),
        (
            tf.constant([1.0]),
            {"class_name": "__tensor__", "config": {"value": [1.0], "dtype": "float32"}},
        ),
    ],
)
def test_plain_values(value: Any, written: Any) -> None:
    assert saving.serialize_keras_object(value) == written
    again = saving.deserialize_keras_object(written)
    if isinstance(value, (bytes, np.ndarray, tf.Tensor)):
        np.testing.assert_array_equal(again, value)


def test_a_class_of_one_s_own() -> None:
    written = saving.serialize_keras_object(Halve(0.25, keras.initializers.Zeros()))
    assert written["registered_name"] == written["class_name"] == "Halve"
    assert written["config"]["inner"]["class_name"] == "Zeros"
    found = saving.deserialize_keras_object(written, {"Halve": Halve})
    assert (type(found), found.factor) == (Halve, 0.25)
    with keras.utils.custom_object_scope({"Halve": Halve}):
        assert isinstance(saving.deserialize_keras_object(written), Halve)
    with pytest.raises(TypeError, match="Could not locate class 'Halve'"):
        saving.deserialize_keras_object(written | {"module": "nowhere.at.all"})


def test_registered_names() -> None:
    class Known(Halve):
        pass

    registered = saving.register_keras_serializable("package", "half")(Known)
    assert registered is Known
    assert saving.get_registered_name(Known) == "package>half"
    assert saving.get_registered_object("package>half") is Known
    assert saving.get_registered_object("nothing") is None
    written = saving.serialize_keras_object(Known())
    assert written["registered_name"] == "package>half"
    assert isinstance(saving.deserialize_keras_object(written | {"module": None}), Known)
    old = keras.utils.legacy.serialize_keras_object(Known())
    assert old["class_name"] == "package>half"
    assert isinstance(keras.utils.legacy.deserialize_keras_object(old, {}), Known)
    with pytest.raises(ValueError, match="Cannot register class 'object', which has no get_config"):
        saving.register_keras_serializable()(object)


def test_scopes_end_and_nest() -> None:
    with keras.utils.CustomObjectScope({"a": 1}) as scope:
        with keras.utils.CustomObjectScope({"a": 2, "b": 3}):
            assert saving.get_registered_object("a") == 2
        assert (saving.get_registered_object("a"), saving.get_registered_object("b")) == (1, None)
        with scope:
            assert saving.get_registered_object("a") == 1
        assert saving.get_registered_object("a") == 1
    assert saving.get_registered_object("a") is None


def test_modules_are_never_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    there = types.ModuleType("somebodys_layers")
    config = {"module": there.__name__, "class_name": "Halve", "config": {}, "registered_name": "Halve"}
    with pytest.raises(TypeError, match="Could not locate class"):
        saving.deserialize_keras_object(config)
    there.Halve = Halve  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, there.__name__, there)
    assert isinstance(saving.deserialize_keras_object(config), Halve)
    for module in ("this", "shutil"):  # Python's own: not imported, and not used where it is
        imported = module in sys.modules
        with pytest.raises(TypeError, match="Could not locate"):
            saving.deserialize_keras_object({**config, "module": module, "class_name": "Template"})
        assert (module in sys.modules) == imported


def test_lambdas_are_code() -> None:
    with pytest.warns(UserWarning, match="written as its code"):
        written = saving.serialize_keras_object(lambda x: x + 1)
    with pytest.raises(ValueError, match="safe_mode=False"):
        saving.deserialize_keras_object(written)
    assert saving.deserialize_keras_object(written, safe_mode=False)(2) == 3
    with serialization.safe_mode_scope(False):
        assert saving.deserialize_keras_object(written)(2) == 3
    with pytest.raises(ValueError, match="another version of Python, or is damaged"):
        saving.deserialize_keras_object(
            {"class_name": "__lambda__", "config": {"value": ["", None, None]}}, safe_mode=False
        )


def test_functions() -> None:
    written = saving.serialize_keras_object(keras.losses.mse)
    assert written == {
        "module": "builtins",
        "class_name": "function",
        "config": "mean_squared_error",
        "registered_name": "function",
    }
    assert saving.deserialize_keras_object(written) is keras.losses.mse
    own = saving.serialize_keras_object(triple)
    assert saving.deserialize_keras_object(own, {"triple": triple}) is triple
    with keras.utils.custom_object_scope({"triple": triple}):
        assert keras.activations.get("triple") is triple
        assert keras.activations.get(own) is triple
    assert keras.activations.serialize(triple) == own


def test_the_older_form() -> None:
    written = keras.losses.serialize(keras.losses.Huber(0.5), use_legacy_format=True)
    assert written["class_name"] == "Huber"
    assert set(written) == {"class_name", "config"}
    assert keras.losses.deserialize(written).get_config() == keras.losses.Huber(0.5).get_config()
    nested = keras.utils.legacy.serialize_keras_object(Halve(inner=keras.initializers.Ones()))
    assert nested["config"]["inner"]["__passive_serialization__"] is True
    again = keras.utils.legacy.deserialize_keras_object(
        nested, {"Halve": Halve, "Ones": keras.initializers.Ones}
    )
    assert isinstance(again.inner, keras.initializers.Ones)
    assert nested["config"]["inner"]["class_name"] == "Ones"  # reading leaves it as it was
    with legacy_serialization.saved_model_scope():
        assert set(keras.losses.serialize(keras.losses.Huber())) == {"class_name", "config"}


def test_shared_objects() -> None:
    shared = Halve()
    with legacy_serialization.SharedObjectSavingScope():
        written = [legacy_serialization.serialize_keras_object(shared) for _ in range(2)]
        other = legacy_serialization.serialize_keras_object(Halve())
    assert written[0]["shared_object_id"] == written[1]["shared_object_id"] == 0
    assert "shared_object_id" not in other
    with legacy_serialization.SharedObjectLoadingScope():
        a, b = (legacy_serialization.deserialize_keras_object(dict(w), {"Halve": Halve}) for w in written)
    assert a is b


def test_what_cannot_be_written_or_read() -> None:
    class Bare:
        pass

    class Wrong(Halve):
        def get_config(self) -> Any:
            return [1]

    class Unable(Halve):
        def get_config(self) -> Any:
            raise NotImplementedError("no config")

    for write, error, message in (
        (lambda: saving.serialize_keras_object(Bare()), TypeError, "must implement the `get_config"),
        (lambda: saving.serialize_keras_object(Wrong()), TypeError, "should return a dict"),
        (
            lambda: keras.utils.legacy.serialize_keras_object(Bare()),
            ValueError,
            "doesn't implement `get_config",
        ),
        (lambda: keras.utils.legacy.serialize_keras_object(Unable()), NotImplementedError, "no config"),
        (
            lambda: keras.utils.legacy.deserialize_keras_object({"class_name": "A"}, {}),
            ValueError,
            "Improper config",
        ),
        (lambda: keras.utils.legacy.deserialize_keras_object(3, {}), ValueError, "Could not interpret"),
        (lambda: saving.deserialize_keras_object(object()), TypeError, "Could not parse config"),
    ):
        with pytest.raises(error, match=message):
            write()  # type: ignore[no-untyped-call]
    with legacy_serialization.skip_failed_serialization():
        written = keras.utils.legacy.serialize_keras_object(Unable())
    assert written["config"] == {legacy_serialization.UNDEFINED_CONFIG_KEY: True}


ROOMS = {
    "activations": ("relu", TypeError, "Could not interpret activation function identifier"),
    "constraints": ("non_neg", ValueError, "Could not interpret constraint function identifier"),
    "initializers": ("zeros", ValueError, "Could not interpret initializer identifier"),
    "losses": ("mse", ValueError, "Could not interpret loss function identifier"),
    "optimizers": ("sgd", ValueError, "Could not interpret optimizer identifier"),
    "regularizers": ("l1", ValueError, "Could not interpret regularizer identifier"),
}


@pytest.mark.parametrize("room", ROOMS)
def test_getting_by_name(room: str) -> None:
    module = getattr(keras, room)
    name, error, message = ROOMS[room]
    found = module.get(name)
    assert module.get(found) is found
    with pytest.raises(ValueError, match="Unknown .*: 'nothing'. If it is"):
        module.get("nothing")
    with pytest.raises(error, match=message):
        module.get(7)
    if room != "activations":
        kind = type(found) if room != "losses" else None
        written = module.serialize(found) if kind else module.serialize(keras.losses.MeanSquaredError())
        assert written["module"] == f"keras.{room}"
        for form in (written, {"class_name": written["class_name"], "config": written["config"]}):
            if room != "optimizers" or "module" in form:
                assert type(module.get(form)).__name__ == written["class_name"]
        with pytest.warns(UserWarning, match=f"keras.{room}.serialize"):
            module.serialize(Halve())
    if room != "optimizers":
        assert module.get(None) is (keras.activations.linear if room == "activations" else None)


def test_optimizers_by_name() -> None:
    assert isinstance(keras.optimizers.get("Adam"), keras.optimizers.Adam)
    assert isinstance(keras.optimizers.get("adam", use_legacy_optimizer=True), keras.optimizers.legacy.Adam)
    old = {"class_name": "Adam", "config": {"learning_rate": 0.5}}
    assert isinstance(keras.optimizers.get(old), keras.optimizers.legacy.Adam)
    new = {"class_name": "Adam", "config": {"learning_rate": 0.5, "is_legacy_optimizer": False}}
    assert isinstance(keras.optimizers.get(new), keras.optimizers.Adam)
    older = keras.optimizers.legacy.SGD(0.5, momentum=0.5)
    written = keras.optimizers.serialize(older)
    assert written["module"] == "keras.optimizers.legacy"
    assert keras.optimizers.deserialize(written).get_config() == older.get_config()
