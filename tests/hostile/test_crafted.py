"""Models that parse and lie: a typed error that says where, and never a wrong answer."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from calque_runtime import dtypes, errors
from calque_runtime.ir import FunctionRef
from calque_runtime.structure import TensorSpecValue
from calque_runtime.wire import schema
from calque_runtime.wire.attrs import encode_attr
from calque_runtime.wire.structured import encode_value
from hostile.base import edit, outcome, save_rich
from hostile.crafting import BOOL, DOUBLE, FLOAT, INT, X, call, const, function, node, saved_model, write

Edit = Callable[[Any], Any]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_rich(tmp_path_factory.mktemp("rich") / "model")


@pytest.fixture
def model(rich: Path, tmp_path: Path) -> Path:
    """A copy of the rich model, to be spoiled."""
    return Path(shutil.copytree(rich, tmp_path / "model"))


def refuses(directory: Path, error: type[Exception], *texts: str, **kwargs: Any) -> None:
    """Both loaders refuse the directory, with an error that names it and has the texts in it."""
    for load in (calque_runtime.load, calque.saved_model.load):
        with pytest.raises(error) as caught:
            load(directory, **kwargs)
        for text in (str(directory), *texts):
            assert text in str(caught.value)


# The directory

INDEX, DATA = "variables/variables.index", "variables/variables.data-00000-of-00001"


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def only(directory: Path, *names: str) -> None:
    """Leaves nothing but the files and folders of these names."""
    for path in directory.iterdir():
        if path.name in names:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()


DIRECTORIES: dict[str, tuple[Callable[[Path], Any], type[Exception], tuple[str, ...]]] = {
    "empty": (only, errors.NotFoundError, ("holds no saved_model.pb", "it holds nothing")),
    "not there": (shutil.rmtree, errors.NotFoundError, ("does not exist",)),
    "half-written": (
        lambda d: only(d, "variables", "assets"),
        errors.NotFoundError,
        ("holds no saved_model.pb", "not written, or not copied, to its end"),
    ),
    "a temporary file only": (
        lambda d: (only(d), (d / "saved_model.pb.tmp-0123456789ab").write_bytes(b"x")),
        errors.NotFoundError,
        ("holds no saved_model.pb", "saved_model.pb.tmp-"),
    ),
    "a folder in the place of the file": (
        lambda d: folder(d / "saved_model.pb"),
        errors.NotFoundError,
        ("saved_model.pb",),
    ),
    "a pipe in the place of the file": (
        lambda d: pipe(d / "saved_model.pb"),
        errors.NotFoundError,
        ("saved_model.pb",),
    ),
    "text that is none": (
        lambda d: (only(d), (d / "saved_model.pbtxt").write_bytes(b"\x80\xff { meta")),
        errors.DataLossError,
        ("saved_model.pbtxt",),
    ),
    "an empty file": (
        lambda d: (d / "saved_model.pb").write_bytes(b""),
        errors.DataLossError,
        ("saved_model.pb (0 bytes)", "no meta graph"),
    ),
    "no meta graph": (lambda d: edit(d, lambda p: p.ClearField("meta_graphs")), errors.DataLossError, ("no meta graph",)),
    "no variables": (lambda d: shutil.rmtree(d / "variables"), errors.NotFoundError, (INDEX, "does not exist")),
    "no index": (lambda d: (d / INDEX).unlink(), errors.NotFoundError, (INDEX, "does not exist")),
    "an empty index": (lambda d: (d / INDEX).write_bytes(b""), errors.DataLossError, (INDEX, "footer")),
    "a folder as index": (lambda d: folder(d / INDEX), errors.FailedPreconditionError, (INDEX,)),
    "a pipe as index": (lambda d: pipe(d / INDEX), errors.FailedPreconditionError, (INDEX, "not a regular file")),
    "no data": (lambda d: (d / DATA).unlink(), errors.NotFoundError, (DATA, "copied without its data files")),
    "empty data": (lambda d: (d / DATA).write_bytes(b""), errors.DataLossError, (DATA, "the file has 0")),
    "a pipe as data": (lambda d: pipe(d / DATA), errors.FailedPreconditionError, (DATA, "not a regular file")),
    "a pipe as asset": (
        lambda d: pipe(d / "assets" / "words.txt"),
        errors.FailedPreconditionError,
        ("assets/words.txt", "not a regular file"),
    ),
    "no assets": (lambda d: shutil.rmtree(d / "assets"), errors.NotFoundError, ("assets/words.txt", "vocabulary")),
}


@pytest.mark.parametrize("name", DIRECTORIES)
def test_directories(model: Path, name: str) -> None:
    spoil, error, texts = DIRECTORIES[name]
    spoil(model)
    refuses(model, error, *texts)


def test_wrong_tags(model: Path) -> None:
    refuses(model, errors.NotFoundError, "{gpu}", "There are: {serve}", tags="gpu")
    edit(model, lambda p: p.meta_graphs.add().meta_info_def.tags.extend(["serve", "tpu"]))
    refuses(model, errors.InvalidArgumentError, "2 meta graphs", "{serve}; {serve, tpu}")


@pytest.mark.parametrize("name", ["../words.txt", "/etc/passwd", "..", ".", "", "a/../../b", "a\\b", "a\0b"])
def test_asset_names_stay_in_their_folder(model: Path, name: str) -> None:
    edit(model, lambda p: setattr(p.meta_graphs[0].asset_file_def[0], "filename", name))
    refuses(model, errors.InvalidArgumentError, "no plain file name")


def test_text_form_nested_beyond_reason(tmp_path: Path) -> None:
    for depth in (60, 150, 10_000):
        deep = "list_value { values { " * depth + "none_value { }" + " } }" * depth
        text = f'meta_graphs {{ object_graph_def {{ concrete_functions {{ key: "f" value {{ output_signature {{ {deep} }} }} }} }} }}'
        (tmp_path / "saved_model.pbtxt").write_text(text)
        refuses(tmp_path, errors.DataLossError, "saved_model.pbtxt")


# The object graph, on a copy of the rich model


def objects(proto: Any) -> Any:
    return proto.meta_graphs[0].object_graph_def


def of_kind(proto: Any, kind: str, at: int = 0) -> Any:
    return [n for n in objects(proto).nodes if n.WhichOneof("kind") == kind][at]


def of_class(proto: Any, identifier: str) -> Any:
    return next(n for n in objects(proto).nodes if n.user_object.identifier == identifier)


def first_info(proto: Any, bound: bool = False) -> Any:
    infos = objects(proto).concrete_functions
    return next(infos[name] for name in sorted(infos) if not bound or infos[name].bound_inputs)


def table(proto: Any) -> Any:
    """The top-level Const behind the captured constant."""
    name = of_kind(proto, "constant").constant.operation
    return next(n for n in proto.meta_graphs[0].graph_def.node if n.name == name)


def add_child(node: Any, number: int, name: str) -> None:
    node.children.add(node_id=number, local_name=name)


Damage = tuple[Edit, type[Exception], tuple[str, ...]]
INVALID = errors.InvalidArgumentError

OBJECTS: dict[str, Damage] = {
    "child out of range": (lambda p: add_child(objects(p).nodes[0], 1 << 20, "x"), INVALID, ("object 0", "1048576")),
    "negative child": (lambda p: add_child(objects(p).nodes[0], -1, "x"), INVALID, ("object 0", "object -1")),
    "negative bound input": (lambda p: first_info(p).bound_inputs.append(-2), INVALID, ("object -2",)),
    "bound input out of range": (
        lambda p: first_info(p).bound_inputs.append(1 << 30),
        INVALID,
        ("function", "object 1073741824"),
    ),
    "dependency out of range": (
        lambda p: objects(p).nodes[0].dependencies.add(node_id=999, local_name="x"),
        INVALID,
        ("object 0", "999"),
    ),
    "slot variable out of range": (
        lambda p: objects(p).nodes[0].slot_variables.add(slot_variable_node_id=999, slot_name="m"),
        INVALID,
        ("object 0", "999"),
    ),
    "saver out of range": (
        lambda p: setattr(objects(p).nodes[0].saveable_objects["x"], "save_function", 999),
        INVALID,
        ("object 0", "999"),
    ),
    "no kind": (lambda p: objects(p).nodes[2].ClearField(objects(p).nodes[2].WhichOneof("kind")), INVALID, ("object 2",)),
    "no objects": (lambda p: objects(p).ClearField("nodes"), errors.OpError, ()),
    "function that is not in the library": (
        lambda p: of_kind(p, "function").function.concrete_functions.append("nope"),
        errors.NotFoundError,
        ("function 'nope'", "not in the library"),
    ),
    "function without a library": (
        lambda p: p.meta_graphs[0].graph_def.library.ClearField("function"),
        errors.NotFoundError,
        ("not in the library",),
    ),
    "function without an entry": (
        lambda p: objects(p).concrete_functions.clear(),
        INVALID,
        ("no entry in the object graph's concrete functions",),
    ),
    "two functions of one name": (
        lambda p: p.meta_graphs[0].graph_def.library.function.append(p.meta_graphs[0].graph_def.library.function[0]),
        INVALID,
        ("two functions '__inference",),
    ),
    "variable of a shape below -1": (
        lambda p: setattr(of_kind(p, "variable").variable.shape.dim[0], "size", -7),
        errors.DataLossError,
        ("variable", "below -1"),
    ),
    "variable without a dtype": (
        lambda p: of_kind(p, "variable").variable.ClearField("dtype"),
        errors.DataLossError,
        ("variable", "dtype is missing"),
    ),
    "variable of an unknown dtype": (
        lambda p: setattr(of_kind(p, "variable").variable, "dtype", 99),
        errors.UnimplementedError,
        ("variable", "dtype number 99"),
    ),
    "variable that the checkpoint lacks": (
        lambda p: (objects(p).nodes.add().variable.CopyFrom(of_kind(p, "variable").variable),
                   add_child(objects(p).nodes[0], len(objects(p).nodes) - 1, "extra")),
        errors.NotFoundError,
        ("no value for variable", "extra"),
    ),
    "constant that is not there": (
        lambda p: setattr(of_kind(p, "constant").constant, "operation", "nope"),
        INVALID,
        ("no node 'nope'",),
    ),
    "constant that is another op": (lambda p: setattr(table(p), "op", "Placeholder"), INVALID, ("should be a Const",)),
    "constant with too little content": (
        lambda p: setattr(table(p).attr["value"].tensor, "tensor_content", b"\0" * 4),
        errors.DataLossError,
        ("tensor_content has 4 bytes", "take 8"),
    ),
    "constant of an absurd shape": (
        lambda p: setattr(table(p).attr["value"].tensor.tensor_shape.dim[0], "size", 1 << 62),
        errors.DataLossError,
        ("tensor_content has 8 bytes",),
    ),
    "constant of a negative shape": (
        lambda p: setattr(table(p).attr["value"].tensor.tensor_shape.dim[0], "size", -5),
        errors.DataLossError,
        ("below -1",),
    ),
    "constant of an unknown dtype": (
        lambda p: setattr(table(p).attr["value"].tensor, "dtype", 77),
        errors.UnimplementedError,
        ("dtype number 77",),
    ),
    "asset out of range": (
        lambda p: setattr(of_kind(p, "asset").asset, "asset_file_def_index", 3),
        INVALID,
        ("vocabulary", "asset 3"),
    ),
    "negative asset": (
        lambda p: setattr(of_kind(p, "asset").asset, "asset_file_def_index", -1),
        INVALID,
        ("vocabulary", "asset -1"),
    ),
    "list with an item of a name": (
        lambda p: add_child(of_class(p, "trackable_list_wrapper"), 1, "first"),
        INVALID,
        ("layers", "'first'"),
    ),
    "list with an item of an absurd number": (
        lambda p: add_child(of_class(p, "trackable_list_wrapper"), 1, "999999999999"),
        INVALID,
        ("layers", "'999999999999'"),
    ),
    "list with an item of no ASCII digit": (
        lambda p: add_child(of_class(p, "trackable_list_wrapper"), 1, "\u00b2"),
        INVALID,
        ("layers",),
    ),
    "input signature that is no pair": (
        lambda p: first_info(p).canonicalized_input_signature.CopyFrom(encode_value([1, 2, 3])),
        INVALID,
        ("function", "input signature"),
    ),
    "input signature without a kind": (
        lambda p: first_info(p).ClearField("canonicalized_input_signature"),
        errors.DataLossError,
        ("input signature", "no kind"),
    ),
    "output signature of an unknown dtype": (
        lambda p: setattr(first_info(p).output_signature.tensor_spec_value, "dtype", 98),
        errors.UnimplementedError,
        ("output signature", "98"),
    ),
    "argument spec that is none": (
        lambda p: of_kind(p, "function").function.function_spec.fullargspec.CopyFrom(encode_value((1, 2))),
        INVALID,
        ("no description of arguments",),
    ),
    "signature of an unknown dtype": (
        lambda p: setattr(p.meta_graphs[0].signature_def["serving_default"].inputs["x"], "dtype", 97),
        errors.UnimplementedError,
        ("signature 'serving_default'", "input 'x'", "97"),
    ),
    "newer schema": (lambda p: setattr(p, "saved_model_schema_version", 2), errors.UnimplementedError, ("version 2",)),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_object_graphs(model: Path, name: str) -> None:
    change, error, texts = OBJECTS[name]
    refuses(edit(model, change), error, *texts)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda v: setattr(v, "dtype", 2), "variable 'half' (half) is float64, but its value is bfloat16"),
        (lambda v: setattr(v, "dtype", 20), "variable 'half' (half) is resource, but its value is bfloat16"),
        (lambda v: setattr(v.shape.dim[0], "size", 1 << 62), "has shape [4611686018427387904], but its value has [3]"),
        (lambda v: v.shape.dim.add(size=1), "has shape [3,1], but its value has [3]"),
    ],
)
def test_variables_that_are_not_what_the_checkpoint_holds(model: Path, change: Edit, text: str) -> None:
    """They have no value; the rest of the model has."""

    def spoil(proto: Any) -> None:
        nodes = objects(proto).nodes
        change(next(n.variable for n in nodes if n.WhichOneof("kind") == "variable" and n.variable.name == "half"))

    root = calque_runtime.load(edit(model, spoil))
    with pytest.raises(INVALID) as caught:
        root.half.numpy()
    assert text in str(caught.value)
    assert str(model) in str(caught.value)
    with pytest.raises(errors.OpError):
        root.next()
    assert root.table["one"].numpy() == 7


def test_a_cycle_of_children_is_no_mistake(model: Path) -> None:
    def cycles(proto: Any) -> None:
        root, items = objects(proto).nodes[0], of_class(proto, "trackable_list_wrapper")
        add_child(root, 0, "itself")
        number = list(objects(proto).nodes).index(items)
        add_child(items, 0, "2")
        add_child(items, number, "3")
        add_child(items, number, "4")

    root = calque_runtime.load(edit(model, cycles))
    assert root.itself is root.layers[2] is root
    assert root.layers[3] is root.layers
    assert len(root.variables) == 11
    assert "layers" in repr(root)
    repr(root.layers)
    assert calque.saved_model.load(model).itself.layers is not None
    assert outcome(model)[0] == "ok"


def test_names_that_are_pythons_own(model: Path) -> None:
    names = ["__class__", "__dict__", "__init__", "_slots", "_items", "variables", "signatures", "", "a.b", "\0", "self"]

    def rename(proto: Any) -> None:
        for name in names:
            for node in (objects(proto).nodes[0], of_class(proto, "trackable_dict_wrapper")):
                add_child(node, list(objects(proto).nodes).index(of_kind(proto, "variable")), name)

    edit(model, rename)
    root = calque_runtime.load(model)
    assert isinstance(vars(root)["__class__"], calque_runtime.savedmodel.objects.Variable)
    assert type(root).__name__ == "Object"
    assert len(root.table) == 2 + len(names)
    repr(root)
    calque.saved_model.load(model)


def test_a_checkpoint_of_other_objects(model: Path, tmp_path: Path) -> None:
    shutil.rmtree(model / "variables")
    write_other = calque.Module()
    write_other.v = calque.Variable(1.0)
    calque.saved_model.save(write_other, str(tmp_path / "other"))
    shutil.copytree(tmp_path / "other" / "variables", model / "variables")
    refuses(model, errors.NotFoundError, "no value for variable")


# Functions, each called ``f`` in a model of its own

Functions = list[Any]


def spoiled(change: Edit) -> Functions:
    """`DOUBLE` after `change`."""
    proto = schema.FunctionDef()
    proto.CopyFrom(DOUBLE)
    change(proto)
    return [proto]


def shaped_constant(shape: list[int], **fields: Any) -> Functions:
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


def set_attr(proto: Any, name: str, value: Any) -> None:
    proto.node_def[0].attr[name].Clear()
    encode_attr(value, None, proto.node_def[0].attr[name])


def f_calls_g(g: Any, **kwargs: Any) -> Functions:
    return [function("f", [call("y", "g", ["x"], **kwargs)], "y:output:0"), g]


def branches(then: Any, other: Any, op: str = "If") -> Functions:
    condition = const("c", np.bool_(True))
    attrs = {"then_branch": FunctionRef("then"), "else_branch": FunctionRef("other")}
    one = node("y", op, ["c:output:0", "x"], Tcond=BOOL, Tin=(FLOAT,), Tout=(FLOAT,), **attrs)
    return [function("f", [condition, one], "y:output:0"), then, other]


def loop(condition: Any, body: Any) -> Functions:
    one = node("y", "While", ["x"], T=(FLOAT,), cond=FunctionRef("cond"), body=FunctionRef("body"))
    return [function("f", [one], "y:output:0"), condition, body]


IDENTITY = [node("i", "Identity", ["x"], T=FLOAT)]
FALSE = [const("c", np.bool_(False))]

FUNCTIONS: dict[str, tuple[Functions, type[Exception], tuple[str, ...]]] = {
    "calls itself": (f_calls_g(function("g", [call("y", "f", ["x"])], "y:output:0")), INVALID, ("calls itself", "f -> g -> f")),
    "calls itself at once": ([function("f", [call("y", "f", ["x"])], "y:output:0")], INVALID, ("'f' calls itself",)),
    "calls itself by its name as op": (
        [function("f", [node("y", "g", ["x"])], "y:out:0"), function("g", [node("y", "f", ["x"])], "y:out:0")],
        INVALID,
        ("calls itself",),
    ),
    "calls what is not there": (
        [function("f", [call("y", "nope", ["x"])], "y:output:0")],
        errors.NotFoundError,
        ("no function 'nope'", "node y"),
    ),
    "calls with too many arguments": (
        f_calls_g(function("g", IDENTITY, "i:output:0", {"x": FLOAT, "z": FLOAT})),
        INVALID,
        ("function 'g' takes (float32, float32), but is called with (float32)", "node y"),
    ),
    "calls with another type": (
        f_calls_g(function("g", [node("i", "Identity", ["x"], T=INT)], "i:output:0", {"x": INT}, (INT,))),
        INVALID,
        ("function 'g' takes (int32), but is called with (float32)",),
    ),
    "expects more results": (
        f_calls_g(function("g", IDENTITY, "i:output:0"), gives=(FLOAT, FLOAT)),
        INVALID,
        ("function 'g' gives (float32), but should give (float32, float32)",),
    ),
    "expects another type of result": (
        [
            function("f", [call("y", "g", ["x"], gives=(INT,))], "y:output:0", gives=(INT,)),
            function("g", IDENTITY, "i:output:0"),
        ],
        INVALID,
        ("function 'f' is 'y' of type int32, but float32",),
    ),
    "two nodes of one name": (
        spoiled(lambda p: p.node_def.append(p.node_def[0])),
        INVALID,
        ("function 'f'", "name 'y' is used twice"),
    ),
    "node of an argument's name": (spoiled(lambda p: setattr(p.node_def[0], "name", "x")), INVALID, ("'x' is used twice",)),
    "two arguments of one name": (
        spoiled(lambda p: p.signature.input_arg.append(p.signature.input_arg[0])),
        INVALID,
        ("two arguments are called 'x'",),
    ),
    "input that is no node": (
        spoiled(lambda p: p.node_def[0].input.__setitem__(0, "nope:z:0")),
        INVALID,
        ("node 'y'", "'nope:z:0'"),
    ),
    "input that is no output": (
        spoiled(lambda p: p.node_def[0].input.__setitem__(0, "y:nope:0")),
        INVALID,
        ("node 'y'", "no output of AddV2", "y:z"),
    ),
    "input that is out of range": (
        spoiled(lambda p: p.node_def[0].input.__setitem__(0, "y:z:7")),
        INVALID,
        ("node 'y'", "out of range"),
    ),
    "input with no number": (
        spoiled(lambda p: p.node_def[0].input.__setitem__(0, "y:z:\u00b2")),
        INVALID,
        ("node 'y'", "number of an output"),
    ),
    "input without a name": (spoiled(lambda p: p.node_def[0].input.__setitem__(0, "")), INVALID, ("node 'y'",)),
    "too few inputs": (spoiled(lambda p: p.node_def[0].input.pop()), INVALID, ("takes 2 inputs, but has 1",)),
    "too many inputs": (spoiled(lambda p: p.node_def[0].input.append("x")), INVALID, ("takes 2 inputs, but has 3",)),
    "input of another type": (
        spoiled(lambda p: setattr(p.node_def[0].attr["T"], "type", 9)),
        INVALID,
        ("input 0 is 'x:0' of type float32, but should be int64",),
    ),
    "control input that is no node": (spoiled(lambda p: p.node_def[0].input.append("^nope")), INVALID, ("'^nope' names no node",)),
    "data cycle": (
        [
            function(
                "f",
                [
                    node("y", "AddV2", ["x", "w:z:0"], T=FLOAT),
                    node("w", "AddV2", ["y:z:0", "x"], T=FLOAT),
                ],
                "w:z:0",
            )
        ],
        INVALID,
        ("'f' has a cycle",),
    ),
    "cycle of one node": (spoiled(lambda p: p.node_def[0].input.__setitem__(0, "y:z:0")), INVALID, ("'f' has a cycle: y -> y",)),
    "cycle of control inputs": (
        spoiled(lambda p: p.node_def[0].input.append("^y")),
        INVALID,
        ("'f' has a cycle",),
    ),
    "result that is not said": (spoiled(lambda p: p.ret.clear()), INVALID, ("result 'out' is not said",)),
    "result that is no value": (
        spoiled(lambda p: p.ret.__setitem__("out", "nope:z:0")),
        INVALID,
        ("result 'out'", "'nope:z:0'"),
    ),
    "control output that is no node": (
        spoiled(lambda p: p.control_ret.__setitem__("done", "nope")),
        INVALID,
        ("control output 'done'", "'nope'"),
    ),
    "control output that is not said": (
        spoiled(lambda p: p.signature.control_output.append("done")),
        INVALID,
        ("control output 'done'",),
    ),
    "attribute missing": (spoiled(lambda p: p.node_def[0].attr.clear()), INVALID, ("node 'y'", "'T' is missing")),
    "attribute of another kind": (
        spoiled(lambda p: set_attr(p, "T", 5)),
        INVALID,
        ("node 'y'", "attribute 'T'", "kind type", "holds int"),
    ),
    "attribute that holds nothing": (spoiled(lambda p: p.node_def[0].attr["T"].Clear()), INVALID, ("attribute 'T'", "nothing")),
    "attribute of a generic function": (
        spoiled(lambda p: setattr(p.node_def[0].attr["T"], "placeholder", "T")),
        errors.UnimplementedError,
        ("placeholder 'T'",),
    ),
    "unknown dtype": (
        spoiled(lambda p: setattr(p.node_def[0].attr["T"], "type", 55)),
        errors.UnimplementedError,
        ("attribute 'T'", "55"),
    ),
    "argument of an unknown dtype": (
        spoiled(lambda p: setattr(p.signature.input_arg[0], "type", 55)),
        errors.UnimplementedError,
        ("argument 'x'", "55"),
    ),
    "argument without a dtype": (
        spoiled(lambda p: p.signature.input_arg[0].ClearField("type")),
        errors.DataLossError,
        ("argument 'x'", "dtype is missing"),
    ),
    "argument of another type than the signature's": (
        [
            function(
                "f",
                [node("c", "Cast", ["x"], SrcT=INT, DstT=FLOAT)],
                "c:y:0",
                {"x": INT},
            )
        ],
        INVALID,
        ("argument of function 'f' is 'x' of type int32, but float32",),
    ),
    "more arguments than the signature": (
        [function("f", IDENTITY, "i:output:0", {"x": FLOAT, "z": FLOAT})],
        INVALID,
        ("takes 2 arguments",),
    ),
    "more results than the signature": (
        [function("f", IDENTITY, {"a": "i:output:0", "b": "x"}, gives=(FLOAT, FLOAT))],
        INVALID,
        ("gives 2 results", "has 1"),
    ),
    "fewer results than the signature": ([function("f", IDENTITY, {}, gives=())], INVALID, ("gives 0 results", "has 1")),
    "op that nobody knows": (
        [function("f", [node("y", "FrobnicateV9", ["x"], T=FLOAT)], "y:z:0")],
        errors.UnimplementedError,
        ("node 'y'", "op FrobnicateV9 is not supported"),
    ),
    "op without a name": (spoiled(lambda p: p.node_def[0].ClearField("op")), errors.UnimplementedError, ("node 'y'",)),
    "number of results out of all proportion": (
        [function("f", [const("a", np.int32(0)), node("y", "Split", ["a:output:0", "x"], T=FLOAT, num_split=1 << 40)], "y:output:0")],
        INVALID,
        ("'num_split' is 1099511627776",),
    ),
    "many large numbers of results": (
        [
            function(
                "f",
                [const("a", np.int32(0))]
                + [node(f"y{i}", "Split", ["a:output:0", "x"], T=FLOAT, num_split=1 << 19) for i in range(9)],
                "y0:output:0",
            )
        ],
        errors.ResourceExhaustedError,
        ("function 'f'", "values"),
    ),
    "negative number of results": (
        [function("f", [const("a", np.int32(0)), node("y", "Split", ["a:output:0", "x"], T=FLOAT, num_split=-1)], "y:output:0")],
        INVALID,
        ("'num_split' is -1",),
    ),
    "constant of another dtype": (
        [function("f", [node("c", "Const", dtype=FLOAT, value=np.arange(2))], "c:output:0")],
        INVALID,
        ("node 'c'", "'dtype' is float32, but 'value' is a int64 tensor"),
    ),
    "constant without a value": ([function("f", [node("c", "Const", dtype=FLOAT)], "c:output:0")], INVALID, ("node 'c'", "'value' is missing")),
    "constant with too much content": (shaped_constant([2], tensor_content=bytes(12)), errors.DataLossError, ("12 bytes", "take 8")),
    "constant with too many values": (shaped_constant([2], float_val=[1, 2, 3]), errors.DataLossError, ("3 values",)),
    "constant of values of another type": (shaped_constant([2], dtype=3, float_val=[1, 2]), INVALID, ("is a int32 tensor",)),
    "constant of absurd shape": (shaped_constant([1 << 62, 4]), errors.ResourceExhaustedError, ("limit",)),
    "constant of negative shape": (shaped_constant([-2, -2], float_val=[1]), errors.DataLossError, ("below -1",)),
    "constant of unknown shape": (shaped_constant([-1], float_val=[1]), errors.DataLossError, ("cannot have shape",)),
    "constant of too many dimensions": (shaped_constant([1] * 100, float_val=[1]), errors.UnimplementedError, ("numpy has no arrays",)),
    "constant of strings that end too soon": (
        shaped_constant([3], dtype=7, tensor_content=b"\x05\x05\x05abc"),
        errors.DataLossError,
        ("strings in tensor_content",),
    ),
    "branches of different results": (
        branches(function("then", IDENTITY, "i:output:0"), function("other", [], {}, gives=())),
        INVALID,
        ("function 'other' gives (), but should give (float32)",),
    ),
    "branch of other arguments": (
        branches(function("then", IDENTITY, "i:output:0"), function("other", [const("c", np.float32(0))], "c:output:0", {})),
        INVALID,
        ("function 'other' takes (), but is called with (float32)",),
    ),
    "branch that is not there": (branches(function("then", IDENTITY, "i:output:0"), DOUBLE)[:2], errors.NotFoundError, ("'other'",)),
    "loop without a condition": (
        loop(function("cond", [], {}, gives=()), function("body", IDENTITY, "i:output:0")),
        INVALID,
        ("'cond' should give one condition, but gives ()",),
    ),
    "loop whose body gives less than it takes": (
        loop(function("cond", FALSE, "c:output:0", gives=(BOOL,)), function("body", [], {}, gives=())),
        INVALID,
        ("'body' gives (), but should give (float32)",),
    ),
    "loop whose body calls the loop": (
        loop(function("cond", FALSE, "c:output:0", gives=(BOOL,)), function("body", [call("y", "f", ["x"])], "y:output:0")),
        INVALID,
        ("calls itself",),
    ),
    "call of no function": (
        [function("f", [node("y", "PartitionedCall", ["x"], Tin=(FLOAT,), Tout=(FLOAT,), f=FunctionRef(""))], "y:output:0")],
        errors.NotFoundError,
        ("no function ''",),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(tmp_path: Path, name: str) -> None:
    functions, error, texts = FUNCTIONS[name]
    write(tmp_path, saved_model([f for f in functions if f.signature.name in ("f", "g", "then", "other", "cond", "body")]))
    for load in (calque_runtime.load, calque.saved_model.load):
        root = load(tmp_path)  # a function that nobody calls spoils nothing
        with pytest.raises(error) as caught:
            root.f(X)
        for text in texts:
            assert text in str(caught.value)


def test_unknown_attributes_are_kept_and_ignored(tmp_path: Path) -> None:
    """A newer version of an op may have some that this one does not know."""
    functions = spoiled(lambda p: encode_attr(3, None, p.node_def[0].attr["some_new_option"]))
    root = calque_runtime.load(write(tmp_path, saved_model(functions)))
    np.testing.assert_array_equal(root.f(X), X + X)
    (node,) = root.f.concrete_functions[0].function.nodes
    assert node.attrs["some_new_option"] == 3


@pytest.mark.parametrize("name", ["\0", "a\nb", "<x>", "f" * 70_000, "d\u00e9\u00e0", '"""', "../f"])
def test_any_name_of_a_function(tmp_path: Path, name: str) -> None:
    root = calque_runtime.load(write(tmp_path, saved_model(f_calls(name))))
    np.testing.assert_array_equal(root.f(X), X + X)


