"""Learning rates that depend on the step: functions of a step number, a scalar tensor or variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from calque_runtime.dtypes import DType

from ...api.arguments import tensor
from ...api.array_ops import zeros_like
from ...api.indexing_ops import where
from ...api.math_ops import cast, ceil, cos, equal, floor, minimum, pow
from ...context import name_scope
from ..saving.serialization import deserialize_named, serialize_named

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule:
    """A learning rate for each step.

    Subclasses define ``__call__(step)``, which gives a scalar tensor, and ``get_config()``, the arguments to make the
    same schedule from.
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step, a scalar tensor."""
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must define __call__(step)."
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with."""
        raise NotImplementedError(f"Learning rate schedule '{type(self).__name__}' must define get_config().")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """A schedule from what `get_config` gave."""
        return cls(**config)


class _Configured(LearningRateSchedule):
    """A schedule whose constructor's arguments are its attributes."""

    _arguments: tuple[str, ...] = ()
    name: str | None

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with."""
        return {argument: getattr(self, argument) for argument in self._arguments}

    def _scope(self) -> name_scope:
        return name_scope(self.name or type(self).__name__)


class _PeriodicDecay(_Configured):
    """A rate that depends on how many periods of `decay_steps` steps have passed.

    Args:
        initial_learning_rate: at step 0: a number or scalar tensor; its dtype is the results'.
        decay_steps: how long a period is.
        decay_rate: how much the rate decays in a period.
        staircase: do only whole periods count, so that the rate stays for `decay_steps` steps?
        name: the name scope.
    """

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        decay_rate: Any,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        with self._scope():
            initial = tensor(self.initial_learning_rate)
            periods = cast(step, initial.dtype) / cast(self.decay_steps, initial.dtype)
            return self._decayed(
                initial, cast(self.decay_rate, initial.dtype), floor(periods) if self.staircase else periods
            )

    def _decayed(self, initial: Any, rate: Any, periods: Any) -> Any:
        raise NotImplementedError


class ExponentialDecay(_PeriodicDecay):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        initial_learning_rate: at step 0: a number or scalar tensor; its dtype is the results'.
        decay_steps: in how many steps the rate decays by `decay_rate`.
        decay_rate: the factor.
        staircase: is the exponent rounded down, so that the rate stays for `decay_steps` steps?
        name: the name scope.
    """

    def _decayed(self, initial: Any, rate: Any, periods: Any) -> Any:
        return initial * pow(rate, periods)


