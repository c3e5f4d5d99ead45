"""`TypeSpec`: the type of a value that is made of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType

from .trace_type import TraceType

__all__ = ["TypeSpec", "register_type_spec_from_value_converter", "type_spec_from_value"]


class TypeSpec(TraceType):
    """The type of a value: what a function's argument must be like.

    A subclass says what its values are made of:

    - `value_type`: the class of the values;
    - `_serialize()`: a tuple of what the spec is made from, such that ``cls._deserialize(tuple)``, by default
      ``cls(*tuple)``, makes it again; specs are compared by it;
    - `_component_specs`: the specs of what a value is made of, nested in any way;
    - `_to_components(value)` and `_from_components(components)`: from a value to its components, and back.
    """

    __slots__ = ()
    _is_leaf = False  # does `nest` leave it whole, where it takes composites apart?

    @property
    def value_type(self) -> type:
        """The class of the values it describes."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its value_type is")

    def _serialize(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _serialize()")

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        return cls(*serialization)

    @property
    def _component_specs(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _component_specs")

    def _to_components(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _to_components()")

    def _from_components(self, components: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _from_components()")

    # Comparing

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Could one value be of both types, or is the value of this type?"""
        spec = spec_or_value
        if not isinstance(spec, TypeSpec):
            try:
                spec = type_spec_from_value(spec_or_value)
            except TypeError:
                return False
        return type(self) is type(spec) and _compatible(self._serialize(), spec._serialize())

    def is_subtype_of(self, other: Any) -> bool:
        """Is every value of this type one of the type `other`?"""
        return type(self) is type(other) and _narrower(self._serialize(), other._serialize())

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """The narrowest type of all values of this type and the `others`; None where there is none."""
        if any(type(self) is not type(other) for other in others):
            return None
        try:
            return self._deserialize(_widest(self._serialize(), [o._serialize() for o in others]))
        except _NoneInCommon:
            return None

    def most_specific_compatible_type(self, other: Any) -> Any:
        """The narrowest type of all values of this type and of `other`.

        Raises:
            ValueError: there is none.
        """
        found = self.most_specific_common_supertype([other])
        if found is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return found

    # Taking values apart

    def flatten(self) -> list[Any]:
        """The specs of the tensors that a value is made of, in order."""
        from .. import nest

        return nest.flatten(self._component_specs, expand_composites=True)

    _flat_tensor_specs = property(flatten)

    def to_tensors(self, value: Any) -> list[Any]:
        """The tensors that `value` is made of, in the order of `flatten`."""
        from .. import nest

        return nest.flatten(self._to_components(value), expand_composites=True)

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """A value of this type made of the next tensors that `tensors` gives."""
        from .. import nest

        components = self._component_specs
        count = len(nest.flatten(components, expand_composites=True))
        parts = [next(tensors) for _ in range(count)]
        return self._from_components(nest.pack_sequence_as(components, parts, expand_composites=True))

    def cast(self, value: Any, cast_context: Any) -> Any:
        """`value`, if it is of this type.

        Raises:
            TypeError: it is of another.
        """
        if self.is_compatible_with(value):
            return value
        try:
            came: Any = type_spec_from_value(value)
        except TypeError:
            came = value
        raise TypeError(f"Can not cast {came!r} to {self!r}")

    def __tf_tracing_type__(self, context: Any) -> TypeSpec:
        return self

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bool(_key(self) == _key(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(_key(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}"

    def __reduce__(self) -> Any:
        return _made, (type(self), self._serialize())


def _made(cls: type[TypeSpec], serialization: Any) -> TypeSpec:
    return cls._deserialize(serialization)  # type: ignore[no-any-return]


def _key(value: Any) -> Any:
    """Something hashable that is equal for equal parts of specs."""
    if isinstance(value, TypeSpec):
        return type(value), _key(value._serialize())
    if isinstance(value, (list, tuple)):
        return (list if isinstance(value, list) else tuple, *map(_key, value))
    if isinstance(value, Mapping):
        return (dict, *((k, _key(v)) for k, v in sorted(value.items())))
    if isinstance(value, np.ndarray):
        return np.ndarray, value.dtype.str, value.shape, value.tobytes()
    return value


def _pairs(a: Any, b: Any) -> list[tuple[Any, Any]] | None:
    """The parts of two containers side by side; None where they are none, or differ in kind or size."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return [(a[k], b[k]) for k in a] if set(a) == set(b) else None
    if isinstance(a, (list, tuple)) and type(a) is type(b) and len(a) == len(b):
        return list(zip(a, b, strict=True))
    return None


def _same(a: Any, b: Any) -> bool:
    return bool(_key(a) == _key(b))


def _compatible(a: Any, b: Any) -> bool:
    if hasattr(a, "is_compatible_with") and not isinstance(a, DType):
        return type(a) is type(b) and bool(a.is_compatible_with(b))
    pairs = _pairs(a, b)
    return _same(a, b) if pairs is None else all(_compatible(x, y) for x, y in pairs)


def _narrower(a: Any, b: Any) -> bool:
    if hasattr(a, "is_subtype_of"):
        return type(a) is type(b) and bool(a.is_subtype_of(b))
    pairs = _pairs(a, b)
    return _same(a, b) if pairs is None else all(_narrower(x, y) for x, y in pairs)


class _NoneInCommon(Exception):
    pass


def _widest(a: Any, others: Sequence[Any]) -> Any:
    if hasattr(a, "most_specific_common_supertype"):
        found = a.most_specific_common_supertype(others) if all(type(a) is type(o) for o in others) else None
        if found is None:
            raise _NoneInCommon
        return found
    columns = [_pairs(a, other) for other in others]
    if not isinstance(a, (list, tuple, Mapping)) or None in columns:
        if all(_same(a, other) for other in others):
            return a
        raise _NoneInCommon
    parts = [
        _widest(mine, [column[i][1] for column in columns if column is not None])
        for i, mine in enumerate(a.values() if isinstance(a, Mapping) else a)
    ]
    if isinstance(a, Mapping):
        return dict(zip(a, parts, strict=True))
    return type(a)(*parts) if hasattr(a, "_fields") else type(a)(parts)


_converters: list[tuple[type, Callable[[Any], Any]]] = []


def register_type_spec_from_value_converter(
    type_object: type, converter_fn: Callable[[Any], Any], allow_subclass: bool = False
) -> None:
    """Let `type_spec_from_value` make the spec of a value of `type_object` by `converter_fn`.

    Args:
        type_object: the class of the values.
        converter_fn: from a value to its spec.
        allow_subclass: also for values of its subclasses. They are always included here.
    """
    _converters.append((type_object, converter_fn))


def type_spec_from_value(value: Any) -> Any:
    """The TypeSpec of a tensor, a variable, a composite tensor, or of anything that can be made a tensor.

    Raises:
        TypeError: `value` is nothing of the kind.
    """
    from ..tensor import Tensor, convert_to_tensor
    from ..tensor_spec import TensorSpec, VariableSpec
    from ..variable import Variable

    if isinstance(value, TypeSpec):
        return value
    if isinstance(value, Variable):
        return VariableSpec.from_value(value)
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    own = getattr(value, "_type_spec", None)
    if isinstance(own, TypeSpec):
        return own
    for kind, converter in reversed(_converters):
        if isinstance(value, kind):
            return converter(value)
    try:
        tensor = convert_to_tensor(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Could not build a TypeSpec for {value!r} with type {type(value).__name__}"
        ) from error
    return TensorSpec(tensor.shape, tensor.dtype)
