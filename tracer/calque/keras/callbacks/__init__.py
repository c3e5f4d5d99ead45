"""`keras.callbacks`: what is called while a model is trained."""

from __future__ import annotations

from .base import Callback, CallbackList
from .checkpoints import BackupAndRestore, ModelCheckpoint
from .progress import BaseLogger, History, ProgbarLogger
from .records import CSVLogger, LambdaCallback
from .stopping import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN
from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
