"""A graph being built: op calls become nodes, what comes from outside becomes a capture."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

import calque_runtime
from calque_runtime import dtypes, reference
from calque_runtime.constants import constant_value
from calque_runtime.dtypes import DType
from calque_runtime.errors import InvalidArgumentError, OpError
from calque_runtime.ir import ARG, Function, Location, Node, Value
from calque_runtime.op import Op, Site, nest_outputs
from calque_runtime.ops import control
from calque_runtime.schedule import schedule
from calque_runtime.shapes import Shape
from calque_runtime.signature import Signature

from ..context import environment, state
from ..convert import to_array
from ..gradient.recording import key_of, record_node
from ..tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor

if TYPE_CHECKING:
    from .operation import Operation

__all__ = ["Trace", "user_location"]

_OURS = (
    os.path.dirname(os.path.abspath(calque_runtime.__file__)) + os.sep,
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
)
_is_ours: dict[str, bool] = {}  # by file
_KNOWN_CONSTANT = 1 << 10  # elements: the values of smaller captured tensors are used by shape rules


def user_location() -> Location | None:
    """File, line and function of the innermost caller outside of calque."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        ours = _is_ours.get(file)
        if ours is None:
            ours = _is_ours[file] = file.startswith(_OURS)
        if not ours:
            return file, frame.f_lineno, code.co_name
        frame = frame.f_back  # type: ignore[assignment]
    return None


