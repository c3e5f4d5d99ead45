"""`tf.config.threading`: accepted and remembered; how many threads run is numpy's to say."""

from __future__ import annotations

__all__ = [
    "get_inter_op_parallelism_threads",
    "get_intra_op_parallelism_threads",
    "set_inter_op_parallelism_threads",
    "set_intra_op_parallelism_threads",
]

_threads = {"inter": 0, "intra": 0}


def get_inter_op_parallelism_threads() -> int:
    """What `set_inter_op_parallelism_threads` set; 0: the system's choice."""
    return _threads["inter"]


def get_intra_op_parallelism_threads() -> int:
    """What `set_intra_op_parallelism_threads` set; 0: the system's choice."""
    return _threads["intra"]


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """How many ops run at a time: one, whatever is set."""
    _threads["inter"] = int(num_threads)


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """How many threads an op uses: numpy's linear algebra has its own setting (``OMP_NUM_THREADS`` or the like)."""
    _threads["intra"] = int(num_threads)
