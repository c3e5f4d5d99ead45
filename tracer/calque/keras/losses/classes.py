"""The losses as objects: functions with their arguments and a reduction, which take sample weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import calque as tf

from ...__internal__.autograph import control_status_ctx, tf_convert
from ..saving.registration import get_registered_name
from . import functions, reduction
from .reduction import Reduction

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


class Loss:
    """The base: subclasses define ``call(y_true, y_pred)``, which gives a loss for each sample.

    Args:
        reduction: how these become one, see `Reduction`.
        name: the name.

    Raises:
        ValueError: there is no such reduction.
    """

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = None) -> None:
        Reduction.validate(reduction)
        self.reduction = reduction
        self.name = name

    @property
    def _name_scope(self) -> str:
        if self.name is None:
            return type(self).__name__.strip("_")
        return "lambda" if self.name == "<lambda>" else self.name.strip("_")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss.

        Args:
            y_true: the labels.
            y_pred: the predictions. What a mask on them leaves out does not count.
            sample_weight: weights, scalar, or for each sample or each of its losses; None: all 1.

        Returns:
            A scalar, or, with Reduction.NONE, a tensor of the losses' shape.
        """
        with tf.name_scope(self._name_scope):
            losses = _converted(self.call)(y_true, y_pred)
            masks = [m for m in (reduction.get_mask(y_pred), reduction.get_mask(losses)) if m is not None]
            mask = tf.logical_and(*masks) if len(masks) == 2 else masks[0] if masks else None
            kind = Reduction.SUM_OVER_BATCH_SIZE if self.reduction == Reduction.AUTO else self.reduction
            weight = reduction.apply_valid_mask(losses, sample_weight, mask, kind)
            return reduction.compute_weighted_loss(losses, weight, kind)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses, one for each sample (or more); for subclasses to define."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred).")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        return {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """One made of what `get_config` gave."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A function as a loss.

    Args:
        fn: the function, of labels and predictions.
        reduction, name: see `Loss`.
        **kwargs: further arguments of it.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str = Reduction.AUTO,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(reduction, name)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """See `Loss`: what the function gives."""
        if tf.is_tensor(y_pred) and tf.is_tensor(y_true) and not _is_composite(y_pred, y_true):
            y_pred, y_true = reduction.squeeze_or_expand_dimensions(y_pred, y_true)
        return _converted(self.fn)(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this, and the function's name."""
        arguments = {
            key: value.numpy() if tf.is_tensor(value) else value for key, value in self._fn_kwargs.items()
        }
        return super().get_config() | arguments | {"fn": get_registered_name(self.fn)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """See `Loss`; subclasses know their function."""
        config = dict(config)
        fn = config.pop("fn", None)
        if fn and cls is LossFunctionWrapper:
            from . import get

            config["fn"] = get(fn)
        return cls(**config)


def _converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function, converted by AutoGraph where the caller is."""
    if tf.executing_eagerly():
        return function
    converted: Callable[..., Any] = tf_convert(function, control_status_ctx())
    return converted


def _is_composite(*values: Any) -> bool:
    return any(isinstance(value, tf.__internal__.CompositeTensor) for value in values)


class MeanSquaredError(LossFunctionWrapper):
    """See `mean_squared_error`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "mean_squared_error") -> None:
        super().__init__(functions.mean_squared_error, reduction, name)


class MeanAbsoluteError(LossFunctionWrapper):
    """See `mean_absolute_error`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "mean_absolute_error") -> None:
        super().__init__(functions.mean_absolute_error, reduction, name)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """See `mean_absolute_percentage_error`."""

    def __init__(
        self, reduction: str = Reduction.AUTO, name: str | None = "mean_absolute_percentage_error"
    ) -> None:
        super().__init__(functions.mean_absolute_percentage_error, reduction, name)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """See `mean_squared_logarithmic_error`."""

    def __init__(
        self, reduction: str = Reduction.AUTO, name: str | None = "mean_squared_logarithmic_error"
    ) -> None:
        super().__init__(functions.mean_squared_logarithmic_error, reduction, name)


class BinaryCrossentropy(LossFunctionWrapper):
    """See `binary_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Any = 0.0,
        axis: int = -1,
        reduction: str = Reduction.AUTO,
        name: str | None = "binary_crossentropy",
    ) -> None:
        super().__init__(
            functions.binary_crossentropy,
            reduction,
            name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """See `binary_focal_crossentropy`."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: Any = 0.25,
        gamma: Any = 2.0,
        from_logits: bool = False,
        label_smoothing: Any = 0.0,
        axis: int = -1,
        reduction: str = Reduction.AUTO,
        name: str | None = "binary_focal_crossentropy",
    ) -> None:
        super().__init__(
            functions.binary_focal_crossentropy,
            reduction,
            name,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma


class CategoricalCrossentropy(LossFunctionWrapper):
    """See `categorical_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Any = 0.0,
        axis: int = -1,
        reduction: str = Reduction.AUTO,
        name: str | None = "categorical_crossentropy",
    ) -> None:
        super().__init__(
            functions.categorical_crossentropy,
            reduction,
            name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """See `categorical_focal_crossentropy`."""

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: Any = 2.0,
        from_logits: bool = False,
        label_smoothing: Any = 0.0,
        axis: int = -1,
        reduction: str = Reduction.AUTO,
        name: str | None = "categorical_focal_crossentropy",
    ) -> None:
        super().__init__(
            functions.categorical_focal_crossentropy,
            reduction,
            name,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.alpha = alpha
        self.gamma = gamma


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """See `sparse_categorical_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str = Reduction.AUTO,
        name: str | None = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(
            functions.sparse_categorical_crossentropy,
            reduction,
            name,
            from_logits=from_logits,
            ignore_class=ignore_class,
        )


class CosineSimilarity(LossFunctionWrapper):
    """See `cosine_similarity`."""

    def __init__(
        self, axis: Any = -1, reduction: str = Reduction.AUTO, name: str | None = "cosine_similarity"
    ) -> None:
        super().__init__(functions.cosine_similarity, reduction, name, axis=axis)


class Hinge(LossFunctionWrapper):
    """See `hinge`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "hinge") -> None:
        super().__init__(functions.hinge, reduction, name)


class SquaredHinge(LossFunctionWrapper):
    """See `squared_hinge`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "squared_hinge") -> None:
        super().__init__(functions.squared_hinge, reduction, name)


class CategoricalHinge(LossFunctionWrapper):
    """See `categorical_hinge`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "categorical_hinge") -> None:
        super().__init__(functions.categorical_hinge, reduction, name)


class Poisson(LossFunctionWrapper):
    """See `poisson`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "poisson") -> None:
        super().__init__(functions.poisson, reduction, name)


class LogCosh(LossFunctionWrapper):
    """See `log_cosh`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "log_cosh") -> None:
        super().__init__(functions.log_cosh, reduction, name)


class KLDivergence(LossFunctionWrapper):
    """See `kl_divergence`."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = "kl_divergence") -> None:
        super().__init__(functions.kl_divergence, reduction, name)


class Huber(LossFunctionWrapper):
    """See `huber`."""

    def __init__(
        self, delta: Any = 1.0, reduction: str = Reduction.AUTO, name: str | None = "huber_loss"
    ) -> None:
        super().__init__(functions.huber, reduction, name, delta=delta)
