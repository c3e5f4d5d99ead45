"""Ops that call back into Python: EagerPyFunc, PyFunc, PyFuncStateless."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors, ops, reference
from calque_runtime.environment import Environment, Limits
from calque_runtime.ir import Function, Node
from calque_runtime.ops.python_calls import PYTHON_FUNCTION

NAMES = ["EagerPyFunc", "PyFunc", "PyFuncStateless"]


def calling(op: str, python: Any) -> Function:
    """A function of one number that calls `python`."""
    function = Function("f")
    x = function.add_input(function.unique_name("x"), dtypes.float32, ())
    attrs = {"token": b"pyfunc_7", "Tin": (dtypes.float32,), "Tout": (dtypes.float32,)}
    if python is not None:
        attrs[PYTHON_FUNCTION] = python
    node = function.add(Node(ops.require(op), "call", [x], attrs, [dtypes.float32], [None]))
    function.outputs = list(node.outputs)
    return function


@pytest.mark.parametrize("op", NAMES)
def test_runs_where_python_is_allowed(op: str) -> None:
    allowed = Environment(limits=Limits(allow_python=True))
    function = calling(op, lambda x: [x * 2])
    assert reference.run(function, [np.float32(3)], allowed)[0] == 6
    assert allowed.compiled(function)(np.float32(4))[0] == 8


@pytest.mark.parametrize("op", NAMES)
def test_is_refused_elsewhere(op: str) -> None:
    with pytest.raises(errors.PermissionDeniedError, match="Limits\\(allow_python=True\\)"):
        reference.run(calling(op, lambda x: [x]), [np.float32(3)], Environment())


@pytest.mark.parametrize("op", NAMES)
@pytest.mark.parametrize("held", [None, b"print", ()])
def test_a_file_holds_no_function(op: str, held: Any) -> None:
    with pytest.raises(errors.UnimplementedError, match="process that made the graph \\(pyfunc_7\\)"):
        reference.run(calling(op, held), [np.float32(3)], Environment(limits=Limits(allow_python=True)))
