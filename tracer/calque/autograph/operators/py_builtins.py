"""Python's own functions on tensors."""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable
from typing import Any

from ...tensor import Tensor, convert_to_tensor
from .kinds import is_dense, is_tensor_list

__all__ = ["call", "len_", "overloads"]


def call(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], caller_fn_scope: Any) -> Any:
    """What the builtin `f` gives: ops where its arguments are tensors, else what it does by itself.

    Args:
        f: a function of the interpreter's own.
        args, kwargs: its arguments.
        caller_fn_scope: the `FunctionScope` of the function that calls, for those that look at its frame.
    """
    if f in _OF_FRAMES:
        return _in_frame(f, args, kwargs, caller_fn_scope)
    overload = _OVERLOADS.get(f) if f.__hash__ is not None else None
    return f(*args, **kwargs) if overload is None else overload(*args, **kwargs)


def overloads(f: Any) -> bool:
    """Does `call` treat this builtin in its own way?"""
    return f in _OF_FRAMES or f in _OVERLOADS


# Functions of the calling frame


def _frames(scope: Any) -> list[Any]:
    """The frames of the converted function whose scope this is, the innermost first."""
    found: list[Any] = []
    frame: Any = sys._getframe(1)
    while frame is not None and scope is not None:
        if frame.f_locals.get(scope.name) is scope:
            found.append(frame)
            if scope.name not in frame.f_code.co_freevars:
                break
        frame = frame.f_back
    return found


def _in_frame(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any], scope: Any) -> Any:
    """`eval`, `exec`, `globals`, `locals`, `vars`, `dir` as if called in the function itself."""
    frames = _frames(scope)
    if not frames or (args and f not in (eval, exec)):
        return f(*args, **kwargs)
    variables: dict[str, Any] = {}
    for frame in reversed(frames):
        variables.update(frame.f_locals)
    own = {"ag__", scope.name}
    variables = {k: v for k, v in variables.items() if k not in own}
    if f is globals:
        return frames[0].f_globals
    if f is locals or f is vars:
        return variables
    if f is dir:
        return sorted(variables)
    places = (*args[1:], frames[0].f_globals, variables)
    return f(
        args[0], *(places[:1] if len(args) == 2 else places[-2:] if len(args) == 1 else args[1:]), **kwargs
    )


_OF_FRAMES = (eval, exec, globals, locals, vars, dir)


# Numbers


def _abs(x: Any) -> Any:
    from ...api.math_ops import abs as tf_abs

    return tf_abs(x) if is_dense(x) else abs(x)


def _float(*args: Any) -> Any:
    return _number(args[0], "float32") if args and is_dense(args[0]) else float(*args)


def _int(*args: Any, **kwargs: Any) -> Any:
    if not args or not is_dense(args[0]):
        return int(*args, **kwargs)
    base = kwargs.get("base", args[1] if len(args) > 1 else 10)
    if base != 10:
        raise NotImplementedError(f"int of a tensor takes base 10 only, not {base}")
    return _number(args[0], "int32")


def _number(x: Any, dtype: str) -> Any:
    from ...api.math_ops import cast
    from ...api.raw import raw

    if x.dtype == "string":
        return raw("StringToNumber")(convert_to_tensor(x), out_type=dtype)
    return cast(x, dtype)


def len_(s: Any) -> Any:
    """``len(s)``: an int where it is known, else a tensor.

    Raises:
        ValueError: a tensor is a scalar.
    """
    from ...api.array_ops import shape
    from ...api.raw import raw

    if is_tensor_list(s):
        return raw("TensorListLength")(s)
    if _is_tensor_array(s):
        return s.size()
    if not is_dense(s):
        return len(s)
    if s.shape.rank == 0:
        raise ValueError(f"len requires a non-scalar tensor, got one of shape {s.shape}")
    if s.shape.rank is not None and s.shape[0] is not None:
        return s.shape[0]
    return shape(s)[0]


def _is_tensor_array(s: Any) -> bool:
    from ...tensor_array import TensorArray

    return isinstance(s, TensorArray)


