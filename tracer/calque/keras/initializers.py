"""`keras.initializers`: objects that give a variable's first value for a shape and a dtype.

Random ones give tf-keras's numbers for a seed. One without a seed draws one when it is first called, and gives the same
values each time from then on.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import calque as tf

from .. import initial_values
from ..initial_values import filling, floating
from ..tensor_shape import TensorShape
from . import config as _config
from . import naming
from .random_generator import RandomGenerator
from .saving.serialization import deserialize_keras_object, deserialize_named, get_named, serialize_named

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

# The standard deviation of a standard normal distribution cut off at two standard deviations.
_CUT_OFF_STDDEV = 0.87962566103423978
# What a call may be told of the part of a variable that it makes.
_PARTITION = ("partition_shape", "partition_offset")


class Initializer(initial_values.Initializer):
    """The base: call it with a shape and a dtype, by default `keras.backend.floatx()`."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of this shape and dtype.

        Args:
            shape: the shape.
            dtype: the dtype; None: the default.
            **kwargs: `partition_shape`, the shape of the part of a variable that is wanted, and `partition_offset`.

        Raises:
            ValueError: it cannot be of this dtype or shape, or cannot make parts.
            TypeError: there are other arguments.
        """
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")

    def _arguments(
        self, shape: Any, dtype: Any, kwargs: Mapping[str, Any], parts: bool = True
    ) -> tuple[Any, Any]:
        """The shape and dtype that are wanted."""
        unknown = [name for name in kwargs if name not in (*_PARTITION, "layout")]
        if unknown:
            raise TypeError(f"Unknown keyword arguments: {unknown}. Allowed keyword arguments: {_PARTITION}.")
        if not parts and any(name in kwargs for name in _PARTITION):
            raise ValueError(
                f"{type(self).__name__} initializer doesn't support partition-related arguments."
            )
        return kwargs.get("partition_shape", shape), tf.as_dtype(_config.floatx() if dtype is None else dtype)


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs)
        return tf.zeros(shape, filling(dtype))


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs)
        return tf.ones(shape, filling(dtype))


class Constant(Initializer):
    """A value: a scalar for every element, or an array of the shape.

    Args:
        value: the value.
    """

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs)
        return tf.constant(self.value, dtype, TensorShape(shape))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> initial_values.Initializer:
        """One made of what `get_config` gave, or what that was written as."""
        value = config.get("value")
        if isinstance(value, dict):
            config = config | {"value": deserialize_keras_object(value)}
        return super().from_config(config)


class _Random(Initializer):
    """An initializer with a seed."""

    seed: int | None
    _called = False

    def _draw(self, kind: str, shape: Any, a: Any, b: Any, dtype: Any, kwargs: Mapping[str, Any]) -> Any:
        """Random numbers: "uniform" from `a` to `b`, "normal" or "truncated_normal" of mean `a` and deviation `b`."""
        offset = kwargs.get("partition_offset")
        if offset is None:
            self._warn_of_another_call()
        if "_source" not in self.__dict__:
            self._source = RandomGenerator(self.seed, "stateless")
        nonce = hash(tuple(offset)) if offset else None
        return self._source.draw(kind, shape, a, b, dtype, nonce)

    def _warn_of_another_call(self) -> None:
        if self._called and self.seed is None:
            warnings.warn(
                f"The initializer {type(self).__name__} is unseeded and being called multiple times, which will "
                "return identical values each time (even if the initializer is unseeded). Please provide a seed to "
                "the initializer, or avoid using the same initializer instance more than once.",
                stacklevel=4,
            )
        self._called = True


class RandomUniform(_Random):
    """Uniformly distributed in ``[minval, maxval)``.

    Args:
        minval: the lower bound.
        maxval: the upper bound; for floats, None is 1.
        seed: which values.
    """

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs)
        if not dtype.is_floating and not dtype.is_integer:
            raise ValueError(f"Expected float or integer dtype, got {dtype}.")
        return self._draw("uniform", shape, self.minval, self.maxval, dtype, kwargs)


class RandomNormal(_Random):
    """Normally distributed.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: which values.
    """

    _kind = "normal"

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs)
        return self._draw(self._kind, shape, self.mean, self.stddev, floating(dtype), kwargs)


class TruncatedNormal(RandomNormal):
    """Normally distributed, without what is more than two standard deviations off the mean."""

    _kind = "truncated_normal"


class VarianceScaling(_Random):
    """Random values whose variance fits the size of a layer: ``scale / n``.

    Args:
        scale: the factor, positive.
        mode: what `n` is: "fan_in" (the number of inputs), "fan_out" (of outputs), or "fan_avg" (their mean).
        distribution: "truncated_normal" ("normal" is the same), "untruncated_normal" or "uniform".
        seed: which values.

    Raises:
        ValueError: an argument is none of these.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float. Received: scale={scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(
                f"Invalid `mode` argument: {mode}. Please use one of 'fan_in', 'fan_out', 'fan_avg'."
            )
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        allowed = ("uniform", "truncated_normal", "untruncated_normal")
        if distribution not in allowed:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution}. Allowed distributions: {allowed}."
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs)
        fan_in, fan_out = _fans(TensorShape(shape).as_list())
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self._draw("uniform", shape, -limit, limit, floating(dtype), kwargs)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return self._draw("normal", shape, 0.0, stddev, floating(dtype), kwargs)
        return self._draw("truncated_normal", shape, 0.0, stddev / _CUT_OFF_STDDEV, floating(dtype), kwargs)


