"""`tf.math`: arithmetic, comparison, logic, reductions."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..tensor import Tensor
from .arguments import pair, static_rank, tensor
from .raw import activation, binary, raw, unary

__all__ = [
    "abs",
    "accumulate_n",
    "acos",
    "acosh",
    "add",
    "add_n",
    "angle",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cast",
    "ceil",
    "complex",
    "conj",
    "cos",
    "cosh",
    "digamma",
    "divide",
    "divide_no_nan",
    "equal",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "expm1",
    "floor",
    "floordiv",
    "floormod",
    "greater",
    "greater_equal",
    "imag",
    "is_finite",
    "is_inf",
    "is_nan",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log1p",
    "log_sigmoid",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "multiply_no_nan",
    "negative",
    "not_equal",
    "polyval",
    "pow",
    "real",
    "realdiv",
    "reciprocal",
    "reciprocal_no_nan",
    "rint",
    "round",
    "rsqrt",
    "saturate_cast",
    "scalar_mul",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "square",
    "squared_difference",
    "subtract",
    "tan",
    "tanh",
    "tensordot",
    "truediv",
    "truncatediv",
    "truncatemod",
    "xdivy",
    "xlog1py",
    "xlogy",
]

acos = unary("Acos", "acos", "Arc cosine, in radians.")
acosh = unary("Acosh", "acosh", "Inverse hyperbolic cosine.")
asin = unary("Asin", "asin", "Arc sine, in radians.")
asinh = unary("Asinh", "asinh", "Inverse hyperbolic sine.")
atan = unary("Atan", "atan", "Arc tangent, in radians.")
atanh = unary("Atanh", "atanh", "Inverse hyperbolic tangent.")
ceil = unary("Ceil", "ceil", "The smallest integer not below each element.")
cos = unary("Cos", "cos", "Cosine, in radians.")
cosh = unary("Cosh", "cosh", "Hyperbolic cosine.")
digamma = unary("Digamma", "digamma", "Derivative of `lgamma`.")
erf = unary("Erf", "erf", "Gauss's error function.")
erfc = unary("Erfc", "erfc", "1 - erf(x), without the cancellation.")
erfinv = unary("Erfinv", "erfinv", "Inverse of `erf`.")
exp = unary("Exp", "exp", "e to the power of each element.")
expm1 = unary("Expm1", "expm1", "exp(x) - 1, without the cancellation.")
floor = unary("Floor", "floor", "The largest integer not above each element.")
is_finite = unary("IsFinite", "is_finite", "Is each element neither infinite nor NaN?")
is_inf = unary("IsInf", "is_inf", "Is each element infinite?")
is_nan = unary("IsNan", "is_nan", "Is each element NaN?")
lgamma = unary("Lgamma", "lgamma", "Logarithm of the absolute value of the gamma function.")
log = unary("Log", "log", "Natural logarithm.")
log1p = unary("Log1p", "log1p", "log(1 + x), without the cancellation.")
logical_not = unary("LogicalNot", "logical_not", "Logical not.")
negative = unary("Neg", "negative", "-x.")
reciprocal = unary("Reciprocal", "reciprocal", "1 / x.")
rint = unary("Rint", "rint", "The nearest integer, the even one at halves.")
rsqrt = unary("Rsqrt", "rsqrt", "1 / sqrt(x).")
sigmoid = unary("Sigmoid", "sigmoid", "1 / (1 + exp(-x)).")
sign = unary("Sign", "sign", "-1, 0 or 1; x / abs(x) for complex numbers.")
sin = unary("Sin", "sin", "Sine, in radians.")
sinh = unary("Sinh", "sinh", "Hyperbolic sine.")
softplus = activation("Softplus", "softplus", "log(1 + exp(x)).")
sqrt = unary("Sqrt", "sqrt", "Square root.")
square = unary("Square", "square", "x * x.")
tan = unary("Tan", "tan", "Tangent, in radians.")
tanh = unary("Tanh", "tanh", "Hyperbolic tangent.")

divide_no_nan = binary("DivNoNan", "divide_no_nan", "x / y, and 0 where y is 0.")
floordiv = binary("FloorDiv", "floordiv", "x / y rounded down.")
floormod = binary("FloorMod", "floormod", "The remainder of `floordiv`; has the sign of y.")
greater = binary("Greater", "greater", "x > y.")
greater_equal = binary("GreaterEqual", "greater_equal", "x >= y.")
less = binary("Less", "less", "x < y.")
less_equal = binary("LessEqual", "less_equal", "x <= y.")
logical_and = binary("LogicalAnd", "logical_and", "Logical and.")
logical_or = binary("LogicalOr", "logical_or", "Logical or.")
maximum = binary("Maximum", "maximum", "The larger of x and y.")
minimum = binary("Minimum", "minimum", "The smaller of x and y.")
multiply = binary("Mul", "multiply", "x * y.")
multiply_no_nan = binary(
    "MulNoNan", "multiply_no_nan", "x * y, and 0 where y is 0, even if x is infinite or NaN."
)
pow = binary("Pow", "pow", "x to the power of y.")
squared_difference = binary("SquaredDifference", "squared_difference", "(x - y) squared.")
subtract = binary("Sub", "subtract", "x - y.")
truncatediv = binary("TruncateDiv", "truncatediv", "x / y of integers, rounded towards zero.")
truncatemod = binary("TruncateMod", "truncatemod", "The remainder of `truncatediv`; has the sign of x.")
xdivy = binary("Xdivy", "xdivy", "x / y, and 0 where x is 0.")
xlog1py = binary("Xlog1py", "xlog1py", "x * log1p(y), and 0 where x is 0.")
xlogy = binary("Xlogy", "xlogy", "x * log(y), and 0 where x is 0.")


mod = floormod
realdiv = binary("RealDiv", "realdiv", "x / y of numbers that are not integers.")


def atan2(y: Any, x: Any, name: str | None = None) -> Any:
    """The angle of the point (x, y), in radians."""
    a, b = pair(y, x)
    return raw("Atan2")(a, b, name=name)


def add(x: Any, y: Any, name: str | None = None) -> Any:
    """x + y; strings are joined."""
    a, b = pair(x, y)
    return raw("Add" if a.dtype is dtypes.string else "AddV2")(a, b, name=name)


def abs(x: Any, name: str | None = None) -> Any:
    """The absolute value; of complex numbers the modulus, a real tensor."""
    a = tensor(x)
    if a.dtype.is_complex:
        return raw("ComplexAbs")(a, Tout=a.dtype.real_dtype, name=name)
    return raw("Abs")(a, name=name)


def round(x: Any, name: str | None = None) -> Any:
    """The nearest integer, the even one at halves; integers as they are."""
    a = tensor(x)
    return a if a.dtype.is_integer else raw("Round")(a, name=name)


def truediv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y as Python 3 divides: small integers become float32, int32 and larger float64.

    Raises:
        TypeError: x and y have different types.
    """
    a, b = pair(x, y)
    if a.dtype is not b.dtype:
        raise TypeError(f"`x` and `y` must have the same dtype, got {a.dtype!r} != {b.dtype!r}.")
    if a.dtype.is_integer:
        to = dtypes.float32 if a.dtype.size < 4 else dtypes.float64
        a, b = cast(a, to), cast(b, to)
    return raw("RealDiv")(a, b, name=name)


