"""`load`: a SavedModel as tracer objects: variables to train, functions to call, trace into and save again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.environment import Limits
from calque_runtime.errors import FailedPreconditionError, NotFoundError, UnimplementedError
from calque_runtime.resources import Variable as State
from calque_runtime.savedmodel import calling, files, loader
from calque_runtime.savedmodel.loader import Loader
from calque_runtime.savedmodel.metagraph import (
    BareConcreteFunction,
    SavedFunction,
    SavedObject,
    VariableInfo,
)

from ..data_structures import DictWrapper, ListWrapper
from ..tensor import EagerTensor
from ..trackable import Trackable
from ..variable import Variable
from .aliases import function_aliases
from .asset import Asset
from .loaded import CallableLoadedObject, LoadedObject, LoadedResource
from .loaded_functions import LoadedConcreteFunction, LoadedFunction, TensorConvention
from .options import LoadOptions
from .signatures import SignatureMap

__all__ = ["MissingModelError", "UnknownTagsError", "contains_saved_model", "load", "load_with_nodes"]


class _TracerFactory(loader.Factory):
    """Makes the tracer's objects."""

    convention = TensorConvention()
    loader: Loader

    def __init__(self, options: LoadOptions) -> None:
        self.options = options
        self.skips_checkpoint = options.experimental_skip_checkpoint
        self.takes_partial_checkpoint = options.allow_partial_checkpoint

    def make_object(self, node: SavedObject) -> Any:
        names = {name for name, _ in node.children}
        made = CallableLoadedObject() if "__call__" in names else LoadedObject()
        made.__dict__["_saved_as"] = node
        return made

    def make_list(self, node: SavedObject) -> Any:
        return ListWrapper([])

    def make_tuple(self, node: SavedObject) -> Any:
        return ListWrapper([])

    def make_dict(self, node: SavedObject) -> Any:
        return DictWrapper({})

    def make_signatures(self, node: SavedObject) -> Any:
        return SignatureMap({})

    def make_variable(self, info: VariableInfo, state: State) -> Any:
        return Variable.from_state(
            state, info.trainable, synchronization=info.synchronization, aggregation=info.aggregation
        )

    def make_asset(self, path: str) -> Any:
        return Asset(path)

    def make_constant(self, array: Any) -> Any:
        return EagerTensor(array, dtypes.from_numpy(np.asarray(array).dtype))

    def make_resource(self, node: SavedObject) -> Any:
        made = LoadedResource()
        made.__dict__["_saved_as"] = node
        return made

    def make_function(self, kind: SavedFunction, concrete: list[calling.Concrete], name: str) -> Any:
        return LoadedFunction([LoadedConcreteFunction(c, name, kind.spec) for c in concrete], kind.spec, name)

    def make_concrete_function(
        self, kind: BareConcreteFunction, concrete: calling.Concrete, name: str
    ) -> Any:
        made = LoadedConcreteFunction(concrete, name, kind.spec, kind.argument_keywords)
        return made.call_as(
            calling.ConcreteFunction(
                made.runs,
                kind.argument_keywords,
                kind.allowed_positional_arguments,
                kind.spec,
                name,
                self.convention,
            ),
            kind,
        )

    def make_signature(self, kind: BareConcreteFunction, concrete: calling.Concrete, name: str) -> Any:
        made = LoadedConcreteFunction(concrete, name, keywords=kind.argument_keywords)
        return made.call_as(
            calling.SignatureFunction(
                made.runs,
                kind.argument_keywords,
                kind.allowed_positional_arguments,
                None,
                name,
                self.convention,
            ),
            kind,
        )

    def set_child(self, parent: Any, name: str, child: Any) -> None:
        if isinstance(parent, ListWrapper):
            if name.isdigit():
                parent.extend([None] * (int(name) + 1 - len(parent)))
                parent[int(name)] = child
        elif isinstance(parent, DictWrapper):
            parent[name] = child
        elif isinstance(parent, SignatureMap):
            parent._functions[name] = child
            parent.defaults[name] = getattr(child, "defaults", {})
        elif isinstance(parent, LoadedObject):
            parent.__dict__[name] = child
            if isinstance(child, Trackable):
                parent._track_trackable(child, name, overwrite=True)

    def set_slot(self, optimizer: Any, variable: Any, slot_name: str, slot: Any) -> None:
        if isinstance(optimizer, LoadedObject):
            optimizer.__dict__.setdefault("_slots", []).append((variable, slot_name, slot))

    def finish(self, root: Any, loader: Loader, report: Any) -> None:
        self.loader = loader
        if not isinstance(root, LoadedObject):
            return
        held = root.__dict__
        held.setdefault("signatures", SignatureMap({}))
        for name in ("tensorflow_version", "tensorflow_git_version"):
            held.setdefault(name, getattr(loader.meta_graph, name))
        held.setdefault("graph_debug_info", None)
        if report is not None:
            held["report"] = report
        if self.options.experimental_load_function_aliases:
            if "function_aliases" in held:
                raise ValueError(
                    "Could not load with experimental_load_function_aliases option because the top-level object "
                    "already has an attribute with name 'function_aliases'."
                )
            held["function_aliases"] = function_aliases(loader)


