"""Functions of one number, applied to each element: roots, exponentials, trigonometry, rounding, signs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op
from .common import binary, conjugate, same_shape, unary

__all__: list[str] = []

_SIGNED = "floatcomplex int8 int16 int32 int64"


def _half(x: Array) -> Any:
    return x.dtype.type(0.5)


# --- signs, squares and roots

neg: Op = unary("Neg", _SIGNED, np.negative, "-x.", lambda g, y, x: -g)
abs_: Op = unary(
    "Abs", "floats int8 int16 int32 int64", np.absolute, "The absolute value.", lambda g, y, x: g * sign(x)
)


def _sign(x: Array) -> Any:
    if x.dtype.kind != "c":
        return np.sign(x)
    size = np.absolute(x)
    return np.where(size == 0, x.dtype.type(0), np.divide(x, size))


def _sign_grad(g: Any, y: Any, x: Any) -> Any:
    from .array import zeros_like

    return zeros_like(x)


sign: Op = unary(
    "Sign", _SIGNED, _sign, "-1, 0 or 1 as x is negative, zero or positive; x / |x| if complex.", _sign_grad
)
square: Op = unary("Square", "numeric", np.square, "x².", lambda g, y, x: g * (conjugate(x) * 2.0))
sqrt: Op = unary("Sqrt", "floatcomplex", np.sqrt, "The square root.", lambda g, y, x: sqrt_grad(y, g))
rsqrt: Op = unary(
    "Rsqrt", "floatcomplex", lambda x: np.reciprocal(np.sqrt(x)), "1 / √x.", lambda g, y, x: rsqrt_grad(y, g)
)
reciprocal: Op = unary("Reciprocal", _SIGNED, np.reciprocal, "1 / x.", lambda g, y, x: reciprocal_grad(y, g))
inv: Op = unary("Inv", _SIGNED, np.reciprocal, "1 / x.", lambda g, y, x: inv_grad(y, g))


# --- exponentials and logarithms

exp: Op = unary("Exp", "floatcomplex", np.exp, "e to the power x.", lambda g, y, x: g * conjugate(y))
expm1: Op = unary(
    "Expm1", "floatcomplex", np.expm1, "e to the power x, less 1.", lambda g, y, x: g * exp(conjugate(x))
)
log: Op = unary(
    "Log", "floatcomplex", np.log, "The natural logarithm.", lambda g, y, x: g * reciprocal(conjugate(x))
)
log1p: Op = unary(
    "Log1p",
    "floatcomplex",
    np.log1p,
    "The natural logarithm of 1 + x.",
    lambda g, y, x: g / (conjugate(x) + 1.0),
)


@op("Sigmoid(x: T) -> (y: T) | T: type in floatcomplex")
def sigmoid(s: Site) -> Kernel:
    """1 / (1 + e to the power -x)."""
    dtype = s.dtypes[0].np
    wide = np.dtype(np.float32) if dtype.itemsize == 2 else dtype
    one = np.ones((), wide)

    def run(x: Array) -> Array:
        out = np.empty(x.shape, wide)
        np.negative(x, out=out)
        np.exp(out, out=out)
        np.add(out, one, out=out)
        return np.reciprocal(out, out=out)

    return run if wide is dtype else lambda x: run(x.astype(wide)).astype(dtype)


sigmoid.shape_rule = same_shape
sigmoid.gradient = lambda c, g: [sigmoid_grad(conjugate(c.outputs[0]), g)]


# --- trigonometry

sin: Op = unary("Sin", "floatcomplex", np.sin, "Sine, in radians.", lambda g, y, x: g * cos(conjugate(x)))
cos: Op = unary("Cos", "floatcomplex", np.cos, "Cosine, in radians.", lambda g, y, x: -g * sin(conjugate(x)))
tan: Op = unary(
    "Tan",
    "floatcomplex",
    np.tan,
    "Tangent, in radians.",
    lambda g, y, x: g * square(reciprocal(cos(conjugate(x)))),
)
asin: Op = unary(
    "Asin",
    "floatcomplex",
    np.arcsin,
    "The angle whose sine is x.",
    lambda g, y, x: g * rsqrt(-square(conjugate(x)) + 1.0),
)
acos: Op = unary(
    "Acos",
    "floatcomplex",
    np.arccos,
    "The angle whose cosine is x.",
    lambda g, y, x: -g * rsqrt(-square(conjugate(x)) + 1.0),
)
atan: Op = unary(
    "Atan",
    "floatcomplex",
    np.arctan,
    "The angle whose tangent is x.",
    lambda g, y, x: g / (square(conjugate(x)) + 1.0),
)
sinh: Op = unary("Sinh", "floatcomplex", np.sinh, "Hyperbolic sine.", lambda g, y, x: g * cosh(conjugate(x)))
cosh: Op = unary(
    "Cosh", "floatcomplex", np.cosh, "Hyperbolic cosine.", lambda g, y, x: g * sinh(conjugate(x))
)
tanh: Op = unary(
    "Tanh", "floatcomplex", np.tanh, "Hyperbolic tangent.", lambda g, y, x: tanh_grad(conjugate(y), g)
)
asinh: Op = unary(
    "Asinh", "floatcomplex", np.arcsinh, "Inverse hyperbolic sine.", lambda g, y, x: g / cosh(conjugate(y))
)
acosh: Op = unary(
    "Acosh", "floatcomplex", np.arccosh, "Inverse hyperbolic cosine.", lambda g, y, x: g / sinh(conjugate(y))
)
atanh: Op = unary(
    "Atanh",
    "floatcomplex",
    np.arctanh,
    "Inverse hyperbolic tangent.",
    lambda g, y, x: g / (-square(conjugate(x)) + 1.0),
)


# --- rounding and what kind of number it is

floor: Op = unary(
    "Floor", "floats", np.floor, "The largest integer that is not above x."
).not_differentiable()
ceil: Op = unary("Ceil", "floats", np.ceil, "The smallest integer that is not below x.").not_differentiable()
rint: Op = unary("Rint", "floats", np.rint, "The nearest integer, the even one of two.").not_differentiable()
round_: Op = unary(
    "Round",
    _SIGNED,
    lambda x: x if x.dtype.kind in "iu" else np.rint(x),  # TensorFlow 2.21 itself makes zeros of integers
    "The nearest integer, the even one of two.",
).not_differentiable()
is_nan: Op = unary("IsNan", "floats", np.isnan, "Is x not a number?", out="y: bool").not_differentiable()
is_inf: Op = unary("IsInf", "floats", np.isinf, "Is x an infinity?", out="y: bool").not_differentiable()
is_finite: Op = unary(
    "IsFinite", "floats", np.isfinite, "Is x neither an infinity nor NaN?", out="y: bool"
).not_differentiable()


# --- the gradients of functions that are cheapest from the function's value y and its output's gradient dy


def _of_output(name: str, run: Any, doc: str, grad: Any) -> Op:
    return binary(name, "floatcomplex", run, doc, grad, args="y: T, dy: T")


def _reciprocal_grad(y: Array, dy: Array) -> Any:
    y = np.conjugate(y)
    return -dy * y * y


# The kernels of these three take the conjugate of y, so g is conjugated on its way back to y.


def _reciprocal_grad_grad(g: Any, z: Any, y: Any, dy: Any) -> tuple[Any, Any]:
    cy = conjugate(y)
    return conjugate(g) * dy * cy * -2.0, reciprocal_grad(cy, g)


def _rsqrt_grad_grad(g: Any, z: Any, y: Any, dy: Any) -> tuple[Any, Any]:
    cy = conjugate(y)
    return conjugate(g) * dy * square(cy) * -1.5, rsqrt_grad(cy, g)


def _sqrt_grad_grad(g: Any, z: Any, y: Any, dy: Any) -> tuple[Any, Any]:
    quotient = g / y
    return -conjugate(quotient) * z, quotient * 0.5


def _sigmoid_grad_grad(g: Any, z: Any, y: Any, dy: Any) -> tuple[Any, Any]:
    cy, cdy = conjugate(y), conjugate(dy)
    return g * cdy * (cy * -2.0 + 1.0), sigmoid_grad(cy, g)


def _tanh_grad_grad(g: Any, z: Any, y: Any, dy: Any) -> tuple[Any, Any]:
    cy, cdy = conjugate(y), conjugate(dy)
    return g * cdy * cy * -2.0, tanh_grad(cy, g)


def _sqrt_grad(y: Array, dy: Array) -> Any:
    return np.divide(_half(y) * dy, np.conjugate(y))


def _rsqrt_grad(y: Array, dy: Array) -> Any:
    y = np.conjugate(y)
    return -_half(y) * dy * y * y * y


def _sigmoid_grad(y: Array, dy: Array) -> Any:
    return dy * y * (y.dtype.type(1) - y)


def _tanh_grad(y: Array, dy: Array) -> Any:
    return dy * (y.dtype.type(1) - y * y)


reciprocal_grad: Op = _of_output("ReciprocalGrad", _reciprocal_grad, "-dy * y².", _reciprocal_grad_grad)
inv_grad: Op = _of_output("InvGrad", _reciprocal_grad, "-dy * y².", _reciprocal_grad_grad)
sqrt_grad: Op = _of_output("SqrtGrad", _sqrt_grad, "dy / 2y.", _sqrt_grad_grad)
rsqrt_grad: Op = _of_output("RsqrtGrad", _rsqrt_grad, "-dy * y³ / 2.", _rsqrt_grad_grad)
sigmoid_grad: Op = _of_output("SigmoidGrad", _sigmoid_grad, "dy * y * (1 - y).", _sigmoid_grad_grad)
tanh_grad: Op = _of_output("TanhGrad", _tanh_grad, "dy * (1 - y²).", _tanh_grad_grad)
