"""`tf.__internal__.decorator`: wrappers that are known to be wrappers."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["make_decorator", "unwrap"]


def make_decorator(
    target: Callable[..., Any],
    decorator_func: Callable[..., Any],
    decorator_name: str | None = None,
    decorator_doc: str = "",
    decorator_argspec: Any = None,
) -> Callable[..., Any]:
    """Let a wrapper look like what it wraps: its name, docstring and parameters.

    Args:
        target: what is wrapped.
        decorator_func: the wrapper, which is returned.
        decorator_name, decorator_doc: accepted.
        decorator_argspec: accepted; the parameters are those of `target`.
    """
    wrapper: Any = decorator_func
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        if hasattr(target, name):
            setattr(wrapper, name, getattr(target, name))
    wrapper.__wrapped__ = target
    with contextlib.suppress(TypeError, ValueError):  # a target that does not say what it takes
        wrapper.__signature__ = inspect.signature(target)
    return decorator_func


def unwrap(maybe_tf_decorator: Any) -> tuple[list[Any], Any]:
    """The wrappers around a function, the outermost first, and the function."""
    wrappers: list[Any] = []
    inner = maybe_tf_decorator
    while hasattr(inner, "__wrapped__"):
        wrappers.append(inner)
        inner = inner.__wrapped__
    return wrappers, inner
