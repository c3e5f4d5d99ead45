"""Restoring a checkpoint: its objects are matched with live ones by the names that lead to them from the root.

A value whose object is not there yet waits at the object that will hold it (`Trackable._defer`), and is applied when
that one gets a child of the name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from calque_runtime.checkpoint import BundleReader, TrackableGraph, attribute_key
from calque_runtime.errors import InvalidArgumentError, NotFoundError

from ..object_graph import Children, walk
from ..tensor_shape import TensorShape
from ..trackable import SavedChildren, Trackable
from ..variable import Variable

__all__ = [
    "CheckpointLoadStatus",
    "NothingRestored",
    "ShapeMismatch",
    "ShapeMismatchError",
    "restore_objects",
]


class ShapeMismatch(NamedTuple):
    """A value that does not fit its variable.

    Attributes:
        key: the value's key in the checkpoint.
        saved: its shape there.
        expected: the variable's shape.
        variable: the variable's name.
    """

    key: str
    saved: TensorShape
    expected: TensorShape
    variable: str

    def __str__(self) -> str:
        return (
            f"Received incompatible tensor with shape {self.saved} when attempting to restore variable with shape "
            f"{self.expected} and name {self.variable}. (key in the checkpoint: {self.key})"
        )


class ShapeMismatchError(ValueError):
    """Values of a checkpoint do not have the shapes of their variables; nothing was restored.

    Attributes:
        status: what would have been restored; its `wrong_shape` lists the values that do not fit.
    """

    def __init__(self, status: CheckpointLoadStatus) -> None:
        super().__init__("\n".join(map(str, status.wrong_shape)))
        self.status = status


class _Restoration:
    """One checkpoint on its way into live objects.

    Args:
        reader: the checkpoint.
        root: the object that its object number 0 is.
        children: gives the children of an object, those that a Checkpoint adds to its root included.
    """

    def __init__(self, reader: BundleReader, root: Trackable, children: Children) -> None:
        self.reader = reader
        self.root = root
        self.children = children
        self.matched: set[str] = set()
        self.wrong_shape: list[ShapeMismatch] = []
        # The objects met, by identity: kept, so that no other object gets the identity of one that is gone.
        self.bound: dict[int, Trackable] = {}
        self._done: set[tuple[int, int]] = set()

    def status(self) -> CheckpointLoadStatus:
        """What came of it, to be asked for at any time."""
        return CheckpointLoadStatus(self)

    def bind(self, node: int, target: Trackable) -> None:
        """Give `target` and what it holds the values of the checkpoint's object `node` and what that holds.

        Raises:
            ShapeMismatchError: values do not fit their variables. No object has changed then.
            InvalidArgumentError: a value has another dtype than its variable. No object has changed then.
            NotFoundError: the checkpoint lacks a value that it describes.
        """
        pairs = self._reach(node, target)
        values = [(obj, self.keys_of(number, obj)) for number, obj in pairs]
        self._check(values)
        for obj, keys in values:
            self._assign(obj, keys)
        for number, obj in pairs:
            self._leave(number, obj)

    def keys_of(self, node: int, obj: Trackable) -> dict[str, str]:
        """The checkpoint's keys for the values of an object, by attribute name."""
        raise NotImplementedError

    def known_keys(self) -> list[str]:
        """The keys of all values that the checkpoint has for objects."""
        raise NotImplementedError

    def _reach(self, node: int, target: Trackable) -> list[tuple[int, Trackable]]:
        """The pairs of objects, the checkpoint's and a live one, that go together from these two on."""
        raise NotImplementedError

    def _leave(self, node: int, obj: Trackable) -> None:
        """Leave at a live object what it has no child for yet."""
        raise NotImplementedError

    def _new(self, node: int, obj: Trackable) -> bool:
        """Is this pair met for the first time?"""
        pair = (node, id(obj))
        if pair in self._done:
            return False
        self._done.add(pair)
        self.bound[id(obj)] = obj
        return True

    def _check(self, values: list[tuple[Trackable, dict[str, str]]]) -> None:
        wrong_dtype = []
        for obj, keys in values:
            if not isinstance(obj, Variable):
                continue
            for key in keys.values():
                entry = self.reader.entry(key)
                if not obj.shape.is_compatible_with(entry.shape):
                    self.wrong_shape.append(ShapeMismatch(key, TensorShape(entry.shape), obj.shape, obj.name))
                elif entry.dtype is not obj.dtype:
                    wrong_dtype.append(
                        f"tensor_name = {key}; expected dtype {obj.dtype.name} (of variable {obj.name}) does not equal "
                        f"original dtype {entry.dtype.name}"
                    )
        if self.wrong_shape:
            raise ShapeMismatchError(self.status())
        if wrong_dtype:
            raise InvalidArgumentError(None, None, "\n".join(wrong_dtype))

    def _assign(self, obj: Trackable, keys: dict[str, str]) -> None:
        if not keys:
            return
        restored = {
            name: self.reader.get_tensor(key) if self.reader.has_tensor(key) else self._parts(key)
            for name, key in keys.items()
        }
        if isinstance(obj, Variable):
            for array in restored.values():
                obj._restore(array)
        elif type(obj)._restore_from_tensors is Trackable._restore_from_tensors:
            return  # it takes none
        else:
            obj._restore_from_tensors(restored)
        self.matched.update(keys.values())

    def _parts(self, key: str) -> dict[str, Any]:
        """A value of several parts, by how the key of each goes on after `key`."""
        keys = [k for k in self.reader.entries if k.startswith(f"{key}-")]
        return {k.removeprefix(key): self.reader.get_tensor(k) for k in keys}


