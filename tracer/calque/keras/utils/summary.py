"""`Model.summary`: a table of the layers, laid out as Keras 2 lays it out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["count_params", "layers_in_range", "memory_size", "print_summary", "readable_memory_size"]

_SPACE = 2  # between columns
_BREAKS = ("),", "},", "],", "',")  # behind which a cell is broken into lines


def count_params(weights: Sequence[Any]) -> int:
    """How many numbers weights hold; those without a fixed shape count as none."""
    return sum(_size(w) for w in {id(w): w for w in weights}.values())


def memory_size(weights: Sequence[Any]) -> int:
    """How many bytes weights take."""
    return sum(_size(w) * int(w.dtype.size) for w in {id(w): w for w in weights}.values())


def _size(weight: Any) -> int:
    return int(np.prod(np.asarray([d or 0 for d in weight.shape.as_list()], int)))


def readable_memory_size(size: float) -> str:
    """A number of bytes with a unit: "60.00 Byte", "1.50 KB"."""
    units = ["Byte", "KB", "MB", "GB", "TB", "PB"]
    for unit in units[:-1]:
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} {units[-1]}"


class _Table:
    """Columns of text, with cells broken into lines and nested rows in bars.

    Args:
        columns: what stands above them.
        ends: where each column ends; a share of `width` where all are at most 1.
        width: characters in a line.
        write: called with each line.
    """

    def __init__(
        self, columns: list[str], ends: Sequence[float], width: int, write: Callable[[str], Any]
    ) -> None:
        self.width = width
        self._columns = columns
        self._ends = [int(width * end) if ends[-1] <= 1 else int(end) for end in ends]
        self._write = write

    def add_column(self, name: str, width: int) -> None:
        """A column behind the last one."""
        self.width += width
        self._columns.append(name)
        self._ends.append(self.width)

    def rule(self, sign: str) -> None:
        """A line across."""
        self._write(sign * self.width)

    def head(self) -> None:
        """The columns' names."""
        self.row(self._columns)

    def bar(self, level: int, sign: str) -> None:
        """A line of `sign` between the bars of a nesting level."""
        self._write("|" * level + sign * (self.width - 2 * level) + "|" * level)

    def row(self, cells: Sequence[Any], level: int = 0) -> None:
        """A row, as many lines as its longest cell takes."""
        left = [str(cell) for cell in cells]
        while any(left):
            line, start = "|" * level + " ", 0
            for column, end in enumerate(self._ends):
                is_last = column == len(self._ends) - 1
                room = end - start - (0 if is_last else _SPACE + 1) - (level if column == 0 else 0)
                taken = _first_line(left[column], room)
                left[column] = left[column][len(taken) :]
                line += taken + ("" if is_last else " " * _SPACE)
                line = line.ljust(end - (level if is_last else 0))
                start = end
            self._write(line + "|" * level)


def _first_line(text: str, room: int) -> str:
    text = text[:room]
    breaks = [text.find(sign) + len(sign) for sign in _BREAKS if sign in text]
    return text[: min(breaks)] if breaks else text


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print a table of a model's layers; the arguments are those of `Model.summary`.

    Raises:
        ValueError: `layer_range` is no pair of names, or they name no layer.
    """
    write: Callable[[str], Any] = print_fn or print
    plain = _is_chain(model)
    if plain:
        table = _Table(
            ["Layer (type)", "Output Shape", "Param #"],
            positions or [0.45, 0.85, 1.0],
            line_length or 65,
            write,
        )
    else:
        columns = ["Layer (type)", "Output Shape", "Param #", "Connected to"]
        table = _Table(columns, positions or [0.3, 0.6, 0.7, 1.0], line_length or 98, write)
    if show_trainable:
        table.add_column("Trainable", 11)
    write(f'Model: "{model.name}"')
    table.rule("_")
    table.head()
    table.rule("=")
    own = getattr(model, "_nodes_in_order", None)
    for layer in layers_in_range(model.layers, layer_range):
        _layer_rows(table, layer, 0, False, plain, own, expand_nested, show_trainable)
    table.rule("=")
    trained, others = model.trainable_weights, model.non_trainable_weights
    for name, weights in (
        ("Total", [*trained, *others]),
        ("Trainable", trained),
        ("Non-trainable", others),
    ):
        write(f"{name} params: {count_params(weights)} ({readable_memory_size(memory_size(weights))})")
    table.rule("_")


def _is_chain(model: Any) -> bool:
    """Is each layer called on what the one before it gave, so that connections need no column?"""
    nodes = getattr(model, "_nodes_in_order", None)
    if nodes is None or not model._is_graph_network or type(model).__name__ == "Sequential":
        return True
    calls = [node for node in nodes if not node.is_input]
    several = len(nodes) - len(calls) > 1 or any(len(node.keras_inputs) > 1 for node in calls)
    layers = [id(node.layer) for node in nodes]
    taken = [id(tensor) for node in calls for tensor in node.keras_inputs]
    return not several and len(set(layers)) == len(layers) and len(set(taken)) == len(taken)


def layers_in_range(layers: list[Any], bounds: Any) -> list[Any]:
    """The layers from the first to the last of a pair of names (or regular expressions); all where it is None.

    Raises:
        ValueError: it is no pair of names, or they name no layer.
    """
    if bounds is None:
        return layers
    if len(bounds) != 2 or not all(isinstance(one, str) for one in bounds):
        raise ValueError(f"layer_range should be a pair of strings. Received: layer_range={bounds}")
    places = [[i for i, layer in enumerate(layers) if re.match(bound, layer.name)] for bound in bounds]
    if not all(places):
        raise ValueError(f"Passed layer_names do not match the layer names in the model. Received: {bounds}")
    first, last = sorted((min(places[0]), max(places[1])))
    return layers[first : last + 1]


def _layer_rows(
    table: _Table, layer: Any, level: int, is_last: bool, plain: bool, own: Any, expand: bool, trainable: bool
) -> None:
    cells = [f"{layer.name} ({type(layer).__name__})", _output_shape(layer), _params(layer)]
    if not plain:
        cells.append(_connections(layer, own))
    if trainable:
        cells.append("Y" if layer.trainable else "N")
    table.row(cells, level)
    inner = getattr(layer, "layers", None)
    if expand and inner:
        table.bar(level + 1, "¯")
        for one in inner:
            _layer_rows(table, one, level + 1, one is inner[-1], plain, own, expand, trainable)
        table.bar(level, "¯")
        is_last = True  # no blank line behind the bar, as in Keras
    if not is_last:
        table.bar(level, " ")


def _output_shape(layer: Any) -> Any:
    try:
        shape = layer.output_shape
    except AttributeError:
        return "multiple"
    return [shape] if type(layer).__name__ == "InputLayer" else shape


def _params(layer: Any) -> Any:
    if not layer.built and not getattr(layer, "_is_graph_network", False):
        return "0 (unused)"
    return layer.count_params()


def _connections(layer: Any, own: Any) -> list[str]:
    kept = {id(node) for node in own or ()}
    return [
        f"{source.name}[{index}][{place}]"
        for node in layer._inbound_nodes
        if not own or id(node) in kept
        for source, index, place, _ in node.iterate_inbound()
    ]
