"""`tf.autograph.to_graph` and `to_code`."""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any

from .calls import autograph_artifact
from .errors import ConversionError
from .options import ConversionOptions

__all__ = ["to_code", "to_graph"]


def to_graph(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> Any:
    """A Python function with its control flow converted: on tensors it makes ops, on Python values it is Python's.

    `tf.function` does this by itself, and traces the result. A method comes back as a function that takes ``self``.

    Args:
        entity: a Python function or method; of a `tf.function`, give its ``python_function``.
        recursive: convert the functions it calls as well.
        experimental_optional_features: a `tf.autograph.experimental.Feature`, several, or None.

    Raises:
        ConversionError: it cannot be converted, or is no Python function.
    """
    from .transpile import transpiled

    function, options = _asked(entity, recursive, experimental_optional_features)
    try:
        converted = transpiled(function, options)
    except (ValueError, NotImplementedError, AttributeError, KeyError, NameError, AssertionError) as e:
        raise ConversionError(f"converting {entity}: {type(e).__name__}: {e}") from e
    return autograph_artifact(converted)


def to_code(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """The source of what `to_graph` makes. Arguments and errors: see there."""
    from .transpile import source_of

    function, options = _asked(entity, recursive, experimental_optional_features)
    try:
        return source_of(function, options)
    except (ValueError, NotImplementedError, AttributeError, KeyError, NameError, AssertionError) as e:
        raise ConversionError(f"converting {entity}: {type(e).__name__}: {e}") from e


def _asked(entity: Any, recursive: bool, features: Any) -> tuple[types.FunctionType, ConversionOptions]:
    if isinstance(entity, functools.partial):
        raise ConversionError(f"{entity} is a functools.partial: convert the function in it.")
    function = entity.__func__ if inspect.ismethod(entity) else entity
    if not isinstance(function, types.FunctionType):
        raise ConversionError(
            f"Cannot apply AutoGraph to {entity!r}, which is no Python function. If it is a tf.function, use its "
            "python_function."
        )
    return function, ConversionOptions(recursive, user_requested=True, optional_features=features)
