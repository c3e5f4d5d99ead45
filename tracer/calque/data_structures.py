"""Tracked lists, dicts and tuples: what these become when they are assigned to an attribute of an AutoTrackable.

They are lists, dicts and tuples, with the children that a checkpoint needs: elements under "0", "1", ..., values under
their keys, elements of a named tuple under field name and number both. Elements that are no Trackable are no children.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Iterable
from typing import Any, SupportsIndex

from .trackable import Trackable

__all__ = ["DictWrapper", "ListWrapper", "OrderedDictWrapper", "TupleWrapper", "wrap"]


def wrap(value: Any) -> Any:
    """`value`, tracked if it is a list, a dict or a tuple with something to track in it.

    Subclasses (defaultdict, Counter, ...) are left alone, but for OrderedDict and named tuples.
    """
    cls = type(value)
    if cls is list:
        return ListWrapper(value)
    if cls is dict:
        return DictWrapper(value)
    if cls is collections.OrderedDict:
        return OrderedDictWrapper(value)
    if (
        issubclass(cls, tuple)
        and (cls is tuple or hasattr(cls, "_fields"))
        and not issubclass(cls, Trackable)
    ):
        return _wrap_tuple(value)
    return value


class _Original:
    """The container that was assigned: to notice changes made to it that its tracked copy cannot see."""

    def __init__(self, container: Any) -> None:
        self.container = container
        self.before = self._state()

    def _state(self) -> list[Any]:
        container = self.container
        return (
            [x for item in container.items() for x in item]
            if isinstance(container, dict)
            else list(container)
        )

    def check(self) -> None:
        now = self._state()
        if len(now) != len(self.before) or any(a is not b for a, b in zip(now, self.before, strict=True)):
            kind = type(self.container).__name__
            raise ValueError(
                f"Unable to save the {kind} {self.before}. The wrapped {kind} was modified outside the wrapper: it was "
                f"assigned to an attribute, which holds a tracked copy, and is {now} now. Change the attribute itself, "
                f"or wrap the {kind} in a NoDependency object to keep it out of checkpoints."
            )


class _Wrapper(Trackable):
    """What tracked containers have in common."""

    _original: _Original | None = None

    def _watch(self, items: Any, plain: tuple[type, ...]) -> None:
        if type(items) in plain:
            self._original = _Original(items)

    def _check_original(self) -> None:
        if self._original is not None:
            self._original.check()


class ListWrapper(_Wrapper, list):  # type: ignore[type-arg]
    """A tracked list."""

    _saved_identifier = "trackable_list_wrapper"
    _nest_class = list

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._watch(items, (list,))
        super().__init__(map(wrap, items))

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        self._check_original()
        return {str(i): item for i, item in enumerate(self) if isinstance(item, Trackable)}

    def append(self, item: Any) -> None:
        """As list.append."""
        super().append(wrap(item))
        self._restore_pending()

    def extend(self, items: Iterable[Any]) -> None:
        """As list.extend."""
        super().extend(map(wrap, items))
        self._restore_pending()

    def insert(self, index: SupportsIndex, item: Any) -> None:
        """As list.insert."""
        super().insert(index, wrap(item))
        self._restore_pending()

    def __setitem__(self, index: Any, item: Any) -> None:
        super().__setitem__(index, [wrap(x) for x in item] if isinstance(index, slice) else wrap(item))
        self._restore_pending()

    def __iadd__(self, items: Iterable[Any]) -> ListWrapper:  # type: ignore[misc]
        self.extend(items)
        return self

    def __repr__(self) -> str:
        return f"ListWrapper({super().__repr__()})"

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self), (), None, iter(list(self))


class _DictMixin(_Wrapper):
    """The methods of tracked dicts; `dict` or a subclass of it comes behind this class."""

    _saved_identifier = "trackable_dict_wrapper"

    def __init__(self, items: Any = (), **kwargs: Any) -> None:
        self._watch(items, (dict, collections.OrderedDict))
        super().__init__()
        self.update(items, **kwargs)

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        self._check_original()
        children: dict[str, Trackable] = {}
        for key, value in self.items():  # type: ignore[attr-defined]
            if not isinstance(value, Trackable):
                continue
            if not isinstance(key, str):
                raise ValueError(
                    f"Unable to save the object {self!r} (a dictionary that is an attribute): it contains a non-string "
                    f"key, {key!r}, which maps to a trackable object or mutable data structure. Use strings as keys, "
                    "or wrap the dictionary in a NoDependency object to keep it out of checkpoints."
                )
            children[key] = value
        return children

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, wrap(value))  # type: ignore[misc]
        self._restore_pending()

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As dict.update."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As dict.setdefault."""
        if key not in self:  # type: ignore[operator]
            self[key] = default
        return self[key]  # type: ignore[index]

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self), (), None, None, iter(list(self.items()))  # type: ignore[attr-defined]


class DictWrapper(_DictMixin, dict):  # type: ignore[type-arg]
    """A tracked dict."""

    _nest_class = dict

    def __repr__(self) -> str:
        return f"DictWrapper({dict.__repr__(self)})"

    def __str__(self) -> str:
        return dict.__repr__(self)


class OrderedDictWrapper(_DictMixin, collections.OrderedDict):  # type: ignore[type-arg]
    """A tracked OrderedDict."""

    _nest_class = collections.OrderedDict

    def __repr__(self) -> str:
        return f"DictWrapper(OrderedDict({list(self.items())!r}))"

    def __str__(self) -> str:
        return f"OrderedDict({list(self.items())!r})"


class TupleWrapper(_Wrapper, tuple):  # type: ignore[type-arg]
    """A tracked tuple."""

    _saved_identifier = "trackable_tuple_wrapper"
    _nest_class = tuple

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        names: tuple[str, ...] = getattr(self, "_fields", ())
        children: dict[str, Trackable] = {}
        for i, item in enumerate(self):
            if isinstance(item, Trackable):
                if names:
                    children[names[i]] = item
                children[str(i)] = item
        return children

    def _plain(self) -> tuple[Any, ...]:
        cls = self._nest_class
        return cls(*self) if hasattr(cls, "_fields") else cls(self)

    def __repr__(self) -> str:
        return f"_TupleWrapper({self._plain()!r})"

    def __str__(self) -> str:
        return str(self._plain())

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return _wrap_tuple, (self._plain(),)


def _wrap_tuple(value: tuple[Any, ...]) -> tuple[Any, ...]:
    items = [wrap(item) for item in value]
    if not any(isinstance(item, Trackable) for item in items):
        return value
    if type(value) is tuple:
        return TupleWrapper(items)
    return _namedtuple_wrapper(type(value))(*items)  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=1024)
def _namedtuple_wrapper(cls: type) -> Any:
    """A TupleWrapper that is a `cls` too."""
    return type(cls.__name__, (TupleWrapper, cls), {"_nest_class": cls, "__module__": cls.__module__})
