"""Activation functions of neural networks, their gradients as ops, and biases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, op, register
from ..shapes import Shape, broadcast, format_shape, is_static, merge
from .common import same_shape

# Gradient rules import the other ops that they call: nearly every model has an activation, few are trained, and seven
# families more would take a tenth of the time that loading a small model takes.

__all__: list[str] = []

_LAST = np.array([-1], np.int32)


def _activation(
    name: str,
    types: str,
    kernel: Callable[[Site], Kernel],
    doc: str,
    attrs: str = "",
    args: str = "features: T",
    out: str = "activations",
) -> Op:
    """Declare an activation, or (with two arguments) the op that is its gradient."""
    one = register(Op(f"{name}({args}) -> ({out}: T) | T: {types}{attrs}", kernel, doc))
    one.shape_rule = same_shape if ":" not in args.partition(",")[2] else _both
    return one


def _both(s: Site) -> list[Shape]:
    return [merge(*s.shapes)]


def _gradient_op(
    name: str, types: str, kernel: Callable[[Site], Kernel], doc: str, attrs: str = "", by: str = "features"
) -> Op:
    def checked(s: Site) -> Kernel:
        run = kernel(s)

        def both(g: Array, x: Array) -> Array:
            if g.shape != x.shape:
                raise s.error(
                    f"the inputs must have one shape, but have {format_shape(g.shape)} and {format_shape(x.shape)}"
                )
            return run(g, x)

        return both

    return _activation(name, types, checked, doc, attrs, f"gradients: T, {by}: T", "backprops")


_REAL = "type in real"
_FLOAT = "type in floats"


def _relu(s: Site) -> Kernel:
    return partial(np.maximum, np.zeros((), s.dtypes[0].np))


def _relu_grad(s: Site) -> Kernel:
    zero = np.zeros((), s.dtypes[0].np)
    return lambda g, x: g * (x > zero)


relu: Op = _activation("Relu", "type in [real, qint8]", _relu, "max(x, 0).")
relu_grad: Op = _gradient_op(
    "ReluGrad", _REAL, _relu_grad, "The gradient of Relu, from its input or its output."
)
relu.gradient = lambda c, g: [relu_grad(g, c.outputs[0])]
relu_grad.gradient = lambda c, g: [relu_grad(g, c.inputs[1]), _zeros_like(c.inputs[1])]


def _zeros_like(x: Any) -> Any:
    from .array import zeros_like

    return zeros_like(x)


def _relu6(s: Site) -> Kernel:
    zero, six = np.zeros((), s.dtypes[0].np), np.array(6, s.dtypes[0].np)
    return lambda x: np.minimum(np.maximum(x, zero), six)


def _relu6_grad(s: Site) -> Kernel:
    zero, six = np.zeros((), s.dtypes[0].np), np.array(6, s.dtypes[0].np)
    return lambda g, x: g * ((x > zero) & (x < six))


relu6: Op = _activation("Relu6", _REAL, _relu6, "min(max(x, 0), 6).")
relu6_grad: Op = _gradient_op(
    "Relu6Grad", _REAL, _relu6_grad, "The gradient of Relu6, from its input or its output."
)
relu6.gradient = lambda c, g: [relu6_grad(g, c.outputs[0])]
relu6_grad.gradient = lambda c, g: [relu6_grad(g, c.inputs[1]), _zeros_like(c.inputs[1])]


def _elu(s: Site) -> Kernel:
    zero = np.zeros((), s.dtypes[0].np)
    return lambda x: np.where(x < zero, np.expm1(np.minimum(x, zero)), x)


def _elu_grad(s: Site) -> Kernel:
    zero, one = np.zeros((), s.dtypes[0].np), np.ones((), s.dtypes[0].np)
    return lambda g, y: np.where(y < zero, (y + one) * g, g)


elu: Op = _activation("Elu", _FLOAT, _elu, "x where it is not negative, else exp(x) - 1.")
elu_grad: Op = _gradient_op(
    "EluGrad", _FLOAT, _elu_grad, "The gradient of Elu, from its output.", by="outputs"
)
elu.gradient = lambda c, g: [elu_grad(g, c.outputs[0])]

# Self-Normalizing Neural Networks (arXiv:1706.02515): scale, and scale times alpha.
_SELU_SCALE = 1.0507009873554805
_SELU_SCALE_ALPHA = 1.7580993408473766


def _selu(s: Site) -> Kernel:
    t = s.dtypes[0].np
    zero, scale, scale_alpha = np.zeros((), t), np.array(_SELU_SCALE, t), np.array(_SELU_SCALE_ALPHA, t)
    return lambda x: np.where(x < zero, scale_alpha * np.expm1(np.minimum(x, zero)), scale * x)


def _selu_grad(s: Site) -> Kernel:
    t = s.dtypes[0].np
    zero, scale, scale_alpha = np.zeros((), t), np.array(_SELU_SCALE, t), np.array(_SELU_SCALE_ALPHA, t)
    return lambda g, y: np.where(y < zero, g * (y + scale_alpha), g * scale)


selu: Op = _activation(
    "Selu", _FLOAT, _selu, "scale * x where x is not negative, else scale * alpha * (exp(x) - 1)."
)
selu_grad: Op = _gradient_op(
    "SeluGrad", _FLOAT, _selu_grad, "The gradient of Selu, from its output.", by="outputs"
)
selu.gradient = lambda c, g: [selu_grad(g, c.outputs[0])]


def _curved_grad(c: Call, g: Any) -> list[Any]:
    """The gradient of EluGrad and SeluGrad, which are linear in the outputs where those are negative."""
    from .cast import cast
    from .compare import less

    gradients, outputs = c.inputs
    negative = cast(less(outputs, _zeros_like(outputs)), DstT=c["T"])
    return [c.op(g, outputs), g * gradients * negative]


elu_grad.gradient = _curved_grad
selu_grad.gradient = _curved_grad


def _leaky(s: Site) -> Kernel:
    zero, alpha = np.zeros((), s.dtypes[0].np), np.array(s["alpha"], s.dtypes[0].np)
    return lambda x: np.where(x > zero, x, x * alpha)


def _leaky_grad(s: Site) -> Kernel:
    zero, alpha = np.zeros((), s.dtypes[0].np), np.array(s["alpha"], s.dtypes[0].np)
    return lambda g, x: np.where(x > zero, g, g * alpha)


_FLOAT_DEFAULT = "type=float in floats"
leaky_relu: Op = _activation(
    "LeakyRelu",
    _FLOAT_DEFAULT,
    _leaky,
    "x where it is positive, else alpha * x.",
    "; alpha: float=0.20000000298023224",
)
leaky_relu_grad: Op = _gradient_op(
    "LeakyReluGrad",
    _FLOAT_DEFAULT,
    _leaky_grad,
    "The gradient of LeakyRelu.",
    "; alpha: float=0.20000000298023224",
)
leaky_relu.gradient = lambda c, g: [leaky_relu_grad(g, c.inputs[0], alpha=c["alpha"])]
leaky_relu_grad.gradient = lambda c, g: [
    leaky_relu_grad(g, c.inputs[1], alpha=c["alpha"]),
    _zeros_like(c.inputs[1]),
]


def _softplus(s: Site) -> Kernel:
    zero = np.zeros((), s.dtypes[0].np)
    return lambda x: np.maximum(x, zero) + np.log1p(np.exp(-np.abs(x)))


def _softplus_grad(s: Site) -> Kernel:
    one = np.ones((), s.dtypes[0].np)
    return lambda g, x: g / (np.exp(-x) + one)


softplus: Op = _activation("Softplus", _FLOAT, _softplus, "log(1 + exp(x)).")
softplus_grad: Op = _gradient_op(
    "SoftplusGrad", _FLOAT, _softplus_grad, "The gradient of Softplus, from its input."
)
softplus.gradient = lambda c, g: [softplus_grad(g, c.inputs[0])]


@softplus_grad.grad
def _(c: Call, g: Any) -> list[Any]:
    from .functions import exp

    gradients, x = c.inputs
    return [softplus_grad(g, x), g * gradients / (exp(-x) + 2.0 + exp(x))]


def _softsign(s: Site) -> Kernel:
    one = np.ones((), s.dtypes[0].np)
    return lambda x: x / (np.abs(x) + one)


def _softsign_grad(s: Site) -> Kernel:
    one = np.ones((), s.dtypes[0].np)
    return lambda g, x: g / np.square(np.abs(x) + one)


softsign: Op = _activation("Softsign", _FLOAT, _softsign, "x / (1 + |x|).")
softsign_grad: Op = _gradient_op(
    "SoftsignGrad", _FLOAT, _softsign_grad, "The gradient of Softsign, from its input."
)
softsign.gradient = lambda c, g: [softsign_grad(g, c.inputs[0])]


@softsign_grad.grad
def _(c: Call, g: Any) -> list[Any]:
    from .functions import abs_, sign

    gradients, x = c.inputs
    return [softsign_grad(g, x), softsign_grad(g * gradients, x) * sign(x) * -2.0 / (abs_(x) + 1.0)]


def _softmax_kernel(finish: Callable[[Array, Array], Array]) -> Callable[[Site], Kernel]:
    """A kernel along the last axis: `finish` gets x less its maximum, and the exponentials of that."""

    def kernel(s: Site) -> Kernel:
        dtype = s.dtypes[0]
        narrow = dtype.size < 4

        def run(x: Array) -> Array:
            if x.ndim == 0:
                raise s.error("the logits must have one axis at least, but are a scalar")
            if not x.size:
                return x
            wide = x.astype(np.float32) if narrow else x
            shifted = wide - wide.max(axis=-1, keepdims=True)
            out = finish(shifted, np.exp(shifted))
            return out.astype(dtype.np) if narrow else out

        return run

    return kernel


def _at_least_vector(s: Site) -> list[Shape]:
    if s.shapes[0] == ():
        raise s.error("the logits must have one axis at least, but are a scalar")
    return [s.shapes[0]]


softmax: Op = op("Softmax(logits: T) -> (softmax: T) | T: type in floats")(
    _softmax_kernel(lambda shifted, e: e / e.sum(axis=-1, keepdims=True))
)
softmax.__doc__ = "exp(x) / sum(exp(x)) along the last axis."
softmax.shape_rule = _at_least_vector
log_softmax: Op = op("LogSoftmax(logits: T) -> (logsoftmax: T) | T: type in floats")(
    _softmax_kernel(lambda shifted, e: shifted - np.log(e.sum(axis=-1, keepdims=True)))
)
log_softmax.__doc__ = "x - log(sum(exp(x))) along the last axis."
log_softmax.shape_rule = _at_least_vector


@softmax.grad
def _(c: Call, g: Any) -> list[Any]:
    from .reduce import sum_

    y = c.outputs[0]
    return [(g - sum_(g * y, _LAST, keep_dims=True)) * y]


@log_softmax.grad
def _(c: Call, g: Any) -> list[Any]:
    from .functions import exp
    from .reduce import sum_

    return [g - sum_(g, _LAST, keep_dims=True) * exp(c.outputs[0])]


_NUMBERS = "[numeric, qint8, quint8, qint32, qint16, quint16]"
_FORMAT = "data_format: string='NHWC' in ['NHWC', 'NCHW']"


def _check_bias(s: Site, value: Shape, bias: Shape, channel: int) -> None:
    if value is None or bias is None:
        return
    if len(value) < 2 or len(bias) != 1:
        raise s.error(
            "the value must have rank 2 at least and the bias must be a vector, but they have the shapes "
            f"{format_shape(value)} and {format_shape(bias)}"
        )
    if None not in (bias[0], value[channel]) and bias[0] != value[channel]:
        raise s.error(
            "Must provide as many biases as the last dimension (the channels) of the input: "
            f"{format_shape(bias)} vs. {format_shape(value)}"
        )


def _bias_add(s: Site) -> Kernel:
    if len(s.op.signature.attrs) > 1 and s["data_format"] == b"NCHW":

        def by_row(x: Array, bias: Array) -> Array:
            _check_bias(s, x.shape, bias.shape, 1)
            return x + bias.reshape(-1, *(1,) * (x.ndim - 2))

        return by_row

    value, known = s.shapes
    if (
        value is not None
        and len(value) > 1
        and known is not None
        and is_static(known)
        and known == value[-1:]
    ):
        return np.add

    def run(x: Array, bias: Array) -> Array:
        if x.ndim < 2 or bias.shape != x.shape[-1:]:
            _check_bias(s, x.shape, bias.shape, -1)
        return x + bias

    return run


def _bias_shape(s: Site) -> list[Shape]:
    first = len(s.op.signature.attrs) > 1 and s["data_format"] == b"NCHW"
    value, bias = s.shapes
    _check_bias(s, value, bias, 1 if first else -1)
    if value is not None and bias is not None and not first:
        return [broadcast(value, bias)]
    return [value]


bias_add: Op = register(
    Op(
        f"BiasAdd(value: T, bias: T) -> (output: T) | T: type in {_NUMBERS}; {_FORMAT}",
        _bias_add,
        "The value plus a bias for each channel: along the last axis, or with NCHW along axis 1.",
    )
)
bias_add.shape_rule = _bias_shape
bias_add_v1: Op = register(
    Op(
        f"BiasAddV1(value: T, bias: T) -> (output: T) | T: type in {_NUMBERS}",
        _bias_add,
        "The value plus a bias for each channel, along the last axis.",
    )
)
bias_add_v1.shape_rule = _bias_shape


@op(f"BiasAddGrad(out_backprop: T) -> (output: T) | T: type in {_NUMBERS}; {_FORMAT}")
def bias_add_grad(s: Site) -> Kernel:
    """The sum over every axis but the channels': the gradient of BiasAdd for its bias."""
    first, dtype = s["data_format"] == b"NCHW", s.dtypes[0]
    wide = np.float32 if dtype.is_floating and dtype.size < 4 else dtype.np

    def run(g: Array) -> Array:
        if g.ndim < 2:
            raise s.error(f"the input must have rank 2 at least, but has shape {format_shape(g.shape)}")
        channel = 1 if first else g.ndim - 1
        axes = tuple(i for i in range(g.ndim) if i != channel)
        return g.sum(axis=axes, dtype=wide).astype(dtype.np)

    return run


@bias_add_grad.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is None:
        return [(None,)]
    if len(known) < 2:
        raise s.error(f"the input must have rank 2 at least, but has shape {format_shape(known)}")
    return [(known[1 if s["data_format"] == b"NCHW" else -1],)]


@bias_add_grad.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import rank, reshape, shape, size
    from .join import concat_v2
    from .sized import broadcast_to, fill

    x = c.inputs[0]
    if c["data_format"] == b"NCHW":
        vector = np.array([1], np.int32)
        ones = fill(reshape(rank(x) - np.array(2, np.int32), vector), np.array(1, np.int32))
        g = reshape(g, concat_v2([reshape(size(g), vector), ones], np.array(0, np.int32)))
    return [broadcast_to(g, shape(x))]


bias_add.gradient = lambda c, g: [g, bias_add_grad(g, data_format=c["data_format"])]
bias_add_v1.gradient = lambda c, g: [g, bias_add_grad(g)]
