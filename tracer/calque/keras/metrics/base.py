"""`Metric`: what is measured over many batches; and the metrics that are sums and means."""

from __future__ import annotations

import functools
import types
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import calque as tf

from ...__internal__.autograph import control_status_ctx, tf_convert
from ...tensor_shape import TensorShape
from ...variable import Variable, VariableAggregation, VariableSynchronization
from ..engine.keras_tensor import keras_tensors_in
from ..engine.layer import Layer
from ..engine.state import unique
from ..losses.reduction import apply_valid_mask, get_mask, squeeze_or_expand_dimensions
from .inputs import fits, flat_values

__all__ = [
    "Mean",
    "MeanMetricWrapper",
    "MeanTensor",
    "Metric",
    "Reduce",
    "Sum",
    "SumOverBatchSize",
    "SumOverBatchSizeMetricWrapper",
    "clone",
]


class Metric(Layer, metaclass=ABCMeta):
    """The base: subclasses make weights, which `update_state` changes and of which `result` makes the value.

    Both run as they stand, and are converted by AutoGraph inside of functions.

    Args:
        name: its name; None: one made of the class's name.
        dtype: the dtype of its weights and its value.
        **kwargs: those of `Layer`.
    """

    _is_keras_metric = True
    _keras_identifier = "_tf_keras_metric"
    _metric_obj: Any = None

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.stateful = True
        self.built = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, wrap in (("update_state", _as_update), ("result", _as_result)):
            method = cls.__dict__.get(name)
            if isinstance(method, types.FunctionType):
                setattr(cls, name, wrap(method))

    @property
    def _dtype(self) -> Any:
        return self._state.policy.variable_dtype

    # Measuring

    @abstractmethod
    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch in. Most metrics take ``y_true, y_pred, sample_weight=None``."""
        raise NotImplementedError("Must be implemented in subclasses.")

    @abstractmethod
    def result(self) -> Any:
        """The value for all batches so far: a scalar tensor, or a dict of such."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch in, and give the value for all batches so far; arguments as for `update_state`."""
        if not keras_tensors_in(args, kwargs):
            self.update_state(*args, **kwargs)
        found = self.result()
        if isinstance(found, dict):
            found = _MetricDict(found)
        found._metric_obj = self
        return found

    def reset_state(self) -> None:
        """Forget all batches."""
        if type(self).reset_states is not Metric.reset_states:
            warnings.warn(
                f"Metric {type(self).__name__} implements a `reset_states()` method; rename it to `reset_state()` "
                '(without the final "s"). The name `reset_states()` has been deprecated to improve API consistency.',
                stacklevel=2,
            )
            self.reset_states()
            return
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape.as_list(), variable.dtype.as_numpy_dtype))

    def reset_states(self) -> None:
        """`reset_state`, by its old name."""
        self.reset_state()

    def merge_state(self, metrics: Iterable[Metric]) -> list[Any]:
        """Take in what other metrics of this kind have taken in.

        Raises:
            ValueError: one has another number of weights.
        """
        updates = []
        for metric in metrics:
            if len(self.weights) != len(metric.weights):
                raise ValueError(f"Metric {metric} is not compatible with {self}")
            updates += [a.assign_add(b) for a, b in zip(self.weights, metric.weights, strict=True)]
        return updates

    # Weights

    def add_weight(  # type: ignore[override]
        self,
        name: str,
        shape: Any = (),
        aggregation: Any = VariableAggregation.SUM,
        synchronization: VariableSynchronization = VariableSynchronization.ON_READ,
        initializer: Any = None,
        dtype: Any = None,
    ) -> Variable:
        """Make a weight, in which to sum up; arguments as for `Layer.add_weight`."""
        return super().add_weight(
            name=name,
            shape=shape,
            dtype=self._dtype if dtype is None else dtype,
            trainable=False,
            initializer=initializer,
            synchronization=synchronization,
            aggregation=aggregation,
        )

    @property
    def trainable_weights(self) -> list[Variable]:
        """Its weights and those of metrics in it, as far as training changes them."""
        if not self.trainable:
            return []
        nested = [v for m in self._state.metrics for v in m.trainable_weights]
        return unique(self._list_weights(True) + nested)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Its weights and those of metrics in it, as far as training leaves them alone."""
        own = self._list_weights(False)
        if self.trainable:
            nested = [v for m in self._state.metrics for v in m.non_trainable_weights]
        else:
            own = own + self._list_weights(True)
            nested = [v for m in self._state.metrics for v in m.weights]
        return unique(own + nested)

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a metric; subclasses add their own to it."""
        return {"name": self.name, "dtype": self._dtype}

    def __deepcopy__(self, memo: dict[int, Any]) -> Metric:
        made: Metric = type(self).from_config(self.get_config())
        if self.weights:
            made.set_weights(self.get_weights())
        memo[id(self)] = made
        return made

    def __str__(self) -> str:
        given = ",".join(f"{k}={v}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({given})"


class _MetricDict(dict[str, Any]):
    """A dict that says which metric it is of."""

    _metric_obj: Any = None


def _converted(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method, converted by AutoGraph where a function is being traced."""
    if tf.executing_eagerly():
        return method
    converted: Callable[..., Any] = tf_convert(method, control_status_ctx())
    return converted


def _as_update(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def update_state(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _converted(method)(self, *args, **kwargs)

    return update_state


def _as_result(method: Callable[..., Any]) -> Callable[..., Any]:
    """What a method gives as tensors: it may give variables and numbers."""

    @functools.wraps(method)
    def result(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = _converted(method)(self, *args, **kwargs)
        try:
            if isinstance(found, dict):
                return {k: tf.nest.map_structure(tf.identity, v) for k, v in found.items()}
            return tf.identity(found)
        except (TypeError, ValueError) as error:
            raise RuntimeError(
                "The output of `metric.result()` can only be a single Tensor/Variable, or a dict of "
                f"Tensors/Variables. For metric {self.name}, got result {found}."
            ) from error

    return result


def clone(metric: Any) -> Any:
    """A metric like this one, without what it has taken in; what is no metric as it is."""
    if not isinstance(metric, Metric):
        return metric
    with tf.init_scope():
        return type(metric).from_config(metric.get_config())


# Sums and means


class Reduce(Metric):
    """A sum of values, or their mean.

    Args:
        reduction: "sum", "weighted_mean" (by the weights' sum), or "sum_over_batch_size" (by the number of values).
        name, dtype: see `Metric`.
    """

    def __init__(self, reduction: str, name: str | None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        if reduction not in ("sum", "sum_over_batch_size", "weighted_mean"):
            raise NotImplementedError(
                f'Reduction "{reduction}" not implemented. Expected "sum", "weighted_mean", or "sum_over_batch_size".'
            )
        self.reduction = reduction
        self.total = self.add_weight("total", initializer="zeros")
        if reduction != "sum":
            self.count = self.add_weight("count", initializer="zeros")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        """Take values in.

        Args:
            values: a tensor.
            sample_weight: weights that broadcast to it, once their rank fits; or of fewer dimensions: then the values
                are summed up (or their mean is taken) over the others.

        Raises:
            RuntimeError: the values are no tensor.
        """
        [values], sample_weight = flat_values([values], sample_weight)
        try:
            values = tf.cast(values, self._dtype)
        except (ValueError, TypeError) as error:
            more = (
                "To return a dict of values, implement a custom Metric subclass."
                if isinstance(values, dict)
                else ""
            )
            raise RuntimeError(
                f"The output of a metric function can only be a single Tensor. Received: {values}. {more}"
            ) from error
        if sample_weight is not None:
            over = tf.reduce_sum if self.reduction == "sum" else tf.reduce_mean
            values, sample_weight = fits(values, tf.cast(sample_weight, self._dtype), over)
            values = values * sample_weight
        total = self.total.assign_add(tf.reduce_sum(values))
        if self.reduction == "sum":
            return total
        if self.reduction == "weighted_mean" and sample_weight is not None:
            return self.count.assign_add(tf.reduce_sum(sample_weight))
        return self.count.assign_add(tf.cast(tf.size(values), self._dtype))

    def result(self) -> Any:
        """The sum or mean; the mean of nothing is 0."""
        if self.reduction == "sum":
            return self.total
        return tf.math.divide_no_nan(self.total, self.count)


class Sum(Reduce):
    """The sum of values, times their weights."""

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__("sum", name, dtype)


class Mean(Reduce):
    """The mean of values, by their weights."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__("weighted_mean", name, dtype)


class SumOverBatchSize(Reduce):
    """The sum of values times their weights, over the number of values."""

    def __init__(self, name: str | None = "sum_over_batch_size", dtype: Any = None) -> None:
        super().__init__("sum_over_batch_size", name, dtype)


class _OfFunction(Reduce):
    """Put before a `Reduce` among a class's bases: its values are what a function of labels and predictions gives.

    Args:
        fn: the function.
        name, dtype: see `Metric`.
        **kwargs: further arguments of it.
    """

    _fn: Callable[..., Any]
    _fn_kwargs: dict[str, Any]

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name, dtype)  # type: ignore[arg-type]  # of the base that comes next
        self.__dict__["_fn"] = fn
        self.__dict__["_fn_kwargs"] = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Take a batch in.

        Args:
            y_true: labels.
            y_pred: predictions.
            sample_weight: weights of what the function gives, see `Mean`.
        """
        y_true, y_pred = tf.cast(y_true, self._dtype), tf.cast(y_pred, self._dtype)
        [y_true, y_pred], sample_weight = flat_values([y_true, y_pred], sample_weight)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        values = _converted(self._fn)(y_true, y_pred, **self._fn_kwargs)
        mask = get_mask(values)
        if mask is not None:
            sample_weight = apply_valid_mask(values, sample_weight, mask, self.reduction)
        return super().update_state(values, sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`; and the arguments of the function."""
        config = {k: v.numpy() if tf.is_tensor(v) else v for k, v in self._fn_kwargs.items()}
        return super().get_config() | config


class MeanMetricWrapper(_OfFunction, Mean):
    """The mean of what a function of labels and predictions gives.

    Args:
        fn: the function.
        name, dtype: see `Metric`.
        **kwargs: further arguments of it.
    """

    def get_config(self) -> dict[str, Any]:
        """See `Metric`; of this class itself, the function as well."""
        config = super().get_config()
        return config | {"fn": self._fn} if type(self) is MeanMetricWrapper else config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A metric from what `get_config` gave; the function may be its name or its dict."""
        from . import get

        rest = dict(config)
        fn = rest.pop("fn", None)
        return cls(get(fn), **rest) if cls is MeanMetricWrapper else super().from_config(rest)


class SumOverBatchSizeMetricWrapper(_OfFunction, SumOverBatchSize):
    """The sum of what a function of labels and predictions gives, over the number of values.

    Args:
        fn: the function.
        name, dtype: see `Metric`.
        **kwargs: further arguments of it.
    """


class MeanTensor(Metric):
    """The mean of tensors of one shape, elementwise.

    Args:
        name, dtype: see `Metric`.
        shape: their shape; None: that of the first one.
    """

    _total: Any
    _count: Any

    def __init__(self, name: str | None = "mean_tensor", dtype: Any = None, shape: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.built = False
        self._total = self._count = None
        if shape is not None:
            self._make(TensorShape(shape))

    def _make(self, shape: TensorShape) -> None:
        self._state.build_input_shape = shape
        self._total = self.add_weight("total", shape=shape, initializer="zeros")
        self._count = self.add_weight("count", shape=shape, initializer="zeros")
        self.built = True

    @property
    def total(self) -> Any:
        """The sums; None before there is a shape."""
        return self._total

    @property
    def count(self) -> Any:
        """The sums of weights; None before there is a shape."""
        return self._count

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        """Take a tensor in, with weights as for `Mean`.

        Raises:
            ValueError: it is of another shape than those before.
        """
        values = tf.cast(values, self._dtype)
        if not self.built:
            self._make(values.shape)
        elif values.shape != self._total.shape:
            raise ValueError(
                "MeanTensor input values must always have the same shape. Expected shape (set during the first call): "
                f"{self._total.shape}. Got: {values.shape}."
            )
        counts = tf.ones_like(values)
        if sample_weight is not None:
            values, sample_weight = fits(values, tf.cast(sample_weight, self._dtype), tf.reduce_mean)
            counts, values = counts * sample_weight, values * sample_weight
        self._total.assign_add(values)
        return self._count.assign_add(counts)

    def result(self) -> Any:
        """The mean.

        Raises:
            ValueError: there was no tensor yet.
        """
        if not self.built:
            raise ValueError(
                "MeanTensor does not have any value yet. Please call the MeanTensor instance or use "
                "`.update_state(value)` before retrieving the result."
            )
        return tf.math.divide_no_nan(self._total, self._count)
