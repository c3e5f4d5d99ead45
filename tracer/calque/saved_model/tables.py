"""The content of tables that change: the functions by which a loader saves and restores it."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.tables import StaticTable, Table

from ..api.raw import raw
from ..function.concrete import ConcreteFunction
from ..resource import TableResource
from ..tensor import EagerTensor, constant
from ..tensor_spec import TensorSpec
from .loaded import LoadedResource

__all__ = ["has_content", "table_functions"]


def has_content(node: Any) -> bool:
    """Is it a table whose content is saved with it?"""
    if isinstance(node, TableResource):
        return node.stored
    if not isinstance(node, LoadedResource) or not node.__dict__["_saved_as"].saveable_objects:
        return False
    return isinstance(node.handle, Table) and not isinstance(node.handle, StaticTable)


def table_functions(table: Table) -> tuple[ConcreteFunction, ConcreteFunction]:
    """The functions that give and take a table's content, in the form that loaders call them in."""
    from ..function import function

    handle = EagerTensor(table, dtypes.resource)

    def save_fn(checkpoint_key: Any) -> list[dict[str, Any]]:
        keys, values = raw("LookupTableExportV2")(handle, Tkeys=table.key_dtype, Tvalues=table.value_dtype)
        whole = constant("")
        return [
            {"name": checkpoint_key + part, "tensor": content, "slice_spec": whole}
            for part, content in (("-keys", keys), ("-values", values))
        ]

    def restore_fn(restored_tensors_0: Any, restored_tensors_1: Any) -> Any:
        raw("LookupTableImportV2")(handle, restored_tensors_0, restored_tensors_1)
        return constant(1)

    save = function(save_fn, autograph=False)
    restore = function(restore_fn, autograph=False)
    return (
        save.get_concrete_function(TensorSpec([], dtypes.string)),
        restore.get_concrete_function(TensorSpec(None, table.key_dtype), TensorSpec(None, table.value_dtype)),
    )
