"""What a loaded model is made of in the tracer: the tracer's own variables and functions around what the file holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from calque_runtime.dtypes import DType
from calque_runtime.ir import Function as IrFunction
from calque_runtime.ir import FunctionRef, Value
from calque_runtime.savedmodel import calling, matching
from calque_runtime.savedmodel.metagraph import BareConcreteFunction, FunctionSpec
from calque_runtime.structure import TensorSpecValue

from ..function.concrete import ConcreteFunction
from ..function.effects import has_effect
from ..function.polymorphic import Function
from ..function.signature import FunctionSignature
from ..function.trace import Trace
from ..object_graph import walk
from ..tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from ..tensor_spec import TensorSpec
from ..trackable import AutoTrackable, Trackable
from ..variable import Variable
from .structures import without_defaults

__all__ = [
    "CallableLoadedObject",
    "LoadedConcreteFunction",
    "LoadedFunction",
    "LoadedObject",
    "LoadedResource",
    "TensorConvention",
]


class LoadedObject(AutoTrackable):
    """A loaded object: what it held is its attributes; its class is not known.

    Attributes that are not among them: `variables`, `trainable_variables` and `non_trainable_variables`, of it and of
    all that it holds, those nearest to it first.
    """

    def __getattr__(self, name: str) -> Any:
        # Reached only where nothing of that name was saved. Keras keeps its own attributes (`layers`, `metrics` ...)
        # apart, in an object of this name.
        keras = self.__dict__.get("keras_api")
        if isinstance(keras, LoadedObject) and name in keras.__dict__:
            return keras.__dict__[name]
        if name in ("variables", "trainable_variables", "non_trainable_variables"):
            view = walk(self)
            held = {
                number for children in view.children for _, number in children
            }  # an optimizer's slots are not
            found = [v for n, v in enumerate(view.nodes) if n in held and isinstance(v, Variable)]
            return tuple(
                v for v in found if name == "variables" or v.trainable == (name == "trainable_variables")
            )
        there = ", ".join(sorted(k for k in self.__dict__ if not k.startswith("_"))) or "none"
        raise AttributeError(f"the loaded object has no attribute '{name}'; it has: {there}")

    def _slot_variables(self) -> list[tuple[Trackable, str, Trackable]]:
        return list(self.__dict__.get("_slots", ()))

    def __repr__(self) -> str:
        names = sorted(k for k in self.__dict__ if not k.startswith("_"))
        return f"<loaded object: {', '.join(names) or 'empty'}>"


class CallableLoadedObject(LoadedObject):
    """A loaded object that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object's saved ``__call__``."""
        return self.__dict__["__call__"](*args, **kwargs)


class LoadedResource(LoadedObject):
    """A table or another resource.

    Attributes:
        handle: the resource itself; None where it could not be made.
    """

    handle: Any = None


