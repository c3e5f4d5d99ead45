"""`tf.compat.v1`: the few names of TensorFlow 1 that packages written for TensorFlow 2 still use.

Names that TensorFlow 2 has as well are its own.
"""

from __future__ import annotations

import sys
from typing import Any

from ..api.arguments import tensor
from ..api.indexing_ops import where as _where
from ..api.raw import raw
from ..context import executing_eagerly

__all__ = [
    "disable_eager_execution",
    "enable_eager_execution",
    "enable_v2_behavior",
    "executing_eagerly",
    "executing_eagerly_outside_functions",
    "where",
]


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """`x` where the condition holds, `y` elsewhere; without them, the places where it holds.

    Unlike in TensorFlow 2, `x` and `y` have one shape; a condition that is a vector chooses among their rows.

    Raises:
        ValueError: only one of `x` and `y` is given.
    """
    if x is None or y is None:
        return _where(condition, x, y, name)
    values = tensor(x)
    return raw("Select")(tensor(condition), values, tensor(y, values.dtype), name=name)


def enable_v2_behavior() -> None:
    """It is enabled."""


def enable_eager_execution(*args: Any, **kwargs: Any) -> None:
    """It is enabled."""


def executing_eagerly_outside_functions() -> bool:
    """Do ops outside of functions run at once? They do."""
    return True


def disable_eager_execution() -> None:
    """Ops outside of functions always run at once.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("calque has no graph mode: put what shall be a graph into a tf.function")


def __getattr__(name: str) -> Any:
    package = sys.modules[__name__.split(".")[0]]
    if name in package.__all__:
        return getattr(package, name)
    raise AttributeError(
        f"tf.compat.v1 has no '{name}' in calque: TensorFlow 1's sessions and graphs are not there"
    )
