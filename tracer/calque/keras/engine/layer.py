"""`Layer`: a module that is built when its input's shape is known, and called through `call`."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ... import dtypes, nest
from ...api.math_ops import cast
from ...autograph.calls import tf_convert
from ...autograph.status import control_status
from ...context import init_scope, name_scope, state
from ...tensor import convert_to_tensor
from ...tensor_shape import TensorShape
from ..mixed_precision import policy_of
from ..mixed_precision import serialize as serialize_policy
from ..naming import observe_object_name, snake_case, unique_object_name
from .arguments import (
    arrays_as_tensors,
    as_shapes,
    as_tensors,
    batch_shape,
    batch_size,
    cast_floating,
    spec_of,
    specs_of_call,
)
from .autocast import compute_in
from .call_context import Call, current_call, enter, learning_phase_if_set
from .call_spec import CallSpec
from .config import ConfigMixin
from .connections import Connections
from .input_spec import assert_input_compatibility
from .keras_tensor import keras_tensors_in
from .masks import mask_of, set_mask
from .state import LayerState
from .weights import STATE

__all__ = ["Layer"]

_ACCEPTED: Final = frozenset(
    ("activity_regularizer", "autocast", "batch_input_shape", "batch_size", "experimental_autocast", "implementation",
     "input_dim", "input_shape", "weights")
)  # fmt: skip


class Layer(ConfigMixin, Connections):
    """The base of layers and models.

    Args:
        trainable: may training change its weights?
        name: its name; None: the class's name in snake case, with a number behind it if that is taken.
        dtype: the dtype of weights and computation, or a `mixed_precision.Policy` or its name; None: the global policy.
        dynamic: can `call` only be run eagerly?

    Further keyword arguments: ``input_shape`` or ``batch_input_shape`` (the shape of the input, without or with the
    batch dimension, for the first layer of a `Sequential`), ``autocast=False`` (floating inputs keep their dtype),
    ``activity_regularizer`` (a function of the results whose value is added to `losses`).

    Subclasses define ``call(self, inputs, ...)``, which may take `training` and `mask`, and ``build(self, shape)``,
    which is called once, before the first call, and makes the weights.

    Raises:
        TypeError: an unknown keyword argument.
    """

    supports_masking = False
    _preserves_input_structure = False  # in the config of a functional model
    _is_op_layer = False
    _makes_tensors = True  # of arrays and numbers that it is called with
    _must_restore_from_config = False
    _keras_identifier = "_tf_keras_layer"

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        unknown = set(kwargs) - _ACCEPTED
        if unknown:
            raise TypeError(f"Keyword argument not understood: {sorted(unknown)}")
        if not isinstance(trainable, (bool, np.bool_)) and trainable is not None:
            raise TypeError(f"Expected `trainable` argument to be a boolean, but got: {trainable}")
        known = LayerState(
            policy_of(dtype), bool(trainable) if trainable is not None else True, dynamic=dynamic
        )
        known.autocast = kwargs.get("autocast", kwargs.get("experimental_autocast", True))
        known.fixed_input = batch_shape(kwargs)
        before = self.__dict__.get(STATE)
        self.__dict__[STATE] = known
        if before is not None:  # a second base's __init__: what was assigned before stays
            known.parts, known.metrics = before.parts, before.metrics
            known.trainable_weights = before.trainable_weights
            known.non_trainable_weights = before.non_trainable_weights
        if name is None:
            name = unique_object_name(
                snake_case(type(self).__name__), zero_based=True, avoid_observed_names=True
            )
        else:
            observe_object_name(name)
        self.__dict__["_name"] = name
        if kwargs.get("weights") is not None:
            self.__dict__["_initial_weights"] = kwargs["weights"]
        if kwargs.get("activity_regularizer") is not None:
            from ..regularizers import get as get_regularizer

            self.activity_regularizer = get_regularizer(kwargs["activity_regularizer"])

    # What it is

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def name_scope(self) -> name_scope:
        """The name scope of its weights and ops."""
        return name_scope(self._name)

    @property
    def dtype(self) -> Any:
        """The dtype of its weights, a string."""
        return self._state.policy.variable_dtype

    @property
    def variable_dtype(self) -> Any:
        """The dtype of its weights, a string."""
        return self._state.policy.variable_dtype

    @property
    def compute_dtype(self) -> Any:
        """The dtype in which it computes, a string."""
        return self._state.policy.compute_dtype

    @property
    def dtype_policy(self) -> Any:
        """Its dtype policy."""
        return self._state.policy

    @property
    def dynamic(self) -> bool:
        """Can it only be run eagerly?"""
        return any(layer._state.dynamic for layer in self._flatten_layers())

    @property
    def built(self) -> bool:
        """Have its weights been made?"""
        return self._state.built

    @built.setter
    def built(self, value: bool) -> None:
        self._state.built = bool(value)

    @property
    def stateful(self) -> bool:
        """Does it, or a layer in it, keep something from one batch to the next?"""
        own = self.__dict__.get("_stateful", False)
        return bool(own) or any(
            layer.__dict__.get("_stateful", False) for layer in self._flatten_layers(include_self=False)
        )

    @stateful.setter
    def stateful(self, value: bool) -> None:
        self.__dict__["_stateful"] = bool(value)

    @property
    def input_spec(self) -> Any:
        """What it asks of its inputs: an `InputSpec`, or a structure of them."""
        return self._state.input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        from .input_spec import InputSpec

        for one in nest.flatten(value):
            if one is not None and not isinstance(one, InputSpec):
                raise TypeError(f"Layer input_spec must be an instance of InputSpec. Got: {one}")
        self._state.input_spec = value

    @property
    def activity_regularizer(self) -> Any:
        """What is added to the losses for its results."""
        return self.__dict__.get("_activity_regularizer")

    @activity_regularizer.setter
    def activity_regularizer(self, value: Any) -> None:
        self.__dict__["_activity_regularizer"] = value

    @property
    def _call_spec(self) -> CallSpec:
        known = self._state.call_spec
        if known is None:
            known = self._state.call_spec = CallSpec(self.call)
        return known  # type: ignore[no-any-return]

    @property
    def _expects_training_arg(self) -> bool:
        return self._call_spec.expects_training

    @property
    def _saved_identifier(self) -> str:  # type: ignore[override]
        return self._keras_identifier

    # To be defined by subclasses

    def build(self, input_shape: Any) -> None:
        """Make the weights. Called once, with the input's shape, or a structure of shapes like the input's."""
        self._state.build_input_shape = input_shape
        self._state.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What the layer does, given its inputs.

        Args:
            inputs: a tensor, or a structure of tensors.
            *args, **kwargs: what else it takes; `training` and `mask` have a meaning.
        """
        return inputs

    def finalize_state(self) -> None:
        """Do what has to be done once when the layer's state has been learned or loaded; most layers do nothing."""

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of its result.

        Raises:
            TypeError: there is a mask of the input, and the layer does not support masking.
        """
        if not self.supports_masking:
            if any(m is not None for m in nest.flatten(mask)):
                raise TypeError(
                    f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}"
                )
            return None
        return mask

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Build the layer if that has not been done, and run `call`.

        Args:
            *args: the inputs, and whatever else `call` takes. Arrays and Python numbers become tensors; symbolic
                tensors (`keras.Input`) give symbolic tensors.
            **kwargs: arguments of `call`. `training` is what the layer around was called with where it is not given,
                and `mask` what belongs to the inputs.

        Raises:
            ValueError: the inputs do not fit the layer's `input_spec`, or there are none.
        """
        known = self._state
        inputs, args, kwargs = self._call_spec.split(args, kwargs)
        if keras_tensors_in(inputs, args, kwargs):
            from .symbolic import call_on_symbols

            return call_on_symbols(self, inputs, args, kwargs)
        if self._makes_tensors:
            inputs, args, kwargs = as_tensors(inputs), arrays_as_tensors(args), arrays_as_tensors(kwargs)
        outer = current_call()
        if outer is None:
            self._clear_losses()
        args, kwargs, mask = self._with_mask(inputs, args, kwargs)
        args, kwargs, training = self._with_training(args, kwargs, outer)
        with enter(Call(self, inputs, training, False)), name_scope(self._name):
            outputs = self._run(inputs, args, kwargs)
            self._finish(inputs, outputs, mask)
        if known.save_spec is None:
            known.save_spec = specs_of_call(inputs, args, kwargs, self._call_spec)
        return outputs

    def _run(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Check and cast the inputs, build the layer, and run `call`; the name scope is entered."""
        known = self._state
        if known.input_spec is not None:
            assert_input_compatibility(known.input_spec, inputs, self._name)
        if not known.built:
            self._build_for(inputs)
            if known.input_spec is not None:
                assert_input_compatibility(known.input_spec, inputs, self._name)
        policy = known.policy
        if known.autocast and policy.compute_dtype is not None:
            inputs = cast_floating(inputs, policy.compute_dtype)
        call = self.call if state.trace is None else tf_convert(self.call, control_status())
        mixed = policy.compute_dtype if policy.compute_dtype != policy.variable_dtype else None
        with compute_in(mixed):
            return call(inputs, *args, **kwargs)

    def _build_for(self, inputs: Any) -> None:
        shapes = nest.map_structure(lambda x: x.shape if hasattr(x, "shape") else None, inputs)
        with init_scope():
            if type(self).build is not Layer.build or "build" in self.__dict__:
                self.build(shapes)
            Layer.build(self, shapes)
        start = self.__dict__.pop("_initial_weights", None)
        if start is not None:
            self.set_weights(start)

    def _with_mask(
        self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
        """The arguments with `mask`, where `call` takes it and it was not passed; and the mask of the inputs."""
        spec = self._call_spec
        found = nest.map_structure(mask_of, inputs)
        if spec.expects_mask and spec.passed("mask", args, kwargs):
            given = spec.given("mask", args, kwargs)
            if given is not None:
                return args, kwargs, given
        if all(m is None for m in nest.flatten(found)):
            return args, kwargs, None
        if spec.expects_mask:
            args, kwargs = spec.with_value("mask", found, args, kwargs)
        return args, kwargs, found

    def _with_training(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], outer: Call | None
    ) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
        """The arguments with `training`, where `call` takes it and it was not passed; and the training mode."""
        spec = self._call_spec
        if not spec.expects_training and "training" in kwargs:  # it is for the layers inside
            return args, {k: v for k, v in kwargs.items() if k != "training"}, kwargs["training"]
        if not spec.expects_training:
            return args, kwargs, None if outer is None else outer.training
        training = spec.given("training", args, kwargs)
        if training is None:
            training = None if outer is None else outer.training
            if training is None:
                training = learning_phase_if_set()
            if training is None and (outer is None or not outer.symbolic):
                training = spec.default_training
            if training is not None or "training" in spec.names:
                args, kwargs = spec.with_value("training", training, args, kwargs)
        return args, kwargs, training

    def _finish(self, inputs: Any, outputs: Any, mask: Any) -> None:
        """After `call`: regularize what it gave, and say which mask belongs to it."""
        # Its own: a wrapper shows its layer's as `activity_regularizer`, which that layer applies.
        regularize = self.__dict__.get("_activity_regularizer")
        if regularize is not None:
            with name_scope("ActivityRegularizer"):
                for output in nest.flatten(outputs):
                    batch = cast(convert_to_tensor(batch_size(output)), output.dtype)
                    self.add_loss(regularize(output) / batch)
        if not self.supports_masking and not self._makes_masks():
            return
        flat = nest.flatten(outputs)
        if all(mask_of(x) is not None for x in flat):
            return
        if mask is None and not self._makes_masks():
            return
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            return
        flat_masks = nest.flatten(masks) if len(flat) > 1 or nest.is_nested(masks) else [masks]
        for output, one in zip(flat, flat_masks, strict=False):
            set_mask(output, one)

    def _makes_masks(self) -> bool:
        return type(self).compute_mask is not Layer.compute_mask

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "call" and STATE in self.__dict__:
            self._state.call_spec = None
        super().__setattr__(name, value)

    # Shapes

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result for an input of this shape (or structure of shapes); the layer is built by it.

        Raises:
            NotImplementedError: `call` cannot be traced with such inputs.
        """
        from .symbolic import outputs_for

        shapes = as_shapes(input_shape)
        specs = nest.map_structure(lambda s: spec_of(s, self.compute_dtype or "float32"), shapes)
        try:
            outputs = outputs_for(self, specs)
        except TypeError as error:
            raise NotImplementedError(
                f"We could not automatically infer the shape of the layer's output. Please implement the "
                f"`compute_output_shape` method on your layer ({type(self).__name__}): {error}"
            ) from error
        return nest.map_structure(lambda t: t.shape, outputs)

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The specs of the result for inputs of these specs."""
        from ...tensor_spec import TensorSpec

        shapes = nest.map_structure(lambda s: TensorShape(s.shape), input_signature)
        dtype = self.compute_dtype or nest.flatten(input_signature)[0].dtype
        out = self.compute_output_shape(shapes)
        return nest.map_structure(lambda s: TensorSpec(s, dtypes.as_dtype(dtype)), out)

    # Saving and configuration

    def _saved_children(self, cache: dict[str, Any]) -> dict[str, Any]:
        from ..saving.layer_functions import SavedLayers

        return self._trackable_children("savedmodel") | SavedLayers.of(cache).children(self)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from; subclasses add their own to it.

        Raises:
            NotImplementedError: the class takes arguments that a config cannot hold by itself.
        """
        known = self._state
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": known.trainable,
            "dtype": serialize_policy(known.policy),
        }
        if known.fixed_input is not None:
            config["batch_input_shape"] = known.fixed_input
        if known.dynamic:
            config["dynamic"] = True
        return self._with_own_arguments(config, Layer.get_config)
