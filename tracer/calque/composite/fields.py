"""The fields of extension types: what they may be annotated as, and values made what they are annotated as."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from calque_runtime.dtypes import DType, as_dtype

from ..tensor import Tensor, convert_to_tensor
from ..tensor_shape import TensorShape
from .composite import CompositeTensor
from .type_spec import TypeSpec

__all__ = ["Field", "ImmutableDict", "as_value", "fields_of", "map_parts"]

_RESERVED = frozenset({"Spec", "_type_spec", "self"})
_ATOMS = (int, float, str, bytes, bool, type(None))


@dataclass(frozen=True)
class Field:
    """One field: what it is annotated as, and its default (``inspect.Parameter.empty`` where it has none)."""

    hint: Any
    default: Any


class ImmutableDict(Mapping[Any, Any]):
    """A dict that does not change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._items = dict(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self._items == dict(other)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._items)))

    def __repr__(self) -> str:
        return f"ImmutableDict({self._items!r})"


def fields_of(cls: type, inherited: Mapping[str, Field]) -> dict[str, Field]:
    """The fields that a class declares, behind those that it inherits.

    Raises:
        TypeError: an annotation is not supported or names what is not there; a default is of another type.
        ValueError: a field's name is reserved.
    """
    found = dict(inherited)
    own = inspect.get_annotations(cls)
    if not own:
        return found
    try:
        hints = typing.get_type_hints(cls, localns={cls.__name__: cls})
    except NameError as error:
        raise TypeError(
            f"An annotation of {cls.__name__} names something that is not there: {error}"
        ) from error
    for name in own:
        hint = hints[name]
        if get_origin(hint) is typing.ClassVar or hint is typing.ClassVar:
            continue
        if name in _RESERVED or name.startswith("_tf_extension_type_"):
            raise ValueError(
                f"The field annotations for {cls.__name__} are invalid. Field '{name}' is reserved."
            )
        _check(hint, name)
        default = cls.__dict__.get(name, inspect.Parameter.empty)
        if default is not inspect.Parameter.empty:
            default = as_value(default, hint, f"default value for {name}")
        found[name] = Field(hint, default)
    return found


def _check(hint: Any, name: str) -> None:
    """Is it an annotation that fields may have?"""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for one in inner:
            _check(one, name)
    elif origin is tuple:
        for one in inner:
            if one is not Ellipsis:
                _check(one, name)
    elif origin is not None and inspect.isclass(origin) and origin in (Mapping, typing.Mapping):
        _check(inner[1], name)
    elif not (
        isinstance(hint, type)
        and issubclass(hint, (*_ATOMS, Tensor, CompositeTensor, TypeSpec, DType, TensorShape))
    ):
        text = f"'{hint.__name__}'" if isinstance(hint, type) else repr(hint)
        text = "'Any'" if hint is Any else text
        raise TypeError(f"In field '{name}': Unsupported type annotation {text}")


def as_value(value: Any, hint: Any, path: str, spec: bool = False) -> Any:
    """`value` made what `hint` says.

    Args:
        value: a field's value.
        hint: what it is annotated as.
        path: where it stands, for messages.
        spec: may specs stand in place of tensors?

    Raises:
        TypeError: it is none, and cannot become one.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _one_of(value, inner, hint, path, spec)
    if origin is tuple:
        return _tuple(value, inner, hint, path, spec)
    if origin is not None:
        if not isinstance(value, Mapping):
            raise _refused(value, "mapping", path)
        return ImmutableDict({k: as_value(v, inner[1], f"{path}[{k!r}]", spec) for k, v in value.items()})
    if issubclass(hint, Tensor):
        return _tensor(value, path, spec)
    if issubclass(hint, CompositeTensor):
        fits = isinstance(value, hint) or (
            spec and isinstance(value, TypeSpec) and issubclass(value.value_type, hint)
        )
    elif issubclass(hint, DType):
        return as_dtype(value)
    elif issubclass(hint, TensorShape):
        return TensorShape(value)
    else:
        fits = isinstance(value, hint)
    if not fits:
        raise _refused(value, f"'{hint.__name__}'", path)
    return value


def _tensor(value: Any, path: str, spec: bool) -> Any:
    if spec and isinstance(value, TypeSpec):
        return value
    try:
        if isinstance(value, (CompositeTensor, TypeSpec)) or value is None:
            raise TypeError("it is no tensor")
        return convert_to_tensor(value)
    except (TypeError, ValueError) as error:
        raise _refused(value, "a Tensor", path) from error


def _refused(value: Any, wanted: str, path: str) -> TypeError:
    return TypeError(f"{path}: expected {wanted}, got {type(value).__name__!r}")


def _one_of(value: Any, kinds: tuple[Any, ...], hint: Any, path: str, spec: bool) -> Any:
    exact = [k for k in kinds if isinstance(k, type) and isinstance(value, k)]
    for kind in (*exact, *kinds):
        try:
            return as_value(value, kind, path, spec)
        except (TypeError, ValueError):
            continue
    raise _refused(value, str(hint), path)


def _tuple(value: Any, kinds: tuple[Any, ...], hint: Any, path: str, spec: bool) -> Any:
    if not isinstance(value, (list, tuple)):
        raise _refused(value, "tuple", path)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise TypeError(f"{path}: expected tuple with length {len(kinds)}, got {len(value)}")
    return tuple(
        as_value(v, k, f"{path}[{i}]", spec) for i, (v, k) in enumerate(zip(value, kinds, strict=True))
    )


def map_parts(func: Callable[[Any], Any], value: Any) -> Any:
    """A field's value with `func` of whatever is no tuple and no mapping in it."""
    if isinstance(value, tuple):
        return tuple(map_parts(func, v) for v in value)
    if isinstance(value, Mapping):
        return ImmutableDict({k: map_parts(func, value[k]) for k in sorted(value)})
    return func(value)
