"""From the object graph of a meta graph to live objects.

The loader knows the format, a *factory* knows what objects are to be made: the runtime's own (`objects`), or the
tracer's. In order: every node becomes an object, children become attributes, variables are tied to the checkpoint's
values, tables are made and filled.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from calque_runtime.checkpoint.files import is_there
from calque_runtime.collecting import paused_collection
from calque_runtime.environment import Environment, Limits
from calque_runtime.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from calque_runtime.resources import Variable as State

from . import files, objects
from .calling import Concrete, ConcreteFunction, RestoredFunction, SignatureFunction
from .matching import Convention
from .metagraph import (
    Asset,
    BareConcreteFunction,
    CapturedTensor,
    Constant,
    MetaGraph,
    ObjectGraph,
    Resource,
    SavedFunction,
    SavedObject,
    UserObject,
    VariableInfo,
)
from .restore import Checkpoint

if TYPE_CHECKING:
    from calque_runtime.backend import Backend

    from .report import Report

__all__ = ["Factory", "Loader", "load"]


_LONGEST_PREFIX = 200  # letters of an object's path that its name in messages shows, before its own
_MOST_GAPS = 1 << 16  # items of a list that may be missing between those that are there


class Factory:
    """Makes the objects of a loaded model: the runtime's. Override what should be of another class."""

    convention = Convention()
    skips_checkpoint = False  # do variables stay without values?
    takes_partial_checkpoint = False  # may the checkpoint lack values?

    def make_object(self, node: SavedObject) -> Any:
        """An object with attributes; `node` says which class it was of, if that is registered."""
        if node.slot_variables:
            return objects.OptimizerObject()
        names = {name for name, _ in node.children}
        return objects.CallableObject() if "__call__" in names else objects.Object()

    def make_list(self, node: SavedObject) -> Any:
        """A list, to be filled by `set_child`."""
        return objects.List()

    def make_dict(self, node: SavedObject) -> Any:
        """A dict, to be filled by `set_child`."""
        return objects.Dict()

    def make_tuple(self, node: SavedObject) -> Any:
        """A tuple, to be filled by `set_child`; that of a named tuple also gets its items by field name."""
        return objects.Tuple()

    def make_signatures(self, node: SavedObject) -> Any:
        """The mapping of signatures, to be filled by `set_child`."""
        return objects.Signatures()

    def make_variable(self, info: VariableInfo, state: State) -> Any:
        """A variable over its state, which gets its value from the checkpoint."""
        return objects.Variable(state, info)

    def make_asset(self, path: str) -> Any:
        """A file that belongs to the model."""
        return path

    def make_constant(self, array: Any) -> Any:
        """A constant tensor."""
        return array

    def make_resource(self, node: SavedObject) -> Any:
        """A table or the like; its attribute `handle` is set once it is made."""
        return objects.ResourceObject()

    def make_function(self, kind: SavedFunction, concrete: list[Concrete], name: str) -> Any:
        """A polymorphic function."""
        return RestoredFunction(concrete, kind.spec, name, self.convention)

    def make_concrete_function(self, kind: BareConcreteFunction, concrete: Concrete, name: str) -> Any:
        """A concrete function that is an attribute."""
        return ConcreteFunction(
            concrete,
            kind.argument_keywords,
            kind.allowed_positional_arguments,
            kind.spec,
            name,
            self.convention,
        )

    def make_signature(self, kind: BareConcreteFunction, concrete: Concrete, name: str) -> Any:
        """A signature."""
        return SignatureFunction(
            concrete, kind.argument_keywords, kind.allowed_positional_arguments, None, name, self.convention
        )

    def set_defaults(self, signature: Any, defaults: Mapping[str, Any]) -> None:
        """A call of `signature` may leave these inputs out."""
        signature.defaults = defaults

    def set_child(self, parent: Any, name: str, child: Any) -> None:
        """Make `child` what `parent` holds under `name`."""
        if isinstance(parent, objects.List):
            parent._set(name, child)
        elif isinstance(parent, objects.Dict):
            parent[name] = child
        elif isinstance(parent, objects.Tuple):
            if name.isdigit():
                parent._items._set(name, child)
            elif not name.startswith("_"):  # no field of a named tuple does
                parent.__dict__[name] = child
        elif isinstance(parent, objects.Signatures):
            parent._functions[name] = child
        elif isinstance(parent, objects.Object):
            parent.__dict__[name] = child

    def finish(self, root: Any, loader: Loader, report: Report | None) -> None:
        """The last step: tell the root about the model. `report` says what is not supported, where it was asked for."""
        if isinstance(root, objects.Object):
            for name in ("tensorflow_version", "tensorflow_git_version"):
                root.__dict__.setdefault(name, getattr(loader.meta_graph, name))
            if report is not None:
                root.__dict__["report"] = report

    def set_slot(self, optimizer: Any, variable: Any, slot_name: str, slot: Any) -> None:
        """`slot` is what `optimizer` keeps for `variable` under `slot_name`."""
        if isinstance(optimizer, objects.OptimizerObject):
            optimizer._slot_variables[id(variable), slot_name] = slot


