"""`tf.autodiff`: automatic differentiation, backward and forward."""

from __future__ import annotations

from .gradient.forward import ForwardAccumulator
from .gradient.tape import GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]