def f_calls(name: str) -> Functions:
    called = schema.FunctionDef()
    called.CopyFrom(DOUBLE)
    called.signature.name = name
    called.node_def[0].name = name.replace(":", "")
    called.ret["out"] = f"{called.node_def[0].name}:z:0"
    return [function("f", [call("y", name, ["x"])], "y:output:0"), called]


def test_strings_that_are_not_utf8(model: Path) -> None:
    path = model / "saved_model.pb"
    data = path.read_bytes()
    assert data.count(b"vocabulary") == 1
    path.write_bytes(data.replace(b"vocabulary", b"vocab\xff\xfe\x00\x80y"))
    refuses(model, errors.DataLossError, "saved_model.pb")


def test_a_gigabyte_in_a_few_bytes(tmp_path: Path) -> None:
    """One value may stand for a whole constant: it takes no memory, and is right."""
    functions = shaped_constant([1 << 14, 1 << 14], float_val=[2.5])
    root = calque_runtime.load(write(tmp_path, saved_model(functions)))
    value = root.f(X)
    assert value.shape == (1 << 14, 1 << 14)
    assert value[0, 0] == value[-1, -1] == 2.5
    assert value.strides == (0, 0)


# Size: time and memory in proportion to the file


@pytest.fixture
def in_time() -> Any:
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < 20


