"""`Optimizer`: what the optimizers have in common.

The state lies where tf-keras has it, so that each resumes the other's training from a checkpoint: `_iterations`,
`_learning_rate` (or `_current_learning_rate`, where a schedule gives it), and `_variables`, a list of the step count
and then every slot variable in the order in which they were made.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque_runtime import dtypes

from ...api.arguments import tensor
from ...api.array_ops import shape, zeros, zeros_like
from ...api.clip_ops import clip_by_global_norm, clip_by_norm, clip_by_value
from ...api.indexing_ops import unique, where
from ...api.math_ops import cast
from ...api.reduce_ops import unsorted_segment_sum
from ...context import init_scope, name_scope
from ...data_structures import ListWrapper
from ...indexed_slices import IndexedSlices
from ...tensor import TensorReference
from ...trackable import AutoTrackable, NoDependency, SavedChildren
from ...variable import Variable
from .. import config, initializers
from . import schedules

__all__ = ["Optimizer", "summed_rows", "with_gradient"]

_log = logging.getLogger("calque")


class _State(ListWrapper):
    """The step count and the slot variables."""

    def _translate_children(
        self, saved: SavedChildren, keys: Callable[[int], Sequence[str]]
    ) -> SavedChildren:
        """Keras 3 has the learning rate in this list too, behind the step count: leave it out."""
        second = dict(saved).get("1")
        if second is None or not any("/_learning_rate/" in f"/{key}" for key in keys(second)):
            return saved
        return [
            (name if int(name) < 1 else str(int(name) - 1), child) for name, child in saved if name != "1"
        ]


class Optimizer(AutoTrackable):
    """Changes variables, given gradients.

    Subclasses define `update_step`, and `build`, which makes the slot variables. Slot variables are made when gradients
    are first applied, for all the variables that come with them.

    Args:
        name: the name scope of slot variables.
        weight_decay: before each step, variables lose this fraction of themselves, times the learning rate.
        clipnorm: the largest 2-norm of each gradient.
        clipvalue: the largest absolute value in each gradient.
        global_clipnorm: the largest 2-norm of all gradients taken together.
        use_ema: is an average of each variable kept? `finalize_variable_values` makes it the variable's value.
        ema_momentum: how much of the average stays at each step.
        ema_overwrite_frequency: after so many steps each, the averages become the variables' values; None: never.
        jit_compile: accepted, and of no effect.

    Raises:
        ValueError: `clipnorm` and `global_clipnorm` are both given, or an argument is out of range.
        TypeError: there are other arguments.
    """

    _index: dict[TensorReference, int]  # of each variable, where it stands in the slots' lists
    _undecayed: tuple[set[TensorReference], tuple[str, ...]]  # what weight decay spares: variables, and names
    _learning_rate: Any

    def __init__(
        self,
        name: str,
        weight_decay: float | None = 0,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        **kwargs: Any,
    ) -> None:
        _refuse_others(type(self).__name__, kwargs)
        if clipnorm is not None and global_clipnorm is not None:
            raise ValueError(
                "At most one of `clipnorm` and `global_clipnorm` can be set. Received: "
                f"clipnorm={clipnorm}, global_clipnorm={global_clipnorm}."
            )
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(
                f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={ema_momentum}"
            )
        if use_ema and ema_overwrite_frequency is not None and ema_overwrite_frequency < 1:
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer > 1 or None. Received: "
                f"ema_overwrite_frequency={ema_overwrite_frequency}"
            )
        self.name = name
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.jit_compile = jit_compile
        self._variables = _State()
        with init_scope():
            self._iterations = Variable(0, name="iteration", dtype=dtypes.int64, trainable=False)
        self._variables.append(self._iterations)
        self._built = False
        self._index = NoDependency({})  # type: ignore[assignment]
        self._undecayed = NoDependency((set(), ()))  # type: ignore[assignment]

    # The learning rate

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        """What `learning_rate` is kept as: a schedule, function or variable as it is, a number in a variable."""
        with init_scope():
            if isinstance(learning_rate, schedules.LearningRateSchedule):
                now = tensor(learning_rate(self._iterations))
                self._current_learning_rate = Variable(now, name="current_learning_rate", trainable=False)
                return learning_rate
            if isinstance(learning_rate, Variable) or callable(learning_rate):
                return learning_rate
            return Variable(learning_rate, name="learning_rate", dtype=config.floatx(), trainable=False)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or what a function gave as one."""
        rate = self._learning_rate
        if isinstance(rate, schedules.LearningRateSchedule):
            return self._current_learning_rate
        return rate() if callable(rate) else rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, schedules.LearningRateSchedule):
            self._learning_rate = self._build_learning_rate(value)
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(value)
        else:
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object or a function as its "
                "`learning_rate`, hence its learning rate is not settable. Create it with a number instead."
            )

    @property
    def lr(self) -> Any:
        """The learning rate, by its old name."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    @property
    def iterations(self) -> Variable:
        """The number of steps done: a variable of int64."""
        return self._iterations

    @iterations.setter
    def iterations(self, variable: Variable) -> None:
        if self._built:
            raise RuntimeError(
                "Cannot set `iterations` to a new Variable after the Optimizer weights have been created. Here it is "
                f"attempting to set `iterations` to {variable}. Set it before calling `apply_gradients()`."
            )
        self._iterations = variable
        self._variables[0] = variable

    # Slot variables

    def build(self, var_list: Sequence[Variable]) -> None:
        """Make the slot variables for these variables.

        Subclasses call this first, and then `add_variable_from_reference` for each slot of each variable.
        """
        if self._built:
            return
        self._index = NoDependency(  # type: ignore[assignment]
            {var.ref(): i for i, var in enumerate(var_list)}
        )
        if self.use_ema:
            self._averages = [
                self.add_variable_from_reference(v, "average", initial_value=v) for v in var_list
            ]
        self._built = True

    def add_variable(
        self, shape: Any, dtype: Any = None, initializer: Any = "zeros", name: str | None = None
    ) -> Variable:
        """Make a variable of the optimizer's own.

        Args:
            shape: its shape.
            dtype: its dtype; None: `keras.backend.floatx()`.
            initializer: an initializer or its name, or a function of shape and dtype.
            name: its name.
        """
        start = initializers.get(initializer)
        value = start([] if shape is None else shape, config.floatx() if dtype is None else dtype)
        variable = Variable(value, name=name, trainable=False)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, model_variable: Variable, variable_name: str, shape: Any = None, initial_value: Any = None
    ) -> Variable:
        """Make a slot variable.

        Args:
            model_variable: the variable it is for.
            variable_name: what it is, such as "momentum".
            shape: its shape; None: that of `model_variable`.
            initial_value: what it starts with; None: zeros.
        """
        if initial_value is None:
            known = model_variable.shape if shape is None else shape
            initial_value = (
                zeros_like(model_variable)
                if shape is None and not model_variable.shape.is_fully_defined()
                else zeros(known, model_variable.dtype)
            )
        variable = Variable(
            initial_value,
            name=f"{variable_name}/{model_variable._shared_name}",
            dtype=model_variable.dtype,
            trainable=False,
        )
        self._variables.append(variable)
        return variable

    def _slot(self, slots: Sequence[Variable], variable: Variable) -> Variable:
        """The slot variable for a variable, of a list that `build` made.

        Raises:
            KeyError: there was no such variable when the slots were made.
        """
        index = self._index.get(variable.ref())
        if index is None:
            raise KeyError(
                f"The optimizer cannot recognize variable {variable.name}: it has no slots for it. Call "
                "`optimizer.build(variables)` with all variables before the first step."
            )
        return slots[index]

    @property
    def variables(self) -> _Variables:
        """The step count and the slot variables."""
        return _Variables(self._variables)

    @property
    def weights(self) -> _Variables:
        """The step count and the slot variables."""
        return self.variables

    def get_weights(self) -> list[Any]:
        """The values of `variables`, as arrays."""
        return [v.numpy() for v in self._variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `variables` these values.

        Raises:
            ValueError: the slots are not there yet, or a shape does not fit.
        """
        if not self._built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. Call "
                "`optimizer.build(trainable_variables)` first, to create the optimizer's weights."
            )
        for variable, weight in zip(self._variables, weights, strict=False):
            if not variable.shape.is_compatible_with(tensor(weight).shape):
                raise ValueError(
                    f"Optimizer variable {variable.name} has shape {variable.shape} not compatible with provided "
                    f"weight shape {tensor(weight).shape}."
                )
            variable.assign(cast(weight, variable.dtype))

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the values of `variables` into a dict, under "0", "1", ..."""
        store.update({str(i): value for i, value in enumerate(self.get_weights())})

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Give `variables` the values that `save_own_variables` stored; of another number of them, none."""
        if len(store) != len(self._variables):
            _log.warning(
                "Skipping variable loading for optimizer '%s', because it has %d variables whereas the saved "
                "optimizer has %d variables.",
                self.name,
                len(self._variables),
                len(store),
            )
            return
        for i, variable in enumerate(self._variables):
            variable.assign(store[str(i)])

    # Steps

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Change one variable (and its slot variables), given its gradient, a tensor or IndexedSlices."""
        raise NotImplementedError(f"{type(self).__name__} must define update_step(gradient, variable).")

    def compute_gradients(self, loss: Any, var_list: Any, tape: Any = None) -> list[tuple[Any, Variable]]:
        """The gradients of a loss.

        Args:
            loss: a function without arguments that gives it, or a tensor.
            var_list: the variables, or a function that gives them once the loss was computed.
            tape: the GradientTape on which `loss` was computed, where it is a tensor.

        Raises:
            ValueError: `loss` is a tensor, and there is no tape.
        """
        if not callable(loss) and tape is None:
            raise ValueError(
                f"`tape` is required when a `Tensor` loss is passed. Received: loss={loss}, tape={tape}."
            )
        if tape is None:
            from ...gradient.tape import GradientTape

            tape = GradientTape()
        if callable(loss):
            with tape:
                if not callable(var_list):
                    tape.watch(var_list)
                loss = loss()
                if callable(var_list):
                    var_list = var_list()
        return list(zip(tape.gradient(loss, var_list), var_list, strict=True))

    def minimize(self, loss: Any, var_list: Any, tape: Any = None) -> None:
        """One step: `compute_gradients`, and `apply_gradients` of what it gives."""
        self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def aggregate_gradients(self, grads_and_vars: Any) -> list[tuple[Any, Variable]]:
        """The gradients of all replicas, summed up: there is one, so these are they."""
        return list(grads_and_vars)

    def _start_step(self) -> None:
        """What a step begins with, before any variable changes; for subclasses."""

    def apply_gradients(
        self,
        grads_and_vars: Any,
        name: str | None = None,
        skip_gradients_aggregation: bool = False,
        **kwargs: Any,
    ) -> Variable:
        """One step.

        Args:
            grads_and_vars: (gradient, variable) pairs. A gradient may be an IndexedSlices; where it is None, the
                variable stays.
            name: the name scope; None: the optimizer's name.
            skip_gradients_aggregation: are the gradients summed up over replicas already?
            **kwargs: `experimental_aggregate_gradients`, the same in older releases.

        Returns:
            `iterations`, which is one more now.

        Raises:
            ValueError: every gradient is None.
            KeyError: a variable was not among those of the first step.
            TypeError: there are other arguments.
        """
        aggregate = kwargs.pop("experimental_aggregate_gradients", True)
        if kwargs:
            raise TypeError(f"apply_gradients takes no argument {', '.join(sorted(kwargs))}.")
        if aggregate and not skip_gradients_aggregation:
            grads_and_vars = self.aggregate_gradients(grads_and_vars)
        if isinstance(self._learning_rate, schedules.LearningRateSchedule):
            self._current_learning_rate.assign(self._learning_rate(self._iterations))
        pairs = list(grads_and_vars)
        if not pairs:
            return self._iterations
        with name_scope(name or self.name or "optimizer"):
            with init_scope():
                self.build([variable for _, variable in pairs])
            some = with_gradient(pairs)
            variables = [variable for _, variable in some]
            gradients = [summed_rows(g) for g in self._clip([g for g, _ in some])]
            self._decay(variables)
            self._start_step()
            for gradient, variable in zip(gradients, variables, strict=True):
                self.update_step(gradient, variable)
            self._iterations.assign_add(1)
            self._average(variables)
            for variable in variables:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable))
        return self._iterations

    def _clip(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None and self.clipnorm > 0:
            return [clip_by_norm(g, self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None and self.global_clipnorm > 0:
            clipped: list[Any] = clip_by_global_norm(gradients, self.global_clipnorm)[0]
            return clipped
        if self.clipvalue is not None and self.clipvalue > 0:
            return [clip_by_value(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Let `weight_decay` spare some variables.

        Args:
            var_list: variables.
            var_names: regular expressions: variables in whose name one is found.

        Raises:
            ValueError: the slots are there already.
        """
        if self._built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is built."
            )
        self._undecayed = NoDependency(  # type: ignore[assignment]
            ({v.ref() for v in var_list or ()}, tuple(var_names or ()))
        )

    def _decay(self, variables: list[Variable]) -> None:
        if self.weight_decay is None or (
            isinstance(self.weight_decay, (int, float)) and self.weight_decay == 0
        ):
            return
        spared, names = self._undecayed
        for variable in variables:
            if variable.ref() in spared or any(re.search(name, variable.name) for name in names):
                continue
            share = cast(self.weight_decay, variable.dtype) * self._rate(variable)
            variable.assign_sub(variable * share)

    def _rate(self, variable: Variable) -> Any:
        """The learning rate in a variable's dtype."""
        return cast(self.learning_rate, variable.dtype)

    def _average(self, variables: list[Variable]) -> None:
        if not self.use_ema:
            return
        keep = self.ema_momentum
        due: Any = None
        if self.ema_overwrite_frequency is not None:
            due = self._iterations % self.ema_overwrite_frequency == 0
        for variable in variables:
            average = self._slot(self._averages, variable)
            average.assign(keep * average + (1 - keep) * variable)
            if due is not None:
                variable.assign(where(due, average.read_value(), variable.read_value()))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """After training with `use_ema`: make the averages the variables' values."""
        if self.use_ema:
            for variable in var_list:
                variable.assign(self._slot(self._averages, variable))

    # Configuration

    def _configured_rate(self) -> Any:
        rate = self._learning_rate
        if isinstance(rate, schedules.LearningRateSchedule):
            return schedules.serialize(rate)
        return rate.numpy() if isinstance(rate, Variable) else rate()

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        return {
            "name": self.name,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "jit_compile": False,
            "is_legacy_optimizer": False,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Optimizer:
        """An optimizer, without state, from what `get_config` gave.

        Args:
            config: the dict.
            custom_objects: classes of learning rate schedules of the caller's own, by name.
        """
        arguments = dict(config)
        if isinstance(arguments.get("learning_rate"), dict):
            arguments["learning_rate"] = schedules.deserialize(arguments["learning_rate"], custom_objects)
        return cls(**arguments)


def _refuse_others(optimizer: str, arguments: dict[str, Any]) -> None:
    """Refuse what no optimizer takes, or no longer takes."""
    arguments.pop("is_legacy_optimizer", None)  # part of a config
    if arguments.pop("lr", None):
        _log.warning("`lr` is ignored: give `%s` its `learning_rate`.", optimizer)
    for name in arguments:
        if name in ("decay", "gradient_aggregator", "gradient_transformers"):
            raise ValueError(
                f"{name} is deprecated in the new Keras optimizer: use keras.optimizers.legacy.{optimizer}, or "
                "instead of `decay` a learning rate schedule."
            )
    if arguments:
        raise TypeError(f"{optimizer} takes no argument {', '.join(sorted(arguments))}.")


class _Variables(list[Variable]):
    """A list that can be called too: in older releases, `variables` was a method."""

    def __call__(self) -> list[Variable]:
        return self


def with_gradient(pairs: list[tuple[Any, Variable]]) -> list[tuple[Any, Variable]]:
    """The pairs that have a gradient."""
    some = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
    if not some:
        raise ValueError(
            f"No gradients provided for any variable: {[v.name for _, v in pairs]}. Was the loss computed from them, "
            "on the tape?"
        )
    if len(some) < len(pairs):
        without = [v.name for gradient, v in pairs if gradient is None]
        _log.warning("Gradients do not exist for variables %s when minimizing the loss.", without)
    return [(g if isinstance(g, IndexedSlices) else tensor(g), v) for g, v in some]


def summed_rows(gradient: Any) -> Any:
    """A gradient in which no row occurs twice."""
    if not isinstance(gradient, IndexedSlices):
        return gradient
    rows, position = unique(gradient.indices)
    return IndexedSlices(
        unsorted_segment_sum(gradient.values, position, shape(rows)[0]), rows, gradient.dense_shape
    )
