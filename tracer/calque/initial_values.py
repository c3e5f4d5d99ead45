"""TensorFlow's own initializers: `tf.zeros_initializer` and its like; `tf.initializers` are Keras's."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from .api import array_ops, random_ops
from .tensor import constant as _constant
from .tensor_shape import TensorShape

__all__ = ["Constant", "Initializer", "Ones", "RandomNormal", "RandomUniform", "Zeros", "filling", "floating"]


class Initializer:
    """The base: call it with a shape and a dtype for a variable's first value."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """A tensor of this shape and dtype.

        Raises:
            ValueError: it cannot be of this dtype or shape.
        """
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

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
        return array_ops.zeros(shape, filling(dtype))


class Ones(Initializer):
    """All ones (True)."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        return array_ops.ones(shape, filling(dtype))


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
        seed: makes the values the same each time.
    """

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        wanted = as_dtype(dtype)
        if not wanted.is_floating and not wanted.is_integer:
            raise ValueError(f"Expected float or integer dtype, got {wanted}.")
        if self.seed is not None:
            return random_ops.stateless_uniform(shape, [self.seed, 0], self.minval, self.maxval, wanted)
        return random_ops.uniform(shape, self.minval, self.maxval, wanted)


class RandomNormal(Initializer):
    """Normally distributed.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: makes the values the same each time.
    """

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """See `Initializer`."""
        if self.seed is not None:
            return random_ops.stateless_normal(shape, [self.seed, 0], self.mean, self.stddev, floating(dtype))
        return random_ops.normal(shape, self.mean, self.stddev, floating(dtype))


def filling(dtype: Any) -> DType:
    """A dtype that can be filled with numbers or booleans.

    Raises:
        ValueError: it is none.
    """
    wanted = as_dtype(dtype)
    if not wanted.is_numpy_compatible or wanted is dtypes.string:
        raise ValueError(f"Expected numeric or boolean dtype, got {wanted}.")
    return wanted


def floating(dtype: Any) -> DType:
    """A floating dtype.

    Raises:
        ValueError: it is none.
    """
    wanted = as_dtype(dtype)
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted}.")
    return wanted
