"""What makes a new trace: a call's arguments, canonicalized, and the key under which its trace is kept.

Nested lists, tuples, mappings, attrs classes and dataclasses stand in the key by their structure; what stands for a
leaf, `leaves` says.
"""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import nest
from ..composite.composite import CompositeTensor
from ..composite.trace_type import TracingContext
from ..composite.type_spec import TypeSpec
from ..convert import to_array
from ..tensor import EagerTensor, SymbolicTensor
from ..tensor_spec import TensorSpec, VariableSpec
from ..variable import Variable
from .input_signature import cast, checked_specs, specs_by_parameter
from .leaves import ATOMS, Leaf, Literal, TensorLeaf, TypeLeaf, VariableLeaf, object_leaf

__all__ = ["Arguments", "FunctionSignature", "identifier"]


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
        TypeError: there is something else than specs in `input_signature`.
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
        self.input_signature = None if input_signature is None else checked_specs(input_signature)
        self._specs: dict[str, Any] | None = None

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
        made._specs = None
        return made

    @classmethod
    def of_keywords(cls, name: str, names: Sequence[str]) -> FunctionSignature:
        """The signature of a function of keyword-only arguments."""
        kind = inspect.Parameter.KEYWORD_ONLY
        return cls.of(name, inspect.Signature([inspect.Parameter(identifier(n), kind) for n in names]))

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
            _check_names(values[self._rest])
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
            TypeError: an argument cannot be part of a key (unhashable and no tensor).
        """
        walk = _Walk()
        structure: dict[str, Any] = {}
        for parameter in self.parameters:
            name, value = parameter.name, values[parameter.name]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                walk.key.append(len(value))
                structure[name] = tuple([walk.root(part, f"{name}_{i}") for i, part in enumerate(value)])
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                walk.key.append(tuple(value))
                structure[name] = {key: walk.root(part, key) for key, part in value.items()}
            else:
                structure[name] = walk.root(value, name)
        return Arguments(structure, walk.leaves, walk.tensors, walk.paths, walk.names, tuple(walk.key))

    def cast_to_input_signature(self, values: dict[str, Any]) -> dict[str, Any]:
        """Arguments converted to the specs of `input_signature`; those it does not name must be at their defaults.

        Raises:
            TypeError: one does not fit; names it, what came and what is wanted.
        """
        specs = self.specs_by_parameter()
        out: dict[str, Any] = {}
        for parameter in self.parameters:
            name, value = parameter.name, values[parameter.name]
            try:
                if name in specs:
                    out[name] = cast(value, specs[name])
                    continue
                if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
                    fits = not value
                else:
                    fits = value is parameter.default or bool(value == parameter.default)
                if not fits:
                    raise TypeError(
                        f"Can not cast {value!r} to Literal[{parameter.default!r}]: the input_signature has no entry "
                        "for it, so that it can only have its default"
                    )
            except TypeError as e:
                raise TypeError(
                    f"Binding inputs to tf.function failed due to `{e}` for argument '{name}' of {self.name}"
                    f"{self.signature}. The input_signature is {self.input_signature!r}."
                ) from None
            out[name] = value
        return out

    def specs_by_parameter(self) -> dict[str, Any]:
        """The entries of `input_signature` by the parameter they are for.

        Raises:
            TypeError: they do not fit the parameters.
        """
        if self._specs is None:
            self._specs = specs_by_parameter(
                self.input_signature or (), self.parameters, f"{self.name}{self.signature}"
            )
        return self._specs

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


class _Walk:
    """Goes through arguments, and notes of each leaf what stands for it; the lists are those of `Arguments`."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.tensors: list[Any] = []
        self.paths: list[str] = []
        self.names: list[str] = []
        self.key: list[Any] = []
        self._aliases: dict[int, int] = {}
        self._root = ""

    def root(self, value: Any, name: str) -> Any:
        """The structure of leaves for one argument of that name."""
        self._root = name
        return self._visit(value, name)

    def _visit(self, value: Any, path: str) -> Any:
        parts = nest.argument_parts(value)
        if parts is not None:
            return self._nested(value, *parts, path)
        if isinstance(value, (np.ndarray, np.generic)) or (
            hasattr(value, "__array__")
            and not isinstance(value, (EagerTensor, SymbolicTensor, Variable, type))
            and not hasattr(value, "__tf_tracing_type__")
        ):
            array, dtype = to_array(value)
            value = EagerTensor(np.array(array), dtype)
        leaf, tensors = self._leaf(value, path)
        self.tensors += tensors
        own = getattr(leaf, "name", None)
        self.paths += [own or path] * len(tensors)
        self.names += [own or self._root] * len(tensors)
        self.leaves.append(leaf)
        self.key.append(leaf)
        return leaf

    def _leaf(self, value: Any, path: str) -> tuple[Leaf, list[Any]]:
        """What stands for a leaf, and the tensors that it passes to the graph."""
        if type(value) is EagerTensor:
            return TensorLeaf(value._dtype, value.shape.as_tuple()), [value]
        if type(value) in ATOMS:
            return Literal(value), []
        if isinstance(value, SymbolicTensor):
            return TensorLeaf(value.dtype, value._value.shape), [value]
        if isinstance(value, Variable):
            alias = self._aliases.setdefault(id(value._state), len(self._aliases))
            return VariableLeaf(value.dtype, value._state.shape, value.trainable, alias), [value]
        if isinstance(value, TensorSpec):
            return TensorLeaf(value.dtype, value.shape.as_tuple(), value.name), [value]
        if isinstance(value, CompositeTensor):
            spec = value._type_spec
            return TypeLeaf(spec), spec.to_tensors(value)
        if isinstance(value, TypeSpec) and not isinstance(value, VariableSpec):
            return TypeLeaf(value), value.flatten()
        if hasattr(value, "__tf_tracing_type__") and not isinstance(value, type):
            own = value.__tf_tracing_type__(TracingContext())
            return TypeLeaf(own), list(own.to_tensors(value))
        return object_leaf(value, path), []

    def _nested(self, value: Any, other: Any, children: list[tuple[Any, Any]], path: str) -> Any:
        self.key.append(_kind_of(value, [place for place, _ in children]))
        if other is not None:
            self.key.append(_Equal(other))
        parts = [self._visit(child, f"{path}_{place}") for place, child in children]
        return nest.argument_like(value, parts, raw=True)


def _kind_of(value: Any, places: list[Any]) -> Hashable:
    """What two structures must share to be alike, beside their children."""
    if isinstance(value, Mapping):
        return dict, tuple(places)
    named = type(value) if not isinstance(value, (list, tuple)) or hasattr(value, "_fields") else None
    return named or (list if isinstance(value, list) else tuple), len(places)


class _Equal:
    """A part of the key that may have no hash: compared with ``==``."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Equal) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(type(self.value))


def _check_names(kwargs: Mapping[str, Any]) -> None:
    """Are keyword arguments still told apart when they become names in a graph?

    Raises:
        ValueError: two are not.
    """
    if all(map(str.isidentifier, kwargs)):
        return
    names = [re.sub(r"[^A-Za-z0-9_]", "_", key) for key in kwargs]
    if len(set(names)) < len(names):
        raise ValueError(
            "Name collision after sanitization. Please rename tf.function input parameters. Original: "
            f"{list(kwargs)}, Sanitized: {names}"
        )


def identifier(name: str) -> str:
    """`name` as a Python identifier."""
    cleaned = re.sub(r"\W", "_", name)
    return cleaned if cleaned.isidentifier() and not keyword.iskeyword(cleaned) else f"_{cleaned}"