def chain_of_objects(proto: Any, depth: int) -> None:
    nodes = objects(proto).nodes
    add_child(nodes[0], len(nodes), "deeper")
    for i in range(depth):
        one = nodes.add()
        one.user_object.identifier = "_generic_user_object"
        if i < depth - 1:
            add_child(one, len(nodes), "a_name_of_some_length")


@pytest.mark.usefixtures("in_time")
def test_objects_nested_deep(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    chain_of_objects(proto, 50_000)
    root = calque_runtime.load(write(tmp_path, proto))
    assert root.variables == ()
    np.testing.assert_array_equal(root.f(X), X + X)


@pytest.mark.usefixtures("in_time")
def test_many_children(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    nodes = objects(proto).nodes
    for i in range(100_000):
        add_child(nodes[0], i + 2, f"child_{i}")
        nodes.add().user_object.identifier = "_generic_user_object"
    root = calque_runtime.load(write(tmp_path, proto))
    assert len(vars(root)) >= 100_000
    assert root.variables == ()


@pytest.mark.usefixtures("in_time")
def test_many_names_of_one_function(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    objects(proto).nodes[1].function.concrete_functions.extend(["f"] * 100_000)
    objects(proto).concrete_functions["f"].bound_inputs.extend([0] * 1000)
    root = calque_runtime.load(write(tmp_path, proto))
    with pytest.raises(errors.InvalidArgumentError, match="captures"):
        root.f(X)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("depth", [100, 500, 5000])
def test_calls_nested_deep(tmp_path: Path, depth: int) -> None:
    functions = [
        function("f" if i == 0 else f"f{i}", [call("y", f"f{i + 1}", ["x"])], "y:output:0") for i in range(depth)
    ]
    last = schema.FunctionDef()
    last.CopyFrom(DOUBLE)
    last.signature.name = f"f{depth}"
    root = calque_runtime.load(write(tmp_path, saved_model([*functions, last])))
    if depth == 100:
        np.testing.assert_array_equal(root.f(X), X + X)
        return
    try:
        np.testing.assert_array_equal(root.f(X), X + X)
    except errors.ResourceExhaustedError as e:
        assert "nested deeper" in e.message


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("op", ["Identity", "Neg"])
def test_long_chains_of_nodes(tmp_path: Path, op: str) -> None:
    output = {"Identity": "output", "Neg": "y"}[op]
    names = ["x"] + [f"n{i}:{output}:0" for i in range(20_000)]
    nodes = [node(f"n{i}", op, [names[i]], T=FLOAT) for i in reversed(range(20_000))]
    root = calque_runtime.load(write(tmp_path, saved_model([function("f", nodes, names[-1])])))
    np.testing.assert_array_equal(root.f(X), X)


@pytest.mark.usefixtures("in_time")
def test_many_constants(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    for i in range(10_000):
        proto.meta_graphs[0].graph_def.node.append(const(f"c{i}", np.float32(i)))
        add_child(objects(proto).nodes[0], len(objects(proto).nodes), f"c{i}")
        objects(proto).nodes.add().constant.operation = f"c{i}"
    root = calque_runtime.load(write(tmp_path, proto))
    assert root.c9999 == 9999


@pytest.mark.usefixtures("in_time")
def test_structures_nested_beyond_reason(tmp_path: Path) -> None:
    """10,000 lists in one another, which no protobuf library writes."""
    deep = b""
    for _ in range(10_000):
        for message, field in ((schema.ListValue, "values"), (schema.StructuredValue, "list_value")):
            number = message.DESCRIPTOR.fields_by_name[field].number
            deep = varint(number << 3 | 2) + varint(len(deep)) + deep
    for message, field in (
        (schema.message("SavedConcreteFunction"), "output_signature"),
        (schema.message("SavedObjectGraph.ConcreteFunctionsEntry"), "value"),
        (schema.message("SavedObjectGraph"), "concrete_functions"),
        (schema.message("MetaGraphDef"), "object_graph_def"),
        (schema.SavedModel, "meta_graphs"),
    ):
        number = message.DESCRIPTOR.fields_by_name[field].number
        deep = varint(number << 3 | 2) + varint(len(deep)) + deep
    (tmp_path / "saved_model.pb").write_bytes(deep)
    refuses(tmp_path, errors.DataLossError, "saved_model.pb")


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize("count", [(1 << 31) - 1, -1])
def test_composites_of_absurdly_many_parts(tmp_path: Path, count: int) -> None:
    proto = saved_model([DOUBLE])
    spec = objects(proto).concrete_functions["f"].output_signature
    spec.Clear()
    spec.type_spec_value.type_spec_class = 12
    spec.type_spec_value.num_flat_components = count
    spec.type_spec_value.type_state.none_value.SetInParent()
    root = calque_runtime.load(write(tmp_path, proto))
    with pytest.raises(errors.InvalidArgumentError, match="components"):
        root.f(X)


def test_ragged_specs_that_lie(tmp_path: Path) -> None:
    state = (1, dtypes.float32, 1 << 40, dtypes.int64)
    proto = saved_model([DOUBLE])
    spec = objects(proto).concrete_functions["f"].output_signature
    spec.Clear()
    spec.type_spec_value.type_spec_class = 3
    spec.type_spec_value.num_flat_components = 2
    spec.type_spec_value.type_state.CopyFrom(encode_value(state))
    root = calque_runtime.load(write(tmp_path, proto))
    with pytest.raises(errors.InvalidArgumentError, match="gives 1 results, but its saved signature has 2"):
        root.f(X)


def spec_of(*shape: int | None, dtype: Any = FLOAT) -> TensorSpecValue:
    return TensorSpecValue(shape, dtype, "x")


def test_a_shape_beyond_any_memory_in_a_signature(tmp_path: Path) -> None:
    root = calque_runtime.load(write(tmp_path, saved_model([DOUBLE], takes=(spec_of(1 << 62, 1 << 62),))))
    with pytest.raises(errors.InvalidArgumentError, match="wants float32"):
        root.f(X)
