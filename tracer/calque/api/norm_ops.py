"""Means, variances and normalization for neural networks."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes

from .arguments import static_shape, tensor
from .math_ops import cast, divide_no_nan, multiply, rsqrt, square, squared_difference, subtract
from .reduce_ops import reduce_mean, reduce_sum

__all__ = [
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "moments",
    "normalize_moments",
    "sufficient_statistics",
    "weighted_moments",
]


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any]:
    """Mean and variance over `axes`; 16-bit floats are summed as float32."""
    from .array_ops import squeeze, stop_gradient

    given = tensor(x)
    small = given.dtype in (dtypes.float16, dtypes.bfloat16)
    a = cast(given, dtypes.float32) if small else given
    mean = reduce_mean(a, axes, keepdims=True)
    variance = reduce_mean(squared_difference(a, stop_gradient(mean)), axes, keepdims=True)
    if not keepdims:
        mean, variance = squeeze(mean, axes), squeeze(variance, axes)
    return (cast(mean, given.dtype), cast(variance, given.dtype)) if small else (mean, variance)


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any, Any, Any]:
    """The count, the sum and the sum of squares (both of x - shift) over `axes`, and the shift."""
    from .array_ops import shape
    from .indexing_ops import gather
    from .reduce_ops import reduce_prod

    a = tensor(x)
    known = static_shape(a)
    at = sorted({axes} if isinstance(axes, int) else set(axes))
    sizes = None if known is None else [known[i] for i in at]
    if sizes is not None and None not in sizes:
        count = 1
        for size in sizes:
            count *= size or 0
        counts = tensor(count, a.dtype)
    else:
        counts = cast(reduce_prod(gather(shape(a), tensor(at))), a.dtype)
    if shift is None:
        return counts, reduce_sum(a, at, keepdims), reduce_sum(square(a), at, keepdims), None
    moved = tensor(shift, a.dtype)
    total = reduce_sum(subtract(a, moved), at, keepdims)
    return counts, total, reduce_sum(squared_difference(a, moved), at, keepdims), moved


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Any, Any]:
    """Mean and variance from what `sufficient_statistics` gave."""
    share = 1.0 / tensor(counts)
    moved_mean = multiply(tensor(mean_ss), share)
    mean = moved_mean if shift is None else moved_mean + shift
    return mean, multiply(tensor(variance_ss), share) - square(moved_mean)


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any]:
    """Mean and variance over `axes`, each element counted with its weight; 0 where all weights are."""
    from .array_ops import squeeze, zeros_like

    given = tensor(x)
    a = cast(given, dtypes.float32) if given.dtype == dtypes.float16 else given
    w = cast(tensor(frequency_weights), a.dtype)
    spread = w + zeros_like(a) if w.shape != a.shape else w  # one weight for each element
    total = reduce_sum(spread, axes, keepdims=True)
    mean = divide_no_nan(reduce_sum(w * a, axes, keepdims=True), total)
    variance = divide_no_nan(reduce_sum(w * squared_difference(a, mean), axes, keepdims=True), total)
    if not keepdims:
        mean, variance = squeeze(mean, axes), squeeze(variance, axes)
    return cast(mean, given.dtype), cast(variance, given.dtype)


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset; scale and offset may be None."""
    a = tensor(x)
    factor = rsqrt(tensor(variance) + variance_epsilon)
    if scale is not None:
        factor = factor * scale
    bias = -tensor(mean) * factor if offset is None else offset - mean * factor
    return a * cast(factor, a.dtype) + cast(bias, a.dtype)


def batch_norm_with_global_normalization(
    input: Any,
    mean: Any,
    variance: Any,
    beta: Any,
    gamma: Any,
    variance_epsilon: Any,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Any:
    """`batch_normalization` with the older argument names."""
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon, name)
