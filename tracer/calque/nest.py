"""Nested structures: lists, tuples, named tuples, mappings, attrs classes and dataclasses, one in another.

None, strings, sets, arrays, tensors and whatever else there is are leaves. Mappings are walked in the order of their
sorted keys. A dataclass is a structure if it says what it is made of: ``__tf_flatten__()`` gives (metadata, children),
``__tf_unflatten__(metadata, children)`` makes it again. With `expand_composites`, a composite tensor (or its spec) is
the structure of its components. What a structure is made of is decided in one place, `_handler` and its two variants.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from collections.abc import MappingView as MappingViewABC
from dataclasses import dataclass
from typing import Any

from .composite.composite import CompositeTensor
from .composite.type_spec import TypeSpec

__all__ = [
    "argument_leaves",
    "argument_like",
    "argument_parts",
    "assert_same_structure",
    "composites_as_components",
    "flatten",
    "flatten_with_joined_string_paths",
    "flatten_with_paths",
    "is_nested",
    "map_argument",
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
        other: what two structures that are alike have in common beside their children.
        is_mapping: are two structures of this kind alike when their keys are, whatever their classes?
    """

    values: Callable[[Any], Iterable[Any]]
    keys: Callable[[Any], Iterable[Any]]
    build: Callable[[Any, list[Any]], Any]
    is_mapping: bool = False
    other: Callable[[Any], Any] = lambda structure: None


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


def _attrs_fields(like: Any) -> list[str]:
    return [attribute.name for attribute in type(like).__attrs_attrs__]


def _build_attrs(like: Any, values: list[Any]) -> Any:
    cls = type(like)
    arguments = {
        getattr(attribute, "alias", None) or attribute.name.lstrip("_"): value
        for attribute, value in zip(cls.__attrs_attrs__, values, strict=True)
        if attribute.init
    }
    return cls(**arguments)


_ATTRS = _Handler(lambda s: [getattr(s, name) for name in _attrs_fields(s)], _attrs_fields, _build_attrs)
_DATACLASS = _Handler(
    lambda s: s.__tf_flatten__()[1],
    lambda s: range(len(s.__tf_flatten__()[1])),
    lambda like, values: type(like).__tf_unflatten__(like.__tf_flatten__()[0], tuple(values)),
    other=lambda s: s.__tf_flatten__()[0],
)
_COMPOSITE = _Handler(
    lambda s: [s._type_spec._to_components(s)],
    lambda s: [type(s).__name__],
    lambda like, values: like._type_spec._from_components(values[0]),
)
_SPEC = _Handler(
    lambda s: [s._component_specs],
    lambda s: [s.value_type.__name__],
    lambda like, values: like._from_components(values[0]),
)


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
    if hasattr(cls, "__attrs_attrs__"):
        return _ATTRS
    if _says_what_it_is_made_of(cls):
        return _DATACLASS
    return None


def _says_what_it_is_made_of(cls: type) -> bool:
    return hasattr(cls, "__dataclass_fields__") and hasattr(cls, "__tf_flatten__")


@functools.lru_cache(maxsize=4096)
def _cached_expanding(cls: Any) -> _Handler | None:
    """As `_cached_handler`, with composite tensors and their specs taken apart."""
    if issubclass(cls, CompositeTensor):
        return _COMPOSITE
    if issubclass(cls, TypeSpec):
        return None if cls._is_leaf else _SPEC
    return _cached_handler(cls)


@functools.lru_cache(maxsize=4096)
def _cached_argument(cls: Any) -> _Handler | None:
    """As `_cached_handler`, for functions' arguments: other sequences and views are values as a whole."""
    found = _cached_handler(cls)
    return None if found is _VIEW or (found is _SEQUENCE and not issubclass(cls, (list, tuple))) else found


# mypy doubts that classes can be hashed, which they can.
_Find = Callable[[type], _Handler | None]
_handler: _Find = _cached_handler
_expanding: _Find = _cached_expanding
_argument: _Find = _cached_argument


