"""Checkpoints, ours in TensorFlow and TensorFlow's in ours."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from calque.module import Module
from calque.train import Checkpoint, CheckpointManager, list_variables, load_checkpoint
from calque.variable import Variable
from calque_runtime import errors
from interop.tf_process import TensorFlow, TensorFlowError

KEY = "/.ATTRIBUTES/VARIABLE_VALUE"
Pair = collections.namedtuple("Pair", "b a")
VALUES: dict[str, Any] = {
    "f": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
    "i": np.array([2**40, -1], np.int64),
    "b": np.array([True, False]),
    "c": np.array([1 + 2j], np.complex128),
    "h": np.array([1.5, -2.0], ml_dtypes.bfloat16),
    "empty": np.zeros((0, 3), np.float32),
    "big": np.arange(100_000, dtype=np.float64),
}


class M(Module):
    pass


def model(values: dict[str, Any]) -> Any:
    m = M()
    for name, value in values.items():
        setattr(m, name, Variable(value, name=name))
    m.text = Variable(["one", "", "\u00fc"] if values["f"].any() else ["", "", ""], name="text")
    m.items = [Variable(np.float32(7)), {"k/2": M(), "a.b": (Variable(np.int32(8)),)}]
    m.items[1]["k/2"].w = Variable(np.float32(9))
    m.pair = Pair(1, m.f)
    return m


def tensorflow_model(values, where, action):  # type: ignore[no-untyped-def]
    """The same model there: saves it, or restores it over zeros and returns all values."""
    import collections

    import numpy as np
    import tensorflow as tf

    Pair = collections.namedtuple("Pair", "b a")

    class M(tf.Module):
        pass

    zero = action != "save"
    fresh = np.zeros_like if zero else np.asarray
    m = M()
    for name, value in values.items():
        setattr(m, name, tf.Variable(fresh(value), name=name))
    m.text = tf.Variable(["", "", ""] if zero else ["one", "", "\u00fc"], name="text")
    m.items = [tf.Variable(fresh(np.float32(7))), {"k/2": M(), "a.b": (tf.Variable(fresh(np.int32(8))),)}]
    m.items[1]["k/2"].w = tf.Variable(fresh(np.float32(9)))
    m.pair = Pair(1, m.f)
    checkpoint = tf.train.Checkpoint(m=m)
    if action == "save":
        return checkpoint.save(where)
    checkpoint.restore(where).assert_consumed()
    return [v.numpy() for v in m.variables], int(checkpoint.save_counter.numpy())


def assert_equal(got: Any, expected: Any) -> None:
    assert len(got) == len(expected) > 10
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
        assert np.asarray(x).dtype == np.asarray(y).dtype


def test_ours_restores_in_tensorflow(tf: TensorFlow, tmp_path: Path) -> None:
    m = model(VALUES)
    path = Checkpoint(m=m).save(tmp_path / "ours")
    values, counter = tf.run(tensorflow_model, values=VALUES, where=path, action="restore")
    assert counter == 1
    assert_equal(values, [v.numpy() for v in m.variables])


def test_tensorflows_restores_in_ours(tf: TensorFlow, tmp_path: Path) -> None:
    path = tf.run(tensorflow_model, values=VALUES, where=str(tmp_path / "theirs"), action="save")
    m = model({name: np.zeros_like(value) for name, value in VALUES.items()})
    checkpoint = Checkpoint(m=m)
    checkpoint.restore(path).assert_consumed()
    assert_equal([v.numpy() for v in m.variables], [v.numpy() for v in model(VALUES).variables])
    assert checkpoint.save_counter.numpy() == 1


def test_both_write_the_same_bytes(tf: TensorFlow, tmp_path: Path) -> None:
    theirs = tf.run(tensorflow_model, values=VALUES, where=str(tmp_path / "theirs"), action="save")
    ours = Checkpoint(m=model(VALUES)).save(tmp_path / "ours")
    for extension in (".index", ".data-00000-of-00001"):
        assert Path(ours + extension).read_bytes() == Path(theirs + extension).read_bytes()


def test_tensorflow_lists_and_reads_ours(tf: TensorFlow, tmp_path: Path) -> None:
    manager = CheckpointManager(Checkpoint(m=model(VALUES)), tmp_path, max_to_keep=2)
    for _ in range(3):
        manager.save()
    code = """
    reader = tf.train.load_checkpoint(where)
    state = tf.train.get_checkpoint_state(where)
    result = (
        tf.train.latest_checkpoint(where),
        list(state.all_model_checkpoint_paths),
        tf.train.list_variables(where),
        {k: reader.get_tensor(k) for k in reader.get_variable_to_shape_map() if k[0] != "_"},
    )
    """
    latest, paths, listed, values = tf.run(code, where=str(tmp_path))
    assert (latest, paths) == (manager.latest_checkpoint, manager.checkpoints)
    assert [(name, list(shape)) for name, shape in listed] == list_variables(tmp_path)
    reader = load_checkpoint(tmp_path)
    assert len(values) == len(VALUES) + 5
    for key, value in values.items():
        np.testing.assert_array_equal(np.asarray(value), reader.get_tensor(key))


def test_managers_take_over_each_others_directories(tf: TensorFlow, tmp_path: Path) -> None:
    ours = CheckpointManager(Checkpoint(v=Variable(1.0)), tmp_path, max_to_keep=2)
    ours.save()
    ours.save()
    code = """
    v = tf.Variable(0.0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=v), where, max_to_keep=2)
    manager.restore_or_initialize()
    v.assign_add(4.0)
    manager.save()
    result = manager.checkpoints
    """
    theirs = tf.run(code, where=str(tmp_path))
    v = Variable(0.0)
    back = CheckpointManager(Checkpoint(v=v), tmp_path, max_to_keep=2)
    assert back.checkpoints == theirs == [str(tmp_path / "ckpt-2"), str(tmp_path / "ckpt-3")]
    back.restore_or_initialize()
    assert v.numpy() == 5.0


def test_deferred_restoration_there_and_here_agree(tf: TensorFlow, tmp_path: Path) -> None:
    path = Checkpoint(m=model(VALUES)).save(tmp_path / "ours")
    code = """
    class M(tf.Module):
        pass
    m = M()
    status = tf.train.Checkpoint(m=m).restore(where)
    m.i = tf.Variable([0, 0], dtype=tf.int64)
    m.items = []
    m.items.append(tf.Variable(0.0))
    try:
        m.f = tf.Variable([0.0])
        error = None
    except Exception as e:
        error = type(e).__name__
    result = m.i.numpy(), m.items[0].numpy(), error
    """
    m = M()
    Checkpoint(m=m).restore(path)
    m.i = Variable(np.zeros(2, np.int64))
    m.items = []
    m.items.append(Variable(0.0))
    there = tf.run(code, where=path)
    np.testing.assert_array_equal(there[0], m.i.numpy())
    assert there[1:] == (m.items[0].numpy(), "ValueError")
    with pytest.raises(ValueError, match="incompatible tensor with shape"):
        m.f = Variable([0.0])


@pytest.mark.parametrize(
    ("variable", "error"),
    [(np.zeros(3, np.float32), ValueError), (np.zeros(2, np.float64), errors.InvalidArgumentError)],
)
def test_the_same_errors(tf: TensorFlow, tmp_path: Path, variable: Any, error: type[Exception]) -> None:
    path = Checkpoint(v=Variable([1.0, 2.0])).save(tmp_path / "a")
    with pytest.raises(error):
        Checkpoint(v=Variable(variable)).restore(path)
    with pytest.raises(TensorFlowError) as caught:
        tf.run("tf.train.Checkpoint(v=tf.Variable(x)).restore(where)", where=path, x=variable)
    assert caught.value.kind == error.__name__


def test_restoring_a_saved_model_of_tensorflows(tf: TensorFlow, tmp_path: Path) -> None:
    code = """
    m = tf.Module()
    m.v, m.items = tf.Variable(3.0), [tf.Variable([4, 5])]
    tf.saved_model.save(m, where)
    """
    tf.run(code, where=str(tmp_path / "model"))
    m = M()
    m.v, m.items = Variable(0.0), [Variable([0, 0])]
    Checkpoint(m).restore(tmp_path / "model")
    assert (m.v.numpy(), m.items[0].numpy().tolist()) == (3.0, [4, 5])
