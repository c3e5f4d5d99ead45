"""Adam and its relatives: steps by the running mean of the gradients, over a measure of their size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.arguments import tensor
from ...api.indexing_ops import gather
from ...api.math_ops import abs, cast, maximum, pow, sqrt, square
from ...indexed_slices import IndexedSlices
from ...variable import Variable
from .builtin import BuiltinOptimizer

__all__ = ["Adam", "AdamW", "Adamax", "Nadam"]


class Adam(BuiltinOptimizer):
    """Adam (arXiv:1412.6980): ``w -= rate * m / (sqrt(v) + epsilon)``, both means corrected for their start at 0.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        beta_1: how much of the mean of gradients stays at each step.
        beta_2: how much of the mean of their squares stays.
        epsilon: keeps the division from zero.
        adaptive_epsilon: is `epsilon` corrected as well, as it is in the paper's formula?
        amsgrad: is the largest `v` so far taken?
        the others: as for `Optimizer`.
    """

    _hyperparameters = ("beta_1", "beta_2", "epsilon", "amsgrad")
    _defaults = {"name": "Adam"}
    beta_1: float
    beta_2: float
    epsilon: float
    adaptive_epsilon: bool
    amsgrad: bool

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        adaptive_epsilon: bool = False,
        amsgrad: bool = False,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            others,
            options,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            adaptive_epsilon=adaptive_epsilon,
            amsgrad=amsgrad,
        )

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means."""
        if self._built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self._pairs("m", "v", var_list)
        if self.amsgrad:
            self._velocity_hats = self._slots("vhat", var_list)

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


class AdamW(Adam):
    """Adam with weight decay that is not part of the gradient (arXiv:1711.05101).

    Args: as for `Adam`; `weight_decay` has a value by default.
    """

    _defaults = {"name": "AdamW"}
    _own_options = ("weight_decay",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *others: Any,
        **options: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("Missing value of `weight_decay` which is required and must be a float value.")
        options["weight_decay"] = weight_decay
        super().__init__(learning_rate, beta_1, beta_2, epsilon, False, amsgrad, *others, **options)


class _TwoMeans(BuiltinOptimizer):
    """An optimizer with two running means, and what of each stays at each step.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        beta_1, beta_2: what stays of the first and of the second.
        epsilon: keeps the division from zero.
        the others: as for `Optimizer`.
    """

    _hyperparameters = ("beta_1", "beta_2", "epsilon")
    beta_1: float
    beta_2: float
    epsilon: float

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, others, options, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


class Adamax(_TwoMeans):
    """Adam with the largest gradient so far, which fades, in the place of the mean of squares (arXiv:1412.6980).

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        beta_1: how much of the mean of gradients stays at each step.
        beta_2: how much of the largest gradient stays.
        epsilon: keeps the division from zero.
        the others: as for `Optimizer`.
    """

    _defaults = {"name": "Adamax"}

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means and maxima."""
        if self._built:
            return
        super().build(var_list)
        self._m, self._u = self._pairs("m", "u", var_list)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        dtype = variable.dtype
        correction = 1 - pow(cast(self.beta_1, dtype), cast(self._iterations + 1, dtype))
        m, u = self._slot(self._m, variable), self._slot(self._u, variable)
        _move(m, gradient, 1 - self.beta_1)
        if isinstance(gradient, IndexedSlices):
            u.assign(u * self.beta_2)
            rows = gather(u, gradient.indices)
            growth = maximum(rows, abs(gradient.values)) - rows
            u.scatter_add(IndexedSlices(growth, gradient.indices))
        else:
            u.assign(maximum(self.beta_2 * u, abs(gradient)))
        variable.assign_sub(self._rate(variable) * m / (correction * (u + self.epsilon)))


class Nadam(_TwoMeans):
    """Adam with Nesterov's momentum: steps look ahead (Dozat, 2016).

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        beta_1: how much of the mean of gradients stays at each step, in the end.
        beta_2: how much of the mean of their squares stays.
        epsilon: keeps the division from zero.
        the others: as for `Optimizer`.
    """

    _defaults = {"name": "Nadam"}

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means, and the product of the momentums so far."""
        if self._built:
            return
        super().build(var_list)
        self._u_product = Variable(1.0, dtype=var_list[0].dtype)
        self._momentums, self._velocities = self._pairs("m", "v", var_list)

    def _start_step(self) -> None:
        product = self._u_product
        product.assign(product * self._momentum(1, product.dtype))

    def _momentum(self, ahead: int, dtype: Any) -> Any:
        """How much of the mean counts in a step: in this one, if `ahead` is 1, or the next."""
        fade = pow(cast(0.96, dtype), cast(self._iterations + ahead, dtype))
        return cast(self.beta_1, dtype) * (1.0 - 0.5 * fade)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        dtype = variable.dtype
        now, following = self._momentum(1, dtype), self._momentum(2, dtype)
        product = cast(self._u_product, dtype)
        beta_1, beta_2 = cast(self.beta_1, dtype), cast(self.beta_2, dtype)
        m = self._slot(self._momentums, variable)
        v = self._slot(self._velocities, variable)
        _move(m, gradient, 1 - beta_1)
        _move(v, _squared(gradient), 1 - beta_2)
        mean = following * m / (1 - product * following) + (1 - now) * tensor(gradient) / (1 - product)
        size = sqrt(v / (1 - pow(beta_2, cast(self._iterations + 1, dtype)))) + self.epsilon
        variable.assign_sub(mean * self._rate(variable) / size)


def _squared(gradient: Any) -> Any:
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(square(gradient.values), gradient.indices, gradient.dense_shape)
    return square(gradient)


def _move(mean: Variable, value: Any, share: Any) -> None:
    """Bring a running mean nearer to `value` by `share`; rows that an IndexedSlices does not have count as 0."""
    if isinstance(value, IndexedSlices):
        mean.assign_add(-mean * share)
        mean.scatter_add(IndexedSlices(value.values * share, value.indices))
    else:
        mean.assign_add((value - mean) * share)
