"""`calque ckpt`: the tensors of a checkpoint."""

from __future__ import annotations

import json
from typing import Any

import click
import numpy as np

from calque_runtime.checkpoint import OBJECT_GRAPH_KEY, BundleReader, Entry
from calque_runtime.errors import DataLossError, NotFoundError, OpError
from calque_runtime.shapes import known_size
from calque_runtime.wire.bundle import TrackableGraph, decode_object_graph

from .printing import Page, amount, count, size
from .signatures import tensor_text
from .source import checkpoint_prefix, find_name
from .variables import stored_bytes

__all__ = ["ckpt"]

_MAX_STRING = 200


@click.command(
    epilog="""\b
Example:
  calque ckpt training/ckpt-7
  calque ckpt exported/model --value dense/kernel"""
)
@click.argument("path")
@click.option("--value", metavar="KEY", help="Print one tensor's value; a part of its key will do.")
@click.option("--full", is_flag=True, help="All elements of the value, not only the outer ones.")
@click.option("--verify", is_flag=True, help="Hold every tensor against its checksum.")
@click.option("--object-graph", is_flag=True, help="The objects whose values the checkpoint holds.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
def ckpt(path: str, value: str | None, full: bool, verify: bool, object_graph: bool, as_json: bool) -> None:
    """List the tensors of a checkpoint: keys, dtypes, shapes, bytes.

    PATH is a checkpoint's prefix (ckpt-7 for ckpt-7.index), a SavedModel's directory, or a directory with
    checkpoints, of which the latest is taken.
    """
    given = [
        name
        for name, on in (
            ("--value", value is not None),
            ("--verify", verify),
            ("--object-graph", object_graph),
        )
        if on
    ]
    if len(given) > 1:
        raise click.UsageError(f"{given[0]} and {given[1]} exclude each other.")
    with BundleReader(checkpoint_prefix(path)) as reader:
        if value is not None:
            _print_value(reader, value, full, as_json)
        elif verify:
            _verify(reader, as_json)
        elif object_graph:
            _print_object_graph(reader, as_json)
        else:
            _print_keys(reader, as_json)


def _print_keys(reader: BundleReader, as_json: bool) -> None:
    entries = reader.entries
    sizes = {key: _bytes(entry) for key, entry in entries.items()}
    if as_json:
        tensors = [
            {
                "key": key,
                "dtype": entry.dtype.name,
                "shape": list(entry.shape),
                "bytes": sizes[key],
                "shard": entry.shard,
                "offset": entry.offset,
                "slices": len(entry.slices),
            }
            for key, entry in entries.items()
        ]
        _echo_json({"prefix": reader.prefix, "shards": reader.num_shards, "tensors": tensors})
        return
    page = Page()
    page.line(reader.prefix, "bold")
    rows = [
        (
            key,
            tensor_text(entry.dtype.name, entry.shape),
            amount(sizes[key]),
            f"in {count(len(entry.slices), 'part')}" if entry.slices else "",
        )
        for key, entry in entries.items()
    ]
    page.table(rows, align="llr", styles=("cyan", "green", "", "dim"))
    total = sum(number or 0 for number in sizes.values())
    page.line(
        f"{count(len(entries), 'tensor')}, {amount(total)} bytes{f' ({size(total)})' * (total >= 1024)}, "
        f"{count(reader.num_shards, 'data file')}"
    )


def _bytes(entry: Entry) -> int | None:
    return stored_bytes(entry.dtype, known_size(entry.shape), entry)


def _print_value(reader: BundleReader, wanted: str, full: bool, as_json: bool) -> None:
    key = find_name(wanted, reader.keys(), "key", reader.prefix)
    array = reader.get_tensor(key)
    if as_json:
        fact = {"key": key, "dtype": reader.entries[key].dtype.name, "shape": list(array.shape)}
        _echo_json(fact | {"value": _plain(array.tolist())})
    else:
        click.echo(_value_text(array, full))


def _value_text(array: Any, full: bool) -> str:
    if array.dtype == object and not full:
        short = np.empty_like(array)
        short.flat = [_shortened(item) for item in array.flat]
        array = short
    with np.printoptions(threshold=array.size + 1 if full else 1000):
        return repr(array) if array.ndim else repr(array[()])


def _shortened(item: Any) -> Any:
    if not isinstance(item, bytes) or len(item) <= _MAX_STRING:
        return item
    return _Shortened(item[:_MAX_STRING], len(item))


class _Shortened:
    """A long string in an array to be printed."""

    def __init__(self, start: bytes, length: int) -> None:
        self._text = f"{start!r}... ({length} bytes)"

    def __repr__(self) -> str:
        return self._text


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _verify(reader: BundleReader, as_json: bool) -> None:
    keys = reader.keys()
    damaged = {}
    for key in keys:
        try:
            reader.verify_tensor(key)
        except OpError as error:
            damaged[key] = error.message
    if as_json:
        _echo_json({"prefix": reader.prefix, "tensors": len(keys), "damaged": damaged})
    elif not damaged:
        Page().line(f"{reader.prefix}: {count(len(keys), 'tensor')}, all checksums match")
    if damaged:
        listed = "".join(f"\n  {message}" for message in damaged.values())
        raise DataLossError(
            None, None, f"{reader.prefix}: {len(damaged)} of {count(len(keys), 'tensor')} damaged:{listed}"
        )


def _print_object_graph(reader: BundleReader, as_json: bool) -> None:
    if not reader.has_tensor(OBJECT_GRAPH_KEY):
        raise NotFoundError(
            None, None, f"{reader.prefix} has no object graph: it is a name-based checkpoint of TensorFlow 1"
        )
    stored = reader.get_tensor(OBJECT_GRAPH_KEY)
    if stored.shape != ():
        raise DataLossError(None, None, f"{reader.prefix}: {OBJECT_GRAPH_KEY} is no scalar")
    graph = decode_object_graph(stored[()], f"{reader.prefix}: its object graph")
    nodes = _nodes(graph)
    if as_json:
        _echo_json({"prefix": reader.prefix, "objects": nodes})
        return
    page = Page()
    page.line(reader.prefix, "bold")
    page.line(f"{count(len(nodes), 'object')}, by number: children, values, slot variables", "dim")
    for node in nodes:
        page.line(f"{node['number']}", "bold")
        rows = [(name, f"-> {number}") for name, number in node["children"]]
        rows += [(f"= {one['name']}", one["key"]) for one in node["values"]]
        rows += [(f"slot {one['slot']} of {one['variable']}", f"-> {one['number']}") for one in node["slots"]]
        page.table(rows, styles=("cyan",))


def _nodes(graph: TrackableGraph) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "children": [list(child) for child in node.children],
            "values": [
                {"name": name, "full_name": full_name, "key": key} for name, full_name, key in node.attributes
            ],
            "slots": [
                {"variable": slot.original, "slot": slot.slot_name, "number": slot.slot}
                for slot in node.slot_variables
            ],
        }
        for number, node in enumerate(graph.nodes)
    ]


def _echo_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