class _ByObject(_Restoration):
    """A checkpoint with an object graph."""

    def __init__(
        self, reader: BundleReader, root: Trackable, children: Children, graph: TrackableGraph
    ) -> None:
        super().__init__(reader, root, children)
        self.nodes = graph.nodes
        self._live: dict[int, Trackable] = {}  # the live object of each node that has one
        self._optimizers: list[tuple[int, Trackable]] = []

    def keys_of(self, node: int, obj: Trackable) -> dict[str, str]:
        """See the base."""
        keys = {name: key for name, _, key in self.nodes[node].attributes}
        for key in keys.values():
            if not self.reader.has_tensor(key) and not self._parts(key):
                raise NotFoundError(
                    None,
                    None,
                    f"Key {key} not found in checkpoint {self.reader.prefix}, though its object graph names it",
                )
        return keys

    def known_keys(self) -> list[str]:
        """See the base."""
        return [key for node in self.nodes for _, _, key in node.attributes]

    def path(self, node: int) -> str:
        """How messages name an object: the names that lead to it."""
        names = {0: "(root)"}
        waiting = [0]
        for number in waiting:
            for name, child in self.nodes[number].children:
                if child not in names:
                    names[child] = f"{names[number]}.{name}"
                    waiting.append(child)
        for number, parent in enumerate(self.nodes):
            for slot in parent.slot_variables:
                names.setdefault(
                    slot.slot,
                    f"{names.get(number)}'s state '{slot.slot_name}' for {names.get(slot.original)}",
                )
        return names.get(node, f"node {node}")

    def _reach(self, node: int, target: Trackable) -> list[tuple[int, Trackable]]:
        pairs = [(node, target)] if self._new(node, target) else []
        for number, obj in pairs:
            self._live.setdefault(number, obj)
            saved = self._children_for(number, obj)
            if not saved:
                continue
            live = self.children(obj)
            for name, child in saved:
                if name in live and self._new(child, live[name]):
                    pairs.append((child, live[name]))
        return pairs

    def _children_for(self, node: int, obj: Trackable) -> SavedChildren:
        """The children of the checkpoint's object `node`, as the live object that it stands for calls them."""
        nodes = self.nodes
        return obj._translate_children(
            nodes[node].children, lambda child: [key for _, _, key in nodes[child].attributes]
        )

    def _leave(self, node: int, obj: Trackable) -> None:
        children = self._children_for(node, obj)
        if children:
            live = self.children(obj)
            obj._defer(self, {name: child for name, child in children if name not in live})
        if self.nodes[node].slot_variables:
            self._optimizers.append((node, obj))
        for number, optimizer in self._optimizers:
            self._bind_slots(number, optimizer)

    def _bind_slots(self, node: int, optimizer: Trackable) -> None:
        """Give an optimizer's slot variables their values, as far as the variables they are for are known."""
        live = {(id(variable), name): slot for variable, name, slot in optimizer._slot_variables()}
        for slot in self.nodes[node].slot_variables:
            variable = self._live.get(slot.original)
            if variable is None or slot.slot in self._live:
                continue
            found = live.get((id(variable), slot.slot_name))
            if found is None:
                optimizer._defer(self, {(id(variable), slot.slot_name): slot.slot})
            else:
                self.bind(slot.slot, found)


class _ByName(_Restoration):
    """A checkpoint without an object graph, as a TensorFlow 1 Saver writes: variables have the keys of their names."""

    def keys_of(self, node: int, obj: Trackable) -> dict[str, str]:
        """See the base."""
        if isinstance(obj, Variable) and self.reader.has_tensor(obj._shared_name):
            return {"VARIABLE_VALUE": obj._shared_name}
        return {}

    def known_keys(self) -> list[str]:
        """See the base."""
        return self.reader.keys()

    def _reach(self, node: int, target: Trackable) -> list[tuple[int, Trackable]]:
        return [(0, obj) for obj in walk(target, children=self.children).nodes if self._new(0, obj)]

    def _leave(self, node: int, obj: Trackable) -> None:
        if not isinstance(obj, Variable):
            obj._defer(self, {None: 0})


