"""What `compile` was given, made ready for the outputs of a model: one loss and some metrics for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ... import nest
from ...api.array_ops import shape
from ...api.math_ops import add_n, cast
from ...composite.composite import CompositeTensor
from ...tensor import Tensor, convert_to_tensor
from .masks import mask_of

__all__ = ["CompiledLoss", "CompiledMetrics"]


class _PerOutput:
    """Something for each output of a model, by place or by name.

    Args:
        output_names: the names of the outputs, in order, if they are known.
    """

    def __init__(self, output_names: Sequence[str] | None) -> None:
        self._names = list(output_names) if output_names else None
        self._keys: list[str] | None = None
        self.built = False

    def _note(self, outputs: Any) -> None:
        """Remember by which names the outputs go."""
        if isinstance(outputs, Mapping):
            self._keys = sorted(outputs)
        count = len(nest.flatten(outputs))
        if self._keys is not None:
            self._names = self._keys
        elif self._names is None or len(self._names) != count:
            self._names = [f"output_{i + 1}" for i in range(count)]

    def _spread(self, given: Any, what: str, is_one: Callable[[Any], bool]) -> list[Any]:
        """What was given, as a list with an entry for each output.

        Raises:
            ValueError: it names outputs that are not there, or is of another length.
        """
        names = self._names or []
        if given is None or is_one(given):
            return [given for _ in names]
        if isinstance(given, Mapping):
            unknown = set(given) - set(names)
            if unknown:
                raise ValueError(
                    f"Found unexpected {what} that do not correspond to any Model output: {sorted(unknown)}. Valid "
                    f"output names: {names}."
                )
            return [given.get(name) for name in names]
        listed = list(given)
        if len(listed) != len(names):
            raise ValueError(
                f"The {what} have {len(listed)} entries, but the model has {len(names)} outputs: {names}. Received: "
                f"{given!r}"
            )
        return listed

    def _flat(self, value: Any, what: str) -> list[Any]:
        """Targets, weights or predictions as a list with an entry for each output."""
        names = self._names or []
        if value is None:
            return [None] * len(names)
        if isinstance(value, Mapping):
            unknown = sorted(set(value) - set(names))
            if unknown:
                raise ValueError(
                    f"{what} has entries for {unknown}, which are no outputs of the model: {names}."
                )
            return [value.get(n) for n in names]
        flat = nest.flatten(value)
        if len(flat) != len(names):
            raise ValueError(
                f"{what} has {len(flat)} entries, but the model has {len(names)} outputs: {names}."
            )
        return flat


class CompiledLoss(_PerOutput):
    """The loss of a model.

    Args:
        loss: a loss, or one for each output.
        loss_weights: what each is multiplied by.
        output_names: see `_PerOutput`.
    """

    def __init__(
        self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] | None = None
    ) -> None:
        super().__init__(output_names)
        self._given, self._given_weights = loss, loss_weights
        self._losses: list[Any] = []
        self._weights: list[Any] = []
        self._total: Any = None
        self._means: list[Any] = []

    def build(self, outputs: Any) -> None:
        """Make the losses for these outputs."""
        from ..metrics import Mean

        self._note(outputs)
        losses = self._spread(
            self._given, "losses", lambda v: isinstance(v, str) or callable(v) or _is_config(v)
        )
        self._losses = [None if one is None else _as_loss(one) for one in losses]
        self._weights = self._spread(
            self._given_weights, "loss weights", lambda v: isinstance(v, (int, float))
        )
        self._total = Mean(name="loss")
        several = len(self._names or ()) > 1
        self._means = [
            Mean(name=f"{name}_loss") if several and loss is not None else None
            for name, loss in zip(self._names or (), self._losses, strict=True)
        ]
        self.built = True

    @property
    def metrics(self) -> list[Any]:
        """The means of the loss, and of each output's where there are several."""
        return [] if not self.built else [self._total, *[m for m in self._means if m is not None]]

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The loss, a scalar, and its means brought up to date.

        Raises:
            ValueError: there is nothing to compute it from.
        """
        if not self.built:
            self.build(y_pred)
        predicted = self._flat(y_pred, "y_pred")
        wanted, weighted = self._flat(y_true, "y_true"), self._flat(sample_weight, "sample_weight")
        parts: list[Any] = []
        rows: Any = None
        for i, loss in enumerate(self._losses):
            if loss is None or wanted[i] is None:
                continue
            truth, guess = _matched(wanted[i], predicted[i])
            weight = _with_mask(weighted[i], guess)
            value = loss(truth, guess, sample_weight=weight)
            rows = shape(guess)[0] if rows is None else rows
            if self._means[i] is not None:
                self._means[i].update_state(value, sample_weight=rows)
            parts.append(value if self._weights[i] is None else value * self._weights[i])
        extra = [cast(r, parts[0].dtype) if parts else r for r in regularization_losses or ()]
        if not parts and not extra:
            return cast(0.0, "float32")
        total = add_n([*parts, *extra]) if len(parts) + len(extra) > 1 else (parts + extra)[0]
        self._total.update_state(total, sample_weight=1 if rows is None else rows)
        return total

    def reset_state(self) -> None:
        """Start the means over."""
        for metric in self.metrics:
            metric.reset_state()


def _is_config(value: Any) -> bool:
    return isinstance(value, Mapping) and {"class_name", "config"} <= set(value)


def _as_loss(loss: Any) -> Any:
    """A loss object; a function of targets and predictions gives a value for each row, of which the mean is taken."""
    from ..losses import Loss, get
    from ..losses.classes import LossFunctionWrapper

    found = get(loss)
    if isinstance(found, Loss):
        return found
    name = getattr(found, "__name__", type(found).__name__)
    return LossFunctionWrapper(found, name="lambda" if name == "<lambda>" else name)


def _matched(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Targets as tensors, in the predictions' dtype where both are floating."""
    truth: Any = y_true if isinstance(y_true, (Tensor, CompositeTensor)) else convert_to_tensor(y_true)
    guess = y_pred
    if truth.dtype.is_floating and guess.dtype.is_floating and truth.dtype != guess.dtype:
        truth = cast(truth, guess.dtype)
    return truth, guess


