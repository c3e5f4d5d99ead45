"""`load`: a SavedModel as tracer objects: variables to train, functions to call, trace into and save again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.environment import Limits
from calque_runtime.resources import Variable as State
from calque_runtime.savedmodel import calling, loader
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
from .asset import Asset
from .loaded import (
    CallableLoadedObject,
    LoadedConcreteFunction,
    LoadedFunction,
    LoadedObject,
    LoadedResource,
    TensorConvention,
)
from .signatures import SignatureMap

__all__ = ["LoadOptions", "load"]


class LoadOptions:
    """How to load.

    Args:
        allow_partial_checkpoint, experimental_io_device, experimental_skip_checkpoint,
            experimental_variable_policy, experimental_load_function_aliases: accepted for TensorFlow's sake; without
            effect.
    """

    def __init__(
        self,
        allow_partial_checkpoint: bool = False,
        experimental_io_device: str | None = None,
        experimental_skip_checkpoint: bool = False,
        experimental_variable_policy: Any = None,
        experimental_load_function_aliases: bool = False,
    ) -> None:
        self.allow_partial_checkpoint = allow_partial_checkpoint


class _TracerFactory(loader.Factory):
    """Makes the tracer's objects."""

    convention = TensorConvention()

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
        made = LoadedConcreteFunction(concrete, name)
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
        made = LoadedConcreteFunction(concrete, name)
        made.arg_names = list(kind.argument_keywords)
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


def load(
    export_dir: str | os.PathLike[str],
    tags: str | Iterable[str] | None = None,
    options: LoadOptions | None = None,
) -> Any:
    """Load a SavedModel, whoever wrote it.

    Args:
        export_dir: its directory.
        tags: the tags of the model to load, where the directory holds several.
        options: see `LoadOptions`.

    Returns:
        The root object, of no class of yours, with everything that was saved as its attributes: objects, variables
        (trainable ones among them), lists and dicts, functions with every trace they had, and `signatures`. It can be
        called inside a new `function`, and saved again.

    Raises:
        NotFoundError: there is no SavedModel, none with these tags, or a file of it is missing.
        DataLossError: a file is damaged; the message says where.
        InvalidArgumentError: the model contradicts itself.
        UnimplementedError: the model is of a form that is not supported. Ops that are not supported only count where
            they are run.
    """
    where = os.fspath(export_dir)
    root = loader.load(where, tags, _TracerFactory(), Limits())
    if isinstance(root, LoadedObject):
        root.__dict__.setdefault("signatures", SignatureMap({}))
    return root
