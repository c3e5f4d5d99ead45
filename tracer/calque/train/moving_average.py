"""`ExponentialMovingAverage`: averages of variables over training, recent values counting most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..api.math_ops import cast, minimum
from ..context import init_scope, name_scope
from ..tensor import TensorReference, convert_to_tensor
from ..trackable import AutoTrackable, NoDependency
from ..variable import Variable

__all__ = ["ExponentialMovingAverage"]


class ExponentialMovingAverage(AutoTrackable):
    """Averages of variables: at each `apply`, ``average = decay * average + (1 - decay) * value``.

    Args:
        decay: how much of the average stays, near to 1.
        num_updates: how many updates there were: while there are few, the decay is less, ``(1 + n) / (10 + n)``.
        zero_debias: of no effect on averages of variables, which begin with their values.
        name: the name scope.
    """

    _averages: dict[TensorReference, Variable]

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay = decay
        self._num_updates = NoDependency(num_updates)
        self._name = name
        self._averages = NoDependency({})  # type: ignore[assignment]

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    def apply(self, var_list: Sequence[Variable] | None = None) -> None:
        """Bring the averages of these variables up to date; on the first call they are the values.

        Raises:
            ValueError: there are no variables.
            TypeError: one is no variable of floats.
        """
        if not var_list:
            raise ValueError("apply() needs the variables to average: pass var_list.")
        decay = convert_to_tensor(self._decay, dtype_hint="float32")
        if self._num_updates is not None:
            count = cast(self._num_updates, decay.dtype)
            decay = minimum(decay, (1.0 + count) / (10.0 + count))
        for variable in var_list:
            if not isinstance(variable, Variable) or not variable.dtype.is_floating:
                raise TypeError(f"Only variables of floats can be averaged, not {variable!r}.")
            average = self._averages.get(variable.ref())
            if average is None:
                with init_scope(), name_scope(""):
                    average = Variable(
                        variable.read_value(), trainable=False, name=f"{variable._shared_name}/{self._name}"
                    )
                self._averages[variable.ref()] = average
            average.assign_sub((average - variable) * (1 - cast(decay, variable.dtype)))

    def average(self, var: Variable) -> Variable | None:
        """The average of a variable; None where there is none."""
        return self._averages.get(var.ref())

    def average_name(self, var: Variable) -> str:
        """What the average of a variable is called."""
        return f"{var._shared_name}/{self._name}"
