"""Strategies: where the replicas of a program run. Here there is one replica, on the processor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from .. import nest
from ..device_spec import DeviceSpec
from ..tensor import convert_to_tensor
from ..variable import Variable, VariableSynchronization
from ..variable_creators import variable_creator_scope
from .contexts import (
    CPU,
    ReduceOp,
    ReplicaContext,
    enter,
    get_strategy,
    has_strategy,
    in_cross_replica_context,
    scope_entered,
    set_global_strategy,
)

__all__ = [
    "DEFAULT",
    "InputContext",
    "MirroredStrategy",
    "OneDeviceStrategy",
    "RunOptions",
    "Strategy",
    "StrategyExtended",
    "TPUStrategy",
    "experimental_set_strategy",
]


class RunOptions(NamedTuple):
    """How `Strategy.run` runs; accepted for TensorFlow's sake, without effect."""

    experimental_enable_dynamic_batch_size: bool = True
    experimental_bucketizing_dynamic_shape: bool = False
    experimental_xla_options: Any = None


class InputContext(NamedTuple):
    """Which part of the input a pipeline is to give.

    Attributes:
        num_input_pipelines: how many pipelines there are.
        input_pipeline_id: which one this is.
        num_replicas_in_sync: how many replicas share a global batch.
    """

    num_input_pipelines: int = 1
    input_pipeline_id: int = 0
    num_replicas_in_sync: int = 1

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """The part of a global batch that one replica gets.

        Raises:
            ValueError: the replicas cannot share it evenly.
        """
        if global_batch_size % self.num_replicas_in_sync:
            raise ValueError(
                f"The `global_batch_size` {global_batch_size} is not divisible by `num_replicas_in_sync` "
                f"{self.num_replicas_in_sync}"
            )
        return global_batch_size // self.num_replicas_in_sync


