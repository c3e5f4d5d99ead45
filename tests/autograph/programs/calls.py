"""Calls of functions, methods, lambdas and builtins, and the statements in between."""

# ruff: noqa: C416, E731  -- written as users write

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from .common import both, python, tensors, tf


class Box:
    def __init__(self, value):
        self.value = value
        self.__secret = 7

    def add(self, x):
        if x > 0:
            self.value = self.value + x
        return self.value

    def secret(self, x):
        if x > 0:
            return x + self.__secret
        return x - self.__secret

    def __call__(self, x):
        if x > 1:
            return x * self.value
        return x


class BiggerBox(Box):
    def add(self, x):
        if x > 100:
            x = x - 100
        return super().add(x) * 2

    @staticmethod
    def double(x):
        return x * 2 if x > 0 else x

    @classmethod
    def made(cls, x):
        if x > 0:
            return cls(x).value
        return cls(0).value


def helper(x):
    if x > 0:
        return x + 1
    return x - 1


def calls_a_function(x):
    return helper(helper(x))


def calls_with_arguments(x):
    def inner(a, *rest, scale=1, **more):
        if a > 0:
            a = a + sum(rest) * scale
        return a + more.get("plus", 0)

    return inner(x, 1, *[2, 3], scale=2, **{"plus": 5}), inner(x)


def calls_lambdas(x):
    f = lambda v: v * 2 if v > 0 else v
    return f(x), (lambda a, b=3: a + b if a > 0 else b)(x)


def calls_partial(x):
    return functools.partial(helper_of_two, b=4)(x), functools.partial(helper_of_two, x)(2)


def helper_of_two(a, b):
    if a > b:
        return a - b
    return b - a