class Trace:
    """The graph of one function while its Python body runs.

    Args:
        name: the function's name in the library.
        may_create_variables: is this a first call, on which variables may be made?

    Attributes:
        function: the graph.
        outer: the trace that was current when this one began, or None.
        scope: the name scope in force.
        captures: what came from outside, in order of first use: (eager or outer tensor, or variable; the argument).
        created: the variables made while tracing.
    """

    orders_effects = True  # do control edges keep effects in program order?

    def __init__(self, name: str, may_create_variables: bool = False) -> None:
        self.function = Function(name)
        self.outer: Trace | None = state.trace
        self.scope = ""
        self.captures: list[tuple[Any, Value]] = []
        self.created: list[Any] = []
        self._captured: dict[int, SymbolicTensor] = {}
        self.concrete: Callable[[], Any] = lambda: None
        self._tape_keys: dict[int, int] = {}  # of captures: the key of what they stand for
        self._given: dict[int, Any] = {}
        self._may_create = may_create_variables
        self._control: list[Node] = []
        self._variables: dict[int, Any] = {}  # by id

    @contextmanager
    def as_current(self) -> Iterator[None]:
        """Op calls inside are added to this graph."""
        before, state.trace = state.trace, self
        try:
            yield
        finally:
            state.trace = before

    @property
    def variables(self) -> list[Any]:
        """The variables that the function uses, in order of first use."""
        return list(self._variables.values())

    @property
    def may_create_variables(self) -> bool:
        """Is this a first call, on which variables may be made?"""
        return self._may_create

    # Looking

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The arguments, captures last."""
        return [SymbolicTensor(v, self) for v in self.function.inputs]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """What it returns, flat."""
        return [SymbolicTensor(v, self) for v in self.function.outputs]

    def get_operations(self) -> list[Operation]:
        """Every node: the arguments, then the others in program order."""
        from .operation import Operation

        nodes = [v.node for v in self.function.inputs] + self.function.nodes
        return [Operation(n, self) for n in nodes]

    @property
    def structured_input_signature(self) -> Any:
        """That of the concrete function whose graph it is; None where there is none (any more)."""
        concrete = self.concrete()
        return None if concrete is None else concrete.structured_input_signature

    @property
    def structured_outputs(self) -> Any:
        """That of the concrete function whose graph it is; None where there is none (any more)."""
        concrete = self.concrete()
        return None if concrete is None else concrete.structured_outputs

    @property
    def external_captures(self) -> list[Any]:
        """The tensors and handles from outside that it uses, in the order of its last inputs."""
        return [getattr(external, "_handle", external) for external, _ in self.captures]

    @property
    def control_outputs(self) -> list[Operation]:
        """The nodes that run, in program order, whether or not their results are used: those with a state."""
        from .operation import Operation

        if not self.orders_effects:
            return []
        return [Operation(n, self) for n in self.function.nodes if n.op.signature.stateful]

    def get_operation_by_name(self, name: str) -> Operation:
        """The node of that name.

        Raises:
            KeyError: there is none.
        """
        for operation in self.get_operations():
            if operation.name == name:
                return operation
        raise KeyError(f"The name '{name}' refers to an Operation not in the graph.")

    def get_tensor_by_name(self, name: str) -> SymbolicTensor:
        """The tensor of that name, ``node:index``.

        Raises:
            KeyError: there is none.
        """
        node, _, index = name.rpartition(":")
        outputs = self.get_operation_by_name(node).outputs
        if not index.isdecimal() or int(index) >= len(outputs):
            raise KeyError(f"The name '{name}' refers to a Tensor which does not exist.")
        return outputs[int(index)]

    def as_graph_def(self, from_version: Any = None, add_shapes: bool = False) -> Any:
        """The graph as a GraphDef message to look at; shapes are always in it.

        Args:
            from_version, add_shapes: accepted.
        """
        from calque_runtime.wire.events import encode_function_graph

        return encode_function_graph(self.function)

    # Building

    def argument(self, name: str, dtype: DType, shape: Shape) -> SymbolicTensor:
        """Add an argument."""
        value = self.function.add_input(self.function.unique_name(name), dtype, shape, None)
        return SymbolicTensor(value, self)

    def constant(self, array: Any, dtype: DType, name: str | None = None) -> SymbolicTensor:
        """Add a constant."""
        attrs = {"value": np.asarray(array), "dtype": dtype}
        return SymbolicTensor(
            self._add(control.const, [], attrs, (dtype,), [np.shape(array)], name or "Const")[0], self
        )

    def call(self, op: Op, inputs: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
        """Add a node for a call of `op`; returns its outputs as `Op.__call__` does.

        Raises:
            TypeError: the inputs' types do not fit the op or each other.
            ValueError: the inputs' shapes do not fit.
        """
        signature = op.signature
        types, tensors = self._taken(signature, inputs)
        try:
            full, output_types = op.complete(types, attrs)
        except InvalidArgumentError as e:
            raise TypeError(f"{e}") from None
        values = [t._value for t in tensors]
        site = Site(op, full, [v.dtype for v in values], [v.shape for v in values], values, name or "")
        try:
            shapes = op.infer_shapes(site)
        except OpError as e:
            raise ValueError(f"{e}") from None
        outputs = self._add(op, values, full, output_types, shapes, name or op.name)
        if signature.single:
            return SymbolicTensor(outputs[0], self)
        return nest_outputs(signature, full, [SymbolicTensor(v, self) for v in outputs])

    def _taken(self, signature: Signature, inputs: Sequence[Any]) -> tuple[list[Any], list[SymbolicTensor]]:
        """The types of a call's arguments, lists where they are lists, and its tensors in this graph, flat."""
        if not signature.takes_lists:
            flat = [x if type(x) is SymbolicTensor and x.trace is self else self.inside(x) for x in inputs]
            return [x._dtype for x in flat], flat
        nested = [
            [self.inside(v) for v in x] if isinstance(x, (list, tuple)) else self.inside(x) for x in inputs
        ]
        types = [[v._dtype for v in x] if isinstance(x, list) else x._dtype for x in nested]
        return types, [t for x in nested for t in (x if isinstance(x, list) else (x,))]

    def _add(
        self,
        op: Op,
        inputs: list[Value],
        attrs: dict[str, Any],
        types: Sequence[DType],
        shapes: Sequence[Shape],
        name: str,
    ) -> tuple[Value, ...]:
        function = self.function
        unique = function.unique_name(self.scope + name if not name.endswith("/") else name[:-1])
        node = function.add(Node(op, unique, inputs, attrs, types, shapes, user_location()))
        if self._control:
            node.control = list(self._control)
        outputs = node.outputs
        if state.tapes:
            record_node(node, self)  # which may give the node more outputs
        return outputs

    @contextmanager
    def control_dependencies(self, tensors: Sequence[Any]) -> Iterator[None]:
        """Nodes added inside run after `tensors`' nodes (tensors, or nodes themselves)."""
        before = self._control
        nodes = [t if isinstance(t, Node) else self.inside(t)._value.node for t in tensors]
        self._control = before + [n for n in nodes if n.op is not ARG]
        try:
            yield
        finally:
            self._control = before

    # What comes from outside

    def inside(self, value: Any) -> SymbolicTensor:
        """`value` as a tensor of this graph: captured where it comes from outside, a constant where it is Python's."""
        if isinstance(value, SymbolicTensor) and value.trace is self:
            return value
        tensor = value if isinstance(value, Tensor) else convert_to_tensor(value)
        if isinstance(tensor, SymbolicTensor):
            if tensor.trace is self:
                return tensor
            if not self._encloses(tensor.trace):
                raise tensor._out_of_scope()
        return self.capture(tensor)

    def _encloses(self, trace: Trace) -> bool:
        outer = self.outer
        while outer is not None:
            if outer is trace:
                return True
            outer = outer.outer
        return False

    def capture(self, tensor: Tensor) -> SymbolicTensor:
        """The argument that stands for an eager tensor, or one of an enclosing graph."""
        key = self.capture_key(tensor)
        found = self._captured.get(key)
        if found is not None:
            return found
        if isinstance(tensor, EagerTensor):
            resource = tensor._array if tensor._dtype is dtypes.resource else None
            if resource is not None:
                return self._capture_resource(tensor, resource)
            shape: Shape = np.shape(tensor._array)
        else:
            shape = tensor._value.shape
        inner = self.argument("capture", tensor.dtype, shape)
        if isinstance(tensor, SymbolicTensor):  # what is known outside is known inside
            inner._value.handle = tensor._value.handle
            inner._value.known = constant_value(tensor._value)
        elif np.size(tensor._array) <= _KNOWN_CONSTANT:
            inner._value.known = tensor._array
        self._remember(tensor, key, inner)
        return inner

    @staticmethod
    def capture_key(external: Any) -> int:
        """What tells captures apart: one tensor, variable or resource has one key, whatever object stands for it."""
        if isinstance(external, SymbolicTensor):
            return id(external._value)
        if isinstance(external, EagerTensor):
            return id(external._array if external._dtype is dtypes.resource else external)
        return id(external._state)

    def tape_key(self, value: Value) -> int:
        """By what tapes know a value of this graph (see `gradient.recording`)."""
        key = id(value)
        return self._tape_keys.get(key, key) if value.node.op is ARG else key

    def capture_external(self, external: Any) -> SymbolicTensor:
        """The argument that stands for what another graph captured: a tensor or a variable."""
        return self.capture(external) if isinstance(external, Tensor) else self.capture_variable(external)

    def order_captures(self, keys: Sequence[int]) -> None:
        """Put the captures, which are the last arguments, in the order of `keys` (see `capture_key`)."""
        by_key = {self.capture_key(external): (external, inner) for external, inner in self.captures}
        self.captures = [by_key[key] for key in keys]
        own = len(self.function.inputs) - len(self.captures)
        self.function.inputs[own:] = [inner for _, inner in self.captures]
        for index, value in enumerate(self.function.inputs):
            value.node.attrs["index"] = index

    def note_variable(self, variable: Any) -> None:
        """List `variable` among those that the function uses."""
        self._variables[id(variable)] = variable

    def capture_variable(self, variable: Any) -> SymbolicTensor:
        """The argument that stands for a variable's handle."""
        self.note_variable(variable)
        found = self._captured.get(id(variable._state))
        if found is not None:
            return found
        return self._capture_resource(variable, variable._state)

    def _capture_resource(self, external: Any, resource: Any) -> SymbolicTensor:
        found = self._captured.get(id(resource))
        if found is not None:
            return found
        name = getattr(resource, "name", "") or "resource"
        inner = self.argument(name.rpartition("/")[2] + "_handle", dtypes.resource, ())
        if hasattr(resource, "version"):
            inner._value.handle = (resource.dtype, resource.shape)
        self._remember(external, id(resource), inner)
        return inner

    def _remember(self, external: Any, key: int, inner: SymbolicTensor) -> None:
        # `captures` keeps the external object alive, so that its id stays its own.
        self._captured[key] = inner
        self._tape_keys[id(inner._value)] = key_of(external)
        self.captures.append((external, inner._value))

    def called_with(self, inner: SymbolicTensor, value: Any) -> None:
        """On a first call: what the argument `inner` is in that call, so that variables can start from it."""
        if self._may_create:
            self._given[id(inner._value)] = value

    def finish(self) -> None:
        """Tracing is over: let go of what only tracing needs."""
        self._given.clear()

    def bind_variable_argument(self, variable: Any, inner: SymbolicTensor) -> None:
        """Uses of `variable` inside this graph mean the argument `inner`, which it was passed as."""
        self._captured[id(variable._state)] = inner
        self._tape_keys[id(inner._value)] = id(variable._state)
        self.note_variable(variable)

    # Variables made inside

    def check_variable_creation(self) -> None:
        """May a variable be made now?

        Raises:
            ValueError: the function has been traced before.
        """
        if not self._may_create:
            raise ValueError(
                "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable "
                f"is only created once or created outside tf.function. (While tracing '{self.function.name}'.)"
            )

    def variable_created(self, variable: Any) -> None:
        """Note a variable made while tracing."""
        trace: Trace | None = self
        while trace is not None:
            trace.created.append(variable)
            trace = trace.outer

    def lift(self, tensor: SymbolicTensor) -> EagerTensor:
        """The value of a tensor of this graph, computed now from what is known of the function's arguments.

        Raises:
            ValueError: it depends on an argument that has no value yet.
        """
        lifted = Function("initial_value")
        lifted.inputs = list(self.function.inputs)
        lifted.nodes = self.function.nodes
        lifted.outputs = [tensor._value]
        known = {id(inner): external for external, inner in self.captures} | self._given
        needed = {v for node in schedule(lifted) for v in node.inputs} | {tensor._value}
        arrays: list[Any] = []
        for value in lifted.inputs:
            external = known.get(id(value))
            if value not in needed:
                arrays.append(None)
            elif external is None:
                raise ValueError(
                    f"A variable's initial value depends on the argument '{value.node.name}' of the function being "
                    f"traced ('{self.function.name}'), which has no value yet: make the variable outside, call the "
                    "function before its concrete function is asked for, or let the value not depend on the argument."
                )
            elif isinstance(external, SymbolicTensor):
                arrays.append(external.trace.lift(external)._array)
            elif isinstance(external, (np.ndarray, np.generic)):
                arrays.append(to_array(external)[0])
            else:
                arrays.append(external._array if isinstance(external, EagerTensor) else external._state)
        return EagerTensor(reference.run(lifted, arrays, environment)[0], tensor.dtype)
