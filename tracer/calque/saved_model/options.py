"""How to save and load: `SaveOptions`, `LoadOptions`, and `VariablePolicy`."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["LoadOptions", "SaveOptions", "VariablePolicy"]


class VariablePolicy(enum.Enum):
    """What of a variable's placement is saved. There is one device and one replica, so that it makes no difference."""

    NONE = None
    SAVE_VARIABLE_DEVICES = "save_variable_devices"
    EXPAND_DISTRIBUTED_VARIABLES = "expand_distributed_variables"

    @classmethod
    def from_obj(cls, obj: Any) -> VariablePolicy:
        """A policy, its name in letters of any case, or None.

        Raises:
            ValueError: there is no such policy.
        """
        if isinstance(obj, cls):
            return obj
        try:
            return cls(obj.lower() if isinstance(obj, str) else obj)
        except (ValueError, TypeError):
            raise ValueError(f"Received invalid VariablePolicy value: {obj}.") from None


class SaveOptions:
    """How to save.

    Args:
        namespace_whitelist: the namespaces that ops of others (``Space>Op``) may be of; None: any.
        save_debug_info: accepted for TensorFlow's sake, without effect: no stack traces are saved.
        function_aliases: by name, a `function` (or a concrete function, or a list of them): recorded for its concrete
            functions.
        experimental_custom_gradients: save the gradient functions of `custom_gradient`?
        extra_tags: tags that the model gets besides "serve".
        experimental_debug_stripper, experimental_io_device, experimental_variable_policy, experimental_image_format,
            experimental_skip_saver, experimental_sharding_callback: accepted for TensorFlow's sake, without effect.

    Raises:
        TypeError, ValueError: an argument is of another kind.
    """

    def __init__(
        self,
        namespace_whitelist: Sequence[str] | None = None,
        save_debug_info: bool = False,
        function_aliases: Mapping[str, Any] | None = None,
        experimental_debug_stripper: bool = False,
        experimental_io_device: str | None = None,
        experimental_variable_policy: Any = None,
        experimental_custom_gradients: bool = True,
        experimental_image_format: bool = False,
        experimental_skip_saver: bool = False,
        experimental_sharding_callback: Any = None,
        extra_tags: Sequence[str] | None = None,
    ) -> None:
        self.namespace_whitelist = _namespaces(namespace_whitelist)
        self.save_debug_info = save_debug_info
        self.function_aliases = dict(function_aliases or {})
        self.experimental_debug_stripper = experimental_debug_stripper
        self.experimental_io_device = experimental_io_device
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_custom_gradients = experimental_custom_gradients
        self.experimental_image_format = experimental_image_format
        self.experimental_skip_saver = experimental_skip_saver
        self.experimental_sharding_callback = experimental_sharding_callback
        self.extra_tags = None if extra_tags is None else list(extra_tags)


def _namespaces(given: Sequence[str] | None) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise TypeError(
            f"`namespace_whitelist` must be a list of strings. Got: {given} with type {type(given)}."
        )
    for one in given:
        if not isinstance(one, str):
            raise ValueError(f"Whitelisted namespace must be a string. Got: {one} of type {type(one)}.")
    return list(given)


class LoadOptions:
    """How to load.

    Args:
        allow_partial_checkpoint: may variables be without a value in the checkpoint? They stay without one then.
        experimental_skip_checkpoint: leave all variables without values.
        experimental_load_function_aliases: give the root an attribute `function_aliases`, a dict of what the model's
            `SaveOptions.function_aliases` were.
        experimental_io_device, experimental_variable_policy: accepted for TensorFlow's sake, without effect.

    Raises:
        ValueError: there is no such policy.
    """

    def __init__(
        self,
        allow_partial_checkpoint: bool = False,
        experimental_io_device: str | None = None,
        experimental_skip_checkpoint: bool = False,
        experimental_variable_policy: Any = None,
        experimental_load_function_aliases: bool = False,
    ) -> None:
        self.allow_partial_checkpoint = allow_partial_checkpoint
        self.experimental_io_device = experimental_io_device
        self.experimental_skip_checkpoint = experimental_skip_checkpoint
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_load_function_aliases = experimental_load_function_aliases
