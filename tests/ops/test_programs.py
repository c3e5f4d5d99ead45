"""Programs of several ops (lists, TensorArrays, tables), against what TensorFlow gave (`make_programs.py`)."""

from __future__ import annotations

import importlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors, ops, reference
from calque_runtime.environment import Environment, Limits
from calque_runtime.ir import Function, Node, Value
from calque_runtime.plan import compile_function
from ops import harness
from ops.programs import File, Program, Ref
from support.arrays import unpack

HERE = Path(__file__).parent
FAMILIES = sorted(p.stem for p in (HERE / "programs").glob("[a-z]*.py"))
MODULES = {family: importlib.import_module(f"ops.programs.{family}") for family in FAMILIES}
PROGRAMS = [
    pytest.param(family, program, id=f"{family}-{program.name}")
    for family, module in MODULES.items()
    for program in [*module.PROGRAMS, *getattr(module, "OLD_PROGRAMS", [])]
]


@cache
def golden(family: str) -> dict[str, Any]:
    with np.load(HERE / "golden" / f"programs_{family}.npz") as archive:
        return dict(archive)


class Builder:
    """A program as a function; its plain values become arguments of unknown shape, or constants."""

    def __init__(self, program: Program, directory: Path, constant: bool) -> None:
        self.function = Function(program.name)
        self.constant = constant
        self.directory = directory
        self.arrays: list[Any] = []
        made: list[Node] = []
        for step in program.steps:
            op = ops.require(step.op)
            nested = [
                [self.value(v, made) for v in x] if isinstance(x, list) else self.value(x, made)
                for x in step.inputs
            ]
            types = [[v.dtype for v in x] if isinstance(x, list) else x.dtype for x in nested]
            attrs = op.signature.complete(types, harness.normal_attrs(op, step.attrs))
            flat = [v for x in nested for v in (x if isinstance(x, list) else [x])]
            node = Node(op, self.function.unique_name("node"), flat, attrs, op.signature.output_dtypes(attrs))
            for value, shape in zip(node.outputs, op.infer_shapes(node.site()), strict=True):
                value.shape = shape
            if made:
                node.control.append(made[-1])
            self.function.add(node)
            made.append(node)
        self.function.outputs = [made[ref.step].outputs[ref.index] for ref in program.fetched]
        self.function.output_names = [f"out{i}" for i in range(len(self.function.outputs))]
        self.function.control_outputs = {"last": made[-1]}

    def value(self, what: Any, made: list[Node]) -> Value:
        if isinstance(what, Ref):
            return made[what.step].outputs[what.index]
        if isinstance(what, File):
            path = self.directory / f"file{len(made)}.txt"
            path.write_bytes(what.content)
            what = np.array(os.fsencode(path), object)
        dtype = dtypes.from_numpy(what.dtype)
        if not self.constant:
            self.arrays.append(what)
            return self.function.add_input(self.function.unique_name("x"), dtype)
        node = Node(
            ops.require("Const"),
            self.function.unique_name("c"),
            [],
            {"value": what, "dtype": dtype},
            [dtype],
            [what.shape],
        )
        return self.function.add(node).outputs[0]


def results(program: Program, directory: Path, how: str) -> tuple[list[Any], list[Any]]:
    """What the program gives, and the static shapes of that."""
    built = Builder(program, directory, how == "constants")
    env = Environment(limits=Limits(allow_files=True))
    shapes = [value.shape for value in built.function.outputs]
    if how == "reference":
        return reference.run(built.function, built.arrays, env), shapes
    return compile_function(built.function, env)(*built.arrays), shapes


@pytest.mark.parametrize("how", ["arguments", "constants", "reference"])
@pytest.mark.parametrize(("family", "program"), PROGRAMS)
def test_program(family: str, program: Program, how: str, tmp_path: Path) -> None:
    archive = golden(family)
    if program.error:
        assert f"{program.name}|error" in archive, "TensorFlow raises nothing here"
        with pytest.raises(getattr(errors, program.error)) as info:
            results(program, tmp_path, how)
        assert any(step.op in str(info.value) for step in program.steps)
        return
    assert f"{program.name}|error" not in archive, "TensorFlow raises here"
    got, shapes = results(program, tmp_path, how)
    for k, (one, shape) in enumerate(zip(got, shapes, strict=True)):
        want = unpack(archive, f"{program.name}|{k}")
        array = np.asarray(one)
        assert array.dtype == want.dtype, f"result {k}"
        assert array.shape == want.shape, f"result {k}"
        if want.dtype == object:
            assert array.tolist() == want.tolist(), f"result {k}"
        else:
            rtol = getattr(MODULES[family], "RTOL", 0.0)
            np.testing.assert_allclose(
                array.astype(np.float64), want.astype(np.float64), rtol, rtol, err_msg=f"result {k}"
            )
        if shape is not None:
            assert len(shape) == array.ndim, f"result {k}: inferred {shape}"
            assert all(d in (None, n) for d, n in zip(shape, array.shape, strict=True)), (
                f"result {k}: inferred {shape}"
            )


def test_a_table_from_a_file_needs_permission(tmp_path: Path) -> None:
    program = next(p for p in MODULES["tables"].PROGRAMS if p.name == "file-lines")
    built = Builder(program, tmp_path, constant=False)
    with pytest.raises(errors.PermissionDeniedError, match=r"file1\.txt.*allow_files"):
        compile_function(built.function, Environment())(*built.arrays)
