"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.math_ops import cast
from ...indexed_slices import IndexedSlices
from ...variable import Variable
from .optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent, with momentum where it is asked for: ``m = momentum * m - rate * g; w += m``.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        momentum: how much of the last step stays, in [0, 1].
        nesterov: does a step look ahead: ``w += momentum * m - rate * g``?
        name, and the others: as for `Optimizer`.

    Raises:
        ValueError: `momentum` is out of range.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "SGD",
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
        if isinstance(momentum, (int, float)) and not 0 <= momentum <= 1:
            raise ValueError("`momentum` must be between [0, 1].")
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.momentum = momentum
        self.nesterov = nesterov

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the momentums."""
        if self._built:
            return
        super().build(var_list)
        self.momentums = [self.add_variable_from_reference(v, "m") for v in var_list]

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

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        return super().get_config() | {
            "learning_rate": self._configured_rate(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }
