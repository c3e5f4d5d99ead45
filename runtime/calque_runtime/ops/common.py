"""What the op families share: factories for plain ops, shape rules, and helpers of gradient rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..constants import constant_value
from ..dtypes import DType, as_dtype
from ..errors import InvalidArgumentError, ResourceExhaustedError
from ..op import Array, Call, Kernel, Op, Site, register
from ..shapes import Shape, broadcast, normalize_axis

__all__ = [
    "as_strings",
    "binary",
    "broadcast_shape",
    "check_size",
    "checked_axis",
    "comparison",
    "conjugate",
    "elementwise_kernel",
    "in_float32",
    "known_value",
    "no_nones",
    "same_shape",
    "scalar",
    "shape_of",
    "static_rank",
    "sum_to",
    "unary",
]

Gradient = Callable[..., Any]


def same_shape(s: Site) -> list[Shape]:
    """Shape rule: the output has the first input's shape."""
    return [s.shapes[0]]


def broadcast_shape(s: Site) -> list[Shape]:
    """Shape rule: the inputs broadcast against each other."""
    shape = s.shapes[0]
    for other in s.shapes[1:]:
        shape = broadcast(shape, other)
    return [shape]


def scalar(_: Site) -> list[Shape]:
    """Shape rule: the output is a scalar."""
    return [()]


def in_float32(run: Callable[..., Any], dtype: Any) -> Kernel:
    """`run` for arrays of a 16-bit float `dtype`: computes in float32 and rounds the result once."""
    wide = np.dtype(np.float32)
    return lambda *xs: run(*[x.astype(wide) for x in xs]).astype(dtype)


def elementwise_kernel(run: Callable[..., Any]) -> Callable[[Site], Kernel]:
    """From a function of arrays to the kernel that needs nothing of its site but the dtype.

    numpy's own ufuncs round 16-bit floats once and are bound as they are; composite functions run in float32.
    """
    if isinstance(run, np.ufunc):
        return lambda s: run

    def bind(s: Site) -> Kernel:
        dtype = s.dtypes[0]
        return in_float32(run, dtype.np) if dtype.is_floating and dtype.size == 2 else run

    return bind


def unary(
    name: str,
    types: str,
    run: Callable[[Any], Any],
    doc: str,
    grad: Gradient | None = None,
    args: str = "x: T",
    out: str = "y: T",
) -> Op:
    """Declare an elementwise op of one input: ``grad(g, y, x)`` is the gradient for x."""
    one = register(Op(f"{name}({args}) -> ({out}) | T: type in {types}", elementwise_kernel(run), doc))
    one.shape_rule = same_shape
    if grad is not None:
        rule = grad
        one.gradient = lambda c, g: [rule(g, c.outputs[0], c.inputs[0])]
    return one


def binary(
    name: str,
    types: str,
    run: Callable[[Any, Any], Any],
    doc: str,
    grad: Gradient | None = None,
    flags: str = "",
    *,
    integers: Callable[[Any, Any], Any] | None = None,
    args: str = "x: T, y: T",
    out: str = "z: T",
) -> Op:
    """Declare an elementwise op of two inputs that broadcast: ``grad(g, z, x, y)`` is the pair of gradients.

    `integers` is what runs instead of `run` where the inputs are integers.
    """
    bind = elementwise_kernel(run)
    whole = integers
    kernel = bind if whole is None else lambda s: whole if s.dtypes[0].is_integer else bind(s)
    one = register(
        Op(f"{name}({args}) -> ({out}) | T: type in {types}" + (f" | {flags}" if flags else ""), kernel, doc)
    )
    one.shape_rule = broadcast_shape
    if grad is not None:
        rule = grad

        def both(c: Call, g: Any) -> Sequence[Any]:
            x, y = c.inputs
            gx, gy = rule(g, c.outputs[0], x, y)
            return [None if gx is None else sum_to(gx, x), None if gy is None else sum_to(gy, y)]

        one.gradient = both
    return one


