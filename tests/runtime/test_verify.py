"""The verifier: right functions pass, each kind of damage is found and shown."""

from __future__ import annotations

import numpy as np
import pytest

from calque_runtime import dtypes, ops
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import ARG, FunctionRef, Library, Node
from calque_runtime.text import parse_function, parse_module
from calque_runtime.verify import verify, verify_library

RIGHT = """
func @f(%x: float32[2,3], %r: resource[]) -> (y: float32[2,2], n: float32[2,3]) {
  %w = Const() {value=tensor<float32[3,2]>[[1, 2], [3, 4], [5, 6]]} : float32[3,2]
  %mm = MatMul(%x, %w) : float32[2,2]
  %n = IdentityN(%x, %mm) : float32[2,3], float32[2,2]
  %assign = AssignVariableOp(%r, %mm) ^mm
  return %n:1, %n ^assign
}
"""


@pytest.fixture
def function():
    return parse_function(RIGHT)


def node(function, name):
    return function.by_name()[name]


def fails(function, message, library=None):
    with pytest.raises(InvalidArgumentError) as info:
        verify(function, library)
    assert message in str(info.value), str(info.value)
    return info.value


def test_right(function):
    verify(function)
    verify(function, Library())


def test_order_in_the_list_is_free(function):
    function.nodes.reverse()
    verify(function)


def test_same_name(function):
    node(function, "mm").name = "w"
    fails(function, "its name is used twice")


def test_name_of_an_argument(function):
    node(function, "mm").name = "x"
    fails(function, "its name is used twice")


def test_dangling_input(function):
    stranger = parse_function(RIGHT)
    node(function, "mm").inputs[0] = node(stranger, "w").outputs[0]
    error = fails(function, "input 0, %w:0, is no value of the function")
    assert error.node_def == "mm"
    assert "> %mm = MatMul(" in error.message
    assert "  %w = Const()" in error.message


def test_argument_of_another_function(function):
    node(function, "mm").inputs[0] = parse_function(RIGHT).inputs[0]
    fails(function, "input 0, %x:0, is no value")


def test_removed_node(function):
    function.nodes.remove(node(function, "mm"))
    fails(function, "%mm:0, is no value")


def test_cycle(function):
    node(function, "mm").control.append(node(function, "assign"))
    fails(function, "has a cycle")


def test_control_input_elsewhere(function):
    node(function, "mm").control.append(node(parse_function(RIGHT), "assign"))
    fails(function, "control input ^assign is no node")


def test_number_of_inputs(function):
    node(function, "mm").inputs.pop()
    fails(function, "MatMul has 2 inputs here, the node 1")


def test_type_of_an_input(function):
    function.inputs[0].dtype = dtypes.float64
    fails(function, "input 0 should be float32, but is float64")


def test_type_of_an_output(function):
    node(function, "mm").outputs[0].dtype = dtypes.int32
    fails(function, "output 0 should be float32, but is int32")


def test_number_of_outputs(function):
    one = node(function, "n")
    one.outputs = one.outputs[:1]
    function.outputs = [one.outputs[0]]
    function.output_names = ["y"]
    fails(function, "IdentityN has 2 outputs here, the node 1")


def test_unknown_attribute(function):
    node(function, "mm").attrs["transpose_c"] = True
    fails(function, "MatMul has no attribute 'transpose_c'")


def test_private_attribute(function):
    node(function, "mm").attrs["_class"] = (b"loc:@x",)
    verify(function)


def test_missing_attribute(function):
    del node(function, "w").attrs["value"]
    fails(function, "attribute 'value' is missing")


@pytest.mark.parametrize(
    ("name", "attr", "value"),
    [
        ("mm", "transpose_a", 1),
        ("mm", "T", "float32"),
        ("w", "value", [1.0]),
        ("n", "T", [dtypes.float32, dtypes.float32]),
        ("assign", "dtype", None),
    ],
)
def test_kind_of_an_attribute(function, name, attr, value):
    node(function, name).attrs[attr] = value
    fails(function, f"attribute '{attr}' should be of kind")


def test_value_of_an_attribute(function):
    node(function, "mm").attrs["T"] = dtypes.string
    fails(function, "not in the list of allowed values")


def test_result_elsewhere(function):
    function.outputs[0] = node(parse_function(RIGHT), "mm").outputs[0]
    fails(function, "result 0, %mm:0, is no value of the function")


def test_result_names(function):
    function.output_names.append("z")
    fails(function, "result names")


def test_control_output_elsewhere(function):
    function.control_outputs["assign"] = node(parse_function(RIGHT), "assign")
    fails(function, "control output 'assign', ^assign, is no node")


def test_arguments_out_of_order(function):
    function.inputs.reverse()
    fails(function, "argument 0 is not an argument node with that index")


def test_argument_in_the_list(function):
    function.add(Node(ARG, "z", [], {"T": dtypes.float32, "index": 2}, [dtypes.float32]))
    fails(function, "arguments stand in no node list")


CALLS = """
func @f(%x: float32) -> (float32) {
  %call = PartitionedCall(%x) {f=@g} : float32
  return %call
}
func @g(%x: float32) -> (float32) {
  return %x
}
"""


def test_function_references():
    library = parse_module(CALLS)
    verify_library(library)
    alone = parse_module(CALLS.partition("func @g")[0])
    verify(alone["f"])
    fails(alone["f"], "names the function 'g', which is not in the library", alone)


def test_function_references_in_lists():
    function = parse_function(CALLS.partition("func @g")[0])
    attrs = {
        "Tin": (dtypes.float32,),
        "Tout": (dtypes.float32,),
        "branches": (FunctionRef("a"), FunctionRef("b")),
        "output_shapes": (),
    }
    index = Node(
        ops.require("Const"),
        "i",
        [],
        {"value": np.array(0, np.int32), "dtype": dtypes.int32},
        [dtypes.int32],
        [()],
    )
    case = Node(ops.require("Case"), "case", [index.outputs[0], function.inputs[0]], attrs, [dtypes.float32])
    function.add(index)
    function.add(case)
    verify(function)
    library = parse_module(
        "func @a(%x: float32) -> (float32) { return %x } func @g(%x: float32) -> (float32) { return %x }"
    )
    fails(function, "names the function 'b'", library)
