"""What a graph logs while it runs: writers of event files, and what is written to them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from ..events import EventFile, SummaryWriter
from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape
from .common import scalar

__all__: list[str] = []

_anonymous = itertools.count()


@op("SummaryWriter() -> (writer: resource) | shared_name: string=''; container: string='' | stateful")
def summary_writer(s: Site) -> Kernel:
    """A writer that has no file yet: that of its shared name, or a new one where it has none."""
    env = s.env
    if env is None:
        raise s.error("a summary writer needs an environment to live in")
    name, container = s["shared_name"].decode(), s["container"].decode()
    if not name:
        return lambda: SummaryWriter(f"writer_{next(_anonymous)}")
    return lambda: env.resource("summary_writer", container, name, lambda: SummaryWriter(name))


summary_writer.shape_rule = scalar


def _writer(s: Site, value: Any) -> SummaryWriter:
    found = value[()] if getattr(value, "shape", None) == () else value
    if type(found) is not SummaryWriter:
        raise s.error(f"the input is no summary writer, but {value!r}")
    return found


@op(
    "CreateSummaryFileWriter(writer: resource, logdir: string, max_queue: int32, flush_millis: int32, "
    "filename_suffix: string) -> () | stateful"
)
def create_summary_file_writer(s: Site) -> Kernel:
    """Give a writer an event file in `logdir`; one that has a file already keeps it."""

    def run(
        writer: Any, logdir: Array, max_queue: Array, flush_millis: Array, filename_suffix: Array
    ) -> tuple[()]:
        one = _writer(s, writer)
        directory = logdir.item().decode()
        if s.env is None or one.file is not None:
            return ()
        s.env.require_files(s.op.name, directory)
        one.file = EventFile(directory, int(max_queue), int(flush_millis), filename_suffix.item().decode())
        return ()

    return run


def _nothing(s: Site) -> list[Shape]:
    return []


def _writing(declaration: str, doc: str, run: Callable[..., None]) -> Op:
    """An op with a writer in front and no result; `run` takes the site, the writer and the other arrays."""

    def kernel(s: Site) -> Kernel:
        def write(writer: Any, *arrays: Array) -> tuple[()]:
            run(s, _writer(s, writer), *arrays)
            return ()

        return write

    made = register(Op(f"{declaration} | stateful", kernel, doc))
    made.shape_rule = _nothing
    return made.not_differentiable()


create_summary_file_writer.shape_rule = _nothing
create_summary_file_writer.not_differentiable()


def _write_tensor(
    s: Site, writer: SummaryWriter, step: Array, tensor: Array, tag: Array, metadata: Array
) -> None:
    from ..wire.events import encode_tensor_event

    text = tag.item().decode(errors="replace")
    event = encode_tensor_event(time.time(), int(step), text, tensor, s["T"], metadata.item())
    writer.opened().write(event)


def _write_graph(s: Site, writer: SummaryWriter, step: Array, tensor: Array) -> None:
    from ..wire.events import encode_graph_event

    writer.opened().write(encode_graph_event(time.time(), int(step), tensor.item()))


def _write_summary(s: Site, writer: SummaryWriter, step: Array, tensor: Array) -> None:
    from ..wire.events import encode_summary_event

    writer.opened().write(encode_summary_event(time.time(), int(step), tensor.ravel().tolist()))


_writing(
    "WriteSummary(writer: resource, step: int64, tensor: T, tag: string, summary_metadata: string) -> () | T: type",
    "Log a tensor, under a tag, for one of TensorBoard's plugins.",
    _write_tensor,
)
_writing(
    "WriteGraphSummary(writer: resource, step: int64, tensor: string) -> ()",
    "Log a graph, which comes as a serialized GraphDef.",
    _write_graph,
)
_writing(
    "WriteRawProtoSummary(writer: resource, step: int64, tensor: string) -> ()",
    "Log what serialized Summary messages hold.",
    _write_summary,
)
_writing(
    "FlushSummaryWriter(writer: resource) -> ()",
    "Write to the file what waits to be written.",
    lambda s, writer: writer.opened().flush(),
)
_writing(
    "CloseSummaryWriter(writer: resource) -> ()",
    "Write what waits, and close the writer.",
    lambda s, writer: writer.close(),
)
