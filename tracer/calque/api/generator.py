"""`tf.random.Generator`: random numbers whose state is a variable."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..context import init_scope
from ..tensor import constant
from ..trackable import AutoTrackable
from ..variable import Variable
from .arguments import shape_tensor, tensor
from .array_ops import bitcast, concat, reshape, stack, unstack, zeros_like
from .math_ops import cast
from .random_ops import _ranged, _scaled
from .raw import raw
from .reduce_ops import reduce_prod

__all__ = [
    "Algorithm",
    "Generator",
    "create_rng_state",
    "get_global_generator",
    "set_global_generator",
]

_PHILOX = 1
_WORDS = 3  # of the state: the counter's two, and the key


class Algorithm(enum.Enum):
    """Algorithms that make random numbers."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


def _algorithm(alg: Any) -> int:
    """The algorithm's number; only Philox runs on a processor.

    Raises:
        ValueError: there is no such algorithm, or it does not run here.
    """
    if isinstance(alg, Algorithm):
        alg = alg.value
    if isinstance(alg, str):
        alg = {"philox": 1, "threefry": 2, "auto_select": 3}.get(alg, alg)
    number = None if isinstance(alg, str) else int(tensor(alg).numpy())
    if number not in (1, 2, 3):
        raise ValueError(
            f"Argument `alg` got unsupported string value {alg}. Supported string values are 'philox' for the Philox "
            "algorithm, 'threefry' for the ThreeFry algorithm, and 'auto_select' for auto selection."
        )
    if number == 2:
        raise ValueError("The ThreeFry algorithm does not run on a processor: use 'philox'.")
    return _PHILOX


def create_rng_state(seed: Any, alg: Any) -> Any:
    """The state, [3] of int64, that a generator starts with.

    Args:
        seed: an integer of any size, or up to three of 64 bits.
        alg: "philox", or another name or number for it.

    Raises:
        ValueError: there are more than three, or there is no such algorithm.
    """
    _algorithm(alg)
    if isinstance(seed, int):
        words = [(seed >> (64 * i)) & (2**64 - 1) for i in range(_WORDS)]
        return constant(np.array(words, np.uint64).view(np.int64), dtypes.int64)
    given = tensor(seed)
    whole = reshape(cast(given, dtypes.int64), [-1])
    count = whole.shape[0]
    if count is not None and count > _WORDS:
        raise ValueError(f"The seed must have at most {_WORDS} elements. Received: {seed}.")
    return concat([constant([0] * (_WORDS - (count or 0)), dtypes.int64), whole], 0)


