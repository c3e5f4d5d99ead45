"""Images in files: JPEG, PNG, BMP and GIF to pixels, and pixels to JPEG and PNG.

Pillow (the extra ``images``) reads all but BMP and 16-bit PNG, and writes JPEG. It decodes JPEG with the accurate
transform: exactly what TensorFlow gives for ``dct_method="INTEGER_ACCURATE"``. By default TensorFlow takes the fast
one, whose pixels differ by a few units of 255 (6 at most in our files); so do the last columns of a part
(DecodeAndCropJpeg), for which TensorFlow does not look at the colors beyond. PNG, BMP and GIF agree exactly, but for
16-bit colors turned gray, which TensorFlow's PNG library corrects by up to 3 of 65535.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register, registered
from ..shapes import Shape, format_shape
from .common import as_strings, check_size, scalar
from .image_png import HEADER, decode_deep, encode, gray

__all__: list[str] = []

_FORMATS = (
    (b"\xff\xd8\xff", "JPEG"),
    (HEADER, "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
)
_ADVICE = {
    "JPEG": "`decode_jpeg`",
    "PNG": "`decode_png`",
    "GIF": "`decode_gif`",
    "BMP": "`decode_bmp`",
}
# What Pillow raises over damaged files.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)


def _pillow(s: Site) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise s.unsupported(
            "images in files need Pillow, which is not installed: pip install 'calque[images]'"
        ) from None
    return Image


def _format_of(s: Site, data: bytes) -> str:
    if not data:
        raise s.error("Input is empty.")
    for start, name in _FORMATS:
        if data.startswith(start):
            return name
    raise s.error("Unknown image file format. One of JPEG, PNG, GIF, BMP required.")


@contextmanager
def _opened(
    s: Site, library: Any, data: bytes, what: str, draft: Callable[[Any], None] | None = None
) -> Iterator[Any]:
    """The image in `data`, its size within the budget; damage becomes an InvalidArgumentError."""
    try:
        with library.open(BytesIO(data), formats=[what]) as image:
            check_size(s, (image.height, image.width, 4), s.out_dtypes[0])
            if draft is not None:
                draft(image)
            yield image
    except _DAMAGE as e:
        raise s.error(f"Invalid {what} data, size {len(data)}: {e}") from e


def _pixels(image: Any, mode: str) -> Array:
    """The image's pixels in one of Pillow's modes: (height, width, channels) of uint8."""
    if image.mode != mode:
        image = image.convert(mode)
    return np.array(image, np.uint8).reshape(image.height, image.width, -1)


def _jpeg(s: Site, library: Any, data: bytes, channels: int, ratio: int) -> Array:
    if channels not in (0, 1, 3):
        raise s.error(f"JPEG does not support {channels} channels")

    def draft(image: Any) -> None:
        # The decoder itself makes a smaller or a gray image of the file's luminance.
        size = (max(image.width // ratio, 1), max(image.height // ratio, 1))
        image.draft("L" if channels == 1 else None, size if ratio > 1 else None)

    with _opened(s, library, data, "JPEG", draft) as image:
        grays = channels == 1 or (channels == 0 and image.mode == "L")
        return _pixels(image, "L" if grays else "RGB")


def _with_channels(pixels: Array, channels: int, opaque: int) -> Array:
    """`pixels` (gray, gray and alpha, RGB or RGBA) with that many channels; an alpha that is not there is `opaque`."""
    have = pixels.shape[2]
    if channels in (0, have):
        return pixels
    colors, alpha = (pixels[..., :-1], pixels[..., -1:]) if have % 2 == 0 else (pixels, None)
    if channels < 3:
        colors = gray(colors)
    elif colors.shape[2] == 1:
        colors = np.repeat(colors, 3, axis=2)
    if channels % 2:
        return colors
    if alpha is None:
        alpha = np.full((*pixels.shape[:2], 1), opaque, pixels.dtype)
    return np.concatenate([colors, alpha], axis=2)


def _png(s: Site, library: Any, data: bytes, channels: int, deep: bool) -> Array:
    """The pixels, of uint8, or of uint16 where `deep`."""
    if data[24:25] == b"\x10" and (deep or channels == 1):  # gray of all 16 bits, and only then cut to 8
        pixels = _with_channels(_deep_png(s, data), channels, 65535)
        return pixels if deep else (pixels >> 8).astype(np.uint8)
    with _opened(s, library, data, "PNG") as image:
        if image.mode.startswith("I"):
            flat = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
            pixels = flat[..., None]
        elif image.mode == "P":
            pixels = _pixels(image, "RGBA" if "transparency" in image.info else "RGB")
        elif channels == 4 and "transparency" in image.info:
            pixels = _pixels(image, "RGBA")
        else:
            pixels = _pixels(image, "L" if image.mode == "1" else image.mode)
    # TensorFlow's reader takes an opaque alpha to be the greatest number of the file's own bits.
    pixels = _with_channels(pixels, channels, min((1 << data[24]) - 1, 255))
    return pixels.astype(np.uint16) * 257 if deep else pixels


def _deep_png(s: Site, data: bytes) -> Array:
    if len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        check_size(s, (height, width, 4), s.out_dtypes[0])
    try:
        return decode_deep(data)
    except NotImplementedError as e:
        raise s.unsupported(str(e)) from None
    except _DAMAGE as e:
        raise s.error(f"Invalid PNG data, size {len(data)}: {e}") from e


def _gif(s: Site, library: Any, data: bytes) -> Array:
    """All frames, each composed with those before it: (frames, height, width, 3)."""
    with _opened(s, library, data, "GIF") as image:
        count = getattr(image, "n_frames", 1)
        check_size(s, (count, image.height, image.width, 3), s.out_dtypes[0])
        frames = []
        for k in range(count):
            image.seek(k)
            frames.append(_pixels(image, "RGB"))
        return np.stack(frames)


def _bmp(s: Site, data: bytes, channels: int) -> Array:
    if len(data) < 32:
        raise s.error(
            f"Incomplete bmp content, requires at least 32 bytes to find the header, got {len(data)} bytes"
        )
    at, width, height = struct.unpack("<I4xii", data[10:26])
    bits = struct.unpack("<H", data[28:30])[0]
    if bits not in (8, 24, 32):
        raise s.error(f"a BMP of {bits} bits per pixel is not supported: only 8, 24 and 32")
    depth = bits // 8
    if channels not in (0, depth):
        raise s.error(f"channels attribute {channels} does not match bits per pixel from file {depth}")
    rows, stride = abs(height), -(-depth * width // 4) * 4
    if width <= 0 or rows == 0:
        raise s.error(f"the BMP's size must be positive, but is {width} by {height}")
    check_size(s, (rows, width, depth), s.out_dtypes[0])
    if len(data) < at + rows * stride - (stride - depth * width):
        raise s.error(
            f"Incomplete bmp content, requires at least {at + rows * stride} bytes, got {len(data)} bytes"
        )
    padded = data[at : at + rows * stride].ljust(rows * stride, b"\0")
    pixels = (
        np.frombuffer(padded, np.uint8).reshape(rows, stride)[:, : width * depth].reshape(rows, width, depth)
    )
    if height > 0:  # the rows stand from the bottom up
        pixels = pixels[::-1]
    if depth > 1:  # blue, green, red
        pixels = pixels[..., [2, 1, 0, 3][:depth]]
    return np.ascontiguousarray(pixels)


def _contents(s: Site, contents: Array) -> bytes:
    if contents.ndim:
        raise s.error(f"`contents` must be scalar but got shape{format_shape(contents.shape)}")
    data: bytes = contents.item()
    return data


def _as_type(pixels: Array, dtype: Any) -> Array:
    """Pixels of uint8 or uint16 in the type that an op gives: uint16 of all its range, floats from 0 to 1."""
    if dtype == np.float32:
        out: Array = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
        return out
    return pixels.astype(np.uint16) * 256 if dtype == np.uint16 and pixels.dtype == np.uint8 else pixels


def _decoder(name: str, attrs: str, out: str, kinds: str, doc: str) -> Op:
    """Declare a decoder of the formats named in `kinds`; those for one kind of still image take the others as well."""
    window = name == "DecodeAndCropJpeg"

    def kernel(s: Site) -> Kernel:
        definitions = s.op.signature.attrs
        channels = s["channels"] if "channels" in definitions else 0
        ratio = s["ratio"] if "ratio" in definitions else 1
        dtype, library = s.out_dtypes[0].np, _pillow(s) if kinds != "BMP" else None
        frames = name == "DecodeGif" or (name == "DecodeImage" and s["expand_animations"])
        if channels not in (0, 1, 3, 4):
            raise s.error(f"`channels` must be 0, 1, 3 or 4 but got {channels}")
        if ratio not in (1, 2, 4, 8):
            raise s.error(f"ratio must be 1, 2, 4, or 8, got {ratio}")
        if "fancy_upscaling" in definitions and not s["fancy_upscaling"]:
            raise s.unsupported("fancy_upscaling=False: the decoder always interpolates the colors")
        if "try_recover_truncated" in definitions and s["try_recover_truncated"]:
            raise s.unsupported("try_recover_truncated=True: a truncated file is an error")

        def decoded(data: bytes) -> Array:
            kind = _format_of(s, data)
            if kind not in kinds:
                raise s.error(
                    f"Trying to decode {kind} format using {name} op. Use {_ADVICE[kind]} or `decode_image` instead."
                )
            if kind == "JPEG":
                return _jpeg(s, library, data, channels, ratio)
            if kind == "PNG":
                return _png(s, library, data, channels, dtype != np.uint8)
            if kind == "BMP":
                return _bmp(s, data, channels)
            if channels not in (0, 3):
                raise s.error(f"channels must be 0 or 3 for GIF, but is {channels}")
            images = _gif(s, library, data)
            if frames:
                return images
            if len(images) > 1 and name != "DecodeImage":
                raise s.error(
                    f"Got {len(images)} frames, but animated gifs can only be decoded by tf.io.decode_gif or "
                    "tf.io.decode_image"
                )
            first: Array = images[0]
            return first

        def run(contents: Array, crop: Array | None = None) -> Array:
            pixels = _as_type(decoded(_contents(s, contents)), dtype)
            if name == "DecodeGif" and pixels.ndim == 3:
                pixels = pixels[None]
            return pixels if crop is None else _cropped(s, pixels, crop)

        return run

    args = "contents: string, crop_window: int32" if window else "contents: string"
    one = register(Op(f"{name}({args}) -> (image: {out}){' | ' if attrs else ''}{attrs}", kernel, doc))

    def shape_rule(s: Site) -> list[Shape]:
        if s.shapes[0]:
            raise s.error(f"`contents` must be scalar but got shape{format_shape(s.shapes[0])}")
        if name == "DecodeImage":
            return [None]
        if name == "DecodeGif":
            return [(None, None, None, 3)]
        window_of = s.const(1) if window else None
        size = (None, None) if window_of is None else tuple(window_of.tolist()[2:4])
        return [(*size, s["channels"] or None)]

    one.shape_rule = shape_rule
    return one.not_differentiable()


def _cropped(s: Site, pixels: Array, crop: Array) -> Array:
    if crop.shape != (4,):
        raise s.error(f"crop_window must have four elements, but has shape {format_shape(crop.shape)}")
    y, x, height, width = crop.tolist()
    rows, columns, _ = pixels.shape
    if min(y, x) < 0 or min(height, width) <= 0 or y + height > rows or x + width > columns:
        raise s.error(f"Invalid crop window: {crop.tolist()} is not within an image of {rows} by {columns}")
    return np.ascontiguousarray(pixels[y : y + height, x : x + width])


_JPEG_ATTRS = (
    "channels: int=0; ratio: int=1; fancy_upscaling: bool=true; try_recover_truncated: bool=false; "
    "acceptable_fraction: float=1.0; dct_method: string=''"
)
decode_jpeg: Op = _decoder(
    "DecodeJpeg",
    _JPEG_ATTRS,
    "uint8",
    "JPEG PNG GIF",
    "The pixels of a JPEG file: (height, width, channels).",
)
decode_and_crop_jpeg: Op = _decoder(
    "DecodeAndCropJpeg",
    _JPEG_ATTRS,
    "uint8",
    "JPEG",
    "The pixels of a part (y, x, height, width) of a JPEG file.",
)
decode_png: Op = _decoder(
    "DecodePng",
    "channels: int=0; dtype: type=uint8 in [uint8, uint16]",
    "dtype",
    "JPEG PNG GIF",
    "The pixels of a PNG file: (height, width, channels).",
)
decode_bmp: Op = _decoder(
    "DecodeBmp", "channels: int=0", "uint8", "BMP", "The pixels of a BMP file: (height, width, channels)."
)
decode_gif: Op = _decoder(
    "DecodeGif", "", "uint8", "JPEG PNG GIF", "The pixels of a GIF file: (frames, height, width, 3)."
)
decode_image: Op = _decoder(
    "DecodeImage",
    "channels: int=0; dtype: type=uint8 in [uint8, uint16, float]; expand_animations: bool=true",
    "dtype",
    "JPEG PNG GIF BMP",
    "The pixels of an image file of any known kind: (height, width, channels), GIF also (frames, height, width, 3).",
)


@op("EncodePng(image: T) -> (contents: string) | compression: int=-1; T: type=uint8 in [uint8, uint16]")
def encode_png(s: Site) -> Kernel:
    """PNG files of images (..., height, width, channels) with 1 to 4 channels."""
    level = s["compression"]
    if not -1 <= level <= 9:
        raise s.error(f"compression should be in [-1,9], got {level}")

    def run(image: Array) -> Array:
        if image.ndim < 3:
            raise s.error(f"images must have 3 axes at least, but have shape {format_shape(image.shape)}")
        if not 1 <= image.shape[-1] <= 4 or 0 in image.shape[-3:]:
            raise s.error(
                f"image must not be empty and must have 1, 2, 3, or 4 channels, got shape {format_shape(image.shape)}"
            )
        flat = image.reshape(-1, *image.shape[-3:])
        out = np.empty(len(flat), object)
        out[:] = [encode(one, level) for one in flat]
        return out.reshape(image.shape[:-3])

    return run


@encode_png.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is not None and len(known) < 3:
        raise s.error(f"images must have 3 axes at least, but have shape {format_shape(known)}")
    return [None if known is None else known[:-3]]


encode_png.not_differentiable()


def _jpeg_options(s: Site) -> dict[str, Any]:
    """What Pillow's writer is told."""
    scale = 1 if s["density_unit"] == b"in" else 2.54
    options: dict[str, Any] = {
        "quality": s["quality"],
        "progressive": s["progressive"],
        "optimize": s["optimize_size"],
        "subsampling": 2 if s["chroma_downsampling"] else 0,
        "dpi": (round(s["x_density"] * scale), round(s["y_density"] * scale)),
    }
    if s["xmp_metadata"]:
        options["xmp"] = s["xmp_metadata"]
    return options


