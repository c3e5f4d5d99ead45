"""Graphs and functions between messages and ir: round trips of what TensorFlow wrote, and refusals of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors
from calque_runtime.environment import Environment
from calque_runtime.infer import infer_shapes
from calque_runtime.ir import FunctionRef
from calque_runtime.signature import AttrDef
from calque_runtime.wire import attrs, graphs, metagraphs, opdefs, schema

GOLDEN = Path(__file__).parent.parent / "saved_model" / "golden"
MODELS = sorted(path.parent.name for path in GOLDEN.glob("*/saved_model.pb"))


def saved_model(name: str) -> Any:
    return schema.parse(schema.SavedModel, (GOLDEN / name / "saved_model.pb").read_bytes(), name)


def comparable(proto: Any) -> Any:
    """A copy without what calque does not keep: where nodes came from, and full types."""
    copy = type(proto)()
    copy.CopyFrom(proto)
    nodes = copy.node_def if hasattr(copy, "node_def") else copy.node
    for node in nodes:
        node.ClearField("experimental_debug_info")
        node.ClearField("experimental_type")
    return copy


@pytest.mark.parametrize("model", MODELS)
def test_functions_round_trip(model: str) -> None:
    meta_graph = saved_model(model).meta_graphs[0]
    library = graphs.decode_library(meta_graph.graph_def.library, meta_graph.meta_info_def.stripped_op_list)
    assert list(library) == [f.signature.name for f in meta_graph.graph_def.library.function]
    for proto in meta_graph.graph_def.library.function:
        try:
            function = library[proto.signature.name]
        except errors.UnimplementedError:
            continue  # an op that neither calque nor the file describes
        assert graphs.encode_function(function) == comparable(proto)


@pytest.mark.parametrize("model", MODELS)
def test_graph_round_trip(model: str) -> None:
    meta_graph = saved_model(model).meta_graphs[0]
    lookup = graphs.op_lookup(meta_graph.meta_info_def.stripped_op_list, meta_graph.graph_def.library)
    graph = graphs.decode_graph(meta_graph.graph_def, lookup)
    assert list(graphs.encode_graph(graph).node) == list(comparable(meta_graph.graph_def).node)


@pytest.mark.parametrize("model", MODELS)
def test_op_definitions_round_trip(model: str) -> None:
    kept = ("name", "input_arg", "output_arg", "attr", "is_stateful", "is_commutative", "is_aggregate")
    for proto in saved_model(model).meta_graphs[0].meta_info_def.stripped_op_list.op:
        back = opdefs.encode_op_def(opdefs.decode_op_def(proto))
        for arg in [*proto.input_arg, *proto.output_arg]:
            arg.ClearField("experimental_full_type")
        for field in kept:
            assert getattr(back, field) == getattr(proto, field), (proto.name, field)


@pytest.mark.parametrize("model", ["two_layer", "structures"])
def test_whole_model_round_trip(model: str) -> None:
    data = (GOLDEN / model / "saved_model.pb").read_bytes()
    again = metagraphs.encode_saved_model(metagraphs.decode_saved_model(data, model))
    assert again == metagraphs.encode_saved_model(metagraphs.decode_saved_model(again, model))
    got, want = (schema.parse(schema.SavedModel, one, model).meta_graphs[0] for one in (again, data))
    for field in ("signature_def", "object_graph_def", "collection_def", "saver_def", "asset_file_def"):
        assert getattr(got, field) == getattr(want, field), field
    assert got.graph_def.versions == want.graph_def.versions
    assert got.meta_info_def.tags == want.meta_info_def.tags


ATTRS = [
    ("type", dtypes.bfloat16),
    ("int", -(2**62)),
    ("float", 0.5),
    ("bool", True),
    ("string", b"\x00\xff"),
    ("shape", (2, None)),
    ("shape", ()),
    ("shape", None),
    ("list(type)", (dtypes.float32, dtypes.resource)),
    ("list(int)", (1, -2)),
    ("list(int)", ()),
    ("list(float)", (0.5, 1.5)),
    ("list(bool)", (True, False)),
    ("list(string)", (b"a", b"")),
    ("list(shape)", ((1, None), None, ())),
    ("list(shape)", ()),
]


@pytest.mark.parametrize(("kind", "value"), ATTRS)
def test_attr_round_trip(kind: str, value: Any) -> None:
    proto = attrs.encode_attr(value, kind)
    assert attrs.decode_attr(proto, kind, "here") == value
    # What nobody declares comes back as the same message.
    undeclared = attrs.decode_attr(proto, None, "here")
    assert attrs.encode_attr(undeclared, None) == proto


def test_attr_holds_tensors_and_functions() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    proto = attrs.encode_attr(array, "tensor")
    np.testing.assert_array_equal(attrs.decode_attr(proto, "tensor", ""), array)
    assert attrs.encode_attr(attrs.decode_attr(proto, None, ""), None) == proto
    proto = attrs.encode_attr(FunctionRef("f", None, {"_x": 3}), "func")
    back = attrs.decode_attr(proto, "func", "")
    assert (back.name, back.attrs) == ("f", {"_x": 3})
    assert attrs.encode_attr(attrs.decode_attr(proto, None, ""), None) == proto


def test_quantized_constant_keeps_its_type() -> None:
    held = {"dtype": dtypes.qint8, "value": np.array([1, -2], np.int8)}
    declared = {"dtype": AttrDef("dtype", "type"), "value": AttrDef("value", "tensor")}
    node = schema.NodeDef()
    attrs.encode_attrs(held, declared, node.attr)
    assert node.attr["value"].tensor.dtype == dtypes.qint8.enum


@pytest.mark.parametrize(
    ("proto", "kind", "error"),
    [
        ({"i": 3}, "type", errors.InvalidArgumentError),
        ({"type": 1}, "int", errors.InvalidArgumentError),
        ({}, "bool", errors.InvalidArgumentError),
        ({"i": 1}, "list(int)", errors.InvalidArgumentError),
        ({"list": {"i": [1]}}, "list(type)", errors.InvalidArgumentError),
        ({"type": 77}, "type", errors.UnimplementedError),
        ({"placeholder": "T"}, "type", errors.UnimplementedError),
        ({"shape": {"dim": [{"size": -5}]}}, "shape", errors.DataLossError),
    ],
)
def test_attr_refusals(proto: dict[str, Any], kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="here"):
        attrs.decode_attr(schema.AttrValue(**proto), kind, "here")


def example() -> Any:
    """A FunctionDef: z = Identity(x); split in two; a control output."""
    return schema.from_text(
        schema.FunctionDef,
        """
        signature {
          name: "f" input_arg { name: "x" type: DT_FLOAT }
          output_arg { name: "out" type: DT_FLOAT } control_output: "effect"
        }
        node_def { name: "pair" op: "IdentityN" input: "x" input: "same:output:0" input: "^effect"
                   attr { key: "T" value { list { type: DT_FLOAT type: DT_FLOAT } } } }
        node_def { name: "same" op: "Identity" input: "x" attr { key: "T" value { type: DT_FLOAT } }
                   attr { key: "_class" value { list { s: "loc:@x" } } } }
        node_def { name: "effect" op: "NoOp" input: "^x" device: "/cpu:0" }
        ret { key: "out" value: "pair:output:1" }
        control_ret { key: "effect" value: "effect" }
        """,
        "example",
    )


def test_example_decodes_in_any_order_and_runs() -> None:
    function = graphs.decode_function(example(), graphs.op_lookup())
    assert [n.name for n in function.nodes] == ["pair", "same", "effect"]
    assert function.outputs[0] is function.by_name()["pair"].outputs[1]
    assert function.by_name()["pair"].control == [function.by_name()["effect"]]
    assert function.by_name()["effect"].device == "/cpu:0"
    assert function.by_name()["same"].attrs["_class"] == (b"loc:@x",)
    assert function.control_outputs == {"effect": function.by_name()["effect"]}
    x = np.float32([1, 2])
    np.testing.assert_array_equal(Environment().compiled(function)(x)[0], x)
    back = graphs.encode_function(function)
    want = example()
    want.node_def[2].ClearField("input")  # a control input that is an argument waits for nothing
    assert back == want


def set_ret(f: Any, ref: str) -> None:
    f.ret["out"] = ref


MUTATIONS: list[tuple[str, Callable[[Any], Any], type[Exception], str]] = [
    ("duplicate node", lambda f: setattr(f.node_def[1], "name", "pair"), errors.InvalidArgumentError, "pair"),
    ("node like argument", lambda f: setattr(f.node_def[1], "name", "x"), errors.InvalidArgumentError, "'x'"),
    (
        "duplicate argument",
        lambda f: f.signature.input_arg.add(name="x", type=1),
        errors.InvalidArgumentError,
        "'x'",
    ),
    ("missing input", lambda f: f.node_def[1].ClearField("input"), errors.InvalidArgumentError, "same"),
    ("extra input", lambda f: f.node_def[1].input.append("x"), errors.InvalidArgumentError, "same"),
    ("unknown input", lambda f: f.node_def[1].input.__setitem__(0, "y"), errors.InvalidArgumentError, "'y'"),
    ("no such output", lambda f: set_ret(f, "pair:outputs:0"), errors.InvalidArgumentError, "pair:output"),
    ("out of range", lambda f: set_ret(f, "pair:output:2"), errors.InvalidArgumentError, "out of range"),
    ("no number", lambda f: set_ret(f, "pair:output:-1"), errors.InvalidArgumentError, "number"),
    ("no result", lambda f: f.ret.clear(), errors.InvalidArgumentError, "out"),
    ("unknown control", lambda f: f.node_def[0].input.append("^y"), errors.InvalidArgumentError, "y"),
    ("bad control_ret", lambda f: f.control_ret.update(effect="y"), errors.InvalidArgumentError, "effect"),
    ("no control_ret", lambda f: f.control_ret.clear(), errors.InvalidArgumentError, "effect"),
    ("attr missing", lambda f: f.node_def[1].attr.pop("T"), errors.InvalidArgumentError, "'T'"),
    (
        "other dtype",
        lambda f: setattr(f.node_def[1].attr["T"], "type", 3),
        errors.InvalidArgumentError,
        "same",
    ),
    ("unknown op", lambda f: setattr(f.node_def[1], "op", "Nope"), errors.UnimplementedError, "Nope"),
    (
        "generic",
        lambda f: setattr(f.signature.input_arg[0], "type_attr", "T"),
        errors.UnimplementedError,
        "'x'",
    ),
    ("bad dtype", lambda f: setattr(f.signature.input_arg[0], "type", 0), errors.DataLossError, "'x'"),
]


@pytest.mark.parametrize(
    ("change", "error", "names"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS]
)
def test_bad_functions(change: Callable[[Any], Any], error: type[Exception], names: str) -> None:
    proto = example()
    change(proto)
    with pytest.raises(error) as caught:
        graphs.decode_function(proto, graphs.op_lookup())
    assert names in str(caught.value)
    assert "function 'f'" in str(caught.value)


def test_cycle_is_found_when_it_is_compiled() -> None:
    proto = example()
    proto.node_def[1].input[0] = "pair:output:0"
    function = graphs.decode_function(proto, graphs.op_lookup())
    with pytest.raises(errors.InvalidArgumentError, match="cycle"):
        Environment().compiled(function)


def test_function_that_calls_itself() -> None:
    library = schema.from_text(
        schema.FunctionDefLibrary,
        """function {
          signature { name: "f" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT } }
          node_def { name: "call" op: "PartitionedCall" input: "x"
                     attr { key: "Tin" value { list { type: DT_FLOAT } } }
                     attr { key: "Tout" value { list { type: DT_FLOAT } } }
                     attr { key: "f" value { func { name: "f" } } } }
          ret { key: "y" value: "call:output:0" }
        }""",
        "example",
    )
    env = Environment(graphs.decode_library(library))
    with pytest.raises(errors.InvalidArgumentError, match="'f' calls itself"):
        env.compiled(env.library["f"])


def test_two_functions_of_one_name() -> None:
    library = schema.FunctionDefLibrary(function=[example(), example()])
    with pytest.raises(errors.InvalidArgumentError, match="two functions 'f'"):
        graphs.decode_library(library)


def test_op_known_from_the_file_only() -> None:
    op_list = schema.from_text(
        schema.OpList,
        """op { name: "Mystery" input_arg { name: "a" type_attr: "T" } output_arg { name: "b" type_attr: "T" }
                attr { name: "T" type: "type" } attr { name: "depth" type: "int" default_value { i: 3 } } }""",
        "op list",
    )
    proto = example()
    proto.node_def[1].op = "Mystery"
    proto.node_def[0].input[1] = "same:b:0"
    function = graphs.decode_function(proto, graphs.op_lookup(op_list))
    node = function.by_name()["same"]
    assert node.site()["depth"] == 3
    assert comparable(graphs.encode_function(function)).node_def[1] == proto.node_def[1]
    with pytest.raises(errors.UnimplementedError, match="Mystery is not supported"):
        Environment().compiled(function)


def test_node_that_names_a_function_calls_it() -> None:
    caller = example()
    caller.signature.name = "g"
    del caller.node_def[0]
    caller.node_def[0].op = "f"
    caller.node_def[0].attr.clear()
    caller.ret["out"] = "same:out:0"
    env = Environment(graphs.decode_library(schema.FunctionDefLibrary(function=[example(), caller])))
    x = np.float32([3])
    np.testing.assert_array_equal(env.compiled(env.library["g"])(x)[0], x)


def test_defaults_are_left_out() -> None:
    declared = {
        "a": AttrDef("a", "float", 0.1),
        "b": AttrDef("b", "list(int)", (1, 1)),
        "c": AttrDef("c", "shape", None),
        "d": AttrDef("d", "int"),
    }
    node = schema.NodeDef()
    attrs.encode_attrs(
        {"a": float(np.float32(0.1)), "b": (1, 1), "c": None, "d": 0, "_e": ()}, declared, node.attr
    )
    assert sorted(node.attr) == ["_e", "d"]


def test_infer_shapes_follows_the_rules() -> None:
    proto = example()
    proto.arg_attr[0].attr["_output_shapes"].list.shape.add().dim.add(size=4)
    function = graphs.decode_function(proto, graphs.op_lookup())
    assert [v.shape for v in function.outputs] == [None]
    infer_shapes(function)
    assert [v.shape for v in function.outputs] == [(4,)]
