"""Object graphs that parse and lie: a typed error that says where, and never a wrong answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import calque
import calque_runtime
from calque_runtime import errors
from calque_runtime.wire.structured import encode_value
from hostile.base import GOLDEN, edit, outcome
from hostile.crafting import add_child, objects, refuses

Edit = Callable[[Any], Any]
TF1 = GOLDEN.parent / "tf1"


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


Damage = tuple[Edit, type[Exception], tuple[str, ...]]
INVALID = errors.InvalidArgumentError

OBJECTS: dict[str, Damage] = {
    "child out of range": (
        lambda p: add_child(objects(p).nodes[0], 1 << 20, "x"),
        INVALID,
        ("object 0", "1048576"),
    ),
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
    "no kind": (
        lambda p: objects(p).nodes[2].ClearField(objects(p).nodes[2].WhichOneof("kind")),
        INVALID,
        ("object 2",),
    ),
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
        lambda p: p.meta_graphs[0].graph_def.library.function.append(
            p.meta_graphs[0].graph_def.library.function[0]
        ),
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
        lambda p: (
            objects(p).nodes.add().variable.CopyFrom(of_kind(p, "variable").variable),
            add_child(objects(p).nodes[0], len(objects(p).nodes) - 1, "extra"),
        ),
        errors.NotFoundError,
        ("no value for variable", "extra"),
    ),
    "constant that is not there": (
        lambda p: setattr(of_kind(p, "constant").constant, "operation", "nope"),
        INVALID,
        ("no node 'nope'",),
    ),
    "constant that is another op": (
        lambda p: setattr(table(p), "op", "Placeholder"),
        INVALID,
        ("should be a Const",),
    ),
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
    "newer schema": (
        lambda p: setattr(p, "saved_model_schema_version", 2),
        errors.UnimplementedError,
        ("version 2",),
    ),
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
        (
            lambda v: setattr(v.shape.dim[0], "size", 1 << 62),
            "has shape [4611686018427387904], but its value has [3]",
        ),
        (lambda v: v.shape.dim.add(size=1), "has shape [3,1], but its value has [3]"),
    ],
)
def test_variables_that_are_not_what_the_checkpoint_holds(model: Path, change: Edit, text: str) -> None:
    """They have no value; the rest of the model has."""

    def spoil(proto: Any) -> None:
        nodes = objects(proto).nodes
        change(
            next(
                n.variable for n in nodes if n.WhichOneof("kind") == "variable" and n.variable.name == "half"
            )
        )

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
    names = [
        "__class__",
        "__dict__",
        "__init__",
        "_slots",
        "_items",
        "variables",
        "signatures",
        "",
        "a.b",
        "\0",
        "self",
    ]

    def rename(proto: Any) -> None:
        for name in names:
            for one in (objects(proto).nodes[0], of_class(proto, "trackable_dict_wrapper")):
                add_child(one, list(objects(proto).nodes).index(of_kind(proto, "variable")), name)

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


def test_two_nodes_of_one_name_in_a_graph_without_objects(tmp_path: Path) -> None:
    """Either may be the one that was meant."""

    def twin(proto: Any) -> None:
        graph = proto.meta_graphs[0].graph_def
        node = next(n for n in graph.node if n.op == "Const")
        graph.node.append(node)

    directory = Path(shutil.copytree(TF1 / "loops", tmp_path / "model"))
    assert calque_runtime.load(directory).signatures
    with pytest.raises(INVALID, match=r"saved_model\.pb: the top-level graph: the name '.*' is used twice"):
        calque_runtime.load(edit(directory, twin))
