"""Every program gives what TensorFlow gives, or fails with its error."""

from __future__ import annotations

import json
import math
import pathlib
import re
from typing import Any

import pytest

import calque as tf

from . import programs
from .recording import outcome

GOLDEN = json.loads((pathlib.Path(__file__).parent / "golden" / "programs.json").read_text())
CASES = {f"{f.__name__}-{i}": (f, a) for f, cases in programs.CASES for i, a in enumerate(cases)}
# Where TensorFlow refuses, and calque does what Python does; docs/compatibility.md has the list.
BETTER = {
    "builtin_numbers-0": [2, -2.0, 3, 3, -2, 12],  # max and min of tensors
    "calls_methods-0": [10, 9, 10, 4, 2, 4],  # private names
    "calls_methods-2": [6, -8, -1, -1, 0, -1],
    "nested_ternaries-0": 1,  # conditional expressions within others
    "nested_ternaries-2": 2,
    "nested_ternaries-4": 3,
    "calls_generator-0": [1, 6],  # inner generators
    "inner_generator-0": 10,
    "inner_class-0": 15,  # private names and super() in inner classes
    "inner_class-2": -2,
    "for_unpacks-0": 14,  # an element of known length is unpacked
    "walrus-0": 6,  # assignment expressions
    "walrus-2": 3,
}


def test_every_case_has_its_golden_answer() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("case", sorted(CASES))
def test_program(case: str) -> None:
    function, arguments = CASES[case]
    got, wanted = outcome(tf, function, arguments), GOLDEN[case]
    if case in BETTER:
        assert "error" in wanted
        assert values(got["result"]) == BETTER[case]
    elif "error" in wanted:
        assert got.get("error") == wanted["error"], (got, wanted)
        for name in quoted(wanted["message"]):
            assert f"'{name}'" in got["message"], (got, wanted)
    else:
        assert "result" in got, (got, wanted)
        assert same(got["result"], wanted["result"]), (got, wanted)


def values(result: Any) -> Any:
    """A result without its dtypes."""
    return [values(v) for v in result] if isinstance(result, list) else result["value"]


def quoted(message: str) -> list[str]:
    """The variables that an error of AutoGraph names."""
    return [n for n in re.findall(r"'(\w+)'", message) if len(n) == 1]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and set(a) == set(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (math.isclose(a, b, rel_tol=1e-6) if isinstance(a, float) else a == b)
