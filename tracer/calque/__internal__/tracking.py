"""`tf.__internal__.tracking`: the objects that checkpoints and SavedModels are made of."""

from __future__ import annotations

from ..trackable import Trackable

__all__ = ["Trackable"]
