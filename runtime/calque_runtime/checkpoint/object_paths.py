"""The keys of object-based checkpoints: an object's path from the root, then the value's name.

model/layer/.ATTRIBUTES/VARIABLE_VALUE
model/layer/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "OBJECT_GRAPH_KEY",
    "VARIABLE_VALUE",
    "attribute_key",
    "escape_local_name",
    "object_path",
    "slot_variable_path",
    "unescape_local_name",
]

# The key of the serialized object graph, and the value name of a variable.
OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VARIABLE_VALUE = "VARIABLE_VALUE"

_ATTRIBUTES = "/.ATTRIBUTES/"
_SLOT = "/.OPTIMIZER_SLOT/"


def escape_local_name(name: str) -> str:
    """A child's name as a path holds it: ``.`` becomes ``..``, then ``/`` becomes ``.S``."""
    return name.replace(".", "..").replace("/", ".S")


def unescape_local_name(name: str) -> str:
    """The child's name that `escape_local_name` made `name` from."""
    return ".".join(piece.replace(".S", "/") for piece in name.split(".."))


def object_path(names: Iterable[str]) -> str:
    """The path of an object, given the (unescaped) names of the children that lead to it from the root."""
    return "/".join(escape_local_name(name) for name in names)


def attribute_key(path: str, attribute: str = VARIABLE_VALUE) -> str:
    """The checkpoint key of a value.

    Args:
        path: the object's path, from `object_path` or `slot_variable_path`.
        attribute: the value's name in the object.
    """
    return path + _ATTRIBUTES + escape_local_name(attribute)


def slot_variable_path(variable_path: str, optimizer_path: str, slot_name: str) -> str:
    """The path of a variable that an optimizer keeps for another one.

    Args:
        variable_path: path of the variable that it belongs to.
        optimizer_path: path of the optimizer.
        slot_name: "m", "momentum", ... (unescaped).
    """
    return f"{variable_path}{_SLOT}{optimizer_path}/{escape_local_name(slot_name)}"
