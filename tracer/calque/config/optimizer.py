"""`tf.config.optimizer`: accepted and remembered; what calque's passes do does not depend on it."""

from __future__ import annotations

from typing import Any

__all__ = ["get_experimental_options", "get_jit", "set_experimental_options", "set_jit"]

_options: dict[str, Any] = {}
_jit = [""]


def get_experimental_options() -> dict[str, Any]:
    """What `set_experimental_options` set."""
    return dict(_options)


def set_experimental_options(options: dict[str, Any]) -> None:
    """Switch TensorFlow's graph passes on and off; without effect."""
    _options.update(options)


def get_jit() -> str:
    """What `set_jit` set: "", or "autoclustering"."""
    return _jit[0]


def set_jit(enabled: bool | str) -> None:
    """Compile by XLA; without effect, there is none."""
    _jit[0] = "autoclustering" if enabled is True else (enabled or "")
