"""Layers that draw random numbers."""

from __future__ import annotations

from typing import Any

from ..engine.layer import Layer
from ..random_generator import RandomGenerator

__all__ = ["BaseRandomLayer"]


class BaseRandomLayer(Layer):
    """A layer with a generator of its own, which is no part of its weights or of checkpoints.

    Args:
        seed: makes the numbers repeatable; None: a seed is drawn.
        force_generator, rng_type: see `RandomGenerator`.
        **kwargs: those of every layer.
    """

    _random_generator: RandomGenerator

    def __init__(
        self,
        seed: int | None = None,
        force_generator: bool = False,
        rng_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.__dict__["_random_generator"] = RandomGenerator(seed, rng_type, force_generator)

    def build(self, input_shape: Any) -> None:
        """Start the generator."""
        super().build(input_shape)
        self._random_generator._start()

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Any]:
        """With the generator, where functions are saved that may use its state."""
        more = {"_random_generator": self._random_generator} if save_type == "savedmodel" else {}
        return super()._trackable_children(save_type) | more

    def get_config(self) -> dict[str, Any]:
        """Names the generator's type where it is not the default one."""
        kind = self._random_generator._rng_type
        return super().get_config() | ({} if kind == "legacy_stateful" else {"rng_type": kind})
