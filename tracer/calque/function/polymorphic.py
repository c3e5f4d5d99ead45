"""`function`: a Python function that becomes one graph for each signature it is called with."""

from __future__ import annotations

import functools
import itertools
import re
import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from calque_runtime import shapes
from calque_runtime.ops import control

from .. import nest
from ..autograph.calls import call_with_autograph
from ..autograph.status import ControlStatus, Status
from ..context import functions_run_eagerly, state
from ..tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from ..trackable import Trackable
from .concrete import ConcreteFunction
from .effects import add_control_dependencies
from .signature import Arguments, FunctionSignature, Leaf, TensorLeaf, VariableLeaf
from .trace import Trace

__all__ = ["Function", "function"]

_numbers = itertools.count()


class _Traces:
    """The traces of one function, or of one function on one instance.

    Attributes:
        by_key: the trace for a call's canonical arguments.
        quick: for calls whose arguments are eager tensors and Python values only, by their types: see `_quick_key`.
        made: every trace, with what it was made for, in order.
        count: how many times the Python body ran to its end.
        created_variables: did the first call make variables?
        view: the `Function` through which they were last reached, if there still is one.
        lock: held while tracing.
    """

    __slots__ = ("by_key", "count", "created_variables", "lock", "made", "quick", "view")

    def __init__(self) -> None:
        self.by_key: dict[Hashable, ConcreteFunction] = {}
        self.quick: dict[Hashable, ConcreteFunction] = {}
        self.made: list[tuple[Arguments, ConcreteFunction]] = []
        self.count = 0
        self.created_variables = False
        self.lock = threading.RLock()
        self.view: Callable[[], Any] = lambda: None


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
        experimental_autograph_options: Any = None,
    ) -> None:
        if not callable(python_function):
            raise TypeError(f"{python_function!r} is not a callable object.")
        functools.update_wrapper(self, python_function, updated=())
        self.python_function = python_function
        self._name = name or str(getattr(python_function, "__name__", type(python_function).__name__))
        self._input_signature = input_signature
        self._autograph = autograph
        self._experimental_autograph_options = experimental_autograph_options
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        self._signature: FunctionSignature | None = None
        self._traces = _Traces()
        self._instance: Any = None  # what it is bound to, as a method
        # For each instance it is a method of: a weak reference to it, and the bound function without the instance.
        self._bound: dict[int, tuple[Callable[[], Any], Function]] = {}

    # As a method

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The function bound to `instance`: each instance has traces of its own.

        The instance's traces live as long as it does. What is returned keeps it alive; the traces do not.
        """
        if instance is None:
            return self
        entry = self._bound.get(id(instance))
        if entry is None or entry[0]() is not instance:
            entry = self._bind(instance)
        unbound = entry[1]
        view = unbound._traces.view()
        if view is None:
            view = object.__new__(type(unbound))
            view.__dict__.update(unbound.__dict__)
            view._instance = instance
            unbound._traces.view = weakref.ref(view)
        return view

    def _bind(self, instance: Any) -> tuple[Callable[[], Any], Function]:
        bound = Function(
            self.python_function,
            self._name,
            self._input_signature,
            self._autograph,
            self._jit_compile,
            self._reduce_retracing,
            self._experimental_autograph_options,
        )
        bound._signature = FunctionSignature(self.python_function, True, self._input_signature)
        entries, key = self._bound, id(instance)
        try:
            reference: Callable[[], Any] = weakref.ref(instance, lambda _: entries.pop(key, None))
        except TypeError:  # it cannot be referred to weakly (``__slots__`` without "__weakref__")
            reference = functools.partial(_same, instance)
        entries[key] = reference, bound
        return entries[key]

    def _target(self) -> Callable[..., Any]:
        if self._instance is None:
            return self.python_function
        return functools.partial(self.python_function, self._instance)

    @property
    def signature(self) -> FunctionSignature:
        """Parameters and input signature."""
        if self._signature is None:
            self._signature = FunctionSignature(self.python_function, False, self._input_signature)
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
        """Run it, tracing first if the signature is new.

        Raises:
            TypeError: the arguments do not fit the parameters or the input signature.
        """
        eager = state.trace is None
        if eager and functions_run_eagerly():
            return self._target()(*args, **kwargs)
        key = _quick_key(args) if eager and not kwargs else None
        if key is not None:
            concrete = self._traces.quick.get(key)
            if concrete is not None:
                return concrete.call_flat([a for a in args if type(a) is EagerTensor])
        values = self.signature.bind(args, kwargs)
        if self.signature.input_signature is not None:
            values = self.signature.cast_to_input_signature(values)
        arguments = self.signature.canonicalize(values)
        concrete = self._for(arguments, values)
        if key is not None and concrete.usable_in(None):
            tensors = [a for a in args if type(a) is EagerTensor]
            if len(tensors) == len(arguments.tensors):  # no default and no cast made a tensor
                self._traces.quick[key] = concrete
        return concrete.call_flat(arguments.tensors)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for a signature: arguments as in a call, with a `TensorSpec` for any tensor.

        Raises:
            TypeError: the arguments do not fit the parameters or the input signature.
        """
        if self.signature.input_signature is not None and not args and not kwargs:
            values = self.signature.specs_as_arguments()
        else:
            values = self.signature.bind(args, kwargs)
            if self.signature.input_signature is not None:
                values = self.signature.cast_to_input_signature(values)
        return self._for(self.signature.canonicalize(values), values)

    def _for(self, arguments: Arguments, values: dict[str, Any]) -> ConcreteFunction:
        found = self._traces.by_key.get(arguments.key)
        if found is not None and found.usable_in(state.trace):
            return found
        with self._traces.lock:
            return self._match(arguments) or self._trace(arguments, values)

    def _match(self, arguments: Arguments) -> ConcreteFunction | None:
        """The most specific trace made for something that includes `arguments`; the first of equals."""
        shape = _skeleton(arguments)
        best: tuple[Arguments, ConcreteFunction] | None = None
        for made_for, concrete in self._traces.made:
            if (
                _skeleton(made_for) == shape
                and _accepts(made_for, arguments)
                and concrete.usable_in(state.trace)
                and (best is None or (_accepts(best[0], made_for) and not _accepts(made_for, best[0])))
            ):
                best = made_for, concrete
        if best is None:
            return None
        self._traces.by_key[arguments.key] = best[1]
        return best[1]

    # Tracing

    def _trace(self, arguments: Arguments, values: dict[str, Any]) -> ConcreteFunction:
        leaves = arguments.leaves
        given = values
        if self.signature.input_signature is not None:
            values = {**values, **self.signature.specs_by_parameter()}
            arguments = self.signature.canonicalize(values)
            leaves = arguments.leaves
        elif self._reduce_retracing:
            leaves = self._generalized(arguments)
        traces = self._traces
        first = not traces.made and not traces.created_variables
        trace, concrete = self._trace_once(arguments, leaves, values, given if first else None)
        if trace.created:
            # As TensorFlow: the first run found the variables; the trace that is kept is made without creating any.
            traces.created_variables = True
            _, concrete = self._trace_once(arguments, leaves, values, None)
        made_for = Arguments(arguments.structure, leaves, [], arguments.paths, [], _key_of(arguments, leaves))
        traces.made.append((made_for, concrete))
        traces.by_key[arguments.key] = traces.by_key[made_for.key] = concrete
        return concrete

    def _generalized(self, arguments: Arguments) -> list[Leaf]:
        """The leaves with every size None that differs from an earlier trace of the same structure."""
        leaves = list(arguments.leaves)
        shape = _skeleton(arguments)
        for other, _ in self._traces.made:
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
        self,
        arguments: Arguments,
        leaves: Sequence[Leaf],
        values: dict[str, Any],
        initial: dict[str, Any] | None,
    ) -> tuple[Trace, ConcreteFunction]:
        """Run the Python body once.

        Args:
            arguments: what the trace is made for, with `leaves` in place of its own.
            leaves: what the trace is made for.
            values: the arguments by parameter; tensors in them (or specs) become arguments of the graph.
            initial: on a first call, which may make variables, the arguments it was called with; else None.
        """
        trace = Trace(f"__inference_{_graph_name(self._name)}_{next(_numbers)}", initial is not None)
        new_leaves = iter(leaves)
        names = iter(arguments.names)
        arg_names: list[str] = []

        def placeholder(value: Any, given: Any) -> Any:
            leaf = next(new_leaves)
            if not isinstance(leaf, (TensorLeaf, VariableLeaf)):
                return value
            name = next(names)
            arg_names.append(_unique(name, arg_names))
            if isinstance(leaf, VariableLeaf):
                inner = trace.argument(_graph_name(name), value._handle.dtype, ())
                inner._value.handle = (value.dtype, value._state.shape)
                trace.bind_variable_argument(value, inner)
                return value
            inner = trace.argument(_graph_name(name), leaf.dtype, leaf.shape)
            trace.function.arg_attrs[len(trace.function.inputs) - 1] = {"_user_specified_name": name.encode()}
            if isinstance(given, (Tensor, np.ndarray, np.generic)):
                trace.called_with(inner, given)
            return inner

        inner_values = {
            p.name: _mapped(placeholder, values[p.name], (initial or values)[p.name])
            for p in self.signature.parameters
        }
        args, kwargs = self.signature.split(inner_values)
        with trace.as_current():
            result = self._run_body(args, kwargs)
            outputs = nest.map_structure(lambda leaf: self._returned(leaf), result)
        trace.finish()
        flat = [t for t in nest.flatten(outputs) if t is not None]
        trace.function.outputs = [t._value for t in flat]
        trace.function.output_names = ["identity" if i == 0 else f"identity_{i}" for i in range(len(flat))]
        add_control_dependencies(trace.function)
        self._traces.count += 1
        structure = _with_leaves(arguments.structure, leaves)
        return trace, ConcreteFunction(trace, self.signature, structure, arg_names, outputs, arguments.paths)

    def _run_body(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The Python function on the arguments of the trace."""
        if self._autograph:
            return call_with_autograph(self._target(), args, kwargs, self._experimental_autograph_options)
        with ControlStatus(Status.DISABLED):
            return self._target()(*args, **kwargs)

    def _returned(self, leaf: Any) -> SymbolicTensor | None:
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
        return self._traces.count

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """Every trace so far, in the order they were made."""
        return [c for _, c in self._traces.made]

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """The signature of every trace."""
        return "\n\n".join(c.pretty_printed_signature() for c in self.concrete_functions)

    def __repr__(self) -> str:
        return f"<function {self._name}: {len(self.concrete_functions)} concrete functions>"


_ATOMS = frozenset({int, float, str, bytes, bool, type(None)})


def _quick_key(args: tuple[Any, ...]) -> Hashable | None:
    """A key for a call of nothing but eager tensors and simple Python values; None for any other call.

    Finer than the canonical one (True and 1 differ), and much cheaper.
    """
    key: list[Any] = []
    for value in args:
        kind = type(value)
        if kind is EagerTensor:
            key.append(value._dtype)
            key.append(value._array.shape if value._dtype.is_numpy_compatible else None)
        elif kind in _ATOMS:
            key.append(kind)
            key.append(value)
        else:
            return None
    return tuple(key)


def _same(value: Any) -> Any:
    return value


def _unique(name: str, taken: Sequence[str]) -> str:
    """`name`, or ``name_1``, ``name_2``, ... where it is taken."""
    return next(
        n for n in itertools.chain([name], (f"{name}_{i}" for i in itertools.count(1))) if n not in taken
    )


def _mapped(change: Callable[[Any, Any], Any], value: Any, other: Any) -> Any:
    """`value` with each leaf changed, visited in the order in which `FunctionSignature.canonicalize` visits.

    `change` is given the leaf of `other` in the same place as well.
    """
    leaves = zip(nest.flatten(value), nest.flatten(other), strict=True)
    return nest.pack_sequence_as(value, [change(mine, theirs) for mine, theirs in leaves])


def _accepts(general: Arguments, special: Arguments) -> bool:
    return all(a.accepts(b) for a, b in zip(general.leaves, special.leaves, strict=True))


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


def _graph_name(name: str) -> str:
    """`name` with whatever a node's name may not hold replaced."""
    cleaned = re.sub(r"[^A-Za-z0-9_.\-/]", "_", name)
    return cleaned if re.match(r"[A-Za-z0-9.]", cleaned) else cleaned.lstrip("_-/") or "arg"


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
        experimental_autograph_options: a `tf.autograph.experimental.Feature`, or several, to convert more than that.
        experimental_implements, experimental_attributes, experimental_follow_type_hints: accepted, and of no effect.

    Returns:
        A `Function`.
    """

    def decorate(inner: Callable[..., Any]) -> Function:
        if isinstance(inner, Function):
            inner = inner.python_function
        return Function(
            inner,
            input_signature=input_signature,
            autograph=autograph,
            jit_compile=jit_compile if jit_compile is not None else experimental_compile,
            reduce_retracing=reduce_retracing or bool(experimental_relax_shapes),
            experimental_autograph_options=experimental_autograph_options,
        )

    return decorate if func is None else decorate(func)
