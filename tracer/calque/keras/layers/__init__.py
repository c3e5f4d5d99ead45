"""`keras.layers`: the layers, a family a file."""

from __future__ import annotations

from ..engine.input_layer import Input, InputLayer
from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from ..engine.op_layers import ClassMethodLayer, SlicingOpLambda, TFOpLambda
from ..engine.op_layers import install as _install
from .serialization import deserialize, serialize

__all__ = [
    "ClassMethodLayer",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "SlicingOpLambda",
    "TFOpLambda",
    "deserialize",
    "serialize",
]

_install()
