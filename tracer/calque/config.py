"""`tf.config`: how functions run."""

from __future__ import annotations

from .context import functions_run_eagerly, run_functions_eagerly

__all__ = ["functions_run_eagerly", "run_functions_eagerly"]
