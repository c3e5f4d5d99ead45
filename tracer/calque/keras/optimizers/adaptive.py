"""Steps that are the smaller, the larger the gradients have been: RMSprop and Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.array_ops import fill
from ...api.indexing_ops import gather
from ...api.math_ops import rsqrt, sqrt, square
from ...indexed_slices import IndexedSlices
from ...variable import Variable
from .optimizer import Optimizer

__all__ = ["Adagrad", "RMSprop"]


class RMSprop(Optimizer):
    """Gradients over the root of the running mean of their squares.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        rho: how much of the running means stays at each step.
        momentum: how much of the last step stays.
        epsilon: keeps the division from zero.
        centered: is the variance taken instead of the mean square?
        name, and the others: as for `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = 100,
        jit_compile: bool = True,
        name: str = "RMSprop",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            jit_compile,
            **kwargs,
        )
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means, and the momentums where they are needed."""
        if self._built:
            return
        super().build(var_list)
        self._velocities = [self.add_variable_from_reference(v, "velocity") for v in var_list]
        if self.momentum > 0:
            self._momentums = [self.add_variable_from_reference(v, "momentum") for v in var_list]
        if self.centered:
            self._average_gradients = [
                self.add_variable_from_reference(v, "average_gradient") for v in var_list
            ]

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        sparse = isinstance(gradient, IndexedSlices)
        rows = gradient.values if sparse else gradient
        velocity = self._slot(self._velocities, variable)
        self._move(velocity, gradient, square(rows))
        denominator = velocity + self.epsilon
        if self.centered:
            average = self._slot(self._average_gradients, variable)
            self._move(average, gradient, rows)
            denominator = velocity - square(average) + self.epsilon
        if sparse:
            denominator = gather(denominator, gradient.indices)
        step = self._rate(variable) * rows * rsqrt(denominator)
        if self.momentum > 0:
            momentum = self._slot(self._momentums, variable)
            if sparse:
                momentum.assign(self.momentum * momentum)
                momentum.scatter_add(IndexedSlices(step, gradient.indices))
            else:
                momentum.assign(self.momentum * momentum + step)
            variable.assign_add(-momentum)
        elif sparse:
            variable.scatter_add(IndexedSlices(-step, gradient.indices))
        else:
            variable.assign_add(-step)

    def _move(self, mean: Variable, gradient: Any, rows: Any) -> None:
        """Move a running mean towards `rows`; those that a sparse gradient does not have count as 0."""
        if isinstance(gradient, IndexedSlices):
            mean.assign(self.rho * mean)
            mean.scatter_add(IndexedSlices(rows * (1 - self.rho), gradient.indices))
        else:
            mean.assign(self.rho * mean + (1 - self.rho) * rows)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        return super().get_config() | {
            "learning_rate": self._configured_rate(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }


class Adagrad(Optimizer):
    """Gradients over the root of the sum of their squares so far.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        initial_accumulator_value: what the sums start with, 0 or more.
        epsilon: keeps the division from zero.
        name, and the others: as for `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adagrad",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            jit_compile,
            **kwargs,
        )
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the sums."""
        if self._built:
            return
        super().build(var_list)
        self._accumulators = [
            self.add_variable_from_reference(v, "accumulator", initial_value=fill(v.shape, self._start(v)))
            for v in var_list
        ]

    def _start(self, variable: Variable) -> Any:
        from ...tensor import constant

        return constant(self.initial_accumulator_value, variable.dtype)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        rate = self._rate(variable)
        total = self._slot(self._accumulators, variable)
        if isinstance(gradient, IndexedSlices):
            rows, at = gradient.values, gradient.indices
            total.scatter_add(IndexedSlices(rows * rows, at))
            root = sqrt(gather(total, at) + self.epsilon)
            variable.scatter_add(IndexedSlices(-rate * rows / root, at))
        else:
            total.assign_add(gradient * gradient)
            variable.assign_sub(rate * gradient / sqrt(total + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        return super().get_config() | {
            "learning_rate": self._configured_rate(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
