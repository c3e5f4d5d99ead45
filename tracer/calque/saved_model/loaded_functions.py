"""Loaded functions: the tracer's own, around the graphs that a file holds."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType
from calque_runtime.effects import has_effect
from calque_runtime.ir import Function as IrFunction
from calque_runtime.ir import FunctionRef, Value
from calque_runtime.savedmodel import calling, matching
from calque_runtime.savedmodel.metagraph import BareConcreteFunction, FunctionSpec
from calque_runtime.shapes import compatible, merge
from calque_runtime.structure import TensorSpecValue, TypeSpecValue

from .. import nest
from ..function.concrete import ConcreteFunction
from ..function.leaves import TensorLeaf
from ..function.polymorphic import Function
from ..function.signature import FunctionSignature
from ..function.trace import Trace
from ..tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from ..tensor_spec import TensorSpec, VariableSpec
from ..variable import Variable
from .gradients import callees, restore_gradients
from .specs import decode, decode_leaf, decode_spec, decode_type
from .structures import without_defaults

__all__ = ["LoadedConcreteFunction", "LoadedFunction", "TensorConvention"]


class TensorConvention(matching.Convention):
    """Calls with tensors, variables, arrays and Python values; results are tensors.

    Args:
        casts: do arrays become tensors of the type that the function was declared with, as when it was traced?
    """

    def __init__(self, casts: bool = False) -> None:
        self._casts = casts

    def tensor(self, value: Any, dtype: DType, convert: bool) -> Any:
        """See `Convention`."""
        if isinstance(value, (Tensor, TensorSpec)):
            return value
        if isinstance(value, Variable):
            return value.read_value()
        if convert and self._casts and isinstance(value, (np.ndarray, np.generic)):
            return convert_to_tensor(value, dtype_hint=dtype)
        if not convert and not hasattr(value, "dtype"):
            return None
        array = super().tensor(value, dtype, convert)
        return None if array is None else convert_to_tensor(array)

    def dtype_of(self, tensor: Any) -> DType | None:
        """See `Convention`."""
        return tensor.dtype  # type: ignore[no-any-return]

    def is_tensor(self, value: Any) -> bool:
        """See `Convention`."""
        return isinstance(value, (Tensor, Variable))

    def shape_of(self, tensor: Any) -> Any:
        """See `Convention`."""
        return tensor.shape.as_tuple()

    def result(self, array: Any) -> Any:
        """See `Convention`."""
        return array

    def components(self, value: Any, spec: TypeSpecValue) -> Sequence[Any] | None:
        """See `Convention`; a variable is its own component, and a spec stands for a value of it."""
        wanted = decode_type(spec)
        if wanted is None or not wanted.is_compatible_with(value):
            return None
        if isinstance(wanted, VariableSpec):
            return [value]
        return nest.flatten(value, expand_composites=True)

    def compose(self, spec: TypeSpecValue, parts: tuple[Any, ...]) -> Any:
        """See `Convention`."""
        made = decode_type(spec)
        if made is None:
            return super().compose(spec, parts)
        return nest.pack_sequence_as(made, list(parts), expand_composites=True)


_CONVENTION = TensorConvention()


class _Runs(calling.Concrete):
    """A loaded concrete function, as the calling conventions see it, run through the tracer."""

    def __init__(self, concrete: calling.Concrete, owner: LoadedConcreteFunction) -> None:
        super().__init__(
            concrete.name, concrete.info, concrete.env, concrete.bound, lambda: concrete.captures
        )
        self.owner = owner

    def run(self, flat: Sequence[Any]) -> list[Any]:
        """The flat results, as tensors."""
        return self.owner.flat_results(flat)


class LoadedConcreteFunction(ConcreteFunction):
    """A loaded concrete function. Its graph is decoded when it is first needed.

    Args:
        concrete: what the file holds.
        name: the path of the attribute that it is, or is a trace of.
        spec: how the function that it is a trace of is called.
        keywords: the names of its flat arguments, where the file tells them.
    """

    def __init__(
        self,
        concrete: calling.Concrete,
        name: str,
        spec: FunctionSpec | None = None,
        keywords: Sequence[str] | None = None,
    ) -> None:
        self.info = concrete.info
        self.environment = concrete.env
        self.runs = _Runs(concrete, self)
        self._path = name
        self._plan = None
        self._adapter: calling.ConcreteFunction | None = None
        self._spec = None if spec is None else without_defaults(spec)
        self._bare: BareConcreteFunction | None = None
        if keywords is not None:
            self.arg_names = list(keywords)

    def call_as(
        self, adapter: calling.ConcreteFunction, bare: BareConcreteFunction
    ) -> LoadedConcreteFunction:
        """Let calls go through `adapter`, which knows how the function was called; returns the function."""
        self._adapter, self._bare = adapter, bare
        return self

    @property
    def bare(self) -> BareConcreteFunction:
        """How it is called when it is an object of its own."""
        if self._bare is not None:
            return self._bare
        return BareConcreteFunction(self.name, tuple(self.arg_names), len(self.arg_names), self._spec)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Of a signature: the values of the inputs that a call may leave out, by name."""
        return {} if self._adapter is None else self._adapter.defaults

    @defaults.setter
    def defaults(self, values: Mapping[str, Any]) -> None:
        if self._adapter is not None:
            self._adapter.defaults = values

    # Its graph

    @property
    def name(self) -> str:
        """Its name in the file's library."""
        return self.runs.name

    @cached_property
    def function(self) -> IrFunction:  # type: ignore[override]
        """The graph."""
        function = self.runs.function
        self.runs.check()
        # Callees are resolved, so that whoever copies or calls the function, or what it calls, needs no library.
        restore_gradients(list(callees([function], self.runs.env.library)), self.runs.env)
        _sharpen(function.inputs, matching.flat_specs(self.runs.info.input_signature))
        _sharpen(function.outputs, matching.flat_specs(self.runs.info.output_signature))
        return function

    @cached_property
    def captures(self) -> list[tuple[Any, Value]]:  # type: ignore[override]
        """What its last arguments stand for: variables, constant tensors, other resources."""
        bound = self.runs.bound
        inner = self.function.inputs[len(self.function.inputs) - len(bound) :]
        states = self.runs.captures
        pairs = [(_external(b, s, v), v) for b, s, v in zip(bound, states, inner, strict=True)]
        for external, value in pairs:
            if isinstance(external, EagerTensor) and value.shape is None:
                value.shape = external.shape.as_tuple()
        return pairs

    @cached_property
    def graph(self) -> Trace:  # type: ignore[override]
        """Its graph, as one that has been traced."""
        trace = Trace(self.name)
        trace.function, trace.outer, trace.captures = self.function, None, self.captures
        for variable in self._variables:
            trace.note_variable(variable)
        return trace

    @cached_property
    def arg_names(self) -> list[str]:  # type: ignore[override]
        """The name of each flat argument."""
        count = len(self.function.inputs) - len(self.runs.bound)
        specs = list(matching.flat_specs(self.runs.info.input_signature))
        names = (
            [s.name if s is not None and s.name else "" for s in specs]
            if len(specs) == count
            else [""] * count
        )
        return [n or v.node.name for n, v in zip(names, self.function.inputs, strict=False)]

    # How it is called

    @cached_property
    def _parameters(self) -> tuple[FunctionSignature, dict[str, Any]]:
        """Its parameters, and for each what it was traced for."""
        positional, keyword = self.runs.info.input_signature
        name = self._path.rpartition(".")[2]
        if self._spec is not None:
            signature = FunctionSignature.of(name, _python_parameters(self._spec))
            structure = _by_parameter(signature, positional, keyword)
            if structure is not None:
                return signature, {key: decode(part, decode_leaf) for key, part in structure.items()}
        signature = FunctionSignature.of_keywords(name, self.arg_names)
        specs = list(matching.flat_specs(self.runs.info.input_signature))
        if len(specs) != len(self.arg_names) or None in specs:
            leaves = [TensorLeaf(v.dtype, v.shape) for v in self.function.inputs[: len(self.arg_names)]]
        else:
            leaves = [decode_leaf(spec) for spec in specs]  # type: ignore[misc]
        return signature, dict(zip([p.name for p in signature.parameters], leaves, strict=True))

    @property
    def signature(self) -> FunctionSignature:  # type: ignore[override]
        """Its parameters."""
        return self._parameters[0]

    @property
    def structure(self) -> dict[str, Any]:  # type: ignore[override]
        """By parameter: the argument's structure with a `Leaf` for each leaf."""
        return self._parameters[1]

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(positional, keyword) arguments: a named TensorSpec for each tensor, Python values as they are."""
        positional, keyword = self.runs.info.input_signature
        return tuple(decode_spec(p) for p in positional), {k: decode_spec(v) for k, v in keyword.items()}

    @cached_property
    def _output_dtypes(self) -> list[DType]:  # type: ignore[override]
        return [v.dtype for v in self.function.outputs]

    @cached_property
    def _variables(self) -> list[Any]:  # type: ignore[override]
        return [b for b in self.runs.bound if isinstance(b, Variable)]

    @cached_property
    def _ref(self) -> FunctionRef:  # type: ignore[override]
        return FunctionRef(self.name, self.function)

    @cached_property
    def _effects(self) -> bool:  # type: ignore[override]
        return any(has_effect(node) for node in self.function.nodes)

    @cached_property
    def _flat_outputs(self) -> list[SymbolicTensor]:  # type: ignore[override]
        return [SymbolicTensor(v, self.graph) for v in self.function.outputs]

    @cached_property
    def _outputs(self) -> Any:
        return matching.pack(self.runs.info.output_signature, iter(self._flat_outputs), _CONVENTION)

    def _result_specs(self) -> Any:
        return decode_spec(self.runs.info.output_signature)

    @property
    def _single(self) -> bool:  # type: ignore[override]
        return isinstance(self.runs.info.output_signature, TensorSpecValue)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it as it was called when it was saved, or with its flat tensors by name.

        Raises:
            TypeError: an argument is missing or not taken.
            SignatureMismatchError: one has another type or shape, or is another Python value (also a ValueError).
        """
        if self._adapter is None:
            self._adapter = calling.ConcreteFunction(
                self.runs, self.arg_names, len(self.arg_names), self._spec, self._path, _CONVENTION
            )
        return self._adapter(*args, **kwargs)


