"""`keras.layers`: the layers, a family a file."""

from __future__ import annotations

from ..engine.input_layer import Input, InputLayer
from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from ..engine.op_layers import ClassMethodLayer, SlicingOpLambda, TFOpLambda
from ..engine.op_layers import install as _install
from .core import Activation, Dense, Embedding, Identity, Masking
from .lambda_layer import Lambda
from .regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .serialization import deserialize, serialize

__all__ = [
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "ClassMethodLayer",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "Masking",
    "Permute",
    "RepeatVector",
    "Reshape",
    "SlicingOpLambda",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "TFOpLambda",
    "deserialize",
    "serialize",
]

_install()
