"""`Step`: a step of training, evaluation or prediction as a function of a batch, traced once for each kind of batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ... import nest
from ...autograph.calls import tf_convert
from ...autograph.status import control_status
from ...context import state
from ...function.concrete import ConcreteFunction
from ...function.polymorphic import Function
from ...tensor import EagerTensor, SymbolicTensor
from ...tensor_spec import TensorSpec

__all__ = ["Step"]


class Step:
    """Runs a step on batches, as a graph.

    Batches of another number of samples run the same graph: it is traced for any number, unless the data says
    beforehand that there is one number alone.

    Args:
        model: the model.
        mode: "train", "test" or "predict": the step is its method ``train_step`` and so on, a function of a batch.

    Attributes:
        function: the traced function, of the tensors of a batch.
    """

    def __init__(self, model: Any, mode: str) -> None:
        self._model, self._name = model, f"{mode}_step"
        self._counter, self._eagerly = model._counter(mode), model.run_eagerly
        self._traced: dict[Hashable, Callable[[list[Any]], Any]] = {}
        self.function: Function | None = None

    def __call__(self, data: Any) -> Any:
        """What the step gives for a batch: a tensor, or a structure of tensors."""
        if self._eagerly or state.trace is not None:
            return self._counted(data)
        if type(data) is tuple and all(type(part) is EagerTensor for part in data):
            flat: list[Any] = list(data)
            outline = ""
        else:
            flat = nest.flatten(data, expand_composites=True)
            outline = nest.skeleton(data, expand_composites=True)
            if not all(part is None or type(part) is EagerTensor for part in flat):
                return self._counted(data)
        fixed = self._model.__dict__["_batches_of_one_size"]
        start = 0 if fixed else 1
        kinds = [None if t is None else (t._dtype, t._array.shape[start:], t._array.ndim) for t in flat]
        key = (outline, fixed, *kinds)
        call = self._traced.get(key)
        if call is None:
            call = self._traced[key] = self._trace(data, flat, fixed)
        return call(flat)

    def _counted(self, data: Any) -> Any:
        run = getattr(self._model, self._name)
        outputs = (run if state.trace is None else tf_convert(run, control_status()))(data)
        self._counter.assign_add(1)
        return outputs

    def _trace(self, data: Any, flat: list[Any], fixed: bool) -> Callable[[list[Any]], Any]:
        """The step for batches like this one, as a function of their flat tensors."""
        places = [i for i, part in enumerate(flat) if part is not None]

        def step(*tensors: Any) -> Any:
            leaves: list[Any] = [None] * len(flat)
            for place, tensor in zip(places, tensors, strict=True):
                leaves[place] = tensor
            return self._counted(nest.pack_sequence_as(data, leaves, expand_composites=True))

        dense = not any(hasattr(part, "_type_spec") for part in nest.flatten(data))
        specs = [_spec(flat[i], dense, fixed) for i in places]
        self.function = Function(step, self._name)
        return _caller(self.function.get_concrete_function(*specs), places)


def _spec(tensor: Any, dense: bool, fixed: bool) -> TensorSpec:
    """A tensor's dtype and shape; any size for the number of samples, and for the parts of composite tensors."""
    sizes: list[int | None] = list(tensor._array.shape)
    if not dense:
        sizes = [None] * len(sizes)
    elif sizes and not fixed:
        sizes[0] = None
    return TensorSpec(sizes, tensor.dtype)


def _caller(concrete: ConcreteFunction, places: list[int]) -> Callable[[list[Any]], Any]:
    """What calls a concrete function with the flat tensors of a batch; a dict of results is put together directly."""
    outputs = concrete.structured_outputs
    given = concrete.flat_results
    if type(outputs) is not dict or not all(isinstance(t, SymbolicTensor) for t in outputs.values()):
        return lambda flat: concrete.call_flat([flat[i] for i in places])
    order = sorted(outputs)
    fields = [(name, order.index(name)) for name in outputs]

    def call(flat: list[Any]) -> Any:
        results = given([flat[i] for i in places])
        return {name: results[i] for name, i in fields}

    return call
