"""`keras.optimizers.experimental`: the optimizers under the name they had in TensorFlow 2.9 and 2.10."""

from __future__ import annotations

from .adafactor import Adafactor
from .adaptive import Adadelta, Adagrad, RMSprop
from .ftrl import Ftrl
from .moments import Adam, Adamax, AdamW, Nadam
from .optimizer import Optimizer
from .sgd import SGD

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "SGD",
]