def _range(*args: Any) -> Any:
    from ...api.array_ops import range as tf_range
    from ...api.math_ops import maximum

    if not any(is_dense(a) for a in args):
        return range(*args)
    if len(args) == 1:
        return tf_range(maximum(args[0], 0))  # as Python's, empty below 0
    if len(args) == 2:
        return tf_range(args[0], maximum(args[0], args[1]))
    return tf_range(*args)


def _extreme(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """``min`` or ``max``: of one vector, or of several scalars."""

    def overload(*args: Any, **kwargs: Any) -> Any:
        from ...api import reduce_ops

        given = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
        if not any(is_dense(a) for a in given):
            return f(*args, **kwargs)
        if kwargs:
            raise ValueError(f"{name} of tensors takes no keyword arguments, but got {sorted(kwargs)}")
        reduce = getattr(reduce_ops, f"reduce_{name}")
        if len(args) == 1 and is_dense(args[0]):
            if args[0].shape.rank not in (0, 1):
                raise ValueError(
                    f"{name}(arg) currently support only tensor with rank 1, but got a tensor with rank "
                    f"{args[0].shape.rank}"
                )
            return args[0] if args[0].shape.rank == 0 else reduce(args[0], axis=0)
        for arg in given:
            if is_dense(arg) and arg.shape.rank != 0:
                raise ValueError(
                    f"{name}(arg1, arg2, *args) currently support only scalar tensor, but got a tensor with shape "
                    f"{arg.shape}"
                )
        return reduce(_stacked(given), axis=0)

    return overload


def _stacked(values: Any) -> Any:
    """Scalars as one vector; Python numbers take the type of the tensors among them."""
    dtype = next(v.dtype for v in values if is_dense(v))
    return convert_to_tensor([v if is_dense(v) else convert_to_tensor(v, dtype) for v in values])


def _total(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """``any`` or ``all``: of a vector, or of a list with tensors in it."""

    def overload(iterable: Any) -> Any:
        from ...api import reduce_ops
        from ...api.math_ops import cast, logical_and, logical_or

        reduce = getattr(reduce_ops, f"reduce_{name}")
        if isinstance(iterable, Tensor) and iterable.shape.rank == 1:
            return reduce(cast(iterable, "bool"))
        if isinstance(iterable, (list, tuple)) and any(is_dense(v) for v in iterable):
            combine = logical_or if name == "any" else logical_and
            return functools.reduce(combine, [cast(v, "bool") if is_dense(v) else bool(v) for v in iterable])
        return f(iterable)

    return overload


def _sorted(iterable: Any, /, *, key: Any = None, reverse: bool = False) -> Any:
    from ...api.array_ops import stack, unstack
    from ...api.indexing_ops import gather
    from ...api.order_ops import argsort, sort

    if not is_dense(iterable):
        return sorted(iterable, key=key, reverse=reverse)
    if iterable.shape.rank != 1:
        raise ValueError(f"sorted takes a tensor with rank 1, but got one of shape {iterable.shape}")
    direction = "DESCENDING" if reverse else "ASCENDING"
    if key is None:
        return sort(iterable, direction=direction)
    keys = stack([key(element) for element in unstack(iterable)])
    return gather(iterable, argsort(keys, direction=direction, stable=True))


def _print(*objects: Any, **kwargs: Any) -> None:
    from ...api.debugging_ops import print_

    if not any(is_dense(x) for x in objects):
        print(*objects, **kwargs)
        return
    unknown = sorted(set(kwargs) - {"sep", "end", "file", "flush"})
    if unknown:
        raise ValueError(f"invalid keyword arguments: {unknown}")
    ends = {k: v for k, v in kwargs.items() if k in ("sep", "end") and v is not None}
    print_(*objects, output_stream=kwargs.get("file") or sys.stdout, summarize=-1, **ends)


_OVERLOADS: dict[Any, Callable[..., Any]] = {
    builtins.abs: _abs,
    builtins.all: _total("all", all),
    builtins.any: _total("any", any),
    builtins.float: _float,
    builtins.int: _int,
    builtins.len: len_,
    builtins.max: _extreme("max", max),
    builtins.min: _extreme("min", min),
    builtins.print: _print,
    builtins.range: _range,
    builtins.sorted: _sorted,
}
