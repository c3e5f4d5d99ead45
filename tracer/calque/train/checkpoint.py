"""`Checkpoint`: the values of objects, written to and restored from disk."""

from __future__ import annotations

import inspect
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque_runtime import dtypes
from calque_runtime.checkpoint import (
    OBJECT_GRAPH_KEY,
    BundleReader,
    BundleWriter,
    CheckpointState,
    decode_object_graph,
    encode_object_graph,
    write_state,
)
from calque_runtime.errors import NotFoundError

from ..context import executing_eagerly, init_scope, name_scope
from ..data_structures import wrap
from ..object_graph import checkpoint_graph, walk
from ..trackable import AutoTrackable, NoDependency, Trackable
from ..variable import Variable
from .restore import CheckpointLoadStatus, NothingRestored, restore_objects

__all__ = ["Checkpoint", "CheckpointOptions"]

PathLike = str | os.PathLike[str]


class CheckpointOptions:
    """How to write and read checkpoints.

    Args:
        experimental_write_callbacks: functions to call when a checkpoint is written, without arguments or with its
            path; others are an AssertionError.
        experimental_io_device, experimental_enable_async_checkpoint, enable_async, experimental_skip_slot_variables,
            experimental_sharding_callback: accepted for TensorFlow's sake; without effect.
    """

    def __init__(
        self,
        experimental_io_device: str | None = None,
        experimental_enable_async_checkpoint: bool = False,
        experimental_write_callbacks: Sequence[Callable[..., Any]] | None = None,
        enable_async: bool = False,
        experimental_skip_slot_variables: bool = False,
        experimental_sharding_callback: Any = None,
    ) -> None:
        for callback in experimental_write_callbacks or ():
            if len(inspect.signature(callback).parameters) > 1:
                raise AssertionError(
                    f"a write callback takes the checkpoint's path at most, but {callback} takes more"
                )
        self.experimental_io_device = experimental_io_device
        self.enable_async = enable_async or experimental_enable_async_checkpoint
        self.experimental_write_callbacks = (
            None if experimental_write_callbacks is None else list(experimental_write_callbacks)
        )
        self.experimental_skip_slot_variables = experimental_skip_slot_variables
        self.experimental_sharding_callback = experimental_sharding_callback

    def __copy__(self) -> CheckpointOptions:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        if self.experimental_write_callbacks is not None:
            made.experimental_write_callbacks = list(self.experimental_write_callbacks)
        return made

    def written(self, path: str) -> None:
        """Call the callbacks."""
        for callback in self.experimental_write_callbacks or ():
            callback(*[path] * min(1, len(inspect.signature(callback).parameters)))


