"""What `compile` was given, made ready for the outputs of a model: a loss and metrics for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import calque as tf

from ... import nest
from ..losses import Loss
from ..losses import get as get_loss
from ..losses.classes import LossFunctionWrapper
from ..losses.reduction import apply_mask, cast_losses_to_common_dtype
from ..naming import snake_case
from .masks import mask_of

__all__ = ["CompiledLoss", "CompiledMetrics", "names_of"]


def names_of(structure: Any, prefix: str) -> list[str]:
    """Names for the leaves of a structure: keys and numbers that lead there; ``prefix1`` where it is a leaf itself."""
    names = []
    for path, _ in nest.flatten_with_paths(structure):
        parts = [str(part + 1) if isinstance(part, int) else str(part) for part in path]
        name = "_".join(parts) or "1"
        names.append(name if path and not isinstance(path[0], int) else prefix + name)
    return names


class _PerOutput:
    """Something for each output of a model.

    Args:
        output_names: the names of the outputs, in order; None: the outputs tell them.
    """

    def __init__(self, output_names: Sequence[str] | None) -> None:
        self._names = list(output_names) if output_names else None
        self.built = False

    def _name_outputs(self, outputs: Any) -> list[str]:
        if self._names is None:
            self._names = names_of(outputs, "output_")
        return self._names

    def _aligned(self, given: Any, outputs: Any) -> list[Any]:
        """What was given for each output, in order: by place, by key or name, or one for all.

        Raises:
            ValueError: it names an output that is not there.
        """
        if isinstance(given, Mapping) and not isinstance(outputs, Mapping) and _is_flat(outputs):
            names = self._names or names_of(outputs, "output_")
            unknown = set(given) - set(names)
            if unknown:
                raise ValueError(
                    "Found unexpected losses or metrics that do not correspond to any Model output: "
                    f"{sorted(unknown, key=str)}. Valid mode output names: {names}. Received struct is: {dict(given)}."
                )
            return [given.get(name) for name in names]
        return _by_place(given, outputs)


def _is_flat(outputs: Any) -> bool:
    """Is it a single tensor, or a list of tensors?"""
    if not nest.is_nested(outputs):
        return True
    return isinstance(outputs, (list, tuple)) and not any(nest.is_nested(o) for o in outputs)


def _by_place(given: Any, outputs: Any) -> list[Any]:
    if not nest.is_nested(outputs):
        return [given]
    keys = sorted(outputs) if isinstance(outputs, Mapping) else list(range(len(outputs)))
    if isinstance(given, Mapping) and isinstance(outputs, Mapping):
        parts = [given.get(key) for key in keys]
    elif isinstance(given, (list, tuple)):
        if len(given) != len(keys):
            raise ValueError(
                f"There are {len(keys)} outputs, but {len(given)} entries for them: {given}. Give one for each output "
                "(None where there is none)."
            )
        parts = list(given)
    else:
        parts = [given] * len(keys)
    return [leaf for part, key in zip(parts, keys, strict=True) for leaf in _by_place(part, outputs[key])]


def _only(value: Any) -> Any:
    """What a list holds, if that is one thing."""
    flat = nest.flatten(value) if isinstance(value, (list, tuple)) else []
    return flat[0] if len(flat) == 1 else value


def _fitted(y_true: Any, y_pred: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Targets and weights of the predictions' rank, where theirs is 1 and that is 2, and of their dtype."""
    wide = y_pred.shape.rank == 2
    if wide and y_true.shape.rank == 1:
        y_true = tf.expand_dims(y_true, -1)
    if wide and weight is not None and weight.shape.rank == 1:
        weight = tf.expand_dims(weight, -1)
    if (y_true.dtype.is_floating and y_pred.dtype.is_floating) or (
        y_true.dtype.is_integer and y_pred.dtype.is_integer
    ):
        y_true = tf.cast(y_true, y_pred.dtype)
    return y_true, y_pred, None if weight is None else tf.cast(weight, y_pred.dtype)


def _name_of(given: Any) -> str:
    found = getattr(given, "name", None) or getattr(given, "__name__", None)
    return str(found or snake_case(type(given).__name__))


