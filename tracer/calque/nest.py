"""Nested structures: lists, tuples, named tuples and mappings, one in another, with leaves of any other kind.

None, strings, sets, arrays and tensors are leaves. Mappings are walked in the order of their sorted keys. What a
structure is made of is decided in one place, `_handler`.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from collections.abc import MappingView as MappingViewABC
from dataclasses import dataclass
from typing import Any

__all__ = [
    "assert_same_structure",
    "flatten",
    "flatten_with_joined_string_paths",
    "flatten_with_paths",
    "is_nested",
    "map_structure",
    "map_structure_with_paths",
    "pack_sequence_as",
    "skeleton",
]


@dataclass(frozen=True)
class _Handler:
    """How one kind of structure is taken apart and put together.

    Attributes:
        values: the children of a structure, in the order they are walked.
        keys: what leads to each child, in the same order.
        build: a structure like the given one, from children in that order.
        is_mapping: are two structures of this kind alike when their keys are, whatever their classes?
    """

    values: Callable[[Any], Iterable[Any]]
    keys: Callable[[Any], Iterable[Any]]
    build: Callable[[Any, list[Any]], Any]
    is_mapping: bool = False


def _sorted_keys(mapping: Any) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError as error:
        raise TypeError(
            f"nest only supports dicts with sortable keys: {list(mapping)!r} ({error})"
        ) from error


def _mapping_values(mapping: Any) -> list[Any]:
    return [mapping[key] for key in _sorted_keys(mapping)]


def _build_mapping(like: Any, values: list[Any]) -> Any:
    by_key = dict(zip(_sorted_keys(like), values, strict=True))
    items = [(key, by_key[key]) for key in like]  # its own order, which OrderedDict (and dict) remember
    if isinstance(like, collections.defaultdict):
        return type(like)(like.default_factory, items)
    try:
        return _plain_class(type(like))(items)
    except TypeError as error:
        raise TypeError(
            f"Error creating an object of type {type(like)} like {like}. Note that it must accept a single "
            f"positional argument representing an iterable of key-value pairs, in addition to self. Cause: {error}"
        ) from error


def _indices(sequence: Any) -> range:
    return range(len(sequence))


_LIST = _Handler(lambda s: s, _indices, lambda like, values: values)
_TUPLE = _Handler(lambda s: s, _indices, lambda like, values: tuple(values))
_SEQUENCE = _Handler(lambda s: s, _indices, lambda like, values: type(like)(values))
_NAMEDTUPLE = _Handler(
    lambda s: s, lambda s: s._fields, lambda like, values: _plain_class(type(like))(*values)
)
_MAPPING = _Handler(_mapping_values, _sorted_keys, _build_mapping, is_mapping=True)
# Views of mappings and ranges cannot be made from their elements: they come back as lists.
_VIEW = _Handler(list, _indices, lambda like, values: values)


def _plain_class(cls: type) -> type:
    """The class that a structure of class `cls` counts as: tracked wrappers name the one that they wrap."""
    return getattr(cls, "_nest_class", cls)


@functools.lru_cache(maxsize=4096)
def _cached_handler(cls: Any) -> _Handler | None:
    """How structures of the class `cls` are handled; None: they are leaves."""
    cls = _plain_class(cls)
    if cls is list:
        return _LIST
    if cls is tuple:
        return _TUPLE
    if issubclass(cls, (str, bytes, bytearray, memoryview)):
        return None
    if issubclass(cls, tuple) and _is_namedtuple(cls):
        return _NAMEDTUPLE
    if issubclass(cls, MappingABC):
        return _MAPPING
    if issubclass(cls, (MappingViewABC, range)):
        return _VIEW
    if issubclass(cls, Sequence):
        return _SEQUENCE
    return None


# mypy doubts that classes can be hashed, which they can.
_handler: Callable[[type], _Handler | None] = _cached_handler


def _is_namedtuple(cls: type) -> bool:
    fields = getattr(cls, "_fields", None)
    return isinstance(fields, tuple) and all(isinstance(name, str) for name in fields)


def is_nested(structure: Any) -> bool:
    """Is it a structure (even an empty one), and not a leaf?"""
    return _handler(type(structure)) is not None


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves, in order.

    Args:
        structure: a structure or a leaf, which gives a list of itself.
        expand_composites: accepted for TensorFlow's sake; there are no composite tensors.

    Raises:
        TypeError: the keys of a dict cannot be sorted.
    """
    handler = _handler(type(structure))
    if handler is None:
        return [structure]
    out: list[Any] = []
    _flatten(handler, structure, out)
    return out


