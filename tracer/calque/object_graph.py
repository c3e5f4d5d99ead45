"""The objects that hang on a root, numbered breadth first: the order that checkpoints and saved models share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from calque_runtime.checkpoint import (
    VARIABLE_VALUE,
    SlotVariable,
    TrackableGraph,
    TrackableNode,
    attribute_key,
    object_path,
    slot_variable_path,
)

from .trackable import Trackable
from .variable import Variable

__all__ = ["ObjectView", "StoredValue", "checkpoint_graph", "stored_values", "walk"]

Children = Callable[[Trackable], Mapping[str, Trackable]]


@dataclass
class ObjectView:
    """The objects reachable from a root.

    Attributes:
        nodes: the objects, the root first; slot variables that are nobody's children come last.
        children: for each node, (local name, node number) of its children.
        names: for each node, the local names that lead to it from the root, by the first breadth-first way.
        paths: for each node, its path in checkpoint keys.
        slot_variables: for each node, what it keeps for variables.
    """

    nodes: list[Trackable] = field(default_factory=list)
    children: list[list[tuple[str, int]]] = field(default_factory=list)
    names: list[tuple[str, ...]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    slot_variables: list[list[SlotVariable]] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)

    def number(self, obj: Any) -> int | None:
        """The node number of an object; None if it was not reached."""
        return self._numbers.get(id(obj))

    def _add(self, obj: Trackable, names: tuple[str, ...], path: str) -> int:
        number = self._numbers[id(obj)] = len(self.nodes)
        self.nodes.append(obj)
        self.children.append([])
        self.names.append(names)
        self.paths.append(path)
        self.slot_variables.append([])
        return number


@dataclass(frozen=True)
class StoredValue:
    """A value that an object itself stores, or one part of it.

    Attributes:
        name: the attribute's name.
        full_name: a variable's own name; "" otherwise.
        array: the value.
        dtype: its dtype where the array's does not tell it, else None.
        part: how the part's key ends; "" where the value is in one part.
    """

    name: str
    full_name: str
    array: Any
    dtype: Any = None
    part: str = ""


def walk(root: Trackable, save_type: str = "checkpoint", children: Children | None = None) -> ObjectView:
    """Number the objects reachable from `root`, breadth first.

    Args:
        root: node 0.
        save_type: "checkpoint" or "savedmodel"; see `Trackable._trackable_children`.
        children: gives the children of an object, where they are not those that it names itself.
    """
    view = ObjectView()
    view._add(root, (), "")
    number = 0
    while number < len(view.nodes):
        node = view.nodes[number]
        named = node._trackable_children(save_type) if children is None else children(node)
        for name, child in named.items():
            found = view.number(child)
            if found is None:
                names = (*view.names[number], name)
                found = view._add(child, names, object_path(names))
            view.children[number].append((name, found))
        number += 1
    _add_slot_variables(view)
    return view


def _add_slot_variables(view: ObjectView) -> None:
    for number in range(len(view.nodes)):
        kept = [
            (slot_name, original, slot)
            for variable, slot_name, slot in view.nodes[number]._slot_variables()
            if (original := view.number(variable))
            is not None  # else it is not saved, nor is what was kept for it
        ]
        for slot_name, original, slot in sorted(kept, key=lambda entry: entry[:2]):
            found = view.number(slot)
            if found is None:
                names = (*view.names[number], slot_name)
                path = slot_variable_path(view.paths[original], view.paths[number], slot_name)
                found = view._add(slot, names, path)
            view.slot_variables[number].append(SlotVariable(original, slot_name, found))


def stored_values(obj: Trackable) -> list[StoredValue]:
    """The values that an object itself stores.

    Raises:
        FailedPreconditionError: a variable has no value.
    """
    if isinstance(obj, Variable):
        return [StoredValue(VARIABLE_VALUE, obj._shared_name, obj._state.value, obj.dtype)]
    found = []
    for name, value in obj._serialize_to_tensors().items():
        if isinstance(value, Mapping):
            found += [StoredValue(name, "", array, dtype, part) for part, (array, dtype) in value.items()]
        else:
            found.append(StoredValue(name, "", value))
    return found


def checkpoint_graph(view: ObjectView) -> tuple[TrackableGraph, dict[str, StoredValue]]:
    """What a checkpoint of these objects holds: the object graph, and the values by key in node order.

    Raises:
        FailedPreconditionError: a variable has no value.
    """
    nodes = []
    values: dict[str, StoredValue] = {}
    for number, obj in enumerate(view.nodes):
        attributes: list[tuple[str, str, str]] = []
        for value in stored_values(obj):
            key = attribute_key(view.paths[number], value.name)
            values[key + value.part] = value
            if not attributes or attributes[-1][2] != key:
                attributes.append((value.name, value.full_name, key))
        nodes.append(TrackableNode(view.children[number], attributes, view.slot_variables[number]))
    _mark_values(nodes)
    return TrackableGraph(nodes), values


def _mark_values(nodes: list[TrackableNode]) -> None:
    """Say of each node whether it holds values or leads to some."""
    parents: list[list[int]] = [[] for _ in nodes]
    for number, node in enumerate(nodes):
        node.has_values = False
        for _, child in node.children:
            parents[child].append(number)
        for slot in node.slot_variables:
            parents[slot.slot].append(number)
    waiting = [number for number, node in enumerate(nodes) if node.attributes]
    while waiting:
        number = waiting.pop()
        if not nodes[number].has_values:
            nodes[number].has_values = True
            waiting.extend(parents[number])