def _jpeg_file(s: Site, library: Any, image: Array, options: dict[str, Any]) -> bytes:
    out = BytesIO()
    height, width, channels = image.shape
    mode = "L" if channels == 1 else "RGB"
    library.frombytes(mode, (width, height), np.ascontiguousarray(image).tobytes()).save(
        out, "JPEG", **options
    )
    return out.getvalue()


def _check_pixels(s: Site, image: Array) -> None:
    if image.shape[-1] not in (1, 3) or 0 in image.shape:
        raise s.error(
            f"image must not be empty and must have 1 or 3 channels, got shape {format_shape(image.shape)}"
        )


@op(
    "EncodeJpeg(image: uint8) -> (contents: string) | format: string='' in ['', 'grayscale', 'rgb']; quality: int=95; "
    "progressive: bool=false; optimize_size: bool=false; chroma_downsampling: bool=true; "
    "density_unit: string='in' in ['in', 'cm']; x_density: int=300; y_density: int=300; xmp_metadata: string=''"
)
def encode_jpeg(s: Site) -> Kernel:
    """A JPEG file of an image (height, width, channels) with 1 or 3 channels."""
    if not 0 <= s["quality"] <= 100:
        raise s.error(f"quality must be in [0,100], got {s['quality']}")
    library, options, wanted = _pillow(s), _jpeg_options(s), {b"grayscale": 1, b"rgb": 3}.get(s["format"])

    def run(image: Array) -> Array:
        if image.ndim != 3:
            raise s.error(f"image must be 3-dimensional, but has shape {format_shape(image.shape)}")
        _check_pixels(s, image)
        if wanted is not None and image.shape[2] != wanted:
            raise s.error(f"the format wants an image of {wanted} channels, but it has {image.shape[2]}")
        return as_strings(_jpeg_file(s, library, image, options), ())

    return run