def _finder(expand_composites: bool) -> _Find:
    return _expanding if expand_composites else _handler


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
        expand_composites: is a composite tensor the structure of its components? Else it is a leaf.

    Raises:
        TypeError: the keys of a dict cannot be sorted.
    """
    find = _finder(expand_composites)
    handler = find(type(structure))
    if handler is None:
        return [structure]
    out: list[Any] = []
    _flatten(handler, structure, out, find)
    return out


def _flatten(handler: _Handler, structure: Any, out: list[Any], find: _Find) -> None:
    for value in handler.values(structure):
        inner = find(type(value))
        if inner is None:
            out.append(value)
        else:
            _flatten(inner, value, out, find)


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """A structure like `structure` with the leaves of `flat_sequence`, in order.

    Args:
        structure: a structure or a leaf. Subclasses of list, tuple and dict are made again, mappings in the key
            order of `structure`.
        flat_sequence: the new leaves.
        expand_composites: are composite tensors structures? They are made again from their new components.

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
    find = _finder(expand_composites)
    handler = find(type(structure))
    if handler is None:
        if len(leaves) != 1:
            raise ValueError(
                f"The target structure is of type `{type(structure)}`\n  {structure}\nHowever the input is a sequence "
                f"({type(flat_sequence)}) of length {len(leaves)}.\n  {flat_sequence}\nA leaf takes exactly one item."
            )
        return leaves[0]
    expected = len(flatten(structure, expand_composites))
    if expected != len(leaves):
        raise ValueError(
            f"Could not pack sequence. Structure had {expected} atoms, but flat_sequence had {len(leaves)} items.  "
            f"Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return _pack(handler, structure, iter(leaves), find)


def _pack(handler: _Handler, structure: Any, leaves: Iterator[Any], find: _Find) -> Any:
    children = []
    for value in handler.values(structure):
        inner = find(type(value))
        children.append(next(leaves) if inner is None else _pack(inner, value, leaves, find))
    return handler.build(structure, children)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """The structure of what `func` gives for each leaf (or for the leaves at the same place in each structure).

    Args:
        func: takes as many arguments as there are structures.
        *structure: structures alike; the result is like the first.
        **kwargs: `check_types` (default True): must sequences be of one class? `expand_composites` (default
            False): are composite tensors structures?

    Raises:
        TypeError: `func` cannot be called, or the classes differ.
        ValueError: no structure is given, or they are not alike.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    expand_composites = bool(kwargs.pop("expand_composites", False))
    if kwargs:
        names = "`, `".join(kwargs)
        raise ValueError(
            f"Only valid keyword arguments are `check_types` and `expand_composites`, not: `{names}`"
        )
    first = structure[0]
    for other in structure[1:]:
        assert_same_structure(first, other, check_types, expand_composites)
    find = _finder(expand_composites)
    handler = find(type(first))
    if handler is None:
        return func(*structure)
    flat = [flatten(one, expand_composites) for one in structure]
    return _pack(handler, first, iter([func(*leaves) for leaves in zip(*flat, strict=True)]), find)


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Check that two structures are nested in the same way.

    Args:
        nest1: a structure or a leaf.
        nest2: what it must be like.
        check_types: must sequences be of one class (lists and their subclasses count as one), named tuples have the
            same name and fields, and mappings the same keys?
        expand_composites: are composite tensors structures? Two are alike if one spec fits both.

    Raises:
        ValueError: the number of elements, the keys, the specs of composite tensors, or what is a leaf differ.
        TypeError: the classes of two sequences differ.
    """
    problem = _difference(nest1, nest2, check_types, _finder(expand_composites))
    if problem is not None:
        kind, specifically = problem
        raise kind(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: {_described(nest1)}\n\nSecond structure: {_described(nest2)}\n\n"
            f"More specifically: {specifically}\n"
            f"Entire first structure:\n{skeleton(nest1, expand_composites)}\n"
            f"Entire second structure:\n{skeleton(nest2, expand_composites)}"
        )


def _described(structure: Any) -> str:
    return f"type={type(structure).__name__} str={structure}"


def _difference(a: Any, b: Any, check_types: bool, find: _Find) -> tuple[type[Exception], str] | None:
    first, second = find(type(a)), find(type(b))
    if first is None or second is None:
        if first is second:
            return None
        nested, leaf = (a, b) if second is None else (b, a)
        return ValueError, (
            f'Substructure "{_described(nested)}" is a sequence, while substructure "{_described(leaf)}" is not'
        )
    if first in _COMPOSITES or second in _COMPOSITES:
        return _difference_of_composites(a, b)
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
        elif first is _DATACLASS and first.other(a) != second.other(b):
            return ValueError, (
                f"The two dataclasses do not have the same metadata. First structure {_described(a)}, second structure "
                f"{_described(b)}"
            )
    left, right = list(first.values(a)), list(second.values(b))
    if len(left) != len(right):
        return ValueError, (
            "The two structures don't have the same number of elements. "
            f"First structure: {_described(a)}. Second structure: {_described(b)}"
        )
    for x, y in zip(left, right, strict=True):
        problem = _difference(x, y, check_types, find)
        if problem is not None:
            return problem
    return None


_COMPOSITES = (_COMPOSITE, _SPEC)


def _difference_of_composites(a: Any, b: Any) -> tuple[type[Exception], str] | None:
    specs = [x if isinstance(x, TypeSpec) else getattr(x, "_type_spec", None) for x in (a, b)]
    if specs[0] is not None and specs[1] is not None:
        try:
            specs[0].most_specific_compatible_type(specs[1])
            return None
        except (TypeError, ValueError) as error:
            return (
                ValueError,
                f"Incompatible CompositeTensor TypeSpecs: {specs[0]!r} vs. {specs[1]!r} -- {error}",
            )
    return TypeError, (
        f"The two structures don't have the same type. First structure {_described(a)}, second structure "
        f"{_described(b)}"
    )


def _same_class(a: Any, b: Any) -> bool:
    first, second = _plain_class(type(a)), _plain_class(type(b))
    if first is second or (issubclass(first, list) and issubclass(second, list)):
        return True
    if _is_namedtuple(first) and _is_namedtuple(second):
        return first.__name__ == second.__name__ and a._fields == b._fields
    return False


class _Text:
    """A part of a skeleton: prints as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def skeleton(structure: Any, expand_composites: bool = False) -> str:
    """The structure as text with a dot for every leaf, such as ``{'a': [., (.,)]}``."""
    find = _finder(expand_composites)

    def drawn(value: Any) -> str:
        handler = find(type(value))
        if handler is None:
            return "."
        inner = [_Text(drawn(v)) for v in handler.values(value)]
        if handler in _COMPOSITES:
            return f"{type(value).__name__}({', '.join(map(repr, inner))})"
        if handler in (_ATTRS, _DATACLASS):
            named = zip(handler.keys(value), inner, strict=True)
            return f"{type(value).__name__}({', '.join(f'{k}={v!r}' for k, v in named)})"
        return repr(handler.build(value, inner))

    return drawn(structure)


def flatten_with_paths(structure: Any, expand_composites: bool = False) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves in order, each with the keys, indices and field names that lead to it: ``(path, leaf)``."""
    return list(_with_paths((), structure, _finder(expand_composites)))


def _with_paths(path: tuple[Any, ...], structure: Any, find: _Find) -> Iterator[tuple[tuple[Any, ...], Any]]:
    handler = find(type(structure))
    if handler is None:
        yield path, structure
        return
    for key, value in zip(handler.keys(structure), handler.values(structure), strict=True):
        yield from _with_paths((*path, key), value, find)


def composites_as_components(structure: Any) -> Any:
    """`structure` with the (nested) components of every composite tensor in its place."""

    def expanded(leaf: Any) -> Any:
        if _expanding(type(leaf)) is not _COMPOSITE:
            return leaf
        return composites_as_components(leaf._type_spec._to_components(leaf))

    return map_structure(expanded, structure)


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """As `flatten_with_paths`, the path as one string: ``("a/0", leaf)``; "" for a lone leaf."""
    pairs = flatten_with_paths(structure, expand_composites)
    return [(separator.join(map(str, path)), leaf) for path, leaf in pairs]


def map_structure_with_paths(func: Callable[..., Any], structure: Any) -> Any:
    """The structure of what `func` gives for the path (a tuple, as in `flatten_with_paths`) and value of each leaf."""
    return pack_sequence_as(structure, [func(path, leaf) for path, leaf in flatten_with_paths(structure)])


# Functions' arguments: as other structures, but ranges, views and sequences of one's own are leaves.


def argument_parts(value: Any) -> tuple[Any, list[tuple[Any, Any]]] | None:
    """Of an argument that is a structure: what it has beside its children, and (place, child) for each, in order.

    Returns:
        None for a leaf.
    """
    handler = _argument(type(value))
    if handler is None:
        return None
    return handler.other(value), list(zip(handler.keys(value), handler.values(value), strict=True))


def argument_like(value: Any, children: Sequence[Any], raw: bool = False) -> Any:
    """An argument like `value`, which is a structure, with these children.

    Args:
        value: an argument that is a structure.
        children: the new children, in order.
        raw: they are of no kind that it is made for: leave the checks of an attrs class out.
    """
    handler = _argument(type(value))
    if handler is None:
        raise TypeError(f"{type(value).__name__} is no structure")
    if not (raw and handler is _ATTRS):
        return handler.build(value, list(children))
    made = object.__new__(type(value))
    for name, child in zip(handler.keys(value), children, strict=True):
        object.__setattr__(made, name, child)
    return made


def argument_leaves(value: Any) -> list[Any]:
    """The leaves of an argument, in order."""
    out: list[Any] = []
    map_argument(out.append, value, rebuild=False)
    return out


def map_argument(func: Callable[[Any], Any], value: Any, raw: bool = False, rebuild: bool = True) -> Any:
    """The argument with `func` of each leaf in its place.

    Args:
        func: from a leaf to another.
        value: an argument.
        raw: see `argument_like`.
        rebuild: False: `func` is called only, and nothing is returned.
    """
    found = argument_parts(value)
    if found is None:
        return func(value)
    children = [map_argument(func, child, raw, rebuild) for _, child in found[1]]
    return argument_like(value, children, raw) if rebuild else None
