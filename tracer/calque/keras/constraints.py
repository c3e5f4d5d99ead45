"""`keras.constraints`: what is done to weights after each step: functions of a weight that give its new value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import calque as tf

from . import config
from .saving.serialization import deserialize_named, get_named, serialize_named

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "RadialConstraint",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "radial_constraint",
    "serialize",
    "unit_norm",
]


class Constraint:
    """The base: call it with a weight for what the weight becomes. This one changes nothing."""

    def __call__(self, w: Any) -> Any:
        """What the weight becomes, of its shape and dtype."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """One made of what `get_config` gave."""
        return cls(**config)


class MaxNorm(Constraint):
    """The norms are `max_value` at most.

    Args:
        max_value: the largest norm.
        axis: along which norms are taken: an axis or several.
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """See `Constraint`."""
        norms = _norms(w, self.axis)
        return w * (tf.clip_by_value(norms, 0, max(0, self.max_value)) / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """See `Constraint`."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Nothing is negative: what is, becomes 0."""

    def __call__(self, w: Any) -> Any:
        """See `Constraint`."""
        return w * tf.cast(tf.greater_equal(w, 0.0), w.dtype)


class UnitNorm(Constraint):
    """The norms are 1.

    Args:
        axis: along which norms are taken: an axis or several.
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """See `Constraint`."""
        return w / (config.epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """See `Constraint`."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """The norms lie between two bounds.

    Args:
        min_value: the smallest norm.
        max_value: the largest one.
        rate: how much of the way to the bounds each step goes: 1 is all of it.
        axis: along which norms are taken: an axis or several.
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """See `Constraint`."""
        norms = _norms(w, self.axis)
        clipped = tf.clip_by_value(norms, self.min_value, max(self.min_value, self.max_value))
        wanted = self.rate * clipped + (1 - self.rate) * norms
        return w * (wanted / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """See `Constraint`."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


class RadialConstraint(Constraint):
    """Square kernels of convolutions are the same all along each ring around the center.

    What the rings become are values of the diagonal, as tf-keras chooses them: in a kernel of 4 x 4, those at (1, 1)
    and (3, 3). The weight's shape is ``(size, size, inputs, outputs)``.
    """

    def __call__(self, w: Any) -> Any:
        """See `Constraint`.

        Raises:
            ValueError: the weight's rank is not 4, or a size is not known.
        """
        sizes = w.shape
        if sizes.rank != 4 or sizes[0] is None or sizes[0] != sizes[1]:
            raise ValueError(
                "The weight tensor must have rank 4, and its first two dimensions one size. Received weight tensor "
                f"with shape: {sizes}"
            )
        size = sizes[0]
        at = range(size)
        # How many steps a position is off the innermost ring, and where on the diagonal that ring's value stands.
        ring = [max(abs(2 * i - size + 1) // 2, abs(2 * j - size + 1) // 2) for i in at for j in at]
        first = max(size // 2 - 1, 0)
        step = (
            0 if size % 2 else 1
        )  # in kernels of even size, the second ring's value is two below the first's
        source = [(first + k + (step if k else 0)) * (size + 1) for k in ring]
        flat = tf.reshape(w, [size * size, *sizes[2:]])
        return tf.reshape(tf.gather(flat, source), [size, size, *sizes[2:]])


max_norm, min_max_norm, non_neg = MaxNorm, MinMaxNorm, NonNeg
radial_constraint, unit_norm = RadialConstraint, UnitNorm


def _norms(w: Any, axis: Any) -> Any:
    return tf.sqrt(tf.reduce_sum(tf.square(w), axis=axis, keepdims=True))


_OBJECTS: dict[str, Any] = {
    **{cls.__name__: cls for cls in (Constraint, MaxNorm, MinMaxNorm, NonNeg, RadialConstraint, UnitNorm)},
    **{"max_norm": MaxNorm, "min_max_norm": MinMaxNorm, "non_neg": NonNeg, "unit_norm": UnitNorm},
    **{"maxnorm": MaxNorm, "nonneg": NonNeg, "unitnorm": UnitNorm, "radial_constraint": RadialConstraint},
}


def serialize(constraint: Any, use_legacy_format: bool = False) -> Any:
    """A constraint as a dict, see `keras.saving.serialize_keras_object`."""
    return serialize_named(constraint, Constraint, "constraints", use_legacy_format)


def deserialize(
    config: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False
) -> Any:
    """A constraint from a name or a dict of either form.

    Raises:
        ValueError: there is none of that name.
    """
    return deserialize_named(config, _OBJECTS, custom_objects, "constraint")


def get(identifier: Any) -> Any:
    """A constraint from a name or a dict; None, and what can be called, as it is.

    Raises:
        ValueError: there is none of that name, or it is something else.
    """
    return get_named(identifier, deserialize, "constraint function")
