"""A small model with a bit of everything, and what it takes to use a loaded one as hard as a user could."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import calque_runtime
from calque_runtime import dtypes
from calque_runtime.environment import Limits
from calque_runtime.errors import OpError
from calque_runtime.savedmodel import calling, objects
from calque_runtime.savedmodel.matching import flat_specs
from calque_runtime.structure import TensorSpecValue
from calque_runtime.wire import schema

GOLDEN = Path(__file__).parents[1] / "saved_model" / "golden"

# What a graph may make: small, so that a size that nobody checks shows up as a wrong outcome.
LIMITS = Limits(max_bytes=1 << 24)
_MOST_ELEMENTS = 1 << 16  # of an argument that a test makes: a damaged file may ask for anything

Outcome = tuple[str, Any]


def save_rich(directory: Path) -> Path:
    """Saves the model with calque: modules in modules, lists, dicts, variables of several types, functions of
    several signatures, a captured constant, an asset, signatures."""
    import calque as tf

    vocabulary = directory.parent / "words.txt"
    vocabulary.write_text("one\ntwo\n")

    class Layer(tf.Module):
        def __init__(self, rows: int, columns: int) -> None:
            super().__init__()
            self.w = tf.Variable(
                np.arange(rows * columns, dtype=np.float32).reshape(rows, columns) / 7, name="w"
            )
            self.b = tf.Variable(np.ones(columns, np.float32), name="b")

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return tf.matmul(x, self.w) + self.b

    class Rich(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [Layer(3, 2), Layer(3, 4)]
            self.table = {"one": tf.Variable(np.int64(7), trainable=False, name="one"), "two": Layer(3, 1)}
            self.half = tf.Variable(tf.constant([1.5, -2.25, 0.125], tf.bfloat16), name="half")
            self.words = tf.Variable([b"one", b"", b"\xff\x00 two"], dtype=tf.string, name="words")
            self.empty = tf.Variable(np.zeros((0, 3), np.float32), name="empty")
            self.offset = tf.constant([[10.0, 20.0]])
            self.count = tf.Variable(0, dtype=tf.int32, trainable=False, name="count")
            self.vocabulary = tf.saved_model.Asset(vocabulary)

        @tf.function
        def scale(self, x: Any, negate: bool = False) -> Any:
            y = x * 2 + x
            return -y if negate else y

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def serve(self, x: Any) -> dict[str, Any]:
            y = self.layers[0](x)
            return {"y": y + self.offset, "mean": tf.reduce_mean(y), "labels": tf.argmax(y, axis=-1)}

        @tf.function(input_signature=[])
        def next(self) -> Any:
            self.count.assign_add(1)
            return {"words": tf.identity(self.words), "half": self.half + self.half}

        @tf.function(input_signature=[])
        def nested(self) -> Any:
            return [self.table["one"] + 1, {"empty": tf.identity(self.empty), "nothing": None}, ("text", 3)]

        @tf.function(input_signature=[])
        def where(self) -> Any:
            return tf.identity(self.vocabulary.asset_path)

    model = Rich()
    model.scale(tf.constant(1.0))
    model.scale(tf.constant([1, 2]), negate=True)
    tf.saved_model.save(
        model, str(directory), signatures={"serving_default": model.serve, "next": model.next}
    )
    return directory


def outcome(directory: Path, load: Callable[..., Any] | None = None) -> Outcome:
    """Loads the model and uses everything in it.

    Returns:
        ("ok", values by place in the model), where a value is an array, or the OpError that using it ended in; or
        ("error", the OpError that loading ended in). Any other exception comes through.
    """
    try:
        root = calque_runtime.load(directory, limits=LIMITS) if load is None else load(directory)
    except OpError as e:
        return "error", e
    return "ok", dict(use(root, directory))


def use(root: Any, directory: Path) -> Iterator[tuple[str, Any]]:
    """What using each thing in a loaded object gives, by its place."""
    found = list(walk(root))
    for place, one in found:  # before any function changes one
        if isinstance(one, objects.Variable):
            yield place, _try(one.numpy)
            repr(one)
    for place, one in found:
        if isinstance(one, calling.RestoredFunction):
            repr(one)
            for i, concrete in enumerate(one.concrete_functions):
                yield from _values(
                    f"{place}#{i}", _try(lambda c=concrete, f=one: _call_restored(f, c)), directory
                )
        elif isinstance(one, calling.ConcreteFunction):
            repr(one)
            yield from _values(place, _try(lambda f=one: _call_flat(f)), directory)
        elif isinstance(one, objects.Object):
            repr(one)
            yield f"{place}: variables", len(one.variables)
        elif isinstance(one, (np.ndarray, np.generic, str)):
            yield from _values(place, one, directory)


def walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Every object that a loaded one holds, once, by its place."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("root", root)]
    while stack:
        place, one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield place, one
        if isinstance(one, objects.Object):
            inner: Any = [(k, v) for k, v in vars(one).items() if k != "_slots"]
        elif isinstance(one, (objects.Dict, objects.Signatures)):
            inner = one.items()
        elif isinstance(one, (objects.List, objects.Tuple)):
            inner = enumerate(one)
        else:
            continue
        stack.extend((f"{place}.{name}", value) for name, value in inner)


def _try(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except OpError as e:
        return e


def _call_restored(function: Any, concrete: Any) -> Any:
    positional, keyword = concrete.info.input_signature
    args = [_filled(one) for one in positional]
    kwargs = {name: _filled(one) for name, one in keyword.items()}
    function(*args, **kwargs)  # through its spec, whichever concrete function that may find
    flat = [_argument(spec) for spec in flat_specs(concrete.info.input_signature)]
    return calling._call(concrete, flat, function.convention)


def _call_flat(function: Any) -> Any:
    given = {name: _argument(spec) for name, spec in function.inputs.items()}
    return function(**given)


def _filled(spec: Any) -> Any:
    """A structured value with an array in the place of each tensor spec."""
    if isinstance(spec, TensorSpecValue):
        return _argument(spec)
    if isinstance(spec, (list, tuple)):
        return type(spec)([_filled(one) for one in spec])
    if isinstance(spec, dict):
        return {key: _filled(one) for key, one in spec.items()}
    return spec


def _argument(spec: Any) -> Any:
    """An array that fits a tensor spec, its unknown sizes 2."""
    if spec is None:
        return np.float32(1)
    shape = tuple(2 if d is None else d for d in spec.shape or ())
    if len(shape) > 8 or np.prod(shape, dtype=object) > _MOST_ELEMENTS:
        shape = ()
    if spec.dtype is dtypes.string:
        array = np.empty(shape, object)
        array[...] = b"word"
        return array
    count = int(np.prod(shape, dtype=object))
    return (np.arange(count) % 5).astype(spec.dtype.np).reshape(shape)


def _values(place: str, value: Any, directory: Path) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _values(f"{place}[{key!r}]", value[key], directory)
    elif isinstance(value, (list, tuple)):
        for i, one in enumerate(value):
            yield from _values(f"{place}[{i}]", one, directory)
    elif isinstance(value, (bytes, str)):
        text = value if isinstance(value, bytes) else value.encode()
        yield place, text.replace(str(directory).encode(), b"DIRECTORY")
    elif value is None or isinstance(value, (np.ndarray, np.generic, int, float, OpError)):
        yield place, value
    else:
        yield place, type(value).__name__  # a table or the like


def same(got: Any, want: Any) -> bool:
    """Are two values of `use` equal: type, shape and every bit?"""
    if isinstance(got, (np.ndarray, np.generic)) and isinstance(want, (np.ndarray, np.generic)):
        if got.dtype != want.dtype or got.shape != want.shape:
            return False
        return got.tolist() == want.tolist() if got.dtype == object else got.tobytes() == want.tobytes()
    return type(got) is type(want) and bool(got == want)


def edit(directory: Path, change: Callable[[Any], Any]) -> Path:
    """Rewrites saved_model.pb after `change` has changed its message; returns the directory."""
    path = directory / "saved_model.pb"
    proto = schema.parse(schema.SavedModel, path.read_bytes(), str(path))
    change(proto)
    path.write_bytes(schema.serialize(proto, str(path)))
    return directory
