"""`tf.experimental`, and what is calque's own: `stand_in_for_tensorflow`."""

from __future__ import annotations

from .composite import extension_type
from .composite.dispatch import (
    dispatch_for_api,
    dispatch_for_binary_elementwise_apis,
    dispatch_for_unary_elementwise_apis,
    unregister_dispatch_for,
)
from .composite.extension_type import BatchableExtensionType, ExtensionType, ExtensionTypeSpec
from .stand_in import stand_in_for_tensorflow

__all__ = [
    "BatchableExtensionType",
    "ExtensionType",
    "ExtensionTypeSpec",
    "dispatch_for_api",
    "dispatch_for_binary_elementwise_apis",
    "dispatch_for_unary_elementwise_apis",
    "extension_type",
    "stand_in_for_tensorflow",
    "unregister_dispatch_for",
]
