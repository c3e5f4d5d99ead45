"""The public functions: what TensorFlow gives for the same call, and the parameters it has for them."""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from support.api_rows import FILES, NAMESPACES, arrays_only, lookup, name_of, rows, rows_of, run, same
from support.arrays import unpack

GOLDEN = Path(__file__).parent / "golden" / "api"

# Rows for which calque does otherwise, and why: the outcome eagerly.
DIFFERENT: dict[str, tuple[Any, str]] = {
    "add(1, 2.5)": (
        "raises TypeError",
        "as every other function says it; in TensorFlow `add` alone does not",
    ),
    "add(1, tf.constant(2.5))": (
        [np.array(3.5, np.float32)],
        "a Python number takes the tensor's type on either side",
    ),
    "one_hot([0, 1], 2, dtype=tf.bool)": ([np.eye(2, dtype=bool)], "on and off are True and False"),
}

# Public names that are no function of tensors: they have tests of their own.
ELSEWHERE = frozenset(
    {
        "Assert",
        "case",
        "cond",
        "control_dependencies",
        "custom_gradient",
        "device",
        "foldl",
        "foldr",
        "function",
        "grad_pass_through",
        "gradients",
        "hessians",
        "init_scope",
        "io.matching_files",
        "io.write_file",
        "map_fn",
        "no_gradient",
        "numpy_function",
        "print",
        "py_function",
        "random.create_rng_state",
        "random.get_global_generator",
        "random.set_global_generator",
        "random.set_seed",
        "recompute_grad",
        "register_tensor_conversion_function",
        "scan",
        "signal.inverse_stft_window_fn",
        "switch_case",
        "variable_creator_scope",
        "vectorized_map",
        "while_loop",
    }
)


@cache
def golden(file: str) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{file}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@cache
def archive(file: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{file}.npz") as stored:
        return {key: stored[key] for key in stored.files}


FILE_OF = {row: file for file in FILES for row in rows_of(file)}


def answer(row: str) -> dict[str, Any]:
    """What TensorFlow gave; empty where it was not asked yet."""
    return golden(FILE_OF[row]).get(row, {})  # type: ignore[no-any-return]


def expected(row: str) -> list[Any] | str:
    entry = answer(row)
    if isinstance(entry["eager"], str):
        return str(entry["eager"])
    return [
        unpack(archive(FILE_OF[row]), f"{entry['number']}|{k}") if kind == "array" else kind
        for k, kind in enumerate(entry["eager"])
    ]


def check(row: str, mine: Any, theirs: Any) -> None:
    if isinstance(theirs, str) or isinstance(mine, str):
        assert mine == theirs
        return
    assert len(mine) == len(theirs), f"{mine} instead of {theirs}"
    for a, b in zip(mine, theirs, strict=True):
        assert same(a, b, row.startswith("~")), f"{a!r} instead of {b!r}"


@pytest.mark.parametrize("row", rows())
def test_eagerly(row: str) -> None:
    check(row, run(row, "eager", tf), DIFFERENT[row][0] if row in DIFFERENT else expected(row))


@pytest.mark.parametrize("row", rows())
def test_in_a_function(row: str) -> None:
    entry = answer(row)
    if entry["function"] != "as eager":  # TensorFlow raises: in a graph, often with another class
        outcome = run(row, "function", tf)
        assert isinstance(outcome, str) or row in DIFFERENT or not isinstance(entry["eager"], str), outcome
        return
    theirs = DIFFERENT[row][0] if row in DIFFERENT else expected(row)
    check(row, run(row, "function", tf), arrays_only(theirs) if isinstance(theirs, list) else theirs)


@pytest.mark.parametrize("row", [r for r in rows() if answer(r).get("unknown")])
def test_with_a_first_argument_of_unknown_sizes(row: str) -> None:
    theirs = expected(row)
    assert isinstance(theirs, list)
    check(row, run(row, "unknown", tf), arrays_only(theirs))


@pytest.mark.parametrize("file", FILES)
def test_golden_answers_are_of_these_rows(file: str) -> None:
    assert tuple(golden(file)) == rows_of(file)


def test_differences_are_of_rows() -> None:
    assert set(DIFFERENT) <= set(rows())


# Names and parameters


def public_functions() -> dict[str, Any]:
    found = {}
    for space in NAMESPACES:
        module = lookup(tf, space) if space else tf
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                found[f"{space}.{name}" if space else name] = value
    return found


def test_every_public_function_has_a_row() -> None:
    called = {id(lookup(tf, name_of(row))) for row in rows()}
    missing = [
        name
        for name, value in public_functions().items()
        if id(value) not in called and name not in ELSEWHERE
    ]
    assert missing == []


# Parameters in which calque differs from TensorFlow, and why.
OTHER_PARAMETERS: dict[str, str] = {
    "as_dtype": "one argument, given by position",
    "meshgrid": "TensorFlow's **kwargs are these two",
}


def _parameters(function: Any) -> list[str]:
    out = []
    for p in inspect.signature(function).parameters.values():
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        out.append(f"{star}{p.name}")
    return out


@pytest.mark.parametrize("name", sorted(public_functions()))
def test_parameters_are_tensorflows(name: str) -> None:
    theirs = golden("signatures").get(name)
    assert theirs is not None, "TensorFlow has no such function"
    mine = _parameters(public_functions()[name])
    wanted = [p.partition("=")[0] for p in theirs]
    if name in OTHER_PARAMETERS:
        assert mine != wanted
    else:
        assert mine == wanted
