"""`tf.__internal__`: what libraries built on TensorFlow use, and its users do not."""

from __future__ import annotations

from ..composite.composite import CompositeTensor
from ..function.trace import Trace as FuncGraph
from ..tensor import EagerTensor
from . import autograph, decorator, nest, ops, tracking

__all__ = ["CompositeTensor", "EagerTensor", "FuncGraph", "autograph", "decorator", "nest", "ops", "tracking"]
