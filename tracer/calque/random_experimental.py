"""`tf.random.experimental`: older names of what `tf.random` has, and a shuffle that depends on its seed alone."""

from __future__ import annotations

from .api.generator import (
    Algorithm,
    Generator,
    create_rng_state,
    get_global_generator,
    set_global_generator,
)
from .api.random_ops import fold_in as stateless_fold_in
from .api.random_ops import split as stateless_split
from .api.random_ops import stateless_shuffle

__all__ = [
    "Algorithm",
    "Generator",
    "create_rng_state",
    "get_global_generator",
    "set_global_generator",
    "stateless_fold_in",
    "stateless_shuffle",
    "stateless_split",
]