def restore_objects(
    reader: BundleReader, root: Trackable, children: Children, graph: TrackableGraph | None
) -> CheckpointLoadStatus:
    """Restore a checkpoint into `root` and what it holds, now and, for what is not there yet, later.

    Args:
        reader: the checkpoint.
        root: what its object number 0 is.
        children: gives the children of an object.
        graph: the checkpoint's object graph, or None: variables are matched by their names.

    Raises:
        ShapeMismatchError, InvalidArgumentError, NotFoundError: as `_Restoration.bind`.
    """
    restoration: _Restoration
    if graph is None:
        restoration = _ByName(reader, root, children)
    else:
        restoration = _ByObject(reader, root, children, graph)
    restoration.bind(0, root)
    return restoration.status()


class CheckpointLoadStatus:
    """What a restore found, and finds: objects made later count too."""

    def __init__(self, restoration: _Restoration) -> None:
        self._restoration = restoration

    @property
    def by_name(self) -> bool:
        """Has the checkpoint no object graph, so that variables were matched by their names?"""
        return isinstance(self._restoration, _ByName)

    @property
    def matched(self) -> list[str]:
        """The checkpoint's keys whose values have been restored."""
        return sorted(self._restoration.matched)

    @property
    def unused(self) -> list[str]:
        """The checkpoint's keys whose values have no live object."""
        return sorted(set(self._restoration.known_keys()) - self._restoration.matched)

    @property
    def missing(self) -> list[str]:
        """The live variables that got no value, as the keys that a checkpoint would have for them."""
        return [attribute_key(path) for path, _ in self._missing()]

    @property
    def wrong_shape(self) -> list[ShapeMismatch]:
        """The values that did not fit their variables."""
        return list(self._restoration.wrong_shape)

    def _missing(self) -> list[tuple[str, Variable]]:
        restoration = self._restoration
        view = walk(restoration.root, children=restoration.children)
        return [
            (path, obj)
            for obj, path in zip(view.nodes, view.paths, strict=True)
            if isinstance(obj, Variable) and not self._has_value(obj)
        ]

    def _has_value(self, variable: Variable) -> bool:
        restoration = self._restoration
        if isinstance(restoration, _ByName):
            return variable._shared_name in restoration.matched
        return id(variable) in restoration.bound

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Check that every value of the checkpoint has an object, and every variable a value.

        Raises:
            AssertionError: it is not so; names what is left.
        """
        restoration = self._restoration
        if isinstance(restoration, _ByObject):
            for number, node in enumerate(restoration.nodes):
                for _, _, key in node.attributes:
                    if key not in restoration.matched and number in restoration._live:
                        raise AssertionError(
                            "Unused attributes in these objects (the attributes exist in the checkpoint but were not "
                            f"restored):\n{restoration.path(number)}: {key}, of which the object of this program, "
                            f"{restoration._live[number]!r}, takes no value."
                        )
                    if key not in restoration.matched:
                        raise AssertionError(
                            f"Unresolved object in checkpoint {restoration.path(number)}: no object of this program "
                            f"takes the value {key}. ({len(self.unused)} unused in all; see `unused`.)"
                        )
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Check that every variable there is now has a value from the checkpoint.

        Raises:
            AssertionError: it is not so; names the variables.
        """
        missing = self._missing()
        if missing:
            count = len(missing)
            shown = ", ".join(f"{path} ({variable.name})" for path, variable in missing[:10])
            raise AssertionError(
                f"Found {count} Python objects that were not bound to checkpointed values, likely due to "
                f"changes in the Python program. Showing {min(10, count)} of {count} unmatched objects: {shown}"
            )
        return self

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Check that something was restored.

        Raises:
            AssertionError: nothing was.
        """
        if not self._restoration.matched:
            raise AssertionError(
                f"Nothing except the root object matched a checkpointed value: {self._restoration.root!r} and the "
                "checkpoint have no names in common."
            )
        return self

    def expect_partial(self) -> CheckpointLoadStatus:
        """Say that not all of the checkpoint is wanted. Nothing warns of unused values here, so nothing changes."""
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Nothing to do: values are applied at once."""

    def run_restore_ops(self, session: Any = None) -> None:
        """Nothing to do: values are applied at once."""


class NothingRestored:
    """The status of a restore from no checkpoint (None)."""

    matched: list[str] = []
    unused: list[str] = []
    missing: list[str] = []
    wrong_shape: list[ShapeMismatch] = []

    def assert_consumed(self) -> CheckpointLoadStatus:
        """There is nothing to check.

        Raises:
            AssertionError: always.
        """
        raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")

    assert_existing_objects_matched = assert_consumed
    assert_nontrivial_match = assert_consumed
    run_restore_ops = assert_consumed

    def expect_partial(self) -> NothingRestored:
        """Nothing changes."""
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Nothing to do."""