divide = truediv


def equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x == y, element by element."""
    a, b = pair(x, y)
    return raw("Equal")(a, b, name=name)


def not_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x != y, element by element."""
    a, b = pair(x, y)
    return raw("NotEqual")(a, b, name=name)


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Any:
    """Is exactly one of x and y true?"""
    a, b = pair(x, y)
    return logical_and(logical_or(a, b), logical_not(logical_and(a, b)), name=name)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """`x` as another type: floats lose their fraction towards zero, complex numbers their imaginary part."""
    to = as_dtype(dtype).base_dtype
    a = tensor(
        x,
        hint=to
        if isinstance(x, (builtins.int, builtins.float, builtins.complex))
        and not isinstance(x, builtins.bool)
        else None,
    )
    return a if a.dtype is to else raw("Cast")(a, DstT=to, name=name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """`cast`, with values outside of the new type's range brought to its nearest end first."""
    to, a = as_dtype(dtype).base_dtype, tensor(value)
    if a.dtype.min < to.min:
        a = maximum(a, tensor(_within(a.dtype, to, to.min)))
    if a.dtype.max > to.max:
        a = minimum(a, tensor(_within(a.dtype, to, to.max)))
    return cast(a, to, name)


def _within(own: dtypes.DType, to: dtypes.DType, limit: Any) -> Any:
    """The number of type `own` that is nearest to `limit`, and not beyond it."""
    found = np.asarray(limit).astype(own.np)
    beyond = float(found) < to.min or float(found) > to.max
    return np.nextafter(found, np.zeros_like(found)) if beyond else found


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """real + i * imag."""
    a, b = pair(real, imag)
    return raw("Complex")(
        a, b, Tout=dtypes.complex64 if a.dtype is dtypes.float32 else dtypes.complex128, name=name
    )


def real(input: Any, name: str | None = None) -> Any:
    """The real part."""
    a = tensor(input)
    return raw("Real")(a, Tout=a.dtype.real_dtype, name=name) if a.dtype.is_complex else a


def imag(input: Any, name: str | None = None) -> Any:
    """The imaginary part."""
    a = tensor(input)
    return (
        raw("Imag")(a, Tout=a.dtype.real_dtype, name=name)
        if a.dtype.is_complex
        else raw("ZerosLike")(a, name=name)
    )


def conj(x: Any, name: str | None = None) -> Any:
    """The complex conjugate."""
    a = tensor(x)
    return raw("Conj")(a, name=name) if a.dtype.is_complex else a


def angle(input: Any, name: str | None = None) -> Any:
    """The argument of a complex number, in radians."""
    a = tensor(input)
    if a.dtype.is_complex:
        return raw("Angle")(a, Tout=a.dtype.real_dtype, name=name)
    import math

    from .array_ops import zeros_like
    from .indexing_ops import where

    return where(less(a, 0), tensor(math.pi, a.dtype) + zeros_like(a), zeros_like(a))


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """The product of matrices, or of batches of them (leading dimensions broadcast).

    Args:
        a, b: tensors of one type, [..., rows, inner] and [..., inner, columns].
        transpose_a, transpose_b: take that one transposed.
        adjoint_a, adjoint_b: take that one conjugated and transposed.
        a_is_sparse, b_is_sparse: accepted, and of no effect.
        output_type: the result's type where it is to differ.
        grad_a, grad_b: accepted, and of no effect.
        name: the node's name.

    Raises:
        ValueError: transposed and adjoint at once.
        InvalidArgumentError: the inner sizes differ.
    """
    if transpose_a and adjoint_a:
        raise ValueError("Only one of `transpose_a` and `adjoint_a` can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of `transpose_b` and `adjoint_b` can be True.")
    x, y = pair(a, b)
    rank_x, rank_y = static_rank(x), static_rank(y)
    batched = (rank_x is None or rank_x > 2 or rank_y is None or rank_y > 2) and not (
        rank_x == 2 and rank_y == 2
    )
    if batched or (output_type is not None and as_dtype(output_type) is not x.dtype):
        if transpose_a:
            x, adjoint_a = conj(x), True
        if transpose_b:
            y, adjoint_b = conj(y), True
        if output_type is not None:
            return raw("BatchMatMulV3")(
                x, y, adj_x=adjoint_a, adj_y=adjoint_b, Tout=as_dtype(output_type), name=name
            )
        return raw("BatchMatMulV2")(x, y, adj_x=adjoint_a, adj_y=adjoint_b, name=name)
    if adjoint_a:
        x, transpose_a = conj(x), True
    if adjoint_b:
        y, transpose_b = conj(y), True
    return raw("MatMul")(x, y, transpose_a=bool(transpose_a), transpose_b=bool(transpose_b), name=name)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """Sum of products over the given axes of both: a number (the last of `a`, the first of `b`) or a pair of lists."""
    from .array_ops import concat, reshape, shape, transpose
    from .indexing_ops import gather
    from .reduce_ops import reduce_prod

    x, y = pair(a, b)
    rank_x, rank_y = x.shape.rank, y.shape.rank
    if rank_x is None or rank_y is None:
        raise ValueError("tensordot needs tensors of known rank.")
    if isinstance(axes, builtins.int):
        axes_x, axes_y = list(range(rank_x - axes, rank_x)), list(range(axes))
    else:
        first, second = axes
        axes_x = [first] if isinstance(first, builtins.int) else list(first)
        axes_y = [second] if isinstance(second, builtins.int) else list(second)
    axes_x, axes_y = [i % rank_x for i in axes_x], [i % rank_y for i in axes_y]
    free_x = [i for i in range(rank_x) if i not in axes_x]
    free_y = [i for i in range(rank_y) if i not in axes_y]
    size_x, size_y = shape(x), shape(y)
    inner = reduce_prod(gather(size_x, tensor(axes_x, "int32")))
    left = reshape(transpose(x, free_x + axes_x), _pair_shape(-1, inner))
    right = reshape(transpose(y, axes_y + free_y), _pair_shape(inner, -1))
    out = concat([gather(size_x, tensor(free_x, "int32")), gather(size_y, tensor(free_y, "int32"))], 0)
    result = reshape(matmul(left, right), out, name=name)
    known = [x.shape[i] for i in free_x] + [y.shape[i] for i in free_y]
    if hasattr(result, "set_shape"):
        result.set_shape(known)
    return result


def _pair_shape(a: Any, b: Any) -> Tensor:
    return tensor([a, b], "int32")


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape and type."""
    if isinstance(inputs, Tensor) or not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    tensors = [tensor(x) for x in inputs]
    if not tensors:
        raise ValueError("Expected at least one input to add_n, got an empty list.")
    return raw("AddN")(tensors, name=name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape and type."""
    return add_n(inputs, name)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """A scalar times a tensor."""
    b = tensor(x)
    return multiply(tensor(scalar, hint=b.dtype), b, name)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """1 / x, and 0 where x is 0."""
    a = tensor(x)
    return divide_no_nan(tensor(1, a.dtype), a, name=name)


def log_sigmoid(x: Any, name: str | None = None) -> Any:
    """log(sigmoid(x)), without underflow."""
    return negative(softplus(negative(tensor(x))), name=name)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Any:
    """The polynomial with those coefficients, highest power first, at x."""
    a = tensor(x)
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    total: Any = tensor(0, a.dtype) if not coeffs else tensor(coeffs[0], hint=a.dtype)
    for coefficient in coeffs[1:]:
        total = total * a + tensor(coefficient, hint=a.dtype)
    return total