class MissingModelError(NotFoundError, OSError):
    """There is no SavedModel."""


class UnknownTagsError(NotFoundError, ValueError):
    """There is no meta graph with these tags."""


def contains_saved_model(export_dir: str | os.PathLike[str]) -> bool:
    """Is there a SavedModel in this directory?"""
    try:
        files.model_file(export_dir)
    except (NotFoundError, FailedPreconditionError):
        return False
    except UnimplementedError:  # one in chunks
        return True
    return True


def load(
    export_dir: str | os.PathLike[str],
    tags: str | Iterable[str] | None = None,
    options: LoadOptions | None = None,
    *,
    partial: bool = False,
) -> Any:
    """Load a SavedModel, whoever wrote it.

    Args:
        export_dir: its directory.
        tags: the tags of the model to load, where the directory holds several.
        options: see `LoadOptions`.
        partial: keep what is usable of a model whose signatures need ops that are not supported? The root's attribute
            `report` then says what is missing.

    Returns:
        The root object, of no class of yours, with everything that was saved as its attributes: objects, variables
        (trainable ones among them), lists and dicts, functions with every trace they had, and `signatures`; and with
        `tensorflow_version`, that of the writer. It can be called inside a new `function`, trained further, and saved
        again.

    Raises:
        MissingModelError: there is no SavedModel (also an OSError).
        UnknownTagsError: there is none with these tags (also a ValueError).
        NotFoundError: a file of it, or a variable's value, is missing.
        DataLossError: a file is damaged; the message says where.
        InvalidArgumentError: the model contradicts itself.
        UnimplementedError: the model is of a form that is not supported, or its signatures need something that is not
            (without `partial`); lists all of it.
    """
    return _load(export_dir, tags, _TracerFactory(options or LoadOptions()), partial)


def load_with_nodes(
    export_dir: str | os.PathLike[str], options: LoadOptions | None = None
) -> tuple[Any, list[Any], Any]:
    """`load`, for those who need to know which object is which node of the file.

    Returns:
        The root object, the object of each node, and the file's object graph.
    """
    factory = _TracerFactory(options or LoadOptions())
    root = _load(export_dir, None, factory, False)
    return root, factory.loader.objects, factory.loader.graph


def _load(
    export_dir: str | os.PathLike[str],
    tags: str | Iterable[str] | None,
    factory: _TracerFactory,
    partial: bool,
) -> Any:
    where = os.fspath(export_dir)
    try:
        return loader.load(where, tags, factory, Limits(), partial)
    except NotFoundError as error:
        if not contains_saved_model(where):
            raise MissingModelError(None, None, error.message) from None
        if not _has_tags(where, tags):
            raise UnknownTagsError(None, None, error.message) from None
        raise


def _has_tags(where: str, tags: str | Iterable[str] | None) -> bool:
    try:
        files.choose(files.read_meta_graphs(where), tags, where)
    except NotFoundError:
        return False
    return True
