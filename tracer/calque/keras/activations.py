"""`keras.activations`: functions of a tensor, elementwise but for `softmax`, and their names."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import calque as tf

from . import config
from .conversion import as_tensor
from .saving import legacy_serialization
from .saving.serialization import deserialize_named, serialize_keras_object

__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "linear",
    "mish",
    "relu",
    "selu",
    "serialize",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def elu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere."""
    y = tf.nn.elu(x)
    return y if alpha == 1 else tf.where(x > 0, y, alpha * y)


def exponential(x: Any) -> Any:
    """``exp(x)``."""
    return tf.exp(x)


def gelu(x: Any, approximate: bool = False) -> Any:
    """``x * P(X <= x)``, X of the standard normal distribution; `approximate`: by a tanh."""
    return tf.nn.gelu(x, approximate)


def hard_sigmoid(x: Any) -> Any:
    """``0.2 * x + 0.5``, within [0, 1]."""
    x = as_tensor(x)
    line = x * tf.constant(0.2, x.dtype) + tf.constant(0.5, x.dtype)
    return tf.clip_by_value(line, 0.0, 1.0)


def linear(x: Any) -> Any:
    """`x` itself."""
    return x


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``."""
    return x * tf.tanh(tf.math.softplus(x))


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``max(x, 0)``.

    Args:
        x: the tensor.
        alpha: the slope below `threshold`.
        max_value: what the result is at most; None: no bound.
        threshold: ``x - threshold`` counts below it, `x` above.
    """
    x = as_tensor(x, config.floatx())
    if alpha != 0.0 and max_value is None and threshold == 0:
        return tf.nn.leaky_relu(x, alpha=alpha)
    if threshold != 0:
        y = x * tf.cast(tf.greater(x, threshold), x.dtype)
    elif max_value == 6:
        y = tf.nn.relu6(x)
    else:
        y = tf.nn.relu(x)
    if max_value is not None and (threshold != 0 or max_value != 6):
        y = tf.clip_by_value(y, tf.constant(0, y.dtype), tf.constant(max_value, y.dtype))
    if alpha != 0.0:
        below = tf.nn.relu(threshold - x if threshold != 0 else -x)
        y -= tf.cast(alpha, y.dtype) * below
    return y


def selu(x: Any) -> Any:
    """``scale * elu(x, alpha)``, with the constants that keep mean and variance of a network's layers."""
    return tf.nn.selu(x)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``; a crossentropy of the result is computed from `x`, which is more exact."""
    return _with_logits(tf.sigmoid(x), x)


def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))``; a crossentropy of the result is computed from `x`, which is more exact.

    Args:
        x: a tensor of rank 2 or more.
        axis: along which it sums up to 1: an axis or several.

    Raises:
        ValueError: the rank is smaller.
    """
    x = as_tensor(x)
    if x.shape.rank is not None and x.shape.rank <= 1:
        raise ValueError(f"Cannot apply softmax to a tensor that is 1D. Received input: {x}")
    if isinstance(axis, int):
        return _with_logits(tf.nn.softmax(x, axis=axis), x)
    numerator = tf.exp(x - tf.reduce_max(x, axis=axis, keepdims=True))
    return _with_logits(numerator / tf.reduce_sum(numerator, axis=axis, keepdims=True), x)


def softplus(x: Any) -> Any:
    """``log(exp(x) + 1)``."""
    return tf.math.softplus(x)


def softsign(x: Any) -> Any:
    """``x / (abs(x) + 1)``."""
    return tf.nn.softsign(x)


def swish(x: Any) -> Any:
    """``x * sigmoid(x)``."""
    return tf.nn.silu(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return tf.tanh(x)


def _with_logits(y: Any, x: Any) -> Any:
    """`y`, marked with what it was made from: `backend`'s crossentropies look for that."""
    y._keras_logits = x
    return y


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        function.__name__: function
        for function in (elu, exponential, gelu, hard_sigmoid, linear, mish, relu, selu, sigmoid, softmax)
    },
    **{function.__name__: function for function in (softplus, softsign, swish, tanh)},
    "leaky_relu": tf.nn.leaky_relu,
    "log_softmax": tf.nn.log_softmax,
    "relu6": tf.nn.relu6,
    "silu": tf.nn.silu,
}


def _objects() -> dict[str, Any]:
    """The functions, and the layers that stand for functions, by name."""
    from . import layers

    named = ("ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU")
    return _FUNCTIONS | {name: getattr(layers, name) for name in named}


def serialize(activation: Any, use_legacy_format: bool = False) -> Any:
    """An activation's name, if it is one of Keras's functions; else a dict.

    Raises:
        ValueError: it is something without name or config.
    """
    name = getattr(activation, "__name__", None)
    if name == "softmax_v2":
        return "softmax"
    if use_legacy_format:
        return legacy_serialization.serialize_keras_object(activation)
    written = serialize_keras_object(activation)
    if not isinstance(written, dict) or not isinstance(activation, types.FunctionType):
        return written
    return written["config"] if name in _FUNCTIONS else written


def deserialize(
    name: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False
) -> Any:
    """An activation from its name, or from what `serialize` gave.

    Raises:
        ValueError: there is none of that name.
    """
    objects: Mapping[str, Any] = _FUNCTIONS
    if isinstance(name, dict) or name not in _FUNCTIONS:
        objects = _objects()
    return deserialize_named(name, objects, custom_objects, "activation function")


def get(identifier: Any) -> Any:
    """An activation from its name or a dict; None is `linear`; what can be called, as it is.

    Raises:
        ValueError: there is none of that name.
        TypeError: it is something else.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise TypeError(f"Could not interpret activation function identifier: {identifier}")
