"""What makes a new trace: a call's arguments, canonicalized, and the key under which its trace is kept.

A leaf of the arguments is one of
- a tensor (or numpy array): stands in the key by dtype and shape, as a `TensorSpec`;
- a variable: by identity among the variables of the call, dtype and shape;
- a Python value (number, string, None, enum, ...): by value, compared with ``==``;
- any other object: by identity, held weakly.
Nested lists, tuples and mappings stand in the key by their structure.
"""

from __future__ import annotations

import inspect
import keyword
import re
import types
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calque_runtime import dtypes, shapes

from .. import nest
from ..tensor import EagerTensor, SymbolicTensor, Tensor
from ..tensor_spec import TensorSpec
from ..variable import Variable

__all__ = ["Arguments", "FunctionSignature", "Leaf", "Literal", "ObjectLeaf", "TensorLeaf", "VariableLeaf"]

Shape = shapes.Shape


class Leaf:
    """How one leaf of the arguments stands in the key."""

    __slots__ = ()

    def accepts(self, other: Leaf) -> bool:
        """Can a trace made for this leaf run for `other`?"""
        return self == other

    def describe(self) -> str:
        """As shown in signatures and messages."""
        raise NotImplementedError


@dataclass(frozen=True)
class TensorLeaf(Leaf):
    """A tensor of that dtype and (possibly partial) shape."""

    dtype: dtypes.DType
    shape: Shape

    def accepts(self, other: Leaf) -> bool:
        """See Leaf: the other's shape is at least as precise."""
        if not isinstance(other, TensorLeaf) or other.dtype is not self.dtype:
            return False
        if self.shape is None:
            return True
        if other.shape is None or len(other.shape) != len(self.shape):
            return False
        return all(a is None or a == b for a, b in zip(self.shape, other.shape, strict=True))

    def describe(self) -> str:
        """See Leaf."""
        return repr(TensorSpec(self.shape, self.dtype))


@dataclass(frozen=True)
class VariableLeaf(Leaf):
    """A variable of that dtype and shape; `alias` tells which arguments are the same variable."""

    dtype: dtypes.DType
    shape: Shape
    trainable: bool
    alias: int

    def describe(self) -> str:
        """See Leaf."""
        shape = shapes.format_shape(self.shape)
        return f"VariableSpec(shape={shape}, dtype={self.dtype!r}, trainable={self.trainable}, alias_id={self.alias})"


