"""SavedModels put together message by message, so that they can be wrong in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from calque_runtime import dtypes
from calque_runtime.ir import FunctionRef
from calque_runtime.structure import TensorSpecValue
from calque_runtime.wire import schema
from calque_runtime.wire.attrs import encode_attr
from calque_runtime.wire.structured import encode_value

FLOAT, INT, BOOL = dtypes.float32, dtypes.int32, dtypes.bool
X = np.array([1, 2], np.float32)


def node(name: str, op: str, inputs: Sequence[str] = (), **attrs: Any) -> Any:
    """A NodeDef; attributes as `encode_attr` takes them."""
    proto = schema.NodeDef(name=name, op=op, input=inputs)
    for key, value in attrs.items():
        encode_attr(value, None, proto.attr[key])
    return proto


def const(name: str, value: Any) -> Any:
    """A Const node."""
    array = np.asarray(value)
    return node(name, "Const", dtype=dtypes.from_numpy(array.dtype), value=array)


def call(
    name: str, function: str, inputs: Sequence[str], takes: Any = (FLOAT,), gives: Any = (FLOAT,)
) -> Any:
    """A PartitionedCall node."""
    return node(name, "PartitionedCall", inputs, Tin=tuple(takes), Tout=tuple(gives), f=FunctionRef(function))


def function(
    name: str,
    nodes: Iterable[Any],
    ret: str | Mapping[str, str],
    args: Mapping[str, Any] | None = None,
    gives: Sequence[Any] = (FLOAT,),
) -> Any:
    """A FunctionDef.

    Args:
        name: its name.
        nodes: NodeDefs.
        ret: for each result the value it is; one text: that of the only result, ``out``.
        args: the type of each argument; default: a float32 called ``x``.
        gives: the type of each result.
    """
    proto = schema.FunctionDef(node_def=nodes)
    proto.signature.name = name
    for key, dtype in ({"x": FLOAT} if args is None else args).items():
        proto.signature.input_arg.add(name=key, type=dtype.enum)
    ret = {"out": ret} if isinstance(ret, str) else ret
    for (key, value), dtype in zip(ret.items(), gives, strict=True):
        proto.signature.output_arg.add(name=key, type=dtype.enum)
        proto.ret[key] = value
    return proto


DOUBLE = function("f", [node("y", "AddV2", ["x", "x"], T=FLOAT)], "y:z:0")


def saved_model(functions: Iterable[Any], takes: Any = None, gives: Any = None) -> Any:
    """A SavedModel whose root calls the function ``f`` as its attribute ``f``.

    Args:
        functions: FunctionDefs, one of them called ``f``.
        takes: structured values of its arguments; default: one float32 of any shape.
        gives: the structured value of its result; default: a float32 of any shape.
    """
    spec = TensorSpecValue(None, FLOAT, "x")
    proto = schema.SavedModel(saved_model_schema_version=1)
    meta_graph = proto.meta_graphs.add()
    meta_graph.meta_info_def.tags.append("serve")
    meta_graph.graph_def.library.function.extend(functions)
    objects = meta_graph.object_graph_def
    root = objects.nodes.add()
    root.user_object.identifier = "_generic_user_object"
    root.children.add(node_id=1, local_name="f")
    objects.nodes.add().function.concrete_functions.append("f")
    info = objects.concrete_functions["f"]
    info.canonicalized_input_signature.CopyFrom(encode_value(((spec,) if takes is None else takes, {})))
    info.output_signature.CopyFrom(encode_value(spec if gives is None else gives))
    return proto


def write(directory: Path, proto: Any) -> Path:
    """Writes the SavedModel `proto` to `directory`, which need not exist."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "saved_model.pb").write_bytes(schema.serialize(proto, "the model"))
    return directory


def shaped_constant(shape: list[int], **fields: Any) -> list[Any]:
    """A function that gives a constant whose message says what it likes."""
    one = const("c", np.zeros(1, np.float32))
    tensor = one.attr["value"].tensor
    tensor.Clear()
    tensor.dtype = fields.pop("dtype", 1)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    for key, value in fields.items():
        getattr(tensor, key).extend(value) if isinstance(value, list) else setattr(tensor, key, value)
    return [function("f", [one], "c:output:0")]


def objects(proto: Any) -> Any:
    """The object graph of a SavedModel message."""
    return proto.meta_graphs[0].object_graph_def


def add_child(node: Any, number: int, name: str) -> None:
    """Gives a saved object a child."""
    node.children.add(node_id=number, local_name=name)


def refuses(directory: Path, error: type[Exception], *texts: str, **kwargs: Any) -> None:
    """Both loaders refuse the directory, with an error that names it and has the texts in it."""
    for load in (calque_runtime.load, calque.saved_model.load):
        with pytest.raises(error) as caught:
            load(directory, **kwargs)
        for text in (str(directory), *texts):
            assert text in str(caught.value)
