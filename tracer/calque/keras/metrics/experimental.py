"""`keras.metrics.experimental`: metrics that run in Python."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable
from typing import Any

import calque as tf

from .base import Metric

__all__ = ["PyMetric"]


class PyMetric(Metric):
    """A metric whose `update_state` and `result` are Python, in functions as well: they get and give eager tensors.

    Subclasses keep what they sum up in attributes, which `reset_state` sets; it is called at first, too. Such a metric
    can be used in functions, but not saved with them.

    Args:
        name, dtype, **kwargs: see `Metric`.
    """

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.reset_state()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        own = {name: cls.__dict__.get(name) for name in ("update_state", "result")}
        super().__init_subclass__(**kwargs)
        for name, wrap in (("update_state", _update_in_python), ("result", _result_in_python)):
            method = own[name]
            if isinstance(method, types.FunctionType):
                setattr(cls, name, wrap(method))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Take a batch in: labels, predictions and weights, eager tensors."""
        raise NotImplementedError("Subclasses should implement `update_state`")

    def result(self) -> Any:
        """The value for all batches so far, a number."""
        raise NotImplementedError("Subclasses should implement `result`")

    def reset_state(self) -> None:
        """Forget all batches."""
        raise NotImplementedError("Subclasses should implement `reset_state`")

    def merge_state(self, metrics: Iterable[Metric]) -> list[Any]:
        """Take in what other metrics of this kind have taken in."""
        raise NotImplementedError("Subclasses should implement `merge_state`")


def _update_in_python(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def update_state(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        given = [y_true, y_pred] if sample_weight is None else [y_true, y_pred, sample_weight]
        return tf.py_function(lambda *batch: method(self, *batch), given, [])

    return update_state


def _result_in_python(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def result(self: Any) -> Any:
        return tf.py_function(lambda: method(self), [], self.dtype)

    return result