class InverseTimeDecay(_PeriodicDecay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Args: as for `ExponentialDecay`.
    """

    def _decayed(self, initial: Any, rate: Any, periods: Any) -> Any:
        return initial / (1 + rate * periods)


class PiecewiseConstantDecay(_Configured):
    """One of several constants: ``values[i]`` for ``boundaries[i - 1] < step <= boundaries[i]``.

    Args:
        boundaries: increasing step numbers.
        values: the rates: one more than boundaries.
        name: the name scope.

    Raises:
        ValueError: there is not one value more than boundaries.
    """

    _arguments = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of length {len(values)}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        with self._scope():
            at = tensor(step)
            rates = [tensor(v) for v in self.values]
            chosen = rates[-1]
            for boundary, rate in zip(reversed(self.boundaries), reversed(rates[:-1]), strict=True):
                chosen = where(at <= cast(boundary, at.dtype), rate, chosen)
            return chosen


class PolynomialDecay(_Configured):
    """From `initial_learning_rate` to `end_learning_rate` in `decay_steps` steps, along a polynomial.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: how long it decays.
        end_learning_rate: what it comes to.
        power: of the polynomial; 1 is a straight line.
        cycle: does it go on beyond `decay_steps`, with a decay stretched to the next multiple of it?
        name: the name scope.
    """

    _arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        end_learning_rate: Any = 0.0001,
        power: Any = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        with self._scope():
            initial = tensor(self.initial_learning_rate)
            end = cast(self.end_learning_rate, initial.dtype)
            at = cast(step, initial.dtype)
            steps = cast(self.decay_steps, initial.dtype)
            if self.cycle:
                steps = steps * where(equal(at, zeros_like(at)), 1 + zeros_like(at), ceil(at / steps))
            else:
                at = minimum(at, steps)
            return (initial - end) * pow(1 - at / steps, cast(self.power, initial.dtype)) + end


class CosineDecay(_Configured):
    """Half a period of a cosine, after a linear warm-up where one is asked for.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: how long it decays, after the warm-up.
        alpha: what it comes to, as a fraction of the rate it decays from.
        name: the name scope.
        warmup_target: the rate that the warm-up leads to; None: there is none.
        warmup_steps: how long the warm-up takes.
    """

    _arguments = (
        "initial_learning_rate",
        "decay_steps",
        "alpha",
        "name",
        "warmup_target",
        "warmup_steps",
    )

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        alpha: Any = 0.0,
        name: str | None = None,
        warmup_target: Any = None,
        warmup_steps: Any = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        with self._scope():
            initial = tensor(self.initial_learning_rate)
            at = cast(step, initial.dtype)
            steps = cast(self.decay_steps, initial.dtype)
            if self.warmup_target is None:
                return self._decayed(minimum(at, steps) / steps, initial)
            target = cast(self.warmup_target, initial.dtype)
            warmup = cast(self.warmup_steps, initial.dtype)
            at = minimum(at, steps + warmup)
            rising = initial + at / warmup * (target - initial)
            return where(at < warmup, rising, self._decayed((at - warmup) / steps, target))

    def _decayed(self, completed: Any, start: Any) -> Any:
        decayed = _half_cosine(completed)
        alpha = cast(self.alpha, start.dtype)
        return start * ((1 - alpha) * decayed + alpha)


def _half_cosine(completed: Any) -> Any:
    """From 1 to 0 as `completed` goes from 0 to 1."""
    return 0.5 * (1.0 + cos(cast(math.pi, completed.dtype) * completed))


class CosineDecayRestarts(_Configured):
    """Half a period of a cosine again and again (SGDR, arXiv:1608.03983).

    Args:
        initial_learning_rate: at step 0.
        first_decay_steps: how long the first period is.
        t_mul: each period is so many times as long as the one before.
        m_mul: and starts at a rate so many times as high.
        alpha: what each comes to, as a fraction of `initial_learning_rate`.
        name: the name scope.
    """

    _arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: Any,
        t_mul: Any = 2.0,
        m_mul: Any = 1.0,
        alpha: Any = 0.0,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        with self._scope():
            initial = tensor(self.initial_learning_rate)
            dtype = initial.dtype
            alpha = cast(self.alpha, dtype)
            completed = cast(step, dtype) / cast(self.first_decay_steps, dtype)
            restart, fraction = self._period(completed, dtype)
            decayed = 0.5 * pow(cast(self.m_mul, dtype), restart)
            decayed = decayed * (1.0 + cos(cast(math.pi, dtype) * fraction))
            return initial * ((1 - alpha) * decayed + alpha)

    def _period(self, completed: Any, dtype: DType) -> tuple[Any, Any]:
        """Which period it is, and the part of it that is over, from the number of first periods that passed."""
        from ...api.math_ops import log

        factor = cast(self.t_mul, dtype)
        same = equal(factor, 1.0)
        growing = where(
            same, cast(2.0, dtype), factor
        )  # any other than 1, for which the sum has another form
        restart = floor(log(1.0 - completed * (1.0 - growing)) / log(growing))
        length = pow(growing, restart)
        before = (1.0 - length) / (1.0 - growing)
        whole = floor(completed)
        return where(same, whole, restart), where(same, completed - whole, (completed - before) / length)


def serialize(learning_rate_schedule: LearningRateSchedule, use_legacy_format: bool = False) -> Any:
    """A schedule as a dict, see `keras.saving.serialize_keras_object`."""
    kind = "optimizers.schedules"
    return serialize_named(learning_rate_schedule, LearningRateSchedule, kind, use_legacy_format)


def deserialize(
    config: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False
) -> Any:
    """A schedule from what `serialize` gave, or from a dict of its class name and config.

    Args:
        config: the dict.
        custom_objects: classes of the caller's own, by name.
        use_legacy_format: accepted: either form is read.

    Raises:
        ValueError: no class of that name is known.
    """
    known = {name: globals()[name] for name in __all__ if name not in ("serialize", "deserialize")}
    return deserialize_named(config, known, custom_objects, "learning rate schedule")
