"""Event files, and the ops that write them."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors, ops
from calque_runtime.environment import Environment, Limits
from calque_runtime.events import EventFile, SummaryWriter, as_record
from calque_runtime.op import Site
from calque_runtime.wire import schema
from summary.reading import events, records


def string(text: bytes) -> Any:
    out = np.empty((), object)
    out[()] = text
    return out


def run(name: str, *arrays: Any, env: Environment | None = None, **attrs: Any) -> Any:
    """Calls the op `name` in an environment that may touch files."""
    op = ops.require(name)
    env = env or Environment(limits=Limits(allow_files=True))
    types = [attrs.get("T") if arg.type_attr else arg.dtype for arg in op.signature.inputs]
    full = op.signature.complete(types, attrs)
    return op.bind(Site(op, full, types, env=env))(*arrays)


def opened(logdir: Path, env: Environment | None = None, max_queue: int = 10) -> SummaryWriter:
    writer: SummaryWriter = run("SummaryWriter", env=env)
    arguments = string(os.fsencode(logdir)), np.int32(max_queue), np.int32(10_000), string(b".v2")
    assert run("CreateSummaryFileWriter", writer, *arguments, env=env) == ()
    return writer


def test_records_are_read_back(tmp_path: Path) -> None:
    (tmp_path / "records").write_bytes(as_record(b"calque") + as_record(b""))
    assert records(tmp_path / "records") == [b"calque", b""]


def test_a_file_that_is_dropped_writes_what_waits(tmp_path: Path) -> None:
    file = EventFile(str(tmp_path))
    file.write(schema.Event(step=3).SerializeToString())
    assert [e.step for e in events(tmp_path)] == [0]
    del file
    gc.collect()
    assert [e.step for e in events(tmp_path)] == [0, 3]


def test_a_directory_that_went_away(tmp_path: Path) -> None:
    file = EventFile(str(tmp_path / "logs"))
    os.remove(file.path)
    os.rmdir(tmp_path / "logs")
    file.write(b"")
    with pytest.raises(errors.NotFoundError, match="logs"):
        file.flush()
    del file
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_files_of_one_second_differ(tmp_path: Path) -> None:
    assert len({EventFile(str(tmp_path)).path for _ in range(3)}) == 3


def test_what_ops_write(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    metadata = schema.SummaryMetadata(display_name="shown")
    step = np.int64(5)
    run(
        "WriteSummary",
        writer,
        step,
        np.ones(2, np.float32),
        string(b"tag"),
        string(metadata.SerializeToString()),
        T=dtypes.float32,
    )
    run("WriteGraphSummary", writer, step, string(schema.GraphDef().SerializeToString()))
    summary = schema.Summary()
    summary.value.add(tag="old", simple_value=1)
    run("WriteRawProtoSummary", writer, step, string(summary.SerializeToString()))
    assert len(events(tmp_path)) == 1
    run("FlushSummaryWriter", writer)
    _, tensor, graph, old = events(tmp_path)
    assert tensor.summary.value[0].metadata == metadata
    assert tensor.summary.value[0].tensor.tensor_content == np.ones(2, np.float32).tobytes()
    assert graph.WhichOneof("what") == "graph_def"
    assert old.summary == summary
    run("CloseSummaryWriter", writer)
    with pytest.raises(errors.NotFoundError, match="is closed, or not open yet"):
        run("FlushSummaryWriter", writer)


def test_writers_share_by_name(tmp_path: Path) -> None:
    env = Environment()
    assert run("SummaryWriter", env=env, shared_name=b"a") is run("SummaryWriter", env=env, shared_name=b"a")
    assert run("SummaryWriter", env=env) is not run("SummaryWriter", env=env)


def test_a_writer_that_has_a_file_keeps_it(tmp_path: Path) -> None:
    writer = opened(tmp_path / "a")
    file = writer.file
    arguments = string(os.fsencode(tmp_path / "b")), np.int32(1), np.int32(1), string(b"")
    run("CreateSummaryFileWriter", writer, *arguments)
    assert writer.file is file
    assert not (tmp_path / "b").exists()


def test_a_loaded_graph_may_not_make_files(tmp_path: Path) -> None:
    with pytest.raises(errors.PermissionDeniedError, match="allow_files=True"):
        opened(tmp_path / "logs", Environment())
    assert not (tmp_path / "logs").exists()


def test_what_is_no_writer_or_no_message(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="no summary writer"):
        run("FlushSummaryWriter", np.float32(1))
    writer = opened(tmp_path)
    with pytest.raises(errors.DataLossError, match="not a tensorflow.GraphDef message"):
        run("WriteGraphSummary", writer, np.int64(0), string(b"\xff"))
