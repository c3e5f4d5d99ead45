"""`Lambda`: a Python function as a layer."""

from __future__ import annotations

import inspect
import logging
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import calque as tf

from ..engine.layer import Layer
from ..saving.function_code import dump_function, load_function
from ..saving.serialization import deserialize_keras_object, find_in_program, in_safe_mode

__all__ = ["Lambda"]

_NO_CODE = (
    "Requested the deserialization of a Lambda layer with a Python `lambda` inside it. This carries a potential risk "
    "of arbitrary code execution and thus it is disallowed by default. If you trust the source of the saved model, you "
    "can pass `safe_mode=False` to the loading function in order to allow Lambda layer loading."
)


_MADE = """
The following Variables were created within a Lambda layer ({name})
but are not tracked by said layer:
{variables}
The layer cannot safely ensure proper Variable reuse across multiple
calls, and consequently this behavior is disallowed for safety. Lambda
layers are not well suited to stateful computation; instead, writing a
subclassed Layer is the recommended way to define layers with
Variables."""
_USED = """
The following Variables were used a Lambda layer's call ({name}), but
are not present in its tracked objects:
{variables}
It is possible that this is intended behavior, but it is more likely
an omission. This is a strong indication that this layer should be
formulated as a subclassed Layer rather than a Lambda layer."""
# The code, with its module, of functions that this process wrote into configs: it was running it anyway.
_written_here: set[tuple[str, str | None]] = set()


class Lambda(Layer):
    """A function of the inputs as a layer.

    Args:
        function: the function; a parameter `mask` or `training` gets what `call` gets.
        output_shape: the shape of the result without the batch axis, or a function of the inputs' shape that gives the
            whole shape; None: it follows from the function.
        mask: the mask of the result, or a function of inputs and mask that gives it.
        arguments: further arguments of the function, by name.

    The function must not make variables, and those that it uses are not the layer's: such code belongs into a
    `Layer` of its own. In a config, a function without attributes of its own is written as its byte code, which another
    process only reads with ``safe_mode=False``.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    mask: Any
    _output_shape: Any
    _passes: list[str]  # which of `mask` and `training` the function takes
    _warned: bool  # was it said that the function uses variables that are not the layer's?

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        held = self.__dict__  # what the function is given is not the layer's to track
        held["arguments"] = arguments or {}
        held["function"] = function
        held["_output_shape"] = output_shape
        held["mask"] = mask
        held["_warned"] = False
        if mask is not None:
            self.supports_masking = True
        taken = inspect.getfullargspec(function).args
        held["_passes"] = [name for name in ("mask", "training") if name in taken]

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """``function(inputs, **arguments)``.

        Raises:
            ValueError: the function made variables.
        """
        given = {"mask": mask, "training": training}
        kwargs = {**self.arguments, **{name: given[name] for name in self._passes}}
        made: list[Any] = []

        def note(make: Callable[..., Any], **kwargs: Any) -> Any:
            made.append(make(**kwargs))
            return made[-1]

        with tf.GradientTape(watch_accessed_variables=True) as tape, tf.variable_creator_scope(note):
            result = self.function(inputs, **kwargs)
        self._check(made, tape.watched_variables())
        return result

    def _check(self, made: list[Any], used: Any) -> None:
        """Refuse variables that the function made, and speak once of others that it used."""
        own = {id(v) for v in self.weights} if made or used else set()
        foreign = "\n".join(f"  {v!r}" for v in made if id(v) not in own)
        if foreign:
            raise ValueError(_MADE.format(name=self.name, variables=foreign))
        foreign = "\n".join(f"  {v!r}" for v in used if id(v) not in own)
        if foreign and not self._warned:
            self.__dict__["_warned"] = True
            self._warn(_USED.format(name=self.name, variables=foreign))

    def _warn(self, message: str) -> None:
        logging.getLogger("tensorflow").warning(message)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """What the argument `mask` says."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """What the argument `output_shape` says, or what the function gives.

        Raises:
            NotImplementedError: neither tells.
        """
        said = self._output_shape
        if said is None:
            try:
                return super().compute_output_shape(input_shape)
            except NotImplementedError as error:
                raise NotImplementedError(
                    "We could not automatically infer the shape of the Lambda's output. Please specify `output_shape` "
                    "for this Lambda."
                ) from error
        if callable(said):
            return _shape(said(_tuples(input_shape)))
        first = tf.nest.flatten(_tuples(input_shape))[:1] if input_shape is not None else [None]
        shapes = _shape(said)
        if isinstance(shapes, tf.TensorShape):
            return tf.TensorShape([*first, *shapes])
        return type(shapes)(tf.TensorShape([*first, *one]) for one in shapes)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from; functions as their names or byte code."""
        config: dict[str, Any] = {}
        said = [("function", "", self.function), ("output_shape", "output_shape_", self._output_shape)]
        if self.mask is not None:
            said.append(("mask", "mask_", self.mask))
        for key, prefix, value in said:
            written, kind, module = _written(value, raw=key == "output_shape")
            config[key] = written
            config[f"{prefix or 'function_'}type"] = kind
            config[f"{prefix}module"] = module
        return super().get_config() | config | {"arguments": self.arguments}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """A layer from what `get_config` gave.

        Args:
            config: the dict.
            custom_objects: functions of the caller's own, by name.

        Raises:
            ValueError: it holds byte code, and reading code is not allowed (see `keras.config`'s safe mode).
            TypeError: it holds a function in a way that is unknown.
        """
        config = dict(config)
        config["function"] = _read(config, custom_objects, "function", "module", "function_type")
        config["output_shape"] = _read(
            config, custom_objects, "output_shape", "output_shape_module", "output_shape_type"
        )
        if "mask" in config:
            config["mask"] = _read(config, custom_objects, "mask", "mask_module", "mask_type")
        given = config.get("arguments") or {}
        config["arguments"] = {
            name: np.array(value["value"])
            if isinstance(value, dict) and value.get("type") == "ndarray"
            else value
            for name, value in given.items()
        }
        return cls(**config)