class Generator(AutoTrackable):
    """A source of random numbers. The same state gives TensorFlow's own numbers.

    Its state is a variable: checkpoints have it, and functions change it.

    Args:
        copy_from: another generator, whose state to start with.
        state: the state to start with, [3] of int64.
        alg: the algorithm, for `state`.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None) -> None:
        with init_scope():
            if copy_from is not None:
                if state is not None or alg is not None:
                    raise ValueError("Generator takes `copy_from`, or `state` and `alg`, not both.")
                start = copy_from.state.read_value()
            elif state is None or alg is None:
                raise ValueError(
                    "Generator needs `copy_from`, or `state` and `alg`: make one with Generator.from_seed(seed)."
                )
            else:
                _algorithm(alg)
                start = _checked_state(state)
            self._alg = _PHILOX
            self._state_var = Variable(start, dtype=dtypes.int64, name="StateVar", trainable=False)

    @classmethod
    def from_state(cls, state: Any, alg: Any) -> Generator:
        """A generator of that state."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator from a seed: see `create_rng_state`."""
        kind = "philox" if alg is None else alg
        with init_scope():
            return cls(state=create_rng_state(seed, kind), alg=kind)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that gives other numbers each time."""
        kind = "philox" if alg is None else alg
        words = [secrets.randbits(64) - 2**63 for _ in range(_WORDS)]
        return cls(state=constant(words, dtypes.int64), alg=kind)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any) -> Generator:
        """A generator of that key, a scalar, and counter, two integers."""
        return cls(state=_key_counter_state(key, counter), alg=alg)

    @property
    def state(self) -> Variable:
        """The state: a variable, [3] of int64."""
        return self._state_var

    @property
    def algorithm(self) -> int:
        """The algorithm's number."""
        return self._alg

    @property
    def key(self) -> Any:
        """The key: that part of the state that stays."""
        return self._state_var.read_value()[2]

    def reset(self, state: Any) -> None:
        """Go on from another state."""
        self._state_var.assign(_checked_state(state))

    def reset_from_seed(self, seed: Any) -> None:
        """Go on as `from_seed` begins."""
        self._state_var.assign(create_rng_state(seed, self._alg))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Go on as `from_key_counter` begins."""
        self._state_var.assign(_key_counter_state(key, counter))

    def skip(self, delta: Any) -> Any:
        """Move on as if `delta` numbers had been drawn; returns the state before."""
        steps = cast(tensor(delta), dtypes.uint64)
        return raw("RngReadAndSkip")(self._state_var.handle, constant(self._alg), steps)

    def _drawn(self, size: Any) -> tuple[Any, Any, Any]:
        """Key, counter and algorithm for numbers of that shape, after which the state has moved on."""
        before = bitcast(self.skip(reduce_prod(cast(size, dtypes.int64))), dtypes.uint64)
        return before[2:], before[:2], constant(self._alg)

    def normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Any:
        """Numbers from a normal distribution."""
        size = shape_tensor(shape)
        drawn = raw("StatelessRandomNormalV2")(size, *self._drawn(size), dtype=as_dtype(dtype), name=name)
        return _scaled(drawn, mean, stddev)

    def truncated_normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Any:
        """As `normal`; numbers more than two standard deviations away are drawn again."""
        size = shape_tensor(shape)
        drawn = raw("StatelessTruncatedNormalV2")(size, *self._drawn(size), dtype=as_dtype(dtype), name=name)
        return _scaled(drawn, mean, stddev)

    def uniform(
        self,
        shape: Any,
        minval: Any = 0,
        maxval: Any = None,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Any:
        """Numbers from [minval, maxval), each as likely as the other; `maxval` is 1 for floats.

        Raises:
            ValueError: integers are asked for, and `minval` and `maxval` are not both numbers or both None.
        """
        kind, size = as_dtype(dtype), shape_tensor(shape)
        if not kind.is_integer:
            drawn = raw("StatelessRandomUniformV2")(size, *self._drawn(size), dtype=kind, name=name)
            return _ranged(drawn, minval, 1 if maxval is None else maxval)
        if (minval is None) is not (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument {kind!r}, argument `minval` and `maxval` must be both None or not None. "
                f"Got `minval`={minval} and `maxval`={maxval}."
            )
        if minval is None:
            return self.uniform_full_int(size, kind, name)
        return raw("StatelessRandomUniformIntV2")(
            size, *self._drawn(size), tensor(minval, kind), tensor(maxval, kind), name=name
        )

    def uniform_full_int(self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None) -> Any:
        """Integers from all that there are of a dtype."""
        size = shape_tensor(shape)
        return raw("StatelessRandomUniformFullIntV2")(
            size, *self._drawn(size), dtype=as_dtype(dtype), name=name
        )

    def make_seeds(self, count: Any = 1) -> Any:
        """Seeds for the stateless functions, in columns: [2, count]."""
        keys = self.uniform_full_int([count], dtypes.int64)
        return stack([keys, zeros_like(keys)])

    def split(self, count: int = 1) -> list[Generator]:
        """So many generators, whose numbers have nothing to do with each other's."""
        keys = self.uniform_full_int([count], dtypes.int64)
        return [
            Generator(state=concat([constant([0, 0], dtypes.int64), reshape(key, [1])], 0), alg="philox")
            for key in unstack(keys, num=count)
        ]


def _checked_state(state: Any) -> Any:
    """A state as [3] of int64.

    Raises:
        ValueError: it has another shape.
    """
    given = state.read_value() if isinstance(state, Variable) else tensor(state, hint=dtypes.int64)
    words = cast(given, dtypes.int64)
    if words.shape.as_list() != [_WORDS]:
        raise ValueError(
            f"For the Philox algorithm, the size of state must be at least {_WORDS}; got shape {words.shape}."
        )
    return words


def _key_counter_state(key: Any, counter: Any) -> Any:
    words: Sequence[Any] = [
        reshape(cast(tensor(counter), dtypes.int64), [-1]),
        reshape(cast(tensor(key), dtypes.int64), [1]),
    ]
    return concat(words, 0)


_global: Generator | None = None


def get_global_generator() -> Generator:
    """The generator that everyone shares. Made when it is first asked for, with other numbers each time."""
    global _global
    if _global is None:
        with init_scope():
            _global = Generator.from_non_deterministic_state()
    return _global


def set_global_generator(generator: Generator) -> None:
    """Let `generator` be the one that everyone shares."""
    global _global
    _global = generator
