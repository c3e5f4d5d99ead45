"""Training: checkpoints."""

from calque_runtime.checkpoint import CheckpointState

from .checkpoint import Checkpoint, CheckpointOptions
from .checkpoint_files import (
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)
from .manager import CheckpointManager

__all__ = [
    "Checkpoint",
    "CheckpointManager",
    "CheckpointOptions",
    "CheckpointState",
    "get_checkpoint_state",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
]
