"""`tf.__internal__.autograph`: for libraries whose functions call back into user code."""

from __future__ import annotations

from ..autograph.calls import tf_convert
from ..autograph.status import control_status as control_status_ctx

__all__ = ["control_status_ctx", "tf_convert"]
