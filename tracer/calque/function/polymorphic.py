"""`function`: a Python function that becomes one graph for each signature it is called with."""

from __future__ import annotations

import functools
import threading
import types
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from ..autograph.calls import call_with_autograph
from ..autograph.status import ControlStatus, Status
from ..context import functions_run_eagerly, state
from ..errors import UnimplementedError
from ..tensor import EagerTensor
from ..trackable import Trackable
from .concrete import ConcreteFunction
from .history import Difference, TraceRecord, counter_of, differences
from .input_signature import checked_specs
from .leaves import Leaf, ObjectLeaf
from .signature import Arguments, FunctionSignature
from .trace import Trace, user_location
from .tracing import trace_once

__all__ = ["Function", "function"]


class _Traces:
    """The traces of one function, or of one function on one instance.

    Attributes:
        by_key: the trace for a call's canonical arguments.
        quick: for calls whose arguments are eager tensors and Python values only, by their types: see `_quick_key`.
        made: every trace, with what it was made for, in order.
        count: how many times the Python body ran to its end.
        created_variables: did the first call make variables?
        history: why each trace was made.
        view: the `Function` through which they were last reached, if there still is one.
        lock: held while tracing.
    """

    __slots__ = (
        "__weakref__",
        "by_key",
        "count",
        "created_variables",
        "history",
        "lock",
        "made",
        "quick",
        "view",
    )

    def __init__(self) -> None:
        self.by_key: dict[Hashable, ConcreteFunction] = {}
        self.quick: dict[Hashable, ConcreteFunction] = {}
        self.made: list[tuple[Arguments, ConcreteFunction]] = []
        self.count = 0
        self.created_variables = False
        self.history: list[TraceRecord] = []
        self.lock = threading.RLock()
        self.view: Callable[[], Any] = lambda: None

    def forget_the_dead(self) -> None:
        """Drop the traces that were made for objects that are no more: no call can reach them."""
        dead = [c for made_for, c in self.made if _is_dead(made_for.leaves)]
        if not dead:
            return
        self.made = [entry for entry in self.made if entry[1] not in dead]
        for table in (self.by_key, self.quick):
            for key in [k for k, c in table.items() if c in dead]:
                del table[key]


