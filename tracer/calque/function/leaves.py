"""How one leaf of a call's arguments stands in the key under which the trace is kept.

A leaf is one of
- a tensor (or numpy array): by dtype and shape, and by name where a spec with a name was given;
- a variable: by dtype, shape, and which of the call's variables it is;
- a composite tensor, or an object of a class that says so: by its type, a `TraceType`;
- a Python value (number, string, None, enum, ...): by value, compared with ``==``;
- any other object: compared with ``==``, held weakly.
"""

from __future__ import annotations

import enum
import types
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from calque_runtime import dtypes, shapes

from ..composite.trace_type import TraceType
from ..tensor_spec import TensorSpec, VariableSpec

__all__ = [
    "ATOMS",
    "Leaf",
    "Literal",
    "ObjectLeaf",
    "TensorLeaf",
    "TypeLeaf",
    "VariableLeaf",
    "object_leaf",
]

Shape = shapes.Shape

ATOMS = (int, float, complex, str, bytes, bool, type(None))


class Leaf:
    """How one leaf of the arguments stands in the key."""

    __slots__ = ()

    def accepts(self, other: Leaf) -> bool:
        """Can a trace made for this leaf run for `other`?"""
        return self == other

    def outline(self) -> Any:
        """What two leaves must share for one to accept the other, hashable."""
        return self

    def widened(self, other: Leaf) -> Leaf | None:
        """The narrowest leaf that accepts both; None where there is none."""
        return self if self == other else None

    def specs(self) -> Sequence[TensorSpec]:
        """The specs of the tensors that it passes to the graph."""
        return ()

    def spec(self, names: Sequence[str]) -> Any:
        """As it stands in a structured signature.

        Args:
            names: for each of `specs`: the argument's name.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """As shown in signatures and messages."""
        raise NotImplementedError


def _covers(general: Shape, special: Shape) -> bool:
    if general is None:
        return True
    if special is None or len(special) != len(general):
        return False
    return all(a is None or a == b for a, b in zip(general, special, strict=True))


@dataclass(frozen=True)
class TensorLeaf(Leaf):
    """A tensor of that dtype and (possibly partial) shape; `name` is that of a spec that stands for it."""

    dtype: dtypes.DType
    shape: Shape
    name: str | None = None

    def accepts(self, other: Leaf) -> bool:
        """See Leaf: the other's shape is at least as precise, and it has this name or none."""
        return (
            isinstance(other, TensorLeaf)
            and other.dtype is self.dtype
            and (not other.name or other.name == self.name)
            and _covers(self.shape, other.shape)
        )

    def outline(self) -> Any:
        """See Leaf."""
        return TensorLeaf, self.dtype

    def widened(self, other: Leaf) -> Leaf | None:
        """See Leaf: sizes that differ become None."""
        if not isinstance(other, TensorLeaf) or other.dtype is not self.dtype or other.name != self.name:
            return None
        return TensorLeaf(self.dtype, shapes.relax(self.shape, other.shape), self.name)

    def specs(self) -> Sequence[TensorSpec]:
        """See Leaf."""
        return (TensorSpec(self.shape, self.dtype),)

    def spec(self, names: Sequence[str]) -> Any:
        """See Leaf."""
        return TensorSpec(self.shape, self.dtype, self.name or names[0])

    def describe(self) -> str:
        """See Leaf."""
        return repr(TensorSpec(self.shape, self.dtype, self.name))


@dataclass(frozen=True)
class VariableLeaf(Leaf):
    """A variable of that dtype and shape; `alias` tells which arguments are the same variable."""

    dtype: dtypes.DType
    shape: Shape
    trainable: bool
    alias: int

    def accepts(self, other: Leaf) -> bool:
        """See Leaf: the other's shape is at least as precise."""
        return (
            isinstance(other, VariableLeaf)
            and other.outline() == self.outline()
            and _covers(self.shape, other.shape)
        )

    def outline(self) -> Any:
        """See Leaf."""
        return VariableLeaf, self.dtype, self.trainable, self.alias

    def widened(self, other: Leaf) -> Leaf | None:
        """See Leaf: sizes that differ become None."""
        if not isinstance(other, VariableLeaf) or other.outline() != self.outline():
            return None
        return VariableLeaf(self.dtype, shapes.relax(self.shape, other.shape), self.trainable, self.alias)

    def specs(self) -> Sequence[TensorSpec]:
        """See Leaf: its handle."""
        return (TensorSpec([], dtypes.resource),)

    def spec(self, names: Sequence[str]) -> Any:
        """See Leaf."""
        return VariableSpec(self.shape, self.dtype, self.trainable, self.alias)

    def describe(self) -> str:
        """See Leaf."""
        return repr(self.spec(()))


