"""The functions of a saved layer: its `call`, traced for training and not, and what hangs on it for Keras.

In the functions of a layer, the layers that it holds are calls of their own functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ... import nest
from ...autograph.calls import tf_convert
from ...autograph.status import control_status
from ...context import init_scope
from ...data_structures import DictWrapper, ListWrapper
from ...function.polymorphic import Function
from ...tensor import Tensor
from ...tensor_spec import TensorSpec
from ...trackable import AutoTrackable, Trackable
from ..engine.arguments import open_batch
from ..engine.autocast import compute_in
from ..engine.call_context import Call, enter
from ..engine.input_layer import InputLayer

__all__ = ["KerasApi", "SavedLayers", "infer", "input_specs"]

_CACHE = "keras"


class KerasApi(AutoTrackable):
    """What Keras keeps of a saved layer beside the layer's own attributes."""

    call_and_return_conditional_losses: Function

    def __init__(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)


class _Endpoints:
    """What is saved of one layer.

    Attributes:
        objects: by name, the children that the layer gets in the file.
        call: the function that gives results and losses; None for a layer that is not built.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Trackable] = {}
        self.call: Function | None = None


class SavedLayers:
    """The layers of one save.

    Args:
        traces: save functions as well, or objects only?
    """

    def __init__(self, traces: bool = True) -> None:
        self._traces = traces
        self._made: dict[int, tuple[Any, _Endpoints]] = {}
        self._losses: dict[int, tuple[Any, Function]] = {}

    @classmethod
    def of(cls, cache: dict[str, Any]) -> SavedLayers:
        """Those of the save that `cache` belongs to (see `Trackable._saved_children`)."""
        found = cache.get(_CACHE)
        if found is None:
            found = cache[_CACHE] = cls(cache.get("keras_traces", True))
        return found

    def children(self, layer: Any) -> dict[str, Trackable]:
        """What a layer gets as children besides its own."""
        return self._endpoints(layer).objects

    def _endpoints(self, layer: Any) -> _Endpoints:
        known = self._made.get(id(layer))
        if known is not None:
            return known[1]
        made = _Endpoints()
        self._made[id(layer)] = layer, made
        if isinstance(layer, InputLayer):
            return made
        if getattr(type(layer), "_is_keras_metric", False):
            variables = ListWrapper(layer.variables)
            made.objects = {"variables": variables, "keras_api": KerasApi(variables=variables)}
            return made
        if not layer.built or layer._must_restore_from_config:
            return made
        is_root = len(self._made) == 1
        objects, private = self._objects(layer)
        functions: dict[str, Any] = {}
        if self._traces:
            with init_scope():
                if is_root:
                    functions |= _default_signature(layer)
                functions |= self._functions(layer, made)
        api = KerasApi(**(private | objects | functions))
        if made.call is not None:
            api.call_and_return_conditional_losses = made.call
        made.objects = {**objects, "keras_api": api, **functions}
        return made

    # Objects

    def _objects(self, layer: Any) -> tuple[dict[str, Trackable], dict[str, Trackable]]:
        """Lists of variables and losses: those that are children of the layer, and those of `keras_api` alone."""
        own = [self._loss(loss) for loss in layer._state.callable_losses]
        below = [self._loss(loss) for one in _layers_in(layer) for loss in one._state.callable_losses]
        public: dict[str, Trackable] = {
            "variables": ListWrapper(layer.variables),
            "trainable_variables": ListWrapper(layer.trainable_variables),
            "regularization_losses": ListWrapper(own + below),
        }
        private: dict[str, Trackable] = {
            "non_trainable_variables": ListWrapper(layer.non_trainable_variables),
            "layers": ListWrapper(_layers_in(layer)),
            "metrics": ListWrapper(layer.metrics),
            "layer_regularization_losses": ListWrapper(own),
            "layer_metrics": DictWrapper({m.name: m for m in layer._state.metrics}),
        }
        if hasattr(layer, "cell") and hasattr(layer, "states"):
            public["states"] = ListWrapper(nest.flatten(layer.states))
        return public, private

    def _loss(self, make: Callable[[], Any]) -> Function:
        known = self._losses.get(id(make))
        if known is None:
            known = make, Function(make, f"loss_fn_{len(self._losses)}", input_signature=[])
            self._losses[id(make)] = known
        return known[1]

    # Functions

    def _functions(self, layer: Any, made: _Endpoints) -> dict[str, Function]:
        takes_training = _takes_training(layer)
        signature = _signature(layer, takes_training)
        run = _Run(layer, takes_training)

        def with_losses(*args: Any, **kwargs: Any) -> Any:
            with self._children_replaced(layer):
                return run(*args, **kwargs)

        made.call = _function(
            with_losses, signature, f"{layer.name}_layer_call_and_return_conditional_losses"
        )
        call = _function(
            lambda *args, **kwargs: made.call(*args, **kwargs)[0],  # type: ignore[misc]
            signature,
            f"{layer.name}_layer_call_fn",
        )
        found = {"__call__": call, "call_and_return_all_conditional_losses": made.call}
        regularize = layer.activity_regularizer
        if regularize is not None:
            spec = TensorSpec(None, layer.compute_dtype or "float32")
            extra = Function(
                lambda x: regularize(x), f"{layer.name}_activity_regularizer", input_signature=[spec]
            )

            def with_all(*args: Any, **kwargs: Any) -> Any:
                outputs, losses = made.call(*args, **kwargs)  # type: ignore[misc]
                return outputs, [*losses, extra(outputs)]

            found["activity_regularizer_fn"] = extra
            found["call_and_return_all_conditional_losses"] = _function(
                with_all, signature, f"{layer.name}_layer_call_and_return_all_conditional_losses"
            )
        made.objects = dict(found)  # for layers that are asked for again while it is being traced
        self._trace_for_spec(layer, list(dict.fromkeys((made.call, *found.values()))), takes_training)
        return found

    def _trace_for_spec(self, layer: Any, functions: list[Function], takes_training: bool) -> None:
        """Trace for the inputs that a model was called with, or a layer where nothing called it while tracing."""
        spec = layer._state.save_spec
        if spec is None or functions[0].concrete_functions:
            return
        (first, *rest), kwargs = nest.map_structure(open_batch, spec)
        _trace(functions, layer, (first, *rest), dict(kwargs), takes_training)

    @contextmanager
    def _children_replaced(self, layer: Any) -> Iterator[None]:
        """Inside, calls of the layers that a layer holds are calls of their functions."""
        replaced: list[tuple[Any, Any]] = []
        try:
            for child in _layers_in(layer):
                endpoints = self._endpoints(child)
                if endpoints.call is None:
                    continue
                _ = child._call_spec  # known before `call` is another
                replaced.append((child, child.__dict__.get("call")))
                child.__dict__["call"] = _Calling(child, endpoints)
                child.__dict__["_regularizer_while_saving"] = child.__dict__.pop(
                    "_activity_regularizer", None
                )
            yield
        finally:
            for child, before in replaced:
                del child.__dict__["call"]
                if before is not None:
                    child.__dict__["call"] = before
                regularizer = child.__dict__.pop("_regularizer_while_saving", None)
                if regularizer is not None:
                    child.__dict__["_activity_regularizer"] = regularizer


class _Run:
    """A layer's `call` with the losses that it adds."""

    def __init__(self, layer: Any, takes_training: bool) -> None:
        self._layer = layer
        self._call = layer.call  # before it is replaced while the layers around it are traced
        self._adds_training = takes_training and not layer._expects_training_arg

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        layer = self._layer
        training = kwargs.get("training")
        if training is None and "training" in layer._call_spec.names:
            training = layer._call_spec.given("training", args[1:], kwargs)
        if self._adds_training:
            kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        kept = [(one, list(one._state.losses)) for one in layer._flatten_layers()]
        layer._clear_losses()
        try:
            policy = layer._state.policy
            mixed = policy.compute_dtype if policy.compute_dtype != policy.variable_dtype else None
            inputs = args[0] if args else None
            with enter(Call(layer, inputs, training, False)), compute_in(mixed):
                outputs = tf_convert(self._call, control_status())(*args, **kwargs)
            losses = [loss for one in layer._flatten_layers() for loss in one._state.losses]
        finally:
            for one, before in kept:
                one._state.losses[:] = before
        return outputs, losses


