"""`tf.audio`: sounds as the bytes of a WAV file, and back."""

from __future__ import annotations

from typing import Any

from .arguments import record, tensor
from .raw import raw

__all__ = ["decode_wav", "encode_wav"]


def decode_wav(
    contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None
) -> Any:
    """The sound of a WAV file of 16 bits.

    Args:
        contents: the file's bytes.
        desired_channels: how many there are to be; -1: as many as there are.
        desired_samples: how many there are to be, zeros at the end where there are less; -1: as many as there are.
        name: the node's name.

    Returns:
        ``audio``, [samples, channels] of float32 from -1 to 1, and ``sample_rate``, samples in a second.
    """
    audio, rate = raw("DecodeWav")(
        tensor(contents), desired_channels=desired_channels, desired_samples=desired_samples, name=name
    )
    return record("DecodeWav", audio=audio, sample_rate=rate)


def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Any:
    """A sound, [samples, channels] of float32 from -1 to 1, as the bytes of a WAV file of 16 bits."""
    return raw("EncodeWav")(tensor(audio), tensor(sample_rate), name=name)
