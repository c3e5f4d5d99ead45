"""Which strategy is in force, and whether code runs for one replica or for all of them."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import nest
from ..tensor import convert_to_tensor

if TYPE_CHECKING:
    from .strategy import Strategy

__all__ = [
    "CPU",
    "ReduceOp",
    "ReplicaContext",
    "enter",
    "get_replica_context",
    "get_strategy",
    "has_strategy",
    "in_cross_replica_context",
    "scope_entered",
    "set_global_strategy",
]

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


class ReduceOp(enum.Enum):
    """How values of replicas become one: their sum, or their mean."""

    SUM = "SUM"
    MEAN = "MEAN"

    @classmethod
    def of(cls, reduce_op: ReduceOp | str) -> ReduceOp:
        """A ReduceOp, or its name in letters of any case.

        Raises:
            ValueError: there is none of that name.
        """
        return cls(reduce_op.upper()) if isinstance(reduce_op, str) else cls(reduce_op)


class _State(threading.local):
    entered: tuple[
        tuple[Strategy, ReplicaContext | None], ...
    ] = ()  # the innermost last; None: cross-replica


_state = _State()
_global: list[Strategy] = []  # what `experimental_set_strategy` was given


@contextmanager
def enter(strategy: Strategy, replica: ReplicaContext | None) -> Iterator[None]:
    """Run a block under a strategy: for one replica, or (None) for all of them."""
    before = _state.entered
    _state.entered = (*before, (strategy, replica))
    try:
        yield
    finally:
        _state.entered = before


def scope_entered() -> bool:
    """Does code run in a strategy's scope, or for a replica?"""
    return bool(_state.entered)


def set_global_strategy(strategy: Strategy | None) -> None:
    """Have `strategy` in force wherever no other is entered."""
    _global[:] = [] if strategy is None else [strategy]


def _current() -> tuple[Strategy, ReplicaContext | None]:
    if _state.entered:
        return _state.entered[-1]
    if _global:
        return _global[-1], None
    from .strategy import DEFAULT

    return DEFAULT, DEFAULT._replica


def get_strategy() -> Strategy:
    """The strategy in force: that of the innermost scope, or a default one."""
    return _current()[0]


def has_strategy() -> bool:
    """Is a strategy in force that is not the default one?"""
    from .strategy import DEFAULT

    return get_strategy() is not DEFAULT


def get_replica_context() -> ReplicaContext | None:
    """The replica that code runs for; None in a strategy's scope outside of `Strategy.run`."""
    return _current()[1]


def in_cross_replica_context() -> bool:
    """Does code run for all replicas: in a strategy's scope outside of `Strategy.run`?"""
    return _current()[1] is None


class ReplicaContext:
    """What code in `Strategy.run` can ask of its replica.

    Args:
        strategy: the strategy.
        replica_id_in_sync_group: the replica's number: 0.
    """

    def __init__(self, strategy: Strategy, replica_id_in_sync_group: int = 0) -> None:
        self._strategy = strategy
        self._replica_id = replica_id_in_sync_group

    @property
    def strategy(self) -> Strategy:
        """The strategy."""
        return self._strategy

    @property
    def replica_id_in_sync_group(self) -> int:
        """The replica's number."""
        return self._replica_id

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are."""
        return self._strategy.num_replicas_in_sync

    @property
    def devices(self) -> tuple[str]:
        """The replica's devices."""
        return (CPU,)

    def all_reduce(self, reduce_op: ReduceOp | str, value: Any, options: Any = None) -> Any:
        """The sum or mean over the replicas of each tensor of a structure; every replica gets it.

        Raises:
            ValueError: there is no such reduction.
        """
        ReduceOp.of(reduce_op)
        return nest.map_structure(_as_tensor, value)

    def all_gather(self, value: Any, axis: int, options: Any = None) -> Any:
        """Each tensor of a structure, joined along `axis` over the replicas; every replica gets it."""
        return nest.map_structure(_as_tensor, value)

    def merge_call(
        self, merge_fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call ``merge_fn(strategy, *args, **kwargs)`` once for all replicas, in a cross-replica context."""
        with enter(self._strategy, None):
            return merge_fn(self._strategy, *args, **(kwargs or {}))

    def __enter__(self) -> None:
        self._entered = enter(self._strategy, self)
        self._entered.__enter__()

    def __exit__(self, *exc: Any) -> None:
        self._entered.__exit__(*exc)


def _as_tensor(value: Any) -> Any:
    from ..indexed_slices import IndexedSlices

    return value if isinstance(value, IndexedSlices) else convert_to_tensor(value)
