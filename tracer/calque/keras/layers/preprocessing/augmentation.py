"""Images changed at random in training: flipped, moved, turned, resized, brighter or darker."""

from __future__ import annotations

from typing import Any

import numpy as np

import calque as tf

from ...preprocessing.image import smart_resize
from ..base_random import BaseRandomLayer
from ..phase import when_training
from .images import as_images, interpolation_of, resized_shape, where_it_fits
from .transforms import (
    check_fill_mode_and_interpolation,
    rotation_matrix,
    transform,
    translation_matrix,
    zoom_matrix,
)

__all__ = [
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomHeight",
    "RandomRotation",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
]


class _Augmentation(BaseRandomLayer):
    """A layer that changes images in training, and gives them as they are otherwise.

    Args:
        seed: makes the changes repeatable.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, force_generator=True, **kwargs)
        self.seed = seed

    def call(self, inputs: Any, training: Any = True) -> Any:
        """The images, ``(batch, height, width, channels)`` or one, changed if `training`."""
        images = as_images(inputs, self.compute_dtype)
        return when_training(training, lambda: self._changed(images), lambda: images)

    def _changed(self, images: Any) -> Any:
        raise NotImplementedError

    def _uniform(self, shape: Any, bounds: tuple[float, float]) -> Any:
        return self._random_generator.random_uniform(
            shape, minval=bounds[0], maxval=bounds[1], dtype=tf.float32
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"seed": self.seed}


def _bounds(factor: Any) -> tuple[float, float]:
    """The bounds of a random number: those given, or a number to both sides of 0."""
    return (factor[0], factor[1]) if isinstance(factor, (tuple, list)) else (-factor, factor)


class RandomFlip(_Augmentation):
    """Images flipped, each with a chance of one half.

    Args:
        mode: "horizontal", "vertical" or "horizontal_and_vertical".
        seed: makes the choice repeatable.

    Raises:
        ValueError: the mode is unknown.
    """

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ValueError(f"RandomFlip layer {self.name} received an unknown mode argument {mode}")
        self.mode = mode
        self.horizontal, self.vertical = "horizontal" in mode, "vertical" in mode

    def _changed(self, images: Any) -> Any:
        flipped = images
        for wanted, flip in (
            (self.horizontal, tf.image.stateless_random_flip_left_right),
            (self.vertical, tf.image.stateless_random_flip_up_down),
        ):
            if wanted:
                flipped = flip(flipped, seed=self._random_generator.make_seed_for_stateless_op())
        flipped.set_shape(images.shape)
        return flipped

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"mode": self.mode}


class _Transformed(_Augmentation):
    """Images moved, turned or zoomed, each by a matrix of its own.

    Args:
        fill_mode: what is beyond the edges: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: makes the changes repeatable.
        fill_value: what is beyond the edges with "constant".
    """

    def __init__(
        self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        check_fill_mode_and_interpolation(fill_mode, interpolation)
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def _matrices(self, batch: Any, height: Any, width: Any) -> Any:
        raise NotImplementedError

    def _changed(self, images: Any) -> Any:
        shape = images.shape
        if shape.rank == 3:
            images = tf.expand_dims(images, 0)
        sizes = tf.shape(images)
        height, width = tf.cast(sizes[-3], tf.float32), tf.cast(sizes[-2], tf.float32)
        matrices = self._matrices(sizes[0], height, width)
        outputs = transform(images, matrices, self.fill_mode, self.fill_value, self.interpolation)
        if shape.rank == 3:
            outputs = tf.squeeze(outputs, 0)
        outputs.set_shape(shape)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "interpolation": self.interpolation,
        }


class RandomTranslation(_Transformed):
    """Images moved.

    Args:
        height_factor, width_factor: the bounds, as shares of the size: two numbers, or one for both directions.
        fill_mode, interpolation, fill_value: see `transforms.transform`.
        seed: makes the changes repeatable.

    Raises:
        ValueError: bounds are in the wrong order, or beyond 1.
        NotImplementedError: the fill mode or the interpolation is unknown.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        for name, factor in (("height_factor", height_factor), ("width_factor", width_factor)):
            lower, upper = _bounds(factor)
            if upper < lower:
                raise ValueError(f"`{name}` cannot have upper bound less than lower bound, got {factor}")
            if abs(lower) > 1.0 or abs(upper) > 1.0:
                raise ValueError(
                    f"`{name}` argument must have values between [-1, 1]. Received: {name}={factor}"
                )

    def _matrices(self, batch: Any, height: Any, width: Any) -> Any:
        down = self._uniform([batch, 1], _bounds(self.height_factor)) * height
        right = self._uniform([batch, 1], _bounds(self.width_factor)) * width
        return translation_matrix(tf.concat([right, down], axis=1))

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