def _is_dead(leaves: Sequence[Leaf]) -> bool:
    return any(isinstance(leaf, ObjectLeaf) and leaf.is_gone for leaf in leaves)


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
        attributes: Mapping[str, Any] | None = None,
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
        self._attributes = dict(attributes or {})
        self._counter = counter_of(python_function)
        self._signature: FunctionSignature | None = None
        if input_signature is not None:
            checked_specs(input_signature)
        self._traces = _Traces()
        self._instance: Any = None  # what it is bound to, as a method
        # For each instance it is a method of: a weak reference to it, and the bound function without the instance.
        self._bound: dict[int, tuple[Callable[[], Any], Function]] = {}

    def _decorate(self, decorator: Callable[[Callable[..., Any]], Any]) -> None:
        """Put ``decorator(python_function)`` in the place of the Python function; Sonnet's metaclass does.

        Raises:
            ValueError: it has been called before.
        """
        if self._traces.made:
            raise ValueError("Functions cannot be decorated after they have been traced.")
        self.python_function = decorator(self.python_function)
        self._signature = None

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
            self._attributes,
        )
        bound._signature = FunctionSignature(self.python_function, True, self._input_signature)
        entries, key = self._bound, id(instance)
        try:
            reference: Callable[[], Any] = weakref.ref(instance, lambda _: entries.pop(key, None))
        except TypeError:  # it cannot be referred to weakly (``__slots__`` without "__weakref__")
            reference = functools.partial(_same, instance)
        entries[key] = reference, bound
        return entries[key]

    @property
    def _trace_identity(self) -> Any:
        """What is the same for all views of one function on one instance: what it is as an argument."""
        return self._traces

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
        if eager:
            self._counter.calls += 1
        key = _quick_key(args) if eager and not kwargs else None
        if key is not None:
            concrete = self._traces.quick.get(key)
            if concrete is not None:
                return concrete.call_flat([a for a in args if type(a) is EagerTensor])
        values = self.signature.bind(args, kwargs)
        if self.signature.input_signature is not None:
            values = self.signature.cast_to_input_signature(values)
        arguments = self.signature.canonicalize(values)
        before = len(self._traces.history)
        concrete = self._for(arguments, values)
        if eager and len(self._traces.history) > before:
            self._counter.traced(f"{self.python_function}", self._traces.history)
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
        traces.forget_the_dead()
        location = user_location()
        first = not traces.made and not traces.created_variables
        trace, concrete = self._trace_once(arguments, leaves, values, given if first else None)
        if trace.created:
            # As TensorFlow: the first run found the variables; the trace that is kept is made without creating any.
            traces.created_variables = True
            _, concrete = self._trace_once(arguments, leaves, values, None)
        made_for = Arguments(
            concrete.structure, list(leaves), [], arguments.paths, [], _key_of(arguments, leaves)
        )
        traces.history.append(self._record(arguments, concrete, location))
        traces.made.append((made_for, concrete))
        traces.by_key[arguments.key] = traces.by_key[made_for.key] = concrete
        return concrete

    def _record(self, arguments: Arguments, concrete: ConcreteFunction, location: Any) -> TraceRecord:
        """Why a trace is made: what sets the call apart from the trace that comes nearest."""
        made, history = self._traces.made, self._traces.history
        nearest: tuple[int, list[Difference]] | None = None
        for number, (made_for, _) in enumerate(reversed(made)):  # of equals the last
            found = differences(arguments, made_for)
            if nearest is None or len(found) < len(nearest[1]):
                nearest = len(history) - 1 - number, found
        caller = "" if location is None else f"{location[0]}:{location[1]}"
        return TraceRecord(
            len(history),
            concrete.pretty_printed_signature(verbose=False),
            caller,
            None if nearest is None else nearest[0],
            () if nearest is None else tuple(nearest[1]),
        )

    def _generalized(self, arguments: Arguments) -> list[Leaf]:
        """The leaves widened so that they accept earlier traces of the same structure as well."""
        leaves = list(arguments.leaves)
        outline = _skeleton(arguments)
        for other, _ in self._traces.made:
            if _skeleton(other) != outline:
                continue
            widened = [mine.widened(theirs) for mine, theirs in zip(leaves, other.leaves, strict=True)]
            if None not in widened:
                leaves = [leaf for leaf in widened if leaf is not None]
        return leaves

    def _trace_once(
        self,
        arguments: Arguments,
        leaves: Sequence[Leaf],
        values: dict[str, Any],
        initial: dict[str, Any] | None,
    ) -> tuple[Trace, ConcreteFunction]:
        """See `trace_once`."""
        made = trace_once(
            self._name,
            self.signature,
            self._run_body,
            arguments,
            leaves,
            values,
            initial,
            order_effects=not self._attributes.get("_disable_acd"),
        )
        self._traces.count += 1
        return made

    def _run_body(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The Python function on the arguments of the trace."""
        if self._autograph:
            return call_with_autograph(self._target(), args, kwargs, self._experimental_autograph_options)
        with ControlStatus(Status.DISABLED):
            return self._target()(*args, **kwargs)

    # What happened

    def experimental_get_tracing_count(self) -> int:
        """How many times the Python function has been traced."""
        return self._traces.count

    def experimental_get_tracing_history(self) -> list[TraceRecord]:
        """Why each trace was made: the argument that differed, what it was before and now, and who called.

        calque's own; TensorFlow has nothing like it.
        """
        return list(self._traces.history)

    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: there is no XLA here.

        Raises:
            ValueError: the function is not made with ``jit_compile=True``.
            UnimplementedError: it is, and there is no compiler whose code could be shown.
        """
        if not self._jit_compile:
            raise ValueError("Compiler IR can only be returned for functions marked with 'jit_compile=True'")
        raise UnimplementedError(
            None,
            None,
            f"'{self._name}' has no compiler IR: calque runs graphs through plans of its own and has no XLA. "
            "get_concrete_function(...).graph shows the graph.",
        )

    @property
    def function_type(self) -> str:
        """Its parameters, and the specs that it was declared with, in one line."""
        return f"{self._name}{self.signature.signature}"

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """Every trace so far, in the order they were made."""
        return [c for _, c in self._traces.made]

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """The signature of every trace."""
        return "\n\n".join(c.pretty_printed_signature() for c in self.concrete_functions)

    def __reduce__(self) -> Any:
        # Traces are not part of a copy: they belong to this function's captures.
        options = (
            self._name,
            self._input_signature,
            self._autograph,
            self._jit_compile,
            self._reduce_retracing,
            self._experimental_autograph_options,
            self._attributes,
        )
        return Function, (self._target(), *options)

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
            if value != value:
                return None  # NaN equals nothing: the table would grow with every call
            key.append(kind)
            key.append(value)
        else:
            return None
    return tuple(key)


def _same(value: Any) -> Any:
    return value


def _accepts(general: Arguments, special: Arguments) -> bool:
    return all(a.accepts(b) for a, b in zip(general.leaves, special.leaves, strict=True))


def _skeleton(arguments: Arguments) -> tuple[Any, ...]:
    """The key with tensors' shapes and the like left out: what two traces must share for one to serve for the other."""
    key: Any = arguments.key
    return tuple(k.outline() if isinstance(k, Leaf) else k for k in key)


def _key_of(arguments: Arguments, leaves: Sequence[Leaf]) -> Hashable:
    new = iter(leaves)
    key: Any = arguments.key
    return tuple(next(new) if isinstance(k, Leaf) else k for k in key)


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
        experimental_attributes: of those that TensorFlow knows, ``_disable_acd`` has an effect: no control edges are
            added that would keep effects in program order on other runtimes.
        experimental_implements, experimental_follow_type_hints: accepted, and of no effect.

    Returns:
        A `Function`.
    """

    def decorate(inner: Callable[..., Any]) -> Function:
        if isinstance(inner, Function):
            instance = inner._instance
            inner = inner.python_function
            if instance is not None:
                inner = types.MethodType(inner, instance)
        return Function(
            inner,
            input_signature=input_signature,
            autograph=autograph,
            jit_compile=jit_compile if jit_compile is not None else experimental_compile,
            reduce_retracing=reduce_retracing or bool(experimental_relax_shapes),
            experimental_autograph_options=experimental_autograph_options,
            attributes=experimental_attributes,
        )

    return decorate if func is None else decorate(func)
