"""`tf.nn`: activations and what neural networks are made of."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes

from .arguments import tensor
from .math_ops import sigmoid, softplus, tanh
from .raw import activation, raw
from .reduce_ops import l2_normalize, top_k, zero_fraction

__all__ = [
    "bias_add",
    "crelu",
    "dropout",
    "elu",
    "embedding_lookup",
    "gelu",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "log_poisson_loss",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
    "top_k",
    "weighted_cross_entropy_with_logits",
    "zero_fraction",
]

elu = activation("Elu", "elu", "x where it is positive, exp(x) - 1 elsewhere.")
relu = activation("Relu", "relu", "max(x, 0).")
relu6 = activation("Relu6", "relu6", "min(max(x, 0), 6).")
selu = activation("Selu", "selu", "The self-normalizing scaled exponential linear unit.")
softsign = activation("Softsign", "softsign", "x / (1 + abs(x)).")


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """max(x, alpha * x); integers become float32."""
    from .math_ops import cast

    x = tensor(features)
    return raw("LeakyRelu")(
        cast(x, dtypes.float32) if x.dtype.is_integer else x, alpha=float(alpha), name=name
    )


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """x times the probability that a standard normal number is below it; `approximate` takes a tanh for it."""
    x = tensor(features)
    half = tensor(0.5, x.dtype)
    if approximate:
        inner = tensor(0.7978845608028654, x.dtype) * (x + tensor(0.044715, x.dtype) * x * x * x)
        return half * x * (tensor(1.0, x.dtype) + tanh(inner))
    return half * x * raw("Erfc")(-x * tensor(0.7071067811865476, x.dtype))


def swish(features: Any, beta: Any = 1.0) -> Any:
    """x * sigmoid(beta * x)."""
    x = tensor(features)
    return x * sigmoid(x if isinstance(beta, (int, float)) and beta == 1 else tensor(beta, x.dtype) * x)


silu = swish


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Any:
    """relu of x and of -x, side by side along `axis`."""
    from .array_ops import concat

    x = tensor(features)
    return relu(concat([x, -x], axis), name=name)


def _along_last(op: str, logits: Any, axis: int | None, name: str | None) -> Any:
    from .array_ops import transpose

    x = tensor(logits)
    rank = x.shape.rank
    if axis is None or axis == -1 or (rank is not None and axis == rank - 1):
        return raw(op)(x, name=name)
    if rank is None:
        raise ValueError("softmax along another axis than the last needs a tensor of known rank.")
    if not -rank <= axis < rank:
        from calque_runtime.errors import InvalidArgumentError

        raise InvalidArgumentError(None, op, f"`axis` = {axis} is not in range [{-rank}, {rank})")
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    return transpose(raw(op)(transpose(x, order)), order, name=name)


def softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """exp(x) / sum(exp(x)) along `axis` (None: the last)."""
    return _along_last("Softmax", logits, axis, name)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """log(softmax(x)) along `axis` (None: the last), without underflow."""
    return _along_last("LogSoftmax", logits, axis, name)


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """`value` plus a vector along its channels (the last axis, or the second where `data_format` is "NC...")."""
    x = tensor(value)
    kind = "NCHW" if data_format is not None and data_format.startswith("NC") else "NHWC"
    return raw("BiasAdd")(x, tensor(bias, x.dtype), data_format=kind, name=name)


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of squares."""
    return raw("L2Loss")(tensor(t), name=name)


def dropout(
    x: Any, rate: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None
) -> Any:
    """`x` with each element zero with probability `rate`, the others scaled up by 1 / (1 - rate).

    Raises:
        ValueError: `rate` is not in [0, 1), or `x` is no float.
    """
    from .array_ops import shape, zeros_like
    from .indexing_ops import where
    from .random_ops import uniform

    a = tensor(x)
    if not a.dtype.is_floating:
        raise ValueError(
            f"`x.dtype` must be a floating point tensor as `x` will be scaled. Received: x_dtype={a.dtype!r}"
        )
    if isinstance(rate, (int, float)) and not 0 <= rate < 1:
        raise ValueError(
            f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}"
        )
    if isinstance(rate, (int, float)) and rate == 0:
        return a
    share = tensor(rate, a.dtype)
    keep = uniform(shape(a) if noise_shape is None else noise_shape, dtype=a.dtype, seed=seed) >= share
    return where(keep, a / (tensor(1.0, a.dtype) - share), zeros_like(a), name=name)


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    """The rows of `params` at `ids`."""
    from .clip_ops import clip_by_norm
    from .indexing_ops import gather

    rows = gather(params, ids, name=name)
    return rows if max_norm is None else clip_by_norm(rows, max_norm, axes=[-1])


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """For each element, the cross entropy between a label in [0, 1] and sigmoid(logit)."""
    from .array_ops import zeros_like
    from .indexing_ops import where
    from .math_ops import add, exp, log1p

    x = tensor(logits)
    z = tensor(labels, x.dtype)
    positive = x >= zeros_like(x)
    return add(where(positive, x, zeros_like(x)) - x * z, log1p(exp(where(positive, -x, x))), name=name)


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Any:
    """For each row, the cross entropy between the labels' distribution and softmax(logits) along `axis`."""
    from .array_ops import concat, reshape, shape, stack, transpose

    x = tensor(logits)
    z = tensor(labels, x.dtype)
    rank = x.shape.rank
    if rank is not None and axis not in (-1, rank - 1):
        order = [i for i in range(rank) if i != axis % rank] + [axis % rank]
        x, z = transpose(x, order), transpose(z, order)
    sizes = shape(x)
    flat = stack([-1, sizes[-1]])
    cost, _ = raw("SoftmaxCrossEntropyWithLogits")(reshape(x, flat), reshape(z, flat))
    result = reshape(cost, concat([sizes[:-1]], 0), name=name)
    return result


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None
) -> Any:
    """As `sigmoid_cross_entropy_with_logits`, with the positive labels' part multiplied by `pos_weight`."""
    from .math_ops import abs as absolute
    from .math_ops import add, exp, log1p

    x = tensor(logits)
    z = tensor(labels, x.dtype)
    weight = 1 + (tensor(pos_weight, x.dtype) - 1) * z
    return add((1 - z) * x, weight * (log1p(exp(-absolute(x))) + relu(-x)), name=name)


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Any:
    """exp(c) - targets * c, minus the log of the Poisson probability but for a constant; that one too where asked."""
    from .array_ops import ones_like, zeros_like
    from .indexing_ops import where
    from .math_ops import exp, log

    c = tensor(log_input)
    z = tensor(targets, c.dtype)
    loss = exp(c) - c * z
    if compute_full_loss:
        stirling = z * log(z) - z + 0.5 * log(tensor(6.283185307179586, c.dtype) * z)  # of log(targets!)
        inside = (z >= zeros_like(z)) & (z <= ones_like(z))
        loss = loss + where(inside, zeros_like(z), stirling)
    return loss


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """For each row, minus the log-probability that softmax(logits) gives to its label, a class number."""
    from .array_ops import reshape, shape, stack

    x, at = tensor(logits), tensor(labels)
    cost, _ = raw("SparseSoftmaxCrossEntropyWithLogits")(
        reshape(x, stack([-1, shape(x)[-1]])), reshape(at, [-1])
    )
    return reshape(cost, shape(at), name=name)