class RandomRotation(_Transformed):
    """Images turned.

    Args:
        factor: the bounds, as shares of a whole turn: two numbers, or one for both directions.
        fill_mode, interpolation, fill_value: see `transforms.transform`.
        seed: makes the changes repeatable.

    Raises:
        ValueError: the bounds are in the wrong order.
        NotImplementedError: the fill mode or the interpolation is unknown.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.factor = factor
        self.lower, self.upper = _bounds(factor)
        if self.upper < self.lower:
            raise ValueError(f"`factor` argument cannot have a negative value. Received: factor={factor}")

    def _matrices(self, batch: Any, height: Any, width: Any) -> Any:
        turn = 2.0 * np.pi
        angles = self._uniform([batch], (self.lower * turn, self.upper * turn))
        return rotation_matrix(angles, height, width)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"factor": self.factor}


class RandomZoom(_Transformed):
    """Images zoomed: positive factors zoom out.

    Args:
        height_factor, width_factor: the bounds, as shares of the size: two numbers, or one for both directions. No
            factor for the width: that of the height, so that images are not distorted.
        fill_mode, interpolation, fill_value: see `transforms.transform`.
        seed: makes the changes repeatable.

    Raises:
        ValueError: bounds are out of range.
        NotImplementedError: the fill mode or the interpolation is unknown.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        if any(abs(bound) > 1.0 for bound in _bounds(height_factor)):
            raise ValueError(
                "`height_factor` argument must have values between [-1, 1]. Received: "
                f"height_factor={height_factor}"
            )
        if width_factor is not None and any(bound < -1.0 for bound in _bounds(width_factor)):
            raise ValueError(
                "`width_factor` argument must have values larger than -1. Received: "
                f"width_factor={width_factor}"
            )

    def _matrices(self, batch: Any, height: Any, width: Any) -> Any:
        lower, upper = _bounds(self.height_factor)
        high = wide = self._uniform([batch, 1], (1.0 + lower, 1.0 + upper))
        if self.width_factor is not None:
            lower, upper = _bounds(self.width_factor)
            wide = self._uniform([batch, 1], (1.0 + lower, 1.0 + upper))
        return zoom_matrix(tf.concat([wide, high], axis=1), height, width)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


class RandomCrop(_Augmentation):
    """A part of images at a random place; in inference, and of images that are too small, the middle, resized.

    Args:
        height, width: the size.
        seed: makes the choice repeatable.
    """

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs, autocast=False)
        self.height, self.width = height, width

    def call(self, inputs: Any, training: Any = True) -> Any:
        """A part of each image, the same for all of a batch."""
        images = as_images(inputs, self.compute_dtype)
        sizes = tf.shape(images)
        high, wide = sizes[-3] - self.height, sizes[-2] - self.width

        def cut() -> Any:
            numbers = self._random_generator.random_uniform([2], 0, tf.int32.max, tf.int32)
            top, left = numbers[0] % (high + 1), numbers[1] % (wide + 1)
            return tf.image.crop_to_bounding_box(images, top, left, self.height, self.width)

        def resized() -> Any:
            return tf.cast(smart_resize(images, [self.height, self.width]), self.compute_dtype)

        def in_training() -> Any:
            return where_it_fits(images, self.height, self.width, cut, resized)

        return when_training(training, in_training, resized)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape, with the size."""
        return resized_shape(input_shape, self.height, self.width)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"height": self.height, "width": self.width}


class RandomContrast(_Augmentation):
    """Images whose differences from their mean are made larger or smaller, and cut to [0, 255].

    Args:
        factor: the contrast is within ``[1 - lower, 1 + upper]``: two numbers, or one for both.
        seed: makes the changes repeatable.

    Raises:
        ValueError: a bound is negative, or the lower one is larger than 1.
    """

    def __init__(self, factor: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        both: Any = _bounds(factor) if isinstance(factor, (tuple, list)) else (factor, factor)
        self.lower, self.upper = both
        if self.lower < 0.0 or self.upper < 0.0 or self.lower > 1.0:
            raise ValueError(
                "`factor` argument cannot have negative values or values greater than 1. Received: "
                f"factor={factor}"
            )

    def _changed(self, images: Any) -> Any:
        seed = self._random_generator.make_seed_for_stateless_op()
        outputs = tf.image.stateless_random_contrast(images, 1.0 - self.lower, 1.0 + self.upper, seed=seed)
        outputs = tf.clip_by_value(outputs, 0, 255)
        outputs.set_shape(images.shape)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"factor": self.factor}


class RandomBrightness(_Augmentation):
    """Images made brighter or darker, and cut to the range of values.

    Args:
        factor: the bounds of what is added, as shares of the range: two numbers, or one for both directions.
        value_range: the range.
        seed: makes the changes repeatable.

    Raises:
        ValueError: bounds beyond 1, or something else than one or two numbers.
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        bounds = list(factor) if isinstance(factor, (tuple, list)) else [factor, factor]
        if len(bounds) != 2 or not all(isinstance(x, (int, float)) and -1.0 <= x <= 1.0 for x in bounds):
            raise ValueError(
                "The `factor` argument should be a number (or a list of two numbers) in the range [-1.0, 1.0]. Got "
                f"{factor}"
            )
        if not isinstance(factor, (tuple, list)):
            bounds = [-abs(factor), abs(factor)]
        if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
            raise ValueError(f"The `value_range` argument should be a list of two numbers. Got {value_range}")
        self.__dict__.update(_factor=sorted(bounds), _value_range=sorted(value_range))

    _factor: list[float]
    _value_range: list[float]

    def _changed(self, images: Any) -> Any:
        rank = images.shape.rank
        if rank not in (3, 4):
            raise ValueError(f"Expected the input image to be rank 3 or 4. Got inputs.shape = {images.shape}")
        lowest, highest = self._value_range
        shape = (1, 1, 1) if rank == 3 else [tf.shape(images)[0], 1, 1, 1]
        added = self._uniform(shape, (self._factor[0], self._factor[1])) * (highest - lowest)
        return tf.clip_by_value(images + tf.cast(added, images.dtype), lowest, highest)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"factor": self._factor, "value_range": self._value_range}