class TensorConvention(matching.Convention):
    """Calls with tensors, variables, arrays and Python values; results are tensors."""

    def tensor(self, value: Any, dtype: DType, convert: bool) -> Any:
        """See `Convention`."""
        if isinstance(value, (Tensor, TensorSpec)):
            return value
        if isinstance(value, Variable):
            return value.read_value()
        if not convert and not hasattr(value, "dtype"):
            return None
        array = super().tensor(value, dtype, convert)
        return None if array is None else convert_to_tensor(array)

    def dtype_of(self, tensor: Any) -> DType | None:
        """See `Convention`."""
        return tensor.dtype  # type: ignore[no-any-return]

    def shape_of(self, tensor: Any) -> Any:
        """See `Convention`."""
        return tensor.shape.as_tuple()

    def result(self, array: Any) -> Any:
        """See `Convention`."""
        return array


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
    """A loaded concrete function. Its graph is decoded when it is first needed."""

    def __init__(self, concrete: calling.Concrete, name: str, spec: FunctionSpec | None = None) -> None:
        self.info = concrete.info
        self.environment = concrete.env
        self.runs = _Runs(concrete, self)
        self._path = name
        self._plan = None
        self._adapter: Callable[..., Any] | None = None
        self._spec = spec
        self._bare: BareConcreteFunction | None = None

    def call_as(self, adapter: Callable[..., Any], bare: BareConcreteFunction) -> LoadedConcreteFunction:
        """Let calls go through `adapter`, which knows how the function was called; returns the function."""
        self._adapter, self._bare = adapter, bare
        return self

    @property
    def bare(self) -> BareConcreteFunction:
        """How it is called when it is an object of its own."""
        if self._bare is not None:
            return self._bare
        spec = None if self._spec is None else without_defaults(self._spec)
        return BareConcreteFunction(self.name, tuple(self.arg_names), len(self.arg_names), spec)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Of a signature: the values of the inputs that a call may leave out, by name."""
        return getattr(self._adapter, "defaults", {})

    @defaults.setter
    def defaults(self, values: Mapping[str, Any]) -> None:
        if isinstance(self._adapter, calling.ConcreteFunction):
            self._adapter.defaults = values

    @property
    def name(self) -> str:
        """Its name in the file's library."""
        return self.runs.name

    @cached_property
    def function(self) -> IrFunction:  # type: ignore[override]
        """The graph."""
        function = self.runs.function
        self.runs.check()
        library = self.runs.env.library
        waiting, seen = [function], {function.name}
        while waiting:  # so that whoever copies or calls it, or what it calls, needs no library
            for ref in waiting.pop().calls():
                if ref.name not in library:
                    continue  # running it says which node lacks it
                callee = library.resolve(ref)
                if callee.name not in seen:
                    seen.add(callee.name)
                    waiting.append(callee)
        return function

    @cached_property
    def captures(self) -> list[tuple[Any, Value]]:  # type: ignore[override]
        """What its last arguments stand for: variables, constant tensors, other resources."""
        bound = self.runs.bound
        inner = self.function.inputs[len(self.function.inputs) - len(bound) :]
        states = self.runs.captures
        return [(_external(b, s, v), v) for b, s, v in zip(bound, states, inner, strict=True)]

    @cached_property
    def graph(self) -> Trace:  # type: ignore[override]
        """Its graph, as one that has been traced."""
        trace = Trace(self.name)
        trace.function, trace.outer, trace.captures = self.function, None, self.captures
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

    @cached_property
    def structure(self) -> dict[str, Any]:  # type: ignore[override]
        """The saved arguments: (positional, keyword)."""
        positional, keyword = self.runs.info.input_signature
        return {"args": positional, "kwargs": keyword}

    @cached_property
    def signature(self) -> FunctionSignature:  # type: ignore[override]
        """Its parameters: those of its flat tensors."""
        return FunctionSignature.of_keywords(self._path.rpartition(".")[2], self.arg_names)

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
        return matching.pack(self.runs.info.output_signature, iter(self._flat_outputs), self.runs_convention)

    runs_convention = TensorConvention()

    @property
    def _single(self) -> bool:  # type: ignore[override]
        return isinstance(self.runs.info.output_signature, TensorSpecValue)

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(positional, keyword) arguments: a named TensorSpec for each tensor, Python values as they are."""
        positional, keyword = self.runs.info.input_signature
        return tuple(_spec(p) for p in positional), {k: _spec(v) for k, v in keyword.items()}

    def _signature_line(self) -> str:
        return self.runs.signature

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """Arguments and result."""
        return self.runs.signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it as it was called when it was saved."""
        if self._adapter is None:
            return self.call_flat([convert_to_tensor(a) for a in args])
        return self._adapter(*args, **kwargs)


def _external(bound: Any, state: Any, value: Value) -> Any:
    """What a capture stands for, as `ConcreteFunction.captures` holds it."""
    if isinstance(bound, (Variable, EagerTensor)):
        return bound
    tensor = getattr(bound, "_path_tensor", None) or getattr(bound, "handle", None)
    return tensor if isinstance(tensor, EagerTensor) else EagerTensor(state, value.dtype)


