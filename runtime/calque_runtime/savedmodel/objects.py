"""What a loaded model is made of when nothing knows the classes that made it.

model.layers[0].kernel.numpy()          attributes, lists, dicts and variables as they were saved
model(x), model.predict(x)              functions
model.signatures["serving_default"](x=x)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from reprlib import recursive_repr
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType
from calque_runtime.errors import NotFoundError
from calque_runtime.resources import Variable as State
from calque_runtime.shapes import Shape, format_shape

from .calling import ConcreteFunction
from .metagraph import VariableInfo

__all__ = [
    "CallableObject",
    "Dict",
    "List",
    "Object",
    "OptimizerObject",
    "ResourceObject",
    "Signatures",
    "Tuple",
    "Variable",
]


class Object:
    """A loaded object: what it held is its attributes.

    Attributes that are not among them: `variables` and `trainable_variables`, the variables in it and in what it
    holds, each once; and `signatures`.
    """

    def __getattr__(self, name: str) -> Any:
        # Reached only where nothing of that name was saved. Keras keeps its own attributes (`layers`, `metrics` ...)
        # apart, in an object of this name.
        keras = self.__dict__.get("keras_api")
        if isinstance(keras, Object) and name in keras.__dict__:
            return keras.__dict__[name]
        if name == "variables":
            return tuple(_variables(self))
        if name == "trainable_variables":
            return tuple(v for v in _variables(self) if v.trainable)
        if name == "signatures":
            return Signatures()
        there = ", ".join(sorted(k for k in self.__dict__ if not k.startswith("_"))) or "none"
        raise AttributeError(f"the loaded object has no attribute '{name}'; it has: {there}")

    def __repr__(self) -> str:
        names = sorted(k for k in self.__dict__ if not k.startswith("_"))
        return f"<loaded object: {', '.join(names) or 'empty'}>"


class CallableObject(Object):
    """A loaded object that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object's saved ``__call__``."""
        return self.__dict__["__call__"](*args, **kwargs)


class OptimizerObject(Object):
    """A loaded optimizer that keeps slot variables: values that belong to a variable it trains."""

    __slots__ = ("_slot_variables",)  # not in __dict__, where whatever was saved ends up

    def __init__(self) -> None:
        self._slot_variables: dict[tuple[int, str], Any] = {}

    def get_slot_names(self) -> list[str]:
        """The names of its slots: ``m`` and ``v`` for Adam."""
        return sorted({name for _, name in self._slot_variables})

    def get_slot(self, variable: Any, slot_name: str) -> Any:
        """What it keeps for a variable of the model.

        Args:
            variable: one of the loaded model's.
            slot_name: one of `get_slot_names`.

        Raises:
            NotFoundError: it keeps nothing of that name for the variable.
        """
        found = self._slot_variables.get((id(variable), slot_name))
        if found is None:
            raise NotFoundError(
                None,
                None,
                f"the optimizer has no slot {slot_name!r} for {variable!r}; its slots: {self.get_slot_names()}",
            )
        return found


class ResourceObject(Object):
    """A table or another resource; `handle` is the resource itself."""

    handle: Any = None


class List(list[Any]):
    """A loaded list."""

    def _set(self, name: str, value: Any) -> None:
        index = int(name)
        self.extend([None] * (index + 1 - len(self)))  # items that cannot be saved leave gaps
        self[index] = value


class Dict(dict[str, Any]):
    """A loaded dict."""


class Tuple(Sequence[Any]):
    """A loaded tuple; the items of a named tuple are attributes as well."""

    def __init__(self) -> None:
        self._items = List()

    def __getitem__(self, index: Any) -> Any:
        items = self._items[index]
        return tuple(items) if isinstance(index, slice) else items

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, Tuple)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @recursive_repr("(...)")
    def __repr__(self) -> str:
        return repr(tuple(self._items))


class Signatures(Mapping[str, ConcreteFunction]):
    """The signatures of a loaded model by name."""

    def __init__(self) -> None:
        self._functions: dict[str, ConcreteFunction] = {}

    def __getitem__(self, name: str) -> ConcreteFunction:
        if name not in self._functions:
            there = ", ".join(map(repr, self._functions)) or "none"
            raise KeyError(f"there is no signature {name!r}; there are: {there}")
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {one!r}" for name, one in self._functions.items()) + "}"


class Variable:
    """A loaded variable. Its value is read from the checkpoint, and verified, when it is first asked for.

    Attributes:
        state: what functions share.
        trainable: is it one of the trainable ones?
        name: as in TensorFlow, with ``:0``.
    """

    def __init__(self, state: State, info: VariableInfo) -> None:
        self.state = state
        self.trainable = info.trainable
        self.name = f"{info.name}:0"

    @property
    def dtype(self) -> DType:
        """Its element type."""
        return self.state.dtype

    @property
    def shape(self) -> Shape:
        """Its static shape."""
        return self.state.shape

    def numpy(self) -> Any:
        """Its value: an array not to be written to.

        Raises:
            FailedPreconditionError: it has none.
            DataLossError: the value in the checkpoint is damaged.
        """
        value = self.state.value
        return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value

    def assign(self, value: Any) -> None:
        """Replace the value; functions see the new one from their next call on.

        Raises:
            InvalidArgumentError: its dtype or shape does not fit.
        """
        if not isinstance(value, (np.ndarray, np.generic)):
            value = np.asarray(value, self.dtype.np)
        self.state.assign(np.array(value))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.state.value, dtype=dtype)

    def __repr__(self) -> str:
        return f"<variable '{self.name}': {self.dtype.name}{format_shape(self.shape)}>"


def _variables(root: Object) -> Iterator[Variable]:
    """Every variable once: an object's own by attribute name, then those of the objects it holds."""
    seen: set[int] = set()
    objects: list[Object] = [root]
    while objects:
        one = objects.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        inner: list[Object] = []
        held = [one.__dict__[k] for k in sorted(one.__dict__, reverse=True)]
        while held:  # with lists and dicts opened, where they stand
            value = held.pop()
            if isinstance(value, Object):
                inner.append(value)
            elif isinstance(value, (Variable, List, Tuple, Dict)) and id(value) not in seen:
                seen.add(id(value))
                if isinstance(value, Variable):
                    yield value
                elif isinstance(value, Dict):
                    held.extend(value[k] for k in sorted(value, reverse=True))
                else:
                    held.extend(reversed(value))
        objects.extend(reversed(inner))
