"""`keras.callbacks`: what is called while a model is trained."""

from __future__ import annotations

from .base import Callback, CallbackList
from .history import History, ProgbarLogger
from .stopping import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN
from .writing import BackupAndRestore, CSVLogger, LambdaCallback, ModelCheckpoint, TensorBoard

__all__ = [
    "BackupAndRestore",
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
