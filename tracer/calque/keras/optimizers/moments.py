"""Adam and its relatives: steps by the running mean of the gradients, over the root of that of their squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.math_ops import cast, maximum, pow, sqrt, square
from ...indexed_slices import IndexedSlices
from ...variable import Variable
from .optimizer import Optimizer

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adam (arXiv:1412.6980): ``w -= rate * m / (sqrt(v) + epsilon)``, both means corrected for their start at 0.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        beta_1: how much of the mean of gradients stays at each step.
        beta_2: how much of the mean of their squares stays.
        epsilon: keeps the division from zero.
        adaptive_epsilon: is `epsilon` corrected as well, as it is in the paper's formula?
        amsgrad: is the largest `v` so far taken?
        name, and the others: as for `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        adaptive_epsilon: bool = False,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adam",
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.adaptive_epsilon = adaptive_epsilon
        self.amsgrad = amsgrad

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means."""
        if self._built:
            return
        super().build(var_list)
        both = [
            (self.add_variable_from_reference(v, "m"), self.add_variable_from_reference(v, "v"))
            for v in var_list
        ]
        self._momentums = [m for m, _ in both]
        self._velocities = [v for _, v in both]
        if self.amsgrad:
            self._velocity_hats = [self.add_variable_from_reference(v, "vhat") for v in var_list]

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        dtype = variable.dtype
        step = cast(self._iterations + 1, dtype)
        correction = sqrt(1 - pow(cast(self.beta_2, dtype), step))
        rate = self._rate(variable) * correction / (1 - pow(cast(self.beta_1, dtype), step))
        epsilon = self.epsilon * correction if self.adaptive_epsilon else self.epsilon
        m = self._slot(self._momentums, variable)
        v = self._slot(self._velocities, variable)
        _move(m, gradient, 1 - self.beta_1)
        _move(v, _squared(gradient), 1 - self.beta_2)
        if self.amsgrad:
            largest = self._slot(self._velocity_hats, variable)
            largest.assign(maximum(largest, v))
            v = largest
        variable.assign_sub((m * rate) / (sqrt(v) + epsilon))

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        return super().get_config() | {
            "learning_rate": self._configured_rate(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


def _squared(gradient: Any) -> Any:
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(square(gradient.values), gradient.indices, gradient.dense_shape)
    return square(gradient)


def _move(mean: Variable, value: Any, share: float) -> None:
    """Bring a running mean nearer to `value` by `share`; rows that an IndexedSlices does not have count as 0."""
    if isinstance(value, IndexedSlices):
        mean.assign_add(-mean * share)
        mean.scatter_add(IndexedSlices(value.values * share, value.indices))
    else:
        mean.assign_add((value - mean) * share)


class AdamW(Adam):
    """Adam with weight decay that is not part of the gradient (arXiv:1711.05101).

    Args: as for `Adam`; `weight_decay` has a value by default.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "AdamW",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            False,
            amsgrad,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            jit_compile,
            name,
            **kwargs,
        )
        if weight_decay is None:
            raise ValueError("Missing value of `weight_decay` which is required and must be a float value.")
