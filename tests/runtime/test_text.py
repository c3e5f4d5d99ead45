"""The text form: what it looks like, and that nothing is lost on the way through it."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calque_runtime import dtypes, errors, ops
from calque_runtime.ir import Function, FunctionRef, Library, Node
from calque_runtime.text import parse_function, parse_module, print_function, print_module, print_node
from calque_runtime.wire.attrs import Undeclared


def text(source):
    return textwrap.dedent(source).lstrip("\n")


EXAMPLES = {
    "plain": """
        func @f(%x: float32[?,3], %w: float32[3,2]) -> (y: float32[?,2]) {
          %mm = MatMul(%x, %w) {transpose_b=true} : float32[?,2]
          return %mm
        }
        """,
    "resource": """
        stateful func @f(%r: resource[]<float32[3,2]>) -> (float32[3,2]) {
          %read = ReadVariableOp(%r) : float32[3,2]
          %assign = AssignVariableOp(%r, %read) ^read
          return %read ^assign ^done=%assign
        }
        """,
    "lists": """
        func @f(%x: float32, %y: int32[]) -> (a: float32, b: int32[]) {
          %n = IdentityN(%x, %y) : float32, int32[]
          return %n, %n:1
        }
        """,
    "constants": """
        func @f() -> (c: int32[2,2], s: string[2], t: bool[], z: complex64[1], e: float64[0,3]) {
          %c = Const() {value=tensor<int32[2,2]>[[1, 2], [-3, 4]]} : int32[2,2]
          %s = Const() {value=tensor<string[2]>["a\\x00\\x22", ""]} : string[2]
          %t = Const() {value=tensor<bool[]>true} : bool[]
          %z = Const() {value=tensor<complex64[1]>[(1.5,-inf)]} : complex64[1]
          %e = Const() {value=tensor<float64[0,3]>[]} : float64[0,3]
          return %c, %s, %t, %z, %e
        }
        """,
    "attributes": """
        func @f(%x: float32[2] {_user_specified_name="x"}) -> () attributes {_noinline=true} {
          %x_1 = Identity(%x) {_class=["loc:@a"], _sizes=[1, 2], _shapes=[[2,?], ?], _f=-0.5, _t=int32} : float32[2]
          %call = PartitionedCall(%x_1) {f=@g{N=3}} : float32 on "/cpu:0"
          return
        }
        """,
    "names": """
        func @"a function"(%"x y": float32, %a/b-c.d: float32) -> () {
          %.hidden = AddV2(%"x y", %a/b-c.d) : float32
          return ^"an end"=%.hidden
        }
        """,
    "branches": """
        func @f(%p: bool[], %x: float32) -> (float32) {
          %if = If(%p, %x) {else_branch=@no, then_branch=@yes} : float32
          return %if
        }
        """,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_round_trip(name):
    source = text(EXAMPLES[name])
    shown = print_function(parse_function(source))
    # Lists inside of shapes print with spaces, and attributes in order.
    assert shown == text(
        EXAMPLES[name]
        .replace("[2,?], ?]", "[2, ?], ?]")
        .replace(
            '_class=["loc:@a"], _sizes=[1, 2], _shapes=[[2, ?], ?], _f=-0.5, _t=int32',
            '_class=["loc:@a"], _f=-0.5, _shapes=[[2, ?], ?], _sizes=[1, 2], _t=int32',
        )
    )
    assert print_function(parse_function(shown)) == shown


def test_what_is_read():
    function = parse_function(text(EXAMPLES["attributes"]))
    assert function.attrs == {"_noinline": True}
    assert function.arg_attrs == {0: {"_user_specified_name": b"x"}}
    first, call = function.nodes
    assert first.attrs["T"] is dtypes.float32
    assert first.attrs["_shapes"] == ((2, None), None)
    assert first.attrs["_sizes"] == (1, 2)
    assert (call.attrs["Tin"], call.attrs["Tout"]) == ((dtypes.float32,), (dtypes.float32,))
    assert call.attrs["executor_type"] == b""
    assert (call.attrs["f"].name, call.attrs["f"].attrs) == ("g", {"N": 3})
    assert call.device == "/cpu:0"


def test_order_is_free_and_comments_are_skipped():
    function = parse_function(
        """
        func @f(%x: float32) -> (float32) {  # a function
          %b = Neg(%a) : float32   # "before" %a
          %a = Neg(%x) : float32
          return %b
        }
        """
    )
    assert function.nodes[0].inputs[0].node is function.nodes[1]


def test_str_of_a_function_is_its_text():
    source = text(EXAMPLES["plain"])
    assert str(parse_function(source)) == source


def constant(value, name="c"):
    function = Function("f")
    array = np.asarray(value)
    dtype = dtypes.from_numpy(array.dtype)
    attrs = {"value": array, "dtype": dtype}
    node = function.add(
        Node(ops.require("Const"), function.unique_name(name), [], attrs, [dtype], [array.shape])
    )
    function.outputs = list(node.outputs)
    return function


def test_large_tensors_are_shortened():
    function = constant(np.arange(100.0))
    assert "tensor<float64[100]>..." in print_function(function)
    with pytest.raises(errors.InvalidArgumentError, match="print it in full"):
        parse_function(print_function(function))
    again = parse_function(print_function(function, full=True))
    np.testing.assert_array_equal(again.nodes[0].attrs["value"], np.arange(100.0))


@pytest.mark.parametrize(
    "dtype",
    [
        "float16",
        "float32",
        "float64",
        "bfloat16",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "complex64",
        "complex128",
        "float8_e4m3fn",
        "int4",
    ],
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_tensors_of_every_type_survive(dtype, shape):
    kind = dtypes.as_dtype(dtype).np
    values = np.random.RandomState(3).uniform(0, 5, shape)
    array = (values + 1j * values if np.dtype(kind).kind == "c" else values).astype(kind)
    again = parse_function(print_function(constant(array), full=True)).nodes[0].attrs["value"]
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tolist() == array.tolist()


@given(st.lists(st.floats(width=32), max_size=8))
def test_floats_survive(values):
    array = np.array(values, np.float32)
    again = parse_function(print_function(constant(array))).nodes[0].attrs["value"]
    np.testing.assert_array_equal(again, array)


@given(st.lists(st.binary(max_size=8), max_size=5))
def test_strings_survive(values):
    array = np.empty(len(values), object)
    array[:] = values
    again = parse_function(print_function(constant(array), full=True)).nodes[0].attrs["value"]
    assert again.tolist() == values


@given(st.text(min_size=1, max_size=8).filter(lambda s: s.isprintable()), st.binary(max_size=8))
def test_names_and_attributes_survive(name, value):
    function = constant(np.int32(1), name)
    function.nodes[0].attrs["_x"] = value
    again = parse_function(print_function(function))
    assert again.nodes[0].name == name
    assert again.nodes[0].attrs["_x"] == value


def test_undeclared_shapes_and_tensors_survive():
    function = constant(np.int32(1))
    function.attrs = {"s": Undeclared("shape", (2, None)), "u": Undeclared("shape", None)}
    function.nodes[0].attrs["_t"] = Undeclared("tensor", np.arange(3, dtype=np.int32), dtypes.int32)
    again = parse_function(print_function(function))
    assert again.attrs == function.attrs
    assert again.nodes[0].attrs["_t"].value.tolist() == [0, 1, 2]


def test_module():
    source = "\n".join([text(EXAMPLES["branches"]), *(identity(name) for name in ("yes", "no"))])
    library = parse_module(source)
    assert list(library) == ["f", "yes", "no"]
    assert library["f"].nodes[0].attrs["then_branch"].function is library["yes"]
    assert print_module(library) == source
    assert print_module([library["no"]]) == identity("no")


def identity(name):
    return text(
        f"""
        func @{name}(%x: float32) -> (float32) {{
          return %x
        }}
        """
    )


def test_missing_functions_stay_open():
    library = parse_module(text(EXAMPLES["branches"]))
    ref = library["f"].nodes[0].attrs["then_branch"]
    assert isinstance(ref, FunctionRef)
    assert ref.function is None
    assert isinstance(library, Library)


def test_one_node():
    assert print_node(parse_function(text(EXAMPLES["plain"])).nodes[0]) == (
        "%mm = MatMul(%x, %w) {transpose_b=true} : float32[?,2]"
    )


WRONG = {
    "no function": ("node @f", "line 1: expected 'func'"),
    "type": ("func @f(%x: flat32) -> () { return }", "there is no type 'flat32'"),
    "dangling": ("func @f() -> () {\n return %y }", "line 2: there is no '%y'"),
    "output": ("func @f(%x: float32) -> () {\n return %x:1 }", "no output 1"),
    "twice": ("func @f(%x: float32) -> () {\n %x = Neg(%x) : float32 return }", "'x' is used twice"),
    "value": ("func @f() -> () {\n %c = Const() {value=nothing} : int32 return }", "'nothing' is no value"),
    "elements": (
        "func @f() -> () {\n %c = Const() {value=tensor<int32[2]>[1]} : int32 return }",
        "has not 1 elements",
    ),
    "range": (
        "func @f() -> () {\n %c = Const() {value=tensor<int8[1]>[1000]} : int8 return }",
        "1000 is no int8",
    ),
    "fraction": (
        "func @f() -> () {\n %c = Const() {value=tensor<int8[1]>[1.5]} : int8 return }",
        "1.5 is no int8",
    ),
    "results": (
        "func @f(%x: float32) -> (a: float32, b: float32) { return %x }",
        "1 results, but 2 are named",
    ),
    "rest": ("func @f() -> () { return } }", "expected the end"),
    "open": ("func @f() -> () { ", "expected a node or 'return'"),
    "control": ("func @f() -> () {\n %n = NoOp() ^m\n return }", "line 2: there is no '%m'"),
    "empty": ("", "expected 'func'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_name_the_line(name):
    source, message = WRONG[name]
    with pytest.raises(errors.InvalidArgumentError) as info:
        parse_function(source)
    assert message in str(info.value)


def test_unknown_op():
    with pytest.raises(errors.UnimplementedError, match=r"line 2: op NoSuchOp"):
        parse_function("func @f() -> () {\n %n = NoSuchOp()\n return }")
