"""Functions that parse and make no sense: refused when they are called, with node and place."""

from __future__ import annotations

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
from hostile.crafting import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT,
    X,
    call,
    const,
    function,
    node,
    objects,
    saved_model,
    shaped_constant,
    write,
)

INVALID = errors.InvalidArgumentError
Edit = Callable[[Any], Any]


Functions = list[Any]


def spoiled(change: Edit) -> Functions:
    """`DOUBLE` after `change`."""
    proto = schema.FunctionDef()
    proto.CopyFrom(DOUBLE)
    change(proto)
    return [proto]


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
    "calls itself": (
        f_calls_g(function("g", [call("y", "f", ["x"])], "y:output:0")),
        INVALID,
        ("calls itself", "f -> g -> f"),
    ),
    "calls itself at once": (
        [function("f", [call("y", "f", ["x"])], "y:output:0")],
        INVALID,
        ("'f' calls itself",),
    ),
    "calls itself by its name as op": (
        [
            function("f", [node("y", "g", ["x"])], "y:out:0"),
            function("g", [node("y", "f", ["x"])], "y:out:0"),
        ],
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
    "node of an argument's name": (
        spoiled(lambda p: setattr(p.node_def[0], "name", "x")),
        INVALID,
        ("'x' is used twice",),
    ),
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
    "input without a name": (
        spoiled(lambda p: p.node_def[0].input.__setitem__(0, "")),
        INVALID,
        ("node 'y'",),
    ),
    "too few inputs": (spoiled(lambda p: p.node_def[0].input.pop()), INVALID, ("takes 2 inputs, but has 1",)),
    "too many inputs": (
        spoiled(lambda p: p.node_def[0].input.append("x")),
        INVALID,
        ("takes 2 inputs, but has 3",),
    ),
    "input of another type": (
        spoiled(lambda p: setattr(p.node_def[0].attr["T"], "type", 9)),
        INVALID,
        ("input 0 is 'x:0' of type float32, but should be int64",),
    ),
    "control input that is no node": (
        spoiled(lambda p: p.node_def[0].input.append("^nope")),
        INVALID,
        ("'^nope' names no node",),
    ),
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
    "cycle of one node": (
        spoiled(lambda p: p.node_def[0].input.__setitem__(0, "y:z:0")),
        INVALID,
        ("'f' has a cycle: y -> y",),
    ),
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
    "attribute missing": (
        spoiled(lambda p: p.node_def[0].attr.clear()),
        INVALID,
        ("node 'y'", "'T' is missing"),
    ),
    "attribute of another kind": (
        spoiled(lambda p: set_attr(p, "T", 5)),
        INVALID,
        ("node 'y'", "attribute 'T'", "kind type", "holds int"),
    ),
    "attribute that holds nothing": (
        spoiled(lambda p: p.node_def[0].attr["T"].Clear()),
        INVALID,
        ("attribute 'T'", "nothing"),
    ),
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
    "fewer results than the signature": (
        [function("f", IDENTITY, {}, gives=())],
        INVALID,
        ("gives 0 results", "has 1"),
    ),
    "op that nobody knows": (
        [function("f", [node("y", "FrobnicateV9", ["x"], T=FLOAT)], "y:z:0")],
        errors.UnimplementedError,
        ("node 'y'", "op FrobnicateV9 is not supported"),
    ),
    "op without a name": (
        spoiled(lambda p: p.node_def[0].ClearField("op")),
        errors.UnimplementedError,
        ("node 'y'",),
    ),
    "number of results out of all proportion": (
        [
            function(
                "f",
                [
                    const("a", np.int32(0)),
                    node("y", "Split", ["a:output:0", "x"], T=FLOAT, num_split=1 << 40),
                ],
                "y:output:0",
            )
        ],
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
        [
            function(
                "f",
                [const("a", np.int32(0)), node("y", "Split", ["a:output:0", "x"], T=FLOAT, num_split=-1)],
                "y:output:0",
            )
        ],
        INVALID,
        ("'num_split' is -1",),
    ),
    "constant of another dtype": (
        [function("f", [node("c", "Const", dtype=FLOAT, value=np.arange(2))], "c:output:0")],
        INVALID,
        ("node 'c'", "'dtype' is float32, but 'value' is a int64 tensor"),
    ),
    "constant without a value": (
        [function("f", [node("c", "Const", dtype=FLOAT)], "c:output:0")],
        INVALID,
        ("node 'c'", "'value' is missing"),
    ),
    "constant with too much content": (
        shaped_constant([2], tensor_content=bytes(12)),
        errors.DataLossError,
        ("12 bytes", "take 8"),
    ),
    "constant with too many values": (
        shaped_constant([2], float_val=[1, 2, 3]),
        errors.DataLossError,
        ("3 values",),
    ),
    "constant of values of another type": (
        shaped_constant([2], dtype=3, float_val=[1, 2]),
        INVALID,
        ("is a int32 tensor",),
    ),
    "constant of absurd shape": (shaped_constant([1 << 62, 4]), errors.ResourceExhaustedError, ("limit",)),
    "constant of negative shape": (
        shaped_constant([-2, -2], float_val=[1]),
        errors.DataLossError,
        ("below -1",),
    ),
    "constant of unknown shape": (
        shaped_constant([-1], float_val=[1]),
        errors.DataLossError,
        ("cannot have shape",),
    ),
    "constant of too many dimensions": (
        shaped_constant([1] * 100, float_val=[1]),
        errors.UnimplementedError,
        ("numpy has no arrays",),
    ),
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
        branches(
            function("then", IDENTITY, "i:output:0"),
            function("other", [const("c", np.float32(0))], "c:output:0", {}),
        ),
        INVALID,
        ("function 'other' takes (), but is called with (float32)",),
    ),
    "branch that is not there": (
        branches(function("then", IDENTITY, "i:output:0"), DOUBLE)[:2],
        errors.NotFoundError,
        ("'other'",),
    ),
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
        loop(
            function("cond", FALSE, "c:output:0", gives=(BOOL,)),
            function("body", [call("y", "f", ["x"])], "y:output:0"),
        ),
        INVALID,
        ("calls itself",),
    ),
    "call of no function": (
        [
            function(
                "f",
                [node("y", "PartitionedCall", ["x"], Tin=(FLOAT,), Tout=(FLOAT,), f=FunctionRef(""))],
                "y:output:0",
            )
        ],
        errors.NotFoundError,
        ("no function ''",),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(tmp_path: Path, name: str) -> None:
    functions, error, texts = FUNCTIONS[name]
    write(
        tmp_path,
        saved_model(
            [f for f in functions if f.signature.name in ("f", "g", "then", "other", "cond", "body")]
        ),
    )
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
