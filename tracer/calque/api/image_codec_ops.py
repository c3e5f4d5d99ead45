"""`tf.image` and `tf.io`: images as the bytes of a file, and back."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from .arguments import tensor
from .raw import raw

__all__ = [
    "adjust_jpeg_quality",
    "decode_and_crop_jpeg",
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "is_jpeg",
]


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Any:
    """The image, [height, width, channels] of uint8, that a JPEG file holds.

    Args:
        contents: the file's bytes.
        channels: how many there are to be: 1, 3, or 0 for as many as there are.
        ratio: by how much the image is made smaller.
        fancy_upscaling, try_recover_truncated, acceptable_fraction, dct_method: as the op takes them.
        name: the node's name.
    """
    return raw("DecodeJpeg")(
        tensor(contents),
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=float(acceptable_fraction),
        dct_method=dct_method,
        name=name,
    )


def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Any:
    """As `decode_jpeg`, the part of the image alone that `crop_window` says: [row, column, height, width]."""
    return raw("DecodeAndCropJpeg")(
        tensor(contents),
        tensor(crop_window),
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=float(acceptable_fraction),
        dct_method=dct_method,
        name=name,
    )


def decode_png(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Any:
    """The image, [height, width, channels] of uint8 or uint16, that a PNG file holds."""
    return raw("DecodePng")(tensor(contents), channels=channels, dtype=as_dtype(dtype), name=name)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Any:
    """The image, [height, width, channels] of uint8, that a BMP file holds."""
    return raw("DecodeBmp")(tensor(contents), channels=channels, name=name)


def decode_gif(contents: Any, name: str | None = None) -> Any:
    """The images, [number, height, width, 3] of uint8, that a GIF file holds."""
    return raw("DecodeGif")(tensor(contents), name=name)


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = dtypes.uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Any:
    """The image that a BMP, GIF, JPEG or PNG file holds.

    Args:
        contents: the file's bytes.
        channels: how many there are to be; None: as many as there are.
        dtype: uint8, uint16 or float32.
        name: the node's name.
        expand_animations: do the images of a GIF file come with an axis of their own? Else its first alone is taken.
    """
    return raw("DecodeImage")(
        tensor(contents),
        channels=channels or 0,
        dtype=as_dtype(dtype),
        expand_animations=expand_animations,
        name=name,
    )


def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Any:
    """An image of uint8 as the bytes of a JPEG file."""
    return raw("EncodeJpeg")(
        tensor(image),
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Any:
    """An image of uint8 or uint16 as the bytes of a PNG file."""
    return raw("EncodePng")(tensor(image), compression=compression, name=name)


def is_jpeg(contents: Any, name: str | None = None) -> Any:
    """Do these bytes begin as a JPEG file does?"""
    from .math_ops import equal
    from .string_ops import substr

    return equal(substr(tensor(contents), 0, 3), b"\xff\xd8\xff", name=name)


def adjust_jpeg_quality(image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None) -> Any:
    """An image as it is after being written to a JPEG file of that quality, 0 to 100, and read again."""
    from .image_color_ops import convert_image_dtype

    x = tensor(image)
    channels = x.shape.as_list()[-1]
    bytes_ = convert_image_dtype(x, dtypes.uint8, saturate=True)
    encoded = raw("EncodeJpegVariableQuality")(bytes_, tensor(jpeg_quality, dtypes.int32))
    decoded = decode_jpeg(encoded, channels=channels or 0, dct_method=dct_method)
    return convert_image_dtype(decoded, x.dtype, saturate=True, name=name)