encode_jpeg.shape_rule = scalar
encode_jpeg.not_differentiable()


@op("EncodeJpegVariableQuality(images: uint8, quality: int32) -> (contents: string)")
def encode_jpeg_variable_quality(s: Site) -> Kernel:
    """A JPEG file of an image (height, width, channels), of a quality that is an input."""
    library = _pillow(s)

    def run(image: Array, quality: Array) -> Array:
        if image.ndim != 3 or quality.ndim:
            raise s.error("images must be 3-dimensional and quality a scalar")
        _check_pixels(s, image)
        if not 0 <= quality <= 100:
            raise s.error(f"quality must be in [0,100], got {quality.item()}")
        options = {"quality": quality.item(), "subsampling": 2, "dpi": (300, 300)}
        return as_strings(_jpeg_file(s, library, image, options), ())

    return run


encode_jpeg_variable_quality.shape_rule = scalar
encode_jpeg_variable_quality.not_differentiable()

# What docs/ops.md says of limits.
for _names, _words in (
    (
        "DecodeJpeg DecodeAndCropJpeg",
        (
            "needs Pillow (calque[images]); dct_method is not looked at: values are those of "
            "INTEGER_ACCURATE, from which those of INTEGER_FAST (TensorFlow's default) differ by a few of "
            "255; refused: fancy_upscaling=False, try_recover_truncated=True"
        ),
    ),
    ("DecodePng DecodeGif EncodePng", "needs Pillow (calque[images])"),
    ("DecodeImage", "needs Pillow (calque[images]); JPEG files: see DecodeJpeg"),
    (
        "EncodeJpeg EncodeJpegVariableQuality",
        "needs Pillow (calque[images]); the bytes are not TensorFlow's, the pixels nearly",
    ),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
