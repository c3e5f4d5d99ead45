"""Random ops that look at data: shuffling, categorical, gamma and Poisson samples.

The rejection samplers run all outputs at once: each output has a stream of its own, 256 blocks long, from which the
outputs that are still open draw in step. So the numbers are TensorFlow's, whatever the order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..dtypes import float64
from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape, concat
from .common import check_size, same_shape
from .philox import BLOCKS_PER_OUTPUT, Philox, doubles, normal_pairs
from .random import sizes_of
from .streams import STATEFUL, Reserved, keyed, seeded

__all__: list[str] = []

_SEEDS = "seed: int=0; seed2: int=0"


# Shuffling.


def _shuffled(gen: Philox, value: Array) -> Array:
    """Fisher-Yates over the first axis, one word for each swap."""
    count = len(value)
    order = list(range(count))
    for i, word in enumerate(gen.words(max(0, count - 1)).tolist()):
        j = i + word % (count - i)
        order[i], order[j] = order[j], order[i]
    return value[order]


@op(f"RandomShuffle(value: T) -> (output: T) | {_SEEDS}; T: type | stateful")
def random_shuffle(s: Site) -> Kernel:
    """The slices along the first axis in random order."""
    stream = Reserved.of(s)

    def run(value: Array) -> Array:
        if np.ndim(value) == 0 or len(value) <= 1:
            return value
        return _shuffled(stream.take(-(-(len(value) - 1) // 4)), value)  # a word for each swap

    return run


random_shuffle.not_differentiable()


@op("StatelessShuffle(value: T, key: uint64, counter: uint64, alg: int32) -> (output: T) | T: type")
def stateless_shuffle(s: Site) -> Kernel:
    """The slices along the first axis in random order."""

    def run(value: Array, key: Array, counter: Array, algorithm: Array) -> Array:
        gen = keyed(s, key, counter, algorithm)
        return value if np.ndim(value) == 0 or len(value) <= 1 else _shuffled(gen, value)

    return run


STATEFUL.append(random_shuffle)
random_shuffle.shape_rule = stateless_shuffle.shape_rule = same_shape


# Categorical samples.


def _categories(s: Site, gen: Philox, logits: Array, count: int) -> Array:
    """For each row of logits `count` classes, by looking a uniform up in the row's cumulative weights.

    Rows draw from one stream, one after the other, two words for each sample.
    """
    rows = len(logits)
    dtype = s.out_dtypes[0].np
    if rows == 0 or count == 0:
        return np.empty((rows, count), dtype)
    wide = logits.astype(np.float64)
    finite = np.isfinite(wide)
    top = np.max(np.where(finite, wide, -np.inf), axis=1, keepdims=True)
    weights = np.where(finite, np.exp(wide - top), 0.0)
    cumulative = np.cumsum(weights, axis=1)
    targets = doubles(gen.words(2 * rows * count)).reshape(rows, count) * cumulative[:, -1:]
    return np.stack(
        [np.searchsorted(c, t, side="right") for c, t in zip(cumulative, targets, strict=True)]
    ).astype(dtype)


def _checked_logits(s: Site, logits: Array, num_samples: Array) -> int:
    if np.ndim(logits) != 2:
        raise s.error(f"logits should be a matrix, got shape {list(np.shape(logits))}")
    if np.ndim(num_samples) != 0:
        raise s.error(f"num_samples should be a scalar, got shape {list(np.shape(num_samples))}")
    count = int(num_samples)
    if count < 0:
        raise s.error(f"num_samples should be non-negative, got {count}")
    if logits.shape[1] == 0:
        raise s.error("num_classes should be positive, got 0")
    check_size(s, (logits.shape[0], count), float64)
    return count


@op(
    f"Multinomial(logits: T, num_samples: int32) -> (output: output_dtype) | {_SEEDS}; T: type in real; "
    "output_dtype: type=int64 in index | stateful"
)
def multinomial(s: Site) -> Kernel:
    """Classes drawn with the probabilities that each row of logits stands for."""
    stream = Reserved.of(s)

    def run(logits: Array, num_samples: Array) -> Array:
        count = _checked_logits(s, logits, num_samples)
        spent = logits.shape[0] * 2 * (4 * -(-count // 4))
        return _categories(s, stream.take(spent * BLOCKS_PER_OUTPUT), logits, count)

    return run


@op(
    "StatelessMultinomial(logits: T, num_samples: int32, seed: Tseed) -> (output: output_dtype) | T: type in real; "
    "Tseed: type=int64 in index; output_dtype: type=int64 in index"
)
def stateless_multinomial(s: Site) -> Kernel:
    """Classes drawn with the probabilities that each row of logits stands for."""

    def run(logits: Array, num_samples: Array, seed: Array) -> Array:
        return _categories(s, seeded(s, seed), logits, _checked_logits(s, logits, num_samples))

    return run


def _multinomial_shape(s: Site) -> list[Shape]:
    known = s.const(1)
    rows = None if s.shapes[0] is None or not s.shapes[0] else s.shapes[0][0]
    return [(rows, None if known is None or np.ndim(known) else int(known))]


STATEFUL.append(multinomial)
multinomial.shape_rule = stateless_multinomial.shape_rule = _multinomial_shape
multinomial.not_differentiable()
stateless_multinomial.not_differentiable()


# Rejection samplers.


class _Streams:
    """One stream for each output, 256 blocks apart."""

    def __init__(self, gen: Philox, count: int) -> None:
        self._gen = gen
        self._next = np.arange(count, dtype=np.uint64) * np.uint64(BLOCKS_PER_OUTPUT)

    def block(self, which: Array) -> Array:
        """The next block of each of these outputs' streams, flat."""
        words = self._gen.at(self._next[which]).reshape(-1)
        self._next[which] += np.uint64(1)
        return words


