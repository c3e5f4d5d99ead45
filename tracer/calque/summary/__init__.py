"""`tf.summary`: what a training run logs, in event files that TensorBoard shows."""

from . import experimental
from .graphs import graph, trace_export, trace_off, trace_on
from .kinds import audio, histogram, image, scalar, text
from .state import record_if, should_record_summaries
from .write import write
from .writer import SummaryWriter, create_file_writer, create_noop_writer, flush

__all__ = [
    "SummaryWriter",
    "audio",
    "create_file_writer",
    "create_noop_writer",
    "experimental",
    "flush",
    "graph",
    "histogram",
    "image",
    "record_if",
    "scalar",
    "should_record_summaries",
    "text",
    "trace_export",
    "trace_off",
    "trace_on",
    "write",
]
