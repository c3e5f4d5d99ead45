"""Building functions by hand, and running them through both executors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes, ops, reference
from calque_runtime.environment import Environment
from calque_runtime.ir import Function, Node, Value
from calque_runtime.plan import compile_function
from calque_runtime.resources import Variable


class Builder:
    """A function being built: `argument`, `add`, then `done`."""

    def __init__(self, name: str = "f") -> None:
        self.function = Function(name)

    def argument(self, dtype: Any = "float32", shape: Any = None, name: str = "x") -> Value:
        """A new argument."""
        value = self.function.add_input(self.function.unique_name(name), dtypes.as_dtype(dtype), shape)
        if value.dtype is dtypes.resource:
            value.shape = ()
        return value

    def constant(self, value: Any, dtype: Any = None) -> Value:
        """A Const node."""
        array = np.asarray(value) if dtype is None else np.asarray(value, dtypes.as_dtype(dtype).np)
        return self.add("Const", value=array, dtype=dtypes.from_numpy(array.dtype))[0]

    def add(
        self, op: str, *inputs: Any, effect: bool = False, name: str | None = None, **attrs: Any
    ) -> tuple[Value, ...]:
        """A new node; a list among the inputs is a list input. With `effect` it runs whether or not it is used."""
        kind = ops.require(op)
        types = [[v.dtype for v in x] if isinstance(x, (list, tuple)) else x.dtype for x in inputs]
        full = kind.signature.complete(types, attrs)
        flat = [v for x in inputs for v in (x if isinstance(x, (list, tuple)) else [x])]
        node = Node(
            kind, self.function.unique_name(name or op), flat, full, kind.signature.output_dtypes(full)
        )
        for value, shape in zip(node.outputs, kind.infer_shapes(node.site()), strict=True):
            value.shape = shape
        self.function.add(node)
        if effect:
            self.function.control_outputs[node.name] = node
        return node.outputs

    def done(self, *outputs: Value) -> Function:
        """The function, which returns `outputs`."""
        self.function.outputs = list(outputs)
        self.function.output_names = [f"out{i}" for i in range(len(outputs))]
        self.function.stateful = bool(self.function.control_outputs)
        return self.function


def run(function: Function, arguments: Sequence[Any], how: str, env: Environment | None = None) -> list[Any]:
    """The results through the "reference" executor or a "plan"."""
    where = env or Environment()
    if how == "reference":
        return reference.run(function, list(arguments), where)
    return list(compile_function(function, where)(*arguments))


def variable(value: Any, shape: Any = ..., name: str = "v") -> Variable:
    """A variable with a value."""
    array = np.asarray(value)
    return Variable(dtypes.from_numpy(array.dtype), array.shape if shape is ... else shape, name, array)
