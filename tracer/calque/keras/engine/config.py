"""What it takes to make a layer again: its configuration, and the shape that it was built for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ... import nest
from ...tensor_shape import TensorShape

__all__ = ["ConfigMixin"]

_PLAIN = (str, int, float, bool, type(None))
# Arguments of every layer, which `Layer.get_config` has.
_COMMON = frozenset(
    ("name", "trainable", "dtype", "dynamic", "input_shape", "batch_input_shape", "batch_size", "self")
)

Self = TypeVar("Self", bound="ConfigMixin")


class ConfigMixin:
    """Remembers the arguments an object was made with, for classes that do not define `get_config`."""

    __given: Mapping[str, Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Note the arguments, if they are plain values."""
        made = super().__new__(cls)
        try:
            names = list(inspect.signature(cls.__init__).parameters)[1:]
        except (TypeError, ValueError):  # a constructor that is not Python's
            return made
        given = dict(zip(names, args, strict=False)) | kwargs
        plain = len(args) <= len(names) and all(
            isinstance(v, _PLAIN) for k, v in given.items() if k not in _COMMON
        )
        made.__dict__["_ConfigMixin__given"] = given if plain else None
        return made

    def _with_own_arguments(self, config: dict[str, Any], base: Callable[..., Any]) -> dict[str, Any]:
        """`config` with the arguments of the class's own constructor, if the class does not define `get_config`.

        Args:
            config: what a base class knows.
            base: that base class's `get_config`.

        Raises:
            NotImplementedError: an argument is nothing that a config can hold by itself.
        """
        if type(self).get_config is not base:  # type: ignore[attr-defined]
            return config
        init = inspect.signature(type(self).__init__).parameters
        kinds = inspect.Parameter
        names = {n for n, p in init.items() if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)}
        own = names - _COMMON
        if not own:
            return config
        if self.__given is None:
            raise NotImplementedError(
                f"Layer {type(self).__name__} was created by passing non-serializable argument values in `__init__()`, "
                "and therefore the layer must override `get_config()` in order to be serializable. Please implement "
                f"`get_config()`: it returns {sorted(own)} and what `super().get_config()` gives."
            )
        takes_any = any(p.kind is kinds.VAR_KEYWORD for p in init.values())
        config = {k: v for k, v in config.items() if takes_any or k in names}
        return config | {k: v for k, v in self.__given.items() if k in own}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """One from what `get_config` gave, without weights.

        Raises:
            TypeError: the class takes other arguments than the config has.
        """
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(
                f"Error when deserializing class '{cls.__name__}' using config={dict(config)}.\n\nException "
                f"encountered: {error}. Does its `get_config()` return the arguments of `__init__`?"
            ) from error

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape that it was built for; None if it was not."""
        shapes = self._state.build_input_shape  # type: ignore[attr-defined]
        if shapes is None:
            return None
        return {
            "input_shape": nest.map_structure(lambda s: tuple(s) if isinstance(s, TensorShape) else s, shapes)
        }

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Build it for the shape in what `get_build_config` gave."""
        shapes = config.get("input_shape")
        if shapes is not None:
            self.build(shapes)  # type: ignore[attr-defined]
