"""What trains a model: `compile`, `fit`, `evaluate`, `predict` and their parts."""

from __future__ import annotations

from .weights import WeightHolder

__all__ = ["Trainer"]


class Trainer(WeightHolder):
    """The training loop of models."""

    def _init_trainer(self) -> None:
        """Before the model is compiled."""
