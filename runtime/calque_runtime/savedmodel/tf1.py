"""Models without an object graph, as TF1 wrote them: a graph, a checkpoint by variable names, and an initializer.

They are loaded as if they had been saved as objects: a root with `signatures` and `variables`. Each signature is a
function of its own that is made on its first call.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

import numpy as np

from calque_runtime.checkpoint.reader import BundleReader
from calque_runtime.constants import constant_value
from calque_runtime.environment import Limits
from calque_runtime.errors import NotFoundError, UnimplementedError
from calque_runtime.ir import Function, Library, Node, Value
from calque_runtime.passes.subgraphs import upstream
from calque_runtime.resources import Variable as State
from calque_runtime.wire.metagraphs import decode_variables

from . import files
from .loader import Factory, Loader
from .metagraph import (
    BareConcreteFunction,
    ConcreteFunctionInfo,
    MetaGraph,
    ObjectGraph,
    SavedObject,
    UserObject,
    VariableInfo,
)
from .restore import reading
from .tf1_graph import Key, Part, Tf1Graph, is_variable

__all__ = ["Tf1Loader"]

_ASSIGN = ("Assign", "AssignVariableOp")
_FIRST_VARIABLE = (
    3  # the object that stands for the first variable: after root, signatures and the list of variables
)


class Tf1Loader(Loader):
    """One load of a meta graph without an object graph; see `Loader`."""

    def __init__(
        self,
        meta_graph: MetaGraph,
        directory: str | os.PathLike[str],
        factory: Factory | None = None,
        limits: Limits | None = None,
        partial: bool = False,
    ) -> None:
        self.top = Tf1Graph(meta_graph)
        super().__init__(_as_objects(meta_graph, self.top), directory, factory, limits, partial)
        self.states: dict[Key, State] = {}

    def _restore(self) -> None:
        numbers = {key: _FIRST_VARIABLE + i for i, key in enumerate(self.top.variables)}
        self.states = {key: self._raw[number] for key, number in numbers.items()}
        for (container, name), state in self.states.items():
            self.env.resources["variable", container, name] = state
        prefix = files.variables_prefix(self.directory)
        if not os.path.exists(f"{prefix}.index"):
            return  # a graph without variables needs no checkpoint; without one, variables have no values
        reader = BundleReader(prefix)
        others = []
        for node, found in self._assignments():
            if found is None:
                others.append(node)
            else:
                self._defer(reader, *found)
        self._run_restore(prefix, others)
        for key, state in self.states.items():
            if not state.initialized and reader.has_tensor(key[1]):
                self._defer(reader, key, key[1], "")

    def _assignments(self) -> Iterator[tuple[Node, tuple[Key, str, str] | None]]:
        """What the saver's restore op runs: for plain assignments variable, tensor and slice; None for the rest."""
        saver = self.meta_graph.saver
        restore = None if saver is None else self.top.nodes.get(saver.restore_op_name)
        if restore is None:
            return
        needed = upstream([restore])
        for node in self.top.order:
            if node in needed and node.op.name in _ASSIGN:
                yield node, _assignment(node)
            elif (
                node in needed
                and node.op.name != "NoOp"
                and (not node.outputs or any(True for _ in node.calls()))
            ):
                yield node, None

    def _defer(self, reader: BundleReader, key: Key, name: str, part: str) -> None:
        state, prefix = self.states[key], files.variables_prefix(self.directory)
        if not reader.has_tensor(name):
            raise NotFoundError(
                None, None, f"{prefix} has no value for variable '{state.name}': there is no key {name}"
            )
        if part:
            state.defer(functools.partial(reader.get_slice, name, part))
        else:
            state.defer(reading(reader, name, f"variable '{state.name}'", state.dtype, state.shape))

    def _run_restore(self, prefix: str, nodes: list[Node]) -> None:
        """Run what a saver does beside plain assignments: calls of functions, tables."""
        if not nodes:
            return
        saver = self.meta_graph.saver
        tensor = "" if saver is None else saver.filename_tensor_name
        self.env.own_files |= {prefix}
        self._run({self.top.value(tensor, "the saver's file name"): prefix} if tensor else {}, nodes)

    def _initialize(self) -> None:
        paths: dict[Value, str] = {}
        for asset in self.meta_graph.assets:
            path = files.asset_path(
                self.directory, asset.filename
            )  # what reads it says so where it is not there
            self.env.own_files |= {path}
            paths[self.top.value(asset.tensor_name, f"the asset '{asset.filename}'")] = path
        if self.top.init:
            try:
                self._run(paths, [self.top.node(name, "the initializer") for name in self.top.init])
            except UnimplementedError:
                if not self.partial:
                    raise

    def _run(self, texts: dict[Value, str], targets: list[Node]) -> None:
        part = self.top.part(targets[0].name, list(texts), [v.node.name for v in texts], [], targets)
        arrays = [np.array(os.fsencode(text), object) for text in texts.values()]
        run = self.env.compiled(self.top.function(part))
        run(*arrays, *(self.states[key] for key in part.variables))