class CompiledLoss(_PerOutput):
    """The loss of a model: the sum of its outputs' losses, times their weights, and of those that layers added.

    Args:
        loss: a loss (an object, a name, a function), or a list or dict of them.
        loss_weights: what each is multiplied by: a number, or a list or dict.
        output_names: see `_PerOutput`.
    """

    def __init__(
        self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] | None = None
    ) -> None:
        from ..metrics import Mean

        super().__init__(output_names)
        self._user_losses, self._user_loss_weights = loss, loss_weights
        self._losses: list[Any] = []
        self._weights: list[Any] = []
        self._means: list[Any] = []
        self._total = Mean(name="loss")

    @property
    def metrics(self) -> list[Any]:
        """The mean of the loss, and those of the outputs' losses where there are several outputs."""
        return [self._total, *(m for m in self._means if m is not None)] if self.built else []

    def build(self, y_pred: Any) -> None:
        """Make the losses for these outputs."""
        from ..metrics import Mean

        names = self._name_outputs(y_pred)
        one = not nest.is_nested(y_pred)
        losses, weights = self._user_losses, self._user_loss_weights
        self._losses = [
            None if loss is None else _as_loss(loss)
            for loss in self._aligned(_only(losses) if one else losses, y_pred)
        ]
        self._weights = self._aligned(_only(weights) if one else weights, y_pred)
        self._means = [
            Mean(name=f"{name}_loss") if len(names) > 1 and loss is not None else None
            for name, loss in zip(names, self._losses, strict=False)
        ]
        self.built = True

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The loss of a batch, and the means with it taken in.

        Args:
            y_true: the targets, structured as the outputs are, or a dict by their names.
            y_pred: the outputs.
            sample_weight: weights, structured likewise.
            regularization_losses: what is added.

        Returns:
            A scalar; None if there is no loss at all.
        """
        if not self.built:
            self.build(y_pred)
        one = not nest.is_nested(y_pred)
        targets = self._aligned(_only(y_true) if one else y_true, y_pred)
        weights = self._aligned(_only(sample_weight) if one else sample_weight, y_pred)
        values: list[Any] = []
        rows: Any = None
        parts = zip(
            targets, nest.flatten(y_pred), weights, self._losses, self._weights, self._means, strict=False
        )
        for target, output, weight, loss, factor, mean in parts:
            if target is None or loss is None:
                continue
            target, output, weight = _fitted(target, output, weight)
            value = loss(target, output, sample_weight=apply_mask(output, weight, mask_of(output)))
            if rows is None:
                rows = target.nrows() if isinstance(target, tf.RaggedTensor) else tf.shape(target)[0]
            if mean is not None:
                mean.update_state(value, sample_weight=rows)
            values.append(value if factor is None else value * factor)
        if regularization_losses:
            added = cast_losses_to_common_dtype([tf.convert_to_tensor(r) for r in regularization_losses])
            values.append(added[0] if len(added) == 1 else tf.add_n(added))
        if not values:
            return None
        values = cast_losses_to_common_dtype(values)
        total = values[0] if len(values) == 1 else tf.add_n(values)
        self._total.update_state(total, sample_weight=rows)
        return total

    def reset_state(self) -> None:
        """Start the means over."""
        for metric in self.metrics:
            metric.reset_state()


def _as_loss(given: Any) -> Any:
    """A loss object: of a function, one that takes the mean of what it gives."""
    found = get_loss(given)
    return found if isinstance(found, Loss) else LossFunctionWrapper(found, name=_name_of(found))


class CompiledMetrics(_PerOutput):
    """The metrics of a model.

    Args:
        metrics: a list for all outputs, or a list or dict with one (or a list of them) for each.
        weighted_metrics: likewise, those that take sample weights.
        output_names: see `_PerOutput`.
        named: do the metrics have their names already, as those of a loaded model do?

    Raises:
        ValueError: one object is given twice.
    """

    def __init__(
        self,
        metrics: Any = None,
        weighted_metrics: Any = None,
        output_names: Sequence[str] | None = None,
        named: bool = False,
    ) -> None:
        super().__init__(output_names)
        objects = [m for m in nest.flatten(metrics) + nest.flatten(weighted_metrics) if _is_metric(m)]
        twice = [m for i, m in enumerate(objects) if any(m is other for other in objects[:i])]
        if twice:
            raise ValueError(
                "Found duplicated metrics object in the user provided metrics and weighted metrics. This will cause "
                "the same metric object to be updated multiple times, and report wrong results. Duplicated items: "
                f"{twice}"
            )
        self._user_metrics, self._user_weighted_metrics = metrics, weighted_metrics
        self._named = named
        self._plain: list[list[Any]] = []
        self._weighted: list[list[Any]] = []

    @property
    def metrics(self) -> list[Any]:
        """All of them, output by output."""
        pairs = zip(self._plain, self._weighted, strict=True)
        return [m for plain, weighted in pairs for m in plain + weighted]

    @property
    def unweighted_metrics(self) -> list[Any] | None:
        """Those that take no sample weights; None before they are made."""
        return [m for each in self._plain for m in each] if self.built else None

    @property
    def weighted_metrics(self) -> list[Any] | None:
        """Those that take sample weights; None before they are made."""
        return [m for each in self._weighted for m in each] if self.built else None

    def build(self, y_pred: Any, y_true: Any) -> None:
        """Make the metrics for these outputs and targets.

        Raises:
            ValueError: two would have the same name.
        """
        names = self._name_outputs(y_pred)
        outputs = nest.flatten(y_pred)
        targets = self._aligned(_only(y_true) if len(outputs) == 1 else y_true, y_pred)
        for given, made in (
            (self._user_metrics, self._plain),
            (self._user_weighted_metrics, self._weighted),
        ):
            made[:] = [
                [_as_metric(m, target, output) for m in nest.flatten(each) if m is not None]
                for each, target, output in zip(self._each(given, y_pred), targets, outputs, strict=True)
            ]
        if not self._named:
            self._name_metrics(names)
        self.built = True

    def _each(self, given: Any, y_pred: Any) -> list[Any]:
        """The metrics that were given for each output: one list is for all of them, as copies."""
        several = len(nest.flatten(y_pred)) > 1
        for_all = not nest.is_nested(given) or (
            isinstance(given, (list, tuple)) and not any(nest.is_nested(m) for m in given)
        )
        if not for_all:
            return self._aligned(given, y_pred)
        if not several:
            return [given]
        return [[_copy(m) for m in nest.flatten(given)] for _ in nest.flatten(y_pred)]

    def _name_metrics(self, outputs: list[str]) -> None:
        """Of several outputs, each one's name stands before its metrics'."""
        several, taken = len(outputs) > 1, set()
        for output, plain, weighted in zip(outputs, self._plain, self._weighted, strict=True):
            for metric, is_weighted in [(m, False) for m in plain] + [(m, True) for m in weighted]:
                name = f"{output}_{metric.name}" if several else metric.name
                if is_weighted and name in taken:
                    name = f"{output}_weighted_{metric.name}" if several else f"weighted_{metric.name}"
                if name in taken:
                    raise ValueError(
                        f"Found two {'weighted ' if is_weighted else ''}metrics with the same name: {name}. All the "
                        "metrics added to the model need to have unique names."
                    )
                taken.add(name)
                metric.__dict__["_name"] = name

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in; arguments as for `CompiledLoss`."""
        if not self.built:
            self.build(y_pred, y_true)
        one = not nest.is_nested(y_pred)
        targets = self._aligned(_only(y_true) if one else y_true, y_pred)
        weights = self._aligned(_only(sample_weight) if one else sample_weight, y_pred)
        parts = zip(targets, nest.flatten(y_pred), weights, self._plain, self._weighted, strict=True)
        for target, output, weight, plain, weighted in parts:
            if target is None or not (plain or weighted):
                continue
            target, output, weight = _fitted(target, output, weight)
            mask = mask_of(output)
            for metric in plain:
                metric.update_state(target, output, sample_weight=mask)
            weight = apply_mask(output, weight, mask) if weighted else None
            for metric in weighted:
                metric.update_state(target, output, sample_weight=weight)

    def reset_state(self) -> None:
        """Start over."""
        given = nest.flatten(self._user_metrics) + nest.flatten(self._user_weighted_metrics)
        for metric in self.metrics if self.built else given:
            if _is_metric(metric):
                metric.reset_state()


