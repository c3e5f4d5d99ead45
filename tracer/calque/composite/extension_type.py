"""`ExtensionType`: classes of one's own that are made of tensors, declared by their fields."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from .. import nest
from ..tensor import Tensor, convert_to_tensor
from .composite import CompositeTensor
from .fields import Field, ImmutableDict, as_value, fields_of, map_parts
from .type_spec import TypeSpec, type_spec_from_value

__all__ = [
    "AnonymousExtensionType",
    "AnonymousExtensionTypeSpec",
    "BatchableExtensionType",
    "ExtensionType",
    "ExtensionTypeSpec",
    "as_dict",
    "registered_name",
    "registered_spec",
]


class ExtensionType(CompositeTensor):
    """The base of immutable classes made of tensors and other values.

    A subclass declares its fields by annotations::

        class MaskedTensor(tf.experimental.ExtensionType):
            values: tf.Tensor
            mask: tf.Tensor
            name: str = ""

    A field is a tensor, another composite tensor or extension type, a Python int, float, bool, str, bytes or None, a
    `tf.DType`, a `tf.TensorShape`, or a ``Union``, ``Tuple`` or ``Mapping`` of such. The constructor takes the fields
    in order or by name, and converts tensors, dtypes, shapes, lists and dicts; a class may have its own, which assigns
    them. ``__validate__(self)``, where there is one, checks the object when it is made.

    A class whose body says ``__name__ = "package.Name"`` is registered under that name: functions of its objects can be
    saved, and take and give them again when they are loaded. Without the class, a loaded function gives objects of
    `AnonymousExtensionType`, which have the fields and nothing else.

    Attributes:
        Spec: the class of the specs of such objects; it takes the same fields, specs for tensors.

    Raises:
        TypeError: a field is annotated as something else, a default is of another type, or a value does not fit.
        ValueError: a field's name is reserved, or the class's ``__name__`` is taken.
        AttributeError: a field is assigned after the object was made.
    """

    _counts_as_tensor = False
    _fields_declared: ClassVar[dict[str, Field]] = {}
    Spec: ClassVar[type[ExtensionTypeSpec]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._fields_declared = fields_of(cls, cls._fields_declared)
        own = {"__qualname__": f"{cls.__qualname__}.Spec", "__module__": cls.__module__, "value_type": cls}
        cls.Spec = type(f"{cls.__name__}.Spec", (ExtensionTypeSpec,), own)
        registered = cls.__dict__.get("__name__")
        if registered is not None:
            _register(f"{registered}.Spec", cls.Spec)
        made = cls.__dict__.get("__init__")
        if made is None:
            base = next((b.__dict__["__init__"] for b in cls.__mro__[1:] if "__init__" in b.__dict__), None)
            if base is None or getattr(base, "_is_generated", False) or base is object.__init__:
                cls.__init__ = _constructor(cls._fields_declared, cls)  # type: ignore[method-assign]
                cls.__signature__ = inspect.signature(cls.__init__)  # type: ignore[attr-defined]
        elif not getattr(made, "_is_generated", False):
            cls.__init__ = _finishing(made)  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fields_declared and self.__dict__.get("_is_made"):
            raise AttributeError(
                f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionType."
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._fields_declared and self.__dict__.get("_is_made"):
            raise AttributeError(
                f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionType."
            )
        object.__delattr__(self, name)

    def _convert_fields(self) -> None:
        """Make the fields what they are declared as; the object is done."""
        for name, field in self._fields_declared.items():
            if name not in self.__dict__:
                raise AttributeError(
                    f"The constructor of {type(self).__name__} does not set the field '{name}'."
                )
            object.__setattr__(self, name, as_value(self.__dict__[name], field.hint, name))
        object.__setattr__(self, "_is_made", True)
        validate = getattr(self, "__validate__", None)
        if validate is not None:
            validate()

    @property
    def _type_spec(self) -> ExtensionTypeSpec:
        return self.Spec.from_value(self)

    def __eq__(self, other: object) -> Any:
        if type(self) is not type(other):
            return False
        mine, theirs = self._type_spec, other._type_spec
        if mine != theirs:
            return False
        pairs = zip(mine.to_tensors(self), theirs.to_tensors(other), strict=True)
        from ..api.math_ops import equal, logical_and
        from ..api.reduce_ops import reduce_all

        result: Any = True
        for a, b in pairs:
            same = reduce_all(equal(a, b))
            result = same if result is True else logical_and(result, same)
        return result

    def __ne__(self, other: object) -> Any:
        same = self.__eq__(other)
        if isinstance(same, bool):
            return not same
        from ..api.math_ops import logical_not

        return logical_not(same)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields_declared)
        return f"{type(self).__name__}({fields})"


def _constructor(fields: dict[str, Field], cls: type) -> Any:
    kinds = inspect.Parameter
    parameters = [
        kinds(n, kinds.POSITIONAL_OR_KEYWORD, default=f.default, annotation=f.hint) for n, f in fields.items()
    ]
    try:
        signature = inspect.Signature(parameters)
    except ValueError:  # one without a default behind one that has one: by name, then
        signature = inspect.Signature([p.replace(kind=kinds.KEYWORD_ONLY) for p in parameters])

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            object.__setattr__(self, name, value)
        self._convert_fields()

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    __init__._is_generated = True  # type: ignore[attr-defined]
    __init__.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[kinds("self", kinds.POSITIONAL_ONLY), *signature.parameters.values()]
    )
    return __init__


def _finishing(own: Any) -> Any:
    """A constructor of the user's, after which the fields are converted."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        depth = self.__dict__.get("_depth", 0)
        object.__setattr__(self, "_depth", depth + 1)
        own(self, *args, **kwargs)
        object.__setattr__(self, "_depth", depth)
        if depth == 0:
            del self.__dict__["_depth"]
            self._convert_fields()

    __init__.__signature__ = inspect.signature(own)  # type: ignore[attr-defined]
    __init__.__doc__ = own.__doc__
    return __init__