class _Fixed(VarianceScaling):
    """A VarianceScaling of which only the seed is open."""

    _settings: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self._settings, seed=seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        return {"seed": self.seed}


class GlorotUniform(_Fixed):
    """Uniform, of variance ``2 / (inputs + outputs)`` (Glorot and Bengio, 2010)."""

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Fixed):
    """Truncated normal, of variance ``2 / (inputs + outputs)`` (Glorot and Bengio, 2010)."""

    _settings = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_Fixed):
    """Truncated normal, of variance ``1 / inputs`` (LeCun et al., 1998)."""

    _settings = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Fixed):
    """Uniform, of variance ``1 / inputs`` (LeCun et al., 1998)."""

    _settings = (1.0, "fan_in", "uniform")


class HeNormal(_Fixed):
    """Truncated normal, of variance ``2 / inputs`` (He et al., 2015)."""

    _settings = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Fixed):
    """Uniform, of variance ``2 / inputs`` (He et al., 2015)."""

    _settings = (2.0, "fan_in", "uniform")


class Orthogonal(_Random):
    """A random orthogonal matrix; more than two dimensions count as rows, but for the last one.

    Args:
        gain: a factor.
        seed: which values.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs, parts=False)
        sizes: Any = TensorShape(shape).as_list()
        if len(sizes) < 2:
            raise ValueError(
                f"The tensor to initialize must be at least two-dimensional. Received: shape={shape} of rank "
                f"{len(sizes)}."
            )
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        flat = (max(rows, columns), min(rows, columns))
        q, r = tf.linalg.qr(self._draw("normal", flat, 0.0, 1.0, floating(dtype), kwargs))
        # With the signs of the triangular factor's diagonal, each orthogonal matrix is as likely as any other.
        q = q * tf.sign(tf.linalg.diag_part(r))
        return self.gain * tf.reshape(tf.transpose(q) if rows < columns else q, sizes)


class Identity(Initializer):
    """The identity matrix.

    Args:
        gain: a factor.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`."""
        shape, dtype = self._arguments(shape, dtype, kwargs, parts=False)
        sizes: Any = TensorShape(shape).as_list()
        if len(sizes) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape} of rank "
                f"{len(sizes)}."
            )
        return self.gain * tf.eye(sizes[0], sizes[1], dtype=floating(dtype))


constant, identity, ones, orthogonal, zeros = Constant, Identity, Ones, Orthogonal, Zeros
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
random_normal, random_uniform = RandomNormal, RandomUniform
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling


def _fans(sizes: Sequence[Any]) -> tuple[int, int]:
    """How many inputs and outputs a unit of a layer with weights of this shape has."""
    if not sizes:
        return 1, 1
    if len(sizes) == 1:
        return sizes[0], sizes[0]
    field = math.prod(sizes[:-2])
    return sizes[-2] * field, sizes[-1] * field


_CLASSES = [value for value in tuple(globals().values()) if inspect.isclass(value)]
_CLASSES = [cls for cls in _CLASSES if issubclass(cls, Initializer) and not cls.__name__.startswith("_")]
_OBJECTS: dict[str, Any] = {
    name: cls
    for cls in _CLASSES
    for plain in (cls.__name__, naming.snake_case(cls.__name__))
    for name in (plain, f"{plain}V2")
} | {"normal": RandomNormal, "uniform": RandomUniform, "one": Ones, "zero": Zeros}


def serialize(initializer: Any, use_legacy_format: bool = False) -> Any:
    """An initializer as a dict, see `keras.saving.serialize_keras_object`."""
    return serialize_named(initializer, Initializer, "initializers", use_legacy_format)


def deserialize(
    config: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False
) -> Any:
    """An initializer from a name or a dict of either form.

    Raises:
        ValueError: there is none of that name.
    """
    return deserialize_named(config, _OBJECTS, custom_objects, "initializer")


def get(identifier: Any) -> Any:
    """An initializer from a name, a class or a dict; None, and what can be called, as it is.

    Raises:
        ValueError: there is none of that name, or it is something else.
    """
    if inspect.isclass(identifier):
        return identifier()
    return get_named(identifier, deserialize, "initializer")
