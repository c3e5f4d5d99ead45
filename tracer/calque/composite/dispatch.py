"""Public functions of tensors that take composite tensors as well.

A function that several kinds of values have their own meaning of is called as it is first; only where it raises a
TypeError, a ValueError or an AttributeError are its arguments looked at. So tensors pay next to nothing for it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, get_args, get_origin

from .. import nest
from .composite import CompositeTensor

__all__ = [
    "NOT_SUPPORTED",
    "add_target",
    "bound_arguments",
    "dispatch_for_api",
    "dispatch_for_binary_elementwise_apis",
    "dispatch_for_unary_elementwise_apis",
    "install",
    "stand_ins",
    "unregister_dispatch_for",
]

NOT_SUPPORTED = object()
Target = Callable[[tuple[Any, ...], dict[str, Any]], Any]  # the result, or NOT_SUPPORTED

_targets: dict[
    Callable[..., Any], list[tuple[Any, Target]]
] = {}  # by wrapper: whom it is for, and what it does
_wrappers: dict[Callable[..., Any], Callable[..., Any]] = {}  # by the function that is wrapped
_stand_ins: list[type] = []  # classes besides composite tensors whose objects are reason to ask the targets
_unary: list[Callable[..., Any]] = []
_binary: list[Callable[..., Any]] = []


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which asks its targets where it cannot take its arguments itself."""
    found = _wrappers.get(function)
    if found is not None:
        return found
    targets: list[tuple[Any, Target]] = []

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError):
            if not targets or not _has_composite(args, kwargs):
                raise
            for _, target in targets:
                result = target(args, kwargs)
                if result is not NOT_SUPPORTED:
                    return result
            raise

    _targets[call] = targets
    _wrappers[function] = call
    return call


def _has_composite(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    kinds = (CompositeTensor, *_stand_ins)
    return any(isinstance(leaf, kinds) for leaf in nest.flatten([args, list(kwargs.values())]))


def stand_ins(*classes: type) -> None:
    """Ask the targets where an argument is of one of these classes as well."""
    _stand_ins.extend(cls for cls in classes if cls not in _stand_ins)


def add_target(function: Callable[..., Any], target: Target, owner: Any = None) -> None:
    """Let a public function take what `target` takes.

    Args:
        function: a function, as its module has it.
        target: is given the positional and the keyword arguments of a call; gives its result, or `NOT_SUPPORTED`.
        owner: for `unregister_dispatch_for`.
    """
    call = function if function in _targets else _wrapped(function)
    _targets[call].append((owner, target))


def install(
    modules: Sequence[ModuleType],
    unary: Mapping[Callable[..., Any], Any],
    binary: Mapping[Callable[..., Any], Any],
) -> None:
    """Put the functions that have targets, wrapped, in the place of the plain ones.

    Args:
        modules: where they are public.
        unary, binary: which of them work element by element on one tensor, or two.
    """
    _unary.extend(_wrapped(function) for function in unary)
    _binary.extend(_wrapped(function) for function in binary)
    homes = {sys.modules[f.__module__] for f in _wrappers if f.__module__ in sys.modules}
    for module in {*modules, *homes}:
        for name, value in list(vars(module).items()):
            if inspect.isfunction(value) and value in _wrappers:
                setattr(module, name, _wrappers[value])


# By users


def dispatch_for_api(
    api: Callable[..., Any], *signatures: Mapping[Any, Any]
) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: the function does what `api` means for composite tensors of certain classes.

    Args:
        api: a public function of tensors.
        *signatures: for a parameter (by its name or place): the class it must be of, or a ``list[...]``, or a union.
            Without one: the annotations of the decorated function.

    Raises:
        ValueError: `api` does not take composite tensors.
    """
    if api not in _targets:
        raise ValueError(f"{api} does not support dispatch.")

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(api)
        wanted = list(signatures) or [_annotated(function)]
        names = list(parameters.parameters)

        def target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            try:
                bound = parameters.bind(*args, **kwargs).arguments
            except TypeError:
                return NOT_SUPPORTED
            for signature in wanted:
                fits = (
                    _is_of(bound.get(names[key] if isinstance(key, int) else key), kind)
                    for key, kind in signature.items()
                )
                if signature and all(fits):
                    return function(*args, **kwargs)
            return NOT_SUPPORTED

        _targets[api].insert(0, (function, target))
        return function

    return decorator


def _annotated(function: Callable[..., Any]) -> dict[str, Any]:
    hints = inspect.get_annotations(function, eval_str=True)
    return {name: kind for name, kind in hints.items() if name != "return"}


def _is_of(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (list, tuple):
        (inner, *_) = get_args(kind) or (object,)
        return isinstance(value, (list, tuple)) and all(_is_of(v, inner) for v in value)
    if origin is not None:
        return any(_is_of(value, inner) for inner in get_args(kind))
    return kind is Any or (isinstance(kind, type) and isinstance(value, kind))


def dispatch_for_unary_elementwise_apis(x_type: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator for ``handler(api, x)``: what every elementwise function of one tensor means for `x_type`."""

    def decorator(handler: Callable[..., Any]) -> Callable[..., Any]:
        for call in _unary:
            api = call.__wrapped__  # type: ignore[attr-defined]

            def target(args: tuple[Any, ...], kwargs: dict[str, Any], api: Any = api) -> Any:
                first, *rest = bound_arguments(api, args, kwargs, 1) or (None,)
                if not _is_of(first, x_type):
                    return NOT_SUPPORTED
                return handler(lambda x: api(x, *rest[0], **rest[1]), first)

            _targets[call].insert(0, (handler, target))
        return handler

    return decorator


def dispatch_for_binary_elementwise_apis(x_type: Any, y_type: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator for ``handler(api, x, y)``: what every elementwise function of two tensors means for these types."""

    def decorator(handler: Callable[..., Any]) -> Callable[..., Any]:
        for call in _binary:
            api = call.__wrapped__  # type: ignore[attr-defined]

            def target(args: tuple[Any, ...], kwargs: dict[str, Any], api: Any = api) -> Any:
                found = bound_arguments(api, args, kwargs, 2)
                if found is None or not (_is_of(found[0], x_type) and _is_of(found[1], y_type)):
                    return NOT_SUPPORTED
                return handler(lambda x, y: api(x, y, *found[2], **found[3]), found[0], found[1])

            _targets[call].insert(0, (handler, target))
        return handler

    return decorator


def bound_arguments(api: Any, args: tuple[Any, ...], kwargs: dict[str, Any], count: int) -> list[Any] | None:
    """The first `count` arguments, the other positional ones, and the rest by name; None where one is missing."""
    names = list(inspect.signature(api).parameters)[:count]
    rest = dict(kwargs)
    found = list(args[:count])
    for name in names[len(found) :]:
        if name not in rest:
            return None
        found.append(rest.pop(name))
    return [*found, args[count:], rest]


def unregister_dispatch_for(dispatch_target: Callable[..., Any]) -> None:
    """Take back what the decorators of this module did with a function.

    Raises:
        ValueError: they did nothing.
    """
    found = False
    for targets in _targets.values():
        kept = [entry for entry in targets if entry[0] is not dispatch_target]
        found = found or len(kept) < len(targets)
        targets[:] = kept
    if not found:
        raise ValueError(
            f"Function {dispatch_target} was not registered using a `@dispatch_for_*` decorator."
        )