class Loader:
    """One load of one meta graph.

    Args:
        meta_graph: what to load.
        directory: where its checkpoint and assets are.
        factory: makes the objects.
        limits: what its functions may do.
        partial: keep what does not need what is not supported?

    Attributes:
        env: where its functions run.
        objects: the object of each node.
    """

    def __init__(
        self,
        meta_graph: MetaGraph,
        directory: str | os.PathLike[str],
        factory: Factory | None = None,
        limits: Limits | None = None,
        partial: bool = False,
    ) -> None:
        self.meta_graph = meta_graph
        self.graph = meta_graph.object_graph or ObjectGraph()
        self.directory = os.fspath(directory)
        self.partial = partial
        self.factory = factory or Factory()
        self.env = Environment(meta_graph.library, limits)
        for op_type, name in meta_graph.registered_gradients.items():
            self.env.gradients[op_type] = functools.partial(self._gradient, name)
        self.objects: list[Any] = [None] * len(self.graph.nodes)
        self._raw: dict[int, Any] = {}  # what a function gets for a captured node
        self._making: set[int] = set()
        self._concretes: dict[str, Concrete] = {}
        self._names = self._find_names()

    def load(self) -> Any:
        """The root object.

        Raises:
            NotFoundError: a variable's value, a function or a file is not there.
            InvalidArgumentError: the object graph contradicts itself or the checkpoint.
            DataLossError: the checkpoint's index is damaged.
            UnimplementedError: the model needs what is not supported to be loaded.
        """
        nodes = self.graph.nodes
        if not nodes:
            raise DataLossError(None, None, f"{self.directory}: the object graph is empty")
        for number, node in enumerate(nodes):
            if not isinstance(node.kind, (SavedFunction, BareConcreteFunction)):
                self.objects[number] = self._make(number, node)
        signatures = self._signature_nodes()
        for number, node in enumerate(nodes):
            if isinstance(node.kind, SavedFunction):
                concrete = [self._concrete(name) for name in node.kind.concrete_functions]
                self.objects[number] = self.factory.make_function(node.kind, concrete, self._names[number])
            elif isinstance(node.kind, BareConcreteFunction):
                make = (
                    self.factory.make_signature
                    if number in signatures
                    else self.factory.make_concrete_function
                )
                self.objects[number] = make(node.kind, self._concrete(node.kind.name), self._names[number])
        for number, name in signatures.items():
            self._set_defaults(number, name)
        for number, node in enumerate(nodes):
            self._set_children(number, node)
        self._restore()
        self._initialize()
        return self.objects[0]

    # Objects

    def _find_names(self) -> list[str]:
        """The path from the root that names each node in messages: the shortest one."""
        names: list[str | None] = [None] * len(self.graph.nodes)
        queue = [0] if names else []
        if names:
            names[0] = ""
        for number in queue:
            for name, child in self.graph.nodes[number].children:
                if names[child] is None:
                    prefix = names[number] or ""
                    if (
                        len(prefix) > _LONGEST_PREFIX
                    ):  # else a chain of n objects would have names of n * n letters
                        prefix = "..." + prefix[-_LONGEST_PREFIX:]
                    names[child] = f"{prefix}.{name}" if prefix else name
                    queue.append(child)
        return [f"object {i}" if name is None else name for i, name in enumerate(names)]

    def _make(self, number: int, node: SavedObject) -> Any:
        kind, factory = node.kind, self.factory
        if isinstance(kind, VariableInfo):
            state = State(kind.dtype, kind.shape, kind.name or self._names[number])
            self._raw[number] = state
            return factory.make_variable(kind, state)
        if isinstance(kind, Asset):
            return self._make_asset(number, kind)
        if isinstance(kind, Constant):
            self._raw[number] = array = self.meta_graph.constant(kind.operation)
            return factory.make_constant(array)
        if isinstance(kind, Resource):
            return factory.make_resource(node)
        if isinstance(kind, UserObject):
            if kind.identifier == "signature_map":
                return factory.make_signatures(node)
            if kind.identifier == "trackable_list_wrapper":
                return factory.make_list(node)
            if kind.identifier == "trackable_tuple_wrapper":
                return factory.make_tuple(node)
            if kind.identifier == "trackable_dict_wrapper":
                return factory.make_dict(node)
        return factory.make_object(node)

    def _make_asset(self, number: int, kind: Asset) -> Any:
        assets = self.meta_graph.assets
        if not 0 <= kind.number < len(assets):
            raise InvalidArgumentError(
                None,
                None,
                f"{self.directory}: '{self._names[number]}' is asset {kind.number}, but there are {len(assets)}",
            )
        path = files.asset_path(self.directory, assets[kind.number].filename)
        if not is_there(path):
            raise NotFoundError(
                None, None, f"{path} does not exist: the model has the asset '{self._names[number]}' there"
            )
        self._raw[number] = np.array(os.fsencode(path), object)
        self.env.own_files |= {path}
        return self.factory.make_asset(path)

    def _set_children(self, number: int, node: SavedObject) -> None:
        parent = self.objects[number]
        if isinstance(node.kind, (SavedFunction, BareConcreteFunction)):
            return  # its concrete functions and captures, which it knows already
        kind = node.kind.identifier if isinstance(node.kind, UserObject) else ""
        most = len(node.children) + _MOST_GAPS
        for name, child in node.children:
            numbered = name.isascii() and name.isdigit()
            if kind == "trackable_list_wrapper":
                fits = numbered and len(name) < 10 and int(name) < most
            elif (
                kind == "trackable_tuple_wrapper"
            ):  # that of a named tuple has its items by field name as well
                fits = len(name) < 10 and int(name) < most if numbered else name.isidentifier()
            else:
                fits = True
            if not fits:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"{self.directory}: the list or tuple '{self._names[number]}' of {len(node.children)} items has "
                    f"one called {name[:40]!r}",
                )
            self.factory.set_child(parent, name, self.objects[child])
        for slot in node.slot_variables:
            self.factory.set_slot(
                parent, self.objects[slot.original], slot.slot_name, self.objects[slot.slot]
            )

    # Functions

    def _signature_nodes(self) -> dict[int, str]:
        """The nodes that are signatures, and their names."""
        found = {}
        for node in self.graph.nodes:
            if isinstance(node.kind, UserObject) and node.kind.identifier == "signature_map":
                found.update({child: name for name, child in node.children})
        return {
            n: name for n, name in found.items() if isinstance(self.graph.nodes[n].kind, BareConcreteFunction)
        }

    def _set_defaults(self, number: int, name: str) -> None:
        signature = self.meta_graph.signatures.get(name)
        function = self.objects[number]
        if signature is not None and signature.defaults:
            self.factory.set_defaults(function, signature.defaults)

    def _concrete(self, name: str) -> Concrete:
        found = self._concretes.get(name)
        if found is None:
            found = self._concretes[name] = self._make_concrete(name)
        return found

    def _make_concrete(self, name: str) -> Concrete:
        where = f"{self.directory}: function '{name}'"
        if name not in self.env.library:
            raise NotFoundError(None, None, f"{where} is not in the library")
        if name not in self.graph.concrete_functions:
            raise InvalidArgumentError(
                None, None, f"{where} has no entry in the object graph's concrete functions"
            )
        info = self.graph.concrete_functions[name]
        bound = [self.objects[number] for number in info.bound_inputs]
        return Concrete(
            name, info, self.env, bound, lambda: [self._captured(n, name) for n in info.bound_inputs]
        )

    def _gradient(self, name: str) -> tuple[str, Any, list[Any]]:
        """See `Environment.gradients`: a tensor of another function stands for itself, as a CapturedTensor."""
        info = self.graph.concrete_functions.get(name)
        if info is None:
            raise InvalidArgumentError(
                None, None, f"{self.directory}: gradient function '{name}' has no entry in the object graph"
            )
        kinds = [self.graph.nodes[n].kind for n in info.bound_inputs]
        captures = [
            kind if isinstance(kind, CapturedTensor) else self.objects[n]
            for kind, n in zip(kinds, info.bound_inputs, strict=True)
        ]
        return name, info.output_signature, captures

    def _captured(self, number: int, function: str) -> Any:
        """What a function gets for a node that it captured."""
        if number in self._raw:
            found = self._raw[number]
            if isinstance(found, OpError):
                raise found
            return found
        kind = self.graph.nodes[number].kind
        if isinstance(kind, Resource):
            self._create(number)
            return self._captured(number, function)
        if isinstance(kind, CapturedTensor):
            raise UnimplementedError(
                None,
                None,
                f"function '{function}' captures '{self._names[number]}', a tensor of another function",
            )
        raise InvalidArgumentError(
            None,
            None,
            f"function '{function}' captures '{self._names[number]}', which is no tensor or resource",
        )

    # State

    def _restore(self) -> None:
        variables = {
            n: node.kind for n, node in enumerate(self.graph.nodes) if isinstance(node.kind, VariableInfo)
        }
        tables = [n for n, node in enumerate(self.graph.nodes) if node.saveable_objects]
        if self.factory.skips_checkpoint or not (variables or tables):
            return
        checkpoint = Checkpoint(files.variables_prefix(self.directory), self.graph)
        for number, info in variables.items():
            try:
                self._raw[number].defer(checkpoint.reading(number, info, self._names[number]))
            except NotFoundError:
                if not self.factory.takes_partial_checkpoint:
                    raise
        for number in tables:
            self._restore_table(number, checkpoint)

    def _restore_table(self, number: int, checkpoint: Checkpoint) -> None:
        """Fill what saves itself by functions of its own (a mutable table) with what they saved."""
        for name, (_, restore) in self.graph.nodes[number].saveable_objects.items():
            arrays = checkpoint.tensors(number, name)
            kind = self.graph.nodes[restore].kind
            if not arrays or not isinstance(kind, (SavedFunction, BareConcreteFunction)):
                continue
            if isinstance(kind, SavedFunction):
                names = kind.concrete_functions
            else:
                names = (kind.name,)
            for one in names:
                try:
                    self._concrete(one).run(arrays)
                except UnimplementedError as e:
                    self._raw[number] = e

    def _initialize(self) -> None:
        """Make every table, and fill those that have an initializer."""
        for number, node in enumerate(self.graph.nodes):
            if isinstance(node.kind, Resource):
                self._create(number)
        for number, node in enumerate(self.graph.nodes):
            if isinstance(node.kind, Resource) and not isinstance(self._raw[number], OpError):
                try:
                    self._run_child(number, "_initialize")
                except UnimplementedError as e:
                    self._raw[number] = e

    def _create(self, number: int) -> None:
        """Make a resource. One that needs an op that is not supported fails its users, not the whole model."""
        if number in self._raw:
            return
        if number in self._making:
            raise InvalidArgumentError(
                None, None, f"{self.directory}: making '{self._names[number]}' needs the resource itself"
            )
        self._making.add(number)
        try:
            made = self._run_child(number, "_create_resource")
        except UnimplementedError as e:
            self._raw[number] = e
            return
        finally:
            self._making.discard(number)
        if not made:
            raise InvalidArgumentError(
                None,
                None,
                f"{self.directory}: '{self._names[number]}' has no function that makes the resource",
            )
        self._raw[number] = made[0]
        if hasattr(self.objects[number], "handle"):
            self.objects[number].handle = made[0]

    def _run_child(self, number: int, name: str) -> list[Any]:
        """The flat results of the function without arguments that a node holds; nothing where it holds none."""
        for child_name, child in self.graph.nodes[number].children:
            kind = self.graph.nodes[child].kind
            if child_name != name:
                continue
            if isinstance(kind, SavedFunction) and kind.concrete_functions:
                return self._concrete(kind.concrete_functions[0]).run(())
            if isinstance(kind, BareConcreteFunction):
                return self._concrete(kind.name).run(())
        return []