class _Pairs:
    """float64 numbers from the outputs' streams, two a block, the second of a block first."""

    def __init__(self, streams: _Streams, count: int, convert: Callable[[Array], Array]) -> None:
        self._streams = streams
        self._convert = convert
        self._held = np.empty((count, 2))
        self._left = np.zeros(count, np.int8)

    def take(self, which: Array) -> Array:
        """The next number for each of these outputs."""
        empty = which[self._left[which] == 0]
        if len(empty):
            self._held[empty] = self._convert(self._streams.block(empty)).reshape(-1, 2)
            self._left[empty] = 2
        self._left[which] -= 1
        return self._held[which, self._left[which]]


def _gamma(gen: Philox, alpha: Array) -> Array:
    """A Gamma(alpha, 1) sample for each element of float64 [n].

    Marsaglia and Tsang, A Simple Method for Generating Gamma Variables (2000); alpha of 1 is exponential, alpha below 1
    is raised by one and scaled back. NaN where alpha is NaN or below 0.
    """
    out = np.full(len(alpha), np.nan)
    streams = _Streams(gen, len(alpha))
    uniforms = _Pairs(streams, len(alpha), doubles)
    normals = _Pairs(streams, len(alpha), lambda words: normal_pairs(words, float64))
    exponential = np.flatnonzero(alpha == 1)
    out[exponential] = -np.log1p(-uniforms.take(exponential))
    small = alpha < 1
    d = alpha + np.where(small, 2 / 3, -1 / 3)
    c = 1 / 3 / np.sqrt(d)
    active = np.flatnonzero((alpha >= 0) & (alpha != 1))
    while len(active):
        x = normals.take(active)
        v = 1 + c[active] * x
        tried, x, v = active[v > 0], x[v > 0], v[v > 0]
        v = v * v * v
        u = uniforms.take(tried)
        good = (u < 1 - 0.0331 * (x * x) * (x * x)) | (
            np.log(u) < 0.5 * x * x + d[tried] * (1 - v + np.log(v))
        )
        done = tried[good]
        value = d[done] * v[good]
        boost = small[done]
        raised = done[boost]
        value[boost] *= np.power(uniforms.take(raised), 1 / alpha[raised])
        out[done] = value
        active = active[np.isnan(out[active])]
    return out


_lgamma = np.frompyfunc(math.lgamma, 1, 1)


def _poisson(gen: Philox, rate: Array, highest: float) -> Array:
    """A Poisson(rate) sample not above `highest` for each element of float64 [n].

    Below a rate of 10 Knuth's product of uniforms, else Hoermann's transformed rejection (The Transformed Rejection
    Method for Generating Poisson Random Variables, 1993). 0 for negative rates; NaN and infinity are themselves.
    """
    out = np.where(np.isfinite(rate), np.nan, rate)
    out[rate < 0] = 0
    uniforms = _Pairs(_Streams(gen, len(rate)), len(rate), doubles)
    _knuth(uniforms, rate, highest, out, np.flatnonzero((rate >= 0) & (rate < 10)))
    _hormann(uniforms, rate, highest, out, np.flatnonzero((rate >= 10) & np.isfinite(rate)))
    return out


def _knuth(uniforms: _Pairs, rate: Array, highest: float, out: Array, active: Array) -> None:
    bound = np.exp(-rate)
    product = np.ones(len(rate))
    count = 0.0
    while len(active):
        product[active] *= uniforms.take(active)
        done = product[active] <= bound[active]
        out[active[done]] = min(count, highest)
        active = active[~done]
        count += 1


