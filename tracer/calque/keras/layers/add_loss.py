"""Layers that stand in functional models for `add_loss` and `add_metric` of the model."""

from __future__ import annotations

from typing import Any

from ..engine.layer import Layer

__all__ = ["AddLoss", "AddMetric"]


class AddLoss(Layer):
    """Gives its inputs, and adds them to the losses.

    Args:
        unconditional: kept for the config; older releases told losses apart that do not depend on the inputs.
    """

    def __init__(self, unconditional: bool = False, **kwargs: Any) -> None:
        super().__init__(**(kwargs | {"autocast": False}))
        self.unconditional = unconditional

    def call(self, inputs: Any) -> Any:
        """The inputs, a scalar tensor or several."""
        self.add_loss(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"unconditional": self.unconditional}


class AddMetric(Layer):
    """Gives its inputs, and follows their mean as a metric.

    Args:
        aggregation: "mean", or None for the value of a metric that was computed already.
        metric_name: the metric's name.
    """

    def __init__(self, aggregation: str | None = None, metric_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.aggregation = aggregation
        self.metric_name = metric_name

    def call(self, inputs: Any) -> Any:
        """The inputs, a tensor."""
        self.add_metric(inputs, name=self.metric_name, aggregation=self.aggregation)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"aggregation": self.aggregation, "metric_name": self.metric_name}