class _Calling:
    """Stands for the `call` of a layer while the layers around it are traced."""

    def __init__(self, layer: Any, endpoints: _Endpoints) -> None:
        self._layer = layer
        self._endpoints = endpoints
        self._takes_training = _takes_training(layer)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self._endpoints.call
        if function is None:
            raise RuntimeError(f"layer '{self._layer.name}' has no function")
        if self._takes_training and not self._layer._call_spec.passed("training", args[1:], kwargs):
            from ..engine.call_context import current_call

            call = current_call()
            kwargs = {**kwargs, "training": bool(call.training) if call is not None else False}
        args, kwargs = _with_plain_training(self._layer, args, kwargs)
        with init_scope():
            specs, named = nest.map_structure(_spec_or_value, (args, kwargs), expand_composites=False)
            functions: list[Any] = [
                f for n, f in self._endpoints.objects.items() if n.startswith(("__call__", "call"))
            ]
            _trace([function, *functions], self._layer, tuple(specs), named, self._takes_training)
        outputs, losses = function(*args, **kwargs)
        if losses:
            self._layer.add_loss(losses)
        return outputs


def _with_plain_training(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments with a truth value for `training`, where it is one or None."""
    spec = layer._call_spec
    given = kwargs.get("training", spec.given("training", args[1:], kwargs))
    if isinstance(given, Tensor):
        return args, kwargs
    if "training" in kwargs:
        return args, {**kwargs, "training": bool(given)}
    if spec.passed("training", args[1:], kwargs):
        rest, kwargs = spec.with_value("training", bool(given), args[1:], kwargs)
        return (args[0], *rest), kwargs
    return args, kwargs


def _trace(
    functions: list[Function], layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], takes_training: bool
) -> None:
    spec = layer._call_spec
    for training in (True, False) if takes_training else (None,):
        given_args, given_kwargs = args, kwargs
        if training is not None:
            if "training" in spec.names:
                rest, given_kwargs = spec.with_value("training", training, args[1:], kwargs)
                given_args = (args[0], *rest)
            else:
                given_kwargs = {**kwargs, "training": training}
        for function in functions:
            function.get_concrete_function(*given_args, **given_kwargs)


def _signature(layer: Any, takes_training: bool) -> inspect.Signature:
    """The parameters of `call`, with a `training` that is False by default where layers inside take one."""
    given = list(layer._call_spec.parameters.values())
    kinds = inspect.Parameter
    names = [p.name for p in given]
    if takes_training and "training" in names:
        given = [p.replace(default=False) if p.name == "training" and not p.default else p for p in given]
    elif takes_training:
        extra = inspect.Parameter("training", kinds.KEYWORD_ONLY, default=False)
        at = next((i for i, p in enumerate(given) if p.kind is kinds.VAR_KEYWORD), len(given))
        given.insert(at, extra)
    given = [p.replace(annotation=inspect.Parameter.empty) for p in given]
    return inspect.Signature(given)


def _function(run: Callable[..., Any], signature: inspect.Signature, name: str) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        return run(*args, **kwargs)

    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__name__ = name
    return Function(call, name, autograph=False)


def _takes_training(layer: Any) -> bool:
    """Does the layer, or one in it, ask for the training mode?"""
    return any(one._call_spec.expects_training for one in layer._flatten_layers())


def _layers_in(layer: Any) -> list[Any]:
    if hasattr(layer, "layers"):  # a model's, without the input layer of a sequential one
        return list(layer.layers)
    return list(layer._flatten_layers(recursive=False, include_self=False))


def input_specs(model: Any) -> tuple[Any, list[Any]]:
    """The inputs that a model was called with: their structure, and a named spec for each, with any batch size."""
    inputs = nest.map_structure(open_batch, model._state.save_spec[0][0])
    flat = nest.flatten(inputs)
    return inputs, [_named(s, n) for s, n in zip(flat, _input_names(model, inputs), strict=True)]


def infer(model: Any, inputs: Any, flat: Sequence[Any]) -> Any:
    """What a model gives, not in training, for flat inputs that it takes structured like `inputs`."""
    given = nest.pack_sequence_as(inputs, list(flat))
    return model(given, training=False) if model._expects_training_arg else model(given)


def _default_signature(model: Any) -> dict[str, Any]:
    """The concrete function that becomes "serving_default": inputs by name, a dict of outputs by name."""
    spec = model._state.save_spec
    if spec is None or not hasattr(model, "save_spec") or len(spec[0]) > 1 or spec[1]:
        return {}
    inputs, named = input_specs(model)

    def _wrapped_model(*args: Any) -> Any:
        with model.name_scope:
            outputs = infer(model, inputs, args)
        flat_outputs = nest.flatten(outputs)
        return dict(zip(_output_names(model, len(flat_outputs)), flat_outputs, strict=True))

    function = Function(_wrapped_model, "_wrapped_model", input_signature=named)
    model._state.losses.clear()
    return {"_default_save_signature": function.get_concrete_function()}


def _named(spec: Any, name: str) -> Any:
    return TensorSpec(spec.shape, spec.dtype, name=name) if isinstance(spec, TensorSpec) else spec


def _input_names(model: Any, inputs: Any) -> list[str]:
    flat = nest.flatten(inputs)
    names = getattr(model, "input_names", None)
    if names and len(names) == len(flat):
        return list(names)
    if isinstance(inputs, dict):
        return sorted(inputs)
    return [f"input_{i + 1}" for i in range(len(flat))]


def _output_names(model: Any, count: int) -> list[str]:
    names = getattr(model, "output_names", None)
    if names and len(names) == count:
        return list(names)
    return [f"output_{i + 1}" for i in range(count)]


def _spec_or_value(value: Any) -> Any:
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    return getattr(value, "_type_spec", value)
