"""`function`: a Python function that becomes one graph for each signature it is called with."""

from __future__ import annotations

import functools
import inspect
import itertools
import re
import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from calque_runtime import shapes
from calque_runtime.ops import control

from .. import nest
from ..context import functions_run_eagerly, state
from ..tensor import SymbolicTensor, Tensor, convert_to_tensor
from ..tensor_spec import TensorSpec
from ..trackable import Trackable
from ..variable import Variable
from .concrete import ConcreteFunction
from .effects import add_control_dependencies
from .signature import Arguments, FunctionSignature, Leaf, TensorLeaf
from .trace import Trace

__all__ = ["Function", "function"]

_numbers = itertools.count()


class Function(Trackable):
    """A polymorphic function: traced once for each new signature, run as a graph.

    Made by the decorator `function`, whose documentation says what makes a new signature.
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str | None = None,
        input_signature: Any = None,
        autograph: bool = True,
        jit_compile: bool | None = None,
        reduce_retracing: bool = False,
        bound_to: Any = None,
    ) -> None:
        functools.update_wrapper(self, python_function, updated=())
        self.python_function = python_function
        self._name = name or str(getattr(python_function, "__name__", type(python_function).__name__))
        self._input_signature = input_signature
        self._autograph = autograph
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        # Weakly: the instance owns the function, so the function must not keep the instance alive.
        self._bound_to = None if bound_to is None else weakref.ref(bound_to)

        self._signature: FunctionSignature | None = None
        self._by_key: dict[Hashable, ConcreteFunction] = {}
        self._concrete: list[tuple[Arguments, ConcreteFunction]] = []
        self._traces = 0
        self._created_variables = False
        self._lock = threading.RLock()
        self._instances: weakref.WeakKeyDictionary[Any, Function] = weakref.WeakKeyDictionary()

    # As a method

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The function bound to `instance`: each instance has traces of its own."""
        if instance is None:
            return self
        try:
            found = self._instances.get(instance)
        except TypeError:  # an instance without a hash keeps its functions itself
            return self._bound_in_dict(instance)
        if found is None:
            found = self._instances[instance] = self._bind(instance)
        return found

    def _bind(self, instance: Any) -> Function:
        return Function(
            self.python_function,
            self._name,
            self._input_signature,
            self._autograph,
            self._jit_compile,
            self._reduce_retracing,
            bound_to=instance,
        )

    def _bound_in_dict(self, instance: Any) -> Function:
        own = instance.__dict__.setdefault("_calque_functions", {})
        if self not in own:
            own[self] = self._bind(instance)
        return own[self]  # type: ignore[no-any-return]

    def _target(self) -> Callable[..., Any]:
        if self._bound_to is None:
            return self.python_function
        instance = self._bound_to()
        if instance is None:
            raise ReferenceError(
                f"the object that '{self._name}' is a method of is gone: keep a reference to it while its functions "
                "are used"
            )
        return functools.partial(self.python_function, instance)

    @property
    def signature(self) -> FunctionSignature:
        """Parameters and input signature."""
        if self._signature is None:
            self._signature = FunctionSignature(
                self.python_function, self._bound_to is not None, self._input_signature
            )
        return self._signature

    @property
    def input_signature(self) -> Any:
        """The specs every call must match, or None."""
        return self.signature.input_signature

    @property
    def function_spec(self) -> FunctionSignature:
        """Parameters and input signature."""
        return self.signature

    @property
    def name(self) -> str:
        """The Python function's name."""
        return self._name

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, tracing first if the signature is new."""
        if functions_run_eagerly() and state.trace is None:
            return self._target()(*args, **kwargs)
        values = self.signature.bind(args, kwargs)
        if self.signature.input_signature is not None:
            values = self.signature.cast_to_input_signature(values)
        arguments = self.signature.canonicalize(values)
        return self._for(arguments, values).call_flat(arguments.tensors)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for a signature: arguments as in a call, with a `TensorSpec` for any tensor."""
        if self.signature.input_signature is not None and not args and not kwargs:
            values = self.signature.specs_as_arguments()
        else:
            values = self.signature.bind(args, kwargs)
            if self.signature.input_signature is not None:
                values = self.signature.cast_to_input_signature(values)
        return self._for(self.signature.canonicalize(values), values)

    def _for(self, arguments: Arguments, values: dict[str, Any]) -> ConcreteFunction:
        found = self._by_key.get(arguments.key)
        if found is not None and (not found.captures or found.usable_in(state.trace)):
            return found
        with self._lock:
            return self._match(arguments) or self._trace(arguments, values)

    def _match(self, arguments: Arguments) -> ConcreteFunction | None:
        """A trace made for something more general than `arguments`."""
        shape = _skeleton(arguments)
        for other, concrete in self._concrete:
            fits = _skeleton(other) == shape and all(
                a.accepts(b) for a, b in zip(other.leaves, arguments.leaves, strict=True)
            )
            if fits and concrete.usable_in(state.trace):
                self._by_key[arguments.key] = concrete
                return concrete
        return None

    # Tracing

    def _trace(self, arguments: Arguments, values: dict[str, Any]) -> ConcreteFunction:
        leaves = arguments.leaves
        if self.signature.input_signature is not None:
            values = {**values, **_specs_of(self.signature, values)}
            general = self.signature.canonicalize(values)
            leaves, arguments = general.leaves, general
        elif self._reduce_retracing:
            leaves = self._generalized(arguments)
        first = not self._concrete and not self._created_variables
        trace, concrete = self._trace_once(arguments, leaves, values, may_create_variables=first)
        if trace.created:
            # As TensorFlow: the first run found the variables; the trace that is kept is made without creating any.
            self._created_variables = True
            _, concrete = self._trace_once(arguments, leaves, values, may_create_variables=False)
        made_for = Arguments(
            arguments.structure, leaves, arguments.tensors, arguments.paths, _key_of(arguments, leaves)
        )
        made_for.tensors = []
        self._concrete.append((made_for, concrete))
        self._by_key[arguments.key] = concrete
        self._by_key[made_for.key] = concrete
        return concrete

    def _generalized(self, arguments: Arguments) -> list[Leaf]:
        """The leaves with every size None that differs from an earlier trace of the same structure."""
        leaves = list(arguments.leaves)
        shape = _skeleton(arguments)
        for other, _ in self._concrete:
            if _skeleton(other) != shape:
                continue
            for i, (mine, theirs) in enumerate(zip(leaves, other.leaves, strict=True)):
                if (
                    isinstance(mine, TensorLeaf)
                    and isinstance(theirs, TensorLeaf)
                    and mine.dtype is theirs.dtype
                ):
                    leaves[i] = TensorLeaf(mine.dtype, shapes.relax(mine.shape, theirs.shape))
        return leaves

    def _trace_once(
        self, arguments: Arguments, leaves: Sequence[Leaf], values: dict[str, Any], may_create_variables: bool
    ) -> tuple[Trace, ConcreteFunction]:
        self._traces += 1
        trace = Trace(f"__inference_{_graph_name(self._name)}_{next(_numbers)}", may_create_variables)
        new_leaves = iter(leaves)
        names = iter(arguments.paths)
        arg_names: list[str] = []

        def placeholder(value: Any) -> Any:
            leaf = next(new_leaves)
            if not _is_tensor(value):
                return value
            name = next(names)
            arg_names.append(name)
            if isinstance(value, Variable):
                inner = trace.argument(_graph_name(name), value._handle.dtype, ())
                inner._value.handle = (value.dtype, value._state.shape)
                trace.bind_variable_argument(value, inner)
                return value
            if not isinstance(leaf, TensorLeaf):
                raise TypeError(f"{value!r} cannot be traced")
            inner = trace.argument(_graph_name(name), leaf.dtype, leaf.shape)
            trace.function.arg_attrs[len(trace.function.inputs) - 1] = {"_user_specified_name": name.encode()}
            return inner

        inner_values = {p.name: _map_sorted(placeholder, values[p.name]) for p in self.signature.parameters}
        args, kwargs = self.signature.split(inner_values)
        with trace.as_current():
            result = self._target()(*args, **kwargs)
            outputs = nest.map_structure(lambda leaf: self._returned(trace, leaf), result)
        flat = [t for t in nest.flatten(outputs) if t is not None]
        trace.function.outputs = [t._value for t in flat]
        trace.function.output_names = ["identity" if i == 0 else f"identity_{i}" for i in range(len(flat))]
        add_control_dependencies(trace.function)
        structure = _with_leaves(arguments.structure, leaves)
        return trace, ConcreteFunction(trace, self.signature, structure, arg_names, outputs)

    def _returned(self, trace: Trace, leaf: Any) -> SymbolicTensor | None:
        """A returned leaf as a result of the graph."""
        if leaf is None:
            return None
        try:
            tensor = leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf)
        except (TypeError, ValueError):
            raise TypeError(
                "To be compatible with tf.function, Python functions must return zero or more Tensors or None values; "
                f"'{self._name}' returned a value of type {type(leaf).__name__}, which is not a Tensor."
            ) from None
        return control.identity(tensor, name="Identity")  # type: ignore[no-any-return]

    # What happened

    def experimental_get_tracing_count(self) -> int:
        """How many times the Python function has been traced."""
        return self._traces

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """Every trace so far, in the order they were made."""
        return [c for _, c in self._concrete]

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """The signature of every trace."""
        return "\n\n".join(c.pretty_printed_signature() for c in self.concrete_functions)

    def __repr__(self) -> str:
        return f"<function {self._name}: {len(self._concrete)} concrete functions>"


def _is_tensor(value: Any) -> bool:
    import numpy as np

    return isinstance(value, (Tensor, Variable, TensorSpec, np.ndarray, np.generic))


def _map_sorted(change: Callable[[Any], Any], value: Any) -> Any:
    """`value` with each leaf changed, visited in the order in which `FunctionSignature.canonicalize` visits."""
    return nest.pack_sequence_as(value, [change(leaf) for leaf in nest.flatten(value)])


def _skeleton(arguments: Arguments) -> tuple[Any, ...]:
    """The key with every tensor's shape left out: what two traces must share for one to serve for the other."""
    key: Any = arguments.key
    return tuple((TensorLeaf, k.dtype) if isinstance(k, TensorLeaf) else k for k in key)


def _key_of(arguments: Arguments, leaves: Sequence[Leaf]) -> Hashable:
    new = iter(leaves)
    key: Any = arguments.key
    return tuple(next(new) if isinstance(k, Leaf) else k for k in key)


def _with_leaves(structure: dict[str, Any], leaves: Sequence[Leaf]) -> dict[str, Any]:
    new = iter(leaves)
    return {name: nest.map_structure(lambda _: next(new), part) for name, part in structure.items()}


def _specs_of(signature: FunctionSignature, values: dict[str, Any]) -> dict[str, Any]:
    """The arguments that `input_signature` names, as its specs: the trace is made for those, not for the call."""
    return {
        k: v
        for k, v in signature.specs_as_arguments().items()
        if k in dict(signature._signature_specs(signature.input_signature or ()))
    }


