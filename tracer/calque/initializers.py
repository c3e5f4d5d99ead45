"""`tf.initializers`: objects that give a variable's first value for a shape and a dtype."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from .api import array_ops, linalg_ops, math_ops, random_ops
from .tensor import constant as _constant
from .tensor_shape import TensorShape

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
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

# The standard deviation of a standard normal distribution cut off at two standard deviations.
_CUT_OFF_STDDEV = 0.87962566103423978


class Initializer:
    """The base: call it with a shape and a dtype. Two of one class and one configuration are alike."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """A tensor of this shape and dtype.

        Raises:
            ValueError: it cannot be of this dtype or shape.
        """
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        return {name.lstrip("_"): value for name, value in self.__dict__.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """One made of what `get_config` gave."""
        return cls(**{name: value for name, value in config.items() if name != "dtype"})

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class Zeros(Initializer):
    """All zeros (False, or empty strings)."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        return array_ops.zeros(shape, _filling(dtype))


class Ones(Initializer):
    """All ones (True)."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        return array_ops.ones(shape, _filling(dtype))


class Constant(Initializer):
    """A value: a scalar for every element, or as many elements as the shape has, in row-major order.

    Args:
        value: a number, a list of numbers, or an array.
        support_partition: accepted for TensorFlow's sake.

    Raises:
        TypeError: the value is of another kind.
    """

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        import numpy as np

        if not isinstance(value, (int, float, complex, bool, str, list, tuple, np.ndarray, np.generic)):
            raise TypeError(
                f"Invalid type for initial value: {value} ({type(value)}): expected a Python scalar, a list or tuple "
                "of them, or an array"
            )
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """See `Initializer`; without a dtype, that of the value."""
        return _constant(self.value, dtype, TensorShape(shape))


class RandomUniform(Initializer):
    """Uniformly distributed in ``[minval, maxval)``.

    Args:
        minval: the lower bound.
        maxval: the upper bound; for floats, None is 1.
        seed: makes the values repeatable, as in `tf.random.uniform`.
    """

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        wanted = as_dtype(dtype)
        if not wanted.is_floating and not wanted.is_integer:
            raise ValueError(f"Expected float or integer dtype, got {wanted}.")
        return random_ops.uniform(shape, self.minval, self.maxval, wanted, self.seed)


class RandomNormal(Initializer):
    """Normally distributed.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: makes the values repeatable, as in `tf.random.normal`.
    """

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        return random_ops.normal(shape, self.mean, self.stddev, _floating(dtype), self.seed)


class TruncatedNormal(RandomNormal):
    """Normally distributed, without what is more than two standard deviations off the mean."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        return random_ops.truncated_normal(shape, self.mean, self.stddev, _floating(dtype), self.seed)


class VarianceScaling(Initializer):
    """Random values whose variance fits the size of a layer: ``scale / n``.

    Args:
        scale: the factor, positive.
        mode: what `n` is: "fan_in" (the number of inputs), "fan_out" (of outputs), or "fan_avg" (their mean).
        distribution: "truncated_normal" ("normal" is the same), "untruncated_normal" or "uniform".
        seed: makes the values repeatable.

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
            raise ValueError(f"`scale` must be a positive float. Received: scale={scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}. Please use 'fan_in', 'fan_out' or 'fan_avg'.")
        known = ("normal", "uniform", "truncated_normal", "untruncated_normal")
        if distribution.lower() not in known:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution}. Allowed distributions: {known}."
            )
        self.scale, self.mode = scale, mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution.lower()
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        wanted = _floating(dtype)
        fan_in, fan_out = _fans(TensorShape(shape).as_list())
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "truncated_normal":
            stddev = math.sqrt(variance) / _CUT_OFF_STDDEV
            return random_ops.truncated_normal(shape, 0.0, stddev, wanted, self.seed)
        if self.distribution == "untruncated_normal":
            return random_ops.normal(shape, 0.0, math.sqrt(variance), wanted, self.seed)
        limit = math.sqrt(3.0 * variance)
        return random_ops.uniform(shape, -limit, limit, wanted, self.seed)


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


class Orthogonal(Initializer):
    """A random orthogonal matrix; more than two dimensions count as rows, but for the last one.

    Args:
        gain: a factor.
        seed: makes the values repeatable.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        sizes: Any = TensorShape(shape).as_list()
        if len(sizes) < 2:
            raise ValueError(
                f"The tensor to initialize must be at least two-dimensional. Received: shape={shape} of rank "
                f"{len(sizes)}."
            )
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        flat = (max(rows, columns), min(rows, columns))
        q, r = linalg_ops.qr(random_ops.normal(flat, dtype=_floating(dtype), seed=self.seed))
        # With the signs of the triangular factor's diagonal, each orthogonal matrix is as likely as any other.
        q = q * math_ops.sign(linalg_ops.diag_part(r))
        return self.gain * array_ops.reshape(array_ops.transpose(q) if rows < columns else q, sizes)


class Identity(Initializer):
    """The identity matrix.

    Args:
        gain: a factor.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        sizes: Any = TensorShape(shape).as_list()
        if len(sizes) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape} of rank "
                f"{len(sizes)}."
            )
        return self.gain * array_ops.eye(sizes[0], sizes[1], dtype=_floating(dtype))


constant, identity, ones, orthogonal, zeros = Constant, Identity, Ones, Orthogonal, Zeros
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
random_normal, random_uniform = RandomNormal, RandomUniform
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling


def get(identifier: Any) -> Any:
    """An initializer by its name, from ``{"class_name": ..., "config": ...}``, or as it is.

    Raises:
        ValueError: there is none of that name.
    """
    if identifier is None or (callable(identifier) and not isinstance(identifier, type)):
        return identifier
    if isinstance(identifier, type):
        return identifier()
    name, config = (
        (identifier["class_name"], identifier["config"]) if isinstance(identifier, dict) else (identifier, {})
    )
    if name not in __all__ or name == "get":
        raise ValueError(f"Could not interpret initializer identifier: {identifier}")
    return globals()[name].from_config(config)


def _filling(dtype: Any) -> DType:
    wanted = as_dtype(dtype)
    if not wanted.is_numpy_compatible or wanted is dtypes.string:
        raise ValueError(f"Expected numeric or boolean dtype, got {wanted}.")
    return wanted


def _floating(dtype: Any) -> DType:
    wanted = as_dtype(dtype)
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted}.")
    return wanted


def _fans(sizes: Sequence[Any]) -> tuple[int, int]:
    """How many inputs and outputs a unit of a layer with weights of this shape has."""
    if not sizes:
        return 1, 1
    if len(sizes) == 1:
        return sizes[0], sizes[0]
    field = math.prod(sizes[:-2])
    return sizes[-2] * field, sizes[-1] * field
