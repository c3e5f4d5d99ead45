"""Resources that are no variables, such as tables: made and filled by functions that are saved with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from calque_runtime import dtypes
from calque_runtime.tables import StaticTable, Table

from .context import init_scope
from .tensor import EagerTensor, Tensor
from .trackable import AutoTrackable, Trackable

__all__ = ["TableResource", "restored_table", "stored_table"]

# What a table's content is called in checkpoints: one attribute, of two tensors whose keys have these endings.
_ATTRIBUTE, _KEYS, _VALUES = "table", "-keys", "-values"


class TableResource(AutoTrackable):
    """A table, and what makes, fills and drops it.

    Subclasses define `_make`, which calls the op that makes the table, and `_fill`, which fills it.

    Attributes:
        handle: the table itself.
        stored: is its content part of checkpoints? That of a table with an initializer is not.
    """

    handle: Table
    stored = False

    def _set_up(self) -> None:
        """Make the table, and fill it."""
        with init_scope():
            self.handle = self._make(anonymous=True)._array
            self._tensor = EagerTensor(self.handle, dtypes.resource)
            self._fill()

    def _make(self, anonymous: bool) -> Any:
        """A new table's handle; one that is not anonymous may be shared under its node's name."""
        raise NotImplementedError

    def _fill(self) -> None:
        """Fill the table."""

    @property
    def resource_handle(self) -> Tensor:
        """The table, as a tensor for ops."""
        return self._tensor

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        children = super()._trackable_children(save_type)
        if save_type == "savedmodel":
            if "_functions" not in self.__dict__:
                self.__dict__["_functions"] = self._lifecycle()
            children |= self.__dict__["_functions"]
        return children

    def _lifecycle(self) -> dict[str, Trackable]:
        """The functions that a loader makes, fills and drops the table with."""
        from .function import function
        from .tensor import constant

        def _creator() -> Any:
            return self._make(anonymous=False)

        def _initializer() -> Any:
            self._fill()
            return constant(1)

        def _destroyer() -> Any:
            return constant(1)

        def saved(body: Callable[[], Any]) -> Trackable:
            made: Trackable = function(body, input_signature=[], autograph=False)
            return made

        return {
            "_create_resource": saved(_creator),
            "_initialize": saved(_initializer),
            "_destroy_resource": saved(_destroyer),
        }

    def _serialize_to_tensors(self) -> Mapping[str, Any]:
        return stored_table(self.handle) if self.stored else {}

    def _copy(self, table: Any) -> None:
        """Have the content of another table, unless an initializer fills this one."""
        if self.stored:
            self.handle.fill(*table.content())

    def _restore_from_tensors(self, restored: Mapping[str, Any]) -> None:
        restored_table(self.handle, restored)


def stored_table(table: Any) -> Mapping[str, Any]:
    """What a checkpoint holds of a table; nothing of one that an initializer fills."""
    if not isinstance(table, Table) or isinstance(table, StaticTable):
        return {}
    keys, values = table.content()
    return {_ATTRIBUTE: {_KEYS: (keys, table.key_dtype), _VALUES: (values, table.value_dtype)}}


def restored_table(table: Table, restored: Mapping[str, Any]) -> None:
    """Give a table the content that `stored_table` described."""
    parts = restored[_ATTRIBUTE]
    table.fill(parts[_KEYS], parts[_VALUES])