def _hormann(uniforms: _Pairs, rate: Array, highest: float, out: Array, active: Array) -> None:
    b = 0.931 + 2.53 * np.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    while len(active):
        u = uniforms.take(active) - 0.5
        v = uniforms.take(active)
        us = 0.5 - np.abs(u)
        lam, p, q = rate[active], a[active], b[active]
        k = np.floor((2 * p / us + q) * u + lam + 0.43)
        quick = (us >= 0.07) & (v <= 0.9277 - 3.6224 / (q - 2))
        possible = (k >= 0) & ~((us < 0.013) & (v > us))
        s = np.log(v * inverse_alpha[active] / (p / (us * us) + q))
        t = -lam + k * np.log(lam) - _lgamma(np.maximum(k, 0) + 1).astype(np.float64)
        good = (k <= highest) & (quick | (possible & (s <= t)))
        out[active[good]] = k[good]
        active = active[~good]


def _draw(s: Site, gen: Philox, parameters: Array, samples: int, sizes: Sequence[int]) -> Array:
    """`samples` samples for each parameter; the parameters' axes come last in `sizes`."""
    dtype = s.out_dtypes[0]
    each = np.repeat(parameters.astype(np.float64).ravel(), samples)
    if "Gamma" in s.op.name:
        flat = _gamma(gen, each)
    else:
        if dtype.is_integer and not np.isfinite(each).all():
            raise s.error("a Poisson rate must be finite where the samples are integers")
        flat = _poisson(gen, each, float(dtype.max))
    return np.ascontiguousarray(flat.reshape(-1, samples).T).reshape(sizes).astype(dtype.np)


def _stateful_sampler(declaration: str, doc: str) -> Op:
    """Inputs: the shape to draw for each parameter, and the parameters."""

    def kernel(s: Site) -> Kernel:
        stream = Reserved.of(s)

        def run(shape: Array, parameters: Array) -> Array:
            each = sizes_of(s, shape)
            sizes = check_size(s, each + np.shape(parameters), float64)
            gen = stream.take(math.prod(sizes) * BLOCKS_PER_OUTPUT)
            return _draw(s, gen, parameters, math.prod(each), sizes)

        return run

    one = register(Op(declaration, kernel, doc))
    one.shape_rule = lambda s: [concat([s.const_shape(0), s.shapes[1]])]
    STATEFUL.append(one)
    return one


def _stateless_sampler(declaration: str, doc: str) -> Op:
    """Inputs: the whole shape, seed or key, counter and algorithm, and the parameters."""

    def kernel(s: Site) -> Kernel:
        def run(shape: Array, *rest: Array) -> Array:
            *where, parameters = rest
            sizes = check_size(s, sizes_of(s, shape), float64)
            gen = seeded(s, *where) if len(where) == 1 else keyed(s, *where)
            own = np.shape(parameters)
            if sizes[len(sizes) - len(own) :] != own:
                raise s.error(
                    f"Shape passed in must end with the shape of the parameters: {list(sizes)}, {list(own)}"
                )
            return _draw(s, gen, parameters, math.prod(sizes[: len(sizes) - len(own)]), sizes)

        return run

    one = register(Op(declaration, kernel, doc))
    one.shape_rule = lambda s: [s.const_shape(0)]
    return one


_GAMMA = "Gamma(alpha, 1) samples."
_stateful_sampler(
    f"RandomGamma(shape: S, alpha: T) -> (output: T) | {_SEEDS}; S: type in index; "
    "T: type in [half, float, double] | stateful",
    _GAMMA,
)
_stateless_sampler(
    "StatelessRandomGammaV2(shape: T, seed: Tseed, alpha: dtype) -> (output: dtype) | "
    "dtype: type in [half, float, double]; T: type in index; Tseed: type=int64 in index",
    _GAMMA,
)
_stateless_sampler(
    "StatelessRandomGammaV3(shape: shape_dtype, key: uint64, counter: uint64, alg: int32, alpha: dtype) -> "
    "(output: dtype) | dtype: type in [half, float, double]; shape_dtype: type=int32 in index",
    _GAMMA,
)
_POISSON = "Poisson(rate) samples."
_stateful_sampler(
    f"RandomPoissonV2(shape: S, rate: R) -> (output: dtype) | {_SEEDS}; S: type in index; "
    "R: type=double in [half, float, double, int32, int64]; dtype: type=int64 in [half, float, double, int32, int64] "
    "| stateful",
    _POISSON,
).not_differentiable()
_stateless_sampler(
    "StatelessRandomPoisson(shape: T, seed: Tseed, lam: Rtype) -> (output: dtype) | "
    "Rtype: type in [half, float, double, int32, int64]; dtype: type in [half, float, double, int32, int64]; "
    "T: type in index; Tseed: type=int64 in index",
    _POISSON,
).not_differentiable()
