"""The slow, obvious executor: one node after the other. Plans are tested against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .environment import Environment
from .errors import InvalidArgumentError, OpError
from .ir import Function, Node, Value
from .schedule import schedule

__all__ = ["located", "run"]


def run(function: Function, arrays: Sequence[Any], env: Environment) -> list[Any]:
    """The results of `function` for `arrays`, one for each argument, captures included.

    Raises:
        OpError: a kernel failed; the error names op, node and the user's line.
    """
    if len(arrays) != len(function.inputs):
        raise InvalidArgumentError(
            None, None, f"'{function.name}' takes {len(function.inputs)} arguments, got {len(arrays)}"
        )
    values: dict[Value, Any] = dict(zip(function.inputs, arrays, strict=True))
    with np.errstate(all="ignore"):
        for node in schedule(function):
            _run_node(node, values, env)
    return [values[v] for v in function.outputs]


def _run_node(node: Node, values: dict[Value, Any], env: Environment) -> None:
    site = node.site(env)
    inputs = [values[v] for v in node.inputs]
    try:
        result = node.op.bind(site)(*inputs)
    except Exception as e:
        raise located(node.op.failure(e, site, inputs), node) from e
    for value, array in zip(node.outputs, (result,) if node.op.signature.single else result, strict=True):
        values[value] = array


def located(error: OpError, node: Node) -> OpError:
    """`error`, its message followed by the user's line that made `node`, if it is known and not yet there."""
    if node.location is None or "\n  at " in error.message:
        return error
    file, line, name = node.location
    return type(error)(error.node_def, error.op, f"{error.message}\n  at {file}:{line} in {name}")
