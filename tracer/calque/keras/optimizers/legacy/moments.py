"""The older Adam, Adamax and Nadam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import calque as tf

from ....indexed_slices import IndexedSlices
from ....variable import Variable
from .. import schedules
from .elementwise import ElementwiseOptimizer, positive

__all__ = ["Adam", "Adamax", "Nadam"]


class _TwoMeans(ElementwiseOptimizer):
    """An optimizer with ``beta_1`` and ``beta_2``, and slots "m" and "v"."""

    _configured: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: Any,
        beta_1: Any,
        beta_2: Any,
        epsilon: float | None,
        name: str | None,
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__(name, learning_rate, kwargs, beta_1=beta_1, beta_2=beta_2)
        self.epsilon = positive(epsilon)

    def _slot_list(self) -> Mapping[str, Any]:
        return {"m": "zeros", "v": "zeros"}

    def _betas(self, dtype: Any) -> tuple[Any, Any, Any]:
        """Both betas, and the number of this step, from 1 on."""
        step = tf.cast(self.iterations + 1, dtype)
        return self._get_hyper("beta_1", dtype), self._get_hyper("beta_2", dtype), step


class Adam(_TwoMeans):
    """See `keras.optimizers.Adam`."""

    _configured = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        name: str | None = "Adam",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, kwargs)
        self.amsgrad = amsgrad

    def _slot_list(self) -> Mapping[str, Any]:
        return dict.fromkeys(("m", "v", "vhat") if self.amsgrad else ("m", "v"), "zeros")

    @property
    def _sparse_fades(self) -> bool:
        return True

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        beta_1, beta_2, step = self._betas(dtype)
        rate = self._decayed_lr(dtype) * tf.sqrt(1 - tf.pow(beta_2, step)) / (1 - tf.pow(beta_1, step))
        m = slots["m"] + (grad - slots["m"]) * (1 - beta_1)
        v = slots["v"] + (tf.square(grad) - slots["v"]) * (1 - beta_2)
        after = {"m": m, "v": v}
        if self.amsgrad:
            after["vhat"] = v = tf.maximum(slots["vhat"], v)
        return value - rate * m / (tf.sqrt(v) + self.epsilon), after

    def set_weights(self, weights: Sequence[Any]) -> None:
        """See `Optimizer`; the weights of an optimizer with `amsgrad` will do for one without."""
        if len(weights) == 3 * ((len(self.weights) - 1) // 2) + 1:
            weights = weights[: len(self.weights)]
        super().set_weights(weights)


class Adamax(_TwoMeans):
    """See `keras.optimizers.Adamax`."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: float | None = 1e-7,
        name: str | None = "Adamax",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, kwargs)

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        beta_1, beta_2, step = self._betas(dtype)
        m = slots["m"] + (grad - slots["m"]) * (1 - beta_1)
        v = tf.maximum(beta_2 * slots["v"], tf.abs(grad))
        rate = self._decayed_lr(dtype) / (1 - tf.pow(beta_1, step))
        return value - rate * m / (v + self.epsilon), {"m": m, "v": v}


class Nadam(_TwoMeans):
    """See `keras.optimizers.Nadam`; `schedule_decay` says how fast its momentum rises.

    Raises:
        ValueError: the learning rate is a schedule.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: float | None = 1e-7,
        name: str | None = "Nadam",
        **kwargs: Any,
    ) -> None:
        kwargs["decay"] = kwargs.pop("schedule_decay", kwargs.get("decay", 0.004))
        if isinstance(kwargs.get("lr", learning_rate), schedules.LearningRateSchedule):
            raise ValueError(
                "The Nadam optimizer does not support keras.optimizers.LearningRateSchedules as the learning rate."
            )
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, kwargs)
        self._m_cache: Variable | None = None

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        if self._m_cache is None:
            self._m_cache = self.add_weight("momentum_cache", [], var_list[0].dtype, "ones")
            self._weights.append(self._m_cache)
        super()._create_slots(var_list)

    def _transform_gradients(self, pairs: list[tuple[Any, Variable]]) -> list[tuple[Any, Variable]]:
        cache = self._m_cache
        if cache is not None:
            cache.assign(cache * self._momentum(1, cache.dtype))
        return super()._transform_gradients(pairs)

    def _momentum(self, ahead: int, dtype: Any) -> Any:
        """How much of the mean counts in a step: in this one, if `ahead` is 1, or the next."""
        periods = self._initial_decay * tf.cast(self.iterations + ahead, dtype)
        return self._get_hyper("beta_1", dtype) * (1.0 - 0.5 * tf.pow(tf.cast(0.96, dtype), periods))

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        beta_1, beta_2, step = self._betas(dtype)
        now, following = self._momentum(1, dtype), self._momentum(2, dtype)
        product = tf.cast(self._m_cache, dtype)
        m = beta_1 * slots["m"] + (1 - beta_1) * grad
        v = beta_2 * slots["v"] + (1 - beta_2) * tf.square(grad)
        mean = (1 - now) * grad / (1 - product) + following * m / (1 - product * following)
        size = tf.sqrt(v / (1 - tf.pow(beta_2, step))) + self.epsilon
        return value - self._get_hyper("learning_rate", dtype) * mean / size, {"m": m, "v": v}

    def _resource_apply_sparse(self, grad: Any, var: Variable, indices: Any, apply_state: Any = None) -> Any:
        """See `Optimizer`: the means fade everywhere, but only these rows change."""
        before = var.read_value()
        dense = tf.convert_to_tensor(IndexedSlices(grad, indices, tf.shape(var)))
        self._resource_apply_dense(dense, var)
        rows = tf.gather(var, indices)
        var.assign(before)
        return var.scatter_update(IndexedSlices(rows, indices))
