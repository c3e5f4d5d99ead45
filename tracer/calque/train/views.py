"""Looking at the objects of a checkpoint, and of a program: `CheckpointView` and `TrackableView`."""

from __future__ import annotations

import logging
from typing import Any

from calque_runtime.checkpoint import OBJECT_GRAPH_KEY, BundleReader, decode_object_graph
from calque_runtime.errors import NotFoundError

from ..object_graph import walk
from ..trackable import Trackable
from .checkpoint import PathLike

__all__ = ["CheckpointView", "TrackableView"]


class TrackableView:
    """The objects that hang on a root.

    Args:
        root: the root.
    """

    def __init__(self, root: Trackable) -> None:
        self._root = root

    @property
    def root(self) -> Trackable:
        """The root."""
        return self._root

    @classmethod
    def children(cls, obj: Trackable, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Trackable]:
        """What an object holds, by name."""
        return dict(obj._trackable_children(save_type))

    def descendants(self) -> list[Trackable]:
        """The root and all that hangs on it, breadth first."""
        return walk(self._root).nodes


class CheckpointView:
    """The objects of a checkpoint, by number; the root is number 0.

    Args:
        save_path: the path that `Checkpoint.save` returned.

    Raises:
        NotFoundError: there is no such checkpoint, or it describes no objects.
        DataLossError: it is damaged.
    """

    def __init__(self, save_path: PathLike) -> None:
        reader = BundleReader(save_path)
        if not reader.has_tensor(OBJECT_GRAPH_KEY):
            raise NotFoundError(
                None,
                None,
                f"The specified checkpoint '{reader.prefix}' does not appear to be object-based (saved with TF2) since "
                f"it is missing the key '{OBJECT_GRAPH_KEY}': variables in it have names, but no objects.",
            )
        self._nodes = decode_object_graph(reader.get_tensor(OBJECT_GRAPH_KEY)[()], reader.prefix).nodes

    def children(self, node_id: int) -> dict[str, int]:
        """The numbers of what an object holds, by name."""
        return dict(self._nodes[node_id].children)

    def descendants(self) -> list[int]:
        """The numbers of all objects, breadth first."""
        return list(self._with_paths())

    def _descendants_with_paths(self) -> dict[int, str]:
        """The path from the root to each object, by its number."""
        return self._with_paths()

    def _with_paths(self) -> dict[int, str]:
        paths = {0: "root"}
        waiting = [0]
        for number in waiting:
            for name, child in self._nodes[number].children:
                if child not in paths:
                    paths[child] = f"{paths[number]}.{name}"
                    waiting.append(child)
        return paths

    def match(self, obj: Trackable) -> dict[int, Trackable]:
        """The live object that each of the checkpoint's objects goes together with, as in a restore into `obj`.

        Raises:
            ValueError: `obj` is no Trackable.
        """
        if not isinstance(obj, Trackable):
            raise ValueError(f"Expected a Trackable, got {obj} of type {type(obj)}.")
        found: dict[int, Trackable] = {0: obj}
        waiting = [0]
        for number in waiting:
            live = found[number]._trackable_children("checkpoint")
            for name, child in self._nodes[number].children:
                if name not in live or child == 0:
                    continue
                if child not in found:
                    found[child] = live[name]
                    waiting.append(child)
                elif found[child] is not live[name]:
                    logging.getLogger("calque").warning(
                        "Inconsistent references when matching the checkpoint into this object graph. The referenced "
                        "objects are: (%s and %s).",
                        found[child],
                        live[name],
                    )
        return found

    def diff(self, obj: Trackable) -> tuple[dict[int, Trackable], list[int], list[Trackable]]:
        """`match`, the numbers of objects that only the checkpoint has, and the objects that only `obj` has.

        Raises:
            ValueError: `obj` is no Trackable.
        """
        found = self.match(obj)
        matched = {id(one) for one in found.values()}
        only_there = [number for number in self.descendants() if number not in found]
        return found, only_there, [o for o in TrackableView(obj).descendants() if id(o) not in matched]