def _graph_name(name: str) -> str:
    """`name` with whatever a node's name may not hold replaced."""
    cleaned = re.sub(r"[^A-Za-z0-9_.\-/]", "_", name)
    return cleaned if re.match(r"[A-Za-z0-9.]", cleaned) else cleaned.lstrip("_-/") or "arg"


def _first_parameter(function: Callable[..., Any]) -> str | None:
    try:
        return next(iter(inspect.signature(function).parameters), None)
    except (TypeError, ValueError):
        return None


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: Any = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
    name: str | None = None,
) -> Any:
    """Make a Python function run as a graph, one for each signature that it is called with.

    What makes a new signature: a tensor's (or array's) dtype and shape; a Python number, string, bool or None by
    value; the nesting of lists, tuples and mappings; a variable's or other object's identity. The Python body runs
    once for each (twice on a first call that makes variables), with tensors that have no value yet; its effects on
    Python happen then.

    Args:
        func: the Python function; without it, a decorator with these options is returned.
        input_signature: `TensorSpec`s (nested like the arguments) that every call must match: one trace in all.
        autograph: convert Python control flow that depends on tensors.
        jit_compile: kept for saving; calque compiles every graph its own way.
        reduce_retracing: after a second shape, trace once for all of them: sizes that differ become None.
        experimental_relax_shapes, experimental_compile: the older names of `reduce_retracing` and `jit_compile`.
        name: the function's name in graphs.
        experimental_implements, experimental_autograph_options, experimental_attributes,
            experimental_follow_type_hints: accepted, and of no effect.

    Returns:
        A `Function`.
    """

    def decorate(inner: Callable[..., Any]) -> Function:
        if isinstance(inner, Function):
            inner = inner.python_function
        return Function(
            inner,
            name=name,
            input_signature=input_signature,
            autograph=autograph,
            jit_compile=jit_compile if jit_compile is not None else experimental_compile,
            reduce_retracing=reduce_retracing or bool(experimental_relax_shapes),
        )

    return decorate if func is None else decorate(func)
