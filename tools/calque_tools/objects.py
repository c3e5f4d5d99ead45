"""The graph of saved objects as a tree: every object once, under the shortest path that leads to it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from calque_runtime.checkpoint import escape_local_name
from calque_runtime.savedmodel.metagraph import (
    Asset,
    BareConcreteFunction,
    CapturedTensor,
    Constant,
    ObjectGraph,
    Resource,
    SavedFunction,
    SavedObject,
    UserObject,
    VariableInfo,
)

__all__ = ["Place", "kind_name", "places"]

# Lists that Keras keeps of what a model's layers hold anyway: an object has its name from the layer if it can.
_VIEWS = frozenset(
    [
        "_misc_assets",
        "_non_trainable_variables",
        "_trainable_variables",
        "all_variables",
        "keras_api",
        "layers",
        "metrics",
        "non_trainable_variables",
        "regularization_losses",
        "trainable_variables",
        "variables",
    ]
)
_KINDS = {
    "_generic_user_object": "object",
    "trackable_list_wrapper": "list",
    "trackable_dict_wrapper": "dict",
    "trackable_tuple_wrapper": "tuple",
    "signature_map": "signatures",
}


class Place(NamedTuple):
    """Where an object stands in the tree.

    Attributes:
        number: its node.
        path: the names that lead to it from the root, "/" between them, escaped as in checkpoint keys.
        name: the last of them.
        parent: the path of what it stands under; None for the root.
    """

    number: int
    path: str
    name: str
    parent: str | None


def places(graph: ObjectGraph) -> list[Place]:
    """Every object of the graph, those near the root first; names and order are as saved.

    What an optimizer keeps for a variable stands under the optimizer, what saves and restores an object under that;
    what nothing leads to comes last, as ``#12``.
    """
    found: dict[int, Place] = {}
    queue: list[Place] = []

    def put(number: int, name: str, parent: Place | None) -> None:
        if number not in found:
            path = f"{parent.path}/{name}" if parent is not None and parent.path else name
            found[number] = Place(number, path, name, None if parent is None else parent.path)
            queue.append(found[number])

    def spread(at: int, leave_out: Collection[str] = ()) -> None:
        while at < len(queue):
            place = queue[at]
            at += 1
            for name, number in graph.nodes[place.number].children:
                if name not in leave_out:
                    put(number, escape_local_name(name), place)

    if graph.nodes:
        put(0, "", None)
    spread(0, leave_out=_VIEWS)
    spread(0)
    for place in list(queue):
        for slot in graph.nodes[place.number].slot_variables:
            original = found[slot.original].path if slot.original in found else f"#{slot.original}"
            put(slot.slot, f"{slot.slot_name}/{original}", place)
        for name, (save, restore) in graph.nodes[place.number].saveable_objects.items():
            put(save, f"save {escape_local_name(name)}", place)
            put(restore, f"restore {escape_local_name(name)}", place)
    for number in range(len(graph.nodes)):
        at = len(queue)
        put(number, f"#{number}", None)
        spread(at)
    return queue


def kind_name(node: SavedObject) -> str:
    """What an object is, in a word or two; the class it is registered as where it is."""
    kind = node.kind
    if isinstance(kind, UserObject):
        return node.registered_name or _KINDS.get(kind.identifier, kind.identifier.lstrip("_"))
    return _KIND_NAMES[type(kind)]


_KIND_NAMES: dict[type, str] = {
    Asset: "asset",
    BareConcreteFunction: "concrete function",
    CapturedTensor: "captured tensor",
    Constant: "constant",
    Resource: "resource",
    SavedFunction: "function",
    VariableInfo: "variable",
}