def _spec(saved: Any) -> Any:
    if isinstance(saved, TensorSpecValue):
        return TensorSpec(saved.shape, saved.dtype, saved.name or None)
    if isinstance(saved, (list, tuple)):
        return type(saved)(_spec(s) for s in saved)
    if isinstance(saved, dict):
        return {k: _spec(v) for k, v in saved.items()}
    return saved


class LoadedFunction(Function):
    """A loaded polymorphic function: it has the traces that were saved, and makes no new ones."""

    def __init__(
        self, concrete: Sequence[LoadedConcreteFunction], spec: FunctionSpec | None, name: str
    ) -> None:
        super().__init__(self._no_python, name=name.rpartition(".")[2])
        self.spec = spec
        self._loaded = list(concrete)
        self._restored = calling.RestoredFunction([c.runs for c in concrete], spec, name, TensorConvention())
        self._jit_compile = None if spec is None else spec.jit_compile

    @staticmethod
    def _no_python(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a loaded function has no Python body")

    @property
    def signature(self) -> FunctionSignature:
        """Its parameters, as they were saved."""
        if self._signature is None:
            self._signature = FunctionSignature.of(self._name, _parameters(self.spec), None)
        return self._signature

    @property
    def input_signature(self) -> Any:
        """The specs it was declared with, or None."""
        saved = None if self.spec is None else self.spec.input_signature
        return None if saved is None else tuple(_spec(s) for s in saved)

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """The traces that were saved."""
        return list(self._loaded)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the trace that fits the arguments.

        Raises:
            SignatureMismatchError: none does (also a ValueError); it lists what came and what there is.
        """
        return self._restored(*args, **kwargs)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for a signature: arguments as in a call, with a `TensorSpec` for any tensor.

        Raises:
            SignatureMismatchError: there is none.
        """
        if not args and not kwargs and len(self._loaded) == 1:
            return self._loaded[0]
        return _Finder(self._loaded, self.spec, self._name).find(args, kwargs)

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


class _Finder:
    """Finds the trace that a call would run, without running it."""

    def __init__(
        self, loaded: Sequence[LoadedConcreteFunction], spec: FunctionSpec | None, name: str
    ) -> None:
        probes = [_Probe(one) for one in loaded]
        self.restored = calling.RestoredFunction(probes, spec, name, TensorConvention())

    def find(self, args: Any, kwargs: Any) -> LoadedConcreteFunction:
        try:
            self.restored(*args, **kwargs)
        except _Found as found:
            return found.concrete
        raise AssertionError("a probe always answers")


class _Probe(_Runs):
    def __init__(self, owner: LoadedConcreteFunction) -> None:
        super().__init__(owner.runs, owner)

    def run(self, flat: Sequence[Any]) -> list[Any]:
        raise _Found(self.owner)


def _parameters(spec: FunctionSpec | None) -> inspect.Signature:
    kinds, empty = inspect.Parameter, inspect.Parameter.empty
    if spec is None:
        return inspect.Signature([kinds("args", kinds.VAR_POSITIONAL), kinds("kwargs", kinds.VAR_KEYWORD)])
    names = spec.args[1:] if spec.is_method and spec.args[:1] == ("self",) else spec.args
    first = len(names) - len(spec.defaults or ())
    out = [
        kinds(
            n, kinds.POSITIONAL_OR_KEYWORD, default=empty if i < first else (spec.defaults or ())[i - first]
        )
        for i, n in enumerate(names)
    ]
    if spec.varargs:
        out.append(kinds(spec.varargs, kinds.VAR_POSITIONAL))
    defaults = spec.kwonlydefaults or {}
    out += [kinds(n, kinds.KEYWORD_ONLY, default=defaults.get(n, empty)) for n in spec.kwonlyargs]
    if spec.varkw:
        out.append(kinds(spec.varkw, kinds.VAR_KEYWORD))
    return inspect.Signature(out)
