"""`keras.backend`: values of variables, facts about tensors, and what depends on the mode: training or not."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import calque as tf

from ..config import floatx
from ..engine import call_context

__all__ = [
    "backend",
    "batch_get_value",
    "batch_set_value",
    "count_params",
    "dtype",
    "eval",
    "function",
    "get_value",
    "gradients",
    "in_test_phase",
    "in_train_phase",
    "int_shape",
    "is_keras_tensor",
    "learning_phase",
    "learning_phase_scope",
    "manual_variable_initialization",
    "moving_average_update",
    "name_scope",
    "ndim",
    "placeholder",
    "print_tensor",
    "set_learning_phase",
    "set_value",
    "shape",
    "switch",
    "update",
    "update_add",
    "update_sub",
]

name_scope = tf.name_scope
shape = tf.shape


def backend() -> str:
    """What Keras runs on: "tensorflow", whose names and numbers these are."""
    return "tensorflow"


def manual_variable_initialization(value: bool) -> None:
    """Accepted: variables have a value from the start."""


# Facts about tensors


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """A tensor's shape as a tuple, None where a size is not known; None: the rank is not known."""
    sizes = tf.TensorShape(x.shape)
    return None if sizes.rank is None else tuple(sizes.as_list())


def ndim(x: Any) -> int | None:
    """A tensor's rank."""
    rank: int | None = x.shape.rank
    return rank


def dtype(x: Any) -> str:
    """The name of a tensor's dtype."""
    return str(x.dtype.name)


def count_params(x: Any) -> int:
    """How many elements a tensor has."""
    return int(np.prod(x.shape.as_list()))


def is_keras_tensor(x: Any) -> bool:
    """Is it a symbolic tensor, as `keras.Input` and layers called on those give?

    Raises:
        ValueError: it is no tensor at all.
    """
    from ..engine.keras_tensor import KerasTensor

    if isinstance(x, KerasTensor):
        return True
    if not tf.is_tensor(x):
        raise ValueError(
            f"Unexpectedly found an instance of type `{type(x)}`. Expected a symbolic tensor instance."
        )
    return False


def placeholder(
    shape: Any = None,
    ndim: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
    ragged: bool = False,
) -> Any:
    """A symbolic tensor of a shape, or of a rank: see `keras.Input`, which leaves the batch's size out.

    Raises:
        ValueError: both `sparse` and `ragged` are set.
    """
    from ..engine.input_layer import Input

    if sparse and ragged:
        raise ValueError("Cannot set both sparse and ragged to True when creating a placeholder.")
    sizes = (None,) * ndim if not shape and ndim else tuple(shape or ())
    batch = sizes[0] if sizes else None
    return Input(
        shape=sizes[1:], batch_size=batch, dtype=dtype or floatx(), sparse=sparse, name=name, ragged=ragged
    )


# Values


def get_value(x: Any) -> Any:
    """The value of a variable or tensor, as an array; what is neither, as it is."""
    return x.numpy() if tf.is_tensor(x) else x


def eval(x: Any) -> Any:
    """The value of a variable or tensor, of sparse ones too, as an array."""
    from .tensors import to_dense

    return get_value(to_dense(x))


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of several."""
    return [x.numpy() for x in tensors]


def set_value(x: Any, value: Any) -> None:
    """Give a variable a value, an array or number."""
    x.assign(np.asarray(value, dtype=x.dtype.as_numpy_dtype))


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Give several variables values: (variable, value) pairs."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Any, new_x: Any) -> Any:
    """Assign to a variable."""
    return x.assign(new_x)


def update_add(x: Any, increment: Any) -> Any:
    """Add to a variable."""
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtract from a variable."""
    return x.assign_sub(decrement)


def moving_average_update(x: Any, value: Any, momentum: Any) -> Any:
    """Bring a variable, a moving average, nearer to a value; `momentum` is the part of it that stays."""
    return x.assign_sub((x - tf.cast(value, x.dtype)) * (1 - tf.cast(momentum, x.dtype)))


def print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """Print a tensor's values, and give it back."""
    tf.print(message, x, output_stream=sys.stdout, summarize=summarize)
    return x


