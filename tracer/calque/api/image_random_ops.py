"""`tf.image`: images changed at random; the `stateless_` functions depend on their seed (two integers) alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calque_runtime import dtypes

from ..tensor import Tensor
from .arguments import shape_tensor, tensor
from .array_ops import reshape, shape
from .debugging_ops import Assert
from .image_codec_ops import adjust_jpeg_quality
from .image_color_ops import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from .image_size_ops import batched, flip_left_right, flip_up_down
from .indexing_ops import slice, where
from .math_ops import cast
from .random_ops import stateless_uniform, uniform
from .reduce_ops import reduce_all

__all__ = [
    "random_brightness",
    "random_contrast",
    "random_crop",
    "random_flip_left_right",
    "random_flip_up_down",
    "random_hue",
    "random_jpeg_quality",
    "random_saturation",
    "stateless_random_brightness",
    "stateless_random_contrast",
    "stateless_random_crop",
    "stateless_random_flip_left_right",
    "stateless_random_flip_up_down",
    "stateless_random_hue",
    "stateless_random_jpeg_quality",
    "stateless_random_saturation",
]

Draw = Callable[..., Any]


def _stateful(seed: int | None) -> Draw:
    return lambda sizes, low, high, dtype=dtypes.float32: uniform(sizes, low, high, dtype, seed)


def _stateless(seed: Any) -> Draw:
    return lambda sizes, low, high, dtype=dtypes.float32: stateless_uniform(sizes, seed, low, high, dtype)


def _refuse(problem: bool, message: str) -> None:
    if problem:
        raise ValueError(message)


def _check_delta(max_delta: float) -> None:
    _refuse(max_delta < 0, "max_delta must be non-negative.")


def _check_range(lower: float, upper: float) -> None:
    _refuse(upper <= lower, "upper must be > lower.")
    _refuse(lower < 0, "lower must be non-negative.")


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Any:
    """`adjust_brightness` by a number from [-max_delta, max_delta)."""
    _check_delta(max_delta)
    return adjust_brightness(image, _stateful(seed)([], -max_delta, max_delta))


def stateless_random_brightness(image: Any, max_delta: float, seed: Any) -> Any:
    """`adjust_brightness` by a number from [-max_delta, max_delta)."""
    _check_delta(max_delta)
    return adjust_brightness(image, _stateless(seed)([], -max_delta, max_delta))


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Any:
    """`adjust_contrast` by a factor from [lower, upper)."""
    _check_range(lower, upper)
    return adjust_contrast(image, _stateful(seed)([], lower, upper))


def stateless_random_contrast(image: Any, lower: float, upper: float, seed: Any) -> Any:
    """`adjust_contrast` by a factor from [lower, upper)."""
    _check_range(lower, upper)
    return adjust_contrast(image, _stateless(seed)([], lower, upper))


def _check_hue(max_delta: float) -> None:
    _refuse(max_delta > 0.5, "max_delta must be <= 0.5.")
    _check_delta(max_delta)


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Any:
    """`adjust_hue` by a number from [-max_delta, max_delta)."""
    _check_hue(max_delta)
    return adjust_hue(image, _stateful(seed)([], -max_delta, max_delta))


def stateless_random_hue(image: Any, max_delta: float, seed: Any) -> Any:
    """`adjust_hue` by a number from [-max_delta, max_delta)."""
    _check_hue(max_delta)
    return adjust_hue(image, _stateless(seed)([], -max_delta, max_delta))


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Any:
    """`adjust_saturation` by a factor from [lower, upper)."""
    _check_range(lower, upper)
    return adjust_saturation(image, _stateful(seed)([], lower, upper))


def stateless_random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """`adjust_saturation` by a factor from [lower, upper)."""
    _check_range(lower, upper)
    return adjust_saturation(image, _stateless(seed)([], lower, upper))


def _check_quality(least: int, most: int) -> None:
    _refuse(
        least < 0 or most < 0 or least > 100 or most > 100, "jpeg encoding range must be between 0 and 100."
    )
    _refuse(least >= most, "`min_jpeg_quality` must be less than `max_jpeg_quality`.")


def random_jpeg_quality(
    image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: int | None = None
) -> Any:
    """`adjust_jpeg_quality` by a quality from [min_jpeg_quality, max_jpeg_quality)."""
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    return adjust_jpeg_quality(image, _stateful(seed)([], min_jpeg_quality, max_jpeg_quality, dtypes.int32))


def stateless_random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: Any) -> Any:
    """`adjust_jpeg_quality` by a quality from [min_jpeg_quality, max_jpeg_quality)."""
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    return adjust_jpeg_quality(image, _stateless(seed)([], min_jpeg_quality, max_jpeg_quality, dtypes.int32))


def _maybe(image: Any, change: Callable[[Any], Any], draw: Draw) -> Any:
    """Images, each of which is changed or not."""
    x = tensor(image)
    if x.shape.rank == 3:
        return where(draw([], 0, 1.0) < 0.5, change(x), x)
    whole, _ = batched(x)
    chosen = draw(shape(whole)[:1], 0, 1.0) < 0.5
    return where(reshape(chosen, [-1, 1, 1, 1]), change(whole), whole)


def random_flip_left_right(image: Any, seed: int | None = None) -> Any:
    """Images as in a mirror, or as they are."""
    return _maybe(image, flip_left_right, _stateful(seed))


def stateless_random_flip_left_right(image: Any, seed: Any) -> Any:
    """Images as in a mirror, or as they are."""
    return _maybe(image, flip_left_right, _stateless(seed))


def random_flip_up_down(image: Any, seed: int | None = None) -> Any:
    """Images upside down, or as they are."""
    return _maybe(image, flip_up_down, _stateful(seed))


def stateless_random_flip_up_down(image: Any, seed: Any) -> Any:
    """Images upside down, or as they are."""
    return _maybe(image, flip_up_down, _stateless(seed))


def _crop(value: Any, size: Any, draw: Draw, name: str | None) -> Any:
    x, wanted = tensor(value), cast(shape_tensor(size), dtypes.int32)
    now = shape(x)
    Assert(reduce_all(now >= wanted), ["Need value.shape >= size, got ", now, wanted])
    room = now - wanted + 1
    most: Tensor = tensor(dtypes.int32.max, dtypes.int32)
    return slice(x, draw(shape(now), 0, most, dtypes.int32) % room, wanted, name=name)


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Any:
    """A part of that size, from anywhere in a tensor."""
    return _crop(value, size, _stateful(seed), name)


def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Any:
    """A part of that size, from anywhere in a tensor."""
    return _crop(value, size, _stateless(seed), name)
