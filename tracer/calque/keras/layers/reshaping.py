"""Layers that put the same numbers into another shape or order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from .conv_arguments import data_format_of

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """All axes but the first as one; inputs without further axes get one of size 1.

    Args:
        data_format: where the inputs have their channels, "channels_last" or "channels_first"; in the result they
            vary fastest in either case. None: `keras.backend.image_data_format()`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        rank = inputs.shape.rank
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = tf.transpose(inputs, [0, *range(2, rank), 1])
        if rank == 1:
            return tf.expand_dims(inputs, 1)
        batch, rest = inputs.shape[0], inputs.shape[1:]
        if tf.executing_eagerly():
            return tf.reshape(inputs, [batch, math.prod(rest)])
        if rest.is_fully_defined():
            return tf.reshape(inputs, [-1, math.prod(rest)])
        return tf.reshape(inputs, [tf.shape(inputs)[0] if batch is None else batch, -1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Two axes."""
        shape = tf.TensorShape(input_shape)
        if shape.rank == 0:
            return tf.TensorShape([1])
        return tf.TensorShape([shape[0], math.prod(shape[1:]) if shape[1:].is_fully_defined() else None])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"data_format": self.data_format}


class Reshape(Layer):
    """The inputs in another shape.

    Args:
        target_shape: the shape, without the batch axis; -1 for one size that follows from the others.

    Raises:
        ValueError: the inputs have another number of elements, or several sizes are -1.
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        result = tf.reshape(inputs, (tf.shape(inputs)[0], *self.target_shape))
        if not tf.executing_eagerly():
            result.set_shape(self.compute_output_shape(inputs.shape))
        return result

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The batch axis, and `target_shape`."""
        shape = tf.TensorShape(input_shape)
        wanted = list(self.target_shape)
        if shape[1:].is_fully_defined():
            wanted = _filled(wanted, shape[1:].as_list())
        return tf.TensorShape([shape[0], *(None if size == -1 else size for size in wanted)])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"target_shape": self.target_shape}


def _filled(wanted: list[int], given: Sequence[Any]) -> list[int]:
    """`wanted` with the size that follows from the others."""
    unknown = [i for i, size in enumerate(wanted) if size < 0]
    if len(unknown) > 1:
        raise ValueError(
            f"There must be at most one unknown dimension in output_shape. Received: output_shape={wanted}."
        )
    known, total = math.prod(size for size in wanted if size >= 0), math.prod(given)
    if (known == 0 or total % known) if unknown else known != total:
        raise ValueError(
            f"total size of new array must be unchanged, input_shape = {given}, output_shape = {wanted}"
        )
    return [total // known if size < 0 else size for size in wanted]


class Permute(Layer):
    """The axes in another order.

    Args:
        dims: the axes of the inputs, from 1 on, that become axis 1, 2, ...

    Raises:
        ValueError: it is no permutation of 1, 2, ...
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be "
                f"consecutive and start from 1. Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return tf.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The sizes in the new order."""
        shape = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([shape[0], *(shape[axis] for axis in self.dims)])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"dims": self.dims}


class RepeatVector(Layer):
    """Inputs of shape ``(batch, size)`` repeated along a new axis: ``(batch, n, size)``.

    Args:
        n: how often.

    Raises:
        TypeError: it is no integer.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return tf.tile(tf.expand_dims(inputs, 1), [1, self.n, 1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """``(batch, n, size)``."""
        shape = tf.TensorShape(input_shape)
        return tf.TensorShape([shape[0], self.n, shape[1]])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"n": self.n}
