"""What is called as it stands: code that does not need conversion, or that conversion cannot handle."""

from __future__ import annotations

import builtins
import collections
import contextlib
import functools
import inspect
import sys
import types
import unittest
import weakref
from typing import Any

from . import log

__all__ = ["is_allowlisted", "is_builtin", "is_unsupported", "remember", "remembered"]

# Packages whose functions take and give tensors already, or know nothing of them.
_PACKAGES = frozenset(sys.stdlib_module_names) | {
    "IPython",
    "PIL",
    "absl",
    "calque",
    "calque_runtime",
    "calque_tools",
    "google",
    "hypothesis",
    "ipdb",
    "malt",
    "matplotlib",
    "ml_dtypes",
    "mock",
    "numpy",
    "pandas",
    "pytest",
    "scipy",
    "tensorflow",
    "tensorflow_probability",
    "tree",
    "wrapt",
}
_BUILTINS = frozenset(id(v) for v in vars(builtins).values() if callable(v))

# What was found to be called as it stands before, for each set of options.
_remembered: weakref.WeakKeyDictionary[Any, set[Any]] = weakref.WeakKeyDictionary()


def is_builtin(f: Any) -> bool:
    """Is `f` a function of the interpreter's own?"""
    return id(f) in _BUILTINS or isinstance(f, types.BuiltinFunctionType)


def _package(f: Any) -> str | None:
    module = f.__name__ if isinstance(f, types.ModuleType) else getattr(f, "__module__", None)
    return module.partition(".")[0] if isinstance(module, str) else None


def _is_namedtuple(f: Any) -> bool:
    return inspect.isclass(f) and issubclass(f, tuple) and isinstance(getattr(f, "_fields", None), tuple)


def is_allowlisted(f: Any) -> bool:
    """Is `f` a callable that needs no conversion, because of the package it comes from, or of what it is?"""
    if _package(f) in _PACKAGES:
        return True
    if inspect.isgeneratorfunction(f) or inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f):
        return True
    if inspect.isclass(f):
        return _is_namedtuple(f)
    if inspect.ismethod(f):
        owner = f.__self__ if inspect.isclass(f.__self__) else type(f.__self__)
        if issubclass(owner, unittest.TestCase):
            return True
        # A method that a library's class defines needs no conversion on the user's subclass of it either.
        defining = next((c for c in owner.__mro__ if f.__name__ in vars(c)), owner)
        return _package(defining) in _PACKAGES and _package(f.__func__) in _PACKAGES
    if not inspect.isfunction(f) and callable(f):
        call = type(f).__call__
        return inspect.isfunction(call) and is_allowlisted(call)
    return False


def is_unsupported(f: Any) -> bool:
    """Is `f` a callable whose body conversion cannot reach?"""
    if inspect.isclass(f) and type(f).__call__ is type.__call__:
        return True  # a constructor: the object is made as Python makes it
    if isinstance(f, functools._lru_cache_wrapper):
        return True
    wrapt = sys.modules.get("wrapt")
    if wrapt is not None and isinstance(f, (wrapt.FunctionWrapper, wrapt.BoundFunctionWrapper)):
        log.warn(
            "%r is decorated by wrapt, which AutoGraph does not convert; it runs as it stands. Apply tf.function below "
            "that decorator.",
            f,
        )
        return True
    return any(f is v for v in vars(collections).values())


def _key(f: Any) -> Any:
    return f.__func__ if inspect.ismethod(f) else f


def remembered(f: Any, options: Any) -> bool:
    """Has `f` been found to be called as it stands?"""
    try:
        return options in _remembered.get(_key(f), ())
    except TypeError:  # it cannot be hashed, or not be referred to weakly
        return False


def remember(f: Any, options: Any) -> None:
    """`f` is to be called as it stands from now on, under these options."""
    with contextlib.suppress(TypeError):  # it cannot be hashed, or not be referred to weakly
        _remembered.setdefault(_key(f), set()).add(options)