def gradients(loss: Any, variables: Any) -> Any:
    """In a graph, the gradients of a loss."""
    return tf.gradients(loss, variables)


def function(inputs: Any, outputs: Any, updates: Any = None, name: str | None = None, **kwargs: Any) -> Any:
    """What computes symbolic outputs from values of symbolic inputs.

    Args:
        inputs: symbolic tensors.
        outputs: symbolic tensors, made of them.
        updates: there can be none.
        name: accepted.

    Returns:
        A function of a list of arrays, which gives arrays.

    Raises:
        ValueError: there are updates, or arguments of a session.
    """
    from ..engine.model import Model

    if kwargs or updates:
        given = kwargs or updates
        raise ValueError(
            f"Session arguments and `updates` are not supported during eager execution. You passed: {given}"
        )
    model = Model(inputs=inputs, outputs=outputs)
    single = isinstance(outputs, list) and len(outputs) == 1

    def run(values: Any) -> Any:
        results = model(values)
        if single and not isinstance(results, (list, tuple)):
            results = [results]
        return tf.nest.map_structure(get_value, results)

    return run


# Training or not


def learning_phase() -> int:
    """The mode of calls that nobody tells one: 1 in training, else 0."""
    return int(bool(call_context.learning_phase_if_set()))


def set_learning_phase(value: int) -> None:
    """Set the mode of calls that nobody tells one; old: pass `training` when you call a layer.

    Raises:
        ValueError: it is neither 0 nor 1.
    """
    warnings.warn(
        "`keras.backend.set_learning_phase` is deprecated: pass a True/False value to the `training` argument of the "
        "`__call__` method of your layer or model.",
        stacklevel=2,
    )
    _set_phase(value)


def _set_phase(value: Any) -> None:
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")
    call_context.set_learning_phase(value)


@contextmanager
def learning_phase_scope(value: int) -> Iterator[None]:
    """Within it, `learning_phase` is this; old, as `set_learning_phase` is.

    Raises:
        ValueError: it is neither 0 nor 1.
    """
    warnings.warn(
        "`keras.backend.learning_phase_scope` is deprecated: pass a True/False value to the `training` argument of the "
        "`__call__` method of your layer or model.",
        stacklevel=3,
    )
    before = call_context.learning_phase_if_set()
    _set_phase(value)
    try:
        yield
    finally:
        call_context.set_learning_phase(before)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` in training, else `alt`; functions are called, the one that counts alone where the mode is known.

    Args:
        x, alt: tensors, or functions without arguments.
        training: the mode; None: that of the layer being called, or `learning_phase`.
    """
    if training is None:
        call = call_context.current_call()
        training = call.training if call is not None else None
    if training is None:
        training = learning_phase()
    if tf.is_tensor(training):
        return switch(training, x, alt)
    chosen = x if training else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` in training, else `x`; see `in_train_phase`."""
    return in_train_phase(alt, x, training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two tensors: by a scalar condition as a whole, by a tensor element by element.

    Args:
        condition: a scalar, a vector that broadcasts to the others, or a tensor that does so with dimensions of size 1
            behind its own.
        then_expression, else_expression: tensors, or functions without arguments.

    Raises:
        ValueError: the condition has more dimensions than the others.
    """
    condition = tf.cast(condition, tf.bool)
    if not condition.shape.rank:
        return tf.cond(condition, _as_function(then_expression), _as_function(else_expression))
    then, otherwise = (
        tf.convert_to_tensor(e() if callable(e) else e) for e in (then_expression, else_expression)
    )
    missing = then.shape.rank - condition.shape.rank
    if missing < 0:
        raise ValueError(
            "Rank of `condition` should be less than or equal to rank of `then_expression` and `else_expression`. "
            f"ndim(condition)={condition.shape.rank}, ndim(then_expression)={then.shape.rank}"
        )
    if condition.shape.rank > 1 and missing:
        sizes = tf.concat([tf.shape(condition), tf.ones([missing], tf.int32)], 0)
        condition = tf.reshape(condition, sizes)
    return tf.where(condition, then, otherwise)


def _as_function(expression: Any) -> Callable[[], Any]:
    return expression if callable(expression) else lambda: expression
