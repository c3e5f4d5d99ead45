"""Adafactor: means of squares that take as much memory as a row and a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.arguments import tensor
from ...api.array_ops import expand_dims
from ...api.math_ops import cast, maximum, minimum, pow, rsqrt, sqrt, square
from ...api.reduce_ops import reduce_mean
from ...variable import Variable
from .builtin import BuiltinOptimizer

__all__ = ["Adafactor"]


class Adafactor(BuiltinOptimizer):
    """Gradients over the root of the running mean of their squares, kept by rows and columns (arXiv:1804.04235).

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        beta_2_decay: how the share of what is new in the means falls: ``step**beta_2_decay``.
        epsilon_1: is added to squared gradients.
        epsilon_2: the smallest scale of a step: otherwise it is the root mean square of the variable.
        clip_threshold: the root mean square of steps that is not exceeded.
        relative_step: part of the config; the learning rate is ``1 / sqrt(step)`` at most either way, as in tf-keras.
        the others: as for `Optimizer`.
    """

    _hyperparameters = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
    _defaults = {"name": "Adafactor"}
    beta_2_decay: float
    epsilon_1: float
    epsilon_2: float
    clip_threshold: float
    relative_step: bool

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            others,
            options,
            beta_2_decay=beta_2_decay,
            epsilon_1=epsilon_1,
            epsilon_2=epsilon_2,
            clip_threshold=clip_threshold,
            relative_step=relative_step,
        )

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the means of squares, of rows, of columns and of all; vectors have no rows and columns."""
        if self._built:
            return
        super().build(var_list)
        self._r: list[Variable] = []
        self._c: list[Variable] = []
        self._v: list[Variable] = []
        for v in var_list:
            name, sizes = v._shared_name, v.shape.as_list()
            if len(sizes) < 2:
                self._r.append(Variable(0, name=f"r/{name}"))
                self._c.append(Variable(0, name=f"r/{name}"))
            else:
                self._r.append(self.add_variable(sizes[:-1], v.dtype, name=f"r/{name}"))
                self._c.append(self.add_variable([*sizes[:-2], sizes[-1]], v.dtype, name=f"c/{name}"))
            self._v.append(self.add_variable_from_reference(v, "v"))

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """See `Optimizer`."""
        dtype = variable.dtype
        gradient = tensor(gradient)
        step = cast(self._iterations + 1, dtype)
        rate = minimum(self._rate(variable), rsqrt(step))
        scale = maximum(cast(self.epsilon_2, dtype), _root_mean_square(variable))
        new = pow(step, self.beta_2_decay)
        squares = square(gradient) + self.epsilon_1
        v = self._slot(self._v, variable)
        if variable.shape.rank is not None and variable.shape.rank >= 2:
            r, c = self._slot(self._r, variable), self._slot(self._c, variable)
            r.assign((1 - new) * r + new * reduce_mean(squares, axis=-1))
            c.assign((1 - new) * c + new * reduce_mean(squares, axis=-2))
            rows = r / reduce_mean(r, axis=-1, keepdims=True)
            v.assign(expand_dims(rows, -1) * expand_dims(c, -2))
        else:
            v.assign((1 - new) * v + new * squares)
        change = gradient * rsqrt(v)
        change = change / maximum(cast(1.0, dtype), _root_mean_square(change) / self.clip_threshold)
        variable.assign_add(-scale * rate * change)


def _root_mean_square(x: Any) -> Any:
    return sqrt(reduce_mean(square(x)))
