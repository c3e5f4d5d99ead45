"""`keras.layers.experimental`: older names of layers."""

from __future__ import annotations

from . import preprocessing as preprocessing
from .batch_normalization import SyncBatchNormalization
from .einsum_dense import EinsumDense

__all__ = ["EinsumDense", "SyncBatchNormalization", "preprocessing"]