class ExtensionTypeSpec(TypeSpec):
    """The spec of an extension type's objects: its fields, with specs in place of tensors."""

    value_type: type[ExtensionType]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = self.value_type._fields_declared
        names = list(fields)
        if len(args) > len(names):
            raise TypeError("too many positional arguments")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        unknown = [name for name in given if name not in fields]
        if unknown:
            raise TypeError(f"got an unexpected keyword argument '{unknown[0]}'")
        for name, field in fields.items():
            if name not in given:
                if field.default is inspect.Parameter.empty:
                    raise TypeError(f"missing a required argument: '{name}'")
                given[name] = map_parts(_spec_of, as_value(field.default, field.hint, name))
            object.__setattr__(self, name, as_value(given[name], field.hint, name, spec=True))

    @classmethod
    def from_value(cls, value: Any) -> ExtensionTypeSpec:
        """The spec of an object."""
        made = object.__new__(cls)
        for name in cls.value_type._fields_declared:
            object.__setattr__(made, name, map_parts(_spec_of, getattr(value, name)))
        return made

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionTypeSpec."
        )

    def _serialize(self) -> tuple[tuple[str, Any], ...]:
        return tuple((name, getattr(self, name)) for name in self.value_type._fields_declared)

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        made = object.__new__(cls)
        for name, value in serialization:
            object.__setattr__(made, name, value)
        return made

    @property
    def _component_specs(self) -> tuple[Any, ...]:
        return tuple(self._parts())

    def _parts(self) -> Iterator[TypeSpec]:
        for _, value in self._serialize():
            yield from (leaf for leaf in nest.flatten(value) if isinstance(leaf, TypeSpec))

    def _to_components(self, value: Any) -> tuple[Any, ...]:
        found: list[Any] = []
        for name in self.value_type._fields_declared:
            leaves = nest.flatten(getattr(value, name))
            found += [leaf for leaf in leaves if isinstance(leaf, (Tensor, CompositeTensor))]
        return tuple(found)

    def _from_components(self, components: Any) -> Any:
        parts = iter(components)
        made = object.__new__(self.value_type)
        for name, value in self._serialize():
            field = map_parts(lambda v: next(parts) if isinstance(v, TypeSpec) else v, value)
            object.__setattr__(made, name, field)
        object.__setattr__(made, "_is_made", True)
        return made

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={_plain(value)!r}" for name, value in self._serialize())
        return f"{self.value_type.__name__}.Spec({fields})"

    def __reduce__(self) -> Any:
        return _remade, (self.value_type, self._serialize())


