"""All that `calque show` tells of a SavedModel, as plain data: what ``--json`` prints."""

from __future__ import annotations

import os
from typing import Any

from calque_runtime.errors import OpError
from calque_runtime.savedmodel.files import asset_path, model_file
from calque_runtime.savedmodel.metagraph import (
    Asset,
    BareConcreteFunction,
    Constant,
    MetaGraph,
    ObjectGraph,
    SavedFunction,
    TensorInfo,
    UserObject,
    VariableInfo,
)
from calque_runtime.savedmodel.report import missing
from calque_runtime.shapes import Shape
from calque_runtime.wire.tensors import decode_dtype, decode_shape

from .census import Census
from .objects import Place, kind_name, places
from .signatures import arguments, declaration, result_text
from .source import read_meta_graph, read_proto
from .variables import VariableFacts, bundle_variables, totals

__all__ = ["INIT_SIGNATURES", "gather"]

Facts = dict[str, Any]

# Signatures that prepare the model; nobody calls them for results.
INIT_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})


def gather(directory: str, tags: set[str] | None) -> Facts:
    """What is in the SavedModel in `directory`.

    Args:
        directory: of the SavedModel.
        tags: which meta graph; None for the only one.

    Returns:
        Dicts, lists, text, numbers and None. Unknown sizes and shapes are None.

    Raises:
        OpError: there is no such model, or its ``saved_model.pb`` is damaged. A checkpoint or an asset that is
            missing or damaged is among the facts instead.
    """
    meta_graph = read_meta_graph(directory, tags)
    proto = read_proto(directory, set(meta_graph.tags))
    path = model_file(directory)
    facts: Facts = {
        "directory": directory,
        "file": os.path.basename(path),
        "file_bytes": os.path.getsize(path),
        "tags": list(meta_graph.tags),
        "tensorflow_version": meta_graph.tensorflow_version,
        "tensorflow_git_version": meta_graph.tensorflow_git_version,
        "graph_version": meta_graph.graph_version,
        "graph_min_consumer": meta_graph.min_consumer,
        "has_object_graph": meta_graph.object_graph is not None,
        "signatures": [_signature(name, meta_graph) for name in meta_graph.signatures],
        **_objects(directory, meta_graph, proto),
        "assets": [_asset(directory, asset.filename, asset.tensor_name) for asset in meta_graph.assets],
        "collections": {name: len(one.values) for name, one in meta_graph.collections.items()},
    }
    facts.update(_ops(Census(proto.graph_def), facts))
    facts["missing"] = _missing(meta_graph)
    return facts


# --- signatures


def _signature(name: str, meta_graph: MetaGraph) -> Facts:
    signature = meta_graph.signatures[name]
    return {
        "name": name,
        "method": signature.method_name,
        "inputs": [_tensor(key, info) for key, info in signature.inputs.items()],
        "outputs": [_tensor(key, info) for key, info in signature.outputs.items()],
        "defaults": {key: _plain(value) for key, value in signature.defaults.items()},
    }


def _tensor(name: str, info: TensorInfo) -> Facts:
    return {
        "name": name,
        "dtype": None if info.dtype is None else info.dtype.name,
        "shape": _shape(info.shape),
        "tensors": _tensor_names(info),
    }


def _tensor_names(info: TensorInfo) -> list[str]:
    if info.coo_sparse is not None:
        return list(info.coo_sparse)
    if info.composite is not None:
        return [name for one in info.composite[1] for name in _tensor_names(one)]
    return [info.name]


def _shape(shape: Shape) -> list[int | None] | None:
    return None if shape is None else list(shape)


