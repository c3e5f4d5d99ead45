"""The graph of saved objects as a tree: every object once, under the shortest path that leads to it."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    """variables trainable_variables non_trainable_variables all_variables regularization_losses layers metrics
    keras_api _trainable_variables _non_trainable_variables _misc_assets""".split()
)
_KINDS = {
    "_generic_user_object": "object",
    "trackable_list_wrapper": "list",
    "trackable_dict_wrapper": "dict",
    "trackable_tuple_wrapper": "tuple",
    "signature_map": "signatures",
}


@dataclass
class Place:
    """Where an object stands in the tree.

    Attributes:
        number: its node.
        path: the names that lead to it from the root, "/" between them.
        name: the last of them.
        children: those that stand under it, in the order of its children.
    """

    number: int
    path: str
    name: str
    children: list[Place] = field(default_factory=list)


def places(graph: ObjectGraph) -> list[Place]:
    """Every object of the graph, those near the root first; names and order are as saved.

    What an optimizer keeps for a variable stands under the optimizer; what nothing leads to comes last, as ``#12``.
    """
    found: dict[int, Place] = {}

    def put(number: int, name: str, parent: Place | None) -> None:
        if number not in found:
            above = parent.path if parent is not None else ""
            place = found[number] = Place(number, f"{above}/{name}" if above else name, name)
            queue.append(place)
            if parent is not None:
                parent.children.append(place)

    queue: list[Place] = []
    if graph.nodes:
        put(0, "", None)
    late: list[tuple[int, str, Place]] = []
    for place in queue:
        for name, number in graph.nodes[place.number].children:
            if name in _VIEWS:
                late.append((number, name, place))
            else:
                put(number, name, place)
    at = len(queue)
    for number, name, parent in late:
        put(number, name, parent)
    _follow(graph, queue, at, put)
    for place in list(queue):
        for slot in graph.nodes[place.number].slot_variables:
            original = found.get(slot.original)
            put(slot.slot, f"{slot.slot_name}/{original.path if original else slot.original}", place)
    for number in range(len(graph.nodes)):
        at = len(queue)
        put(number, f"#{number}", None)
        _follow(graph, queue, at, put)
    return queue
