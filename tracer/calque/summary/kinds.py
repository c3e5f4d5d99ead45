"""The kinds of summaries that TensorBoard shows, as its plugins take them: tensors with the plugin's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calque_runtime import dtypes
from calque_runtime.wire.events import encode_summary_metadata

from ..api.arguments import tensor as as_tensor
from ..api.array_ops import (
    concat,
    fill,
    linspace,
    ones_like,
    reshape,
    shape,
    size,
    stack,
    stop_gradient,
    tile,
    transpose,
    zeros,
)
from ..api.audio_ops import encode_wav
from ..api.debugging_ops import assert_non_negative, assert_rank, assert_scalar, assert_type
from ..api.image_codec_ops import encode_png
from ..api.image_color_ops import convert_image_dtype
from ..api.math_ops import cast, equal, floor, less_equal, logical_or, maximum, minimum
from ..api.raw import raw
from ..api.reduce_ops import reduce_max, reduce_min
from ..api.string_ops import as_string
from ..context import name_scope
from ..control_flow import cond, map_fn
from ..tensor import Tensor, constant
from .write import summary_scope, write

__all__ = ["audio", "histogram", "image", "scalar", "text"]

_BUCKETS = 30
_WAV = b"\x10\x0b"  # of an AudioPluginData message: the field `encoding`, WAV


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> Tensor:
    """Write a number, one point of a curve.

    Args:
        name: the curve's; name scopes around it are put in front.
        data: a real number, kept as float32.
        step: the step, an integer, tensor or variable; None: the default step.
        description: what TensorBoard says of it, in Markdown.

    Returns:
        a bool tensor: was it written? It is not where there is no default writer, or `record_if` says no.

    Raises:
        ValueError: `data` is no scalar; or it is to be written, and there is no step.
    """
    with summary_scope(name, "scalar_summary") as (tag, _):
        value = as_tensor(data)
        assert_scalar(value)
        return _write("scalars", tag, cast(value, dtypes.float32), step, description)


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> Tensor:
    """Write strings, which TensorBoard reads as Markdown; a vector or matrix of them is shown as a table.

    Args:
        name, step, description: see `scalar`.
        data: a tensor of strings.

    Returns:
        a bool tensor: was it written?

    Raises:
        TypeError: `data` is no tensor of strings.
        ValueError: it is to be written, and there is no step.
    """
    with summary_scope(name, "text_summary") as (tag, _):
        value = as_tensor(data)
        assert_type(value, dtypes.string)
        return _write("text", tag, value, step, description)


def image(
    name: str, data: Any, step: Any = None, max_outputs: Any = 3, description: str | None = None
) -> Tensor:
    """Write images.

    Args:
        name, step, description: see `scalar`.
        data: (images, height, width, channels) with 1 to 4 channels (gray, gray and alpha, RGB, RGBA): floats from 0 to
            1, or integers, which stand for the range of their type.
        max_outputs: only so many are written, the first.

    Returns:
        a bool tensor: were they written?

    Raises:
        ValueError: `data` has not four axes; or they are to be written, and there is no step.
        InvalidArgumentError: `max_outputs` is negative.
    """

    def encoded() -> Any:
        value = as_tensor(data)
        assert_rank(value, 4)
        assert_non_negative(max_outputs)
        images = convert_image_dtype(value, dtypes.uint8, saturate=True)
        sizes = shape(images)
        dimensions = stack(
            [as_string(sizes[2], name="width"), as_string(sizes[1], name="height")], name="dimensions"
        )
        return concat([dimensions, encode_png(images[:max_outputs])], axis=0)

    with summary_scope(name, "image_summary") as (tag, _):
        return _write("images", tag, encoded, step, description)


def audio(
    name: str,
    data: Any,
    sample_rate: Any,
    step: Any = None,
    max_outputs: Any = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> Tensor:
    """Write sounds.

    Args:
        name, step, description: see `scalar`.
        data: (sounds, samples, channels) of float32 from -1 to 1.
        sample_rate: samples in a second, an integer.
        max_outputs: only so many are written, the first.
        encoding: "wav".

    Returns:
        a bool tensor: were they written?

    Raises:
        ValueError: another encoding is asked for, `data` has not three axes; or they are to be written, and there is no
            step.
        InvalidArgumentError: `max_outputs` is negative.
    """
    if encoding not in (None, "wav"):
        raise ValueError(f"Unknown encoding: {encoding!r}")

    def encoded() -> Any:
        value = as_tensor(data)
        assert_rank(value, 3)
        assert_non_negative(max_outputs)
        sounds = value[:max_outputs]
        files = map_fn(
            lambda one: encode_wav(one, sample_rate),
            sounds,
            fn_output_signature=dtypes.string,
            name="encode_each_audio",
        )
        labels = tile(constant([""]), shape(sounds)[:1])
        return transpose(stack([files, labels]))

    with summary_scope(name, "audio_summary") as (tag, _):
        return _write("audio", tag, encoded, step, description, _WAV)


def histogram(
    name: str, data: Any, step: Any = None, buckets: Any = None, description: str | None = None
) -> Tensor:
    """Write how the elements of a tensor are distributed.

    Args:
        name, step, description: see `scalar`.
        data: a tensor of numbers, of any shape.
        buckets: how many ranges of equal width from the smallest to the largest element are counted; 30 by default.
            Where all elements are equal, all are in the last one.

    Returns:
        a bool tensor: was it written?

    Raises:
        ValueError: it is to be written, and there is no step.
    """
    with summary_scope(name, "histogram_summary") as (tag, _):
        values = stop_gradient(as_tensor(data))
        return _write("histograms", tag, lambda: _buckets(values, buckets), step, description)


def _write(
    plugin: str,
    tag: str,
    value: Tensor | Callable[[], Any],
    step: Any,
    description: str | None,
    content: bytes = b"",
) -> Tensor:
    return write(tag, value, step=step, metadata=encode_summary_metadata(plugin, content, description))


def _buckets(data: Tensor, buckets: Any) -> Any:
    """Rows of (left edge, right edge, count), float64."""
    with name_scope("buckets"):
        count = maximum(0, as_tensor(_BUCKETS if buckets is None else buckets, dtypes.int32))
        values = cast(reshape(data, [-1]), dtypes.float64)
        nothing = logical_or(equal(size(values), 0), less_equal(count, 0))
        return cond(
            nothing,
            lambda: zeros(stack([count, 3]), dtypes.float64),
            lambda: _counted(values, count),
        )


def _counted(values: Tensor, count: Tensor) -> Any:
    low, high = reduce_min(values), reduce_max(values)

    def apart() -> Any:
        width = (high - low) / cast(count, dtypes.float64)
        at = minimum(cast(floor((values - low) / width), dtypes.int32), count - 1)
        inside = raw("UnsortedSegmentSum")(ones_like(values), at, count)
        edges = concat([linspace(low, high, count + 1)[:-1], [high]], 0)
        return transpose(stack([edges[:-1], edges[1:], inside]))

    def alike() -> Any:
        edges = fill(stack([count]), high)
        total = cast(size(values), dtypes.float64)
        inside = concat([zeros(stack([count - 1]), dtypes.float64), [total]], 0)
        return transpose(stack([edges, edges, inside]))

    return cond(equal(low, high), alike, apart)
