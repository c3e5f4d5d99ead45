"""`tf.distribute`, with the one replica that one processor makes.

Code written for strategies runs as it stands: `Strategy.run` calls a function once, in a replica context, and what is
reduced over replicas stays what it is.
"""

from __future__ import annotations

from .contexts import (
    ReduceOp,
    ReplicaContext,
    get_replica_context,
    get_strategy,
    has_strategy,
    in_cross_replica_context,
)
from .strategy import (
    InputContext,
    MirroredStrategy,
    OneDeviceStrategy,
    RunOptions,
    Strategy,
    StrategyExtended,
    TPUStrategy,
    experimental_set_strategy,
)

__all__ = [
    "InputContext",
    "MirroredStrategy",
    "OneDeviceStrategy",
    "ReduceOp",
    "ReplicaContext",
    "RunOptions",
    "Strategy",
    "StrategyExtended",
    "TPUStrategy",
    "experimental_set_strategy",
    "get_replica_context",
    "get_strategy",
    "has_strategy",
    "in_cross_replica_context",
]
