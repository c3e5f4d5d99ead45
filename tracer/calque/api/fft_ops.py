"""`tf.signal`: Fourier and cosine transforms, along the last axes."""

from __future__ import annotations

import builtins
import math
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType

from ..tensor import Tensor
from .arguments import static_rank, tensor
from .array_ops import concat, pad, range, reshape, reverse, roll, shape, stack, zeros_like
from .math_ops import cast, complex, exp, maximum, real, rsqrt
from .raw import raw, unary

__all__ = [
    "dct",
    "fft",
    "fft2d",
    "fft3d",
    "fftshift",
    "idct",
    "ifft",
    "ifft2d",
    "ifft3d",
    "ifftshift",
    "irfft",
    "irfft2d",
    "irfft3d",
    "rfft",
    "rfft2d",
    "rfft3d",
]


def _complex_transform(op: str, public: str, doc: str) -> Any:
    def function(input: Any, name: str | None = None) -> Any:
        return raw(op)(tensor(input), name=name)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = (
        f"{doc}, of complex numbers.\n\nArgs:\n    input: a complex tensor.\n    name: the node's name."
    )
    function.__module__ = unary.__module__
    return function


fft = _complex_transform("FFT", "fft", "The Fourier transform along the last axis")
fft2d = _complex_transform("FFT2D", "fft2d", "The Fourier transform along the last two axes")
fft3d = _complex_transform("FFT3D", "fft3d", "The Fourier transform along the last three axes")
ifft = _complex_transform("IFFT", "ifft", "The inverse of `fft`")
ifft2d = _complex_transform("IFFT2D", "ifft2d", "The inverse of `fft2d`")
ifft3d = _complex_transform("IFFT3D", "ifft3d", "The inverse of `fft3d`")

_COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
_REAL = {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}


