"""Softmax cross entropy: the loss and, in one pass, its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Site, op
from ..shapes import Shape, broadcast, format_shape, merge_dim
from .activations import log_softmax, softmax
from .array import expand_dims
from .reduce import sum_

__all__: list[str] = []

_LAST = np.array(-1, np.int32)


def _log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@op("SoftmaxCrossEntropyWithLogits(features: T, labels: T) -> (loss: T, backprop: T) | T: type in floats")
def softmax_cross_entropy(s: Site) -> Kernel:
    """For each row -sum(labels * log_softmax(features)), and softmax(features) - labels, its gradient."""
    dtype = s.dtypes[0].np
    wide = np.float32 if s.dtypes[0].size < 4 else dtype

    def run(features: Array, labels: Array) -> tuple[Array, Array]:
        _cross_entropy_shape(s, features.shape, labels.shape)
        features, labels = np.broadcast_arrays(
            features.astype(wide, copy=False), labels.astype(wide, copy=False)
        )
        logs = _log_softmax(features)
        # A label of 0 counts nothing, even where its logarithm is infinite.
        loss = -(np.where(labels == 0, 0, labels * logs)).sum(axis=-1)
        return loss.astype(dtype), (np.exp(logs) - labels).astype(dtype)

    return run


def _cross_entropy_shape(s: Site, features: Shape, labels: Shape) -> Shape:
    both = broadcast(features, labels)
    if both is not None and len(both) != 2:
        raise s.error(
            "logits and labels must be broadcastable to one matrix, but have the shapes "
            f"{format_shape(features)} and {format_shape(labels)}"
        )
    return both


@softmax_cross_entropy.shape
def _(s: Site) -> list[Shape]:
    both = _cross_entropy_shape(s, *s.shapes)
    return [(None,), (None, None)] if both is None else [both[:1], both]


def _logits_gradient(c: Call, g: Any, g_backprop: Any) -> Any:
    """The gradient for the logits, of the loss (`g`) and of its gradient (`g_backprop`)."""
    total = None
    if g is not None:
        total = expand_dims(g, _LAST) * c.outputs[1]
    if g_backprop is not None:
        y = softmax(c.inputs[0])
        second = (g_backprop - sum_(g_backprop * y, np.array([-1], np.int32), keep_dims=True)) * y
        total = second if total is None else total + second
    return total


@softmax_cross_entropy.grad
def _(c: Call, g: Any, g_backprop: Any) -> list[Any]:
    from .common import sum_to

    features, labels = c.inputs
    to_features = _logits_gradient(c, g, g_backprop)
    to_labels = None if g is None else sum_to(-expand_dims(g, _LAST) * log_softmax(features), labels)
    return [None if to_features is None else sum_to(to_features, features), to_labels]


@op(
    "SparseSoftmaxCrossEntropyWithLogits(features: T, labels: Tlabels) -> (loss: T, backprop: T) | T: type in floats; "
    "Tlabels: type=int64 in index"
)
def sparse_softmax_cross_entropy(s: Site) -> Kernel:
    """For each row -log_softmax(features)[label], and softmax(features) less 1 at the label, its gradient."""
    dtype = s.dtypes[0].np
    wide = np.float32 if s.dtypes[0].size < 4 else dtype

    def run(features: Array, labels: Array) -> tuple[Array, Array]:
        _sparse_shape(s, features.shape, labels.shape)
        classes = features.shape[1]
        if labels.size and (labels.min() < 0 or labels.max() >= classes):
            wrong = labels[(labels < 0) | (labels >= classes)][0]
            raise s.error(
                f"Received a label value of {wrong} which is outside the valid range of [0, {classes})."
            )
        logs = _log_softmax(features.astype(wide, copy=False))
        rows = np.arange(len(labels))
        loss, backprop = -logs[rows, labels], np.exp(logs)
        backprop[rows, labels] -= 1
        return loss.astype(dtype), backprop.astype(dtype)

    return run


def _sparse_shape(s: Site, features: Shape, labels: Shape) -> None:
    if (features is not None and len(features) != 2) or (labels is not None and len(labels) != 1):
        raise s.error(
            "logits must be a matrix and labels a vector, but they have the shapes "
            f"{format_shape(features)} and {format_shape(labels)}"
        )
    if (
        features is not None
        and labels is not None
        and None not in (features[0], labels[0])
        and features[0] != labels[0]
    ):
        raise s.error(
            "logits and labels must have the same first dimension, got logits shape "
            f"{format_shape(features)} and labels shape {format_shape(labels)}"
        )


@sparse_softmax_cross_entropy.shape
def _(s: Site) -> list[Shape]:
    features, labels = s.shapes
    _sparse_shape(s, features, labels)
    rows, classes = (None, None) if features is None else features
    rows = merge_dim(rows, None if labels is None else labels[0])
    return [(rows,), (rows, classes)]


@sparse_softmax_cross_entropy.grad
def _(c: Call, g: Any, g_backprop: Any) -> list[Any]:
    return [_logits_gradient(c, g, g_backprop), None]