def _with_mask(weight: Any, y_pred: Any) -> Any:
    mask = mask_of(y_pred)
    if mask is None:
        return weight
    mask = cast(mask, y_pred.dtype)
    if weight is None:
        return mask
    weight = cast(weight, y_pred.dtype)
    if weight.shape.rank == mask.shape.rank - 1:
        from ...api.array_ops import expand_dims

        weight = expand_dims(weight, -1)
    return weight * mask


class CompiledMetrics(_PerOutput):
    """The metrics of a model.

    Args:
        metrics: a list, or one for each output.
        weighted_metrics: those that take sample weights.
        output_names: see `_PerOutput`.
    """

    def __init__(
        self, metrics: Any = None, weighted_metrics: Any = None, output_names: Sequence[str] | None = None
    ) -> None:
        super().__init__(output_names)
        self._given, self._given_weighted = metrics, weighted_metrics
        self._plain: list[list[Any]] = []
        self._weighted: list[list[Any]] = []

    def build(self, y_pred: Any, y_true: Any) -> None:
        """Make the metrics for these outputs and targets."""
        self._note(y_pred)
        predicted, wanted = self._flat(y_pred, "y_pred"), self._flat(y_true, "y_true")
        for given, made in ((self._given, self._plain), (self._given_weighted, self._weighted)):
            made[:] = [
                [_as_metric(m, truth, guess) for m in _listed(one)]
                for one, truth, guess in zip(self._for_outputs(given), wanted, predicted, strict=True)
            ]
        self._name()
        self.built = True

    def _for_outputs(self, given: Any) -> list[Any]:
        names = self._names or []
        if given is None:
            return [None for _ in names]
        if isinstance(given, Mapping):
            return self._spread(given, "metrics", lambda v: False)
        listed = list(given) if isinstance(given, (list, tuple)) else [given]
        nested = any(isinstance(m, (list, tuple)) for m in listed)
        if nested and len(names) > 1:
            return self._spread(listed, "metrics", lambda v: False)
        if nested:
            return [nest.flatten(listed)]
        return [list(listed)] + [[_copy(m) for m in listed] for _ in names[1:]]

    def _name(self) -> None:
        """Metrics of several outputs have the output's name before theirs; two of one name get numbers."""
        taken: set[str] = set()
        several = len(self._names or ()) > 1
        for output, plain, weighted in zip(self._names or (), self._plain, self._weighted, strict=True):
            for metric in plain + weighted:
                name = f"{output}_{metric.name}" if several else metric.name
                count = 1
                unique = name
                while unique in taken:
                    unique = f"{name}_{count}"
                    count += 1
                taken.add(unique)
                metric.__dict__["_name"] = unique

    @property
    def metrics(self) -> list[Any]:
        """All of them, output by output."""
        pairs = zip(self._plain, self._weighted, strict=False)
        return [m for plain, weighted in pairs for m in plain + weighted]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        if not self.built:
            self.build(y_pred, y_true)
        predicted, wanted = self._flat(y_pred, "y_pred"), self._flat(y_true, "y_true")
        weights = self._flat(sample_weight, "sample_weight")
        for i, guess in enumerate(predicted):
            if wanted[i] is None or not (self._plain[i] or self._weighted[i]):
                continue
            truth, guess = _matched(wanted[i], guess)
            mask = mask_of(guess)
            weight = _with_mask(weights[i], guess)
            for metric in self._plain[i]:
                metric.update_state(
                    truth, guess, sample_weight=None if mask is None else cast(mask, guess.dtype)
                )
            for metric in self._weighted[i]:
                metric.update_state(truth, guess, sample_weight=weight)

    def reset_state(self) -> None:
        """Start over."""
        for metric in self.metrics:
            metric.reset_state()


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _copy(metric: Any) -> Any:
    if isinstance(metric, str) or not hasattr(metric, "get_config"):
        return metric
    return type(metric).from_config(metric.get_config())