def _tuples(shape: Any) -> Any:
    """A shape, or a structure of shapes, with tuples for shapes."""
    if isinstance(shape, tf.TensorShape):
        return tuple(shape.as_list())
    if isinstance(shape, (list, tuple)) and any(isinstance(x, (list, tuple, tf.TensorShape)) for x in shape):
        return [_tuples(x) for x in shape]
    return tuple(shape)


def _shape(said: Any) -> Any:
    if isinstance(said, (list, tuple)) and any(isinstance(x, (list, tuple, tf.TensorShape)) for x in said):
        return type(said)(_shape(x) for x in said)
    return tf.TensorShape(said)


def _written(value: Any, raw: bool) -> tuple[Any, str, str | None]:
    """What a config says of a function: byte code or a name, which of them, and the module; or a value as it is."""
    if isinstance(value, types.FunctionType):
        dumped = dump_function(value)
        _written_here.add((dumped[0], value.__module__))
        return dumped, "lambda", value.__module__
    if callable(value):
        return value.__name__, "function", value.__module__
    if raw:
        return value, "raw", None
    raise ValueError(f"Invalid input for serialization, type: {type(value)}")


def _read(config: dict[str, Any], custom_objects: Any, key: str, module_key: str, kind_key: str) -> Any:
    """The function that a config says; the keys that say how are taken out."""
    module, kind = config.pop(module_key, None), config.pop(kind_key)
    if kind == "raw":
        return config[key]
    if kind == "function":
        return deserialize_keras_object(
            config[key],
            custom_objects=custom_objects,
            printable_module_name="function in Lambda layer",
            module_objects=_function_of(module, config[key]),
        )
    if kind != "lambda":
        raise TypeError(
            f"Unsupported value for `function_type` argument. Received: function_type={kind}. Expected one of "
            "['function', 'lambda', 'raw']"
        )
    code = config[key][0] if isinstance(config[key], (list, tuple)) else config[key]
    if in_safe_mode() and (code, module) not in _written_here:
        raise ValueError(_NO_CODE)
    return load_function(config[key], _names(module, custom_objects))


def _function_of(module: str | None, name: Any) -> dict[str, Any]:
    """The function that a config names, by that name; nothing where the program's module has none."""
    _warn_unless_loaded(module)
    found = find_in_program(module, name)
    return {name: found} if callable(found) and not inspect.isclass(found) else {}


def _names(module: str | None, custom_objects: Mapping[str, Any] | None) -> dict[str, Any]:
    """What names mean in the code of a function of this module."""
    _warn_unless_loaded(module)
    names: dict[str, Any] = {"__builtins__": __builtins__, "np": np, "tf": tf}
    if module in sys.modules:
        names |= vars(sys.modules[module])
    return names | dict(custom_objects or {})


def _warn_unless_loaded(module: str | None) -> None:
    if module is not None and module not in sys.modules:
        warnings.warn(
            f"{module} is not loaded, but a Lambda layer uses it. It may cause errors.", stacklevel=5
        )
