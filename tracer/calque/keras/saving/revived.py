"""Layers and models of classes that are not known: they do what the functions saved with them do."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ... import nest
from ...errors import UnimplementedError
from ..engine.call_spec import CallSpec
from ..engine.layer import Layer
from ..engine.model import Model

__all__ = ["InferenceModel", "RevivedLayer", "RevivedModel"]


class RevivedLayer(Layer):
    """A layer from a SavedModel that runs the functions it was saved with.

    Args:
        metadata: what keras_metadata.pb says of it.
        loaded: the loaded object, with the functions.
        refused: why it cannot be made from its configuration, if that was tried.
    """

    _saved_metadata: Mapping[str, Any]
    _refused: str | None
    _function: Any
    _with_losses: bool
    _regularize: Any

    def __init__(self, metadata: Mapping[str, Any], loaded: Any, refused: str | None = None) -> None:
        super().__init__(
            name=metadata["name"],
            trainable=metadata.get("trainable", True),
            dtype=metadata.get("dtype"),
        )
        self._revive(metadata, loaded, refused)

    def _revive(self, metadata: Mapping[str, Any], loaded: Any, refused: str | None) -> None:
        held_here = self.__dict__
        held_here.update(_saved_metadata=metadata, _loaded=loaded, _refused=refused)
        known = self._state
        known.built = True
        known.autocast = metadata.get("autocast", True)
        known.build_input_shape = metadata.get("build_input_shape")
        api = loaded.__dict__.get("keras_api")
        held = {} if api is None else api.__dict__
        found = held.get("call_and_return_conditional_losses") or loaded.__dict__.get(
            "call_and_return_conditional_losses"
        )
        held_here.update(
            _function=loaded.__dict__.get("__call__") if found is None else found,
            _with_losses=found is not None,
            _regularize=loaded.__dict__.get("activity_regularizer_fn"),
        )
        for loss in held.get("layer_regularization_losses") or ():
            self.add_loss(loss)
        known.call_spec = CallSpec(self._parameters())

    def _parameters(self) -> dict[str, inspect.Parameter]:
        if self._function is None:
            return dict(inspect.signature(self.call).parameters)
        return {p.name: p for p in self._function.signature.parameters if p.name != "self"}

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the saved function.

        Raises:
            UnimplementedError: there is none.
        """
        function = self._function
        if function is None:
            raise UnimplementedError(
                None,
                None,
                f"Layer '{self.name}' of class '{self._saved_metadata.get('class_name')}' was saved without functions, "
                "and cannot be made from its configuration. If its class is your own, pass it in `custom_objects`, or "
                "register it with `keras.saving.register_keras_serializable`."
                + ("" if self._refused is None else f" {self._refused}"),
            )
        if "training" in kwargs and kwargs["training"] is None:
            kwargs = {**kwargs, "training": False}
        outputs = function(inputs, *args, **kwargs)
        if self._with_losses:
            outputs, losses = outputs
            self.add_loss(losses)
        if self._regularize is not None:
            self.add_loss([self._regularize(x) for x in nest.flatten(outputs)])
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The configuration that was saved.

        Raises:
            NotImplementedError: none was.
        """
        config = self._saved_metadata.get("config")
        if not isinstance(config, Mapping):
            raise NotImplementedError(
                f"Layer '{self.name}' was saved without a configuration: its class, "
                f"'{self._saved_metadata.get('class_name')}', has no usable `get_config`."
            )
        return dict(config)


class RevivedModel(RevivedLayer, Model):
    """A model from a SavedModel that runs the functions it was saved with."""

    def __init__(self, metadata: Mapping[str, Any], loaded: Any, refused: str | None = None) -> None:
        Model.__init__(
            self,
            name=metadata["name"],
            trainable=metadata.get("trainable", True),
            dtype=metadata.get("dtype"),
        )
        self._revive(metadata, loaded, refused)

    def build(self, input_shape: Any) -> None:
        """Nothing is left to be made."""

    def _build_for(self, inputs: Any) -> None:
        """Nothing is left to be made."""


class InferenceModel(Model):
    """A model from a SavedModel that no Keras 2 `save` wrote: it runs a signature, or ``__call__``.

    Args:
        loaded: the loaded object.
        name: the model's name.

    Attributes:
        signature_name: the signature that it runs; None: it runs ``__call__``.

    Raises:
        UnimplementedError: it has nothing that can be called.
    """

    def __init__(self, loaded: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self.loaded = loaded
        self._state.built = True
        function, keys, self.signature_name = _callable_of(loaded)
        self.__dict__["_called"] = function, keys

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Run it.

        Args:
            inputs: a tensor, or a structure of tensors as the function takes it; for a signature, a dict by name, or a
                list in the order of the names.
            training: passed on where the function takes it.
            mask: accepted.
        """
        function, keys = self.__dict__["_called"]
        if keys is None:
            takes = {p.name for p in function.signature.parameters}
            return function(inputs, training=bool(training)) if "training" in takes else function(inputs)
        named = inputs if isinstance(inputs, Mapping) else dict(zip(keys, nest.flatten(inputs), strict=True))
        outputs = function(**named)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def build(self, input_shape: Any) -> None:
        """Nothing is left to be made."""


def _callable_of(loaded: Any) -> tuple[Any, Any, Any]:
    """What to call; the names of its inputs, and its own, if it is a signature."""
    signatures = getattr(loaded, "signatures", {})
    for name in ("serving_default", *sorted(signatures)):
        if name in signatures:
            one = signatures[name]
            return one, sorted(one.structured_input_signature[1]), name
    call = loaded.__dict__.get("__call__") or loaded.__dict__.get("serve")
    if call is None:
        raise UnimplementedError(
            None,
            None,
            "The SavedModel has neither signatures nor a `__call__`: there is no model in it to run.",
        )
    return call, None, None