def _plain(value: Any) -> Any:
    """An array as nested lists, bytes as text: what JSON has."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _asset(directory: str, filename: str, tensor: str) -> Facts:
    try:
        size: int | None = os.path.getsize(asset_path(directory, filename))
    except (OSError, OpError):
        size = None
    return {"filename": filename, "bytes": size, "tensor": tensor}


# --- objects


def _objects(directory: str, meta_graph: MetaGraph, proto: Any) -> Facts:
    graph = meta_graph.object_graph
    objects: list[Facts] = []
    functions: list[Facts] = []
    if graph is None:
        variables, problem = bundle_variables(directory, meta_graph)
    else:
        variables = []
        variable = VariableFacts(directory, meta_graph)
        constants = {node.name: node for node in proto.graph_def.node if node.op == "Const"}
        tree = places(graph)
        paths = {place.number: place.path for place in tree}
        repeated = _repeated(graph)
        for place in tree:
            node = graph.nodes[place.number]
            children = {name: paths[number] for name, number in node.children}
            fact: Facts = {
                "path": place.path,
                "name": place.name,
                "parent": place.parent,
                "kind": kind_name(node),
                "children": children,
            }
            kind = node.kind
            if isinstance(kind, VariableInfo):
                variables.append(variable(place, kind))
            elif isinstance(kind, Constant):
                fact |= _constant(constants.get(kind.operation), place.path)
            elif isinstance(kind, Asset):
                there = 0 <= kind.number < len(meta_graph.assets)
                fact["filename"] = meta_graph.assets[kind.number].filename if there else None
            elif isinstance(kind, (SavedFunction, BareConcreteFunction)) and place.number not in repeated:
                functions.append(_function(place, kind, graph, paths))
            objects.append(fact)
        problem = variable.problem
    return {
        "functions": functions,
        "objects": objects,
        "variables": variables,
        "totals": totals(variables),
        "checkpoint_error": problem,
    }


def _repeated(graph: ObjectGraph) -> set[int]:
    """Concrete functions that are shown elsewhere: as a signature, or with the function that they belong to."""
    return {
        number
        for node in graph.nodes
        if isinstance(node.kind, SavedFunction)
        or (isinstance(node.kind, UserObject) and node.kind.identifier == "signature_map")
        for _, number in node.children
        if isinstance(graph.nodes[number].kind, BareConcreteFunction)
    }


def _constant(node: Any, path: str) -> Facts:
    if node is None:
        return {"dtype": None, "shape": None}
    tensor = node.attr["value"].tensor
    shape = decode_shape(tensor.tensor_shape, f"constant '{path}'")
    return {"dtype": decode_dtype(tensor.dtype, f"constant '{path}'").name, "shape": _shape(shape)}


def _function(
    place: Place, kind: SavedFunction | BareConcreteFunction, graph: ObjectGraph, paths: dict[int, str]
) -> Facts:
    names = kind.concrete_functions if isinstance(kind, SavedFunction) else (kind.name,)
    keywords = () if isinstance(kind, SavedFunction) else kind.argument_keywords
    concrete: list[Facts] = []
    for name in names:
        info = graph.concrete_functions.get(name)
        if info is None:
            concrete.append({"name": name, "arguments": None, "result": None, "captures": []})
            continue
        concrete.append(
            {
                "name": name,
                "arguments": [
                    {"name": key, "takes": text} for key, text in arguments(info, kind.spec, keywords)
                ],
                "result": result_text(info),
                "captures": [paths[number] for number in info.bound_inputs],
            }
        )
    return {"path": place.path, "declaration": declaration(kind.spec), "concrete_functions": concrete}


# --- ops


def _ops(census: Census, facts: Facts) -> Facts:
    signatures = {
        one["name"]: [tensor for output in one["outputs"] for tensor in output["tensors"]]
        for one in facts["signatures"]
        if one["name"] not in INIT_SIGNATURES
    }
    functions = {
        one["path"]: [concrete["name"] for concrete in one["concrete_functions"]]
        for one in facts["functions"]
    }
    reached = census.reached(
        [tensor for tensors in signatures.values() for tensor in tensors],
        [name for names in functions.values() for name in names],
    )
    return {
        "library_functions": census.functions,
        "ops": {"reachable": _by_count(reached), "file": _by_count(census.file())},
        "unknown_ops": census.unsupported(),
    }


def _missing(meta_graph: MetaGraph) -> list[Facts]:
    """What loading would say is missing, and what functions need that no signature runs."""
    return [
        {
            "op": one.op,
            "reason": one.reason,
            "nodes": one.nodes,
            "functions": list(one.functions),
            "signatures": list(one.signatures),
            "text": str(one),
        }
        for one in missing(meta_graph, functions=True).missing
    ]


def _by_count(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
