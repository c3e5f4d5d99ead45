"""`for` and `while`."""

# ruff: noqa: B007  -- written as users write

from __future__ import annotations

from typing import Any

import numpy as np

from .common import both, python, tensors, tf


def while_counts(n):
    i, s = 0, 0
    while i < n:
        i += 1
        s += i
    return i, s


def while_break_continue(n):
    i, s = 0, 0
    while True if n is None else i < n:
        i += 1
        if i == 2:
            continue
        if i > 6:
            break
        s += i
    return i, s


def while_returns(n):
    i = 0
    while i < 10:
        if i == n:
            return i * 100
        i += 1
    return i


def while_without_variables(n):
    v = n
    while tf.constant(False):
        pass
    return v


def for_range(n):
    s = 0
    for i in range(n):
        s += i
    return s


def for_tf_range(n):
    s = 0
    for i in tf.range(n):
        s += i
    return s


def for_tf_range_with_step(a, b, c):
    s = 0
    for i in tf.range(a, b, c):
        s = s * 10 + i
    return s


def for_vector(x):
    s = 0
    for e in x:
        s = s * 2 + e
    return s


def for_matrix(x):
    s = tf.zeros([3], tf.int32)
    for row in x:
        s += row
    return s


def for_break_continue(x):
    s, last = 0, -1
    for e in x:
        if e == 3:
            continue
        if e > 7:
            break
        s += e
        last = e
    return s, last


def for_returns(x):
    for e in x:
        if e > 2:
            return e
    return -1


def for_nested(n, m):
    s = 0
    for i in tf.range(n):
        for j in tf.range(m):
            if i == j:
                continue
            s += i * 10 + j
    return s


def for_target_afterwards(n):
    i = -1
    for i in tf.range(n):
        pass
    return i


def for_target_only(n):
    for i in tf.range(n):
        pass
    return i


def for_unpacks(x):
    s = 0
    for a, b in x:
        s += a * b
    return s


def for_python_list(items, x):
    for item in items:
        if x > item:
            x = x - item
    return x


def for_over_python_break_on_tensor(items, x):
    for item in items:
        if x > item:
            break
        x += 1
    return x


def for_enumerate_zip(x):
    s = 0
    for i, (a, b) in enumerate(zip([1, 2, 3], [4, 5, 6], strict=True)):
        if x > a:
            s += i * b
    return s


def loop_defines(n):
    i = 0
    while i < n:
        v = i * 2
        i += 1
    return v


def loop_defines_structure(n):
    i = 0
    while i < n:
        v = {"a": i, "b": [i * 2, i * 3]}
        i += 1
    return v


def loop_defines_in_condition(n):
    for i in tf.range(n):
        if i > 1:
            v = i
    return v


def loop_reads_undefined(n):
    i = 0
    while i < n:
        v = v + 1  # noqa: F821
        i += 1
    return v


def loop_none(n):
    v = None
    for i in tf.range(n):
        v = i
    return v


def loop_sets_none(n):
    v = 1
    for _ in tf.range(n):
        v = None
    return v


def loop_changes_dtype(n):
    v = 1
    for _ in tf.range(n):
        v = 2.5
    return v


def loop_changes_shape(n):
    v = tf.constant([1])
    for _ in tf.range(n):
        v = tf.constant([1, 2])
    return v


def loop_changes_structure(n):
    v = [1]
    for _ in tf.range(n):
        v = v + [1]
    return v


def loop_becomes_tensor(n):
    c = True
    while c:
        c = n > 0
    return c


def loop_with_invariants(n):
    v = tf.constant([0])
    for i in tf.range(n):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(v, tf.TensorShape([None]))])
        v = tf.concat([v, [i]], 0)
    return v


def loop_with_sparse_invariants(n):
    v = tf.sparse.from_dense([[1, 0], [0, 2]])
    for _ in tf.range(n):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(v, tf.TensorShape(None))])
        v = tf.sparse.expand_dims(v)
    return tf.sparse.to_dense(v)


def loop_with_ragged(n):
    v = tf.ragged.constant([[1, 2], [3]])
    for i in tf.range(n):
        v = v + i
    return v.flat_values