def _is_metric(value: Any) -> bool:
    return getattr(type(value), "_is_keras_metric", False)


def _copy(metric: Any) -> Any:
    return type(metric).from_config(metric.get_config()) if _is_metric(metric) else metric


def _as_metric(given: Any, y_true: Any, y_pred: Any) -> Any:
    """A metric object: of a function, the mean of what it gives; a name keeps the spelling it was given in."""
    from .. import metrics

    found = _by_shape(str(given).lower(), y_true, y_pred)
    if found is None:
        found = metrics.get(given)
    if _is_metric(found):
        return found
    if not callable(found):
        raise ValueError(f"Metric should be a callable, received: {given}")
    return metrics.MeanMetricWrapper(found, name=given if isinstance(given, str) else _name_of(given))


def _by_shape(name: str, y_true: Any, y_pred: Any) -> Any:
    """The function that "accuracy" or "crossentropy" means for such targets and outputs; None for other names."""
    from .. import metrics

    if name not in ("accuracy", "acc", "crossentropy", "ce"):
        return None
    target, output = y_true.shape, y_pred.shape
    classes = output[-1] if output.rank else None
    labels = target[-1] if target.rank else None
    sparse = target.rank < output.rank or (labels == 1 and (classes or 0) > 1)
    kind = "binary" if classes == 1 else "sparse_categorical" if sparse else "categorical"
    what = "accuracy" if name in ("accuracy", "acc") else "crossentropy"
    return getattr(metrics, f"{kind}_{what}")
