"""`tf.random`: stateful random tensors (seedable), and stateless ones that depend on their seed alone."""

from __future__ import annotations

import random as _python_random
import threading
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype
from calque_runtime.ops.streams import reset_eager

from ..context import state
from ..tensor import Tensor
from .arguments import shape_tensor, tensor
from .raw import raw

__all__ = [
    "categorical",
    "fold_in",
    "gamma",
    "get_seeds",
    "normal",
    "poisson",
    "set_seed",
    "shuffle",
    "split",
    "stateless_categorical",
    "stateless_gamma",
    "stateless_normal",
    "stateless_poisson",
    "stateless_shuffle",
    "stateless_truncated_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
]

_DEFAULT_OP_SEED = (
    87654321  # what TensorFlow takes for an op without a seed of its own, once a global one is set
)
_seed: int | None = None
_sequence = _python_random.Random()
_lock = threading.Lock()


def set_seed(seed: int | None) -> None:
    """Make the stateful random ops that follow repeatable: the same program gives the same numbers again.

    Args:
        seed: an integer; None goes back to numbers that differ in each run.
    """
    global _seed
    _seed = None if seed is None else int(seed)
    reset_eager()
    if _seed is not None:
        _sequence.seed(_seed)


def get_seeds(op_seed: int | None) -> tuple[int, int]:
    """The seed pair of a stateful op from the global seed and the op's own; (0, 0) means: not repeatable."""
    if _seed is None:
        return (0, 0) if op_seed is None else (_nonzero(0, int(op_seed)))
    if op_seed is not None:
        return _nonzero(_seed, int(op_seed))
    if state.trace is not None:
        return _nonzero(_seed, len(state.trace.function.nodes))
    with _lock:
        return _nonzero(_seed, _sequence.randint(0, 2**31 - 1))


def _nonzero(a: int, b: int) -> tuple[int, int]:
    a, b = a & (2**63 - 1), b & (2**63 - 1)
    return (0, 2**31 - 1) if (a, b) == (0, 0) else (a, b)


def _stateful(op: str, shape: Any, dtype: Any, seed: int | None, name: str | None) -> Any:
    first, second = get_seeds(seed)
    return raw(op)(shape_tensor(shape), dtype=as_dtype(dtype), seed=first, seed2=second, name=name)


def normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Numbers from a normal distribution."""
    return _scaled(_stateful("RandomStandardNormal", shape, dtype, seed, name), mean, stddev)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Numbers from a normal distribution; those more than two standard deviations away are drawn again."""
    return _scaled(_stateful("TruncatedNormal", shape, dtype, seed, name), mean, stddev)


def _scaled(x: Tensor, mean: Any, stddev: Any) -> Any:
    scaled = x if isinstance(stddev, (int, float)) and stddev == 1 else x * tensor(stddev, x.dtype)
    return scaled if isinstance(mean, (int, float)) and mean == 0 else scaled + tensor(mean, x.dtype)


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Numbers from [minval, maxval), each as likely as the other; `maxval` is 1 for floats.

    Raises:
        ValueError: integers are asked for without `maxval`.
    """
    to = as_dtype(dtype)
    if maxval is None:
        if to.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {to!r}")
        maxval = 1
    if to.is_integer:
        first, second = get_seeds(seed)
        low, high = tensor(minval, to), tensor(maxval, to)
        return raw("RandomUniformInt")(shape_tensor(shape), low, high, seed=first, seed2=second, name=name)
    return _ranged(_stateful("RandomUniform", shape, to, seed, name), minval, maxval)


def _ranged(x: Tensor, minval: Any, maxval: Any) -> Any:
    low, high = tensor(minval, x.dtype), tensor(maxval, x.dtype)
    plain = isinstance(minval, (int, float)) and isinstance(maxval, (int, float))
    if plain and minval == 0:
        return x if maxval == 1 else x * high
    return x * (high - low) + low


def shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Any:
    """The rows in random order."""
    first, second = get_seeds(seed)
    return raw("RandomShuffle")(tensor(value), seed=first, seed2=second, name=name)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Any:
    """For each row of log-probabilities, `num_samples` classes drawn from it."""
    first, second = get_seeds(seed)
    to = as_dtype(dtype or dtypes.int64)
    return raw("Multinomial")(
        tensor(logits), tensor(num_samples), seed=first, seed2=second, output_dtype=to, name=name
    )


def _key_counter(seed: Any) -> tuple[Any, Any, Any]:
    key, counter = raw("StatelessRandomGetKeyCounter")(tensor(seed, hint=dtypes.int32))
    return key, counter, tensor(1)  # 1: the Philox generator, which TensorFlow takes on a processor


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Numbers from [minval, maxval) that depend on `seed` (two integers) alone: TensorFlow's own."""
    to = as_dtype(dtype)
    key, counter, kind = _key_counter(seed)
    size = shape_tensor(shape)
    if to.is_integer:
        if minval is None and maxval is None:
            return raw("StatelessRandomUniformFullIntV2")(size, key, counter, kind, dtype=to, name=name)
        if maxval is None:
            raise ValueError(
                f"For integer `dtype` argument {to!r}, argument `minval` and `maxval` must be both None or not None."
            )
        return raw("StatelessRandomUniformIntV2")(
            size, key, counter, kind, tensor(minval, to), tensor(maxval, to), name=name
        )
    x = raw("StatelessRandomUniformV2")(size, key, counter, kind, dtype=to, name=name)
    return _ranged(x, minval, 1 if maxval is None else maxval)


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Numbers from a normal distribution that depend on `seed` (two integers) alone: TensorFlow's own."""
    key, counter, kind = _key_counter(seed)
    x = raw("StatelessRandomNormalV2")(
        shape_tensor(shape), key, counter, kind, dtype=as_dtype(dtype), name=name
    )
    return _scaled(x, mean, stddev)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """As `stateless_normal`, with numbers more than two standard deviations away drawn again."""
    key, counter, kind = _key_counter(seed)
    x = raw("StatelessTruncatedNormalV2")(
        shape_tensor(shape), key, counter, kind, dtype=as_dtype(dtype), name=name
    )
    return _scaled(x, mean, stddev)


def gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Numbers from gamma distributions, `shape` of them for each element of `alpha` and `beta` (1 for None)."""
    a, b = _broadcast(alpha, beta, dtype)
    first, second = get_seeds(seed)
    x = raw("RandomGamma")(shape_tensor(shape), a, seed=first, seed2=second, name=name)
    return _positive(x) / b


def _broadcast(alpha: Any, beta: Any, dtype: Any) -> tuple[Any, Any]:
    from .array_ops import broadcast_dynamic_shape, broadcast_to
    from .array_ops import shape as shape_of

    to = as_dtype(dtype)
    a, b = tensor(alpha, to), tensor(1 if beta is None else beta, to)
    return broadcast_to(a, broadcast_dynamic_shape(shape_of(a), shape_of(b))), b


def _positive(x: Tensor) -> Any:
    """A gamma number that rounding made 0 becomes the smallest one there is."""
    from .math_ops import maximum

    return maximum(x, tensor(float(np.finfo(x.dtype.np).tiny), x.dtype))


def poisson(
    shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Any:
    """Numbers from Poisson distributions, `shape` of them for each rate in `lam`."""
    first, second = get_seeds(seed)
    return raw("RandomPoissonV2")(
        shape_tensor(shape), tensor(lam), dtype=as_dtype(dtype), seed=first, seed2=second, name=name
    )


def stateless_gamma(
    shape: Any,
    seed: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Numbers of `shape` from gamma distributions that depend on `seed` (two integers) alone."""
    from .array_ops import broadcast_to

    size = shape_tensor(shape)
    a, b = _broadcast(alpha, beta, dtype)
    key, counter, kind = _key_counter(seed)
    x = raw("StatelessRandomGammaV3")(size, key, counter, kind, broadcast_to(a, size), name=name)
    return _positive(x) / b


def stateless_poisson(
    shape: Any, seed: Any, lam: Any, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Numbers of `shape` from Poisson distributions that depend on `seed` (two integers) alone."""
    from .array_ops import broadcast_to

    size = shape_tensor(shape)
    return raw("StatelessRandomPoisson")(
        size,
        tensor(seed, hint=dtypes.int32),
        broadcast_to(tensor(lam), size),
        dtype=as_dtype(dtype),
        name=name,
    )


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """As `categorical`, with draws that depend on `seed` (two integers) alone."""
    return raw("StatelessMultinomial")(
        tensor(logits),
        tensor(num_samples),
        tensor(seed, hint=dtypes.int32),
        output_dtype=as_dtype(dtype),
        name=name,
    )


def split(seed: Any, num: Any = 2, alg: Any = "auto_select") -> Any:
    """`num` seeds made of one, [num, 2]."""
    from .array_ops import stack

    given = tensor(seed)
    return stateless_uniform(stack([num, 2]), given, None, None, given.dtype)


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Any:
    """A seed made of a seed and an integer."""
    from .array_ops import stack
    from .math_ops import cast

    given = tensor(seed)
    more = tensor(data)
    wide = given.dtype if given.dtype.size >= more.dtype.size else more.dtype
    first = stateless_uniform([1], cast(given, wide), None, None, wide)[0]
    return stack([first, cast(more, wide)])


def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None) -> Any:
    """The rows in a random order that depends on `seed` (two integers) alone."""
    key, counter, kind = _key_counter(seed)
    return raw("StatelessShuffle")(tensor(value), key, counter, kind, name=name)
