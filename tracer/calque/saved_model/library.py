"""The functions of a model under the names they are saved by: the same for the same model, whatever else was traced."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calque_runtime.clone import clone_function
from calque_runtime.errors import UnimplementedError
from calque_runtime.ir import Function, FunctionRef, Library, Node
from calque_runtime.ops.python_calls import PYTHON_FUNCTION

from ..function.concrete import ConcreteFunction

__all__ = ["collect_functions"]

_TRACED = re.compile(r"^(?:__inference_)?(.*?)(?:_\d+)?$", re.S)


def collect_functions(concrete: Sequence[ConcreteFunction]) -> tuple[Library, dict[int, Function]]:
    """Copies of the functions of `concrete`, and of all that they call, renamed by their order.

    Returns:
        The library, callees before callers, and the copy of each function by the id of the original.
    """
    library = Library()
    copies: dict[int, Function] = {}
    for one in concrete:
        names = [_argument_name(n) for n in one.arg_names]
        _copy(one.function, library, copies, names)
    return library, copies


def _copy(function: Function, library: Library, copies: dict[int, Function], names: list[str]) -> Function:
    """Copy `function` and its callees; `names` are those of its first arguments."""
    stack: list[tuple[Function, list[str], bool]] = [(function, names, False)]
    while stack:
        one, arguments, ready = stack.pop()
        if id(one) in copies:
            continue
        callees = [ref.function for ref in one.calls() if ref.function is not None]
        if not ready:
            stack.append((one, arguments, True))
            stack.extend((callee, [], False) for callee in reversed(callees) if id(callee) not in copies)
            continue
        for node in one.nodes:
            _check_saveable(node)
        kept = [_argument_name(v.node.name) for v in one.inputs]
        kept[: len(arguments)] = arguments
        name = _unique(one.name, library)

        def renamed(ref: FunctionRef) -> FunctionRef:
            if ref.function is None:
                return ref
            copy = copies[id(ref.function)]
            return FunctionRef(copy.name, copy, ref.attrs)

        copies[id(one)] = library.add(clone_function(one, name, renamed, kept))
    return copies[id(function)]


def _check_saveable(node: Node) -> None:
    if PYTHON_FUNCTION in node.attrs:
        where = "" if node.location is None else f" at {node.location[0]}:{node.location[1]}"
        raise UnimplementedError(
            node.name,
            node.op.name,
            f"the graph calls back into Python{where}, which no SavedModel can hold: compute this with ops, or leave "
            "the function out of what is saved",
        )


def _unique(name: str, library: Library) -> str:
    match = _TRACED.match(name)
    stem = match.group(1) if match else name
    return f"__inference_{stem}_{len(library)}"


def _argument_name(name: str) -> str:
    """`name` as an OpDef takes it: lower case, digits and underscores, a letter first."""
    cleaned = re.sub(r"[^a-z0-9_]", "_", name.lower())
    return cleaned if re.match(r"[a-z]", cleaned) else f"arg{cleaned}"
