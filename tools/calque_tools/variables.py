"""The variables of a SavedModel and what they take."""

from __future__ import annotations

from typing import Any

from calque_runtime.checkpoint import BundleReader, Entry
from calque_runtime.dtypes import DType
from calque_runtime.errors import NotFoundError, OpError
from calque_runtime.savedmodel.files import variables_prefix
from calque_runtime.savedmodel.metagraph import MetaGraph, VariableInfo
from calque_runtime.savedmodel.restore import Checkpoint
from calque_runtime.shapes import Shape, known_size
from calque_runtime.wire import schema

from .objects import Place

__all__ = ["VariableFacts", "bundle_variables", "stored_bytes", "totals"]

Facts = dict[str, Any]


class VariableFacts:
    """What is known of the variables among the saved objects.

    Args:
        directory: of the SavedModel.
        meta_graph: which has an object graph.

    Attributes:
        problem: why the checkpoint cannot be read, or the first variable that it does not fit; None where all is well.
    """

    def __init__(self, directory: str, meta_graph: MetaGraph) -> None:
        self.problem: str | None = None
        self._checkpoint: Checkpoint | None = None
        self._entries: dict[str, Entry] = {}
        try:
            if meta_graph.object_graph is not None:
                self._checkpoint = Checkpoint(variables_prefix(directory), meta_graph.object_graph)
                self._entries = self._checkpoint.reader.entries
        except OpError as error:
            self.problem = error.message

    def __call__(self, place: Place, info: VariableInfo) -> Facts:
        """The facts of the variable at `place`; sizes are those of its value, where it has one."""
        entry = None
        if self._checkpoint is not None:
            try:
                entry = self._entries[self._checkpoint.key(place.number, info, place.path)]
            except OpError as error:
                self.problem = self.problem or error.message
        return _fact(place.path, info.name, info.dtype, info.shape, info.trainable, entry)


def _fact(
    path: str, name: str, dtype: DType, shape: Shape, trainable: bool | None, entry: Entry | None
) -> Facts:
    elements = known_size(shape if entry is None else entry.shape)
    return {
        "path": path,
        "name": name,
        "dtype": dtype.name,
        "shape": None if shape is None else list(shape),
        "trainable": trainable,
        "parameters": elements,
        "bytes": stored_bytes(dtype, elements, entry),
    }


def stored_bytes(dtype: DType, elements: int | None, entry: Entry | None) -> int | None:
    """What a tensor takes: its elements' bytes; for strings and variants what they take in the checkpoint."""
    if dtype.size:
        return None if elements is None else elements * dtype.size
    return None if entry is None else entry.size


def totals(variables: list[Facts]) -> Facts:
    """Sums over variables, of what is known."""

    def total(key: str, which: list[Facts]) -> int:
        return sum(one[key] or 0 for one in which)

    trainable = [one for one in variables if one["trainable"]]
    return {
        "variables": len(variables),
        "parameters": total("parameters", variables),
        "bytes": total("bytes", variables),
        "trainable_variables": len(trainable),
        "trainable_parameters": total("parameters", trainable),
    }


def bundle_variables(directory: str, meta_graph: MetaGraph) -> tuple[list[Facts], str | None]:
    """The variables of a TF1 model, which are the tensors of its checkpoint; and why that cannot be read, or None."""
    trainable = _trainable_names(meta_graph)
    try:
        entries = BundleReader(variables_prefix(directory)).entries
    except NotFoundError as error:
        # A graph without variables needs no checkpoint.
        return [], error.message if meta_graph.saver is not None else None
    except OpError as error:
        return [], error.message
    return [
        _fact(key, key, entry.dtype, entry.shape, None if trainable is None else key in trainable, entry)
        for key, entry in entries.items()
    ], None


def _trainable_names(meta_graph: MetaGraph) -> set[str] | None:
    collection = meta_graph.collections.get("trainable_variables")
    if collection is None or collection.kind != "bytes":
        return None
    protos = [schema.parse(schema.VariableDef, data, "trainable_variables") for data in collection.values]
    return {proto.variable_name.partition(":")[0] for proto in protos}
