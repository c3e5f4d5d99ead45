"""Random numbers that only depend on shape and type: uniform, normal, truncated normal and integers.

Stateless ops draw from the stream that their seed (or key and counter) names, and give TensorFlow's own CPU numbers.
Stateful ops draw from a stream that belongs to the kernel, each call from where the one before stopped
(`streams.Reserved`). A plan binds a kernel for each node, so each node of a compiled function has its own stream.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape
from .common import check_size
from .philox import BLOCKS_PER_OUTPUT, Philox, full_int, normal, truncated_normal, uniform, uniform_int
from .streams import ALGORITHM, STATEFUL, Reserved, keyed, seeded

__all__: list[str] = []

# Given a site: (stream, number of elements, parameters) to the flat elements.
Draw = Callable[[Site], Callable[..., Array]]


def sizes_of(s: Site, shape: Array) -> tuple[int, ...]:
    """The shape argument of a random op as a tuple.

    Raises:
        InvalidArgumentError: it is no vector, or a size is negative.
    """
    if np.ndim(shape) != 1:
        raise s.error(f"shape must be a vector of {{int32,int64}}, got shape {list(np.shape(shape))}")
    return check_size(s, shape, s.out_dtypes[0])


def _shape_argument(s: Site) -> list[Shape]:
    return [s.const_shape(0)]


def _declare(declaration: str, doc: str, kernel: Callable[[Site], Kernel]) -> Op:
    one = register(Op(declaration, kernel, doc))
    one.shape_rule = _shape_argument
    return one.not_differentiable()


def _stateless(declaration: str, doc: str, draw: Draw) -> Op:
    """Inputs: shape, seed [2], parameters."""

    def kernel(s: Site) -> Kernel:
        make = draw(s)

        def run(shape: Array, seed: Array, *parameters: Array) -> Array:
            sizes = sizes_of(s, shape)
            return make(seeded(s, seed), math.prod(sizes), *parameters).reshape(sizes)

        return run

    return _declare(declaration, doc, kernel)


def _keyed(declaration: str, doc: str, draw: Draw) -> Op:
    """Inputs: shape, key [1], counter [2], algorithm, parameters."""

    def kernel(s: Site) -> Kernel:
        make = draw(s)

        def run(shape: Array, key: Array, counter: Array, algorithm: Array, *parameters: Array) -> Array:
            sizes = sizes_of(s, shape)
            return make(keyed(s, key, counter, algorithm), math.prod(sizes), *parameters).reshape(sizes)

        return run

    return _declare(declaration, doc, kernel)


def _stateful(declaration: str, doc: str, draw: Draw) -> Op:
    """Inputs: shape, parameters; attributes seed and seed2."""

    def kernel(s: Site) -> Kernel:
        make, stream = draw(s), Reserved.of(s)

        def run(shape: Array, *parameters: Array) -> Array:
            sizes = sizes_of(s, shape)
            count = math.prod(sizes)
            return make(stream.take(count * BLOCKS_PER_OUTPUT), count, *parameters).reshape(sizes)

        return run

    one = _declare(declaration, doc, kernel)
    STATEFUL.append(one)
    return one


def _plain(distribution: Callable[..., Array]) -> Draw:
    def draw(s: Site) -> Callable[..., Array]:
        dtype = s.out_dtypes[0]
        return lambda gen, count: distribution(gen, count, dtype)

    return draw


def _between(s: Site) -> Callable[..., Array]:
    dtype = s.out_dtypes[0]

    def draw(gen: Philox, count: int, low: Array, high: Array) -> Array:
        for name, bound in (("minval", low), ("maxval", high)):
            if np.ndim(bound) != 0:
                raise s.error(f"{name} must be 0-D, got shape {list(np.shape(bound))}")
        if count and low >= high:
            raise s.error(f"Need minval < maxval, got {low} >= {high}")
        return uniform_int(gen, count, dtype, int(low), int(high))

    return draw


_V1 = "dtype: type=float in floats; T: type=int32 in index; Tseed: type=int64 in index"
_V2 = "dtype: type=float in floats; Tshape: type=int32 in index"
_SEEDS = "seed: int=0; seed2: int=0"

for _name, _distribution, _doc in (
    ("Uniform", uniform, "Uniform in [0, 1)."),
    ("Normal", normal, "Standard normal."),
):
    _stateless(
        f"StatelessRandom{_name}(shape: T, seed: Tseed) -> (output: dtype) | {_V1}",
        _doc,
        _plain(_distribution),
    )
    _keyed(
        f"StatelessRandom{_name}V2(shape: Tshape, key: uint64, counter: uint64, alg: int32) -> (output: dtype) | {_V2}",
        _doc,
        _plain(_distribution),
    )
    _stateful(
        f"Random{_name.replace('Normal', 'StandardNormal')}(shape: T) -> (output: dtype) | {_SEEDS}; "
        "dtype: type in floats; T: type in index | stateful",
        _doc,
        _plain(_distribution),
    )

_TRUNCATED = "Standard normal, less than 2 from 0."
_stateless(
    f"StatelessTruncatedNormal(shape: T, seed: Tseed) -> (output: dtype) | {_V1}",
    _TRUNCATED,
    _plain(truncated_normal),
)
_keyed(
    f"StatelessTruncatedNormalV2(shape: Tshape, key: uint64, counter: uint64, alg: int32) -> (output: dtype) | {_V2}",
    _TRUNCATED,
    _plain(truncated_normal),
)
_stateful(
    f"TruncatedNormal(shape: T) -> (output: dtype) | {_SEEDS}; dtype: type in floats; T: type in index | stateful",
    _TRUNCATED,
    _plain(truncated_normal),
)

_INT = "Uniform integers in [minval, maxval)."
_stateless(
    "StatelessRandomUniformInt(shape: T, seed: Tseed, minval: dtype, maxval: dtype) -> (output: dtype) | "
    "dtype: type in index; T: type in index; Tseed: type=int64 in index",
    _INT,
    _between,
)
_keyed(
    "StatelessRandomUniformIntV2(shape: Tshape, key: uint64, counter: uint64, alg: int32, minval: dtype, "
    "maxval: dtype) -> (output: dtype) | dtype: type in [int32, int64, uint32, uint64]; Tshape: type=int32 in index",
    _INT,
    _between,
)
_stateful(
    f"RandomUniformInt(shape: T, minval: Tout, maxval: Tout) -> (output: Tout) | {_SEEDS}; Tout: type in index; "
    "T: type in index | stateful",
    _INT,
    _between,
)

_FULL = "Uniform integers over the whole range of their type."
_stateless(
    "StatelessRandomUniformFullInt(shape: T, seed: Tseed) -> (output: dtype) | "
    "dtype: type=uint64 in [int32, int64, uint32, uint64]; T: type=int32 in index; "
    "Tseed: type=int64 in [int32, int64, uint32, uint64]",
    _FULL,
    _plain(full_int),
)
_keyed(
    "StatelessRandomUniformFullIntV2(shape: Tshape, key: uint64, counter: uint64, alg: int32) -> (output: dtype) | "
    "dtype: type=uint64 in [int32, int64, uint32, uint64]; Tshape: type=int32 in index",
    _FULL,
    _plain(full_int),
)


@op(
    "StatelessRandomGetKeyCounter(seed: Tseed) -> (key: uint64, counter: uint64) | Tseed: type=int64 in index"
)
def get_key_counter(s: Site) -> Kernel:
    """Key [1] and counter [2] of the stream that `seed` names."""
    return lambda seed: _key_counter(seeded(s, seed))


def _key_counter(gen: Philox) -> tuple[Array, Array]:
    low, high = gen.counter & (1 << 64) - 1, gen.counter >> 64
    return np.array([gen.key], np.uint64), np.array([low, high], np.uint64)


@get_key_counter.shape
def _(s: Site) -> list[Shape]:
    return [(1,), (2,)]


@op(
    "StatelessRandomGetKeyCounterAlg(seed: Tseed) -> (key: uint64, counter: uint64, alg: int32) | "
    "Tseed: type=int64 in index"
)
def get_key_counter_alg(s: Site) -> Kernel:
    """Key [1], counter [2] and algorithm of the stream that `seed` names."""
    return lambda seed: (*_key_counter(seeded(s, seed)), np.array(ALGORITHM, np.int32))


@get_key_counter_alg.shape
def _(s: Site) -> list[Shape]:
    return [(1,), (2,), ()]


@op("StatelessRandomGetAlg() -> (alg: int32) | stateful")
def get_alg(s: Site) -> Kernel:
    """The algorithm that streams use here: 1, Philox."""
    return lambda: np.array(ALGORITHM, np.int32)


@get_alg.shape
def _(s: Site) -> list[Shape]:
    return [()]


for _one in (get_key_counter, get_key_counter_alg, get_alg):
    _one.not_differentiable()


# Generators: a variable int64 [3] holds counter (2) and key (1), and each call moves the counter on.


def _advance(s: Site, variable: Any, algorithm: Array, blocks: int) -> tuple[Philox, Array]:
    """The generator's position before the call, and its state as it was."""
    if np.size(algorithm) != 1 or int(algorithm) not in (ALGORITHM, 3):
        raise s.error(f"Unsupported algorithm id: {algorithm}")
    with variable.lock:
        state = np.asarray(variable.value)
        if state.dtype != np.int64 or state.ndim != 1 or state.size < 3:
            raise s.error(
                f"the state of a Philox generator must be a vector of at least 3 int64, but is {state.dtype} "
                f"of shape {list(state.shape)}"
            )
        words = [int(x) & (1 << 64) - 1 for x in state]
        gen = Philox(words[2], words[0] | words[1] << 64)
        after = gen.skip(blocks).counter
        new = state.copy()
        new[:2] = np.array([after & (1 << 64) - 1, after >> 64], np.uint64).view(np.int64)
        variable.assign(new)
    return gen, state


