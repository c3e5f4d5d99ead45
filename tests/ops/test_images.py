"""Image files beyond the rows: what is close to TensorFlow's pixels, what is written, what is missing or damaged."""

from __future__ import annotations

import builtins
import contextlib
from typing import Any

import numpy as np
import pytest

from calque_runtime import errors, ops
from calque_runtime.environment import Environment, Limits
from ops import harness
from ops.cases.image_codec import CLOSE, DEEP, FILES, JPEGS
from ops.rows import Row
from ops.test_rows import golden
from support.arrays import unpack


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in CLOSE])
def test_the_fast_transform_is_close(row: Row) -> None:
    got, want = harness.eager(row)[0], unpack(golden("image_codec"), f"{row.id}|out|0")
    unit = {"uint8": 1, "uint16": 256, "float32": 1 / 255}[want.dtype.name]
    assert np.abs(got.astype(float) - want.astype(float)).max() <= 6.01 * unit


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_there_and_back(dtype: str, channels: int) -> None:
    top = np.iinfo(dtype).max
    image = np.random.default_rng(channels).integers(0, top, (9, 6, channels), dtype, endpoint=True)
    file = ops.require("EncodePng")(image)
    assert file.shape == ()
    again = ops.require("DecodePng")(file, dtype=dtype)
    assert again.dtype == image.dtype
    np.testing.assert_array_equal(again, image)


def test_png_of_a_strided_image() -> None:
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)[::-1, ::2]
    np.testing.assert_array_equal(ops.require("DecodePng")(ops.require("EncodePng")(image)), image)


@pytest.mark.parametrize("quality", [60, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_there_and_back(quality: int, channels: int) -> None:
    y, x = np.mgrid[:24, :32]
    image = np.stack([4 * x, 5 * y, 2 * x + 3 * y], -1)[..., :channels].astype(np.uint8)
    for file in (
        ops.require("EncodeJpeg")(image, quality=quality),
        ops.require("EncodeJpegVariableQuality")(image, np.int32(quality)),
    ):
        again = ops.require("DecodeJpeg")(file)
        assert again.shape == image.shape
        assert np.abs(again.astype(int) - image).mean() < (2 if quality == 100 else 8)


def test_a_jpeg_says_its_density() -> None:
    from io import BytesIO

    from PIL import Image

    file = ops.require("EncodeJpeg")(np.zeros((2, 2, 3), np.uint8), x_density=72, y_density=80)
    with Image.open(BytesIO(file.item())) as image:
        assert image.info["dpi"] == (72, 80)


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    op = ops.require("DecodeJpeg")
    function, _ = harness.build(CLOSE[0], static=False)
    with pytest.raises(errors.UnimplementedError, match=r"calque\[images\]"):
        op.bind(function.nodes[0].site(Environment()))


@pytest.mark.parametrize("attrs", [{"fancy_upscaling": False}, {"try_recover_truncated": True}], ids=str)
def test_what_is_refused(attrs: dict[str, bool]) -> None:
    with pytest.raises(errors.UnimplementedError, match=next(iter(attrs))):
        ops.require("DecodeJpeg")(JPEGS["color"].make("string", None), **attrs)


@pytest.mark.parametrize("file", [*FILES.values(), *DEEP.values()], ids=[*FILES, *DEEP])
def test_damaged_png(file: Any) -> None:
    """However a file is cut or changed, there is an image or a typed error."""
    data, random = file.values, np.random.RandomState(0)
    op = ops.require("DecodePng")
    for k in range(60):
        broken = bytearray(data[: random.randint(9, len(data) + 1)])
        broken[random.randint(8, len(broken))] ^= 1 << random.randint(8)
        with contextlib.suppress(errors.OpError):
            op(np.array(bytes(broken), object), dtype="uint16" if k % 2 else "uint8")


def test_a_huge_image_is_refused() -> None:
    data = bytearray(DEEP["rgb16"].values)
    data[16:24] = b"\x00\x10\x00\x00" * 2
    row = Row("DecodePng", (type(FILES["rgb"])(bytes(data), "string"),), {"dtype": "uint16"}, "uint8")
    function, flat = harness.build(row, static=False)
    env = Environment(limits=Limits(max_bytes=1 << 24))
    kernel = function.nodes[0].op.bind(function.nodes[0].site(env))
    with pytest.raises(errors.ResourceExhaustedError):
        kernel(*flat)


@pytest.mark.parametrize("place", [-1, 4])
def test_an_argmax_outside_is_refused(place: int) -> None:
    """TensorFlow ends the process here."""
    x, g, argmax = np.zeros((1, 2, 2, 1)), np.ones((1, 1, 2, 1)), np.array([[[[3], [place]]]])
    with pytest.raises(errors.InvalidArgumentError, match="argmax"):
        ops.require("MaxPoolGradWithArgmax")(
            x, g, argmax, ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding="SAME"
        )
