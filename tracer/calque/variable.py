"""Variables: tensors that can be assigned to, and live as long as the object does."""

from __future__ import annotations

import enum
import inspect
import itertools
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from calque_runtime import dtypes, resources
from calque_runtime.dtypes import DType, as_dtype
from calque_runtime.ops import control as _control  # noqa: F401  (declares the ops that reads and assignments use)
from calque_runtime.ops import state as state_ops

from .context import current_scope, init_scope, state
from .gradient.recording import variable_accessed
from .indexed_slices import IndexedSlices
from .operands import Operators
from .tensor import EagerTensor, SymbolicTensor, Tensor, TensorReference, _text, convert_to_tensor
from .tensor_shape import TensorShape
from .trackable import Trackable
from .variable_creators import create

__all__ = ["Variable", "VariableAggregation", "VariableSynchronization"]

_numbers = itertools.count()  # by which tapes list variables in the order in which they were made


class VariableSynchronization(enum.IntEnum):
    """When replicas of a variable are brought together; calque runs one replica and keeps the value for saving."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.IntEnum):
    """How updates of replicas are combined; calque runs one replica and keeps the value for saving."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


class _VariableType(type):
    """What makes variables: a call of `Variable` itself asks the creators of `variable_creator_scope`."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not state.creators or cls is not Variable:
            return super().__call__(*args, **kwargs)
        given = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
        given.apply_defaults()
        _, *parameters = given.arguments.items()
        named = dict(parameters)
        return create(super().__call__, named | named.pop("kwargs"))


class Variable(Operators, Trackable, metaclass=_VariableType):
    """A tensor whose value can change.

    Args:
        initial_value: a tensor, anything `convert_to_tensor` takes, or a function without arguments that returns one.
        trainable: do `trainable_variables` and gradient tapes list it? None: yes.
        validate_shape: accepted, and of no effect: `shape` says what later values may be.
        caching_device, variable_def, import_scope, experimental_enable_variable_lifting: accepted, of no effect.
        name: its name; it prints as ``name:0``, prefixed by the name scope.
        dtype: the type to convert `initial_value` to.
        constraint: a function applied to the value after an optimizer's update.
        synchronization, aggregation: kept for saving.
        shape: a static shape looser than the initial value's.

    Inside a `function`, a variable may be made on the first call only.

    ``v += x`` is refused: it would make `v` a tensor. Use ``v.assign_add(x)``.

    Raises:
        ValueError: no initial value; or made inside a function that may not create variables (any more).
    """

    __array_priority__ = 100  # numpy leaves array + variable to the variable
    _distribute_strategy: Any = None  # the strategy in whose scope it was made

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        synchronization: VariableSynchronization | None = VariableSynchronization.AUTO,
        aggregation: VariableAggregation | None = VariableAggregation.NONE,
        shape: Any = None,
        experimental_enable_variable_lifting: bool | None = None,
        **kwargs: Any,
    ) -> None:
        if initial_value is None:
            raise ValueError("The `initial_value` arg to `tf.Variable` must be specified and cannot be None.")
        scope = current_scope()
        if state.trace is not None:
            state.trace.check_variable_creation()
        value = _initial_value(initial_value, dtype)
        static: Any = TensorShape(shape) if shape is not None else TensorShape(np.shape(value._array))
        if not static.is_compatible_with(TensorShape(np.shape(value._array))):
            raise ValueError(
                f"In this `tf.Variable` creation, the initial value's shape ({value.shape}) is not compatible with the "
                f"explicitly supplied `shape` argument ({static})."
            )
        self._setup(
            resources.Variable(
                value.dtype, static.as_tuple(), scope + ("Variable" if name is None else name), value._array
            ),
            trainable=_trainable(trainable, synchronization),
            constraint=constraint,
            synchronization=synchronization or VariableSynchronization.AUTO,
            aggregation=aggregation or VariableAggregation.NONE,
        )
        if state.trace is not None:
            state.trace.variable_created(self)

    def _setup(
        self,
        resource: resources.Variable,
        trainable: bool = True,
        constraint: Any = None,
        synchronization: int = VariableSynchronization.AUTO,
        aggregation: int = VariableAggregation.NONE,
    ) -> None:
        self._number = next(_numbers)
        self._state = resource
        self._handle = EagerTensor(resource, dtypes.resource)
        self._trainable = trainable
        self._constraint = constraint
        self._synchronization = VariableSynchronization(synchronization)
        self._aggregation = VariableAggregation(aggregation)

    @classmethod
    def from_state(cls, resource: resources.Variable, trainable: bool = True, **kwargs: Any) -> Variable:
        """A variable around a state that is there already, as a loaded model's is."""
        variable = cls.__new__(cls)
        variable._setup(resource, trainable, **kwargs)
        return variable

    @property
    def name(self) -> str:
        """Its name, ``scope/name:0``."""
        return self._state.name + ":0"

    @property
    def _shared_name(self) -> str:
        return self._state.name

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return self._state.dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape that every value fits."""
        return TensorShape(self._state.shape)

    @property
    def ndim(self) -> int | None:
        """The number of dimensions, None where it is not fixed."""
        return self.shape.rank

    def get_shape(self) -> TensorShape:
        """The static shape."""
        return self.shape

    @property
    def trainable(self) -> bool:
        """Is it listed among the trainable variables?"""
        return self._trainable

    @property
    def constraint(self) -> Any:
        """The function to apply after an optimizer's update, or None."""
        return self._constraint

    @property
    def synchronization(self) -> VariableSynchronization:
        """When replicas are brought together (see VariableSynchronization)."""
        return self._synchronization

    @property
    def aggregation(self) -> VariableAggregation:
        """How replicas' updates are combined (see VariableAggregation)."""
        return self._aggregation

    @property
    def device(self) -> str:
        """The device it is on."""
        return self._handle.device

    @property
    def handle(self) -> Tensor:
        """The resource tensor of this variable; in a trace, the function's argument for it."""
        trace = state.trace
        return self._handle if trace is None else trace.capture_variable(self)

    @property
    def initializer(self) -> None:
        """What would have to run to give it its first value: nothing, it has it when it is made."""
        return None

    def is_initialized(self, name: str | None = None) -> Tensor:
        """Has it a value?"""
        found: Tensor = state_ops.var_is_initialized(self.handle, name=name)
        return found

    def ref(self) -> TensorReference:
        """A hashable reference to this variable."""
        return TensorReference(self)

    experimental_ref = ref

    def value(self) -> Tensor:
        """The value now, as a tensor."""
        return self.read_value()

    def read_value(self) -> Tensor:
        """The value now, as a tensor."""
        if state.tapes:
            variable_accessed(self)
        value: Tensor = state_ops.read_variable(self.handle, dtype=self._state.dtype)
        return value

    def numpy(self) -> Any:
        """The value, as `EagerTensor.numpy` gives it.

        Raises:
            NotImplementedError: called while a function is traced.
        """
        if state.trace is not None:
            raise NotImplementedError("numpy() is only available when eager execution is enabled.")
        return EagerTensor(self._state.value, self._state.dtype).numpy()

    def __tf_tensor__(self, dtype: DType | None = None, name: str | None = None) -> Tensor:
        return convert_to_tensor(self.read_value(), dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.read_value().__array__(dtype, copy)

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Replace the value.

        Raises:
            ValueError: the shape does not fit.
            TypeError: the dtype does not fit.
        """
        tensor = convert_to_tensor(value, dtype=self._state.dtype)
        if not self.shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable shape {self.shape}, and "
                f"the assigned value shape {tensor.shape} are incompatible."
            )
        return self._update(state_ops.assign_variable, tensor, name, read_value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Add to the value."""
        return self._update(state_ops.assign_add_variable, delta, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtract from the value."""
        return self._update(state_ops.assign_sub_variable, delta, name, read_value)

    def _update(self, op: Any, value: Any, name: str | None, read_value: bool) -> Any:
        tensor = convert_to_tensor(value, dtype=self._state.dtype)
        op(self.handle, tensor, name=name)
        return self if read_value else None

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """Rows of the value: ``value[indices]`` without reading all of it."""
        at = convert_to_tensor(indices)
        if state.tapes:
            variable_accessed(self)
        rows: Tensor = state_ops.resource_gather(self.handle, at, dtype=self.dtype, name=name)
        return rows

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """Slices of the value at the positions in the last axis of `indices`."""
        at = convert_to_tensor(indices)
        if state.tapes:
            variable_accessed(self)
        slices: Tensor = state_ops.resource_gather_nd(self.handle, at, dtype=self.dtype, name=name)
        return slices

    def _scatter(self, op: Any, slices: Any, name: str | None) -> Variable:
        if not isinstance(slices, IndexedSlices):
            raise TypeError(f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {slices!r}")
        values = convert_to_tensor(slices.values, self.dtype)
        op(self.handle, convert_to_tensor(slices.indices), values, name=name)
        return self

    def scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Variable:
        """Replace the rows that an IndexedSlices names."""
        return self._scatter(state_ops.resource_scatter_update, sparse_delta, name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Add to the rows that an IndexedSlices names."""
        return self._scatter(state_ops.resource_scatter_add, sparse_delta, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Subtract from the rows that an IndexedSlices names."""
        return self._scatter(state_ops.resource_scatter_sub, sparse_delta, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Multiply the rows that an IndexedSlices names."""
        return self._scatter(state_ops.resource_scatter_mul, sparse_delta, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Divide the rows that an IndexedSlices names."""
        return self._scatter(state_ops.resource_scatter_div, sparse_delta, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Keep the smaller of the rows that an IndexedSlices names and its values."""
        return self._scatter(state_ops.resource_scatter_min, sparse_delta, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Keep the larger of the rows that an IndexedSlices names and its values."""
        return self._scatter(state_ops.resource_scatter_max, sparse_delta, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Replace the slices at `indices`."""
        return self._scatter_nd(state_ops.resource_scatter_nd_update, indices, updates, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Add to the slices at `indices`."""
        return self._scatter_nd(state_ops.resource_scatter_nd_add, indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Subtract from the slices at `indices`."""
        return self._scatter_nd(state_ops.resource_scatter_nd_sub, indices, updates, name)

    def _scatter_nd(self, op: Any, indices: Any, updates: Any, name: str | None) -> Variable:
        op(self.handle, convert_to_tensor(indices), convert_to_tensor(updates, self.dtype), name=name)
        return self

    def set_shape(self, shape: Any) -> None:
        """Make the static shape more precise.

        Raises:
            ValueError: it contradicts what is known.
        """
        self._state.shape = self.shape.merge_with(shape).as_tuple()

    def _restore(self, array: Any) -> None:
        """Take a checkpoint's value."""
        self._state.assign(array)

    def _serialize_to_tensors(self) -> Mapping[str, Any]:
        return {"VARIABLE_VALUE": self._state.value}

    def _restore_from_tensors(self, restored: Mapping[str, Any]) -> None:
        self._restore(restored["VARIABLE_VALUE"])

    def __bool__(self) -> bool:
        return bool(self.read_value())

    def __int__(self) -> int:
        return int(self.read_value())

    def __float__(self) -> float:
        return float(self.read_value())

    def __iter__(self) -> Any:
        return iter(self.read_value())

    def __hash__(self) -> int:
        raise TypeError(
            f"Variable is unhashable. Instead, use variable.ref() as the key. (Variable: {self!r})"
        )

    def _settings(self) -> dict[str, Any]:
        return {
            "trainable": self._trainable,
            "constraint": self._constraint,
            "synchronization": self._synchronization,
            "aggregation": self._aggregation,
        }

    def __copy__(self) -> Variable:
        """Another object for the same state."""
        return type(self).from_state(self._state, **self._settings())

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        held = self._state
        twin = type(self).from_state(
            resources.Variable(held.dtype, held.shape, held.name, held.value), **self._settings()
        )
        memo[id(self)] = twin
        return twin

    def __reduce__(self) -> Any:
        held = self._state
        return _unpickle, (np.asarray(held.value), held.dtype, held.shape, held.name, self._settings())

    def __repr__(self) -> str:
        head = f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}"
        if state.trace is not None:
            return head + ">"
        if not self._state.initialized:
            return head + ", numpy=<uninitialized>>"
        return f"{head}, numpy={_text(EagerTensor(self._state.value, self.dtype), repr_form=True)}>"


def _unpickle(array: Any, dtype: DType, shape: Any, name: str, settings: dict[str, Any]) -> Variable:
    return Variable.from_state(resources.Variable(dtype, shape, name, array), **settings)


def _refused(sign: str, instead: str) -> Any:
    def operator(self: Variable, other: Any) -> NoReturn:
        raise RuntimeError(
            f"`variable {sign}= value` is not supported: it would replace the variable by a tensor. Use {instead} to "
            f"change the variable, or `x = variable {sign} value` to get a new tensor."
        )

    return operator


for _name, _sign, _instead in (
    ("iadd", "+", "`variable.assign_add(value)`"),
    ("isub", "-", "`variable.assign_sub(value)`"),
    ("imul", "*", "`variable.assign(variable * value)`"),
    ("itruediv", "/", "`variable.assign(variable / value)`"),
    ("ipow", "**", "`variable.assign(variable ** value)`"),
):
    setattr(Variable, f"__{_name}__", _refused(_sign, _instead))


def _trainable(trainable: bool | None, synchronization: VariableSynchronization | None) -> bool:
    """Copies that are brought together when they are read cannot be trained, and are not unless it is asked for."""
    if synchronization is not VariableSynchronization.ON_READ:
        return trainable is None or bool(trainable)
    if trainable:
        raise ValueError(
            "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. You "
            "have specified trainable=True and synchronization=VariableSynchronization.ON_READ."
        )
    return False


def _initial_value(initial: Any, dtype: Any) -> EagerTensor:
    """The eager value to start with. Computed outside of the trace; what was traced already is run on its own."""
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(initial, SymbolicTensor):
        value: Any = initial.trace.lift(initial)
    elif state.trace is not None and not callable(initial) and isinstance(initial, (list, tuple)):
        lifted = convert_to_tensor(initial, wanted)
        value = lifted.trace.lift(lifted) if isinstance(lifted, SymbolicTensor) else lifted
    else:
        with init_scope():
            value = initial() if callable(initial) and not isinstance(initial, Variable) else initial
            value = convert_to_tensor(value, wanted)
    if wanted is not None and value.dtype is not wanted:
        raise ValueError(
            f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {value.dtype.name}: {value!r}"
        )
    start: EagerTensor = value
    return start