def loop_with_broken_invariants(n):
    v = tf.constant([0])
    for i in tf.range(n):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(v, tf.TensorShape([2]))])
        v = tf.concat([v, [i]], 0)
    return v


def loop_with_maximum(n):
    s = 0
    while s < n:
        tf.autograph.experimental.set_loop_options(maximum_iterations=3)
        s += 1
    return s


def loop_with_tensor_array(n):
    squares = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
    for i in tf.range(n):
        squares = squares.write(i, i * i)
    return squares.stack()


def loop_appends_to_python_list(x):
    found = []
    for i in range(3):
        found.append(x * i)
    return tf.stack(found)


def loop_returns_conditionally(n):
    for i in tf.range(n):
        if i == 2:
            return i
        if i == 3:
            return i * 10
    return -5


def loop_with_try(n):
    s = 0
    for i in tf.range(n):
        try:
            s += i
        finally:
            s += 1
    return s


def loop_with_context(n):
    s = 0
    for i in tf.range(n):
        with tf.name_scope("inner"):
            if i > 1:
                s += i
    return s


def loop_condition_calls(n):
    def more(i):
        if i < 3:
            return True
        return i < n

    i = 0
    while more(i):
        i += 1
    return i


def fibonacci(n):
    a, b = 0, 1
    for _ in tf.range(n):
        a, b = b, a + b
    return a


def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


CASES: list[tuple[Any, list[Any]]] = [
    (while_counts, [*both(4), *both(0)]),
    (while_break_continue, [*both(4), *both(20), *both(0)]),
    (while_returns, [*both(4), *both(20)]),
    (while_without_variables, [*both(4)]),
    (for_range, [*both(4), *both(0), *both(-2)]),
    (for_tf_range, [*both(4), *both(0)]),
    (for_tf_range_with_step, [*both(1, 6, 2), *both(6, 1, -2), *both(1, 1, 1)]),
    (for_vector, [*both([1, 2, 3]), tensors(np.zeros([0], np.int32))]),
    (for_matrix, [tensors([[1, 2, 3], [4, 5, 6]])]),
    (for_break_continue, [*both([1, 3, 5, 8, 1]), *both([3]), *both([9])]),
    (for_returns, [*both([1, 2, 3, 4]), *both([0])]),
    (for_nested, [*both(2, 3), *both(0, 3), *both(3, 0)]),
    (for_target_afterwards, [*both(3), *both(0)]),
    (for_target_only, [*both(3), tensors(0)]),
    (for_unpacks, [tensors([[1, 2], [3, 4]]), python([(1, 2), (3, 4)])]),
    (for_python_list, [lambda: ([1, 2], tf.constant(5)), python([1, 2], 2)]),
    (for_over_python_break_on_tensor, [lambda: ([1, 2], tf.constant(5)), python([1, 2], 2)]),
    (for_enumerate_zip, [*both(3)]),
    (loop_defines, [*both(3), *both(0)]),
    (loop_defines_structure, [*both(3), *both(0)]),
    (loop_defines_in_condition, [*both(3)]),
    (loop_reads_undefined, [*both(3)]),
    (loop_none, [*both(3)]),
    (loop_sets_none, [*both(3)]),
    (loop_changes_dtype, [*both(3)]),
    (loop_changes_shape, [*both(3)]),
    (loop_changes_structure, [*both(3)]),
    (loop_becomes_tensor, [tensors(3)]),
    (loop_with_invariants, [*both(3), *both(0)]),
    (loop_with_sparse_invariants, [*both(2), *both(0)]),
    (loop_with_ragged, [*both(2)]),
    (loop_with_broken_invariants, [*both(3)]),
    (loop_with_maximum, [tensors(5), tensors(2)]),
    (loop_with_tensor_array, [*both(4), *both(0)]),
    (loop_appends_to_python_list, [tensors(3)]),
    (loop_returns_conditionally, [*both(2), *both(3), *both(5)]),
    (loop_with_try, [*both(3)]),
    (loop_with_context, [*both(4)]),
    (loop_condition_calls, [*both(5), *both(1)]),
    (fibonacci, [*both(10)]),
    (collatz, [*both(27)]),
]
