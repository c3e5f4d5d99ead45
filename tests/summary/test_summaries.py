"""Summaries are, message for message, what TensorFlow and TensorBoard's plugins write."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque import errors
from summary.logging_program import log
from summary.reading import events, values

GOLDEN = Path(__file__).parent / "golden" / "events"


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Any:
    yield
    assert tf.summary.experimental.get_step() is None
    assert not tf.summary.should_record_summaries().numpy()


def pixels(value: Any) -> list[Any]:
    """The pictures of an image summary; PNG writers may choose what bytes stand for them."""
    image = pytest.importorskip("PIL.Image")
    return [np.asarray(image.open(io.BytesIO(data))).tolist() for data in value.tensor.string_val[2:]]


def test_events_are_tensorflows(tmp_path: Path) -> None:
    before = time.time()
    log(tf, str(tmp_path))
    ours, theirs = events(tmp_path), events(GOLDEN)
    assert [e.step for e in ours] == [e.step for e in theirs]
    assert ours[0].file_version == theirs[0].file_version == "brain.Event:2"
    assert [e.wall_time for e in ours] == sorted(e.wall_time for e in ours)
    assert before <= ours[0].wall_time <= time.time()
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        (mine,), (wanted,) = one.summary.value, other.summary.value
        if wanted.metadata.plugin_data.plugin_name == "images":
            assert pixels(mine) == pixels(wanted)
            for value in mine, wanted:
                del value.tensor.string_val[2:]
        assert mine == wanted


def test_the_file_is_named_as_tensorflows(tmp_path: Path) -> None:
    for suffix in (None, "mine"):
        tf.summary.create_file_writer(tmp_path / "new" / "er", filename_suffix=suffix).close()
    names = sorted(p.name.split(".")[2:] for p in (tmp_path / "new" / "er").iterdir())
    assert all(name[0] == "tfevents" and name[1].isdigit() for name in names)
    assert sorted(name[-1] for name in names) == ["mine", "v2"]


def test_a_graph_writes_when_it_runs(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(tmp_path)
    step = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def train(x: Any) -> None:
        with writer.as_default(step):
            for _ in tf.range(2):
                step.assign_add(1)
                tf.summary.scalar("x", x)

    train(tf.constant(1.0))
    train(tf.constant(2.0))
    writer.close()
    found = {at: v.tensor.tensor_content for (_, at), v in values(tmp_path).items()}
    assert {at: np.frombuffer(data, np.float32)[0] for at, data in found.items()} == {1: 1, 2: 1, 3: 2, 4: 2}


def test_only_what_a_graph_decides_to_record_is_computed(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(tmp_path)

    @tf.function
    def logged(step: Any) -> Any:
        with writer.as_default(), tf.summary.record_if(lambda: tf.equal(step % 2, 0)):
            return tf.summary.scalar("even", step, step=step)

    answers = [bool(logged(tf.constant(i, tf.int64))) for i in range(4)]
    writer.close()
    assert answers == [True, False, True, False]
    assert [at for _, at in values(tmp_path)] == [0, 2]


def test_without_a_writer_nothing_is_written() -> None:
    def refused() -> Any:
        raise AssertionError("it must not be called")

    assert not tf.summary.scalar("x", 1.0).numpy()
    assert not tf.summary.write("x", refused, step=0).numpy()
    assert not tf.summary.experimental.write_raw_pb(b"", step=0).numpy()
    with tf.summary.create_noop_writer().as_default(step=3):
        assert not tf.summary.scalar("x", 1.0).numpy()
        assert tf.summary.experimental.get_step() is None


def test_what_waits_is_written_when_it_is_many(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(tmp_path, max_queue=2)
    with writer.as_default():
        seen = []
        for step in range(4):
            tf.summary.scalar("x", 1.0, step=step)
            seen.append(len(events(tmp_path)) - 1)
        assert seen == [0, 0, 3, 3]
        tf.summary.flush()
        assert len(events(tmp_path)) == 5
        tf.summary.scalar("x", 1.0, step=4)
    assert len(events(tmp_path)) == 6  # leaving the context flushes


def test_what_waits_is_written_when_it_is_old(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(tmp_path, flush_millis=0)
    with writer.as_default():
        tf.summary.scalar("x", 1.0, step=0)
        assert len(events(tmp_path)) == 2


def test_nested_writers_and_steps(tmp_path: Path) -> None:
    outer, inner = (tf.summary.create_file_writer(tmp_path / name) for name in ("a", "b"))
    with outer.as_default(step=10):
        tf.summary.scalar("x", 1.0)
        with inner.as_default(step=20):
            tf.summary.scalar("x", 1.0)
        tf.summary.scalar("x", 1.0)
    assert [e.step for e in events(tmp_path / "a")] == [0, 10, 10]
    assert [e.step for e in events(tmp_path / "b")] == [0, 20]


def test_raw_summaries(tmp_path: Path) -> None:
    from calque_runtime.wire import schema

    summary = schema.Summary()
    summary.value.add(tag="old", simple_value=2.5)
    writer = tf.summary.create_file_writer(tmp_path)
    with writer.as_default():
        message = summary.SerializeToString()
        assert tf.summary.experimental.write_raw_pb(message, step=3).numpy()
        assert tf.summary.experimental.write_raw_pb([message, message], step=4).numpy()
        with pytest.raises(errors.DataLossError, match="Bad tf.compat.v1.Summary binary proto tensor string"):
            tf.summary.experimental.write_raw_pb(b"\xff", step=3)
    assert values(tmp_path)["old", 3].simple_value == 2.5
    assert [len(e.summary.value) for e in events(tmp_path)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("write", "kind", "words"),
    [
        (lambda: tf.summary.scalar("x", 1.0), ValueError, "No step set. Please specify one"),
        (lambda: tf.summary.scalar("x", [1.0, 2.0], step=0), ValueError, "scalar"),
        (lambda: tf.summary.scalar("x", 1.0, step=tf.constant(1)), ValueError, "requested dtype int64"),
        (lambda: tf.summary.text("x", 1.0, step=0), TypeError, "string"),
        (lambda: tf.summary.image("x", np.ones([2, 2]), step=0), ValueError, "rank 4"),
        (lambda: tf.summary.audio("x", [[[0.0]]], 8, step=0, encoding="mp3"), ValueError, "Unknown encoding"),
        (
            lambda: tf.summary.write("x", 1.0, step=0, metadata=b"\xff"),
            errors.DataLossError,
            "Metadata",
        ),
        (lambda: tf.summary.graph("a graph"), ValueError, "not tf.Graph or"),
        (lambda: tf.summary.flush("a writer"), ValueError, r"Invalid argument to flush\(\)"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, write: Any, kind: Any, words: str) -> None:
    writer = tf.summary.create_file_writer(tmp_path)
    with writer.as_default(), pytest.raises(kind, match=words):
        write()


def test_a_closed_writer(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(tmp_path)

    @tf.function
    def logged() -> None:
        tf.summary.scalar("x", 1.0, step=0)

    with writer.as_default():
        logged()
    writer.close()
    writer.close()
    writer.flush()
    for use in (writer.as_default, writer.set_as_default, writer.init):
        with pytest.raises(RuntimeError, match="is already closed"):
            use()
    before = len(events(tmp_path))
    with pytest.raises(errors.NotFoundError, match="is closed, or not open yet"):
        logged()
    assert len(events(tmp_path)) == before


def test_writers_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`logdir` cannot be None"):
        tf.summary.create_file_writer(None)
    with pytest.raises(errors.UnimplementedError, match="cannot be saved with a model"):
        tf.summary.create_file_writer(tmp_path, experimental_trackable=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.FailedPreconditionError, match="file"):
        tf.summary.create_file_writer(tmp_path / "file")

    @tf.function
    def made(queue: Any) -> None:
        tf.summary.create_file_writer(tmp_path, max_queue=queue)

    with pytest.raises(ValueError, match="Invalid graph Tensor argument 'max_queue="):
        made(tf.constant(3))


def test_a_function_that_writes_is_not_saved(tmp_path: Path) -> None:
    model = tf.Module()
    writer = tf.summary.create_file_writer(tmp_path / "logs")

    @tf.function(input_signature=[tf.TensorSpec([])])
    def logged(x: Any) -> Any:
        with writer.as_default():
            tf.summary.scalar("x", x, step=0)
        return x

    model.logged = logged
    with pytest.raises(errors.FailedPreconditionError, match="untracked.*summary writer logs"):
        tf.saved_model.save(model, tmp_path / "model")
