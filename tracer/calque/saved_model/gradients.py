"""Custom gradients in files, as TensorFlow keeps them: a function for each, under the name that the nodes carry.

A gradient function takes the gradients of the node's outputs, and captures what else its Python code used: variables,
constants, and tensors of the function that the node is in, which the file refers to by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from calque_runtime.environment import Environment
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import ARG, Function, Library, Node, Value
from calque_runtime.savedmodel import matching
from calque_runtime.savedmodel.metagraph import CapturedTensor

from ..function.concrete import ConcreteFunction
from ..function.effects import add_control_dependencies
from ..function.leaves import TensorLeaf
from ..function.signature import FunctionSignature
from ..function.trace import Trace
from ..gradient.aggregation import dense
from ..gradient.functions import call_function
from ..gradient.graphs import copied_from, fresh_name, result_names
from ..gradient.recording import stopped
from ..gradient.registry import GradientName
from ..tensor import SymbolicTensor, Tensor
from ..variable import Variable
from .asset import Asset

__all__ = ["SavedGradients", "callees", "restore_gradients"]

_ATTR = "_gradient_op_type"


def callees(functions: Iterable[Function], library: Library | None = None) -> Iterator[Function]:
    """The functions, and all that they call, each once; what only `library` knows is looked up there."""
    waiting = list(functions)
    seen = {id(f) for f in waiting}
    while waiting:
        function = waiting.pop(0)
        yield function
        for ref in function.calls():
            if ref.function is None and library is not None and ref.name in library:
                library.resolve(ref)
            if ref.function is not None and id(ref.function) not in seen:
                seen.add(id(ref.function))
                waiting.append(ref.function)


class _GradientTrace(Trace):
    """The graph of a gradient function. It may use tensors of whatever graph its Python code was written in."""

    def _encloses(self, trace: Trace) -> bool:
        return True


class SavedGradients:
    """The custom gradients of functions that are saved.

    Attributes:
        functions: their gradient functions, in order.

    Raises:
        ValueError: the Python code of a gradient fails.
    """

    def __init__(self, concrete: Sequence[ConcreteFunction]) -> None:
        self.functions: list[ConcreteFunction] = []
        self._numbers: dict[bytes, int] = {}
        self._originals = list(callees(one.function for one in concrete))
        known = {id(f) for f in self._originals}
        waiting = list(self._originals)
        while waiting:
            for node in waiting.pop(0).nodes:
                name = node.attrs.get(_ATTR)
                if not isinstance(name, GradientName) or name in self._numbers:
                    continue
                self._numbers[name] = len(self.functions)
                made = _traced(name, node)
                self.functions.append(made)
                new = [f for f in callees([made.function]) if id(f) not in known]
                known.update(id(f) for f in new)
                self._originals += new
                waiting += new

    def rename(self, copies: Mapping[int, Function]) -> dict[str, str]:
        """Name the gradients in the copies that are saved by their order.

        Returns:
            For each name the name of its gradient function.
        """
        numbers = dict(self._numbers)
        for copy in copies.values():
            for node in copy.nodes:
                name = node.attrs.get(_ATTR)
                if isinstance(name, GradientName):
                    node.attrs[_ATTR] = b"CustomGradient-%d" % numbers.setdefault(name, len(numbers))
        return {f"CustomGradient-{n}": copies[id(f.function)].name for n, f in enumerate(self.functions)}

    def captured(self, tensor: SymbolicTensor, copies: Mapping[int, Function]) -> CapturedTensor:
        """How the file refers to a tensor that a gradient function captures.

        Raises:
            ValueError: none of the functions that are saved has it.
        """
        for function in self._originals:
            values = dict(zip(_values(function), _values(copies[id(function)]), strict=True))
            for value in (tensor._value, copied_from(function).get(tensor._value)):
                if value is not None and value in values:
                    return CapturedTensor(values[value].name, copies[id(function)].name)
        raise ValueError(
            "Cannot save a custom gradient because SavedModel is unable to serialize the captured input "
            f"{tensor!r}: it belongs to no function that is saved. Save with "
            "tf.saved_model.SaveOptions(experimental_custom_gradients=False) to leave custom gradients out."
        )


def _values(function: Function) -> list[Value]:
    return [*function.inputs, *(v for node in function.nodes for v in node.outputs)]


def _traced(name: GradientName, node: Node) -> ConcreteFunction:
    """The gradient function of a node."""
    trace = _GradientTrace(fresh_name("inference", "internal_grad_fn"))
    names = [f"result_grads_{i}" for i in range(len(node.outputs))]
    with stopped(), trace.as_current():
        arguments = [trace.argument(n, v.dtype, v.shape) for n, v in zip(names, node.outputs, strict=True)]
        try:
            found = [dense(g) for g in name.function(None, *arguments)]
        except Exception as e:
            raise ValueError(
                f"Error when tracing the custom gradient of node '{node.name}' for saving: {e}. Mend it, or save with "
                "tf.saved_model.SaveOptions(experimental_custom_gradients=False) to leave custom gradients out."
            ) from e
        results = [None if g is None else trace.inside(g) for g in found]
    trace.finish()
    function = trace.function
    function.outputs = [t._value for t in results if t is not None]
    function.output_names = result_names(len(function.outputs))
    add_control_dependencies(function)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = FunctionSignature.of(
        "gradient", inspect.Signature([inspect.Parameter(n, kind) for n in names])
    )
    structure = {n: TensorLeaf(v.dtype, v.shape) for n, v in zip(names, node.outputs, strict=True)}
    return ConcreteFunction(trace, signature, structure, names, results)


class _LoadedGradient:
    """A custom gradient of a loaded model."""

    def __init__(self, environment: Environment, name: str) -> None:
        self._environment = environment
        self._name = name
        self._graphs: dict[str, Trace] = {}

    def __call__(self, operation: Any, *gradients: Any) -> list[Any]:
        """See `registry.GradientName`."""
        environment = self._environment
        name, signature, captures = environment.gradients[self._name]()
        function = environment.library[name]
        restore_gradients(callees([function], environment.library), environment)
        inputs = [*gradients, *(self._captured(c) for c in captures)]
        flat = call_function(function, inputs)
        return list(matching.pack(signature, iter(flat), matching.Convention()))

    def _captured(self, capture: Any) -> Any:
        """What the gradient function captures; a tensor of the loaded graph where that is what it is."""
        if isinstance(capture, (Variable, Tensor)):
            return capture
        if not isinstance(capture, CapturedTensor):
            return capture._path_tensor if isinstance(capture, Asset) else capture.handle
        function = self._environment.library[capture.concrete_function]
        node, _, index = capture.name.partition(":")
        for value in function.inputs:
            if value.node.name == node:
                return SymbolicTensor(value, self._graph(function))
        found = function.by_name().get(node)
        if found is None or found.op is ARG or not index.isdecimal() or int(index) >= len(found.outputs):
            raise InvalidArgumentError(
                None,
                None,
                f"the custom gradient '{self._name}' uses '{capture.name}', which function '{function.name}' has "
                "not",
            )
        return SymbolicTensor(found.outputs[int(index)], self._graph(function))

    def _graph(self, function: Function) -> Trace:
        made = self._graphs.get(function.name)
        if made is None:
            made = self._graphs[function.name] = Trace(function.name)
            made.function, made.outer = function, None
        return made


def restore_gradients(functions: Iterable[Function], environment: Environment) -> None:
    """Let the nodes of loaded functions that name a custom gradient of the file know it."""
    if not environment.gradients:
        return
    for function in functions:
        for node in function.nodes:
            name = node.attrs.get(_ATTR)
            if not isinstance(name, bytes) or isinstance(name, GradientName):
                continue
            text = name.decode(errors="replace")
            if text in environment.gradients:
                gradient: Callable[..., Any] = _LoadedGradient(environment, text)
                node.attrs[_ATTR] = GradientName.of(text, gradient)
