"""Calls of layers on symbolic tensors: the layer runs in a graph that is thrown away, for the shapes of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calque_runtime.constants import constant_value

from ... import nest
from ...composite.composite import CompositeTensor
from ...context import name_scope, state
from ...function.trace import Trace
from ...tensor import EagerTensor, SymbolicTensor, Tensor, convert_to_tensor
from ...tensor_spec import TensorSpec
from .arguments import specs_of_call
from .call_context import Call, current_call, enter
from .keras_tensor import KerasTensor
from .masks import mask_of, set_mask
from .node import Node

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["call_on_symbols", "outputs_for", "placeholder"]


def call_on_symbols(layer: Layer, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The symbolic results of a call of a layer on symbolic tensors; the call becomes a node of the model."""
    given_args, given_kwargs = args, dict(kwargs)
    placeholders = _Placeholders(layer.name)
    inner, inner_args, inner_kwargs = nest.map_structure(placeholders.real, (inputs, args, kwargs))
    outputs = _traced(layer, placeholders.trace, inner, inner_args, inner_kwargs)
    results = nest.map_structure(_symbol, outputs)
    if layer._state.save_spec is None:
        layer._state.save_spec = specs_of_call(inner, inner_args, inner_kwargs, layer._call_spec)
    Node(layer, (inputs, *given_args), given_kwargs, results)
    return results


def outputs_for(layer: Layer, specs: Any) -> Any:
    """The results, tensors of a graph that is thrown away, of a call on inputs of these specs."""
    placeholders = _Placeholders(layer.name)
    inner = nest.map_structure(lambda s: placeholders.of_spec(s, "input"), specs)
    return _traced(layer, placeholders.trace, inner, (), {})


def _traced(layer: Layer, trace: Trace, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with trace.as_current():
        args, kwargs, mask = layer._with_mask(inputs, args, kwargs)
        outer = current_call() or Call(layer, inputs, None, True)
        args, kwargs, training = layer._with_training(args, kwargs, outer)
        with enter(Call(layer, inputs, training, True)), name_scope(layer.name):
            outputs = layer._run(inputs, args, kwargs)
            outputs = nest.map_structure(_in_graph, outputs)
            layer._finish(inputs, outputs, mask)
    return outputs


class _Placeholders:
    """Puts arguments of a graph in the place of symbolic tensors."""

    def __init__(self, name: str) -> None:
        before, state.trace = state.trace, None
        try:
            self.trace = Trace(f"keras_{name}", may_create_variables=True)
        finally:
            state.trace = before
        self.trace.outer = before
        self.trace.orders_effects = False
        self._known: dict[int, Any] = {}

    def real(self, leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        made = self._known.get(id(leaf))
        if made is None:
            made = self._known[id(leaf)] = self.of_spec(leaf.type_spec, leaf.name)
            if leaf._known_value is not None and isinstance(made, SymbolicTensor):
                made._value.known = leaf._known_value
            if leaf._keras_mask is not None:
                set_mask(made, self.real(leaf._keras_mask))
        return made

    def of_spec(self, spec: Any, name: str) -> Any:
        return placeholder(self.trace, spec, name)


def placeholder(trace: Trace, spec: Any, name: str) -> Any:
    """An argument of a graph for values of this spec."""
    from ...function.tracing import graph_name

    if isinstance(spec, TensorSpec):
        return trace.argument(graph_name(name), spec.dtype, spec.shape.as_tuple())
    parts = [
        trace.argument(f"{graph_name(name)}_{i}", part.dtype, part.shape.as_tuple())
        for i, part in enumerate(nest.flatten(spec._component_specs, expand_composites=True))
    ]
    return nest.pack_sequence_as(spec, parts, expand_composites=True)


def _in_graph(output: Any) -> Any:
    """A result of `call` as a tensor of the graph: constants and Python numbers too."""
    if isinstance(output, (SymbolicTensor, CompositeTensor)) or output is None:
        return output
    if state.trace is None:
        raise RuntimeError("there is no graph")
    inside = state.trace.inside(convert_to_tensor(output))
    set_mask(inside, mask_of(output))
    return inside


def _symbol(output: Any) -> Any:
    """The KerasTensor that stands for a result."""
    if not isinstance(output, (Tensor, CompositeTensor)):
        raise TypeError(f"a layer must return tensors in a functional model, but one returned {output!r}")
    made = KerasTensor(_spec_of(output), known_value=_known(output))
    mask = mask_of(output)
    if mask is not None:
        made._keras_mask = KerasTensor(_spec_of(mask))
    return made


def _spec_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    return value._type_spec


def _known(value: Any) -> Any:
    if isinstance(value, EagerTensor):
        return value._array if value._array.size <= 16 else None
    if not isinstance(value, SymbolicTensor) or not value.dtype.is_integer:
        return None
    return constant_value(value._value)
