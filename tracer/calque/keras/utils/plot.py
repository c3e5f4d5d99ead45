"""`plot_model`: a model's graph as a picture."""

from __future__ import annotations

import os
from html import escape
from typing import Any, NamedTuple

from ...errors import UnimplementedError

__all__ = ["plot_model"]

# In units of the picture, which are pixels where it is shown at its own size.
_FONT, _LETTER, _LINE = 13, 7.4, 19
_IN = -1  # among the sources of a box: what the model that it is in is called on
_PADDING, _GAP_X, _GAP_Y, _MARGIN = 10, 28, 44, 16


class _Box(NamedTuple):
    """A layer: its lines of text, and the numbers of the boxes that it takes results of.

    One without text is a gap in a row that an arrow goes through.
    """

    lines: list[str]
    sources: list[int]
    row: int
    cluster: str


def plot_model(
    model: Any,
    to_file: Any = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    layer_range: Any = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> str:
    """Draw a model: a box for each layer, an arrow for each result that another takes.

    Args:
        model: a functional or sequential model; of another, its layers in a column.
        to_file: the file, which must end in .svg: pictures of points take a drawing library.
        show_shapes: write input and output shapes into the boxes.
        show_dtype: write dtypes into the boxes.
        show_layer_names: write names beside classes.
        rankdir: "TB", from top to bottom.
        expand_nested: draw the layers of models in the model instead of one box.
        dpi: the width and height of the picture grow with it; 96 is its own size.
        layer_range: the names of (or regular expressions for) the first and the last layer to draw.
        show_layer_activations: write activations into the boxes.
        show_trainable: say whether a layer's weights are trained.

    Returns:
        The SVG text.

    Raises:
        ValueError: the model is not built, or `layer_range` names no layer.
        UnimplementedError: another file format or direction is asked for.
    """
    from .summary import layers_in_range

    path = os.fspath(to_file)
    if not path.endswith(".svg"):
        raise UnimplementedError(
            None, None, f"plot_model writes SVG: name the file '*.svg' instead of '{path}'."
        )
    if rankdir != "TB":
        raise UnimplementedError(
            None, None, f"plot_model draws from top to bottom (rankdir='TB'), not '{rankdir}'."
        )
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on "
            "a batch of data."
        )
    wanted = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    boxes = _with_gaps(_boxes(model, layers_in_range(model.layers, layer_range), wanted, expand_nested))
    text = _svg(boxes, dpi / 96)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return text


def _boxes(model: Any, layers: list[Any], wanted: dict[str, bool], expand: bool) -> list[_Box]:
    found: list[_Box] = []
    _add_boxes(found, model, layers, wanted, expand, "", {})
    return _in_rows(found)


def _add_boxes(
    found: list[_Box],
    model: Any,
    layers: list[Any],
    wanted: dict[str, bool],
    expand: bool,
    cluster: str,
    results: dict[int, list[int]],
) -> list[int]:
    """Add the boxes of a model's layers; the numbers of those that the last layer's results come from.

    Args:
        results: by layer: the boxes that its results come from; for input layers of a model within a model, those
            that the model is called on.
    """
    entries: dict[int, list[int]] = {}  # by layer: the boxes that take what the layer is called on
    for layer in layers:
        first = len(found)
        inner = getattr(layer, "layers", None)
        if expand and inner:
            results[id(layer)] = _add_nested(found, layer, wanted, cluster)
            entries[id(layer)] = [n for n in range(first, len(found)) if _IN in found[n].sources]
        else:
            found.append(_Box(_lines(layer, wanted), [], 0, cluster))
            results[id(layer)] = entries[id(layer)] = [first]
    own = {id(node) for node in getattr(model, "_nodes_in_order", None) or ()}
    before: list[int] = []
    for layer in layers:
        nodes = [n for n in layer._inbound_nodes if id(n) in own]
        taken = [
            b for n in nodes for source, _, _, _ in n.iterate_inbound() for b in results.get(id(source), [])
        ]
        sources = list(dict.fromkeys(taken)) if own else before
        for entry in entries[id(layer)]:
            kept = [s for s in found[entry].sources if s != _IN]
            found[entry] = found[entry]._replace(sources=kept + sources)
        before = results[id(layer)]
    return before


def _add_nested(found: list[_Box], model: Any, wanted: dict[str, bool], cluster: str) -> list[int]:
    """The layers of a model within a model; `_IN` stands for what it is called on."""
    inner: dict[int, list[int]] = {
        id(t._keras_history.layer): [_IN] for t in getattr(model, "_flat_inputs", ())
    }
    layers = [x for x in model.layers if type(x).__name__ != "InputLayer"]
    last = _add_boxes(found, model, layers, wanted, True, f"{cluster}/{model.name}", inner)
    ends = [t._keras_history.layer for t in getattr(model, "_flat_outputs", ())]
    return list(dict.fromkeys(b for layer in ends for b in inner.get(id(layer), []))) or last


def _in_rows(boxes: list[_Box]) -> list[_Box]:
    """The boxes with each in a row below those that it takes results of; of a circle, which layers that are called
    several times can make, one arrow goes up."""
    rows: dict[int, int] = {}
    under_way: set[int] = set()

    def row(number: int) -> int:
        if number not in rows:
            under_way.add(number)
            rows[number] = 1 + max((row(s) for s in boxes[number].sources if s not in under_way), default=-1)
            under_way.discard(number)
        return rows[number]

    return [box._replace(row=row(number)) for number, box in enumerate(boxes)]