def _as_metric(given: Any, y_true: Any, y_pred: Any) -> Any:
    """A metric object; "accuracy" and "crossentropy" are of the kind that outputs and targets are for."""
    from .. import metrics

    if isinstance(given, metrics.Metric):
        return given
    name = (
        given if isinstance(given, str) else getattr(given, "__name__", None) or getattr(given, "name", None)
    )
    found: Any = given
    if isinstance(given, str) and given.lower() in ("accuracy", "acc", "crossentropy", "ce"):
        found = _by_shape(given.lower(), y_true, y_pred)
    else:
        found = metrics.get(given)
    if isinstance(found, metrics.Metric):
        found.__dict__["_name"] = name if isinstance(given, str) and given[:1].islower() else found.name
        return found
    return metrics.MeanMetricWrapper(found, name=name if name and name != "<lambda>" else "lambda")


def _by_shape(name: str, y_true: Any, y_pred: Any) -> Any:
    from .. import metrics

    def last(value: Any) -> Any:
        return value.shape[-1] if value.shape.rank else None

    truth, guess = convert_to_tensor(y_true), y_pred
    same_rank = truth.shape.rank == guess.shape.rank
    is_binary = last(guess) == 1
    is_sparse = (not same_rank or last(truth) == 1) and (last(guess) or 0) > 1
    if name in ("accuracy", "acc"):
        if is_binary:
            return metrics.binary_accuracy
        return metrics.sparse_categorical_accuracy if is_sparse else metrics.categorical_accuracy
    if is_binary:
        return metrics.binary_crossentropy
    return metrics.sparse_categorical_crossentropy if is_sparse else metrics.categorical_crossentropy
