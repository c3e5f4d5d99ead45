"""`keras.regularizers`: penalties on weights or outputs, scalars that are added to the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import calque as tf

from . import config
from .saving.serialization import deserialize_named, get_named, serialize_named

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer:
    """The base: call it with a tensor for the penalty. `get_config` gives the arguments of the constructor."""

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar of x's dtype."""
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """One made of what `get_config` gave."""
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        raise NotImplementedError(f"{self} does not implement get_config()")


class L1L2(Regularizer):
    """``l1 * sum(abs(x)) + l2 * sum(x**2)``.

    Args:
        l1: the first factor; None is 0.
        l2: the second factor; None is 0.

    Raises:
        ValueError: a factor is no finite number.
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(0.0 if l1 is None else l1)
        self.l2 = _factor(0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        """See `Regularizer`."""
        penalty = tf.constant(0.0, dtype=x.dtype)
        if self.l1:
            penalty += self.l1 * tf.reduce_sum(tf.abs(x))
        if self.l2:
            penalty += 2.0 * self.l2 * tf.nn.l2_loss(x)
        return penalty

    def get_config(self) -> dict[str, Any]:
        """See `Regularizer`."""
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """``l1 * sum(abs(x))``.

    Args:
        l1: the factor, also under its old name `l`; None is 0.01.

    Raises:
        ValueError: it is no finite number.
        TypeError: there are other arguments.
    """

    def __init__(self, l1: float | None = 0.01, **kwargs: Any) -> None:
        self.l1 = _factor(_old_name(l1, kwargs))

    def __call__(self, x: Any) -> Any:
        """See `Regularizer`."""
        return self.l1 * tf.reduce_sum(tf.abs(x))

    def get_config(self) -> dict[str, Any]:
        """See `Regularizer`."""
        return {"l1": self.l1}


class L2(Regularizer):
    """``l2 * sum(x**2)``.

    Args:
        l2: the factor, also under its old name `l`; None is 0.01.

    Raises:
        ValueError: it is no finite number.
        TypeError: there are other arguments.
    """

    def __init__(self, l2: float | None = 0.01, **kwargs: Any) -> None:
        self.l2 = _factor(_old_name(l2, kwargs))

    def __call__(self, x: Any) -> Any:
        """See `Regularizer`."""
        return 2.0 * self.l2 * tf.nn.l2_loss(x)

    def get_config(self) -> dict[str, Any]:
        """See `Regularizer`."""
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """The mean of the absolute cosines between the rows, or columns, of a matrix.

    Args:
        factor: what it is multiplied by.
        mode: "rows" or "columns".

    Raises:
        ValueError: an argument is none of these; when it is called, the input is no matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor)
        if mode not in ("rows", "columns"):
            raise ValueError(
                f'Invalid value for argument `mode`. Expected "rows" or "columns". Received: mode={mode}'
            )
        self.mode = mode

    def __call__(self, inputs: Any) -> Any:
        """See `Regularizer`."""
        if inputs.shape.rank != 2:
            raise ValueError(
                f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape == {inputs.shape}"
            )
        by_rows = self.mode == "rows"
        directions = tf.math.l2_normalize(inputs, axis=1 if by_rows else 0)
        cosines = tf.matmul(directions, directions, transpose_a=not by_rows, transpose_b=by_rows)
        size = inputs.shape[0 if by_rows else 1]
        others = cosines * (1.0 - tf.eye(size, dtype=inputs.dtype))
        pairs = size * (size - 1.0) / 2.0
        return self.factor * 0.5 * tf.reduce_sum(tf.abs(others)) / pairs

    def get_config(self) -> dict[str, Any]:
        """See `Regularizer`."""
        return {"factor": self.factor, "mode": self.mode}


l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """An `L1L2`, whose factors are 0.01 by default."""
    return L1L2(l1, l2)


def _factor(value: Any) -> float:
    """A factor as the default dtype has it."""
    if not isinstance(value, (float, int)) or not math.isfinite(value):
        raise ValueError(
            f"Value {value} is not a valid regularization penalty number, expected a finite int or float value."
        )
    return float(tf.as_dtype(config.floatx()).as_numpy_dtype(value))


def _old_name(value: float | None, kwargs: dict[str, Any]) -> float:
    found = kwargs.pop("l", value)
    if kwargs:
        raise TypeError(f"Argument(s) not recognized: {kwargs}")
    return 0.01 if found is None else found


_OBJECTS: dict[str, Any] = {
    **{cls.__name__: cls for cls in (L1, L2, L1L2, OrthogonalRegularizer, Regularizer)},
    "l1": L1,
    "l2": L2,
    "l1_l2": l1_l2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}


def serialize(regularizer: Any, use_legacy_format: bool = False) -> Any:
    """A regularizer as a dict, see `keras.saving.serialize_keras_object`."""
    return serialize_named(regularizer, Regularizer, "regularizers", use_legacy_format)


def deserialize(
    config: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False
) -> Any:
    """A regularizer from a name or a dict of either form.

    Raises:
        ValueError: there is none of that name.
    """
    if config == "l1_l2":
        return l1_l2()
    return deserialize_named(config, _OBJECTS, custom_objects, "regularizer")


def get(identifier: Any) -> Any:
    """A regularizer from a name or a dict; None, and what can be called, as it is.

    Raises:
        ValueError: there is none of that name, or it is something else.
    """
    return get_named(identifier, deserialize, "regularizer")
