"""`keras.backend.experimental`: where layers get random numbers from."""

from __future__ import annotations

from ..random_generator import (
    disable_tf_random_generator,
    enable_tf_random_generator,
    is_tf_random_generator_enabled,
)

__all__ = ["disable_tf_random_generator", "enable_tf_random_generator", "is_tf_random_generator_enabled"]
