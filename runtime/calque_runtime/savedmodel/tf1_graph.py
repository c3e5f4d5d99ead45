"""The graph of a TF1 model as functions: one for each signature, from the tensors it is fed to those it fetches.

Variables become captures, references and control flow what functions have instead (`passes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from calque_runtime import dtypes
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import Function, Graph, Node, Value
from calque_runtime.ops.refs import RESOURCE_FORM
from calque_runtime.passes.raise_control_flow import raise_control_flow
from calque_runtime.passes.references import replace_references
from calque_runtime.passes.subgraphs import extract, replace, upstream
from calque_runtime.structure import ShapeValue, TensorSpecValue, TypeSpecValue
from calque_runtime.wire.metagraphs import decode_variables

from .metagraph import MetaGraph, SignatureDef, TensorInfo

__all__ = [
    "INIT_SIGNATURE",
    "Part",
    "Signature",
    "Tf1Graph",
    "init_nodes",
    "is_init_signature",
    "is_variable",
    "node_name",
    "tensors",
]

INIT_SIGNATURE = "__saved_model_init_op"
_TRAIN_SIGNATURE = "__saved_model_train_op"
_INIT_COLLECTIONS = ("saved_model_main_op", "main_op", "legacy_init_op")

Key = tuple[str, str]  # container and name of a variable


def node_name(tensor: str) -> str:
    """The node in the name of a tensor or of a control input."""
    return tensor.removeprefix("^").partition(":")[0]


def is_variable(node: Node) -> bool:
    """Does the node stand for a variable?"""
    return node.op.name == "VarHandleOp" or RESOURCE_FORM.get(node.op.name) == "VarHandleOp"


def is_init_signature(name: str) -> bool:
    """Is it none to be called, but the place where a file names its initializer?"""
    return name in (INIT_SIGNATURE, _TRAIN_SIGNATURE)


def init_nodes(meta_graph: MetaGraph) -> list[str]:
    """What initializes tables and the like: the model's initializer, else those of its tables and local variables."""
    signature = meta_graph.signatures.get(INIT_SIGNATURE)
    if signature is not None and INIT_SIGNATURE in signature.outputs:
        return [node_name(signature.outputs[INIT_SIGNATURE].name)]
    collections = meta_graph.collections
    for name in _INIT_COLLECTIONS:
        collection = collections.get(name)
        if collection is not None and collection.kind == "node" and collection.values:
            return [node_name(collection.values[0])]
    tables = collections.get("table_initializer")
    names = tables.values if tables is not None and tables.kind == "node" else ()
    local = decode_variables(collections.get("local_variables"))
    return [node_name(name) for name in (*names, *(initializer for _, initializer in local))]


class Part(NamedTuple):
    """What a function is to be made of.

    Attributes:
        name: the function's name.
        inputs: the tensors that are fed.
        input_names: their names.
        outputs: the tensors that are fetched.
        targets: nodes that run as well.
        variables: the variables it needs, in the order in which it captures them.
    """

    name: str
    inputs: Sequence[Value]
    input_names: Sequence[str]
    outputs: Sequence[Value]
    targets: Sequence[Node]
    variables: Sequence[Key]


class Signature(NamedTuple):
    """A signature: its function, its arguments by name in order, and the structure of its result."""

    part: Part
    arguments: dict[str, TensorSpecValue]
    outputs: dict[str, Any]


