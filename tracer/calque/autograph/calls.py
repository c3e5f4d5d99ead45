"""Calls made from converted code, and the way in: `converted`."""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import log
from .allowlist import is_allowlisted, is_builtin, is_unsupported, remember, remembered
from .errors import InaccessibleSourceError, UnsupportedSyntaxError
from .options import ConversionOptions
from .status import ControlStatus, Status, control_status

__all__ = ["autograph_artifact", "call_with_autograph", "converted_call", "tf_convert"]

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def autograph_artifact(entity: Any) -> Any:
    """Mark a function as one that must not be converted (again)."""
    function: Any = entity.__func__ if inspect.ismethod(entity) else entity
    # The code, because functools.wraps copies the mark onto wrappers, which are no artifacts.
    function.autograph_info__ = getattr(function, "__code__", True)
    return entity


def _is_artifact(f: Any) -> bool:
    function = f.__func__ if inspect.ismethod(f) else f
    mark = getattr(function, "autograph_info__", None)
    return mark is not None and mark is getattr(function, "__code__", True)


def converted_call(
    f: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    caller_fn_scope: Any = None,
    options: ConversionOptions | None = None,
) -> Any:
    """Call `f`, converted where it needs to be.

    Args:
        f: any callable.
        args, kwargs: its arguments.
        caller_fn_scope: the `FunctionScope` of the converted function that calls.
        options: the conversion asked for; by default the caller's.
    """
    if options is None:
        options = caller_fn_scope.callopts
    kwargs = kwargs or {}
    if isinstance(f, functools.partial):
        return converted_call(f.func, f.args + args, {**f.keywords, **kwargs}, caller_fn_scope, options)
    if remembered(f, options) or _is_artifact(f):
        return f(*args, **kwargs)
    if control_status().status is Status.DISABLED and not options.user_requested:
        return f(*args, **kwargs)
    if is_builtin(f):
        from .operators import py_builtins

        return py_builtins.call(f, args, kwargs, caller_fn_scope)
    target = _to_convert(f, options)
    if target is None:
        remember(f, options)
        return f(*args, **kwargs)
    function, bound = target
    try:
        run = _converted_function(function, options)
    except Exception as e:  # whatever malt stumbles over, the function itself may run well
        if os.environ.get("AUTOGRAPH_STRICT_CONVERSION", "0") not in ("", "0"):
            raise
        _warn_unconverted(f, e)
        remember(f, options)
        return f(*args, **kwargs)
    return run(*bound, *args, **kwargs)


def _to_convert(f: Any, options: ConversionOptions) -> tuple[types.FunctionType, tuple[Any, ...]] | None:
    """The Python function behind `f` with the arguments it is bound to; None if `f` is to be called as it stands."""
    from ..function.concrete import ConcreteFunction
    from ..function.polymorphic import Function

    if isinstance(f, (Function, ConcreteFunction)) or is_unsupported(f):
        return None
    function: Any
    bound: tuple[Any, ...]
    if inspect.ismethod(f):
        function, bound = f.__func__, (f.__self__,)
    elif inspect.isfunction(f):
        function, bound = f, ()
    else:
        function, bound = type(f).__call__, (f,)
        if inspect.isclass(f):
            return None
    if not isinstance(function, types.FunctionType) or function.__code__.co_filename == "<string>":
        return None
    if _is_artifact(function) or not options.internal_convert_user_code:
        return None
    if not options.user_requested and is_allowlisted(f):
        return None
    return function, bound


def _converted_function(function: types.FunctionType, options: ConversionOptions) -> Callable[..., Any]:
    """`function` converted, or itself where that makes no difference."""
    from .needs import needs_conversion

    if not needs_conversion(function, options):
        return function
    from .transpile import transpiled

    return transpiled(function, options)


def _warn_unconverted(f: Any, error: Exception) -> None:
    known = isinstance(error, (InaccessibleSourceError, UnsupportedSyntaxError))
    log.warn(
        "AutoGraph could not transform %s and will run it as-is.\nCause: %s\nTo silence this warning, decorate the "
        "function with @tf.autograph.experimental.do_not_convert",
        f,
        error if known else f"{type(error).__name__}: {error}",
    )


def call_with_autograph(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], features: Any = None
) -> Any:
    """Call a user's function, converted at his request: what `tf.function` does while it traces.

    Args:
        f: the function.
        args, kwargs: its arguments.
        features: optional `Feature`s.

    Errors pass through as they are, with a traceback from which calque's frames between the user's are taken out.
    """
    options = ConversionOptions(recursive=True, user_requested=True, optional_features=features)
    try:
        with ControlStatus(Status.ENABLED, options):
            return converted_call(f, tuple(args), dict(kwargs), options=options)
    except Exception as e:
        raise e.with_traceback(_without_our_frames(e.__traceback__))  # noqa: B904  it is the same exception


def _without_our_frames(traceback: types.TracebackType | None) -> types.TracebackType | None:
    """A traceback without calque's frames, except for those where the error came up."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    result: types.TracebackType | None = None
    origin = True
    for frame in reversed(frames):
        ours = frame.tb_frame.f_code.co_filename.startswith(_OURS)
        origin = origin and ours
        if origin or not ours:
            result = types.TracebackType(result, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return result


def tf_convert(
    f: Callable[..., Any], ctx: ControlStatus, convert_by_default: bool = True
) -> Callable[..., Any]:
    """`f` so that calls of it are converted as they would be in the context `ctx`.

    For library functions that call back: they take note of the caller's `control_status` and convert what they were
    given accordingly.

    Args:
        f: the callback.
        ctx: the caller's context.
        convert_by_default: convert if the context does not say.
    """
    if _is_artifact(f):
        return f
    enabled = ctx.status is Status.ENABLED or (ctx.status is Status.UNSPECIFIED and convert_by_default)
    features = None if ctx.options is None else ctx.options.optional_features

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if enabled:
            options = ConversionOptions(recursive=True, optional_features=features)
            with ControlStatus(Status.ENABLED, options):
                return converted_call(f, args, kwargs, options=options)
        with ControlStatus(Status.DISABLED):
            return f(*args, **kwargs)

    if inspect.isfunction(f) or inspect.ismethod(f):
        functools.update_wrapper(wrapper, f)
    autograph_artifact(wrapper)
    return wrapper