def _real_transform(rank: int, op: str, public: str, doc: str, inverse: bool) -> Any:
    def function(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
        x = tensor(input_tensor, hint=dtypes.complex64 if inverse else dtypes.float32)
        if inverse and not x.dtype.is_complex:
            x = cast(x, dtypes.complex64)
        if fft_length is None:
            lengths = shape(x)[-rank:]
            if inverse:  # of a real transform's last axis, half is stored
                lengths = concat([lengths[:-1], maximum(0, 2 * (lengths[-1:] - 1))], 0)
        else:
            lengths = tensor(fft_length, dtypes.int32)
        x = _cut_or_filled(x, rank, lengths, inverse)
        out: DType = (_REAL if inverse else _COMPLEX)[x.dtype]
        attrs = {"Treal": out} if inverse else {"Tcomplex": out}
        return raw(op)(x, lengths, name=name, **attrs)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = (
        f"{doc}.\n\nArgs:\n    input_tensor: the tensor.\n    fft_length: the lengths of the transformed axes; None: "
        "as they are. What is missing is zero, what is more is left out.\n    name: the node's name."
    )
    function.__module__ = unary.__module__
    return function


def _cut_or_filled(x: Tensor, rank: int, lengths: Any, inverse: bool) -> Any:
    """`x` with as much of its last axes as the transform takes, zeros where there is less."""
    known = static_rank(x)
    if known is None or _fits(x, rank, lengths, inverse):
        return x
    wanted = lengths
    if inverse:
        wanted = concat([lengths[:-1], lengths[-1:] // 2 + 1], 0)
    missing = maximum(wanted - shape(x)[-rank:], 0)
    widths = concat([zeros_like(shape(x)[:-rank]), missing], 0)
    return pad(x, stack([zeros_like(widths), widths], 1))


def _fits(x: Tensor, rank: int, lengths: Any, inverse: bool) -> bool:
    """Is it known that the axes are long enough?"""
    from ..function.graph_mode import get_static_value

    wanted = get_static_value(lengths)
    sizes = x.shape.as_list()[-rank:]
    if wanted is None:
        return False
    needed = [int(n) for n in wanted]
    if inverse:
        needed[-1] = needed[-1] // 2 + 1
    return all(s is not None and s >= n for s, n in zip(sizes, needed, strict=True))


rfft = _real_transform(1, "RFFT", "rfft", "The Fourier transform of real numbers along the last axis", False)
rfft2d = _real_transform(
    2, "RFFT2D", "rfft2d", "The Fourier transform of real numbers along the last two axes", False
)
rfft3d = _real_transform(
    3, "RFFT3D", "rfft3d", "The Fourier transform of real numbers along the last three axes", False
)
irfft = _real_transform(1, "IRFFT", "irfft", "The inverse of `rfft`", True)
irfft2d = _real_transform(2, "IRFFT2D", "irfft2d", "The inverse of `rfft2d`", True)
irfft3d = _real_transform(3, "IRFFT3D", "irfft3d", "The inverse of `rfft3d`", True)


def _shifted(x: Any, axes: Any, name: str | None, back: bool) -> Any:
    given = tensor(x)
    if axes is None:
        axes = list(builtins.range(given.shape.rank or 0))
    many = [axes] if isinstance(axes, int) else list(axes)
    sizes = [shape(given)[a] for a in many]
    steps = stack([-(s // 2) if back else s // 2 for s in sizes])
    return roll(given, steps, tensor(many), name=name)


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """The frequency 0 brought to the middle of the axes (None: all)."""
    return _shifted(x, axes, name, False)


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """The inverse of `fftshift`."""
    return _shifted(x, axes, name, True)


def _check_dct(type: int, norm: str | None, axis: int, n: Any, size: int | None) -> None:
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError(f"n should be a positive integer or None, got {n}")
    if type not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    if type == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    if type == 1 and size is not None and size < 2:
        raise ValueError("Type-I DCT requires the dimension to be greater than one.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")


def dct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """The discrete cosine transform of type 1, 2, 3 or 4 along the last axis.

    Args:
        input: a tensor of floats.
        type: the type.
        n: how many numbers to take; None: all. Missing ones are zero.
        axis: -1.
        norm: None, or "ortho" for an orthogonal transform.
        name: accepted, and of no effect.

    Raises:
        NotImplementedError: `axis` is not -1.
        ValueError: there is no such transform.
    """
    x = tensor(input, hint=dtypes.float32)
    _check_dct(type, norm, axis, n, x.shape.as_list()[-1])
    if n is not None:
        missing = maximum(n - shape(x)[-1], 0)
        x = pad(x[..., :n], stack([[0, 0]] * ((x.shape.rank or 1) - 1) + [[0, missing]]))
    size = shape(x)[-1]
    length = cast(size, x.dtype)
    if type == 1:
        mirrored = concat([x, reverse(x, [-1])[..., 1:-1]], -1)
        return real(rfft(mirrored))
    if type == 2:
        turn = 2.0 * exp(complex(zeros_like(length), -_steps(size, x.dtype) * math.pi * 0.5 / length))
        out = real(rfft(x, [2 * size])[..., :size] * turn)
        if norm == "ortho":
            first = 0.5 * rsqrt(length)
            out = out * _first_and_rest(first, first * math.sqrt(2.0), size)
        return out
    if type == 3:
        if norm == "ortho":
            root = cast(size, x.dtype) ** 0.5
            x = x * _first_and_rest(root, root * math.sqrt(0.5), size)
        else:
            x = x * length
        turn = 2.0 * exp(complex(zeros_like(length), _steps(size, x.dtype) * math.pi * 0.5 / length))
        widened = complex(x, zeros_like(x)) * turn
        return real(irfft(widened, [2 * size]))[..., :size]
    second = dct(pad(x, [[0, 0]] * ((x.shape.rank or 1) - 1) + [[0, size]]), type=2)[..., 1::2]
    return second * (math.sqrt(0.5) * rsqrt(length)) if norm == "ortho" else second


def _steps(size: Any, dtype: DType) -> Any:
    return cast(range(size), dtype)


def _first_and_rest(first: Any, rest: Any, size: Any) -> Any:
    """A vector of `size` numbers: one, and all others alike."""
    from .array_ops import ones

    return concat([reshape(first, [1]), ones(stack([size - 1]), first.dtype) * rest], 0)


def idct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """The inverse of `dct` but for a factor (none with ``norm="ortho"``): type 2 and 3 are each other's."""
    size = tensor(input, hint=dtypes.float32).shape.as_list()[-1]
    _check_dct(type, norm, axis, n, size)
    return dct(input, {1: 1, 2: 3, 3: 2, 4: 4}[type], n, axis, norm, name)
