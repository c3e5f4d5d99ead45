"""Every probe gives what TensorFlow gave, save where we know better and say why."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import calque as tf
from support.probing import SUBJECTS, golden, outcome, probes

_ADD = "only `+` gives the op's error in TensorFlow; every other operator raises TypeError, as all of ours do"
_RANGE = "an integer out of the type's range is refused instead of wrapped"
_INDEX = "__index__ of what is no integer is a TypeError in Python"
_LIST = "a list is no index: TensorFlow takes it for something else without a word"
_STATIC = "a size that is known while tracing can be used"
_FITS = "a concrete function takes what it was traced for, and says so before anything runs"
_BARE = "a body that returns its only loop variable bare is understood eagerly, as in a function"
_CLASSES = "TensorFlow stumbles over what it was given, with an error of another class"

# numpy 2.2 began to show the shape of arrays that it abbreviates.
ABBREVIATED = frozenset({"repr(tf.zeros([1001]))", "repr(tf.zeros([40, 40]))"})

# What calque gives where it is not what TensorFlow gives, and why.
DIFFERENT: dict[str, tuple[str, str]] = {
    # tensor
    "tf.constant(2**64, tf.uint64)": ("raises TypeError", _RANGE),
    "tf.constant(300, tf.uint8)": ("raises TypeError", _RANGE),
    "tf.constant(-1, tf.uint8)": ("raises TypeError", _RANGE),
    "tf.constant(-1, tf.uint32)": ("raises TypeError", _RANGE),
    "tf.constant(-1, tf.uint64)": ("raises TypeError", _RANGE),
    "tf.constant(128, tf.int8)": ("raises TypeError", _RANGE),
    "tf.constant(-129, tf.int8)": ("raises TypeError", _RANGE),
    "tf.constant(2**31, tf.int32)": ("raises TypeError", _RANGE),
    "tf.constant([np.bool_(True)], tf.int32)": (
        "<tf.Tensor: shape=(1,), dtype=int32, numpy=array([1], dtype=int32)>",
        "numpy's bools count as Python's",
    ),
    "tf.constant(True, tf.complex64)": (
        "<tf.Tensor: shape=(), dtype=complex64, numpy=(1+0j)>",
        "alone as in a list",
    ),
    "tf.constant([[], [1]])": ("raises ValueError", "rows of different lengths are refused, empty ones too"),
    "[10, 20, 30][tf.constant(1.0)]": ("raises TypeError", _INDEX),
    "[10, 20, 30][tf.constant(True)]": ("raises TypeError", _INDEX),
    "round(tf.constant(2.5))": ("raises TypeError", "what Python says of an object without __round__"),
    "tf.constant([1, 2]) + 1.5": ("raises TypeError", _ADD),
    "tf.constant([1, 2]) + [1.5, 2]": ("raises TypeError", _ADD),
    'tf.constant("a") + 1': ("raises TypeError", _ADD),
    'tf.constant([1, 2]) + "a"': ("raises TypeError", _ADD),
    "x = tf.constant([[1, 2, 3], [4, 5, 6]]); x[True]": ("raises TypeError", _LIST),
    "x = tf.constant([[1, 2, 3], [4, 5, 6]]); x[[0, 1]]": ("raises TypeError", _LIST),
    "x = tf.constant([[1, 2, 3], [4, 5, 6]]); x[[True, False]]": ("raises TypeError", _LIST),
    # branches
    "ways(lambda x: tf.cond(x > 0, lambda: [x, x], lambda: [x]), 1)": (
        "{eager: [<tf.Tensor: shape=(), dtype=int32, numpy=1>, <tf.Tensor: shape=(), dtype=int32, numpy=1>], "
        "function: raises TypeError, unknown: raises TypeError}",
        _CLASSES,
    ),
    "ways(lambda i: tf.switch_case(i, [lambda: [1], lambda: [2, 3]]), 1)": (
        "{eager: [2, 3], function: raises TypeError, unknown: raises TypeError}",
        _CLASSES,
    ),
    "ways(lambda x: tf.case([(x, lambda: 1)], default=lambda: 2), 1)": ("raises TypeError", _CLASSES),
    "ways(lambda x: tf.case([(x > 0, 3)], default=lambda: 2), 1)": ("raises TypeError", _CLASSES),
    "tensors of one branch in another": ("TypeError", "what a tensor out of its graph always raises"),
    # loops
    "ways(lambda n: tf.while_loop(lambda i: i < n, lambda i: i + 1, [0]), 3)": (
        "[<tf.Tensor: shape=(), dtype=int32, numpy=3>]",
        _BARE,
    ),
    "a loop in a branch": (
        "(<tf.Tensor: shape=(), dtype=int32, numpy=6>, <tf.Tensor: shape=(), dtype=int32, numpy=200>)",
        _BARE,
    ),
    "ways(lambda n: tf.while_loop(lambda i: i < n, lambda i: [i + 1], [0], maximum_iterations=[2]), 3)": (
        "raises ValueError",
        "seen while tracing",
    ),
    "raised(tf.function(lambda n: tf.while_loop(lambda i, j: i < n, lambda i, j: (i + 1, None), (0, 1))), "
    "tf.constant(3))": ("ValueError", _CLASSES),
    # tensor_array
    "ways(lambda x: tf.TensorArray(tf.float32, 3).split(x, 3).stack(), [1.0, 2, 3])": (
        "raises InvalidArgumentError",
        "no vector of lengths: one error for it",
    ),
    "ways(lambda x: tf.TensorArray(tf.float32, 3, element_shape=[2]).unstack(x).stack(), [1.0, 2, 3])": (
        "{eager: raises ValueError, function: raises ValueError, unknown: raises InvalidArgumentError}",
        "what is unstacked has to fit the element shape eagerly too",
    ),
    "ways(lambda x: tf.TensorArray(tf.float32, 3).unstack(x).concat(), [1.0, 2, 3])": (
        "raises InvalidArgumentError",
        "scalars cannot be concatenated: one error for it",
    ),
    "read, then stack": ("InvalidArgumentError", "an element that was read and cleared is not read as zeros"),
    "as a result of a function": (
        "<tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>",
        "a function may return a TensorArray",
    ),
    # mapping
    "ways(lambda x: tf.map_fn(3, x), [1.0, 2])": ("raises TypeError", _CLASSES),
    "ways(lambda x: tf.scan(3, x), [1.0, 2, 3])": ("raises TypeError", _CLASSES),
    # python_functions
    "what numpy_function does to its argument stays inside": (
        "(<tf.Tensor: shape=(2,), dtype=float32, numpy=array([2., 3.], dtype=float32)>, "
        "<tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>)",
        "a tensor's value never changes: TensorFlow's does",
    ),
    # variable
    "v = tf.Variable(2); v + 1.5": ("raises TypeError", _ADD),
    "v = tf.Variable(True); v.assign_add(True)": (
        "<tf.Variable 'Variable:0' shape=() dtype=bool, numpy=True>",
        "numpy adds bools",
    ),
    "v = tf.Variable(1.0); w = v.assign(2.0); w is v": ("True", "an assignment returns the variable itself"),
    "v = tf.Variable([1.0, 2]); (v == None, v != None, v is None)": (
        "(False, True, False)",
        "as for a tensor",
    ),
    # function
    "tf.function(lambda x: list(x))(tf.constant([1, 2]))": (
        "[<tf.Tensor: shape=(), dtype=int32, numpy=1>, <tf.Tensor: shape=(), dtype=int32, numpy=2>]",
        _STATIC,
    ),
    "tf.function(lambda x: len(x))(tf.constant([1, 2]))": (
        "<tf.Tensor: shape=(), dtype=int32, numpy=2>",
        _STATIC,
    ),
    'tf.function(lambda x: tf.constant([1, "a"]))(tf.constant([1, 2]))': (
        "raises ValueError",
        "the same error in a graph as outside",
    ),
    "tf.function(lambda x: x + 1).get_concrete_function(tf.TensorSpec([None], tf.int32))(tf.constant([1.0]))": (
        "raises TypeError",
        _FITS,
    ),
    "static values": (
        "<tf.Tensor: shape=(4,), dtype=string, numpy=array([b'[1 2]', b'None', b'[3 2]', b'[2 3]'], dtype=object)>",
        "more is known statically",
    ),
}


def _rows() -> Iterator[tuple[str, str]]:
    for subject in SUBJECTS:
        for name in probes(subject):
            yield subject, name


@pytest.mark.parametrize(("subject", "name"), list(_rows()))
def test_probe(subject: str, name: str) -> None:
    if name in ABBREVIATED and np.lib.NumpyVersion(np.__version__) < "2.2.0":
        pytest.skip("this numpy prints it differently")
    # TensorFlow gives what an assignment returns another name; ours is the variable.
    theirs = golden(subject)[name].replace("'UnreadVariable'", "'Variable:0'")
    ours = outcome(probes(subject)[name], tf)
    if name in DIFFERENT:
        assert ours == DIFFERENT[name][0]
        assert ours != theirs, "there is no difference any more"
    else:
        assert ours == theirs


def test_golden_answers_are_of_these_probes() -> None:
    for subject in SUBJECTS:
        assert list(golden(subject)) == list(probes(subject))
    assert set(DIFFERENT) <= {name for _, name in _rows()}
