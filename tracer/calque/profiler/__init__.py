"""`tf.profiler`: where the time goes."""

from . import experimental

__all__ = ["experimental"]
