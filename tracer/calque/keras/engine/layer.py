"""`Layer`: a module that is built when its input's shape is known, and called through `call`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from ... import dtypes, nest
from ...api.math_ops import cast
from ...autograph.calls import tf_convert
from ...autograph.status import control_status
from ...context import init_scope, name_scope, state
from ...tensor import Tensor, convert_to_tensor
from ...tensor_shape import TensorShape
from ..mixed_precision import policy_of
from ..mixed_precision import serialize as serialize_policy
from ..naming import observe_object_name, snake_case, unique_object_name
from .autocast import compute_in
from .call_context import Call, current_call, enter, learning_phase_if_set
from .call_spec import CallSpec
from .config import ConfigMixin
from .input_spec import assert_input_compatibility
from .keras_tensor import keras_tensors_in
from .masks import mask_of, set_mask
from .state import LayerState
from .weights import STATE, WeightHolder

__all__ = ["Layer"]

_ACCEPTED: Final = frozenset(
    ("activity_regularizer", "autocast", "batch_input_shape", "batch_size", "experimental_autocast", "implementation",
     "input_dim", "input_shape", "weights")
)  # fmt: skip
_PYTHON_NUMBERS = (np.ndarray, np.generic, float, int, bool)


class Layer(ConfigMixin, WeightHolder):
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
        known.fixed_input = _batch_shape(kwargs)
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
        inputs, args, kwargs = _as_tensors(inputs), _arrays_as_tensors(args), _arrays_as_tensors(kwargs)
        outer = current_call()
        if outer is None:
            self._clear_losses()
        args, kwargs, mask = self._with_mask(inputs, args, kwargs)
        args, kwargs, training = self._with_training(args, kwargs, outer)
        with enter(Call(self, inputs, training, False)), name_scope(self._name):
            outputs = self._run(inputs, args, kwargs)
            self._finish(inputs, outputs, mask)
        if known.save_spec is None:
            known.save_spec = _specs(inputs, args, kwargs, self._call_spec)
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
            inputs = _cast_floating(inputs, policy.compute_dtype)
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
        regularize = self.activity_regularizer
        if regularize is not None:
            with name_scope("ActivityRegularizer"):
                for output in nest.flatten(outputs):
                    batch = cast(convert_to_tensor(_batch_size(output)), output.dtype)
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

        shapes = _shapes(input_shape)
        specs = nest.map_structure(lambda s: _spec(s, self.compute_dtype or "float32"), shapes)
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

    # In functional models

    @property
    def _inbound_nodes(self) -> list[Any]:
        return self._state.inbound

    @property
    def _outbound_nodes(self) -> list[Any]:
        return self._state.outbound

    @property
    def inbound_nodes(self) -> list[Any]:
        """The calls of it on symbolic tensors."""
        return self._state.inbound

    @property
    def outbound_nodes(self) -> list[Any]:
        """The calls of other layers on what it gave for symbolic tensors."""
        return self._state.outbound

    def _node(self, index: int, what: str) -> Any:
        nodes = self._state.inbound
        if not nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {what}: call it on a "
                "`keras.Input` first."
            )
        if index >= len(nodes):
            raise ValueError(
                f"Asked to get {what} at node {index}, but the layer has only {len(nodes)} inbound nodes."
            )
        return nodes[index]

    def _the_one(self, what: str, get: Callable[[Any], Any]) -> Any:
        nodes = self._state.inbound
        found = get(self._node(0, what))
        if len(nodes) > 1 and any(_differ(get(node), found) for node in nodes[1:]):
            raise AttributeError(
                f"The layer {self.name} has multiple inbound nodes, hence the notion of {what} is ill-defined. Use "
                f"`get_{what.replace(' ', '_')}_at(node_index)` instead."
            )
        return found

    @property
    def input(self) -> Any:
        """The symbolic tensors it was called on, if it was called once."""
        return self._the_one("input", lambda n: n.input_tensors)

    @property
    def output(self) -> Any:
        """The symbolic tensors it gave, if it was called once."""
        return self._the_one("output", lambda n: n.outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of `input`, a tuple."""
        return _tuples(self._the_one("input shape", lambda n: n.input_shapes))

    @property
    def output_shape(self) -> Any:
        """The shape of `output`, a tuple."""
        return _tuples(self._the_one("output shape", lambda n: n.output_shapes))

    @property
    def input_mask(self) -> Any:
        """The masks of `input`."""
        return nest.map_structure(lambda t: t._keras_mask, self.input)

    @property
    def output_mask(self) -> Any:
        """The masks of `output`."""
        return nest.map_structure(lambda t: t._keras_mask, self.output)

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic tensors of a call of it."""
        return self._node(node_index, "input").input_tensors

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic results of a call of it."""
        return self._node(node_index, "output").outputs

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shapes of `get_input_at`."""
        return _tuples(self._node(node_index, "input shape").input_shapes)

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shapes of `get_output_at`."""
        return _tuples(self._node(node_index, "output shape").output_shapes)

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


