"""`write`: any tensor as a summary. What writes a special kind of summary calls it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from calque_runtime import dtypes

from ..api.arguments import tensor as as_tensor
from ..api.array_ops import identity
from ..api.raw import raw
from ..context import current_scope, name_scope
from ..control_flow import cond
from ..function.graph_mode import get_static_value
from ..tensor import Tensor, constant, convert_to_tensor
from .state import get_step, should_record_summaries, summaries
from .writer import FileWriter

__all__ = ["recorded", "step_tensor", "summary_scope", "write", "write_raw_pb"]

_NOT_IN_SCOPES = re.compile(r"[^-_/.A-Za-z0-9]")


@contextmanager
def summary_scope(name: str | None, default_name: str = "summary", values: Any = None) -> Iterator[Any]:
    """The scope of a kind of summary: gives the tag, and the name scope, in which its ops are made.

    Args:
        name: of the summary. The tag is that with the name scopes around it in front.
        default_name: where `name` is empty, or has no character that a name scope may have.
        values: accepted.
    """
    name = name or default_name
    tag = current_scope() + name
    with name_scope(_NOT_IN_SCOPES.sub("", name) or default_name) as scope:
        yield tag, scope


def write(tag: Any, tensor: Any, step: Any = None, metadata: Any = None, name: str | None = None) -> Tensor:
    """Write a tensor to the default writer, if there is one and summaries are recorded.

    Args:
        tag: the name it is shown under; see `summary_scope`.
        tensor: the tensor, or a function that gives it, which is called only where it is written.
        step: the step, an integer, tensor or variable; None: the default step.
        metadata: which plugin of TensorBoard shows it: a SummaryMetadata message, or its bytes.
        name: the node's name.

    Returns:
        a bool tensor: was it written?

    Raises:
        ValueError: it is to be written, and there is no step.
    """
    if summaries.writer is None:
        return constant(False)
    serialized = metadata.SerializeToString() if hasattr(metadata, "SerializeToString") else metadata or b""
    at = get_step() if step is None else step

    def write_now(writer: Any) -> None:
        value = tensor() if callable(tensor) else identity(as_tensor(tensor))
        raw("WriteSummary")(writer, step_tensor(at), value, as_tensor(tag), constant(serialized), name=name)

    with name_scope(name or "write_summary"):
        return recorded(write_now)


def write_raw_pb(tensor: Any, step: Any = None, name: str | None = None) -> Tensor:
    """Write serialized Summary messages to the default writer, if there is one and summaries are recorded.

    Args:
        tensor: the messages, strings.
        step: the step, an integer, tensor or variable; None: the default step.
        name: the node's name.

    Returns:
        a bool tensor: was it written?

    Raises:
        ValueError: there is no step.
        DataLossError: they are no such messages.
    """
    if summaries.writer is None:
        return constant(False)
    at = step_tensor(get_step() if step is None else step)

    def write_now(writer: Any) -> None:
        raw("WriteRawProtoSummary")(writer, at, identity(as_tensor(tensor)), name=name)

    with name_scope(name or "write_raw_pb"):
        return recorded(write_now)


def step_tensor(step: Any) -> Tensor:
    """A step as a tensor of int64.

    Raises:
        ValueError: it is None, or a tensor or variable of another type.
    """
    if step is None:
        raise ValueError(
            "No step set. Please specify one either through the `step` argument or through "
            "tf.summary.experimental.set_step()"
        )
    return convert_to_tensor(step, dtypes.int64)


def recorded(write_now: Callable[[Any], None]) -> Tensor:
    """Call `write_now` with the default writer's resource if summaries are recorded; did it? A bool tensor.

    Where only the running graph can tell, it becomes one branch of a conditional.
    """
    writer = summaries.writer
    if not isinstance(writer, FileWriter):
        return constant(False)

    def record() -> Tensor:
        write_now(writer.resource)
        return constant(True)

    condition = should_record_summaries()
    known = get_static_value(condition)
    if known is not None:
        return record() if known else constant(False)
    answer: Tensor = cond(condition, record, lambda: constant(False), name="summary_cond")
    return answer