class Tf1Graph:
    """The top-level graph of a meta graph, as far as signatures, initializer and saver need it.

    Attributes:
        init: the nodes that initialize it.
        nodes: the nodes by name.
        order: the nodes.
        variables: the node of each variable.
    """

    def __init__(self, meta_graph: MetaGraph) -> None:
        self.meta_graph = meta_graph
        self.init = init_nodes(meta_graph)
        graph: Graph = meta_graph.part(set(self._wanted()))
        self.nodes = graph.by_name()
        self.order = graph.nodes
        self.variables: dict[Key, Node] = {}
        for node in self.order:
            if "shared_name" in node.op.signature.attrs:  # a copy has another name, but is the same resource
                node.attrs["shared_name"] = node.attrs.get("shared_name") or node.name.encode()
            if is_variable(node):
                self.variables.setdefault(self.key(node), node)

    def _wanted(self) -> Iterator[str]:
        meta_graph = self.meta_graph
        for signature in meta_graph.signatures.values():
            for info in (*signature.inputs.values(), *signature.outputs.values()):
                yield from map(node_name, tensors(info))
        if meta_graph.saver is not None:
            yield meta_graph.saver.restore_op_name
            yield node_name(meta_graph.saver.filename_tensor_name)
        yield from (node_name(asset.tensor_name) for asset in meta_graph.assets)
        yield from self.init

    @staticmethod
    def key(node: Node) -> Key:
        """Which variable the node stands for."""
        container, name = node.attrs.get("container", b""), node.attrs.get("shared_name", b"")
        return container.decode(errors="replace"), name.decode(errors="replace")

    def node(self, name: str, what: str) -> Node:
        """The node of that name.

        Raises:
            InvalidArgumentError: there is none; the message says for `what` it is wanted.
        """
        found = self.nodes.get(name)
        if found is None:
            raise InvalidArgumentError(None, None, f"{what} is the node '{name}', which is not in the graph")
        return found

    def value(self, tensor: str, what: str) -> Value:
        """The value that a tensor's name stands for.

        Raises:
            InvalidArgumentError: there is none.
        """
        node = self.node(node_name(tensor), what)
        index = tensor.partition(":")[2] or "0"
        if not (index.isascii() and index.isdigit() and len(index) < 10 and int(index) < len(node.outputs)):
            raise InvalidArgumentError(
                node.name,
                node.op.name,
                f"{what} is the tensor '{tensor}', but {node.op.name} has {len(node.outputs)} outputs",
            )
        return node.outputs[int(index)]

    def signatures(self, taken: Iterable[str]) -> dict[str, Signature]:
        """What there is to call, by name.

        Args:
            taken: names that the functions must not get.
        """
        names = set(taken)
        return {
            key: self._signature(key, signature, names)
            for key, signature in self.meta_graph.signatures.items()
            if not is_init_signature(key)
        }

    def _signature(self, key: str, signature: SignatureDef, taken: set[str]) -> Signature:
        given: dict[str, tuple[Value, TensorSpecValue]] = {}
        for name, info in signature.inputs.items():
            for suffix, tensor in _inputs(info):
                value = self.value(tensor, f"input '{name}' of signature '{key}'")
                spec = TensorSpecValue(None if suffix else info.shape, value.dtype, name + suffix)
                given[name + suffix] = value, spec
        given = {name: given[name] for name in sorted(given)}
        fetched: list[Value] = []
        targets: list[Node] = []
        outputs: dict[str, Any] = {}
        for name, info in sorted(signature.outputs.items()):
            what = f"output '{name}' of signature '{key}'"
            if info.coo_sparse is not None:
                values, indices, dense_shape = (self.value(tensor, what) for tensor in info.coo_sparse)
                fetched += [indices, values, dense_shape]
                outputs[name] = TypeSpecValue(
                    1, "SparseTensorSpec", (ShapeValue(info.shape), values.dtype), 3
                )
            elif info.composite is not None:
                spec, parts = info.composite
                fetched += [self.value(one.name, what) for one in parts]
                outputs[name] = spec
            elif ":" not in info.name and (info.dtype is None or not self.node(info.name, what).outputs):
                targets.append(self.node(info.name, what))  # an op, which runs and gives nothing
                outputs[name] = None
            else:
                value = self.value(info.name, what)
                fetched.append(value)
                outputs[name] = TensorSpecValue(info.shape, value.dtype, name)
        base = "signature_" + re.sub(r"[^A-Za-z0-9_]", "_", key)
        name = base
        while name in taken:
            name = f"{base}_{len(taken)}"
        taken.add(name)
        part = self.part(name, [v for v, _ in given.values()], list(given), fetched, targets)
        return Signature(part, {k: spec for k, (_, spec) in given.items()}, outputs)

    def part(
        self,
        name: str,
        inputs: Sequence[Value],
        input_names: Sequence[str],
        outputs: Sequence[Value],
        targets: Sequence[Node] = (),
    ) -> Part:
        """A part of the graph, with the variables that it needs."""
        fed = set(inputs)
        needed = upstream([*(v.node for v in outputs if v not in fed), *targets], fed.__contains__)
        variables = dict.fromkeys(
            self.key(node) for node in self.order if node in needed and is_variable(node)
        )
        return Part(name, inputs, input_names, outputs, targets, list(variables))

    def function(self, part: Part) -> Function:
        """The function of a part of the graph: its inputs and its variables are its arguments.

        Raises:
            UnimplementedError: its references or its control flow cannot be expressed.
            InvalidArgumentError: it has a cycle that is no loop.
        """
        function = extract(
            part.name,
            self.order,
            [[v] for v in part.inputs],
            part.outputs,
            part.targets,
            input_names=part.input_names,
        )
        replace_references(function)
        self._capture(function, part.variables)
        raise_control_flow(function)
        return function

    def _capture(self, function: Function, variables: Sequence[Key]) -> None:
        """Make the variables the last arguments."""
        arguments: dict[Key, Value] = {}
        for key in variables:
            site = self.variables[key].site()
            argument = function.add_input(function.unique_name(key[1]), dtypes.resource, ())
            argument.handle = (site["dtype"], site["shape"])
            arguments[key] = argument
        handles = [node for node in function.nodes if node.op.name == "VarHandleOp"]
        gone = set(handles)
        for node in function.nodes:
            node.control = [one for one in node.control if one not in gone]
        replace(function, {node.outputs[0]: arguments[self.key(node)] for node in handles}, {})


def tensors(info: TensorInfo) -> Iterator[str]:
    """The names of the tensors that an input or output is made of."""
    if info.coo_sparse is not None:
        yield from info.coo_sparse
    elif info.composite is not None:
        yield from (one.name for one in info.composite[1])
    else:
        yield info.name


def _inputs(info: TensorInfo) -> list[tuple[str, str]]:
    """For each tensor of an input what its argument's name ends in, as in TensorFlow, and the tensor's name."""
    if info.coo_sparse is not None:
        return list(zip(("_values", "_indices", "_dense_shape"), info.coo_sparse, strict=True))
    if info.composite is not None:
        return [(f"_component_{i}", one.name) for i, one in enumerate(info.composite[1])]
    return [("", info.name)]
