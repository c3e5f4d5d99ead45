"""Follow the regularized leader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.arguments import tensor
from ...api.array_ops import fill
from ...api.clip_ops import clip_by_value
from ...api.math_ops import cast, pow, square
from ...variable import Variable
from .builtin import BuiltinOptimizer

__all__ = ["Ftrl"]


class Ftrl(BuiltinOptimizer):
    """Weights that minimize the sum of all gradients so far and of penalties (McMahan et al., 2013).

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        learning_rate_power: how the rate falls, 0 or less.
        initial_accumulator_value: what the sums of squared gradients start with, 0 or more.
        l1_regularization_strength: of the penalty on absolute values, 0 or more.
        l2_regularization_strength: of the penalty on squares, 0 or more.
        l2_shrinkage_regularization_strength: of a penalty on squares that is part of the gradient, 0 or more.
        beta: of the paper.
        the others: as for `Optimizer`.

    Raises:
        ValueError: an argument is out of range.
    """

    _hyperparameters = (
        "learning_rate_power",
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    )
    _defaults = {"name": "Ftrl"}
    learning_rate_power: float
    initial_accumulator_value: float
    l1_regularization_strength: float
    l2_regularization_strength: float
    l2_shrinkage_regularization_strength: float
    beta: float

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *others: Any,
        **options: Any,
    ) -> None:
        not_negative = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for name, value in not_negative.items():
            if value < 0.0:
                raise ValueError(f"`{name}` needs to be positive or zero. Received: {name}={value}.")
        if learning_rate_power > 0.0:
            raise ValueError(
                "`learning_rate_power` needs to be negative or zero. Received: "
                f"learning_rate_power={learning_rate_power}."
            )
        super().__init__(
            learning_rate,
            others,
            options,
            learning_rate_power=learning_rate_power,
            beta=beta,
            **not_negative,
        )

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the sums of squares and of gradients."""
        if self._built:
            return
        super().build(var_list)
        self._accumulators: list[Variable] = []
        self._linears: list[Variable] = []
        for v in var_list:
            start = fill(v.shape, cast(self.initial_accumulator_value, v.dtype))
            self._accumulators.append(self.add_variable_from_reference(v, "accumulator", initial_value=start))
            self._linears.append(self.add_variable_from_reference(v, "linear"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        gradient = tensor(gradient)
        rate = self._rate(variable)
        squares = self._slot(self._accumulators, variable)
        linear = self._slot(self._linears, variable)
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * rate)
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * variable
        total = squares + square(gradient)
        linear.assign_add(shrunk - (pow(total, power) - pow(squares, power)) / rate * variable)
        quadratic = pow(total, power) / rate + 2 * l2
        variable.assign((clip_by_value(linear, -l1, l1) - linear) / quadratic)
        squares.assign(total)