def _batch_shape(kwargs: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """The batch shape that a constructor's keyword arguments say."""
    if "input_dim" in kwargs and "input_shape" not in kwargs:
        return (kwargs.get("batch_size"), kwargs["input_dim"])
    if kwargs.get("batch_input_shape") is not None:
        return tuple(kwargs["batch_input_shape"])
    if kwargs.get("input_shape") is not None:
        return (kwargs.get("batch_size"), *tuple(kwargs["input_shape"]))
    return None


def _as_tensors(inputs: Any) -> Any:
    """Inputs with tensors in the place of arrays and Python numbers."""
    if isinstance(inputs, Tensor):
        return inputs
    if isinstance(inputs, np.ndarray):
        return convert_to_tensor(inputs)
    if any(isinstance(x, _PYTHON_NUMBERS) for x in nest.flatten(inputs)):
        return nest.map_structure(
            lambda x: convert_to_tensor(x) if isinstance(x, _PYTHON_NUMBERS) else x, inputs
        )
    return inputs


def _arrays_as_tensors(given: Any) -> Any:
    """Further arguments with tensors in the place of arrays."""
    if not given:
        return given
    if not any(isinstance(x, np.ndarray) for x in nest.flatten(given)):
        return given
    return nest.map_structure(lambda x: convert_to_tensor(x) if isinstance(x, np.ndarray) else x, given)


def _cast_floating(inputs: Any, dtype: str) -> Any:
    wanted = dtypes.as_dtype(dtype)
    if not wanted.is_floating:
        return inputs

    def one(x: Any) -> Any:
        known = getattr(x, "dtype", None)
        if known is None or known == wanted or not getattr(known, "is_floating", False):
            return x
        changed = cast(x, wanted)
        set_mask(changed, mask_of(x))
        return changed

    if isinstance(inputs, Tensor):
        return one(inputs)
    return nest.map_structure(one, inputs)


def _batch_size(output: Any) -> Any:
    from ...api.array_ops import shape

    size = output.shape[0]
    return size if size is not None else shape(output)[0]


def _specs(inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any], spec: CallSpec) -> Any:
    """Specs of a call's arguments: tensors by shape and dtype, everything else as it is; the mode is left out."""
    from ...tensor_spec import TensorSpec

    def one(x: Any) -> Any:
        if isinstance(x, Tensor):
            return TensorSpec(x.shape, x.dtype)
        return getattr(x, "_type_spec", x)

    rest = {k: v for k, v in kwargs.items() if k not in ("training", "mask")}
    names = spec.names[1:]
    positional = [a for n, a in zip(names, args, strict=False) if n not in ("training", "mask")]
    return nest.map_structure(one, (inputs, *positional)), nest.map_structure(one, rest)


def _shapes(value: Any) -> Any:
    """A shape, or a structure of shapes, as TensorShapes."""
    if value is None or isinstance(value, TensorShape):
        return TensorShape(value)
    if isinstance(value, Mapping):
        return {k: _shapes(v) for k, v in value.items()}
    if all(x is None or isinstance(x, (int, np.integer)) for x in value):
        return TensorShape(value)
    return type(value)(_shapes(v) for v in value)


def _spec(shape: Any, dtype: Any) -> Any:
    from ...tensor_spec import TensorSpec

    return TensorSpec(shape, dtypes.as_dtype(dtype))


def _tuples(shapes: Any) -> Any:
    def one(shape: Any) -> Any:
        return None if shape is None or shape.rank is None else tuple(shape.as_list())

    return nest.map_structure(one, shapes)


def _differ(a: Any, b: Any) -> bool:
    flat_a, flat_b = nest.flatten(a), nest.flatten(b)
    return len(flat_a) != len(flat_b) or any(
        x is not y and not _same_shape(x, y) for x, y in zip(flat_a, flat_b, strict=True)
    )


def _same_shape(a: Any, b: Any) -> bool:
    return isinstance(a, TensorShape) and isinstance(b, TensorShape) and a.as_list() == b.as_list()
