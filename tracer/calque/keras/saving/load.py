"""`keras.models.load_model`: a SavedModel as a model of Keras again."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from calque_runtime.savedmodel.metagraph import UserObject, VariableInfo
from calque_runtime.wire.keras_metadata import FILE_NAME, decode_keras_metadata

from ... import dtypes, nest
from ...api.math_ops import cast
from ...context import name_scope
from ...data_structures import DictWrapper, ListWrapper
from ...errors import DataLossError, UnimplementedError
from ...resource import TableResource
from ...saved_model.load import load_with_nodes
from ...saved_model.loaded import LoadedResource
from ...tensor import EagerTensor
from ...tensor_spec import TensorSpec
from ...trackable import Trackable
from ...variable import Variable
from ..engine.arguments import open_batch
from ..engine.functional import Functional
from ..engine.functional_config import network_from_config
from ..engine.input_layer import InputLayer
from ..engine.layer import Layer
from ..engine.model import Model
from ..engine.sequential import Sequential
from ..layers.serialization import deserialize
from . import legacy_serialization as legacy
from .metadata import decode
from .registration import custom_object_scope, get_registered_object
from .revived import InferenceModel, RevivedLayer, RevivedModel

__all__ = ["load_model"]

_KINDS = frozenset(
    (
        "_tf_keras_input_layer",
        "_tf_keras_layer",
        "_tf_keras_metric",
        "_tf_keras_model",
        "_tf_keras_network",
        "_tf_keras_rnn_layer",
        "_tf_keras_sequential",
    )
)
_MODELS = frozenset(("_tf_keras_model", "_tf_keras_network", "_tf_keras_sequential"))
# Children of a saved layer that are no attributes of it.
_ENDPOINTS = frozenset(
    ("variables", "trainable_variables", "regularization_losses", "keras_api", "__call__", "optimizer", "signatures",
     "call_and_return_all_conditional_losses", "call_and_return_conditional_losses", "_default_save_signature",
     "activity_regularizer_fn", "states")
)  # fmt: skip


class _Saved(NamedTuple):
    """What the file says of one Keras object."""

    identifier: str
    metadata: Mapping[str, Any]


def load_model(
    filepath: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    options: Any = None,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """Load a model that Keras saved as a SavedModel directory.

    Layers and models are made from their configurations where their classes are known; others run the functions that
    were saved with them. What other programs than Keras 2 saved, or releases whose layers were others, becomes a
    model for inference that runs a signature.

    Args:
        filepath: the directory.
        custom_objects: classes and functions of the caller's own, by name.
        compile: compile the model as it was when it was saved, with the state of its optimizer?
        options: see `tf.saved_model.load`.
        safe_mode: refuse to make functions from code in the file (lambdas)?

    Raises:
        OSError: there is no such model.
        UnimplementedError: it is a file of a form that is not read, or it needs what is not supported.
        ValueError: its parts contradict each other.
    """
    from .serialization import safe_mode_scope

    if kwargs:
        raise TypeError(f"load_model() got unexpected arguments: {sorted(kwargs)}")
    path = os.fspath(filepath)
    if os.path.isfile(path):
        from .archives import load_archive

        return load_archive(path, custom_objects, compile, safe_mode)
    loaded, objects, graph = load_with_nodes(path, options)
    saved = _metadata(path, graph)
    if 0 not in saved:
        return InferenceModel(loaded)
    with (
        custom_object_scope(custom_objects or {}),
        safe_mode_scope(safe_mode),
        legacy.SharedObjectLoadingScope(),
    ):
        reviver = _Reviver(objects, graph, saved)
        try:
            model = reviver.revive(0)
            reviver.check()
        except (UnimplementedError, ValueError) as error:
            if not getattr(loaded, "signatures", None):
                raise
            warnings.warn(
                f"The model in '{path}' runs its signature, for inference: its layers cannot be made again. {error}",
                stacklevel=2,
            )
            return InferenceModel(loaded)
        if isinstance(model, Layer):
            for layer in model._flatten_layers():
                layer.finalize_state()
        if compile and isinstance(model, Model):
            reviver.compile(model)
    return model


def _metadata(path: str, graph: Any) -> dict[int, _Saved]:
    """What the directory says of Keras objects, by node: in a file of its own, or, of older releases, in the graph.

    Raises:
        DataLossError: it is damaged.
    """
    file = os.path.join(path, FILE_NAME)
    if os.path.exists(file):
        with open(file, "rb") as source:
            said = [(n.node_id, n.identifier, n.metadata) for n in decode_keras_metadata(source.read())]
    else:
        file = path
        said = [
            (number, node.kind.identifier, node.kind.metadata)
            for number, node in enumerate(graph.nodes)
            if isinstance(node.kind, UserObject) and node.kind.identifier in _KINDS and node.kind.metadata
        ]
    found = {}
    for number, identifier, text in said:
        try:
            found[number] = _Saved(identifier, decode(text))
        except (KeyError, TypeError, ValueError) as error:
            raise DataLossError(
                None, None, f"{file}: what it says of object {number} ({identifier}) is damaged: {error!r}"
            ) from error
        if number >= len(graph.nodes) or not isinstance(found[number].metadata, Mapping):
            raise DataLossError(
                None, None, f"{file}: what it says of object {number} ({identifier}) is of none."
            )
    return found


class _Reviver:
    """Makes the layers of one file.

    Args:
        objects: the loaded objects, by node.
        graph: the file's object graph.
        saved: what it says of Keras objects, by node.
    """

    def __init__(self, objects: list[Any], graph: Any, saved: dict[int, _Saved]) -> None:
        self._objects = objects
        self._nodes = graph.nodes
        self._saved = saved
        self._made: dict[int, Any] = {}
        self._bound: set[int] = set()
        self._refused: dict[int, str] = {}  # by node: why it cannot be made from its configuration

    def revive(self, number: int) -> Any:
        """The layer, model or metric of a node."""
        if number in self._made:
            return self._made[number]
        identifier, metadata = self._saved[number]
        made = self._from_config(number, identifier, metadata)
        if made is None:
            made = self._generic(number, identifier, metadata)
        else:
            self._made[number] = made
            self._build(made, number)
            self.bind(made, number)
            if isinstance(made, Layer) and made.built and self._without_place(number):
                # The class has other weights than when it was saved: do what the layer did then.
                made = self._generic(number, identifier, metadata)
        if isinstance(made, Layer) and not isinstance(made, InputLayer):
            self._set(made, metadata)
        return made

    def _set(self, layer: Layer, metadata: Mapping[str, Any]) -> None:
        """What is not in a configuration."""
        if metadata.get("trainable") is False:
            layer.trainable = False
        spec = metadata.get("full_save_spec")
        if spec is None and metadata.get("save_spec") is not None:
            spec = ([metadata["save_spec"]], {})
        if spec is not None and layer._state.save_spec is None:
            layer._state.save_spec = (tuple(spec[0]), dict(spec[1]))

    # From configurations

    def _from_config(self, number: int, identifier: str, metadata: Mapping[str, Any]) -> Any:
        name, config = metadata.get("class_name", ""), metadata.get("config")
        if not isinstance(config, Mapping) or legacy.UNDEFINED_CONFIG_KEY in str(config)[:200]:
            return None
        if identifier in _MODELS:
            network = self._network(number, identifier, metadata)
            if network is not None:
                return network
            if get_registered_object(name) is None:
                return None
        shared = (
            {legacy.SHARED_OBJECT_KEY: metadata[legacy.SHARED_OBJECT_KEY]}
            if legacy.SHARED_OBJECT_KEY in metadata
            else {}
        )
        try:
            if identifier == "_tf_keras_metric":
                from ..metrics import deserialize as deserialize_metric

                return deserialize_metric({"class_name": name, "config": config})
            return deserialize({"class_name": name, "config": config, **shared})
        except (ValueError, TypeError, NotImplementedError, KeyError, AttributeError) as error:
            if identifier == "_tf_keras_metric":
                return self._objects[number]
            why = self._refused[number] = f"{type(error).__name__}: {error}"
            if get_registered_object(name) is not None:
                warnings.warn(
                    f"Layer '{metadata.get('name')}' does what was saved with it: your class {name} cannot be made "
                    f"from the saved configuration. {why}",
                    stacklevel=2,
                )
            return None

    def _network(self, number: int, identifier: str, metadata: Mapping[str, Any]) -> Any:
        """A functional or sequential model, of layers that are revived one by one."""
        config = (metadata.get("model_config") or {}).get("config") or metadata.get("config") or {}
        if not isinstance(config, (Mapping, list)):
            return None
        layers = {}
        for name, child in self._nodes[number].children:
            if name.startswith("layer") and child in self._saved:
                revived = self.revive(child)
                layers[revived.name] = revived
        cls = get_registered_object(metadata.get("class_name", ""))
        if identifier == "_tf_keras_sequential":
            return self._sequential(cls or Sequential, config, layers)
        if not isinstance(config, Mapping) or "input_layers" not in config:
            return None
        inputs, outputs = network_from_config(config, created=layers)
        named = {"inputs": inputs, "outputs": outputs, "name": config.get("name")}
        try:
            made: Any = (cls or Functional)(**named)
        except TypeError:
            made = Functional(**named)
        made._adopt_additions()
        return made

    def _sequential(self, cls: Any, config: Any, layers: Mapping[str, Any]) -> Any:
        listed = config["layers"] if isinstance(config, Mapping) else config
        model = cls(name=config.get("name") if isinstance(config, Mapping) else None)
        for data in listed:
            inner = data.get("config")
            name = inner.get("name", "") if isinstance(inner, Mapping) else ""
            model.add(layers[name] if name in layers else deserialize(data))
        shape = config.get("build_input_shape") if isinstance(config, Mapping) else None
        if not model._is_graph_network and isinstance(shape, Mapping):
            Layer.build(model, shape)  # of dtypes that are not known: the layers are built, each by itself
        elif not model._is_graph_network and shape:
            model.build(shape)
        return model

    def _build(self, layer: Any, number: int) -> None:
        """Make the weights of a layer that is not built, if it is known for which shape."""
        if not isinstance(layer, Layer) or layer.built:
            return
        shape = self._saved[number].metadata.get("build_input_shape")
        if shape is None:
            shape = _traced_shape(self._objects[number])
        if shape is None:
            return
        if isinstance(layer, Sequential) and isinstance(shape, Mapping):
            Layer.build(layer, shape)
            return
        with name_scope(layer.name):
            layer.build(shape)
        Layer.build(layer, shape)

    # Of unknown classes

    def _generic(self, number: int, identifier: str, metadata: Mapping[str, Any]) -> Any:
        loaded = self._objects[number]
        cls = RevivedModel if identifier in _MODELS else RevivedLayer
        made = cls(metadata, loaded, self._refused.get(number))
        self._made[number] = made
        for name, child in self._nodes[number].children:
            if name not in _ENDPOINTS:
                self._attach(made, name, child)
        for child in self._children_of(number, "keras_api", "layers"):
            if child in self._saved:
                layer = self.revive(child)
                if all(layer is not p for p in made._state.parts):
                    made._state.parts.append(layer)
        own = {id(v._state) for v in made.weights}
        listed = self._children_of(number, "variables")
        for variable in (self._objects[child] for child in listed):
            if isinstance(variable, Variable) and id(variable._state) not in own:
                made._notice(variable)
        return made

    def _attach(self, layer: Any, name: str, child: int) -> None:
        value = self._value(child)
        if isinstance(value, Trackable) and not hasattr(type(layer), name):
            setattr(layer, name, value)

    def _value(self, number: int) -> Any:
        """The object of a node, with revived layers in it."""
        if number in self._saved:
            return self.revive(number)
        found = self._objects[number]
        children = self._nodes[number].children
        if isinstance(found, ListWrapper):
            return ListWrapper([self._value(child) for _, child in children])
        if isinstance(found, DictWrapper):
            return DictWrapper({name: self._value(child) for name, child in children})
        return found

    def _children_of(self, number: int, *path: str) -> list[int]:
        """The children of the object that a path of names leads to."""
        for name in path:
            found = dict(self._nodes[number].children).get(name)
            if found is None:
                return []
            number = found
        return [child for _, child in self._nodes[number].children]

    # Values

    def bind(self, obj: Any, number: int) -> None:
        """Let an object, and what it holds, have the state of a node, and of what that held under the same names."""
        if number in self._bound:
            return
        loaded = self._objects[number]
        if isinstance(obj, Variable):
            if isinstance(self._nodes[number].kind, VariableInfo):
                self._bound.add(number)
                _share(obj, loaded)
            return
        if isinstance(obj, TableResource) and isinstance(loaded, LoadedResource):
            obj._copy(loaded.handle)
            return
        if not isinstance(obj, Trackable):
            return
        if isinstance(obj, Layer) and number in self._saved:
            self._build(obj, number)
        if not isinstance(obj, Layer) or obj.built:  # what is built later is bound then
            self._bound.add(number)
        if getattr(obj, "stateful", False) and hasattr(obj, "cell"):
            kept = [v for v in nest.flatten(obj.states) if v is not None]
            for variable, child in zip(kept, self._children_of(number, "states"), strict=False):
                self.bind(variable, child)
        own = obj._trackable_children("checkpoint")
        for name, child in self._nodes[number].children:
            if name in own and name not in _ENDPOINTS:
                self.bind(own[name], child)

    # Training

    def compile(self, model: Any) -> None:
        """Compile a model as it was when it was saved, and give its optimizer the state it had."""
        from .training_config import compile_arguments

        training = self._saved[0].metadata.get("training_config")
        if training is None:
            return
        try:
            model.compile(**compile_arguments(training))
        except (ValueError, TypeError) as error:
            warnings.warn(
                f"The model is loaded, but cannot be compiled as it was: {error} Or compile it yourself.",
                stacklevel=3,
            )
            return
        number = dict(self._nodes[0].children).get("optimizer")
        optimizer = model.optimizer
        if optimizer is None or number is None:
            return
        if hasattr(optimizer, "build"):
            optimizer.build(model.trainable_variables)
        else:
            optimizer._create_all_weights(model.trainable_variables)
        self.bind(optimizer, number)
        ours = {id(v._state): v for v in model.weights}
        for slot in self._nodes[number].slot_variables:
            variable = ours.get(id(self._objects[slot.original]._state))
            if variable is not None and slot.slot_name in optimizer.get_slot_names():
                self.bind(optimizer.get_slot(variable, slot.slot_name), slot.slot)

    def check(self) -> None:
        """Is every saved weight in use?

        Raises:
            ValueError: a layer that was made from its configuration has not taken its weights.
        """
        for number, made in self._made.items():
            if isinstance(made, RevivedLayer) or not isinstance(made, Layer):
                continue
            left = self._without_place(number)
            if left:
                raise ValueError(
                    f"Layer '{made.name}' was made from its configuration, but the saved weights {left} have no place "
                    "in it. Was its class changed? Without the class, the layer runs the functions saved with it."
                )

    def _without_place(self, number: int) -> list[str]:
        """The saved weights of a layer itself that no variable of ours has become."""
        return [
            name
            for name, child in self._nodes[number].children
            if isinstance(self._nodes[child].kind, VariableInfo) and child not in self._bound
        ]


def _traced_shape(loaded: Any) -> Any:
    """The shape of the inputs that a saved function of a layer was traced for, with any batch size; None: unknown."""
    held = loaded.__dict__
    for name in ("__call__", "call_and_return_all_conditional_losses", "_default_save_signature"):
        function = held.get(name)
        traces = getattr(function, "concrete_functions", None) or ([] if function is None else [function])
        for trace in traces:
            positional, named = getattr(trace, "structured_input_signature", ((), {}))
            first = positional[0] if positional else next(iter(named.values()), None)
            specs = nest.flatten(first)
            if specs and all(isinstance(s, TensorSpec) and s.shape.rank for s in specs):
                return nest.map_structure(lambda s: open_batch(s).shape, first)
    return None


def _share(variable: Variable, loaded: Variable) -> None:
    """Let a variable be the loaded one: functions of the file that use it see what becomes of it."""
    state = loaded._state
    if state.shape == () and variable.shape.rank == 0 and variable._state.dtype != state.dtype:
        variable.assign(cast(loaded.read_value(), variable._state.dtype))  # a setting given as a whole number
        return
    if not variable.shape.is_compatible_with(state.shape) or variable._state.dtype != state.dtype:
        raise ValueError(
            f"The saved value of variable '{state.name}' is {state.dtype.name}{state.shape}, but the layer made from "
            f"its configuration has {variable._state.dtype.name}{variable.shape.as_list()}. Was it changed "
            "after it was saved?"
        )
    variable._state = state
    variable._handle = EagerTensor(state, dtypes.resource)
