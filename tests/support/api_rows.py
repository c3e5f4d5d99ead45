"""Calls of public functions, under calque and under TensorFlow.

A row is one call as text, ``math.add([1, 2], 3)``, without the ``tf.``; a row that begins with ``~`` gives random
numbers, of which only type and shape count. Each is run three ways: eagerly, inside a function, and inside a function
with its first argument a tensor of unknown sizes (where TensorFlow can do that).
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .probing import error_class, told

FOLDER = Path(__file__).parents[1] / "tracer" / "api"
FILES = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))
WAYS = ("eager", "function", "unknown")
NOTHING = "nothing"


# Where public functions are looked for.
NAMESPACES = (
    "",
    "audio",
    "bitwise",
    "debugging",
    "image",
    "io",
    "linalg",
    "math",
    "nn",
    "quantization",
    "random",
    "sets",
    "signal",
    "strings",
)


@cache
def rows_of(file: str) -> tuple[str, ...]:
    """The rows of one file."""
    lines = (FOLDER / f"{file}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def rows() -> tuple[str, ...]:
    """Every row of every file."""
    found = tuple(row for file in FILES for row in rows_of(file))
    assert len(set(found)) == len(found), "a row twice"
    return found


def name_of(row: str) -> str:
    """The function that a row calls."""
    return row.removeprefix("~ ").partition("(")[0]


def lookup(tf: Any, name: str) -> Any:
    """The public object of that name."""
    for part in name.split("."):
        tf = getattr(tf, part)
    return tf


def _call(row: str, tf: Any) -> tuple[Any, list[Any], dict[str, Any]]:
    """Function, positional and keyword arguments of a row; the arguments are made eagerly."""
    tree = ast.parse(row.removeprefix("~ "), mode="eval").body
    assert isinstance(tree, ast.Call), row
    names = {"tf": tf, "np": np}

    def value(node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), "<row>", "eval"), names)

    kwargs = {k.arg: value(k.value) for k in tree.keywords if k.arg is not None}
    return lookup(tf, name_of(row)), [value(a) for a in tree.args], kwargs


def run(row: str, way: str, tf: Any) -> list[Any] | str | None:
    """What a row gives: its results, flat (arrays, and text for what is no tensor), or the error it raises.

    None: it cannot be run in this way.
    """
    function, args, kwargs = _call(row, tf)
    with np.errstate(all="ignore"):
        try:
            if way == "eager":
                return flat(function(*args, **kwargs), tf)
            if way == "function":
                return flat(
                    tf.function(lambda: _tensors(function(*args, **kwargs), tf), autograph=False)(), tf
                )
            first = _as_tensor(args, tf)
            if first is None:
                return None
            spec = tf.TensorSpec([None] * len(first.shape), first.dtype)
            traced = tf.function(
                lambda x: _tensors(function(x, *args[1:], **kwargs), tf),
                input_signature=[spec],
                autograph=False,
            )
            return flat(traced(first), tf)
        except Exception as e:
            return f"raises {error_class(e)}"


def _as_tensor(args: list[Any], tf: Any) -> Any:
    if not args or isinstance(args[0], (str, tf.Variable)):
        return None
    try:
        return tf.convert_to_tensor(args[0])
    except Exception:
        return None


def _tensors(result: Any, tf: Any) -> Any:
    """A result that a function can return: what is no tensor left out."""
    return [x for x in tf.nest.flatten(result) if tf.is_tensor(x)]


def flat(result: Any, tf: Any) -> list[Any]:
    """Results as arrays, what is no tensor as text."""
    return [_leaf(x, tf) for x in tf.nest.flatten(result, expand_composites=True)]


def _leaf(value: Any, tf: Any) -> Any:
    if value is None or isinstance(value, tf.Operation):
        return NOTHING
    if isinstance(value, tf.Tensor):
        number = value.numpy()
        return np.array(number, object) if isinstance(number, bytes) else np.asarray(number)
    return told(value, tf)


def arrays_only(results: list[Any]) -> list[Any]:
    """The arrays among results: what a function can return of them."""
    return [r for r in results if isinstance(r, np.ndarray)]


def same(mine: Any, theirs: Any, random: bool) -> bool:
    """Are two results (an array or text each) the same, as far as rounding goes?"""
    if isinstance(mine, str) or isinstance(theirs, str):
        return (
            bool(np.array_equal(mine, theirs)) if isinstance(mine, str) and isinstance(theirs, str) else False
        )
    if mine.dtype != theirs.dtype or mine.shape != theirs.shape:
        return False
    if random:
        return True
    if mine.dtype == object or mine.dtype.kind in "biu":
        return bool(np.array_equal(mine, theirs))
    loose = {2: 2e-2, 4: 3e-5, 8: 3e-5 if mine.dtype.kind == "c" else 1e-9}.get(mine.dtype.itemsize, 1e-9)
    wide = np.complex128 if mine.dtype.kind == "c" else np.float64
    return bool(
        np.allclose(mine.astype(wide), theirs.astype(wide), rtol=loose, atol=loose / 10, equal_nan=True)
    )