def _assignment(node: Node) -> tuple[Key, str, str] | None:
    """Variable, tensor and slice of an assignment of a restored value; None if it is something else."""
    variable, source = _source(node.inputs[0]), _source(node.inputs[1])
    if not is_variable(variable.node) or source.node.op.name != "RestoreV2":
        return None
    names, slices = (constant_value(v) for v in source.node.inputs[1:])
    if names is None or slices is None or not source.index < min(names.size, slices.size):
        return None
    key = Tf1Graph.key(variable.node)
    return key, names.ravel()[source.index].decode(), slices.ravel()[source.index].decode()


def _source(value: Value) -> Value:
    while value.node.op.name in ("Identity", "RefIdentity"):
        value = value.node.inputs[0]
    return value


def _as_objects(meta_graph: MetaGraph, top: Tf1Graph) -> MetaGraph:
    """The meta graph with the object graph that its signatures and variables would have."""
    signatures = top.signatures(meta_graph.library)
    numbers = {key: _FIRST_VARIABLE + i for i, key in enumerate(top.variables)}
    first = _FIRST_VARIABLE + len(numbers)
    nodes = [
        SavedObject(UserObject(), [("signatures", 1), ("variables", 2)]),
        SavedObject(UserObject("signature_map"), [(name, first + i) for i, name in enumerate(signatures)]),
        SavedObject(
            UserObject("trackable_list_wrapper"), [(str(i), n) for i, n in enumerate(numbers.values())]
        ),
    ]
    collections = meta_graph.collections
    trainable = {name for name, _ in decode_variables(collections.get("trainable_variables"))}
    for key, node in top.variables.items():
        site = node.site()
        dtype = site["dtype"].base_dtype
        nodes.append(SavedObject(VariableInfo(dtype, site["shape"], key[1] in trainable, key[1])))
    infos: dict[str, ConcreteFunctionInfo] = {}
    parts: dict[str, Part] = {}
    for signature in signatures.values():
        part = signature.part
        bound = tuple(numbers[key] for key in part.variables)
        infos[part.name] = ConcreteFunctionInfo(bound, ((), signature.arguments), signature.outputs)
        nodes.append(SavedObject(BareConcreteFunction(part.name, tuple(signature.arguments))))
        parts[part.name] = part

    def decode(name: str) -> Function:
        return top.function(parts[name]) if name in parts else meta_graph.library[name]

    library = Library(decode, [*meta_graph.library, *parts])
    return MetaGraph(
        lambda *wanted: meta_graph.graph,
        library,
        tags=meta_graph.tags,
        signatures=meta_graph.signatures,
        assets=meta_graph.assets,
        object_graph=ObjectGraph(nodes, infos),
        saver=meta_graph.saver,
        collections=collections,
        tensorflow_version=meta_graph.tensorflow_version,
        tensorflow_git_version=meta_graph.tensorflow_git_version,
    )
