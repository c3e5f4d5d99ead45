"""`tf.__internal__.tracking`: the objects that checkpoints and SavedModels are made of."""

from __future__ import annotations

from ..trackable import AutoTrackable, DelegatingTrackableMixin, Trackable

__all__ = ["AutoTrackable", "DelegatingTrackableMixin", "Trackable"]
