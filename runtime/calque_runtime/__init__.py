"""Load SavedModels and run them with numpy, without TensorFlow.

    import calque_runtime

    model = calque_runtime.load("path/to/saved_model")
    model.signatures["serving_default"](x=array)["output_0"]     # a dict of arrays by name
    model(array)                                                 # functions, as they were saved
    model.dense.kernel.numpy()                                   # variables

Nothing that made the model is needed: neither its classes nor the library it was written with. Weights are mapped, not
read; a function is compiled on its first call. Errors are those of `calque_runtime.errors`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import dtypes, errors
    from .backend import Backend
    from .environment import Limits
    from .ops import register_op
    from .savedmodel.matching import ArgumentError, SignatureMismatchError

__all__ = [
    "ArgumentError",
    "Backend",
    "Limits",
    "SignatureMismatchError",
    "__version__",
    "dtypes",
    "errors",
    "load",
    "register_op",
]

__version__ = "0.1.0"

# Public names that are imported when they are first asked for: `import calque_runtime` alone costs nothing.
_LAZY = {
    "ArgumentError": "savedmodel.matching",
    "Backend": "backend",
    "Limits": "environment",
    "SignatureMismatchError": "savedmodel.matching",
    "register_op": "ops",
}


def load(
    directory: str | os.PathLike[str],
    tags: str | Iterable[str] | None = None,
    *,
    limits: Limits | None = None,
    partial: bool = False,
    backends: Sequence[Backend] = (),
) -> Any:
    """The model in `directory`.

    Args:
        directory: of a SavedModel, whoever wrote it.
        tags: the tags of the model to load, where the directory holds several.
        limits: what the model's functions may do; the default keeps them from files and from Python.
        partial: load a model of which some signatures need ops that are not supported, for the sake of the rest?
        backends: engines that are offered parts of its functions, the first of them first; numpy runs the rest.

    Returns:
        The root object, with everything that was saved as its attributes: objects, functions, variables, lists and
        dicts, and `signatures`. If it is `partial`, its attribute `report` says what is missing
        (`savedmodel.report.Report`).

    Raises:
        NotFoundError: there is no SavedModel, none with these tags, or a file of it is missing.
        DataLossError: a file is damaged; the message says where.
        InvalidArgumentError: the model contradicts itself.
        UnimplementedError: the model is of a form that is not supported, or (unless `partial`) its signatures need
            ops, attributes or types that are not: the message lists all of them. What other functions need only counts
            where they are run.
    """
    from .savedmodel.loader import load as load_directory

    return load_directory(directory, tags, limits=limits, partial=partial, backends=backends)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("dtypes", "errors"):
        return import_module(f"{__name__}.{name}")
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