def _lines(layer: Any, wanted: dict[str, bool]) -> list[str]:
    kind = type(layer).__name__
    lines = [f"{layer.name} ({kind})" if wanted["names"] else kind]
    activation = getattr(layer, "activation", None)
    if wanted["activations"] and activation is not None:
        lines.append(f"activation: {getattr(activation, '__name__', activation)}")
    if wanted["dtype"]:
        lines.append(f"dtype: {layer.dtype}")
    if wanted["shapes"]:
        for name in ("input", "output"):
            try:
                lines.append(f"{name}: {getattr(layer, f'{name}_shape')}")
            except AttributeError:
                lines.append(f"{name}: multiple")
    if wanted["trainable"]:
        lines.append("trainable" if layer.trainable else "not trainable")
    return lines


def _with_gaps(boxes: list[_Box]) -> list[_Box]:
    """The boxes, with gaps in the rows between a box and what it takes, so that arrows cross no other box."""
    found = list(boxes)
    for number, box in enumerate(boxes):
        sources = []
        for source in box.sources:
            for row in range(boxes[source].row + 1, box.row):
                found.append(_Box([], [source], row, ""))
                source = len(found) - 1
            sources.append(source)
        found[number] = box._replace(sources=sources)
    return found


def _svg(boxes: list[_Box], scale: float) -> str:
    rows: dict[int, list[int]] = {}
    for number, box in enumerate(boxes):
        rows.setdefault(box.row, []).append(number)
    size = [_size(box) for box in boxes]
    widths = {row: sum(size[b][0] for b in there) + _GAP_X * (len(there) - 1) for row, there in rows.items()}
    width = max(widths.values(), default=0) + 2 * _MARGIN
    at: dict[int, tuple[float, float]] = {}
    y = float(_MARGIN)
    for row in sorted(rows):
        x = (width - widths[row]) / 2
        there = sorted(rows[row], key=lambda b: _middle_of_sources(boxes[b], at, size))
        for number in there:
            at[number] = x, y
            x += size[number][0] + _GAP_X
        y += max(size[b][1] for b in there) + _GAP_Y
    height = y - _GAP_Y + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.0f}" height="{height * scale:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif" font-size="{_FONT}">',
        '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    parts += _clusters(boxes, at, size)
    heights = {row: max(size[b][1] for b in there) for row, there in rows.items()}
    for number, box in enumerate(boxes):
        for s in box.sources:
            start = size[s] if boxes[s].lines else (0.0, heights[boxes[s].row])
            parts.append(_arrow(at[s], start, at[number], size[number], bool(box.lines)))
    for number, box in enumerate(boxes):
        (x, y), (w, h) = at[number], size[number]
        if not box.lines:
            bottom = y + heights[box.row]
            parts.append(f'<path d="M{x:.1f} {y:.1f}L{x:.1f} {bottom:.1f}" fill="none" stroke="#555"/>')
            continue
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="4" fill="#eef3fb" stroke="#4a6fa5"/>'
        )
        for i, line in enumerate(box.lines):
            weight = ' font-weight="bold"' if i == 0 else ""
            top = y + _PADDING + (i + 0.72) * _LINE
            parts.append(
                f'<text x="{x + w / 2:.1f}" y="{top:.1f}" text-anchor="middle"{weight}>{escape(line)}</text>'
            )
    return "\n".join([*parts, "</svg>", ""])


def _middle_of_sources(
    box: _Box, at: dict[int, tuple[float, float]], size: list[tuple[float, float]]
) -> float:
    """Where a box would stand best: under what it takes."""
    centers = [at[s][0] + size[s][0] / 2 for s in box.sources if s in at]
    return sum(centers) / len(centers) if centers else 0.0


def _size(box: _Box) -> tuple[float, float]:
    if not box.lines:
        return 0.0, 0.0
    return max(map(len, box.lines)) * _LETTER + 2 * _PADDING, float(len(box.lines) * _LINE + 2 * _PADDING)


def _arrow(
    start: tuple[float, float], start_size: Any, end: tuple[float, float], end_size: Any, has_tip: bool
) -> str:
    x1, y1 = start[0] + start_size[0] / 2, start[1] + start_size[1]
    x2, y2 = end[0] + end_size[0] / 2, end[1]
    middle = (y1 + y2) / 2
    curve = f"M{x1:.1f} {y1:.1f}C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    tip = ' marker-end="url(#end)"' if has_tip else ""
    return f'<path d="{curve}" fill="none" stroke="#555"{tip}/>'


def _clusters(
    boxes: list[_Box], at: dict[int, tuple[float, float]], size: list[tuple[float, float]]
) -> list[str]:
    """A frame around the layers of each model within the model."""
    parts = []
    for cluster in sorted({b.cluster for b in boxes if b.cluster}):
        inside = [
            n for n, b in enumerate(boxes) if b.cluster == cluster or b.cluster.startswith(cluster + "/")
        ]
        left, top = min(at[n][0] for n in inside) - 8, min(at[n][1] for n in inside) - 8
        right = max(at[n][0] + size[n][0] for n in inside) + 8
        bottom = max(at[n][1] + size[n][1] for n in inside) + 8
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" rx="6" '
            'fill="none" stroke="#999" stroke-dasharray="5 4"/>'
        )
        name = escape(cluster.rpartition("/")[2])
        parts.append(f'<text x="{left + 6:.1f}" y="{top - 4:.1f}" fill="#777" font-size="11">{name}</text>')
    return parts
