"""calque in TensorFlow's place, for packages that say ``import tensorflow``."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from . import version

__all__ = ["stand_in_for_tensorflow"]

_PACKAGE = __name__.rpartition(".")[0]
_NAME = "tensorflow"


def stand_in_for_tensorflow() -> None:
    """Make ``import tensorflow`` mean calque in this process, so that packages written for TensorFlow run on it.

    ``import tensorflow as tf``, ``from tensorflow import nn`` and ``import tensorflow.compat.v1 as tf`` give calque's
    modules of these names; one that calque has not is a ModuleNotFoundError, and a name a module has not an
    AttributeError, as elsewhere. Call it before the first of those packages is imported. Calling it again changes
    nothing, and nothing outside this process is changed.

    What such packages save is in TensorFlow's formats: TensorFlow, elsewhere, loads it.

    Raises:
        RuntimeError: TensorFlow itself has been imported.
    """
    there = sys.modules.get(_NAME)
    if isinstance(there, _StandIn):
        return
    if there is not None:
        raise RuntimeError(
            f"calque cannot stand in for TensorFlow: it is imported already, from "
            f"{getattr(there, '__file__', None) or 'an unknown place'}. Call stand_in_for_tensorflow() before the "
            "first `import tensorflow`, in a process of its own."
        )
    for name in [n for n in sys.modules if n.startswith(_NAME + ".")]:
        del sys.modules[name]  # left behind by an import that failed
    sys.modules[_NAME] = _StandIn(_NAME, __doc__)
    sys.meta_path.insert(0, _Finder())


class _StandIn(ModuleType):
    """The module ``tensorflow``: calque under TensorFlow's name and version."""

    def __init__(self, name: str, doc: str | None) -> None:
        super().__init__(name, doc)
        package = sys.modules[_PACKAGE]
        self.__file__ = package.__file__
        self.__path__ = package.__path__
        self.__all__ = package.__all__
        self.__version__ = version.VERSION

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.modules[_PACKAGE], name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(sys.modules[_PACKAGE])})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``tensorflow.a.b``: calque's ``a.b``, the very module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """See the base."""
        if not fullname.startswith(_NAME + "."):
            return None
        ours = _PACKAGE + fullname[len(_NAME) :]
        try:
            found = importlib.util.find_spec(ours)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: calque stands in for TensorFlow, and has no {ours!r}",
                name=fullname,
            )
        return importlib.machinery.ModuleSpec(
            fullname, self, is_package=found.submodule_search_locations is not None
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """See the base."""
        return _Alias(spec.name, importlib.import_module(_PACKAGE + spec.name[len(_NAME) :]))

    def exec_module(self, module: ModuleType) -> None:
        """See the base: put calque's own module in the place of the one that stands for it during the import."""
        sys.modules[module._stands_for] = module._module


class _Alias(ModuleType):
    """A module for the import machinery to write its own attributes on, which are not to become those of calque's."""

    def __init__(self, stands_for: str, module: ModuleType) -> None:
        super().__init__(stands_for)
        self._stands_for, self._module = stands_for, module
