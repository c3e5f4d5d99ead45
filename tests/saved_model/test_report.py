"""What a model needs and is not there: all of it in one error when it is loaded, or in a report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import errors
from calque_runtime.op import registered
from calque_runtime.savedmodel import files
from calque_runtime.savedmodel.report import missing
from calque_runtime.wire import schema

HERE = Path(__file__).parent
X = np.array([[1, 2, 3]], np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The two-layer model, whose Relu is an op that nobody has; its signature 'plain' does not need it."""
    copy = Path(shutil.copytree(HERE / "golden" / "two_layer", tmp_path / "model"))

    def edit(proto: Any) -> None:
        for function in functions(proto):
            for node in function.node_def:
                node.op = {"Relu": "Frobnicate"}.get(node.op, node.op)
        definitions = proto.meta_graphs[0].meta_info_def.stripped_op_list.op
        for one in definitions:
            one.name = {"Relu": "Frobnicate"}.get(one.name, one.name)

    change(copy, edit)
    return copy


@pytest.fixture
def frobnicate() -> Iterator[None]:
    """Forgets the op of that name afterwards."""
    yield
    registered().pop("Frobnicate", None)


def functions(proto: Any) -> Any:
    return proto.meta_graphs[0].graph_def.library.function


def change(directory: Path, edit: Any) -> None:
    path = directory / "saved_model.pb"
    proto = schema.parse(schema.SavedModel, path.read_bytes(), str(path))
    edit(proto)
    path.write_bytes(schema.serialize(proto, str(path)))


def test_one_error_for_all_that_is_missing(model: Path) -> None:
    def edit(proto: Any) -> None:
        for function in functions(proto):
            for node in function.node_def:
                if node.op == "MatMul":
                    node.attr["T"].type = 10  # bool

    change(model, edit)
    with pytest.raises(errors.UnimplementedError) as caught:
        calque_runtime.load(model)
    message = str(caught.value)
    assert str(model) in message
    assert "Frobnicate: it is not supported (1 node in __inference" in message
    assert "MatMul: T is bool (2 nodes in __inference" in message
    assert "partial=True" in message


def test_partial(model: Path) -> None:
    loaded = calque_runtime.load(model, partial=True)
    assert loaded.w1.shape == (3, 4)
    (one,) = loaded.report.missing
    assert (one.op, one.nodes, one.signatures) == ("Frobnicate", 1, ("serving_default",))
    assert loaded.report.usable == ()
    assert str(loaded.report).startswith("Frobnicate: it is not supported (1 node in __inference")
    with pytest.raises(errors.UnimplementedError, match="Frobnicate"):
        loaded.signatures["serving_default"](x=X)
    whole = calque_runtime.load(HERE / "golden" / "two_layer", partial=True)
    assert whole.report.missing == ()
    assert whole.report.usable == ("serving_default",)


def test_an_attribute_that_a_kernel_refuses(model: Path) -> None:
    def edit(proto: Any) -> None:
        for function in functions(proto):
            for node in function.node_def:
                if node.op == "Frobnicate":
                    node.op = "SpaceToDepth"
                    node.attr["block_size"].i = 2
                    node.attr["data_format"].s = b"NCHW_VECT_C"

    change(model, edit)
    with pytest.raises(errors.UnimplementedError, match="SpaceToDepth: data_format NCHW_VECT_C"):
        calque_runtime.load(model)


def test_programs_for_xla(model: Path) -> None:
    """What jax2tf writes by default; the message says how to write what runs here."""

    def edit(proto: Any) -> None:
        for one in (*functions(proto), *proto.meta_graphs[0].meta_info_def.stripped_op_list.op):
            for node in getattr(one, "node_def", (one,)):
                for name in ("op", "name"):
                    if getattr(node, name, None) == "Frobnicate":
                        setattr(node, name, "XlaCallModule")

    change(model, edit)
    with pytest.raises(errors.UnimplementedError) as caught:
        calque_runtime.load(model)
    message = str(caught.value)
    assert "XlaCallModule: it holds a program for XLA" in message
    assert "jax2tf.convert(..., native_serialization=False)" in message
    assert calque_runtime.load(model, partial=True).report.missing[0].op == "XlaCallModule"


def test_nodes_that_nothing_needs_do_not_count(model: Path) -> None:
    def edit(proto: Any) -> None:
        for function in functions(proto):
            for node in function.node_def:
                if node.op == "Frobnicate":
                    node.op = "Relu"
                    function.node_def.add(name="unused", op="Frobnicate", input=["x"])
                    break

    change(model, edit)
    assert missing(files.read_meta_graphs(model)[0]).missing == ()


@pytest.mark.usefixtures("frobnicate")
def test_an_op_of_ones_own(model: Path) -> None:
    @calque_runtime.register_op("Frobnicate(features: T) -> (activations: T) | T: type in float double")
    def frobnicate(site: Any) -> Any:
        """What is not negative."""
        zero = np.zeros((), site.dtypes[0].np)
        return lambda x: np.maximum(x, zero)

    want = calque_runtime.load(HERE / "golden" / "two_layer").signatures["serving_default"](x=X)
    got = calque_runtime.load(model).signatures["serving_default"](x=X)
    np.testing.assert_array_equal(got["output_0"], want["output_0"])


@pytest.mark.usefixtures("frobnicate")
def test_a_declaration_that_is_none() -> None:
    with pytest.raises(errors.InternalError, match="not understood"):
        calque_runtime.register_op("Frobnicate")


def test_an_op_can_be_replaced() -> None:
    from calque_runtime import ops

    before = ops.require("Softsign")
    try:

        @calque_runtime.register_op(before.declaration)
        def softsign(site: Any) -> Any:
            """Always one."""
            return np.ones_like

        assert ops.require("Softsign")(np.float32(5)) == 1
    finally:
        registered()["Softsign"] = before


def test_tf1(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(HERE / "tf1" / "variables", tmp_path / "model"))

    def edit(proto: Any) -> None:
        for node in proto.meta_graphs[0].graph_def.node:
            if node.name == "middle":
                node.op = "Frobnicate"
        proto.meta_graphs[0].meta_info_def.stripped_op_list.op.add(name="Frobnicate")
        made = proto.meta_graphs[0].meta_info_def.stripped_op_list.op[-1]
        made.input_arg.add(name="x", type_attr="T")
        made.output_arg.add(name="y", type_attr="T")
        made.attr.add(name="T", type="type")
        proto.meta_graphs[0].signature_def["root"].CopyFrom(proto.meta_graphs[0].signature_def["middle"])
        info = proto.meta_graphs[0].signature_def["root"].inputs
        info["inner"].name = "x:0"

    change(copy, edit)
    with pytest.raises(
        errors.UnimplementedError, match=r"Frobnicate: it is not supported \(1 node in signature 'root'"
    ):
        calque_runtime.load(copy)
    loaded = calque_runtime.load(copy, partial=True)
    assert [one.signatures for one in loaded.report.missing] == [("root",)]
    assert loaded.signatures["middle"](inner=np.float32(1))["y"] == 2  # which is fed what the op would give
    assert loaded.signatures["sum"](x=np.float32(3))["y"] == 5
