"""Steps along the gradient, or along its signs: SGD and Lion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.math_ops import cast, sign
from ...indexed_slices import IndexedSlices
from ...variable import Variable
from .builtin import BuiltinOptimizer

__all__ = ["Lion", "SGD"]


class SGD(BuiltinOptimizer):
    """Gradient descent, with momentum where it is asked for: ``m = momentum * m - rate * g; w += m``.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        momentum: how much of the last step stays, in [0, 1].
        nesterov: does a step look ahead: ``w += momentum * m - rate * g``?
        the others: as for `Optimizer`.

    Raises:
        ValueError: `momentum` is out of range.
    """

    _hyperparameters = ("momentum", "nesterov")
    _defaults = {"name": "SGD"}
    momentum: float
    nesterov: bool

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *others: Any,
        **options: Any,
    ) -> None:
        if isinstance(momentum, (int, float)) and not 0 <= momentum <= 1:
            raise ValueError("`momentum` must be between [0, 1].")
        super().__init__(learning_rate, others, options, momentum=momentum, nesterov=nesterov)

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the momentums."""
        if self._built:
            return
        super().build(var_list)
        self.momentums = self._slots("m", var_list)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        rate = self._rate(variable)
        momentum = cast(self.momentum, variable.dtype)
        m = self._slot(self.momentums, variable)
        if isinstance(gradient, IndexedSlices):
            step: Any = IndexedSlices(-gradient.values * rate, gradient.indices)
            m.assign(m * momentum)
            m.scatter_add(step)
            if self.nesterov:
                variable.scatter_add(step)
        else:
            step = -gradient * rate
            m.assign(step + m * momentum)
            if self.nesterov:
                variable.assign_add(step + m * momentum)
                return
        variable.assign_add(m * momentum if self.nesterov else m)


class Lion(BuiltinOptimizer):
    """Steps of one size, by the signs of a running mean of the gradients (arXiv:2302.06675).

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        beta_1: how much of the mean counts in a step, in (0, 1].
        beta_2: how much of the mean stays at each step.
        the others: as for `Optimizer`.

    Raises:
        ValueError: `beta_1` is out of range.
    """

    _hyperparameters = ("beta_1", "beta_2")
    _defaults = {"name": "Lion"}
    beta_1: float
    beta_2: float

    def __init__(
        self,
        learning_rate: Any = 0.0001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *others: Any,
        **options: Any,
    ) -> None:
        if not 0 < beta_1 <= 1:
            raise ValueError(
                f"`beta_1`={beta_1} must be between ]0, 1]. Otherwise, the optimizer degenerates to SignSGD."
            )
        super().__init__(learning_rate, others, options, beta_1=beta_1, beta_2=beta_2)

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the momentums."""
        if self._built:
            return
        super().build(var_list)
        self.momentums = self._slots("m", var_list)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        rate = self._rate(variable)
        beta_1, beta_2 = cast(self.beta_1, variable.dtype), cast(self.beta_2, variable.dtype)
        m = self._slot(self.momentums, variable)
        if isinstance(gradient, IndexedSlices):
            rows, at = gradient.values, gradient.indices
            m.assign(m * beta_1)
            m.scatter_add(IndexedSlices(rows * (1.0 - beta_1), at))
            variable.assign_sub(rate * sign(m))
            m.assign(m * beta_2 / beta_1)
            m.scatter_add(IndexedSlices(rows * (1.0 - beta_2 / beta_1), at))
        else:
            variable.assign_sub(rate * sign(m * beta_1 + gradient * (1.0 - beta_1)))
            m.assign(m * beta_2 + gradient * (1.0 - beta_2))
