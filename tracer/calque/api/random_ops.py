"""`tf.random`: stateful random tensors (seedable), and stateless ones that depend on their seed alone."""

from __future__ import annotations

import random as _python_random
import threading
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype
from calque_runtime.ops.streams import reset_eager

from ..context import state
from ..tensor import Tensor
from .arguments import shape_tensor, tensor
from .raw import raw

__all__ = [
    "categorical",
    "get_seeds",
    "normal",
    "set_seed",
    "shuffle",
    "stateless_normal",
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