class Checkpoint(AutoTrackable):
    """A group of objects whose values are saved and restored together.

    Args:
        root: an object whose children are saved as if they were this object's own; or a weak reference to one,
            which the checkpoint then does not keep alive.
        **kwargs: objects to save, by name.

    Raises:
        ValueError: an object is not trackable, or `root` has another child of a keyword's name.
    """

    _save_counter: Variable | None

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        weak = root if isinstance(root, weakref.ref) else None
        if root is not None:
            root = _trackable("root", root if weak is None else weak())
        self._self_setattr_tracking = False  # these are no children
        self._save_counter = None
        self._strong_root: Trackable | None = root if weak is None else None
        self._weak_root: Callable[[], Trackable | None] | None = weak
        self._attached: dict[str, Trackable] = {}  # what is saved as children of `root` besides its own
        self._self_setattr_tracking = True
        if root is not None and weak is None:
            self.root = self._attached["root"] = root
        for name, value in sorted(kwargs.items()):
            setattr(self, name, value)
            child = _trackable(name, getattr(self, name))
            if root is not None:
                own = root._trackable_children("checkpoint").get(name)
                if own is not None and own is not child:
                    raise ValueError(
                        f"Cannot create a Checkpoint with keyword argument {name} if root.{name} already exists."
                    )
                self._attached[name] = child

    @property
    def _root(self) -> Trackable | None:
        """The root that is saved instead of this object.

        Raises:
            RuntimeError: it was given by a weak reference, and is no more.
        """
        if self._weak_root is None:
            return self._strong_root
        root = self._weak_root()
        if root is None:
            raise RuntimeError(
                "the root of this Checkpoint, given by a weak reference, does not exist any more"
            )
        return root

    @property
    def save_counter(self) -> Variable:
        """How often `save` has been called: a variable that is saved along. Made when it is first needed."""
        if self._save_counter is None:
            with init_scope(), name_scope(""):
                counter = Variable(0, trainable=False, name="save_counter", dtype=dtypes.int64)
            self._save_counter = NoDependency(counter)  # type: ignore[assignment]
            if self._root is None:
                self._track_trackable(counter, "save_counter")
            else:
                self._attached["save_counter"] = counter
                self._root._restore_child("save_counter", counter)
        return self._save_counter  # type: ignore[return-value]

    def _children_of(self, obj: Trackable) -> Mapping[str, Trackable]:
        children = obj._trackable_children("checkpoint")
        if obj is self._root:
            return children | {name: child for name, child in self._attached.items() if name not in children}
        return children

    def write(self, file_prefix: PathLike, options: CheckpointOptions | None = None) -> str:
        """Write the values to ``<file_prefix>.index`` and ``<file_prefix>.data-00000-of-00001``.

        The files appear whole or not at all.

        Args:
            file_prefix: where to; directories that are not there are made.
            options: see CheckpointOptions.

        Returns:
            `file_prefix`.

        Raises:
            NotImplementedError: called while a function is traced.
            FailedPreconditionError: a variable has no value.
        """
        _check_eager()
        prefix = os.fspath(file_prefix)
        graph, values = checkpoint_graph(walk(self._root or self, children=self._children_of))
        with BundleWriter(prefix) as writer:
            for key, value in values.items():
                writer.add(key, value.array, value.dtype)
            writer.add(OBJECT_GRAPH_KEY, encode_object_graph(graph), dtypes.string)
        if options is not None:
            options.written(prefix)
        return prefix

    def save(self, file_prefix: PathLike, options: CheckpointOptions | None = None) -> str:
        """Write the values under the next number, and note the checkpoint in its directory's state file.

        Args:
            file_prefix: where to; ``-1``, ``-2``, ... is appended.
            options: see CheckpointOptions.

        Returns:
            The path of the checkpoint, for `restore`.

        Raises:
            NotImplementedError: called while a function is traced.
            FailedPreconditionError: a variable has no value.
        """
        path = self._save_numbered(os.fspath(file_prefix), None, options)
        write_state(os.path.dirname(path), CheckpointState(path, [path]))
        return path

    def _save_numbered(self, prefix: str, number: int | None, options: CheckpointOptions | None) -> str:
        """Count, and write to ``<prefix>-<number>``, the count unless `number` is given."""
        _check_eager()
        self.save_counter.assign_add(1)
        try:
            return self.write(
                f"{prefix}-{int(self.save_counter.numpy()) if number is None else number}", options
            )
        except BaseException:
            self.save_counter.assign_sub(1)  # so that the next one has this number
            raise

    def sync(self) -> None:
        """Nothing to wait for: checkpoints are whole when `save` returns, asynchronous ones too."""

    def read(self, save_path: PathLike, options: CheckpointOptions | None = None) -> CheckpointLoadStatus:
        """Restore what `write` wrote.

        Args:
            save_path: the path that `write` returned.
            options: see CheckpointOptions.

        Returns:
            What was matched, and will be: values for objects that are not there yet are applied when they are assigned
            to the attribute of the same name.

        Raises:
            NotFoundError: there is no such checkpoint.
            ValueError: a value's shape does not fit its variable. Nothing has changed then.
            InvalidArgumentError: a value has another dtype than its variable. Nothing has changed then.
            DataLossError: the checkpoint is damaged.
        """
        reader = BundleReader(save_path)
        graph = None
        if reader.has_tensor(OBJECT_GRAPH_KEY):
            graph = decode_object_graph(reader.get_tensor(OBJECT_GRAPH_KEY)[()], reader.prefix)
        return restore_objects(reader, self._root or self, self._children_of, graph)

    def restore(
        self, save_path: PathLike | None, options: CheckpointOptions | None = None
    ) -> CheckpointLoadStatus | NothingRestored:
        """Restore what `save` saved, the save counter included.

        Args:
            save_path: the path that `save` returned, or that of a saved model; None for nothing to restore.
            options: see CheckpointOptions.

        Returns:
            See `read`.

        Raises:
            NotFoundError: there is no such checkpoint.
            ValueError: a value's shape does not fit its variable. Nothing has changed then.
            InvalidArgumentError: a value has another dtype than its variable. Nothing has changed then.
            DataLossError: the checkpoint is damaged.
        """
        if save_path is None:
            return NothingRestored()
        path = os.fspath(save_path)
        if os.path.exists(os.path.join(path, "saved_model.pb")):
            path = os.path.join(path, "variables", "variables")
        try:
            status = self.read(path, options)
        except NotFoundError as error:
            raise NotFoundError(
                None,
                None,
                f"Error when restoring from checkpoint or SavedModel at {os.fspath(save_path)}: {error.message} Please "
                "check the path: is the number missing (the '-1' in 'path/to/ckpt-1')?",
            ) from None
        if not status.by_name:
            _ = self.save_counter  # made now, so that it gets its value
        return status


def _check_eager() -> None:
    if not executing_eagerly():
        raise NotImplementedError(
            "Calling Checkpoint.write() or save() from a function is not supported: it would run once, when the "
            "function is traced. Call it outside."
        )


def _trackable(name: str, value: Any) -> Trackable:
    value = wrap(value)
    if not isinstance(value, Trackable):
        raise ValueError(
            f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from `Trackable`), got "
            f"{value!r}."
        )
    return value