class Literal(Leaf):
    """A Python value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and (self.value is other.value or bool(self.value == other.value))

    def __hash__(self) -> int:
        return hash(self.value)

    def describe(self) -> str:
        """See Leaf."""
        return f"Literal[{self.value!r}]"


class ObjectLeaf(Leaf):
    """Any other object, by identity; a trace does not keep it alive."""

    __slots__ = ("_id", "reference")

    def __init__(self, value: Any) -> None:
        try:
            self.reference: Callable[[], Any] = weakref.ref(value)
        except TypeError:
            self.reference = lambda: value
        self._id = id(value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ObjectLeaf):
            return False
        mine = self.reference()
        return mine is not None and mine is other.reference()

    def __hash__(self) -> int:
        return self._id

    def describe(self) -> str:
        """See Leaf."""
        return f"Weakref[{self.reference()!r}]"


_ATOMS = (int, float, complex, str, bytes, bool, type(None))


@dataclass
class Arguments:
    """A call's arguments, canonicalized.

    Attributes:
        structure: by parameter: the argument, nested as given, with every leaf replaced by its Leaf.
        leaves: the leaves in order.
        tensors: what is passed on at run time, in order: arrays' tensors and variables.
        paths: for each tensor, a name that says where it stands (``x``, ``x_1``, ``x_key``), or its spec's own.
        names: for each tensor, the name of its parameter, or its spec's own.
        key: equal for calls that share a trace.
    """

    structure: dict[str, Any]
    leaves: list[Leaf]
    tensors: list[Any]
    paths: list[str]
    names: list[str]
    key: Hashable


class FunctionSignature:
    """A Python function's parameters, and how a call's arguments become `Arguments`.

    Args:
        function: the Python function (unbound).
        bound: is its first parameter filled in by the instance it is bound to?
        input_signature: the specs that every call must match, or None.

    Raises:
        TypeError: `input_signature` does not fit the parameters.
    """

    def __init__(
        self, function: Callable[..., Any], bound: bool = False, input_signature: Any = None
    ) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        try:
            signature = inspect.signature(function, follow_wrapped=True)
        except (TypeError, ValueError):
            signature = inspect.Signature(
                [
                    inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
                    inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
                ]
            )
        parameters = list(signature.parameters.values())
        if bound and parameters and parameters[0].kind in (0, 1):
            parameters = parameters[1:]
        self.parameters = parameters
        self.signature = signature.replace(parameters=parameters)
        self._positional = [p.name for p in parameters if p.kind in (0, 1)]
        self._rest = next((p.name for p in parameters if p.kind is inspect.Parameter.VAR_KEYWORD), None)
        # A call with all positional parameters and nothing else needs no binding.
        self._plain = all(p.kind in (0, 1) for p in parameters)
        self.input_signature = (
            None if input_signature is None else self._check_input_signature(input_signature)
        )

    @classmethod
    def of(cls, name: str, signature: inspect.Signature, input_signature: Any = None) -> FunctionSignature:
        """The signature of a function that is known by its parameters only, as a loaded one is."""
        made = cls.__new__(cls)
        made.name = name
        made.signature = signature
        made.parameters = list(signature.parameters.values())
        made._positional = [p.name for p in made.parameters if p.kind in (0, 1)]
        made._rest = next((p.name for p in made.parameters if p.kind is inspect.Parameter.VAR_KEYWORD), None)
        made._plain = all(p.kind in (0, 1) for p in made.parameters)
        made.input_signature = input_signature
        return made

    @classmethod
    def of_keywords(cls, name: str, names: Sequence[str]) -> FunctionSignature:
        """The signature of a function of keyword-only arguments."""
        kind = inspect.Parameter.KEYWORD_ONLY
        return cls.of(name, inspect.Signature([inspect.Parameter(_identifier(n), kind) for n in names]))

    def _check_input_signature(self, specs: Any) -> tuple[Any, ...]:
        if not isinstance(specs, (list, tuple)):
            raise TypeError(f"input_signature must be either a tuple or a list, got {type(specs)}.")
        for leaf in nest.flatten(list(specs)):
            if not isinstance(leaf, TensorSpec):
                raise TypeError(
                    f"input_signature must be a possibly nested sequence of TensorSpec objects, got {leaf!r}."
                )
        takes_rest = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in self.parameters)
        if len(specs) > len(self._positional) and not takes_rest:
            raise TypeError(
                f"input_signature has {len(specs)} entries, but {self.name}{self.signature} takes "
                f"{len(self._positional)} positional arguments."
            )
        required = [
            p.name for p in self.parameters if p.kind in (0, 1) and p.default is inspect.Parameter.empty
        ]
        if len(specs) < len(required):
            raise TypeError(
                f"input_signature has no entry for {', '.join(repr(n) for n in required[len(specs) :])} of "
                f"{self.name}{self.signature}."
            )
        return tuple(specs)

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by parameter, defaults filled in; ``*args`` as a tuple, ``**kwargs`` as a dict.

        Raises:
            TypeError: they do not fit the parameters; says which are missing or unknown, and shows the signature.
        """
        if self._plain and not kwargs and len(args) == len(self._positional):
            return dict(zip(self._positional, args, strict=True))
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as e:
            raise TypeError(
                f"Binding inputs to tf.function failed due to `{e}`. Received args: {tuple(args)} and kwargs: "
                f"{dict(kwargs)} for signature: {self.name}{self.signature}."
            ) from None
        bound.apply_defaults()
        values = dict(bound.arguments)
        if self._rest is not None:
            values[self._rest] = dict(sorted(values[self._rest].items()))
        return values

    def split(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments by parameter as (positional, keyword), to call the Python function with."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in self.parameters:
            value = values[parameter.name]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(value)
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                kwargs.update(value)
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        return args, kwargs

    def canonicalize(self, values: Mapping[str, Any]) -> Arguments:
        """See `Arguments`.

        Raises:
            TypeError: an argument cannot be part of a key (unhashable and no tensor), with its name.
        """
        leaves: list[Leaf] = []
        tensors: list[Any] = []
        paths: list[str] = []
        names: list[str] = []
        aliases: dict[int, int] = {}
        key: list[Any] = []

        def visit(value: Any, path: str) -> Any:
            kind = type(value)
            if kind is EagerTensor:
                leaf: Leaf = TensorLeaf(
                    value._dtype,
                    np.shape(value._array) if value._dtype.size or value._dtype.kind == "s" else (),
                )
                tensors.append(value)
            elif kind in _ATOMS:
                leaf = Literal(value)
            elif isinstance(value, (list, tuple, Mapping)):
                return visit_nested(value, path)
            elif isinstance(value, SymbolicTensor):
                leaf = TensorLeaf(value.dtype, value._value.shape)
                tensors.append(value)
            elif isinstance(value, Variable):
                alias = aliases.setdefault(id(value._state), len(aliases))
                leaf = VariableLeaf(value.dtype, value._state.shape, value.trainable, alias)
                tensors.append(value)
            elif isinstance(value, TensorSpec):
                leaf = TensorLeaf(value.dtype, value.shape.as_tuple())
                tensors.append(value)
            elif isinstance(value, (np.ndarray, np.generic)):
                return visit(_eager(value), path)
            else:
                leaf = _object_leaf(value, path)
            if len(paths) < len(tensors):
                own = value.name if isinstance(value, TensorSpec) else None
                paths.append(own or path)
                names.append(own or root)
            leaves.append(leaf)
            key.append(leaf)
            return leaf

        def visit_nested(value: Any, path: str) -> Any:
            if isinstance(value, Mapping):
                key.append((dict, tuple(sorted(value))))
                return {k: visit(value[k], f"{path}_{k}") for k in sorted(value)}
            named = type(value) if hasattr(value, "_fields") else None
            key.append((named or (list if isinstance(value, list) else tuple), len(value)))
            places = getattr(value, "_fields", range(len(value)))
            parts = [visit(v, f"{path}_{place}") for place, v in zip(places, value, strict=True)]
            return named(*parts) if named is not None else parts if isinstance(value, list) else tuple(parts)

        structure: dict[str, Any] = {}
        for parameter in self.parameters:
            name, value = parameter.name, values[parameter.name]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                key.append(len(value))
                parts = []
                for i, part in enumerate(value):
                    root = f"{name}_{i}"
                    parts.append(visit(part, root))
                structure[name] = tuple(parts)
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                key.append(tuple(value))
                structure[name] = {}
                for root, part in value.items():
                    structure[name][root] = visit(part, root)
            else:
                root = name
                structure[name] = visit(value, name)
        return Arguments(structure, leaves, tensors, paths, names, tuple(key))

    def cast_to_input_signature(self, values: dict[str, Any]) -> dict[str, Any]:
        """Arguments converted to the specs of `input_signature`; those it does not name must be at their defaults.

        Raises:
            TypeError: one does not fit; names it, what came and what is wanted.
        """
        specs = self.specs_by_parameter()
        out = {name: self._cast(values[name], spec, name) for name, spec in specs.items()}
        for parameter in self.parameters:
            name, value = parameter.name, values[parameter.name]
            if name in specs:
                continue
            if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
                fits = not value
            else:
                fits = value is parameter.default or bool(value == parameter.default)
            if not fits:
                raise TypeError(
                    f"Argument '{name}' of {self.name} is {value!r}, but the input_signature {self.input_signature!r} "
                    f"has no entry for it: it can only have its default, in {self.name}{self.signature}."
                )
            out[name] = value
        return out

    def specs_by_parameter(self) -> dict[str, Any]:
        """The entries of `input_signature` by the parameter they are for."""
        specs = self.input_signature or ()
        out: dict[str, Any] = dict(zip(self._positional, specs, strict=False))
        rest = next((p.name for p in self.parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), None)
        if rest is not None and len(specs) > len(self._positional):
            out[rest] = tuple(specs[len(self._positional) :])
        return out

    def _cast(self, value: Any, spec: Any, name: str) -> Any:
        if isinstance(spec, TensorSpec):
            return self._cast_leaf(value, spec, name)
        try:
            nest.assert_same_structure(spec, value)
        except (TypeError, ValueError) as e:
            raise TypeError(
                f"Argument '{name}' of {self.name} does not have the structure of {spec!r}: {e}"
            ) from None
        cast = [
            self._cast_leaf(v, s, name) for v, s in zip(nest.flatten(value), nest.flatten(spec), strict=True)
        ]
        return nest.pack_sequence_as(spec, cast)

    def _cast_leaf(self, value: Any, spec: TensorSpec, name: str) -> Any:
        from ..tensor import convert_to_tensor

        if isinstance(value, TensorSpec):
            tensor: Any = value
        elif isinstance(value, (Tensor, Variable)):
            tensor = value if isinstance(value, Tensor) else value.read_value()
        else:
            try:
                tensor = convert_to_tensor(value, dtype=spec.dtype)
            except (TypeError, ValueError) as e:
                raise TypeError(f"Argument '{name}' of {self.name} cannot become {spec!r}: {e}") from None
        if tensor.dtype is not spec.dtype or not spec.shape.is_compatible_with(tensor.shape):
            came = TensorSpec(tensor.shape, tensor.dtype)
            raise TypeError(
                f"Binding inputs to tf.function failed due to `Can not cast {came!r} to {spec!r}` for argument "
                f"'{name}' of {self.name}{self.signature}."
            )
        return tensor

    def specs_as_arguments(self) -> dict[str, Any]:
        """The specs of `input_signature` by parameter, defaults for the rest: what the one trace is made for."""
        values = {p.name: p.default for p in self.parameters}
        for p in self.parameters:
            if p.kind is inspect.Parameter.VAR_POSITIONAL:
                values[p.name] = ()
            elif p.kind is inspect.Parameter.VAR_KEYWORD:
                values[p.name] = {}
        values.update(self.specs_by_parameter())
        return values


def _identifier(name: str) -> str:
    """`name` as a Python identifier."""
    cleaned = re.sub(r"\W", "_", name)
    return cleaned if cleaned.isidentifier() and not keyword.iskeyword(cleaned) else f"_{cleaned}"


def _eager(value: Any) -> EagerTensor:
    from ..convert import to_array

    array, dtype = to_array(value)
    return EagerTensor(np.array(array), dtype)


def _object_leaf(value: Any, path: str) -> Leaf:
    import enum

    if isinstance(value, (enum.Enum, dtypes.DType, range, type)):
        return Literal(value)
    if callable(value) and not isinstance(value, types.FunctionType) and type(value).__hash__ is not None:
        return Literal(value)  # a bound method is a new object each time it is asked for: compared with ==
    if hasattr(value, "__tf_tracing_type__") or type(value).__hash__ is not None:
        return ObjectLeaf(value)
    raise TypeError(
        f"Argument '{path}' is of type {type(value).__name__}, which is neither a tensor nor hashable: a traced "
        "function cannot tell when it must be traced again. Pass a tensor, or give the class a __hash__."
    )
