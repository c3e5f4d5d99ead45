"""Settings of the whole package: the default dtype, the fuzz factor, and where images have their channels."""

from __future__ import annotations

__all__ = ["epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx", "set_image_data_format"]

_FLOATS = ("float16", "float32", "float64")
_FORMATS = ("channels_last", "channels_first")

_epsilon = 1e-7
_floatx = "float32"
_image_data_format = "channels_last"


def epsilon() -> float:
    """The small number that losses and constraints add, or clip at, to stay away from 0."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set what `epsilon` gives."""
    global _epsilon
    _epsilon = value


def floatx() -> str:
    """The name of the dtype of weights and inputs where none is given."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set what `floatx` gives: "float16", "float32" or "float64".

    Raises:
        ValueError: it is none of these.
    """
    global _floatx
    if value not in _FLOATS:
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of {', '.join(_FLOATS)}.")
    _floatx = str(value)


def image_data_format() -> str:
    """Where images have their channels if a layer is not told: "channels_last" or "channels_first"."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set what `image_data_format` gives.

    Raises:
        ValueError: it is neither "channels_last" nor "channels_first".
    """
    global _image_data_format
    if data_format not in _FORMATS:
        raise ValueError(f"Unknown `data_format`: {data_format}. Expected one of {', '.join(_FORMATS)}.")
    _image_data_format = str(data_format)
