"""What layers hold: weights, layers, losses and metrics, found in what is assigned to their attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ... import dtypes, nest
from ...context import init_scope, name_scope
from ...module import Module
from ...tensor import SymbolicTensor
from ...tensor_shape import TensorShape
from ...trackable import BOOKKEEPING
from ...variable import Variable, VariableSynchronization
from .autocast import AutoCastVariable
from .call_context import current_call
from .keras_tensor import KerasTensor
from .state import LayerState, is_container, modules_in, unique, variables_in

__all__ = ["WeightHolder"]

# Arguments of `add_weight` that mean nothing here, or are read on their own.
_WITHOUT_EFFECT = frozenset(
    (
        *("caching_device", "collections", "experimental_autocast", "experimental_enable_variable_lifting"),
        *("getter", "layout", "partitioner"),
    )
)
# The attribute that holds a layer's `LayerState`.
STATE = "_keras_state"


class WeightHolder(Module):
    """A module that lists its weights as Keras 2 does: its own first, in the order in which they were made."""

    _TF_MODULE_IGNORED_PROPERTIES = BOOKKEEPING | {STATE, "_name_scope"}
    _keras_state: LayerState

    @property
    def _state(self) -> LayerState:
        state = self.__dict__.get(STATE)
        if state is None:
            raise RuntimeError(
                f"It looks like you are subclassing `{_base_name(self)}` and you forgot to call `super().__init__()`. "
                "Always start with this line."
            )
        return state  # type: ignore[no-any-return]

    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        descriptor = getattr(type(self), name, None)
        if isinstance(descriptor, property) or name == STATE or name in BOOKKEEPING:
            object.__setattr__(self, name, value)
            return
        if name in self.__dict__:
            self._forget(self.__dict__[name], but=value)
        super().__setattr__(name, value)
        if self.__dict__.get("_self_setattr_tracking", True) and name in self.__dict__.get(
            "_self_tracked", ()
        ):
            self._notice(self.__dict__[name])

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        super().__delattr__(name)
        self._forget(value)

    def _notice(self, value: Any) -> None:
        """List what was assigned to an attribute among the weights, layers or metrics."""
        state = self._state
        if isinstance(value, Variable):
            own = state.trainable_weights + state.non_trainable_weights
            if all(value is not v for v in own):
                (state.trainable_weights if value.trainable else state.non_trainable_weights).append(value)
        elif (isinstance(value, Module) or is_container(value)) and all(value is not p for p in state.parts):
            state.parts.append(value)
            for metric in modules_in([value]):
                if _is_metric(metric) and all(metric is not m for m in state.metrics):
                    state.metrics.append(metric)

    def _forget(self, value: Any, but: Any = None) -> None:
        """Take a value that an attribute held off the lists, unless another attribute holds it."""
        if value is None or value is but or STATE not in self.__dict__:
            return
        if not isinstance(value, (Variable, Module)) and not is_container(value):
            return
        held = sum(v is value for v in vars(self).values())
        if held > int(but is not None):
            return
        state = self._state
        for known in (state.trainable_weights, state.non_trainable_weights, state.parts, state.metrics):
            known[:] = [x for x in known if x is not value]

    # What it holds

    def _own_modules(self) -> list[Module]:
        """The layers and modules directly in it."""
        return unique(m for m in modules_in(self._state.parts) if not _is_metric(m))

    def _flatten_layers(self, recursive: bool = True, include_self: bool = True) -> Iterator[Any]:
        """It and the layers it holds, each before those that it holds itself."""
        if include_self:
            yield self
        seen: set[int] = {id(self)}
        waiting = list(self._own_modules())
        while waiting:
            module = waiting.pop(0)
            if id(module) in seen:
                continue
            seen.add(id(module))
            if isinstance(module, WeightHolder):
                yield module
                if recursive:
                    waiting[:0] = module._own_modules()
            elif recursive:
                waiting[:0] = [m for m in module.submodules if isinstance(m, WeightHolder)]

    def _list_weights(self, trainable: bool) -> list[Variable]:
        """Its own weights in lists and dicts count as well."""
        state = self._state
        own = state.trainable_weights if trainable else state.non_trainable_weights
        return own + [v for v in variables_in(state.parts) if v.trainable == trainable]

    @property
    def trainable(self) -> bool:
        """Do its weights count as trainable? Switching it switches all layers in it."""
        return self._state.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._state.trainable = bool(value)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes: its own, then those of the layers in it; none if it is not `trainable`."""
        if not self._state.trainable:
            return []
        nested = [v for m in self._own_modules() for v in m.trainable_variables]
        return unique(self._list_weights(True) + nested)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone; all of them if it is not `trainable`."""
        own = self._list_weights(False)
        modules = self._own_modules()
        if self._state.trainable:
            nested = [v for m in modules for v in m.non_trainable_variables]
        else:
            own = self._list_weights(True) + own
            nested = [v for m in modules for v in m.variables]
        return unique(own + nested)

    @property
    def weights(self) -> list[Variable]:
        """All weights: those that are trainable, then the others."""
        return unique(self.trainable_weights + self.non_trainable_weights)

    @property
    def variables(self) -> list[Variable]:
        """All weights (`weights`)."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that training changes (`trainable_weights`)."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The weights that training leaves alone (`non_trainable_weights`)."""
        return self.non_trainable_weights

    @property
    def _trainable_weights(self) -> list[Variable]:
        return self._state.trainable_weights

    @property
    def _non_trainable_weights(self) -> list[Variable]:
        return self._state.non_trainable_weights

    def add_weight(
        self,
        name: str | None = None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: Any = None,
        **kwargs: Any,
    ) -> Variable:
        """Make a weight.

        Args:
            name: its name, under the layer's name scope.
            shape: its shape; None: ().
            dtype: its dtype; None: the layer's variable dtype.
            initializer: gives its first value: an initializer, its name, or a function of shape and dtype. None:
                Glorot's uniform one for floating numbers, zeros for other numbers.
            regularizer: a function of the weight whose value is added to the layer's `losses`.
            trainable: does training change it? None: yes, unless it is synchronized on read.
            constraint: applied to it after each step of an optimizer.
            use_resource, aggregation, synchronization: see `Variable`.

        Raises:
            ValueError: there is no initializer for the dtype, or it is to be both trainable and synchronized on read.
            TypeError: an unknown argument.
        """
        from ..constraints import get as get_constraint
        from ..initializers import get as get_initializer
        from ..regularizers import get as get_regularizer

        unknown = set(kwargs) - _WITHOUT_EFFECT
        if unknown:
            raise TypeError(f"add_weight() got an unknown keyword argument: {sorted(unknown)[0]}")
        state = self._state
        chosen = dtypes.as_dtype(dtype or state.policy.variable_dtype or "float32")
        if trainable and synchronization == VariableSynchronization.ON_READ:
            raise ValueError(
                "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. "
                "You have specified trainable=True and synchronization=VariableSynchronization.ON_READ."
            )
        trains = trainable if trainable is not None else synchronization != VariableSynchronization.ON_READ
        start = get_initializer(initializer)
        if start is None:
            if not (chosen.is_floating or chosen.is_integer or chosen.is_bool or chosen.is_complex):
                raise ValueError(
                    f"An initializer for variable {name} of type {chosen.name} is required for layer {self.name}. "
                    "Pass `initializer=`."
                )
            start = get_initializer("glorot_uniform" if chosen.is_floating else "zeros")
        dims = TensorShape(() if shape is None else shape)
        casts = kwargs.get("experimental_autocast", True) and state.autocast and chosen.is_floating
        cls = (
            AutoCastVariable
            if casts and state.policy.compute_dtype != state.policy.variable_dtype
            else Variable
        )
        with init_scope():
            made = cls(
                lambda: start(dims.as_list(), dtype=chosen),
                trainable=trains,
                name=name or "Variable",
                dtype=chosen,
                constraint=get_constraint(constraint),
                synchronization=synchronization,
                aggregation=aggregation,
                shape=None if dims.is_fully_defined() else dims,
            )
        regularize = get_regularizer(regularizer)
        if regularize is not None:
            self._add_regularization(made, name or "Variable", regularize)
        (state.trainable_weights if trains else state.non_trainable_weights).append(made)
        if name and "/" not in name:  # a child under its own name, whatever attribute it becomes
            self._track_trackable(made, name, overwrite=True)
        return made

    def add_variable(self, *args: Any, **kwargs: Any) -> Variable:
        """`add_weight`, by its old name."""
        return self.add_weight(*args, **kwargs)

    def _add_regularization(self, weight: Variable, name: str, regularize: Callable[[Any], Any]) -> None:
        def loss() -> Any:
            with name_scope(f"{name}/Regularizer"):
                return regularize(weight)

        self.add_loss(loss)

    def get_weights(self) -> list[Any]:
        """The values of `weights`, as arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values, in their order.

        Raises:
            ValueError: there are more or fewer than there are weights, or a shape does not fit.
        """
        own = self.weights
        if len(own) != len(weights):
            more = (
                "" if own or not weights else " It has none before it is built: call it, or `build`, first."
            )
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self.name}" with a weight list of length '
                f"{len(weights)}, but the layer was expecting {len(own)} weights.{more}"
            )
        for variable, value in zip(own, weights, strict=True):
            if not variable.shape.is_compatible_with(np.shape(value)):
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with provided weight shape "
                    f"{np.shape(value)}."
                )
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """How many numbers its weights hold.

        Raises:
            ValueError: it has not been built.
        """
        if not self._state.built:
            raise ValueError(
                f"You tried to call `count_params` on layer {self.name}, but the layer isn't built. You can build it "
                "manually via: `layer.build(batch_input_shape)`."
            )
        return sum(int(np.prod(np.asarray(v.shape.as_list(), int))) for v in self.weights)

    # Losses and metrics

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """Add to `losses`: what the layer adds to what training makes small.

        Args:
            losses: a tensor, a function without arguments, or a list of such. In `call`, tensors count until the next
                call; functions count for good.

        Raises:
            TypeError: an argument besides `inputs`, which older releases had.
        """
        kwargs.pop("inputs", None)
        if kwargs:
            raise TypeError(f"Unknown keyword arguments: {sorted(kwargs)}")
        for loss in nest.flatten(losses):
            if callable(loss):
                self._state.callable_losses.append(loss)
            elif isinstance(loss, KerasTensor):
                self._add_symbolic_loss(loss)
            elif loss is not None:
                self._state.losses.append(loss)

    def _add_symbolic_loss(self, loss: KerasTensor) -> None:
        raise ValueError(
            f'Layer "{self.name}" was given a loss that is a symbolic tensor outside of a functional model; call '
            "`add_loss` on the model, or inside of `call`."
        )

    def _add_symbolic_metric(self, value: KerasTensor, name: str) -> None:
        raise ValueError(
            f'Layer "{self.name}" was asked to follow a symbolic tensor outside of a functional model; call '
            "`add_metric` on the model, or inside of `call`."
        )

    @property
    def losses(self) -> list[Any]:
        """The losses that it and the layers in it added, and its regularizers', each a scalar tensor."""
        found: list[Any] = []
        for layer in self._flatten_layers():
            state = layer._state
            found += [loss for loss in state.losses if _is_alive(loss)]
            for make in state.callable_losses:
                value = make()
                if value is not None:
                    found.append(value)
        return found

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._state.losses.clear()

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> None:
        """Follow a value: a metric of that name is kept for the layer, and has the mean of all values it was given.

        Args:
            value: a tensor.
            name: the metric's name.

        Raises:
            ValueError: no name, or another metric that the layer has is of that name.
            TypeError: an unknown argument.
        """
        from ..metrics import Mean

        made_by = getattr(value, "_metric_obj", None)
        unknown = set(kwargs) - {"aggregation", "inputs"}
        if unknown:
            raise TypeError(f"Unknown keyword arguments: {sorted(unknown)}")
        if name is None and made_by is None:
            raise ValueError(
                "Please provide a name for your metric like `self.add_metric(tf.reduce_sum(inputs), "
                "name='mean_activation')`"
            )
        if isinstance(value, KerasTensor):
            self._add_symbolic_metric(value, str(name))
            return
        name = made_by.name if made_by is not None and name is None else name
        known = next((m for m in self._state.metrics if m.name == name), None)
        if made_by is not None:
            if known is not None and known is not made_by:
                raise ValueError(f"This layer already has a metric with the name '{name}'.")
            if known is None:
                self._state.metrics.append(made_by)
            return
        if known is None:
            with init_scope():
                known = Mean(name=name, dtype=getattr(value, "dtype", None))
            self._state.metrics.append(known)
        known(value)

    @property
    def metrics(self) -> list[Any]:
        """The metrics that it and the layers in it hold."""
        return unique(m for layer in self._flatten_layers() for m in layer._state.metrics)

    @property
    def updates(self) -> list[Any]:
        """Empty: state changes where `call` changes it."""
        return []

    def add_update(self, updates: Any) -> None:
        """Run functions that change state; kept for old code, which may as well change it in `call` itself.

        Args:
            updates: a function without arguments, or a list of such; anything else has happened already.
        """
        call = current_call()
        if call is not None and call.symbolic:
            return
        for update in nest.flatten(updates):
            if callable(update):
                update()


def _is_alive(loss: Any) -> bool:
    """Can the tensor be used here? Those of a graph that is finished cannot."""
    from ...context import state

    if not isinstance(loss, SymbolicTensor):
        return True
    trace = state.trace
    while trace is not None:
        if trace is loss.trace:
            return True
        trace = trace.outer
    return False


def _is_metric(value: Any) -> bool:
    return getattr(type(value), "_is_keras_metric", False)


def _base_name(holder: Any) -> str:
    return "Model" if any(c.__name__ == "Model" for c in type(holder).__mro__) else "Layer"