def doubled(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        result = f(*args, **kwargs)
        if result > 10:
            return result
        return result * 2

    return wrapper


@doubled
def decorated(x):
    if x > 0:
        return x
    return -x


def calls_decorated(x):
    return decorated(x)


def calls_methods(x):
    box = BiggerBox(3)
    added = box.add(x)
    return added, box.secret(x), box(x), BiggerBox.double(x), BiggerBox.made(x), box.double(x)


def calls_recursively(x, depth):
    if depth == 0:
        return x
    if x > 3:
        x = x - 3
    return calls_recursively(x, depth - 1)


def calls_function_in_a_container(x):
    table = {"f": [helper, lambda v: v]}
    return table["f"][0](x), table["f"][1](x)


def calls_map_filter(x):
    return tuple(map(helper, [x, x + 1])), [v for v in filter(lambda k: k > 1, [1, 2, 3])]


def calls_comprehension(x):
    return [helper(x + i) for i in range(3) if i != 1]


def calls_generator(x):
    def numbers():
        yield from (1, 2, 3)

    s = 0
    for i in numbers():
        if x > i:
            s += i
    return s, sum(i for i in numbers())


def calls_itertools(x):
    s = 0
    for i, j in itertools.product([1, 2], [3]):
        if x > 0:
            s += i * j
    return s


def calls_numpy(x):
    return x + np.maximum(1, 2)


def do_not_convert_raises(x):
    return unconverted(x)


def unconverted(x):
    if x > 0:
        return 1
    return 2


def do_not_convert_decorated(x):
    return tf.autograph.experimental.do_not_convert(unconverted)(x)


def closure_over_changing_variable(x):
    total = 0

    def add(v):
        nonlocal total
        if v > 0:
            total = total + v

    add(x)
    add(x + 1)
    return total


def builtin_numbers(x, f):
    return abs(x), float(x), int(f), max(x, 3), min(x, x + 1), int(tf.constant("12"))


def builtin_len_range(v):
    return len(v), len([1, 2]), [i for i in range(2)], range(len(v))[0]


def builtin_len_dynamic(v):
    return len(tf.boolean_mask(v, v > 1))


def builtin_sorted(v):
    return sorted(v), sorted(v, reverse=True), sorted([3, 1, 2])


def builtin_python_totals(v):
    return any([False, True]), all([True, False]), sum([1, 2]), max(1, 2), min([3, 4])


def builtin_locals_eval(x):
    y = x + 1
    if x > 0:
        y = eval("y * 2")
    return y, sorted(k for k in locals() if k in ("x", "y")), "helper" in globals()


def deletes_a_variable(x):
    y = x
    del y
    if x > 0:
        y = 2
    else:
        y = 3
    return y


def unbound(flag):
    if flag:
        y = 1
    return y


def raises_value_error(x):
    if x.shape.rank == 0:
        raise ValueError(f"no scalars, {x.dtype.name}")
    return x


def catches_errors(x):
    try:
        raises_value_error(x)
    except ValueError:
        if x > 0:
            return 1
    return 2


def asserts_in_python(x):
    assert x.shape.rank == 0, "a scalar"
    return x


def annotated(x: int, scale: float = 2.0) -> Any:
    total: int = 0
    other: Any
    for i in tf.range(x):
        total += i
    other = total
    return other, scale


def walrus(x):
    if (y := x * 2) > 4:
        return y
    return y + 1


def augmented(x):
    items = [1, 2]
    for i in range(2):
        items[i] += x
    items[0] -= 1
    return items


def matches(x, kind):
    match kind:
        case "double":
            y = x * 2
        case [first, *others] if len(others) > 1:
            y = x + first + sum(others)
        case {"add": n, **rest}:
            if x > 0:
                return x + n + len(rest)
            y = x - n
        case Box(value=v) | v if isinstance(v, int):
            y = x * v
        case Kind.OTHER:
            y = x * 1000
        case _:
            return -x
    if x > 2:
        y = y + 1
    return y


class Kind:
    OTHER = b"other"


def matches_in_a_loop(x):
    s = 0
    for kind in ["a", "b", "skip", "c", "stop", "d"]:
        match kind:
            case "skip":
                continue
            case "stop":
                break
            case other:
                if x > 0:
                    s += len(other) * x
        s += 100
    return s


def inner_generator(x):
    base = 1
    if x is not None:
        base = 10

    def numbers(n):
        for i in range(n):
            if i != 1:
                yield i + base

    s = 0
    for i in numbers(4):
        if x > i:
            s += i
    return s


def inner_class(x):
    class Adder(Box):
        factor: int = 2

        def __init__(self, value):
            super().__init__(value)
            self.__hidden = 5

        def add(self, y):
            if y > 0:
                return super().add(y) * self.factor + self.__hidden
            return y

    return Adder(3).add(x)


def caught_error_by_name(x):
    try:
        raise KeyError("k")
    except KeyError as e:
        message = str(e)
        if x > 0:
            x = x + len(message)
    return x


def walrus_in_while(x):
    n, s = 3, 0
    while (n := n - 1) > 0:
        s += n
    return x + s


def with_statement(x):
    with tf.name_scope("a") as scope, tf.name_scope("b"):
        if x > 0:
            return x + len(scope)
    return x


def starred(x):
    first, *others = [x, x + 1, x + 2]
    if x > 0:
        first = others[0]
    return first, others


CASES: list[tuple[Any, list[Any]]] = [
    (calls_a_function, [*both(1), *both(-1)]),
    (calls_with_arguments, [*both(1), *both(-1)]),
    (calls_lambdas, [*both(1), *both(-1)]),
    (calls_partial, [*both(1), *both(7)]),
    (calls_decorated, [*both(1), *both(-20)]),
    (calls_methods, [*both(2), *both(-1)]),
    (calls_recursively, [lambda: (tf.constant(10), 3), python(10, 2)]),
    (calls_function_in_a_container, [*both(2), *both(-1)]),
    (calls_map_filter, [*both(2)]),
    (calls_comprehension, [*both(1), *both(-1)]),
    (calls_generator, [*both(2)]),
    (calls_itertools, [*both(2), *both(-2)]),
    (calls_numpy, [*both(2)]),
    (do_not_convert_raises, [*both(2)]),
    (do_not_convert_decorated, [*both(2)]),
    (closure_over_changing_variable, [*both(2), *both(-1)]),
    (builtin_numbers, [*both(-2, 3.7)]),
    (builtin_len_range, [tensors([1, 2, 3]), python([1, 2])]),
    (builtin_len_dynamic, [tensors([1, 2, 3])]),
    (builtin_sorted, [tensors([3, 1, 2])]),
    (builtin_python_totals, [tensors([3, 1, 2])]),
    (builtin_locals_eval, [python(2), python(-2)]),
    (deletes_a_variable, [*both(2), *both(-2)]),
    (unbound, [python(False), python(True)]),
    (raises_value_error, [tensors(1), tensors([1])]),
    (catches_errors, [tensors(1), tensors(-1)]),
    (asserts_in_python, [tensors(1), tensors([1])]),
    (annotated, [*both(3)]),
    (walrus, [*both(3), *both(1)]),
    (augmented, [*both(3)]),
    (
        matches,
        [
            lambda k=k, x=x: (x, k)
            for k in ("double", [1, 2, 3], [1], {"add": 5, "more": 1}, 4, Kind.OTHER, None)
            for x in (3, -3)
        ],
    ),
    (matches, [lambda k=k: (tf.constant(3), k) for k in ("double", {"add": 5}, 4, None)]),
    (matches_in_a_loop, [*both(2), *both(-2)]),
    (inner_generator, [*both(12)]),
    (inner_class, [*both(2), *both(-2)]),
    (caught_error_by_name, [*both(2), *both(-2)]),
    (walrus_in_while, [*both(2)]),
    (with_statement, [*both(2), *both(-2)]),
    (starred, [*both(3), *both(-1)]),
]
