"""`keras.optimizers.legacy`: the optimizers of releases before 2.11, whose state is slot variables."""

from __future__ import annotations

from .moments import Adam, Adamax, Nadam
from .optimizer import Optimizer
from .steps import SGD, Adadelta, Adagrad, Ftrl, RMSprop

__all__ = ["Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop", "SGD"]