class Strategy:
    """A way to run replicas of a program. Use one of its subclasses.

    Args:
        extended: what knows the details; None for the plain one.
    """

    def __init__(self, extended: StrategyExtended | None = None) -> None:
        self._extended = StrategyExtended(self) if extended is None else extended
        self._replica = ReplicaContext(self)

    @property
    def extended(self) -> StrategyExtended:
        """What is rarely needed."""
        return self._extended

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are: 1."""
        return 1

    @property
    def cluster_resolver(self) -> None:
        """There is no cluster."""
        return None

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Have this strategy in force inside, in a cross-replica context; variables made inside are its own.

        Raises:
            RuntimeError: another strategy's scope is entered, or it is entered from `run`.
        """
        self._check_scope()
        with enter(self, None), variable_creator_scope(self._create_variable):
            yield self

    def _check_scope(self) -> None:
        if has_strategy():
            if get_strategy() is not self:
                raise RuntimeError(
                    f"Mixing different tf.distribute.Strategy objects: {get_strategy()} is not {self}"
                )
            _require_cross_replica()

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        # Copies that are brought together when they are read may be trainable here: there is one.
        synchronization = kwargs.pop("synchronization", VariableSynchronization.AUTO)
        if synchronization is VariableSynchronization.ON_READ and kwargs.get("trainable") is None:
            kwargs["trainable"] = False
        made = next_creator(**kwargs)
        if isinstance(made, Variable):
            made._synchronization = VariableSynchronization(synchronization or 0)
            made._distribute_strategy = self
        return made

    def run(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: RunOptions | None = None,
    ) -> Any:
        """Call `fn` for each replica, in a replica context.

        Args:
            fn: the function.
            args: its positional arguments.
            kwargs: its keyword arguments.
            options: see RunOptions.

        Returns:
            What it returns.

        Raises:
            ValueError: `args` is no list or tuple.
            RuntimeError: it is called from `run`.
        """
        if not isinstance(args, (list, tuple)):
            raise ValueError(f"positional args must be a list or tuple, got {type(args)}")
        return self._extended.call_for_each_replica(fn, args, kwargs)

    def reduce(self, reduce_op: ReduceOp | str, value: Any, axis: int | Sequence[int] | None) -> Any:
        """What replicas gave, as one.

        Args:
            reduce_op: the sum or the mean.
            value: a tensor, or a structure of them.
            axis: axes to reduce over as well; None: none.

        Raises:
            ValueError: there is no such reduction.
        """
        from ..api import reduce_ops

        kind = ReduceOp.of(reduce_op)
        if axis is None:
            return nest.map_structure(convert_to_tensor, value)
        function = reduce_ops.reduce_sum if kind is ReduceOp.SUM else reduce_ops.reduce_mean
        return nest.map_structure(lambda one: function(one, axis=axis), value)

    def gather(self, value: Any, axis: int) -> Any:
        """What replicas gave, joined along `axis`."""
        return nest.map_structure(convert_to_tensor, value)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The value of each replica."""
        return (value,)

    unwrap = experimental_local_results

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """The data set, for the one replica to read."""
        return dataset

    def distribute_datasets_from_function(
        self, dataset_fn: Callable[[InputContext], Any], options: Any = None
    ) -> Any:
        """The data set that a function gives for an InputContext."""
        return dataset_fn(InputContext())

    experimental_distribute_datasets_from_function = distribute_datasets_from_function

    def experimental_distribute_values_from_function(self, value_fn: Callable[[ReplicaContext], Any]) -> Any:
        """The value that a function gives for the replica."""
        return value_fn(self._replica)

    def __deepcopy__(self, memo: Any) -> Strategy:
        return self


class StrategyExtended:
    """The rarely needed part of a strategy.

    Args:
        container_strategy: the strategy.
    """

    def __init__(self, container_strategy: Strategy) -> None:
        self._strategy = container_strategy

    @property
    def worker_devices(self) -> tuple[str]:
        """The devices that replicas run on."""
        return (CPU,)

    @property
    def parameter_devices(self) -> tuple[str]:
        """The devices that variables are on."""
        return (CPU,)

    @property
    def experimental_require_static_shapes(self) -> bool:
        """Must shapes be known? They need not."""
        return False

    def variable_created_in_scope(self, v: Any) -> bool:
        """Was this variable made in the strategy's scope?"""
        own = None if self._strategy is DEFAULT else self._strategy
        return isinstance(v, Variable) and v._distribute_strategy is own

    def colocate_vars_with(self, colocate_with_variable: Any) -> contextlib.AbstractContextManager[None]:
        """Accepted: there is one device."""
        return contextlib.nullcontext()

    def call_for_each_replica(
        self, fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """See `Strategy.run`."""
        if get_strategy() is self._strategy:
            _require_cross_replica(also_default=False)
        with enter(self._strategy, self._strategy._replica):
            return fn(*args, **(kwargs or {}))

    def reduce_to(
        self, reduce_op: ReduceOp | str, value: Any, destinations: Any = None, options: Any = None
    ) -> Any:
        """What replicas gave, as one."""
        return self._strategy.reduce(reduce_op, value, axis=None)

    def batch_reduce_to(
        self,
        reduce_op: ReduceOp | str,
        value_destination_pairs: Iterable[tuple[Any, Any]],
        options: Any = None,
    ) -> list[Any]:
        """`reduce_to` of several values."""
        return [self.reduce_to(reduce_op, value, where) for value, where in value_destination_pairs]

    def broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        """The tensor."""
        return tensor

    def update(
        self,
        var: Any,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        group: bool = True,
    ) -> Any:
        """Call ``fn(var, *args, **kwargs)`` for each copy of a variable.

        Returns:
            What it returns; a tuple of it where `group` is False.
        """
        result = fn(var, *args, **(kwargs or {}))
        return result if group else (result,)

    def read_var(self, var: Any) -> Any:
        """The variable's value."""
        return convert_to_tensor(var)

    def value_container(self, value: Any) -> Any:
        """The variable that a copy belongs to: itself."""
        return value


class MirroredStrategy(Strategy):
    """A replica on each device of one machine.

    Args:
        devices: the devices' names; None for what there is, the processor.
        cross_device_ops: accepted for TensorFlow's sake; without effect.

    Raises:
        ValueError: more devices, or others, are named than there are.
    """

    def __init__(self, devices: Sequence[str] | None = None, cross_device_ops: Any = None) -> None:
        super().__init__()
        names = list(devices or [])
        if len(names) > 1:
            raise ValueError(
                f"calque runs one replica, on the processor, but {len(names)} devices are named: {names}"
            )
        for name in names:
            _check_device(name)


class OneDeviceStrategy(Strategy):
    """Everything on one device.

    Args:
        device: its name: that of the processor.

    Raises:
        ValueError: there is no such device.
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        _check_device(device)


class TPUStrategy(Strategy):
    """Replicas on a TPU: there is none.

    Raises:
        ValueError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ValueError(
            "there is no TPU: calque runs on the processor. Use tf.distribute.OneDeviceStrategy('cpu:0')."
        )


class _DefaultStrategy(Strategy):
    """What is in force where no strategy is."""

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Changes nothing, and may be entered where no other is in force."""
        self._check_scope()
        yield self


DEFAULT = _DefaultStrategy()


def experimental_set_strategy(strategy: Strategy | None) -> None:
    """Have a strategy in force for the rest of the program, as if in its scope; None takes it back.

    Raises:
        RuntimeError: it is called in a strategy's scope.
    """
    if scope_entered():
        raise RuntimeError("Must not be called inside a `tf.distribute.Strategy` scope.")
    set_global_strategy(strategy)


def _require_cross_replica(also_default: bool = True) -> None:
    if not in_cross_replica_context() and (also_default or has_strategy()):
        raise RuntimeError(
            "Method requires being in cross-replica context, use get_replica_context().merge_call()"
        )


def _check_device(name: str) -> None:
    spec = DeviceSpec.from_string(name)
    if spec.device_type not in (None, "CPU") or (spec.device_index or 0) != 0:
        raise ValueError(f"there is no device '{name}': calque runs on the processor, '{CPU}'")
