"""Runs a row through each executor, and checks its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from calque_runtime import dtypes, ops, reference
from calque_runtime.backend import Reference
from calque_runtime.environment import Environment
from calque_runtime.ir import Function, Node
from calque_runtime.op import Call, Op, flatten_inputs, nest_outputs
from calque_runtime.plan import compile_function
from calque_runtime.plan.bound import compile_ordered, optimized
from ops.rows import Row

TOLERANCE = {
    "float64": 1e-9,
    "float32": 2e-5,
    "float16": 4e-3,
    "bfloat16": 2e-2,
    "complex64": 2e-5,
    "complex128": 1e-9,
}


def normal_attrs(op: Op, attrs: dict[str, Any]) -> dict[str, Any]:
    """A row's attributes as calque holds them."""
    out = {}
    for name, value in attrs.items():
        kind = op.signature.attrs[name].kind
        if kind == "shape" and value is not None:
            value = tuple(None if d in (None, -1) else d for d in value)
        if kind == "list(string)":
            value = tuple(v.encode() if isinstance(v, str) else v for v in value)
        out[name] = value
    return out


def dtype_of(array: np.ndarray) -> dtypes.DType:
    return dtypes.from_numpy(array.dtype)


def build(row: Row, static: bool) -> tuple[Function, list[np.ndarray]]:
    """A function of one node that is the row, and its arguments."""
    op = ops.require(row.op)
    arrays = row.arrays()
    types = [[dtype_of(v) for v in x] if isinstance(x, list) else dtype_of(x) for x in arrays]
    attrs = op.signature.complete(types, normal_attrs(op, row.attrs))
    flat = flatten_inputs(op.signature, arrays)
    function = Function("row")
    inputs = [
        function.add_input(function.unique_name(f"x{i}"), dtype_of(a), a.shape if static else None)
        for i, a in enumerate(flat)
    ]
    node = Node(op, function.unique_name("node"), inputs, attrs, op.signature.output_dtypes(attrs))
    function.add(node)
    function.outputs = list(node.outputs)
    function.output_names = [f"out{i}" for i in range(len(node.outputs))]
    function.control_outputs = {"node": node}
    return function, flat


def eager(row: Row) -> list[Any]:
    """The row's outputs, flat, through the seam."""
    op = ops.require(row.op)
    result = op(*row.arrays(), **normal_attrs(op, row.attrs))
    if result is None:
        return []
    if op.signature.single:
        return [result]
    flat: list[Any] = []
    for one in result if isinstance(result, list) else [result]:
        flat.extend(one) if isinstance(one, list) else flat.append(one)
    return flat


def executed(row: Row, static: bool, how: str) -> list[Any]:
    """The row's outputs through the reference executor or a plan, with static shapes or with none."""
    function, flat = build(row, static)
    env = Environment()
    if how == "reference":
        return reference.run(function, flat, env)
    if how == "backend":
        env.backends = (Reference(),)
    if how in ("optimized", "backend"):
        shapes = [a.shape for a in flat]
        return compile_ordered(*optimized(function, shapes, [], env), env)(*flat)
    return compile_function(function, env)(*flat)


def inferred(row: Row) -> list[Any]:
    """The static shapes that the shape rule gives, all inputs known by shape, and known by value."""
    function, flat = build(row, static=True)
    node = function.nodes[0]
    by_shape = node.op.infer_shapes(node.site())
    site = node.site()
    site._values = flat
    return [by_shape, node.op.infer_shapes(site)]


def check(got: Any, want: np.ndarray, row: Row, what: str) -> None:
    """Same dtype, shape and values."""
    got = np.asarray(got) if not isinstance(got, np.ndarray) else got
    assert got.dtype == want.dtype, f"{what}: dtype {got.dtype}, want {want.dtype}"
    assert got.shape == want.shape, f"{what}: shape {got.shape}, want {want.shape}"
    if row.compare == "shape":
        return
    if want.dtype.kind in "fcV" or want.dtype.name.startswith(("bfloat16", "float8")):
        rtol = TOLERANCE.get(want.dtype.name, 1e-2) if row.rtol is None else row.rtol
        atol = rtol if row.atol is None else row.atol
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol=rtol, atol=atol, err_msg=what)
    else:
        assert got.tolist() == want.tolist(), f"{what}: {got!r}, want {want!r}"


def gradients(row: Row) -> list[Any] | None:
    """The row's gradients by its rule, with the cotangents that make_golden.py uses; None if there is no rule."""
    op = ops.require(row.op)
    if op.gradient is None:
        return None
    arrays = row.arrays()
    types = [[dtype_of(v) for v in x] if isinstance(x, list) else dtype_of(x) for x in arrays]
    attrs = op.signature.complete(types, normal_attrs(op, row.attrs))
    outputs = eager(row)
    random = np.random.RandomState(7)
    seeds = [
        random.standard_normal(np.shape(o)).astype(o.dtype) if o.dtype.kind == "f" else None for o in outputs
    ]
    nested = nest_outputs(op.signature, attrs, outputs)
    call = Call(op, flatten_inputs(op.signature, arrays), outputs, attrs)
    del nested
    return list(op.gradient(call, *seeds))