def comparison(name: str, types: str, run: Callable[[Any, Any], Any], doc: str, flags: str = "") -> Op:
    """Declare an elementwise op of two inputs with a bool result."""
    return binary(name, types, run, doc, None, flags, out="z: bool").not_differentiable()


def conjugate(x: Any) -> Any:
    """The complex conjugate of a tensor in a gradient rule; `x` itself where its type is real."""
    if not as_dtype(x.dtype).is_complex:
        return x
    from .complexes import conj

    return conj(x)


def known_value(tensor: Any) -> Any:
    """The array that a tensor of a gradient rule always holds, or None where that is not known."""
    if isinstance(tensor, (np.ndarray, np.generic)):
        return tensor
    value = getattr(tensor, "_value", None)  # a tensor of a graph being traced
    return tensor.numpy() if value is None else constant_value(value)


def sum_to(gradient: Any, like: Any) -> Any:
    """`gradient`, summed over the axes along which `like` was broadcast, in the shape of `like`."""
    from .array import reshape, shape
    from .elementwise import broadcast_gradient_args
    from .reduce import sum_

    if _static(gradient) is not None and _static(gradient) == _static(like):
        return gradient
    size = shape(like)
    axes, _ = broadcast_gradient_args(size, shape(gradient))
    return reshape(sum_(gradient, axes), size)


def _static(tensor: Any) -> tuple[int, ...] | None:
    """The shape of an array or tensor where every size is known."""
    known = getattr(tensor, "shape", None)
    if known is None or getattr(known, "rank", 0) is None:
        return None
    sizes = tuple(known)
    return None if any(d is None for d in sizes) else sizes


def as_strings(values: Any, shape: Sequence[int] | None = None) -> Array:
    """An object array of bytes; a scalar becomes a 0-d array, which numpy would unwrap."""
    if shape is None:
        shape = np.shape(values)
    out = np.empty(tuple(shape), object)
    out[...] = values
    return out


_MAX_BYTES = 8 << 30  # where no environment sets a limit


def check_size(s: Site, sizes: Iterable[Any], dtype: DType) -> tuple[int, ...]:
    """`sizes`, a shape that the graph computed, as a tuple, if a tensor of that shape may be made.

    Raises:
        InvalidArgumentError: a size is negative.
        ResourceExhaustedError: it would take more than the environment's ``limits.max_bytes``.
    """
    shape = tuple(int(d) for d in sizes)
    limit = _MAX_BYTES if s.env is None else s.env.limits.max_bytes
    count = math.prod(shape)
    if min(shape, default=0) < 0:
        raise s.error(f"sizes must not be negative, but the shape is {list(shape)}")
    if count * (dtype.size or 8) > limit:
        raise s.error(
            f"a tensor of shape {list(shape)} and dtype {dtype.name} is over the limit of {limit} bytes "
            "(Limits.max_bytes)",
            ResourceExhaustedError,
        )
    return shape


def checked_axis(axis: Any, rank: int, what: str = "axis") -> int:
    """The axis that a tensor of one element holds, counted from the front.

    Raises:
        InvalidArgumentError: it has not one element, or is not in [-rank, rank).
    """
    if np.size(axis) != 1:
        raise InvalidArgumentError(
            None, None, f"{what} must be one number, but has shape {list(np.shape(axis))}"
        )
    return normalize_axis(int(axis.item()), rank, what)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an array; of a bare Python object (a resource, a variant): ()."""
    return value.shape if isinstance(value, (np.ndarray, np.generic)) else ()


def static_rank(tensor: Any) -> int | None:
    """The rank of an array or tensor, for gradient rules, where it is known."""
    known = getattr(tensor, "shape", None)
    if known is None or getattr(known, "rank", 0) is None:
        return None
    return len(known)


def no_nones(gradients: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """The gradients of a call's outputs, with zeros for the outputs that nothing depends on."""
    from .array import zeros_like

    return [zeros_like(y) if g is None else g for g, y in zip(gradients, outputs, strict=True)]
