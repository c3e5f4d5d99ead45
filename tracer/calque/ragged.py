"""`tf.ragged`: ragged tensors."""

from __future__ import annotations

from .composite.ragged.arrays import (
    boolean_mask,
    range,
    row_splits_to_segment_ids,
    segment_ids_to_row_splits,
    stack,
    stack_dynamic_partitions,
)
from .composite.ragged.constant import constant
from .composite.ragged.functional import map_flat_values

__all__ = [
    "boolean_mask",
    "constant",
    "map_flat_values",
    "range",
    "row_splits_to_segment_ids",
    "segment_ids_to_row_splits",
    "stack",
    "stack_dynamic_partitions",
]
