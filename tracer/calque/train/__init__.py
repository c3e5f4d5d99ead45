"""Training: checkpoints, and averages of variables."""

from calque_runtime.checkpoint import CheckpointState

from . import experimental
from .checkpoint import Checkpoint, CheckpointOptions
from .checkpoint_files import (
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)
from .manager import CheckpointManager
from .moving_average import ExponentialMovingAverage
from .views import CheckpointView, TrackableView

__all__ = [
    "Checkpoint",
    "CheckpointManager",
    "CheckpointOptions",
    "CheckpointState",
    "CheckpointView",
    "ExponentialMovingAverage",
    "TrackableView",
    "experimental",
    "get_checkpoint_state",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
]
