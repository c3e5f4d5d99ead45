"""Concrete functions: one trace, ready to be called, inspected and saved."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque_runtime.dtypes import resource
from calque_runtime.effects import has_effect
from calque_runtime.environment import Environment
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import FunctionRef
from calque_runtime.ops import calls
from calque_runtime.savedmodel.metagraph import ConcreteFunctionInfo

from .. import nest
from ..context import environment, state
from ..gradient.recording import variable_accessed
from ..tensor import EagerTensor, SymbolicTensor, Tensor
from ..tensor_spec import TensorSpec
from ..trackable import Trackable
from ..variable import Variable
from . import shown
from .binding import arguments_of
from .call_shapes import result_shapes
from .function_type import FunctionType, Parameter
from .leaves import Leaf, TensorLeaf
from .signature import FunctionSignature
from .trace import Trace

__all__ = ["ConcreteFunction"]


class ConcreteFunction(Trackable):
    """A graph with its captures, callable with arguments of one signature.

    Made by `Function.get_concrete_function`, or by loading a model.

    Attributes:
        environment: where it runs.
        info: what a file said of it, for a loaded function; else None.
        structure: by parameter: the argument's structure with a `Leaf` for each leaf.
        arg_names: the unique name of each flat tensor argument, by which a flat call gives it.
    """

    environment: Environment = environment
    info: ConcreteFunctionInfo | None = None
    _deferred = False  # is there a capture that is asked for at each call?
    _reaches_out: bool | None = None  # does it capture tensors of other graphs? None: not known yet

    def __init__(
        self,
        trace: Trace,
        signature: FunctionSignature,
        structure: Mapping[str, Any],
        arg_names: Sequence[str],
        outputs: Any,
        spec_names: Sequence[str] | None = None,
    ) -> None:
        self.graph = trace
        trace.concrete = weakref.ref(self)
        self.function = trace.function
        self.signature = signature
        self.structure = dict(structure)
        self.arg_names = list(arg_names)
        self._spec_names = list(arg_names if spec_names is None else spec_names)
        self.captures = list(trace.captures)
        self._outputs = outputs  # the structure returned, SymbolicTensors at its leaves
        self._flat_outputs = [t for t in nest.flatten(outputs, expand_composites=True) if t is not None]
        self._output_dtypes = [t.dtype for t in self._flat_outputs]
        self._single = isinstance(outputs, SymbolicTensor)
        self._plan: Callable[..., Any] | None = None
        self._variables = list(trace.variables)
        self._ref = FunctionRef(self.function.name, self.function)
        self._effects = any(has_effect(node) for node in self.function.nodes)

    # What it is

    @property
    def name(self) -> str:
        """Its name in the function library."""
        return self.function.name

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The arguments, captures last, as tensors of its graph."""
        return [SymbolicTensor(v, self.graph) for v in self.function.inputs]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The results, flat, as tensors of its graph."""
        return list(self._flat_outputs)

    @property
    def captured_inputs(self) -> list[Any]:
        """The tensors and resource handles from outside that it uses, in the order of its last inputs."""
        return [e._handle if isinstance(e, Variable) else _given(e) for e, _ in self.captures]

    @property
    def captured_externals(self) -> list[Any]:
        """As `captured_inputs`, but the variables themselves instead of their handles."""
        return [_given(e) for e, _ in self.captures]

    def replace_capture_with_deferred_capture(
        self,
        tensor: Any,
        closure: Callable[[], Any],
        spec: TensorSpec,
        placeholder: Any = None,
        default_value: Any = None,
    ) -> None:
        """Let what is captured be asked for at each call from now on.

        Args:
            tensor: what is captured now (see `captured_inputs`).
            closure: gives what takes its place.
            spec: of what `closure` gives.
            placeholder: the tensor of the graph that stands for it, where `tensor` alone does not say it.
            default_value: accepted.

        Raises:
            ValueError: `tensor` is not captured, or `spec` does not fit what is captured.
        """
        for i, (external, inner) in enumerate(self.captures):
            same = placeholder._value is inner if placeholder is not None else _given(external) is tensor
            if not same:
                continue
            if not spec.is_compatible_with(TensorSpec(inner.shape, inner.dtype)):
                raise ValueError(
                    f"Attempting to substitute closure with spec {spec} that's incompatible with the original "
                    f"placeholder {TensorSpec(inner.shape, inner.dtype)}."
                )
            self.captures[i] = (_Deferred(closure, spec), inner)
            self._deferred, self._plan = True, None
            return
        raise ValueError("Did not find the tensor among the captured ones.")

    def set_external_captures(self, captures: Sequence[Any]) -> None:
        """Put other tensors (or functions that give them) in the place of those captured, in their order.

        Raises:
            ValueError: there are more or fewer.
        """
        if len(captures) != len(self.captures):
            raise ValueError(f"{len(self.captures)} captures are wanted, got {len(captures)}.")
        new: list[tuple[Any, Any]] = []
        for given, (_, inner) in zip(captures, self.captures, strict=True):
            is_closure = callable(given) and not isinstance(given, (EagerTensor, SymbolicTensor, Variable))
            external = _Deferred(given, TensorSpec(inner.shape, inner.dtype)) if is_closure else given
            new.append((external, inner))
        self.captures[:] = new
        self._deferred = any(isinstance(e, _Deferred) for e, _ in new)
        self._plan = None

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables it uses."""
        return tuple(self._variables)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The trainable variables it uses."""
        return tuple(v for v in self._variables if v.trainable)

    @property
    def structured_outputs(self) -> Any:
        """What it returns, as tensors of its graph in the structure that the Python function gave."""
        return self._outputs

    @property
    def output_dtypes(self) -> Any:
        """The dtypes of what it returns, in its structure."""
        parts = nest.composites_as_components(self._outputs)
        return nest.map_structure(lambda t: None if t is None else t.dtype, parts)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of what it returns, in its structure."""
        parts = nest.composites_as_components(self._outputs)
        return nest.map_structure(lambda t: None if t is None else t.shape, parts)

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(positional, keyword) arguments: a named TensorSpec for each tensor, Python values as they are."""
        names = iter(self._spec_names)

        def as_spec(leaf: Leaf) -> Any:
            return leaf.spec([next(names) for _ in leaf.specs()])

        values = {name: nest.map_argument(as_spec, part, raw=True) for name, part in self.structure.items()}
        args, kwargs = [], {}
        for parameter in self.signature.parameters:
            value = values[parameter.name]
            if parameter.kind == parameter.VAR_POSITIONAL:
                args.extend(value)
            elif parameter.kind == parameter.VAR_KEYWORD:
                kwargs.update(value)
            elif parameter.kind == parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        return tuple(args), kwargs

    @property
    def function_type(self) -> FunctionType:
        """What it takes, captures and gives; prints as the signature in one line."""
        rows = self._rows()
        given = shown.python_signature(rows).parameters.values()
        names = iter(self.arg_names)

        def as_spec(leaf: Leaf) -> Any:
            return leaf.spec([next(names) for _ in leaf.specs()])

        parameters = [
            Parameter(known.name, known.kind, nest.map_argument(as_spec, part, raw=True), known.default)
            for (_, _, part), known in zip(rows, given, strict=True)
        ]
        captures = {id(e): TensorSpec(v.shape, v.dtype) for e, v in self.captures}
        return FunctionType(parameters, captures, self._result_specs(), self._signature_line())

    def _rows(self) -> list[shown.Row]:
        return shown.parameter_rows(self.signature.parameters, self.structure)

    def _signature_line(self) -> str:
        return shown.signature_line(self._rows(), self._result_specs())

    def _result_specs(self) -> Any:
        """What it returns, with tensors or their specs at its leaves."""
        return self._outputs

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """Parameters, result and captures, a line each; not `verbose`: the signature in one line."""
        if not verbose:
            return self._signature_line()
        lines = ["Input Parameters:"]
        lines += [
            f"  {name} ({kind.name}): {shown.structure_text(part)}" for name, kind, part in self._rows()
        ]
        lines += ["Output Type:", f"  {shown.result_text(self._result_specs())}", "Captures:"]
        lines += [f"  {id(e)}: {TensorSpec(v.shape, v.dtype)!r}" for e, v in self.captures] or ["  None"]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self._signature_line()} at 0x{id(self):X}>"

    def __str__(self) -> str:
        return "ConcreteFunction " + self.pretty_printed_signature()

    def add_to_graph(self, g: Any = None, overwrite: bool = False) -> None:
        """Nothing to do: graphs know the functions that their nodes call."""

    def add_gradient_functions_to_graph(self, g: Any = None) -> None:
        """Nothing to do: gradients are made when they are asked for."""

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, with the arguments of the Python function, or with its flat tensors by name.

        Eager tensors need not have the shapes that it was traced for: as far as its ops can do with others, it runs.

        Raises:
            TypeError: the arguments do not fit; says what came and what is wanted.
        """
        try:
            tensors = self._structured_arguments(args, kwargs)
        except TypeError as error:
            tensors = self._flat_arguments(args, kwargs, error)
        return self.call_flat(tensors)

    def _structured_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The flat tensors of a call with the Python function's arguments."""
        rows = self._rows()
        try:
            bound = shown.python_signature(rows).bind(*args, **kwargs)
            bound.apply_defaults()
            tensors: list[Any] = []
            for (name, _, structure), value in zip(rows, bound.arguments.values(), strict=True):
                try:
                    tensors += arguments_of(structure, value)
                except TypeError as error:
                    raise TypeError(f"{error} for argument '{name}'") from None
            return tensors
        except TypeError as error:
            raise TypeError(
                f"Binding inputs to tf.function failed due to `{error}`. Received args: {tuple(args)} and kwargs: "
                f"{dict(kwargs)} for signature: {self.signature.name}{self._signature_line()}."
            ) from None

    def _flat_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any], error: TypeError) -> list[Any]:
        """The tensors of a call that gives them flat, by name or in order; they must be tensors."""
        if len(args) > len(self.arg_names):
            raise error
        given = dict(zip(self.arg_names, args, strict=False))
        for name, value in kwargs.items():
            if name not in self.arg_names or name in given:
                raise error
            given[name] = value
        if set(given) != set(self.arg_names):
            raise error
        if not all(isinstance(v, Tensor) or hasattr(v, "__tf_tensor__") for v in given.values()):
            raise error
        tensors = []
        for name, inner in zip(self.arg_names, self.function.inputs, strict=False):
            try:
                tensors += arguments_of(TensorLeaf(inner.dtype, inner.shape), given[name])
            except TypeError:
                raise error from None
        return tensors

    def call_flat(self, tensors: Sequence[Any]) -> Any:
        """Run it on its flat tensor arguments (tensors, or variables by handle)."""
        results = self.flat_results(tensors)
        return results[0] if self._single else self._packed(results)

    def flat_results(self, tensors: Sequence[Any]) -> list[Any]:
        """The flat results for flat tensor arguments (captures not among them), now or as a call in the trace."""
        if state.trace is not None:
            return self._call_in_graph(state.trace, tensors)
        if state.tapes:
            recorded = self._recorded(tensors)
            if recorded is not None:
                return recorded
        arrays = [t._array if type(t) is EagerTensor else _array(t) for t in tensors]
        plan = self._plan
        if plan is None:
            plan = self._plan = self._planned()
        if self._deferred:
            arrays += [_array(_now(e)) for e, _ in self.captures]
        return [EagerTensor(a, d) for a, d in zip(plan(*arrays), self._output_dtypes, strict=True)]

    def _planned(self) -> Callable[..., Any]:
        """What runs it: takes its arguments, and its captures where they differ from call to call."""
        if self._deferred:
            return self.environment.compiled(self.function)
        return self.environment.bound(self.function, [_array(e) for e, _ in self.captures])

    def _recorded(self, tensors: Sequence[Any]) -> list[Any] | None:
        """The flat results, where a tape watches what goes in; else None, and nothing has run."""
        from ..gradient.eager import run_recorded

        for variable in [*self._variables, *(t for t in tensors if isinstance(t, Variable))]:
            variable_accessed(variable)
        arguments = [*tensors, *(_now(e) for e, _ in self.captures)]
        return run_recorded(self.function, self.environment, arguments)

    def _call_in_graph(self, trace: Trace, tensors: Sequence[Any]) -> list[Any]:
        values = [t.handle if isinstance(t, Variable) else t for t in tensors]
        values += [
            trace.capture_variable(e) if isinstance(e, Variable) else _now(e) for e, _ in self.captures
        ]
        passed = [t for t in tensors if isinstance(t, Variable)]
        for variable in [*self._variables, *passed]:  # what a called function uses, the caller uses
            trace.note_variable(variable)
            if state.tapes:
                variable_accessed(variable)
        stateful = self._effects or any(v.dtype is resource for v in self.function.inputs)
        call = calls.stateful_partitioned_call if stateful else calls.partitioned_call
        results = trace.call(call, [values], {"Tout": self._output_dtypes, "f": self._ref}, call.name)
        if results:
            shapes = result_shapes(self.function, results[0]._value.node.inputs)
            for result, shape in zip(results, shapes, strict=True):
                result._value.shape = shape
        return list(results)

    def _packed(self, flat: Sequence[Any]) -> Any:
        """Flat results in the structure that the Python function returned, None where it returned None."""
        results = iter(flat)
        old = nest.flatten(self._outputs, expand_composites=True)
        leaves = [next(results) if isinstance(t, SymbolicTensor) else t for t in old]
        return nest.pack_sequence_as(self._outputs, leaves, expand_composites=True)

    def usable_in(self, trace: Trace | None) -> bool:
        """Are the tensors of other graphs that it captures within reach of `trace`?"""
        if self._reaches_out is None:
            self._reaches_out = any(isinstance(e, SymbolicTensor) for e, _ in self.captures)
        if not self._reaches_out:
            return True
        for external, _ in self.captures:
            if isinstance(external, SymbolicTensor) and external.trace is not trace:
                outer = None if trace is None else trace.outer
                while outer is not None and outer is not external.trace:
                    outer = outer.outer
                if outer is None:
                    return False
        return True


class _Deferred:
    """A capture whose value is asked for at each call."""

    def __init__(self, closure: Callable[[], Any], spec: TensorSpec) -> None:
        self.closure = closure
        self.spec = spec


def _given(external: Any) -> Any:
    return external.closure if isinstance(external, _Deferred) else external


def _now(external: Any) -> Any:
    return external.spec.cast(external.closure(), None) if isinstance(external, _Deferred) else external


def _array(tensor: Any) -> Any:
    if isinstance(tensor, EagerTensor):
        return tensor._array
    if isinstance(tensor, Variable):
        return tensor._state
    if isinstance(tensor, SymbolicTensor):
        raise tensor._out_of_scope()
    raise InvalidArgumentError(None, None, f"{tensor!r} is no tensor")
