"""The top-level graph: what loaders that know no objects run. Variables, signatures, initialization, saving, restoring.

Node names and collections are those that TensorFlow's own loaders look for; the rest is as small as it can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import DType
from calque_runtime.ir import Function, FunctionRef, Graph, Node, Value
from calque_runtime.ops import require
from calque_runtime.savedmodel import composites
from calque_runtime.savedmodel.metagraph import AssetFile, Collection, Saver, SignatureDef, TensorInfo
from calque_runtime.shapes import Shape
from calque_runtime.structure import TypeSpecValue
from calque_runtime.tables import Table

__all__ = ["PREDICT_METHOD", "TopLevelGraph"]

PREDICT_METHOD = "tensorflow/serving/predict"
INIT_SIGNATURE = "__saved_model_init_op"
MAIN_OP_COLLECTION = "saved_model_main_op"


class TopLevelGraph:
    """Builds the graph, and notes what the meta graph says about it.

    Attributes:
        graph: the nodes so far.
        signatures: the SignatureDefs so far.
        assets: the asset files so far.
        saver: how the graph saves and restores, once `add_saver` was called.
        collections: the graph's collections.
        asset_inputs: for the path of each asset, what the loader feeds it by: initializers use that, for they may run
            before the path is kept.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.signatures: dict[str, SignatureDef] = {}
        self.assets: list[AssetFile] = []
        self.saver: Saver | None = None
        self.collections: dict[str, Collection] = {}
        self.asset_inputs: dict[Value, Value] = {}
        self._handles: list[tuple[Value, DType]] = []
        self._initializers: list[Node] = []

    def _add(
        self,
        op: str,
        name: str,
        inputs: Sequence[Value] = (),
        attrs: Mapping[str, Any] | None = None,
        control: Sequence[Node] = (),
        shapes: Sequence[Shape] | None = None,
    ) -> Node:
        kind = require(op)
        given = dict(attrs or {})
        dtypes_out = kind.signature.output_dtypes(given)
        node = Node(kind, self.graph.unique_name(_node_name(name)), list(inputs), given, dtypes_out, shapes)
        node.control = list(control)
        return self.graph.add(node)

    def constant(self, array: Any, dtype: DType, name: str = "Const") -> Value:
        """A constant."""
        return self._add("Const", name, (), {"value": np.asarray(array), "dtype": dtype}).outputs[0]

    def variable(self, name: str, dtype: DType, shape: Shape) -> Value:
        """The handle of a variable; its shared name is its node's, which is unique."""
        node = self._add("VarHandleOp", name, (), {"dtype": dtype, "shape": shape, "shared_name": b""})
        node.attrs["shared_name"] = node.name.encode()
        self._handles.append((node.outputs[0], dtype))
        return node.outputs[0]

    def asset(self, filename: str) -> Value:
        """The path of an asset: kept in a variable that the initializer sets from what the loader feeds."""
        fed = self._add(
            "Placeholder", "asset_path_initializer", (), {"dtype": dtypes.string, "shape": ()}
        ).outputs[0]
        handle = self._add(
            "VarHandleOp", "asset", (), {"dtype": dtypes.string, "shape": (), "shared_name": b""}
        )
        handle.attrs["shared_name"] = handle.name.encode()
        assign = self._add(
            "AssignVariableOp", "asset/assign", (handle.outputs[0], fed), {"dtype": dtypes.string}
        )
        self._initializers.append(assign)
        self.assets.append(AssetFile(filename, fed.name))
        read = self._add(
            "ReadVariableOp", "asset/read", (handle.outputs[0],), {"dtype": dtypes.string}
        ).outputs[0]
        self.asset_inputs[read] = fed
        return read

    def initialize(self, node: Node) -> None:
        """Make `node` a part of the initialization."""
        self._initializers.append(node)

    def call(self, name: str, function: Function, inputs: Sequence[Value], stateful: bool) -> Node:
        """A call of a function of the library."""
        kind = "StatefulPartitionedCall" if stateful else "PartitionedCall"
        attrs = {
            "Tin": tuple(v.dtype for v in inputs),
            "Tout": tuple(v.dtype for v in function.outputs),
            "f": FunctionRef(function.name, function),
        }
        return self._add(kind, name, inputs, attrs)

    def signature(
        self,
        key: str,
        function: Function,
        arguments: Mapping[str, Shape],
        results: Mapping[str, Any],
        captures: Sequence[Value],
        defaults: Mapping[str, Any],
    ) -> None:
        """A signature: a placeholder for each argument, and a call.

        Args:
            key: its name.
            function: the wrapper.
            arguments: the shapes of its first arguments by the names that the user knows them by.
            results: the specs of its results by name, in the order of the function's.
            captures: what the last arguments are bound to.
            defaults: the values of the arguments that may be left out.
        """
        inputs = {}
        values = []
        for (name, shape), argument in zip(arguments.items(), function.inputs, strict=False):
            attrs = {"dtype": argument.dtype, "shape": shape}
            place = f"{key}_{name}"
            if name in defaults:
                default = self.constant(defaults[name], argument.dtype, f"{place}/input")
                value = self._add("PlaceholderWithDefault", place, (default,), attrs).outputs[0]
            else:
                value = self._add("Placeholder", place, (), attrs).outputs[0]
            inputs[name] = TensorInfo(value.name, argument.dtype, shape)
            values.append(value)
        stateful = function.stateful or any(v.dtype is dtypes.resource for v in captures)
        kind = "StatefulPartitionedCall" if stateful else "PartitionedCall"
        node = self.call(kind, function, [*values, *captures], stateful)
        flat = iter(node.outputs)
        outputs = {  # what gives nothing is run for its effects, as an op that a TF1 signature names
            name: TensorInfo(node.name) if spec is None else _tensor_info(spec, flat)
            for name, spec in results.items()
        }
        self.signatures[key] = SignatureDef(inputs, outputs, PREDICT_METHOD, dict(defaults))

    def finish(self) -> None:
        """Add the node that initializes everything, under the names that loaders look for."""
        node = self._add("NoOp", "NoOp", control=self._initializers)
        self.collections[MAIN_OP_COLLECTION] = Collection("node", (node.name,))
        self.signatures[INIT_SIGNATURE] = SignatureDef({}, {INIT_SIGNATURE: TensorInfo(node.name)})

    def add_saver(self, keys: Sequence[str], tables: Sequence[tuple[str, Value, Table]] = ()) -> None:
        """Nodes that write the variables and tables to a checkpoint and read them from one.

        Args:
            keys: the checkpoint key of each variable, in the order in which they were added.
            tables: for each table with content, its checkpoint key, its handle and itself.
        """
        if not keys and not tables:
            return
        filename = self._add(
            "Placeholder", "saver_filename", (), {"dtype": dtypes.string, "shape": ()}
        ).outputs[0]
        all_keys = [*keys, *(key + part for key, _, _ in tables for part in ("-keys", "-values"))]
        names = self.constant(_strings(all_keys), dtypes.string, "save/tensor_names")
        slices = self.constant(_strings([""] * len(all_keys)), dtypes.string, "save/shape_and_slices")
        kinds = (
            *(dtype for _, dtype in self._handles),
            *(dtype for _, _, table in tables for dtype in (table.key_dtype, table.value_dtype)),
        )
        restored = self._add(
            "RestoreV2", "save/RestoreV2", (filename, names, slices), {"dtypes": kinds}
        ).outputs
        taken = [
            self._add("AssignVariableOp", "save/Assign", (handle, value), {"dtype": dtype})
            for (handle, dtype), value in zip(self._handles, restored, strict=False)
        ]
        values = [
            self._add("ReadVariableOp", "save/Read", (handle,), {"dtype": dtype}).outputs[0]
            for handle, dtype in self._handles
        ]
        for i, (_, handle, table) in enumerate(tables):
            at = len(keys) + 2 * i
            types = {"Tin": table.key_dtype, "Tout": table.value_dtype}
            content = (handle, *restored[at : at + 2])
            taken.append(self._add("LookupTableImportV2", "save/Import", content, types))
            types = {"Tkeys": table.key_dtype, "Tvalues": table.value_dtype}
            values += self._add("LookupTableExportV2", "save/Export", (handle,), types).outputs
        restore = self._add("NoOp", "save/restore_all", control=taken)
        save = self._add("SaveV2", "save/SaveV2", (filename, names, slices, *values), {"dtypes": kinds})
        done = self._add("Identity", "save/control_dependency", (filename,), {"T": dtypes.string}, [save])
        self.saver = Saver(filename.name, done.outputs[0].name, restore.name)


def _tensor_info(spec: Any, flat: Iterator[Value]) -> TensorInfo:
    """A result of a signature; what is made of several tensors takes as many from `flat`."""
    if not isinstance(spec, TypeSpecValue):
        value = next(flat)
        return TensorInfo(value.name, value.dtype, None if spec is None else spec.shape)
    parts = [_tensor_info(part, flat) for part in composites.component_specs(spec)]
    if spec.class_name == "SparseTensorSpec":
        indices, values, dense_shape = parts
        shape = spec.state[0].shape
        return TensorInfo("", values.dtype, shape, (values.name, indices.name, dense_shape.name))
    return TensorInfo("", None, None, None, (spec, tuple(parts)))


def _strings(values: Sequence[str]) -> Any:
    out = np.empty(len(values), object)
    out[:] = [v.encode() for v in values]
    return out


def _node_name(name: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9_.\-/]", "_", name)
    return cleaned if re.match(r"[A-Za-z0-9.]", cleaned) else f"v{cleaned}"
