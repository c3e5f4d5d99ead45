"""`tf.version`: the TensorFlow release whose API and files calque has, and calque's own."""

from __future__ import annotations

from .saved_model.save import GRAPH_VERSION as GRAPH_DEF_VERSION
from .saved_model.save import TENSORFLOW_VERSION as VERSION

__all__ = [
    "COMPILER_VERSION",
    "GIT_VERSION",
    "GRAPH_DEF_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
    "VERSION",
]

GIT_VERSION = "calque"
COMPILER_VERSION = "none"  # there is nothing compiled
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
