"""Layers that make images and the like larger or smaller at their borders, or all over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from .conv_arguments import data_format_of, in_channels_last, sizes_of

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]

_INTERPOLATIONS = (
    *("area", "bicubic", "bilinear", "gaussian"),
    *("lanczos3", "lanczos5", "mitchellcubic", "nearest"),
)


def _ends(given: Any, n: int, name: str) -> tuple[tuple[int, ...], ...]:
    """How much is put on, or taken off, before and behind each of `n` axes of space.

    Args:
        given: one number for all, one per axis, or two per axis.
        n: how many axes there are.
        name: what the argument is called, for the message.
    """
    if isinstance(given, int):
        return ((given, given),) * n
    if not hasattr(given, "__len__"):
        raise ValueError(
            f"`{name}` should be either an int, a tuple of {n} ints (one for both ends of each axis), or a tuple of "
            f"{n} tuples of 2 ints (for the beginning and the end of each axis). Received: {given}."
        )
    if len(given) != n:
        raise ValueError(f"`{name}` should have {n} elements. Received: {given}.")
    places = ("1st", "2nd", "3rd")
    return tuple(
        sizes_of(one, 2, f"{place} entry of {name}", allow_zero=True)
        for one, place in zip(given, places[:n], strict=True)
    )


class _Spatial(Layer):
    """What changes the sizes of the `_space` axes that are neither batch nor channels."""

    _space: int
    data_format = "channels_last"

    @property
    def _first(self) -> int:
        return 2 if self.data_format == "channels_first" else 1

    def _new_size(self, axis: int, size: int) -> int:
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        shape = tf.TensorShape(input_shape).as_list()
        for axis in range(self._space):
            size = shape[self._first + axis]
            shape[self._first + axis] = None if size is None else self._new_size(axis, size)
        return tf.TensorShape(shape)

    def _repeated(self, x: Any, often: Sequence[int]) -> Any:
        """`x` with each element of the axes of space so often."""
        shape = self.compute_output_shape(x.shape)
        for axis, n in enumerate(often, self._first):
            x = tf.repeat(x, n, axis=axis)
        if not tf.executing_eagerly():
            x.set_shape(shape)
        return x

    def _spread(self, per_axis: Any, other: Any) -> list[Any]:
        """Something for each axis of space, and `other` for batch and channels, in the order of the data format."""
        before = [other] * self._first
        return [*before, *per_axis, *[other] * (2 - self._first)]


class _ZeroPadding(_Spatial):
    padding: tuple[Any, ...]

    def _new_size(self, axis: int, size: int) -> int:
        return size + sum(self._per_axis[axis])  # type: ignore[no-any-return]

    @property
    def _per_axis(self) -> tuple[Any, ...]:
        return self.padding

    def call(self, inputs: Any) -> Any:
        """The inputs with zeros around them."""
        return tf.pad(inputs, self._spread([list(ends) for ends in self._per_axis], [0, 0]))


class _ZeroPaddingOfImages(_ZeroPadding):
    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.padding = _ends(padding, self._space, "padding")
        self.input_spec = InputSpec(ndim=self._space + 2)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and behind the steps of ``(batch, steps, channels)``.

    Args:
        padding: how many, one number or one for each end.
    """

    _space = 1

    def __init__(self, padding: Any = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = sizes_of(padding, 2, "padding", allow_zero=True)
        self.input_spec = InputSpec(ndim=3)

    @property
    def _per_axis(self) -> tuple[Any, ...]:
        return (self.padding,)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"padding": self.padding}


class ZeroPadding2D(_ZeroPaddingOfImages):
    """Zeros around images.

    Args:
        padding: how many: one number, one per axis, or two per axis.
        data_format: "channels_last", "channels_first"; None: `keras.backend.image_data_format()`.

    Raises:
        ValueError: `padding` is something else.
    """

    _space = 2


class ZeroPadding3D(_ZeroPaddingOfImages):
    """Zeros around volumes; the arguments are those of `ZeroPadding2D`."""

    _space = 3