def _sharpen(values: Sequence[Value], specs: Iterator[TensorSpecValue | None]) -> None:
    """Note the static shapes that a saved signature tells."""
    for value, spec in zip(values, specs, strict=False):
        if spec is not None and compatible(value.shape, spec.shape):
            value.shape = merge(value.shape, spec.shape)


def _external(bound: Any, state: Any, value: Value) -> Any:
    """What a capture stands for, as `ConcreteFunction.captures` holds it."""
    if isinstance(bound, (Variable, EagerTensor)):
        return bound
    tensor = getattr(bound, "_path_tensor", None) or getattr(bound, "handle", None)
    return tensor if isinstance(tensor, EagerTensor) else EagerTensor(state, value.dtype)


def _by_parameter(
    signature: FunctionSignature, positional: tuple[Any, ...], keyword: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The saved arguments by parameter; None where they are not those of these parameters."""
    structure: dict[str, Any] = {}
    rest, left = list(positional), dict(keyword)
    for parameter in signature.parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            structure[parameter.name], rest = tuple(rest), []
        elif parameter.kind is parameter.VAR_KEYWORD:
            structure[parameter.name], left = left, {}
        elif parameter.kind is parameter.KEYWORD_ONLY and parameter.name in left:
            structure[parameter.name] = left.pop(parameter.name)
        elif parameter.kind is not parameter.KEYWORD_ONLY and rest:
            structure[parameter.name] = rest.pop(0)
        else:
            return None
    return None if rest or left else structure


def _python_parameters(spec: FunctionSpec | None) -> inspect.Signature:
    """The parameters of the Python function that was saved, without its ``self``."""
    kinds, empty = inspect.Parameter, inspect.Parameter.empty
    if spec is None:
        return inspect.Signature([kinds("args", kinds.VAR_POSITIONAL), kinds("kwargs", kinds.VAR_KEYWORD)])
    names = spec.args[1:] if spec.is_method and spec.args[:1] == ("self",) else spec.args
    defaults = spec.defaults or ()
    first = len(names) - len(defaults)
    out = [
        kinds(
            n, kinds.POSITIONAL_OR_KEYWORD, default=empty if i < first else decode_spec(defaults[i - first])
        )
        for i, n in enumerate(names)
    ]
    if spec.varargs:
        out.append(kinds(spec.varargs, kinds.VAR_POSITIONAL))
    named = spec.kwonlydefaults or {}
    out += [
        kinds(n, kinds.KEYWORD_ONLY, default=decode_spec(named[n]) if n in named else empty)
        for n in spec.kwonlyargs
    ]
    if spec.varkw:
        out.append(kinds(spec.varkw, kinds.VAR_KEYWORD))
    return inspect.Signature(out)


class LoadedFunction(Function):
    """A loaded polymorphic function: it has the traces that were saved, and makes no new ones."""

    def __init__(
        self, concrete: Sequence[LoadedConcreteFunction], spec: FunctionSpec | None, name: str
    ) -> None:
        super().__init__(self._no_python, name=name.rpartition(".")[2])
        self.spec = spec
        self._loaded = list(concrete)
        self._convention = TensorConvention(casts=spec is not None and spec.input_signature is not None)
        self._restored = calling.RestoredFunction([c.runs for c in concrete], spec, name, self._convention)
        self._jit_compile = None if spec is None else spec.jit_compile

    @staticmethod
    def _no_python(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a loaded function has no Python body")

    @property
    def signature(self) -> FunctionSignature:
        """Its parameters, as they were saved."""
        if self._signature is None:
            self._signature = FunctionSignature.of(self._name, _python_parameters(self.spec), None)
        return self._signature

    @property
    def input_signature(self) -> Any:
        """The specs it was declared with, or None."""
        saved = None if self.spec is None else self.spec.input_signature
        return None if saved is None else tuple(decode_spec(s) for s in saved)

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """The traces that were saved."""
        return list(self._loaded)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the trace that fits the arguments.

        Raises:
            TypeError: an argument is missing or not taken.
            SignatureMismatchError: no trace fits (also a ValueError); it lists what came and what there is.
        """
        return self._restored(*args, **kwargs)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for a signature: arguments as in a call, with a `TensorSpec` for any tensor.

        Raises:
            SignatureMismatchError: there is none.
        """
        if not args and not kwargs and len(self._loaded) == 1:
            return self._loaded[0]
        probes = [_Probe(one) for one in self._loaded]
        finder = calling.RestoredFunction(probes, self.spec, self._restored.name, self._convention)
        try:
            finder(*args, **kwargs)
        except _Found as found:
            return found.concrete
        raise AssertionError("a probe always answers")

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A loaded function is bound to nothing."""
        return self

    def experimental_get_tracing_count(self) -> int:
        """How many traces it has."""
        return len(self._loaded)

    def __repr__(self) -> str:
        return repr(self._restored)


class _Found(Exception):
    def __init__(self, concrete: LoadedConcreteFunction) -> None:
        self.concrete = concrete


class _Probe(_Runs):
    """Says which trace a call would run, instead of running it."""

    def __init__(self, owner: LoadedConcreteFunction) -> None:
        super().__init__(owner.runs, owner)

    def run(self, flat: Sequence[Any]) -> list[Any]:
        raise _Found(self.owner)
