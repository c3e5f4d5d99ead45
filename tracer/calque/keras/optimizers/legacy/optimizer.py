"""`Optimizer`, the base of the older optimizers: they keep slot variables for each variable, and hyperparameters.

In a checkpoint, slot variables hang on the variables that they are for; ``iter`` and the hyperparameters are children
of the optimizer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import calque as tf

from ....indexed_slices import IndexedSlices
from ....trackable import Trackable
from ....variable import Variable
from ... import initializers, naming
from .. import schedules
from ..optimizer import summed_rows, with_gradient

__all__ = ["Optimizer"]

_log = logging.getLogger("calque")
_KEYWORDS = ("clipnorm", "clipvalue", "decay", "global_clipnorm", "lr")


class Optimizer(Trackable):
    """Changes variables, given gradients. Slot variables are made for the variables of each step that have none yet.

    Subclasses name their hyperparameters with `_set_hyper`, define `_create_slots`, which calls `add_slot`, and
    `_resource_apply_dense` and `_resource_apply_sparse`.
    Hyperparameters are attributes too: numbers until the first step, and variables from then on.

    Args:
        name: the name scope; None: one made of the class's name.
        gradient_aggregator: what sums up gradients over replicas; of no effect with one.
        gradient_transformers: functions of a list of (gradient, variable) pairs, called one after the other.
        **kwargs: `clipnorm`, `clipvalue`, `global_clipnorm`: as for `keras.optimizers.Optimizer`; `decay`: the learning
            rate is divided by ``1 + decay * step``; `lr`: the learning rate, by its old name.

    Raises:
        TypeError: there are other arguments.
        ValueError: an argument is negative, or `clipnorm` and `global_clipnorm` are both given.
    """

    _saved_identifier = "optimizer"
    _hyper: dict[str, Any]

    def __init__(
        self,
        name: str | None,
        gradient_aggregator: Callable[..., Any] | None = None,
        gradient_transformers: Sequence[Callable[..., Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        for key, value in kwargs.items():
            if key not in _KEYWORDS:
                raise TypeError(
                    f"Unexpected keyword argument passed to optimizer: {key}. Allowed kwargs are {_KEYWORDS}."
                )
            if value is not None and value < 0:
                raise ValueError(f"Expected {key} >= 0, received: {value}")
        if "lr" in kwargs:
            _log.warning("The `lr` argument is deprecated, use `learning_rate` instead.")
        if kwargs.get("clipnorm") is not None and kwargs.get("global_clipnorm") is not None:
            raise ValueError(
                "Cannot accept both `clipnorm` and `global_clipnorm`. Received: "
                f"`clipnorm`={kwargs['clipnorm']}, `global_clipnorm`={kwargs['global_clipnorm']}."
            )
        self._name = name or naming.unique_object_name(
            naming.snake_case(type(self).__name__), zero_based=True
        )
        self._hyper = {}
        self._slots: dict[int, tuple[Variable, dict[str, Variable]]] = {}
        self._slot_names: list[str] = []
        self._weights: list[Variable] = []
        self._iterations: Variable | None = None
        self._hypers_created = False
        self._initial_decay = kwargs.get("decay") or 0.0
        self.gradient_aggregator = gradient_aggregator
        self.gradient_transformers = list(gradient_transformers or ())
        self.clipnorm = kwargs.get("clipnorm")
        self.clipvalue = kwargs.get("clipvalue")
        self.global_clipnorm = kwargs.get("global_clipnorm")
        clips = any(v is not None for v in (self.clipnorm, self.clipvalue, self.global_clipnorm))
        if clips and self.gradient_transformers:
            raise ValueError(
                "`clipnorm`, `clipvalue` and `global_clipnorm` cannot be set when `gradient_transformers` is set: clip "
                "in one of these."
            )

    # Hyperparameters

    def _set_hyper(self, name: str, value: Any) -> None:
        """Set a hyperparameter: a number, tensor, variable, schedule, or function without arguments."""
        if isinstance(value, Trackable):
            self._track_trackable(value, name, overwrite=True)
        before = self._hyper.get(name)
        if isinstance(before, Variable) and not isinstance(value, schedules.LearningRateSchedule):
            before.assign(value)
        else:
            self._hyper[name] = value

    def _get_hyper(self, name: str, dtype: Any = None) -> Any:
        """A hyperparameter's value, in a dtype; a schedule as it is."""
        self._create_hypers()
        value = self._hyper[name]
        if isinstance(value, schedules.LearningRateSchedule):
            return value
        if callable(value):
            value = value()
        return value if dtype is None else tf.cast(value, dtype)

    def _create_hypers(self) -> None:
        if self._hypers_created:
            return
        self._hypers_created = True
        for name, value in sorted(self._hyper.items()):
            if not tf.is_tensor(value) and not callable(value):
                self._hyper[name] = self.add_weight(name, [], initializer=value)

    def __getattr__(self, name: str) -> Any:
        name = "learning_rate" if name == "lr" else name
        if name in self.__dict__.get("_hyper", ()):
            return self._get_hyper(name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        name = "learning_rate" if name == "lr" else name
        if name in self.__dict__.get("_hyper", ()):
            self._set_hyper(name, value)
        else:
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__.get("_hyper", ())})

    def _decayed_lr(self, var_dtype: Any) -> Any:
        """The learning rate of this step in a dtype."""
        rate = self._get_hyper("learning_rate", var_dtype)
        step = tf.cast(self.iterations, var_dtype)
        if isinstance(rate, schedules.LearningRateSchedule):
            rate = tf.cast(rate(step), var_dtype)
        if self._initial_decay > 0.0:
            rate = rate / (1.0 + tf.cast(self._initial_decay, var_dtype) * step)
        return rate

    # Variables of its own

    @property
    def iterations(self) -> Variable:
        """The number of steps done: a variable of int64."""
        if self._iterations is None:
            self._iterations = self.add_weight("iter", [], dtype=tf.int64)
            self._weights.append(self._iterations)
        return self._iterations

    @iterations.setter
    def iterations(self, variable: Variable) -> None:
        if self._iterations is not None:
            raise RuntimeError(
                "Cannot set `iterations` to a new Variable after the Optimizer weights have been created. Here it is "
                f"attempting to set `iterations` to {variable}."
            )
        self._iterations = variable
        self._weights.append(variable)

    def add_weight(
        self, name: str, shape: Any, dtype: Any = None, initializer: Any = "zeros", trainable: bool = False
    ) -> Variable:
        """Make a variable of the optimizer's own, which is its child.

        Args:
            name: its name.
            shape: its shape.
            dtype: its dtype; None: float32.
            initializer: an initializer or its name, or a value.
            trainable: is it trainable?
        """
        dtype = tf.float32 if dtype is None else dtype
        with tf.init_scope():
            value = (
                initializers.get(initializer)(shape, dtype)
                if isinstance(initializer, str) or callable(initializer)
                else initializer
            )
            variable = Variable(value, dtype=dtype, trainable=trainable, name=name)
        self._track_trackable(variable, name, overwrite=True)
        return variable

    def add_slot(
        self, var: Variable, slot_name: str, initializer: Any = "zeros", shape: Any = None
    ) -> Variable:
        """The slot variable of this name for a variable, made if there is none.

        Args:
            var: the variable.
            slot_name: the name.
            initializer: an initializer or its name, or a value.
            shape: its shape; None: the variable's.
        """
        if slot_name not in self._slot_names:
            self._slot_names.append(slot_name)
        slots = self._slots.setdefault(id(var), (var, {}))[1]
        if slot_name not in slots:
            with tf.init_scope():
                value = (
                    initializers.get(initializer)(var.shape if shape is None else shape, var.dtype)
                    if isinstance(initializer, str) or callable(initializer)
                    else initializer
                )
                name = f"{var._shared_name}/{slot_name}"
                slot = Variable(value, dtype=var.dtype, trainable=False, name=name)
            slots[slot_name] = slot
            self._weights.append(slot)
            self._restore_slot(var, slot_name, slot)
        return slots[slot_name]

    def get_slot(self, var: Variable, slot_name: str) -> Variable:
        """The slot variable of this name for a variable.

        Raises:
            KeyError: there is none.
        """
        slots = self._slots.get(id(var), (var, {}))[1]
        if slot_name not in slots:
            raise KeyError(f"{self._name} has no slot '{slot_name}' for variable {var.name}.")
        return slots[slot_name]

    def get_slot_names(self) -> list[str]:
        """The names of all slots."""
        return self._slot_names

    def _slot_variables(self) -> list[tuple[Trackable, str, Trackable]]:
        return [(var, name, slot) for var, slots in self._slots.values() for name, slot in slots.items()]

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        """Make the slot variables for these variables; for subclasses."""

    def _create_all_weights(self, var_list: Sequence[Variable]) -> None:
        _ = self.iterations
        self._create_hypers()
        self._create_slots(var_list)

    def variables(self) -> list[Variable]:
        """The step count and the slot variables, in the order in which they were made."""
        return self._weights

    @property
    def weights(self) -> list[Variable]:
        """The same."""
        return self._weights

    def get_weights(self) -> list[Any]:
        """The values of `weights`, as arrays."""
        return [v.numpy() for v in self._weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values.

        Raises:
            ValueError: there are more or fewer, or a shape does not fit.
        """
        if len(weights) != len(self._weights):
            raise ValueError(
                f"You called `set_weights(weights)` on optimizer {self._name} with a weight list of length "
                f"{len(weights)}, but the optimizer was expecting {len(self._weights)} weights: they are made in the "
                "first step."
            )
        for variable, value in zip(self._weights, weights, strict=True):
            if not variable.shape.is_compatible_with(getattr(value, "shape", ())):
                raise ValueError(
                    f"Optimizer weight shape {variable.shape} not compatible with provided weight shape {value.shape}."
                )
            variable.assign(value)

    # Steps

    def minimize(
        self, loss: Any, var_list: Any, grad_loss: Any = None, name: str | None = None, tape: Any = None
    ) -> Any:
        """One step, by the gradients of a loss.

        Args:
            loss: a function without arguments that gives it, or a tensor.
            var_list: the variables, or a function that gives them once the loss was computed.
            grad_loss: the gradient of what the loss is part of.
            name: the name scope.
            tape: the GradientTape on which `loss` was computed, where it is a tensor.

        Raises:
            ValueError: `loss` is a tensor, and there is no tape.
        """
        pairs = self._compute_gradients(loss, var_list, grad_loss, tape)
        return self.apply_gradients(pairs, name=name)

    def _compute_gradients(
        self, loss: Any, var_list: Any, grad_loss: Any = None, tape: Any = None
    ) -> list[tuple[Any, Variable]]:
        if not callable(loss) and tape is None:
            raise ValueError(
                f"`tape` is required when a `Tensor` loss is passed. Received: loss={loss}, tape={tape}."
            )
        tape = tf.GradientTape() if tape is None else tape
        if callable(loss):
            with tape:
                if not callable(var_list):
                    tape.watch(var_list)
                loss = loss()
                if callable(var_list):
                    var_list = var_list()
        variables = tf.nest.flatten(var_list)
        return list(zip(tape.gradient(loss, variables, grad_loss), variables, strict=True))

    def get_gradients(self, loss: Any, params: Any) -> list[Any]:
        """In a graph: the gradients of a loss.

        Raises:
            ValueError: there is none for a variable.
        """
        variables = tf.nest.flatten(params)
        gradients = tf.gradients(loss, variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            if gradient is None:
                raise ValueError(
                    f"Variable {variable} has `None` for gradient: the loss does not depend on it."
                )
        return list(gradients)

    def apply_gradients(
        self, grads_and_vars: Any, name: str | None = None, experimental_aggregate_gradients: bool = True
    ) -> Any:
        """One step.

        Args:
            grads_and_vars: (gradient, variable) pairs. A gradient may be an IndexedSlices; where it is None, the
                variable stays.
            name: the name scope; None: the optimizer's name.
            experimental_aggregate_gradients: are gradients summed up over replicas?

        Returns:
            `iterations`, which is one more now.

        Raises:
            ValueError: every gradient is None.
            RuntimeError: a variable with a constraint gets an IndexedSlices.
        """
        pairs = with_gradient(list(grads_and_vars))
        variables = [variable for _, variable in pairs]
        with tf.name_scope(name or self._name):
            with tf.init_scope():
                self._create_all_weights(variables)
            for gradient, variable in self._transform_gradients(pairs):
                self._apply(gradient, variable)
            self.iterations.assign_add(1)
        return self.iterations

    def _transform_gradients(self, pairs: list[tuple[Any, Variable]]) -> list[tuple[Any, Variable]]:
        gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
        if self.clipvalue is not None:
            gradients = [tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in gradients]
        if self.clipnorm is not None:
            gradients = [tf.clip_by_norm(g, self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None:
            gradients = list(tf.clip_by_global_norm(gradients, self.global_clipnorm)[0])
        pairs = list(zip(gradients, variables, strict=True))
        for transform in self.gradient_transformers:
            pairs = transform(pairs)
        return pairs

    def _apply(self, gradient: Any, variable: Variable) -> None:
        if isinstance(gradient, IndexedSlices):
            if variable.constraint is not None:
                raise RuntimeError(
                    f"Cannot use a constraint function on a sparse variable. Received: grad={gradient}, "
                    f"var.constraint={variable.constraint}."
                )
            rows = summed_rows(gradient)
            self._resource_apply_sparse(rows.values, variable, rows.indices)
            return
        self._resource_apply_dense(gradient, variable)
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))

    def _resource_apply_dense(self, grad: Any, var: Variable, apply_state: Any = None) -> Any:
        """Change a variable, given its gradient, a tensor; for subclasses."""
        raise NotImplementedError("`_resource_apply_dense` must be implemented in subclasses.")

    def _resource_apply_sparse(self, grad: Any, var: Variable, indices: Any, apply_state: Any = None) -> Any:
        """Change rows of a variable, given their gradients; no row occurs twice. For subclasses."""
        raise NotImplementedError("`_resource_apply_sparse` must be implemented in subclasses.")

    # Configuration

    def _serialize_hyperparameter(self, hyperparameter_name: str) -> Any:
        value = self._hyper[hyperparameter_name]
        if isinstance(value, schedules.LearningRateSchedule):
            return schedules.serialize(value)
        if isinstance(value, Variable) or tf.is_tensor(value):
            return value.numpy()
        return value() if callable(value) else value

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        config: dict[str, Any] = {"name": self._name}
        for key in ("clipnorm", "clipvalue", "global_clipnorm"):
            if getattr(self, key) is not None:
                config[key] = getattr(self, key)
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Optimizer:
        """An optimizer, without state, from what `get_config` gave.

        Args:
            config: the dict.
            custom_objects: classes of learning rate schedules of the caller's own, by name.
        """
        arguments = dict(config)
        arguments.pop("is_legacy_optimizer", None)
        if "lr" in arguments:
            arguments["learning_rate"] = arguments.pop("lr")
        if isinstance(arguments.get("learning_rate"), dict):
            arguments["learning_rate"] = schedules.deserialize(arguments["learning_rate"], custom_objects)
        return cls(**arguments)