def _generator(name: str, doc: str, draw: Draw, defaults: str, parameters: str = "") -> Op:
    def kernel(s: Site) -> Kernel:
        make = draw(s)

        def run(variable: Any, algorithm: Array, shape: Array, *bounds: Array) -> Array:
            sizes = sizes_of(s, shape)
            count = math.prod(sizes)
            gen, _ = _advance(s, variable, algorithm, count * BLOCKS_PER_OUTPUT)
            return make(gen, count, *bounds).reshape(sizes)

        return run

    one = register(
        Op(
            f"{name}(resource: resource, algorithm: int64, shape: shape_dtype{parameters}) -> (output: dtype) | "
            f"dtype: type={defaults}; shape_dtype: type=int64 | stateful",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: [s.const_shape(2)]
    return one.not_differentiable()


_generator("StatefulStandardNormalV2", "Standard normal.", _plain(normal), "float")
_generator("StatefulTruncatedNormal", _TRUNCATED, _plain(truncated_normal), "float")
_generator("StatefulUniform", "Uniform in [0, 1).", _plain(uniform), "float")
_generator("StatefulUniformFullInt", _FULL, _plain(full_int), "uint64")
_generator("StatefulUniformInt", _INT, _between, "int64", ", minval: dtype, maxval: dtype")


@op("RngReadAndSkip(resource: resource, alg: int32, delta: uint64) -> (value: int64) | stateful")
def rng_read_and_skip(s: Site) -> Kernel:
    """The generator's state, which then moves on as if `delta` samples had been drawn."""
    return lambda variable, alg, delta: _advance(s, variable, alg, int(delta) * BLOCKS_PER_OUTPUT)[1]


@rng_read_and_skip.shape
def _(s: Site) -> list[Shape]:
    return [(None,)]


@op("RngSkip(resource: resource, algorithm: int64, delta: int64) -> () | stateful")
def rng_skip(s: Site) -> Kernel:
    """Move the generator on as if `delta` samples had been drawn."""

    def run(variable: Any, algorithm: Array, delta: Array) -> tuple[()]:
        _advance(s, variable, algorithm, int(delta) * BLOCKS_PER_OUTPUT)
        return ()

    return run


@rng_skip.shape
def _(s: Site) -> list[Shape]:
    return []
