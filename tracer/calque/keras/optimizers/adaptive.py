"""Steps that are the smaller, the larger the gradients have been: RMSprop, Adagrad and their relatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.arguments import tensor
from ...api.array_ops import fill
from ...api.indexing_ops import gather
from ...api.math_ops import cast, rsqrt, sqrt, square
from ...indexed_slices import IndexedSlices
from ...variable import Variable
from .builtin import BuiltinOptimizer

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class RMSprop(BuiltinOptimizer):
    """Gradients over the root of the running mean of their squares.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        rho: how much of the running means stays at each step.
        momentum: how much of the last step stays.
        epsilon: keeps the division from zero.
        centered: is the variance taken instead of the mean square?
        the others: as for `Optimizer`.
    """

    _hyperparameters = ("rho", "momentum", "epsilon", "centered")
    _defaults = {"name": "RMSprop", "ema_overwrite_frequency": 100}
    rho: float
    momentum: float
    epsilon: float
    centered: bool

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            others,
            options,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
        )

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means, and the momentums where they are needed."""
        if self._built:
            return
        super().build(var_list)
        self._velocities = self._slots("velocity", var_list)
        if self.momentum > 0:
            self._momentums = self._slots("momentum", var_list)
        if self.centered:
            self._average_gradients = self._slots("average_gradient", var_list)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        sparse = isinstance(gradient, IndexedSlices)
        rows = gradient.values if sparse else gradient
        velocity = self._slot(self._velocities, variable)
        _fade(velocity, self.rho, gradient, square(rows))
        denominator = velocity + self.epsilon
        if self.centered:
            average = self._slot(self._average_gradients, variable)
            _fade(average, self.rho, gradient, rows)
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


class Adagrad(BuiltinOptimizer):
    """Gradients over the root of the sum of their squares so far.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        initial_accumulator_value: what the sums start with, 0 or more.
        epsilon: keeps the division from zero.
        the others: as for `Optimizer`.
    """

    _hyperparameters = ("initial_accumulator_value", "epsilon")
    _defaults = {"name": "Adagrad"}
    initial_accumulator_value: float
    epsilon: float

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            others,
            options,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
        )

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the sums."""
        if self._built:
            return
        super().build(var_list)
        self._accumulators = [
            self.add_variable_from_reference(
                v, "accumulator", initial_value=fill(v.shape, cast(self.initial_accumulator_value, v.dtype))
            )
            for v in var_list
        ]

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


class Adadelta(BuiltinOptimizer):
    """Steps as large as the last ones were, relative to the gradients (arXiv:1212.5701).

    Args:
        learning_rate: a number, variable, schedule, or function without arguments; 1 is the paper's.
        rho: how much of the running means stays at each step.
        epsilon: keeps the division from zero.
        the others: as for `Optimizer`.
    """

    _hyperparameters = ("rho", "epsilon")
    _defaults = {"name": "Adadelta"}
    rho: float
    epsilon: float

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, others, options, rho=rho, epsilon=epsilon)

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means of squares, of the gradients and of the steps."""
        if self._built:
            return
        super().build(var_list)
        self._accumulated_grads, self._accumulated_delta_vars = self._pairs(
            "accumulated_grad", "accumulated_delta_var", var_list
        )

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        gradients = self._slot(self._accumulated_grads, variable)
        steps = self._slot(self._accumulated_delta_vars, variable)
        rows = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        _fade(gradients, self.rho, gradient, square(rows))
        step = -sqrt(steps + self.epsilon) * tensor(gradient) / sqrt(gradients + self.epsilon)
        _fade(steps, self.rho, step, square(step))
        variable.assign_add(self._rate(variable) * step)


def _fade(mean: Variable, keep: float, gradient: Any, rows: Any) -> None:
    """Move a running mean towards `rows`; those that a sparse gradient does not have count as 0."""
    if isinstance(gradient, IndexedSlices):
        mean.assign(keep * mean)
        mean.scatter_add(IndexedSlices(rows * (1 - keep), gradient.indices))
    else:
        mean.assign(keep * mean + (1 - keep) * rows)
