"""`Module`: a named container of variables, other modules, and functions on them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from . import nest
from .context import name_scope
from .trackable import BOOKKEEPING, AutoTrackable
from .variable import Variable

__all__ = ["Module"]

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_HUMP = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")

Method = TypeVar("Method", bound=Callable[..., Any])
Found = tuple[tuple[Any, ...], Any]


class Module(AutoTrackable):
    """The base of layers and models: attributes that hold variables and modules are found and saved.

    Args:
        name: a valid Python identifier; None: the class's name in snake case.

    Raises:
        ValueError: `name` is no valid identifier.
    """

    # Attributes that `variables`, `submodules` and `_flatten` do not look into.
    _TF_MODULE_IGNORED_PROPERTIES = BOOKKEEPING

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = _snake_case(type(self).__name__)
        elif not _IDENTIFIER.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers "
                "(e.g. a valid class name)."
            )
        self._name = name
        with name_scope(name) as scope:
            self._name_scope = name_scope(scope)

    @property
    def name(self) -> str:
        """The name given, or made of the class's."""
        return self._name

    @property
    def name_scope(self) -> name_scope:
        """The name scope of this module, to be entered: that of its making, then its name."""
        return self._name_scope

    @property
    def variables(self) -> Sequence[Variable]:
        """The variables of this module and its submodules: its own by sorted attribute name, then the submodules'."""
        return tuple(self._flatten(predicate=_is_variable))

    @property
    def trainable_variables(self) -> Sequence[Variable]:
        """Those of `variables` that are trainable."""
        return tuple(self._flatten(predicate=lambda x: _is_variable(x) and x.trainable))

    @property
    def non_trainable_variables(self) -> Sequence[Variable]:
        """Those of `variables` that are not trainable."""
        return tuple(self._flatten(predicate=lambda x: _is_variable(x) and not x.trainable))

    @property
    def submodules(self) -> Sequence[Module]:
        """The modules that this one holds, and those that they hold."""
        return tuple(self._flatten(predicate=_is_module))

    def _flatten(
        self,
        recursive: bool = True,
        predicate: Callable[[Any], bool] | None = None,
        attribute_traversal_key: Callable[[str], Any] | None = None,
        with_path: bool = False,
        expand_composites: bool = False,
    ) -> Iterator[Any]:
        """The leaves of this module's attributes (lists, tuples and dicts are looked into).

        Each is given once; with paths, once for each path, and a path ends where a module comes a second time.

        Args:
            recursive: look into modules as well, after all attributes of the module that holds them.
            predicate: what to give; None: everything.
            attribute_traversal_key: sorts the attributes' names; None: alphabetically.
            with_path: give ``(path, leaf)``, the path being a tuple of attribute names, indices and keys.
            expand_composites: accepted for TensorFlow's sake.
        """
        wanted = predicate or (lambda leaf: True)
        seen = {id(self)}

        def below(module: Module, path: tuple[Any, ...], above: tuple[Module, ...]) -> Iterator[Found]:
            inner: list[tuple[tuple[Any, ...], Module]] = []
            deeper = recursive and all(one is not module for one in above)
            for key, leaf in _leaves(module, attribute_traversal_key):
                if not with_path:
                    if id(leaf) in seen:
                        continue
                    seen.add(id(leaf))
                if wanted(leaf):
                    yield path + key, leaf
                if deeper and _is_module(leaf):
                    inner.append((path + key, leaf))
            for where, submodule in inner:
                yield from below(submodule, where, (*above, module))

        for path, leaf in below(self, (), ()):
            yield (path, leaf) if with_path else leaf

    @classmethod
    def with_name_scope(cls, method: Method) -> Method:
        """Decorates a method, which then runs in its module's name scope."""

        @functools.wraps(method)
        def in_name_scope(self: Module, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return in_name_scope  # type: ignore[return-value]


def _leaves(module: Module, order: Callable[[str], Any] | None) -> Iterator[Found]:
    attributes = vars(module)
    for name in sorted(attributes, key=order):
        if name in module._TF_MODULE_IGNORED_PROPERTIES:
            continue
        try:
            leaves = nest.flatten_with_paths(attributes[name])
        except Exception as error:
            raise ValueError(f"Error processing property {name!r} of {module!r}") from error
        for path, leaf in leaves:
            yield (name, *path), leaf


def _is_variable(leaf: Any) -> bool:
    return isinstance(leaf, Variable)


def _is_module(leaf: Any) -> bool:
    return isinstance(leaf, Module)


def _snake_case(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()