def _flatten(handler: _Handler, structure: Any, out: list[Any]) -> None:
    for value in handler.values(structure):
        inner = _handler(type(value))
        if inner is None:
            out.append(value)
        else:
            _flatten(inner, value, out)


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """A structure like `structure` with the leaves of `flat_sequence`, in order.

    Args:
        structure: a structure or a leaf. Subclasses of list, tuple and dict are made again, mappings in the key
            order of `structure`.
        flat_sequence: the new leaves.
        expand_composites: accepted for TensorFlow's sake.

    Raises:
        TypeError: `flat_sequence` is no sequence.
        ValueError: it does not have as many leaves as `structure`.
    """
    if not is_nested(flat_sequence):
        raise TypeError(
            f"Attempted to pack value:\n  {flat_sequence}\ninto a structure, but found incompatible type "
            f"`{type(flat_sequence)}` instead."
        )
    leaves = list(flat_sequence)
    handler = _handler(type(structure))
    if handler is None:
        if len(leaves) != 1:
            raise ValueError(
                f"The target structure is of type `{type(structure)}`\n  {structure}\nHowever the input is a sequence "
                f"({type(flat_sequence)}) of length {len(leaves)}.\n  {flat_sequence}\nA leaf takes exactly one item."
            )
        return leaves[0]
    expected = len(flatten(structure))
    if expected != len(leaves):
        raise ValueError(
            f"Could not pack sequence. Structure had {expected} atoms, but flat_sequence had {len(leaves)} items.  "
            f"Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return _pack(handler, structure, iter(leaves))


def _pack(handler: _Handler, structure: Any, leaves: Iterator[Any]) -> Any:
    children = []
    for value in handler.values(structure):
        inner = _handler(type(value))
        children.append(next(leaves) if inner is None else _pack(inner, value, leaves))
    return handler.build(structure, children)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """The structure of what `func` gives for each leaf (or for the leaves at the same place in each structure).

    Args:
        func: takes as many arguments as there are structures.
        *structure: structures alike; the result is like the first.
        **kwargs: `check_types` (default True): must sequences be of one class? `expand_composites`: accepted.

    Raises:
        TypeError: `func` cannot be called, or the classes differ.
        ValueError: no structure is given, or they are not alike.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    kwargs.pop("expand_composites", None)
    if kwargs:
        names = "`, `".join(kwargs)
        raise ValueError(
            f"Only valid keyword arguments are `check_types` and `expand_composites`, not: `{names}`"
        )
    first = structure[0]
    for other in structure[1:]:
        assert_same_structure(first, other, check_types)
    handler = _handler(type(first))
    if handler is None:
        return func(*structure)
    flat = [flatten(one) for one in structure]
    return _pack(handler, first, iter([func(*leaves) for leaves in zip(*flat, strict=True)]))


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Check that two structures are nested in the same way.

    Args:
        nest1: a structure or a leaf.
        nest2: what it must be like.
        check_types: must sequences be of one class (lists and their subclasses count as one), named tuples have the
            same name and fields, and mappings the same keys?
        expand_composites: accepted for TensorFlow's sake.

    Raises:
        ValueError: the number of elements, the keys, or what is a leaf differ.
        TypeError: the classes of two sequences differ.
    """
    problem = _difference(nest1, nest2, check_types)
    if problem is not None:
        kind, specifically = problem
        raise kind(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: {_described(nest1)}\n\nSecond structure: {_described(nest2)}\n\n"
            f"More specifically: {specifically}\n"
            f"Entire first structure:\n{skeleton(nest1)}\nEntire second structure:\n{skeleton(nest2)}"
        )


def _described(structure: Any) -> str:
    return f"type={type(structure).__name__} str={structure}"


def _difference(a: Any, b: Any, check_types: bool) -> tuple[type[Exception], str] | None:
    first, second = _handler(type(a)), _handler(type(b))
    if first is None or second is None:
        if first is second:
            return None
        nested, leaf = (a, b) if second is None else (b, a)
        return ValueError, (
            f'Substructure "{_described(nested)}" is a sequence, while substructure "{_described(leaf)}" is not'
        )
    if check_types:
        if first.is_mapping and second.is_mapping:
            if set(a) != set(b):
                return ValueError, (
                    "The two dictionaries don't have the same set of keys. First structure has keys "
                    f"{_described(list(a))}, while second structure has keys {_described(list(b))}"
                )
        elif not _same_class(a, b):
            return TypeError, (
                f"The two sequences don't have the same sequence type. First structure {_described(a)} has type "
                f"{type(a).__name__}, while second structure {_described(b)} has type {type(b).__name__}"
            )
    left, right = list(first.values(a)), list(second.values(b))
    if len(left) != len(right):
        return ValueError, (
            "The two structures don't have the same number of elements. "
            f"First structure: {_described(a)}. Second structure: {_described(b)}"
        )
    for x, y in zip(left, right, strict=True):
        problem = _difference(x, y, check_types)
        if problem is not None:
            return problem
    return None


def _same_class(a: Any, b: Any) -> bool:
    first, second = _plain_class(type(a)), _plain_class(type(b))
    if first is second or (issubclass(first, list) and issubclass(second, list)):
        return True
    if _is_namedtuple(first) and _is_namedtuple(second):
        return first.__name__ == second.__name__ and a._fields == b._fields
    return False


class _Dot:
    """A leaf in a skeleton."""

    def __repr__(self) -> str:
        return "."


def skeleton(structure: Any) -> str:
    """The structure as text with a dot for every leaf, such as ``{'a': [., (.,)]}``."""
    handler = _handler(type(structure))
    return "." if handler is None else repr(_pack(handler, structure, iter(lambda: _Dot(), None)))


def flatten_with_paths(structure: Any, expand_composites: bool = False) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves in order, each with the keys, indices and field names that lead to it: ``(path, leaf)``."""
    return list(_with_paths((), structure))


def _with_paths(path: tuple[Any, ...], structure: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    handler = _handler(type(structure))
    if handler is None:
        yield path, structure
        return
    for key, value in zip(handler.keys(structure), handler.values(structure), strict=True):
        yield from _with_paths((*path, key), value)


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """As `flatten_with_paths`, the path as one string: ``("a/0", leaf)``; "" for a lone leaf."""
    return [(separator.join(map(str, path)), leaf) for path, leaf in flatten_with_paths(structure)]


def map_structure_with_paths(func: Callable[..., Any], structure: Any) -> Any:
    """The structure of what `func` gives for the path (a tuple, as in `flatten_with_paths`) and value of each leaf."""
    return pack_sequence_as(structure, [func(path, leaf) for path, leaf in flatten_with_paths(structure)])
