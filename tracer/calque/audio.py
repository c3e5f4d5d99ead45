"""`tf.audio`."""

from __future__ import annotations

from .api.audio_ops import decode_wav, encode_wav

__all__ = ["decode_wav", "encode_wav"]
