"""Event files as lists of events, every checksum verified."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from calque_runtime.checkpoint.crc import crc32c, mask
from calque_runtime.wire import schema


def records(path: Path) -> list[bytes]:
    """The records of a TFRecord file."""
    data = path.read_bytes()
    found = []
    while data:
        length, length_sum = struct.unpack("<QI", data[:12])
        body, (body_sum,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert (length_sum, body_sum) == (mask(crc32c(data[:8])), mask(crc32c(body)))
        found.append(body)
        data = data[16 + length :]
    return found


def events(path: Path) -> list[Any]:
    """The Event messages of an event file, or of the only one in a directory."""
    if path.is_dir():
        (path,) = path.glob("events.out.tfevents.*")
    return [schema.parse(schema.Event, record, str(path)) for record in records(path)]


def values(path: Path) -> dict[tuple[str, int], Any]:
    """The summaries' values by tag and step."""
    return {(v.tag, event.step): v for event in events(path) for v in event.summary.value}


def graphs(value: Any) -> list[Any]:
    """The graphs of the functions that a `trace_export` wrote."""
    (data,) = value.tensor.string_val
    found = schema.parse(schema.RunMetadata, data, value.tag)
    return [one.pre_optimization_graph for one in found.function_graphs]
