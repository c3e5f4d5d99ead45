"""Images of one size and scale: `Rescaling`, `Resizing`, `CenterCrop`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import calque as tf

from ...engine.layer import Layer
from ...preprocessing.image import smart_resize
from .encoding import as_tensor

__all__ = [
    "CenterCrop",
    "Rescaling",
    "Resizing",
    "as_images",
    "interpolation_of",
    "resized_shape",
    "where_it_fits",
]

_INTERPOLATIONS = (
    "bilinear",
    "nearest",
    "bicubic",
    "area",
    "lanczos3",
    "lanczos5",
    "gaussian",
    "mitchellcubic",
)


def as_images(inputs: Any, dtype: Any = None) -> Any:
    """The inputs as a tensor.

    Raises:
        ValueError: they are a dict.
    """
    if isinstance(inputs, dict):
        raise ValueError(
            "This layer can only process a tensor representing an image or a batch of images. Received: "
            f"type(inputs)={type(inputs)}."
        )
    return as_tensor(inputs, dtype=dtype)


def interpolation_of(name: str) -> str:
    """The method of `tf.image.resize` of this name.

    Raises:
        NotImplementedError: there is none.
    """
    if str(name).lower() not in _INTERPOLATIONS:
        raise NotImplementedError(
            f"Value not recognized for `interpolation`: {name}. Supported values are: {_INTERPOLATIONS}"
        )
    return str(name).lower()


def resized_shape(shape: Any, height: Any, width: Any) -> Any:
    """A shape of images with another height and width."""
    dims = tf.TensorShape(shape).as_list()
    dims[-3], dims[-2] = height, width
    return tf.TensorShape(dims)


def where_it_fits(
    images: Any, height: int, width: int, then: Callable[[], Any], otherwise: Callable[[], Any]
) -> Any:
    """What `then` gives if images are at least as high and wide as said, else what `otherwise` gives."""
    known = images.shape[-3:-1]
    if known.is_fully_defined():
        return then() if known[0] >= height and known[1] >= width else otherwise()
    sizes = tf.shape(images)[-3:-1]
    return tf.cond(tf.reduce_all(sizes >= [height, width]), then, otherwise)


class Rescaling(Layer):
    """``inputs * scale + offset``.

    Args:
        scale, offset: numbers, or lists of them for the channels.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__dict__.update(scale=scale, offset=offset)

    scale: Any
    offset: Any

    def call(self, inputs: Any) -> Any:
        """See the class."""
        dtype = self.compute_dtype
        inputs = as_images(inputs, dtype)
        return inputs * tf.cast(self.scale, dtype) + tf.cast(self.offset, dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"scale": self.scale, "offset": self.offset}


class Resizing(Layer):
    """Images resized.

    Args:
        height, width: the size.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic".
        crop_to_aspect_ratio: are images cut, so that they are not distorted?

    Raises:
        NotImplementedError: another interpolation.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self._interpolation_method = interpolation_of(interpolation)

    def call(self, inputs: Any) -> Any:
        """The images, ``(batch, height, width, channels)`` or one, resized; ragged ones if they are cut."""
        dtype = self.compute_dtype if self.interpolation == "nearest" else tf.float32
        images = as_images(inputs, dtype)
        size = [self.height, self.width]
        if not self.crop_to_aspect_ratio:
            outputs = tf.image.resize(images, size=size, method=self._interpolation_method)
        elif isinstance(images, tf.RaggedTensor):
            spec = tf.TensorSpec([*size, images.shape[-1]], dtype)
            outputs = tf.map_fn(lambda x: self._cut(x.to_tensor()), images, fn_output_signature=spec)
        else:
            outputs = self._cut(images)
        return tf.cast(outputs, self.compute_dtype)

    def _cut(self, images: Any) -> Any:
        return smart_resize(images, [self.height, self.width], self._interpolation_method)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape, with the size."""
        return resized_shape(input_shape, self.height, self.width)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {
            "height": self.height,
            "width": self.width,
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
        }


class CenterCrop(Layer):
    """The middle of images; images that are too small are cut and resized.

    Args:
        height, width: the size.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)
        self.height, self.width = height, width

    def call(self, inputs: Any) -> Any:
        """The middle of each image."""
        images = as_images(inputs, self.compute_dtype)
        sizes = tf.shape(images)
        high, wide = sizes[-3] - self.height, sizes[-2] - self.width

        def cut() -> Any:
            top, left = (tf.cast(x / 2, tf.int32) for x in (high, wide))
            return tf.image.crop_to_bounding_box(images, top, left, self.height, self.width)

        def resized() -> Any:
            return tf.cast(smart_resize(images, [self.height, self.width]), self.compute_dtype)

        return where_it_fits(images, self.height, self.width, cut, resized)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape, with the size."""
        return resized_shape(input_shape, self.height, self.width)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"height": self.height, "width": self.width}