class BatchableExtensionType(ExtensionType):
    """An extension type whose objects can be batched; here it is like any other."""


def _remade(value_type: type[ExtensionType], serialization: Any) -> Any:
    return value_type.Spec._deserialize(serialization)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, ImmutableDict) else value


def _spec_of(value: Any) -> Any:
    """The spec of a tensor or composite; any other value as it is."""
    if isinstance(value, (Tensor, CompositeTensor)) or hasattr(value, "__tf_tensor__"):
        return type_spec_from_value(value if isinstance(value, CompositeTensor) else convert_to_tensor(value))
    return value


def as_dict(value: ExtensionType) -> dict[str, Any]:
    """The fields of an extension type's object, by name."""
    return {name: getattr(value, name) for name in value._fields_declared}


class AnonymousExtensionType(CompositeTensor):
    """An object of an extension type whose class is not known: it has the fields that it was saved with."""

    _counts_as_tensor = False

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    @property
    def _type_spec(self) -> AnonymousExtensionTypeSpec:
        return AnonymousExtensionTypeSpec(**{k: map_parts(_spec_of, v) for k, v in vars(self).items()})

    def __repr__(self) -> str:
        return f"AnonymousExtensionType({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


class AnonymousExtensionTypeSpec(TypeSpec):
    """The spec of an extension type whose class is not known."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    @property
    def value_type(self) -> type:
        """AnonymousExtensionType."""
        return AnonymousExtensionType

    def _serialize(self) -> tuple[tuple[str, Any], ...]:
        return tuple(vars(self).items())

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        return cls(**dict(serialization))

    @property
    def _component_specs(self) -> tuple[Any, ...]:
        leaves = nest.flatten([value for _, value in self._serialize()])
        return tuple(leaf for leaf in leaves if isinstance(leaf, TypeSpec))

    def _to_components(self, value: Any) -> tuple[Any, ...]:
        leaves = nest.flatten([getattr(value, name) for name, _ in self._serialize()])
        return tuple(leaf for leaf in leaves if isinstance(leaf, (Tensor, CompositeTensor)))

    def _from_components(self, components: Any) -> Any:
        parts = iter(components)

        def filled(value: Any) -> Any:
            return next(parts) if isinstance(value, TypeSpec) else value

        return AnonymousExtensionType(**{name: map_parts(filled, v) for name, v in self._serialize()})

    def __repr__(self) -> str:
        return f"AnonymousExtensionTypeSpec({', '.join(f'{k}={v!r}' for k, v in self._serialize())})"


_registered: dict[str, type[ExtensionTypeSpec]] = {}


def _register(name: str, spec: type[ExtensionTypeSpec]) -> None:
    taken = _registered.get(name)
    if taken is not None and taken.value_type.__qualname__ != spec.value_type.__qualname__:
        raise ValueError(f"The name '{name}' is taken by {taken.value_type.__qualname__}.")
    _registered[name] = spec


def registered_name(spec: ExtensionTypeSpec) -> str | None:
    """The name under which the class of a spec is registered, or None."""
    return next((name for name, cls in _registered.items() if cls is type(spec)), None)


def registered_spec(name: str) -> type[TypeSpec]:
    """The class of specs registered under a name; where there is none, that of classes that are not known."""
    return _registered.get(name, AnonymousExtensionTypeSpec)