class _RandomSide(_Augmentation):
    """Images made higher or wider, or the contrary.

    Args:
        factor: the bounds, as shares of the size: two numbers, or one for both directions.
        interpolation: see `Resizing`.
        seed: makes the changes repeatable.
    """

    _axis: int

    def __init__(
        self, factor: Any, interpolation: str = "bilinear", seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        lower, upper = _bounds(factor)
        if upper < lower:
            raise ValueError(
                f"`factor` argument cannot have an upper bound less than the lower bound. Received: factor={factor}"
            )
        if lower < -1.0 or upper < -1.0:
            raise ValueError(f"`factor` argument must have values larger than -1. Received: factor={factor}")
        self.interpolation = interpolation
        self._interpolation_method = interpolation_of(interpolation)

    def call(self, inputs: Any, training: Any = True) -> Any:
        """The images, ``(batch, height, width, channels)`` or one, changed if `training`."""
        images = as_images(inputs)
        return when_training(training, lambda: self._changed(images), lambda: images)

    def _changed(self, images: Any) -> Any:
        sizes = tf.shape(images)[-3:-1]
        lower, upper = _bounds(self.factor)
        factor = self._uniform([], (1.0 + lower, 1.0 + upper))
        place = self._axis + 3
        new = tf.cast(factor * tf.cast(sizes[place], tf.float32), tf.int32)
        size = tf.stack([new, sizes[1]] if place == 0 else [sizes[0], new])
        outputs = tf.cast(tf.image.resize(images, size, self._interpolation_method), self.compute_dtype)
        outputs.set_shape(self.compute_output_shape(images.shape))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape, with the size that changes left open."""
        dims = tf.TensorShape(input_shape).as_list()
        dims[self._axis] = None
        return tf.TensorShape(dims)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"factor": self.factor, "interpolation": self.interpolation}


class RandomHeight(_RandomSide):
    """Images made higher or lower.

    Args:
        factor: the bounds, as shares of the height: two numbers, or one for both directions.
        interpolation: see `Resizing`.
        seed: makes the changes repeatable.

    Raises:
        ValueError: the bounds are in the wrong order, or below -1.
    """

    _axis = -3


class RandomWidth(_RandomSide):
    """Images made wider or narrower.

    Args:
        factor: the bounds, as shares of the width: two numbers, or one for both directions.
        interpolation: see `Resizing`.
        seed: makes the changes repeatable.

    Raises:
        ValueError: the bounds are in the wrong order, or below -1.
    """

    _axis = -2