class TypeLeaf(Leaf):
    """A composite tensor, or an object of a class with a ``__tf_tracing_type__``."""

    __slots__ = ("type",)

    def __init__(self, type: TraceType) -> None:
        self.type = type

    def accepts(self, other: Leaf) -> bool:
        """See Leaf."""
        return isinstance(other, TypeLeaf) and bool(other.type.is_subtype_of(self.type))

    def outline(self) -> Any:
        """See Leaf."""
        return TypeLeaf, type(self.type)

    def widened(self, other: Leaf) -> Leaf | None:
        """See Leaf."""
        if not isinstance(other, TypeLeaf):
            return None
        found = self.type.most_specific_common_supertype([other.type])
        return None if found is None else TypeLeaf(found)

    def specs(self) -> Sequence[TensorSpec]:
        """See Leaf."""
        return self.type.flatten()

    def spec(self, names: Sequence[str]) -> Any:
        """See Leaf."""
        return self.type

    def describe(self) -> str:
        """See Leaf."""
        return repr(self.type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeLeaf) and bool(self.type == other.type)

    def __hash__(self) -> int:
        return hash(self.type)

    def __repr__(self) -> str:
        return f"TypeLeaf({self.type!r})"


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, complex)) and value != value


class Literal(Leaf):
    """A Python value. NaN counts as equal to itself."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Literal):
            return False
        mine, theirs = self.value, other.value
        return mine is theirs or bool(mine == theirs) or (_is_nan(mine) and _is_nan(theirs))

    def __hash__(self) -> int:
        return 0 if _is_nan(self.value) else hash(self.value)

    def spec(self, names: Sequence[str]) -> Any:
        """See Leaf: the value."""
        return self.value

    def describe(self) -> str:
        """See Leaf."""
        return f"Literal[{self.value!r}]"


class ObjectLeaf(Leaf):
    """Any other object; a trace does not keep it alive. Once it is gone, the leaf equals nothing but itself."""

    __slots__ = ("_hash", "reference")

    def __init__(self, value: Any) -> None:
        value = getattr(value, "_trace_identity", value)  # a bound function is a new object each time
        self._hash = hash(value)
        make: Any = weakref.WeakMethod if isinstance(value, types.MethodType) else weakref.ref
        self.reference: Callable[[], Any] = make(value)

    @property
    def is_gone(self) -> bool:
        """Is the object no more?"""
        return self.reference() is None

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, ObjectLeaf):
            return False
        mine, theirs = self.reference(), other.reference()
        return mine is not None and theirs is not None and (mine is theirs or bool(mine == theirs))

    def __hash__(self) -> int:
        return self._hash

    def spec(self, names: Sequence[str]) -> Any:
        """See Leaf: the leaf itself."""
        return self

    def describe(self) -> str:
        """See Leaf."""
        return f"Weakref[{self.reference()!r}]"


def object_leaf(value: Any, path: str = "an argument") -> Leaf:
    """The leaf of a value that is no tensor and none of `ATOMS`.

    Args:
        value: the value.
        path: where it stands, for messages.

    Raises:
        TypeError: it cannot be hashed, or is a weak reference.
    """
    if isinstance(value, (enum.Enum, dtypes.DType, range, type, ATOMS)):
        return Literal(value)
    if isinstance(value, weakref.ref):
        raise TypeError(f"weakref input {value} not supported for tf.function.")
    try:
        hash(value)
    except TypeError as error:
        raise TypeError(
            f"Could not generate a generic TraceType for {value!r}, given as '{path}'. Please verify that it is "
            "immutable/hashable: a traced function cannot tell otherwise when it must be traced again. Pass a tensor, "
            f"give the class a __hash__, or let it say what it is by a __tf_tracing_type__. ({error})"
        ) from error
    try:
        return ObjectLeaf(value)
    except TypeError:
        return Literal(value)  # there are no weak references to it