def _loader_for(meta_graph: MetaGraph) -> type[Loader]:
    if meta_graph.object_graph is not None:
        return Loader
    from .tf1 import Tf1Loader

    return Tf1Loader


def load(
    directory: str | os.PathLike[str],
    tags: str | Iterable[str] | None = None,
    factory: Factory | None = None,
    limits: Limits | None = None,
    partial: bool | None = None,
    backends: Sequence[Backend] = (),
) -> Any:
    """The root object of the SavedModel in `directory`.

    Args:
        directory: where it is.
        tags: the tags of the meta graph to load, where there are several.
        factory: makes the objects; default: the runtime's.
        limits: what its functions may do.
        partial: False: refuse it if its signatures need what is not supported; True: say in its attribute `report`
            what that is; None: whoever needs it will see.
        backends: engines that are offered parts of its functions, the first of them first.

    Raises:
        UnimplementedError: `partial` is False, and something that a signature needs is not supported; lists all of it.
        OpError: as `files.read_meta_graphs`, `files.choose` and `Loader.load`.
    """
    where = os.fspath(directory)
    try:
        with paused_collection():
            meta_graph = files.choose(files.read_meta_graphs(where), tags, where)
            if partial is False:
                from .report import missing

                error = missing(meta_graph).error(where)
                if error is not None:
                    raise error
            loader = _loader_for(meta_graph)(meta_graph, where, factory, limits, partial is not False)
            loader.env.backends = tuple(backends)  # before any function of it is compiled
            root = loader.load()
    except OpError as e:
        if where in e.message:
            raise
        raise type(e)(e.node_def, e.op, f"{where}: {e.message}") from e
    except MemoryError as e:
        raise ResourceExhaustedError(None, None, f"{where}: there is not enough memory to load it") from e
    report = None
    if partial:
        from .report import missing

        report = missing(meta_graph, functions=True)
    loader.factory.finish(root, loader, report)
    return root
