"""The older SGD, RMSprop, Adagrad, Adadelta and Ftrl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import calque as tf

from ....variable import Variable
from ... import initializers
from .elementwise import ElementwiseOptimizer, checked_momentum, positive

__all__ = ["Adadelta", "Adagrad", "Ftrl", "RMSprop", "SGD"]


class SGD(ElementwiseOptimizer):
    """Gradient descent, with momentum where it is asked for: see `keras.optimizers.SGD`."""

    _configured = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: Any = 0.0,
        nesterov: bool = False,
        name: str | None = "SGD",
        **kwargs: Any,
    ) -> None:
        self.__dict__["_momentum"] = checked_momentum(momentum)
        super().__init__(name, learning_rate, kwargs, momentum=momentum)
        self.nesterov = nesterov

    def _slot_list(self) -> Mapping[str, Any]:
        return {"momentum": "zeros"} if self._momentum else {}

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        step = self._decayed_lr(dtype) * grad
        if not self._momentum:
            return value - step, {}
        keep = self._get_hyper("momentum", dtype)
        moved = slots["momentum"] * keep - step
        return value + (moved * keep - step if self.nesterov else moved), {"momentum": moved}


class RMSprop(ElementwiseOptimizer):
    """Gradients over the root of the running mean of their squares: see `keras.optimizers.RMSprop`."""

    _configured = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: float | None = 1e-7,
        centered: bool = False,
        name: str | None = "RMSprop",
        **kwargs: Any,
    ) -> None:
        self.__dict__["_momentum"] = checked_momentum(momentum)
        super().__init__(name, learning_rate, kwargs, rho=rho, momentum=momentum)
        self.epsilon = positive(epsilon)
        self.centered = centered

    def _slot_list(self) -> Mapping[str, Any]:
        names = ["rms", *(["momentum"] if self._momentum else ()), *(["mg"] if self.centered else ())]
        return dict.fromkeys(names, "zeros")

    @property
    def _sparse_fades(self) -> bool:
        return not self._momentum

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        rho, rate = self._get_hyper("rho", dtype), self._decayed_lr(dtype)
        after = {"rms": rho * slots["rms"] + (1.0 - rho) * tf.square(grad)}
        size = after["rms"]
        if self.centered:
            after["mg"] = rho * slots["mg"] + (1.0 - rho) * grad
            size = size - tf.square(after["mg"])
        if not self._momentum:
            return value - rate * grad / (tf.sqrt(size) + self.epsilon), after
        step = rate * grad / tf.sqrt(size + self.epsilon)
        after["momentum"] = self._get_hyper("momentum", dtype) * slots["momentum"] + step
        return value - after["momentum"], after


class Adagrad(ElementwiseOptimizer):
    """Gradients over the root of the sum of their squares so far: see `keras.optimizers.Adagrad`."""

    _configured = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = 1e-7,
        name: str | None = "Adagrad",
        **kwargs: Any,
    ) -> None:
        if initial_accumulator_value < 0.0:
            raise ValueError(f"initial_accumulator_value must be non-negative: {initial_accumulator_value}")
        super().__init__(name, learning_rate, kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = positive(epsilon)

    def _slot_list(self) -> Mapping[str, Any]:
        return {"accumulator": initializers.Constant(self.initial_accumulator_value)}

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        total = slots["accumulator"] + tf.square(grad)
        step = self._decayed_lr(dtype) * grad / (tf.sqrt(total) + self.epsilon)
        return value - step, {"accumulator": total}


class Adadelta(ElementwiseOptimizer):
    """Steps as large as the last ones were, relative to the gradients: see `keras.optimizers.Adadelta`."""

    _configured = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: float | None = 1e-7,
        name: str | None = "Adadelta",
        **kwargs: Any,
    ) -> None:
        super().__init__(name, learning_rate, kwargs, rho=rho)
        self.epsilon = positive(epsilon)

    def _slot_list(self) -> Mapping[str, Any]:
        return {"accum_grad": "zeros", "accum_var": "zeros"}

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        rho = self._get_hyper("rho", dtype)
        squares = rho * slots["accum_grad"] + (1.0 - rho) * tf.square(grad)
        step = tf.sqrt(slots["accum_var"] + self.epsilon) * tf.math.rsqrt(squares + self.epsilon) * grad
        steps = rho * slots["accum_var"] + (1.0 - rho) * tf.square(step)
        return value - self._decayed_lr(dtype) * step, {"accum_grad": squares, "accum_var": steps}


class Ftrl(ElementwiseOptimizer):
    """Follow the regularized leader: see `keras.optimizers.Ftrl`."""

    _configured = (
        "initial_accumulator_value",
        "learning_rate_power",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "beta",
        "l2_shrinkage_regularization_strength",
    )

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        name: str | None = "Ftrl",
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: Any = 0.0,
        **kwargs: Any,
    ) -> None:
        strengths = {
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
        }
        fixed = {
            "initial_accumulator_value": initial_accumulator_value,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for key, given in {**strengths, **fixed}.items():
            if given < 0.0:
                raise ValueError(f"`{key}` needs to be positive or zero. Received: {key}={given}.")
        if learning_rate_power > 0.0:
            raise ValueError(
                "`learning_rate_power` needs to be negative or zero. Received: "
                f"learning_rate_power={learning_rate_power}."
            )
        super().__init__(
            name, learning_rate, kwargs, learning_rate_power=learning_rate_power, beta=beta, **strengths
        )
        self.initial_accumulator_value = initial_accumulator_value
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength

    def _slot_list(self) -> Mapping[str, Any]:
        return {"accumulator": initializers.Constant(self.initial_accumulator_value), "linear": "zeros"}

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:  # those of one variable after the other, as in tf-keras's lists of weights
            super()._create_slots([var])

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        rate, power = self._decayed_lr(dtype), -self._get_hyper("learning_rate_power", dtype)
        l1 = self._get_hyper("l1_regularization_strength", dtype)
        l2 = self._get_hyper("l2_regularization_strength", dtype) + self._get_hyper("beta", dtype) / (
            2.0 * rate
        )
        before = slots["accumulator"]
        total = before + tf.square(grad)
        shrunk = grad + 2.0 * self.l2_shrinkage_regularization_strength * value
        linear = slots["linear"] + shrunk - (tf.pow(total, power) - tf.pow(before, power)) / rate * value
        quadratic = tf.pow(total, power) / rate + 2.0 * l2
        value = (tf.clip_by_value(linear, -l1, l1) - linear) / quadratic
        return value, {"accumulator": total, "linear": linear}
