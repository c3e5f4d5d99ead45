"""`Model`: a layer that can be trained, summarized and saved."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

from ... import nest
from ...variable import Variable
from .arguments import as_shapes, open_batch, spec_of
from .keras_tensor import keras_tensors_in
from .layer import Layer
from .state import modules_in, unique
from .trainer import Trainer

__all__ = ["Model"]


class Model(Trainer, Layer):
    """A layer with a training loop (`compile`, `fit`, `evaluate`, `predict`), a `summary`, and `save`.

    Three ways to make one: ``keras.Model(inputs, outputs)`` of symbolic tensors, a functional model; a subclass that
    defines `call`; `keras.Sequential`.

    Args:
        inputs, outputs: of a functional model: see `Functional`.
        name: its name; None: the class's name in snake case, with a number behind it if that is taken.
        **kwargs: those of `Layer`.
    """

    _keras_identifier = "_tf_keras_model"
    _is_graph_network = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A functional model, if symbolic tensors are given."""
        if cls is Model and _is_functional(args, kwargs):
            from .functional import Functional

            return super().__new__(Functional)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs):
            from .functional import Functional

            given = inspect.signature(Functional.__init__).bind(self, *args, **kwargs).arguments
            rest = {k: v for k, v in given.items() if k in ("name", "trainable")} | given.get("kwargs", {})
            if not isinstance(self, Functional):
                object.__setattr__(self, "__class__", _as_functional(type(self)))  # type: ignore[arg-type]
            trainable = rest.pop("trainable", True)
            Layer.__init__(self, **rest)
            self._init_trainer()
            self._init_network(given["inputs"], given["outputs"])  # type: ignore[attr-defined]
            if not trainable:
                self.trainable = False
            return
        unknown = {"inputs", "outputs"} & set(kwargs)
        if unknown and not all(kwargs[k] is None for k in unknown):
            raise ValueError("A functional model needs both `inputs` and `outputs`, made of `keras.Input`.")
        kwargs = {k: v for k, v in kwargs.items() if k not in unknown}
        if args:
            raise TypeError(
                f"{type(self).__name__} takes keyword arguments only, unless it is given symbolic inputs and outputs. "
                f"Got {args!r}."
            )
        super().__init__(**kwargs)
        self._init_trainer()

    # Weights, by layers

    def _check_weights_made(self) -> None:
        """Raise a ValueError if the class makes weights when it is built, and has not been."""
        if "build" in type(self).__dict__ and not self.built:
            raise ValueError(
                f"Weights for model '{self.name}' have not yet been created. Weights are created when the model is "
                "first called on inputs or `build()` is called with an `input_shape`."
            )

    @property
    def weights(self) -> list[Variable]:
        """All weights: those of one layer after the other, then its own.

        Raises:
            ValueError: the model makes them when it is built, and has not been.
        """
        self._check_weights_made()
        own = self._list_weights(True) + self._list_weights(False)
        return unique([v for m in modules_in(self._state.parts) for v in m.variables] + own)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes, by layers; its own last (see `weights`)."""
        self._check_weights_made()
        if not self._state.trainable:
            return []
        nested = [v for m in modules_in(self._state.parts) for v in m.trainable_variables]
        return unique(nested + self._list_weights(True))

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone, by layers; its own last (see `weights`)."""
        self._check_weights_made()
        nested = [v for m in modules_in(self._state.parts) for v in m.non_trainable_variables]
        own = self._list_weights(False)
        if not self._state.trainable:
            nested = [v for m in modules_in(self._state.parts) for v in m.variables]
            own = self._list_weights(True) + own
        return unique(nested + own)

    @property
    def layers(self) -> list[Any]:
        """The layers directly in it."""
        return list(self._flatten_layers(recursive=False, include_self=False))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """A layer directly in it.

        Args:
            name: its name.
            index: its place, instead of the name.

        Raises:
            ValueError: there is none, or both or neither were given.
        """
        if (index is None) == (name is None):
            raise ValueError("Provide either a layer name or layer index at `get_layer`, and not both.")
        layers = self.layers
        if index is not None:
            if index >= len(layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(layers)} layers."
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}. Existing layers are: {[layer.name for layer in layers]}.")

    # Building

    def build(self, input_shape: Any) -> None:
        """Make the weights, by calling it on inputs of this shape, or structure of shapes, in a graph

        Raises:
            ValueError: it cannot be called on such inputs.
        """
        if self._is_graph_network or type(self).call is Layer.call:
            super().build(input_shape)
            return
        from .symbolic import outputs_for

        shapes = as_shapes(input_shape)
        self._state.built = True  # so that the call does not come back here
        try:
            outputs_for(
                self, nest.map_structure(lambda s: spec_of(s, self.compute_dtype or "float32"), shapes)
            )
        except (TypeError, ValueError) as error:
            self._state.built = False
            raise ValueError(
                "You cannot build your model by calling `build` if your layers do not support float type inputs. "
                "Instead, in order to instantiate and build your model, call your model on real tensor data (of the "
                f"correct dtype). The actual error from `call` is: {error}."
            ) from error
        self._state.build_input_shape = shapes
        self._state.built = True

    def _build_for(self, inputs: Any) -> None:
        """A subclassed model's layers are built when its `call` reaches them."""
        if type(self).build is Model.build:
            Layer.build(self, nest.map_structure(lambda x: getattr(x, "shape", None), inputs))
            return
        super()._build_for(inputs)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """What the model does; to be defined by subclasses.

        Raises:
            NotImplementedError: it was not.
        """
        raise NotImplementedError(
            "Unimplemented `tf.keras.Model.call()`: if you intend to create a `Model` with the Functional API, please "
            "provide `inputs` and `outputs` arguments. Otherwise, subclass `Model` with an overridden `call()` method."
        )

    def reset_states(self) -> None:
        """Forget what stateful layers keep from batch to batch."""
        for layer in self.layers:
            if hasattr(layer, "reset_states") and getattr(layer, "stateful", False):
                layer.reset_states()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result for an input of this shape (or structure of shapes)."""
        shapes = super().compute_output_shape(input_shape)
        return nest.map_structure(lambda s: s, shapes)

    # Showing

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers: name and class, output shape, number of parameters.

        Args:
            line_length: characters in a line.
            positions: where the columns end, as shares of the line.
            print_fn: called with each line; None: `print`.
            expand_nested: show the layers of models in the model as well.
            show_trainable: show a column with Y or N.
            layer_range: the names of (or regular expressions for) the first and the last layer to show.

        Raises:
            ValueError: the model is not built.
        """
        from ..utils.summary import print_summary

        if not self.built:
            raise ValueError(
                "This model has not yet been built. Build the model first by calling `build()` or by calling the model "
                "on a batch of data."
            )
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    # Saving

    def save(
        self, filepath: Any, overwrite: bool = True, save_format: str | None = None, **kwargs: Any
    ) -> None:
        """Save architecture, weights, compilation and optimizer state.

        Args:
            filepath: a directory (SavedModel), the only form written; see `keras.models.save_model`.
            overwrite: may what is there be replaced?
            save_format: "tf" or None.
            **kwargs: `include_optimizer`, `signatures`, `options`, `save_traces`.
        """
        from ..saving.save import save_model

        save_model(self, filepath, overwrite=overwrite, save_format=save_format, **kwargs)

    def export(self, filepath: Any, verbose: bool = False) -> None:
        """Save for inference only, as Keras 3's `export` does: an endpoint `serve`, and the signature of that name.

        Args:
            filepath: the directory.
            verbose: say so.
        """
        from ..saving.export import export_model

        export_model(self, filepath, verbose)

    def save_weights(
        self, filepath: Any, overwrite: bool = True, save_format: str | None = None, options: Any = None
    ) -> None:
        """Save the weights as a TensorFlow checkpoint.

        Args:
            filepath: the path that the checkpoint's files begin with.
            overwrite: may what is there be replaced?
            save_format: "tf" or None.
            options: accepted.
        """
        from ..saving.weights import save_weights

        save_weights(self, os.fspath(filepath), overwrite, save_format)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False, options: Any = None
    ) -> Any:
        """Load weights that `save_weights` wrote, or a TensorFlow checkpoint or HDF5 file of a model like this one.

        Args:
            filepath: the path that the checkpoint's files begin with, or an HDF5 file (needs h5py).
            skip_mismatch: leave out layers whose weights have another shape (HDF5 by name only).
            by_name: match layers by name instead of place (HDF5 only).
            options: accepted.

        Returns:
            The restoration's status (`assert_consumed`, ...) for a checkpoint.
        """
        from ..saving.weights import load_weights

        return load_weights(self, os.fspath(filepath), skip_mismatch, by_name)

    def _saved_children(self, cache: dict[str, Any]) -> dict[str, Any]:
        """Without the functions of training: these depend on what the model was compiled with."""
        children = super()._saved_children(cache)
        return {name: child for name, child in children.items() if name not in _TRAINING}

    def save_spec(self, dynamic_batch: bool = True) -> Any:
        """Specs of the arguments of its first call: positional ones and those by name; None if it was not called.

        Args:
            dynamic_batch: leave the batch dimension open.
        """
        found = self._state.save_spec
        if found is None:
            return None
        return nest.map_structure(lambda s: open_batch(s) if dynamic_batch else s, found)

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a model from.

        Raises:
            NotImplementedError: the class takes arguments that a config cannot hold by itself.
        """
        return self._with_own_arguments({}, Model.get_config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """A model from what `get_config` gave, without weights.

        Args:
            config: the dict.
            custom_objects: classes and functions of the caller's own, by name.
        """
        from ..saving.registration import custom_object_scope

        with custom_object_scope(custom_objects or {}):
            if {"layers", "input_layers", "output_layers"} <= set(config):
                from .functional import Functional

                return Functional.from_config(config) if cls is Model else cls._functional_from_config(config)
            return super().from_config(config)

    @classmethod
    def _functional_from_config(cls, config: Mapping[str, Any]) -> Any:
        from .functional_config import network_from_config

        inputs, outputs = network_from_config(config)
        return cls(inputs=inputs, outputs=outputs, name=config.get("name"))

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON, for `keras.models.model_from_json`."""
        from ..models import model_to_json

        text: str = model_to_json(self, **kwargs)
        return text


_TRAINING = frozenset(("predict_function", "test_function", "train_function", "train_tf_function"))


def _is_functional(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    both = len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or {"inputs", "outputs"} <= set(kwargs)
    return both and bool(keras_tensors_in(args, dict(kwargs)))


@functools.cache
def _as_functional(cls: type) -> type:
    """A subclass that is functional, for a subclass of Model that gives inputs and outputs to Model's constructor."""
    from .functional import Functional

    return type(
        cls.__name__, (cls, Functional), {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    )
