"""`if`, conditional expressions and logic."""

# ruff: noqa: SIM201  -- written as users write

from __future__ import annotations

from typing import Any

from .calls import Box
from .common import both, python, tensors, tf


def if_elif_else(x):
    if x < 0:
        y = -x
    elif x < 10:
        y = x * 2
    else:
        y = x + 100
    return y


def if_without_else(x):
    y = x
    if x > 0:
        y = y + 1
    return y


def if_that_returns_early(x):
    if x > 2:
        return x * 10
    if x > 1:
        return x * 20
    return x * 30


def if_with_return_in_one_branch_only(x):
    if x > 0:
        return x


def if_defines_in_one_branch(x):
    if x > 0:
        y = 1
    return y


def if_defines_none(x):
    y = 1
    if x > 0:
        y = None
    return y


def if_changes_dtype(x):
    if x > 0:
        y = 1
    else:
        y = 2.5
    return y


def if_changes_structure(x):
    if x > 0:
        y = (1, 2)
    else:
        y = [1]
    return y


def if_with_structures(x):
    if x > 0:
        y = {"a": x, "b": (x, [x * 2])}
    else:
        y = {"a": -x, "b": (x * 3, [x])}
    return y


def if_on_a_number_tensor(x):
    if x:
        return 1
    return 2


def if_on_a_vector(x):
    if x > 0:
        return 1
    return 2


def if_on_a_vector_of_one(x):
    if x > 0:
        return 1
    return 2


def if_mutates_a_dict(x):
    d = {"n": x}
    if x > 0:
        d["n"] = x + 1
    else:
        d["n"] = x - 1
    return d["n"]


def if_creates_a_dict_key(x):
    d = {"n": x}
    if x > 0:
        d["m"] = 1
    return d


def if_mutates_an_attribute(x):
    box = Box(x)
    if x > 0:
        box.value = x * 5
    return box.value


def ternary(x):
    return x * 2 if x > 0 else x - 1


def ternary_of_two_dtypes(x):
    return 1 if x > 0 else 2.5


def nested_ternaries(x):
    return 1 if x > 5 else (2 if x > 3 else 3)


def comparisons(a, b):
    return (
        a < b <= 5,
        not a > b,
        a < 1 and b < 1,
        a < 1 or b < 1,
        (a < 1 or b > 2) and not (a == b),
    )


def short_circuit(x):
    zero = x - x
    if x < 0 and tf.math.floordiv(x, zero) > 1:
        return 1
    return 2


def python_truth(flag, x):
    if flag:
        x = x + 1
    while flag and x is None:
        x = 1
    return (x, flag and 3, flag or 4, not flag)


def membership(x, items):
    if x in items:
        return 1
    return 0


CASES: list[tuple[Any, list[Any]]] = [
    (if_elif_else, [*both(-3), *both(5), *both(50)]),
    (if_without_else, [*both(1), *both(-1)]),
    (if_that_returns_early, [*both(3), *both(2), *both(0)]),
    (if_with_return_in_one_branch_only, [*both(1), python(-1)]),
    (if_defines_in_one_branch, [*both(1), *both(-1)]),
    (if_defines_none, [*both(1), *both(-1)]),
    (if_changes_dtype, [*both(1), *both(-1)]),
    (if_changes_structure, [*both(1), *both(-1)]),
    (if_with_structures, [*both(1), *both(-1)]),
    (if_on_a_number_tensor, [*both(1), python(0)]),
    (if_on_a_vector, [tensors([1, 2])]),
    (if_on_a_vector_of_one, [tensors([1]), tensors([[-1]])]),
    (if_mutates_a_dict, [*both(1), *both(-1)]),
    (if_creates_a_dict_key, [*both(1), *both(-1)]),
    (if_mutates_an_attribute, [*both(1), *both(-1)]),
    (ternary, [*both(1), *both(-1)]),
    (ternary_of_two_dtypes, [*both(1), *both(-1)]),
    (nested_ternaries, [*both(6), *both(4), *both(1)]),
    (comparisons, [*both(1, 3), *both(3, 1), *both(0, 0)]),
    (short_circuit, [*both(1)]),
    (python_truth, [lambda: (True, tf.constant(1)), lambda: (False, tf.constant(1)), python(True, 1)]),
    (membership, [python(1, [1, 2]), python(3, [1, 2])]),
]
