"""Which tensor of the checkpoint belongs to which saved object.

The checkpoint carries an object graph of its own. Both graphs are walked from their roots along children of the same
names; node numbers have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from calque_runtime.checkpoint.files import is_there
from calque_runtime.checkpoint.object_paths import OBJECT_GRAPH_KEY, VARIABLE_VALUE
from calque_runtime.checkpoint.reader import BundleReader
from calque_runtime.dtypes import DType
from calque_runtime.errors import DataLossError, InvalidArgumentError, NotFoundError
from calque_runtime.shapes import Shape, compatible, format_shape
from calque_runtime.wire.bundle import TrackableNode, decode_object_graph

from .metagraph import ObjectGraph, VariableInfo

__all__ = ["Checkpoint", "reading"]


class Checkpoint:
    """The checkpoint of a SavedModel, matched with its object graph.

    Args:
        prefix: of the checkpoint.
        graph: the saved objects.

    Attributes:
        reader: the checkpoint's tensors.

    Raises:
        NotFoundError: there is no checkpoint.
        DataLossError: its index or object graph is damaged, or it has no object graph.
    """

    def __init__(self, prefix: str, graph: ObjectGraph) -> None:
        self.prefix = prefix
        if not is_there(f"{prefix}.index"):
            raise NotFoundError(
                None,
                None,
                f"{prefix}.index does not exist, but the model has variables: was it copied without their folder?",
            )
        self.reader = BundleReader(prefix)
        self._entries = self.reader.entries
        if not self.reader.has_tensor(OBJECT_GRAPH_KEY):
            raise DataLossError(
                None, None, f"{prefix}.index has no entry {OBJECT_GRAPH_KEY}: it names no objects"
            )
        stored = self.reader.get_tensor(OBJECT_GRAPH_KEY)
        if stored.shape != () or not isinstance(stored[()], bytes):
            raise DataLossError(None, None, f"{prefix}: {OBJECT_GRAPH_KEY} is no scalar string")
        self._nodes = _matched(graph, decode_object_graph(stored[()], f"{prefix}: its object graph").nodes)

    def key(self, number: int, info: VariableInfo, name: str) -> str:
        """The key of a variable's value.

        Args:
            number: the variable's node.
            info: what was saved of it.
            name: its path, for messages.

        Raises:
            NotFoundError: the checkpoint has no value for it.
        """
        node = self._nodes.get(number)
        what = f"variable '{name}'" + (f" ({info.name})" if info.name else "")
        keys = {} if node is None else {attribute: key for attribute, _, key in node.attributes}
        key = keys.get(VARIABLE_VALUE) or next(iter(keys.values()), None)
        if key is None or key not in self._entries:
            detail = (
                "the checkpoint's object graph does not lead to it"
                if key is None
                else f"there is no key {key}"
            )
            raise NotFoundError(None, None, f"{self.prefix} has no value for {what}: {detail}")
        return key

    def reading(self, number: int, info: VariableInfo, name: str) -> Callable[[], Any]:
        """What reads a variable's value; where that is of another dtype or shape, it raises InvalidArgumentError.

        Raises:
            NotFoundError: as `key`.
        """
        key = self.key(number, info, name)
        what = f"variable '{name}'" + (f" ({info.name})" if info.name else "")
        return reading(self.reader, key, what, info.dtype, info.shape)

    def tensors(self, number: int, attribute: str) -> list[Any]:
        """The arrays that an object stored under `attribute`, in the order of their keys."""
        node = self._nodes.get(number)
        for name, _, key in () if node is None else node.attributes:
            if name == attribute:
                keys = [k for k in self._entries if k == key or k.startswith(f"{key}-")]
                return [self.reader.get_tensor(k) for k in keys]
        return []


def reading(reader: BundleReader, key: str, what: str, dtype: DType, shape: Shape) -> Callable[[], Any]:
    """What reads the value of `what`, a variable of that dtype and shape, from the checkpoint.

    A value of another dtype or shape is an InvalidArgumentError when it is read, so that a model of which only a part
    is damaged can be used without it.
    """
    entry, problem = reader.entry(key), ""
    if entry.dtype is not dtype:
        problem = f"{what} is {dtype.name}, but its value is {entry.dtype.name}"
    elif not compatible(shape, entry.shape):
        problem = f"{what} has shape {format_shape(shape)}, but its value has {format_shape(entry.shape)}"
    if not problem:
        return partial(reader.map_tensor, key)
    error = InvalidArgumentError(None, None, f"{reader.prefix}: {problem}")

    def fail() -> Any:
        raise error

    return fail


def _matched(graph: ObjectGraph, stored: list[TrackableNode]) -> dict[int, TrackableNode]:
    """For each saved object that the checkpoint's graph leads to, its node there."""
    numbers = {0: 0} if stored and graph.nodes else {}
    queue = list(numbers)
    for number in queue:
        there = dict(stored[numbers[number]].children)
        for name, child in graph.nodes[number].children:
            if name in there and child not in numbers:
                numbers[child] = there[name]
                queue.append(child)
    for number in list(numbers):
        slots = {
            (slot.original, slot.slot_name): slot.slot for slot in stored[numbers[number]].slot_variables
        }
        for slot in graph.nodes[number].slot_variables:
            original = numbers.get(slot.original)
            found = None if original is None else slots.get((original, slot.slot_name))
            if found is not None:
                numbers.setdefault(slot.slot, found)
    return {number: stored[there] for number, there in numbers.items()}
