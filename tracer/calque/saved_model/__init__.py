"""`tf.saved_model`: objects and functions to a directory, and back."""

from __future__ import annotations

from .asset import Asset
from .load import LoadOptions, load
from .save import SaveOptions, UntrackedResourceError, save

__all__ = ["Asset", "LoadOptions", "SaveOptions", "UntrackedResourceError", "load", "save"]
