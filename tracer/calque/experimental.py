"""`tf.experimental`, and what is calque's own: `stand_in_for_tensorflow`."""

from __future__ import annotations

from .stand_in import stand_in_for_tensorflow

__all__ = ["stand_in_for_tensorflow"]
