"""`keras.optimizers`, which are `tf.optimizers`: gradient descent and its relatives, and learning rates that change.

The classes, their arguments, numbers and checkpoints are those of tf-keras (Keras 2 from TensorFlow 2.11 on).
"""

from . import schedules
from .adaptive import Adagrad, RMSprop
from .moments import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "SGD", "schedules"]
