"""The calls of the golden models: what TensorFlow was asked (golden/make_golden.py), and calque is (test_load.py)."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Call:
    """One call of a loaded model.

    Attributes:
        model: the model's name.
        name: unique in the model.
        target: the attribute to call, dotted; "" is the object itself, "signatures.x" a signature.
        args: by position; arrays become tensors of TensorFlow.
        kwargs: by name.
    """

    model: str
    name: str
    target: str = ""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


def f32(*values: Any) -> np.ndarray:
    return np.array(values, np.float32)


X3 = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
ONE = np.float32(1.5)

CALLS = [
    Call("two_layer", "call", "", (X3,)),
    Call("two_layer", "empty", "", (np.zeros((0, 3), np.float32),)),
    Call("two_layer", "signature", "signatures.serving_default", (), {"x": X3}),
    Call("polymorphic", "float", "", (f32(1, 2),)),
    Call("polymorphic", "training", "", (f32(1, 2), True)),
    Call("polymorphic", "training_keyword", "", (f32(1, 2),), {"training": True}),
    Call("polymorphic", "double", "", (np.array([[1.0, 2.0], [3.0, 4.0]]),)),
    Call("polymorphic", "int_power", "", (np.int32(3),), {"power": 2}),
    Call("polymorphic", "power", "", (f32(1, 2),), {"power": 3}),
    Call("polymorphic", "plus", "named", (np.float32(1),)),
    Call("polymorphic", "minus", "named", (np.float32(1), "minus")),
    Call("polymorphic", "rest", "rest", (f32(1, 2), f32(3, 4)), {"k": np.float32(3)}),
    Call("structures", "nested", "nested", ((ONE, ONE), {"a": ONE, "b": 2.0})),
    Call("structures", "point", "point", (Point(np.float32(1), np.float32(2)),)),
    Call("structures", "listed", "listed", ([ONE, np.float32(2)],)),
    Call("structures", "nothing", "nothing"),
    Call("structures", "literal", "literal", (ONE,)),
    Call("nested", "serve", "serve", (X3,)),
    Call("nested", "default", "signatures.serving_default", (), {"x": X3}),
    Call("nested", "add", "signatures.add", (), {"a": f32(1, 2), "b": f32(3, 4)}),
    Call("nested", "strings", "signatures.strings"),
    Call("nested", "halves", "halves"),
    Call("nested", "inner", "layers.1", (X3,)),
    Call("nested", "grow", "grow", (np.float32(2),)),
    Call("defaults", "given", "signatures.serving_default", (), {"x": f32(1, 2), "factor": np.float32(5)}),
    Call("defaults", "function", "combine", (f32(1, 2), np.float32(2))),
    Call("defaults", "function_default", "combine", (f32(1, 2),)),
    Call("defaults", "bare", "bare", (f32(1, 2), np.float32(4))),
    Call("defaults", "bare_named", "bare", (), {"x": f32(1, 2), "factor": np.float32(4)}),
    Call("defaults", "in_list", "functions.0", (f32(1, 2), np.float32(2))),
    Call("control", "branch_then", "branch", (np.float32(3),)),
    Call("control", "branch_else", "branch", (np.float32(-3),)),
    Call("control", "loop", "loop", (np.int32(5),)),
    Call("control", "loop_none", "loop", (np.int32(0),)),
    Call("control", "checked", "checked", (f32(0, 1),)),
    Call("assets", "look_up", "look_up", (np.array([b"c", b"x", b"a"], object),)),
    Call("assets", "name", "name", (np.array([2, 7], np.int64),)),
    Call("assets", "where", "where"),
]


def resolve(model: Any, call: Call) -> Any:
    """What the call calls."""
    if call.target.startswith("signatures."):
        return model.signatures[call.target.partition(".")[2]]
    found = model
    for name in call.target.split(".") if call.target else ():
        if isinstance(found, Mapping):
            found = found[name]
        else:
            found = found[int(name)] if name.isdigit() else getattr(found, name)
    return found


def arguments(call: Call, tf: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The call's arguments, arrays as TensorFlow's tensors where `tf` is given."""

    def converted(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: converted(v) for k, v in value.items()}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(converted, value))
        if isinstance(value, (list, tuple)):
            return type(value)(map(converted, value))
        return tf.constant(value) if tf is not None and isinstance(value, (np.ndarray, np.generic)) else value

    return converted(call.args), converted(call.kwargs)


def flatten(value: Any, path: str = "out") -> Iterator[tuple[str, Any]]:
    """The results by their place in the structure; None has none."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from flatten(value[key], f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        names = getattr(value, "_fields", range(len(value)))
        for name, one in zip(names, value, strict=True):
            yield from flatten(one, f"{path}.{name}")
    elif value is not None:
        yield path, value
