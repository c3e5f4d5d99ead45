"""`SaveOptions`, `LoadOptions`, and loaded functions as TensorFlow's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf

TF1 = Path(__file__).parent / "tf1"


class Model(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.v = tf.Variable(2.0)

    @tf.function
    def scale(self, x: Any, times: int = 3) -> Any:
        return x * self.v * float(times)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = Model()
    model.scale(tf.constant(1.0))
    tf.saved_model.save(
        model, tmp_path / "m", options=tf.saved_model.SaveOptions(function_aliases={"scaled": model.scale})
    )
    return tmp_path / "m"


def test_aliases_lead_to_functions(saved: Path) -> None:
    assert not hasattr(tf.saved_model.load(saved), "function_aliases")
    options = tf.saved_model.LoadOptions(experimental_load_function_aliases=True)
    loaded = tf.saved_model.load(saved, options=options)
    assert loaded.function_aliases["scaled"](tf.constant(2.0)).numpy() == 12.0
    assert loaded.tensorflow_version == tf.version.VERSION


def test_an_aliased_function_need_not_be_saved(tmp_path: Path) -> None:
    model = tf.Module()
    inner = tf.function(lambda x: 2 * x)
    model.f = tf.function(lambda x: inner(x) + 1)
    model.f(tf.constant(1))
    model.f(tf.constant(1.0))
    options = tf.saved_model.SaveOptions(function_aliases={"inner": inner})
    tf.saved_model.save(model, tmp_path / "m", options=options)
    options = tf.saved_model.LoadOptions(experimental_load_function_aliases=True)
    one, two = tf.saved_model.load(tmp_path / "m", options=options).function_aliases["inner"]
    assert {one(tf.constant(4, one.function.inputs[0].dtype)).numpy(), two.name} == {8, two.name}
    with pytest.raises(TypeError, match="Unsupported type"):
        tf.saved_model.save(
            model, tmp_path / "m", options=tf.saved_model.SaveOptions(function_aliases={"a": print})
        )


def test_a_partial_checkpoint_is_taken_if_asked_for(saved: Path, tmp_path: Path) -> None:
    other = tf.Module()
    tf.saved_model.save(other, tmp_path / "empty")
    shutil.rmtree(saved / "variables")
    shutil.copytree(tmp_path / "empty" / "variables", saved / "variables")
    with pytest.raises(tf.errors.NotFoundError, match="no value for variable 'v'"):
        tf.saved_model.load(saved)
    loaded = tf.saved_model.load(saved, options=tf.saved_model.LoadOptions(allow_partial_checkpoint=True))
    with pytest.raises(tf.errors.FailedPreconditionError):
        loaded.v.numpy()
    loaded.v.assign(5.0)
    assert loaded.scale(tf.constant(1.0)).numpy() == 15.0


def test_values_need_not_be_restored(saved: Path) -> None:
    shutil.rmtree(saved / "variables")
    loaded = tf.saved_model.load(saved, options=tf.saved_model.LoadOptions(experimental_skip_checkpoint=True))
    loaded.v.assign(1.0)
    assert loaded.scale(tf.constant(1.0)).numpy() == 3.0


def test_what_is_not_there(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the directory does not exist"):
        tf.saved_model.load(tmp_path / "nothing")
    with pytest.raises(ValueError, match="no meta graph with the tags"):
        tf.saved_model.load(saved, tags="other")
    assert tf.saved_model.contains_saved_model(saved)
    assert not tf.saved_model.contains_saved_model(tmp_path)


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="invalid VariablePolicy value"):
        tf.saved_model.SaveOptions(experimental_variable_policy="x")
    with pytest.raises(TypeError, match="must be a list of strings"):
        tf.saved_model.SaveOptions(namespace_whitelist="x")  # type: ignore[arg-type]
    policy = tf.saved_model.experimental.VariablePolicy
    assert policy.from_obj("Save_Variable_Devices") is policy.SAVE_VARIABLE_DEVICES


def test_a_loaded_function_is_called_as_it_was_or_by_its_tensors(saved: Path) -> None:
    loaded = tf.saved_model.load(saved)
    concrete = loaded.scale.get_concrete_function(tf.TensorSpec([], tf.float32))
    x = tf.constant(1.0)
    assert concrete(x).numpy() == concrete(x=x).numpy() == concrete(x, 3).numpy() == 6.0
    assert str(concrete.function_type).startswith(
        "(x: TensorSpec(shape=(), dtype=tf.float32, name='x'), times: "
    )
    with pytest.raises(ValueError, match="Could not find matching concrete function to call loaded"):
        loaded.scale(x, 4)


def test_a_tensor_is_not_the_number_that_was_traced(tmp_path: Path) -> None:
    model = tf.Module()
    model.f = tf.function(lambda a: a if isinstance(a, int) else a + 1, autograph=False)
    model.f(2)
    model.f(tf.constant(2))
    tf.saved_model.save(model, tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")
    assert (loaded.f(2).numpy(), loaded.f(3).numpy(), loaded.f(tf.constant(2)).numpy()) == (2, 4, 3)


def test_composite_tensors_and_variables_as_arguments(tmp_path: Path) -> None:
    model = tf.Module()

    @tf.function
    def parts(ragged: Any, sparse: Any, variable: Any) -> Any:
        variable.assign_add(1.0)
        return ragged + 1.0, sparse

    ragged, sparse = tf.ragged.constant([[1.0], [2.0, 3.0]]), tf.sparse.from_dense([0, 7])
    model.f = parts
    model.f(ragged, sparse, tf.Variable(0.0))
    tf.saved_model.save(model, tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")
    mine = tf.Variable(3.0)
    one, two = loaded.f(ragged, sparse, mine)
    assert isinstance(one, tf.RaggedTensor)
    assert isinstance(two, tf.SparseTensor)
    assert one.to_list() == [[2.0], [3.0, 4.0]]
    np.testing.assert_array_equal(tf.sparse.to_dense(two), [0, 7])
    assert mine.numpy() == 4.0


@pytest.mark.parametrize("model", sorted(path.name for path in TF1.iterdir() if path.is_dir()))
def test_tf1_models_are_saved_again(tmp_path: Path, model: str) -> None:
    first = tf.saved_model.load(TF1 / model)
    tf.saved_model.save(first, tmp_path / "again")
    again = tf.saved_model.load(tmp_path / "again")
    assert set(again.signatures) == set(first.signatures)
    for name, signature in first.signatures.items():
        assert again.signatures[name].output_dtypes == signature.output_dtypes
