"""`tf.nn`: maxima with their places, and gray-scale dilation and erosion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from .arguments import tensor
from .array_ops import reverse
from .math_ops import negative
from .raw import raw

__all__ = ["dilation2d", "erosion2d", "max_pool_with_argmax"]


def _four(value: Any, what: str) -> tuple[int, ...]:
    """A size for each of the four axes, from one, two (of space) or four numbers."""
    given = [value] if isinstance(value, int) else list(value)
    if len(given) == 1:
        given *= 2
    if len(given) == 2:
        given = [1, *given, 1]
    if len(given) != 4:
        raise ValueError(f"{what} should be of length 1, 2 or 4, but was {len(given)}.")
    return tuple(int(n) for n in given)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    output_dtype: Any = dtypes.int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> Any:
    """The largest value of each window, and where it stands: its number in the image, flat.

    Args:
        input: [batch, height, width, channels].
        ksize: a window's size.
        strides: how far apart windows are.
        padding: "VALID" or "SAME".
        data_format: "NHWC".
        output_dtype: of the places: int64 or int32.
        include_batch_in_index: are places counted through the whole batch?
        name: the node's name.

    Raises:
        ValueError: `data_format` is another.
    """
    if data_format != "NHWC":
        raise ValueError("`data_format` values other than 'NHWC' are not supported.")
    return raw("MaxPoolWithArgmax")(
        tensor(input),
        ksize=_four(ksize, "ksize"),
        strides=_four(strides, "strides"),
        padding=padding,
        Targmax=as_dtype(output_dtype),
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


def dilation2d(
    input: Any,
    filters: Any,
    strides: Sequence[int],
    padding: str,
    data_format: str,
    dilations: Sequence[int],
    name: str | None = None,
) -> Any:
    """The largest sum of a window's values and a filter's, [height, width, channels].

    Raises:
        ValueError: `data_format` is not "NHWC".
    """
    if data_format != "NHWC":
        raise ValueError("`data_format` values other than 'NHWC' are not supported.")
    return raw("Dilation2D")(
        tensor(input),
        tensor(filters),
        strides=tuple(strides),
        rates=tuple(dilations),
        padding=padding,
        name=name,
    )


def erosion2d(
    value: Any,
    filters: Any,
    strides: Sequence[int],
    padding: str,
    data_format: str,
    dilations: Sequence[int],
    name: str | None = None,
) -> Any:
    """The smallest difference of a window's values and a filter's, [height, width, channels].

    Raises:
        ValueError: `data_format` is not "NHWC".
    """
    mirrored = reverse(tensor(filters), [0, 1])
    grown = dilation2d(negative(value), mirrored, strides, padding, data_format, dilations)
    return negative(grown, name=name)