class _Cropping(_Spatial):
    cropping: tuple[Any, ...]

    @property
    def _per_axis(self) -> tuple[Any, ...]:
        return self.cropping

    def _new_size(self, axis: int, size: int) -> int:
        return size - sum(self._per_axis[axis])  # type: ignore[no-any-return]

    def call(self, inputs: Any) -> Any:
        """The inputs without their borders."""
        sizes = inputs.shape[self._first : self._first + self._space]
        if self._space < 3 and any(
            size is not None and sum(ends) >= size for size, ends in zip(sizes, self._per_axis, strict=True)
        ):
            raise ValueError(
                f"`cropping` parameter of `{type(self).__name__}` layer must be smaller than the input shape. "
                f"Received: inputs.shape={inputs.shape}, and cropping={self.cropping}"
            )
        kept = [slice(start, -end if end else None) for start, end in self._per_axis]
        return inputs[tuple(self._spread(kept, slice(None)))]


class _CroppingOfImages(_Cropping):
    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.cropping = _ends(cropping, self._space, "cropping")
        self.input_spec = InputSpec(ndim=self._space + 2)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"cropping": self.cropping, "data_format": self.data_format}


class Cropping1D(_Cropping):
    """Takes off the first and last steps of ``(batch, steps, channels)``.

    Args:
        cropping: how many, one number or one for each end.

    Raises:
        ValueError: there are no more steps than that.
    """

    _space = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = sizes_of(cropping, 2, "cropping", allow_zero=True)
        self.input_spec = InputSpec(ndim=3)

    @property
    def _per_axis(self) -> tuple[Any, ...]:
        return (self.cropping,)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"cropping": self.cropping}


class Cropping2D(_CroppingOfImages):
    """Takes the borders off images.

    Args:
        cropping: how much: one number, one per axis, or two per axis.
        data_format: "channels_last", "channels_first"; None: `keras.backend.image_data_format()`.

    Raises:
        ValueError: `cropping` is something else, or nothing would be left.
    """

    _space = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_CroppingOfImages):
    """Takes the borders off volumes; the arguments are those of `Cropping2D`."""

    _space = 3

    def __init__(
        self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class UpSampling1D(_Spatial):
    """Repeats each step of ``(batch, steps, channels)``.

    Args:
        size: how often.
    """

    _space = 1

    def __init__(self, size: Any = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = int(size)
        self.input_spec = InputSpec(ndim=3)

    def _new_size(self, axis: int, size: int) -> int:
        return size * self.size

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return self._repeated(inputs, [self.size])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"size": self.size}


class _UpSamplingOfImages(_Spatial):
    size: tuple[int, ...]

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.size = sizes_of(size, self._space, "size")
        self.input_spec = InputSpec(ndim=self._space + 2)

    def _new_size(self, axis: int, size: int) -> int:
        return size * self.size[axis]

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"size": self.size, "data_format": self.data_format}


class UpSampling2D(_UpSamplingOfImages):
    """Makes images larger.

    Args:
        size: how many times, one number or one per axis.
        data_format: "channels_last", "channels_first"; None: `keras.backend.image_data_format()`.
        interpolation: a method of `tf.image.resize`.

    Raises:
        NotImplementedError: there is no such method.
    """

    _space = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        if str(interpolation).lower() not in _INTERPOLATIONS:
            raise NotImplementedError(
                f"Value not recognized for `interpolation`: {interpolation}. Supported values are: "
                f"{list(_INTERPOLATIONS)}"
            )
        self.interpolation = interpolation.lower()

    def call(self, inputs: Any) -> Any:
        """See the class."""

        def resize(x: Any) -> Any:
            known = x.shape[1:3]
            sizes = tf.constant(known.as_list()) if known.is_fully_defined() else tf.shape(x)[1:3]
            return tf.image.resize(x, sizes * tf.constant(self.size), method=self.interpolation)

        return in_channels_last(inputs, self.data_format, 2, resize)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"interpolation": self.interpolation}


class UpSampling3D(_UpSamplingOfImages):
    """Repeats each element of volumes.

    Args:
        size: how often, one number or one per axis.
        data_format: "channels_last", "channels_first"; None: `keras.backend.image_data_format()`.
    """

    _space = 3

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return self._repeated(inputs, self.size)
