"""What `IndexLookup` makes of vocabularies: tables, checked terms, weights."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

import calque as tf

from ....lookup.initializers import TableInitializer

__all__ = ["EmptyInitializer", "count_terms", "padded_weights", "repeated"]


class EmptyInitializer(TableInitializer):
    """Leaves a table as it is: for a layer that has no vocabulary yet."""

    def initialize(self, table: Any) -> Any:
        """Do nothing."""
        return None


def repeated(terms: Any) -> list[Any]:
    """The terms that are there more than once."""
    return [term for term, count in Counter(terms).items() if count > 1]


def count_terms(data: Any) -> Any:
    """The different elements of a dense, ragged or sparse tensor, and how often they are in it (int64)."""
    if isinstance(data, tf.SparseTensor):
        flat = data.values
    elif isinstance(data, tf.RaggedTensor):
        flat = data.flat_values
    else:
        flat = tf.reshape(data, [-1])
    terms, _, counts = tf.unique_with_counts(flat, out_idx=tf.int64)
    return terms, counts


def padded_weights(weights: Any, front: int, size: int | None) -> Any:
    """Weights with their mean `front` times before them, and zeros behind them up to `size`."""
    back = 0 if size is None else size - front - len(weights)
    weights = np.concatenate([np.full(front, np.mean(weights) if front else 0.0), weights])
    return np.pad(weights, (0, back))
