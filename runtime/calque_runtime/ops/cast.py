"""Conversion between element types, and checks of values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnimplementedError
from ..op import Array, Call, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape
from .common import same_shape

__all__: list[str] = []

# The bits at the end of the significand that Truncate clears. TensorFlow rounds all other pairs, Truncate or not.
_CUT = {
    ("float64", "float32"): 29,
    ("float64", "float16"): 42,
    ("float32", "float16"): 13,
    ("float32", "bfloat16"): 16,
}


def _truncated(x: Array, cut: int) -> Array:
    """`x` with the last `cut` bits cleared, so that rounding to fewer bits goes toward zero."""
    bits = np.atleast_1d(x).view(f"u{x.dtype.itemsize}")
    cleared = (bits & ~bits.dtype.type((1 << cut) - 1)).view(x.dtype).reshape(x.shape)
    return np.where(np.isnan(x), x, cleared)


@op("Cast(x: SrcT) -> (y: DstT) | SrcT: type; DstT: type; Truncate: bool=false")
def cast(s: Site) -> Kernel:
    """The input in the type `DstT`: toward zero from float to integer, the real part from complex to anything else."""
    src, dst = s.dtypes[0].base_dtype, s["DstT"].base_dtype
    if src is dst:
        return lambda x: x
    if src.kind in "so" or dst.kind in "so":
        raise s.error(f"Cast {src.name} to {dst.name} is not supported", UnimplementedError)
    to = dst.np
    if src.is_complex and not dst.is_complex:
        return lambda x: x.real.astype(to)
    cut = _CUT.get((src.name, dst.name))
    if s["Truncate"] and cut is not None:
        bits = cut
        return lambda x: _truncated(x, bits).astype(to)
    return lambda x: x.astype(to)


cast.shape_rule = same_shape


@cast.grad
def _(c: Call, g: Any) -> list[Any]:
    src, dst = c["SrcT"], c["DstT"]
    if not all(t.is_floating or t.is_complex for t in (src, dst)):
        return [None]
    return [cast(g, DstT=src)]


@op(
    "Bitcast(input: T) -> (output: type) | T: type in [numeric, qint8, quint8, qint16, quint16, qint32]; "
    "type: type in [numeric, qint8, quint8, qint16, quint16, qint32]"
)
def bitcast(s: Site) -> Kernel:
    """The same bytes read as another type; a last axis is added or taken away where the types differ in size."""
    src, dst = s.dtypes[0], s["type"]
    to = dst.np

    def run(x: Array) -> Array:
        out = _bitcast_shape(s, x.shape)
        return np.ascontiguousarray(x).reshape(-1).view(to).reshape(out)

    if src.size == dst.size:
        return lambda x: x.view(to)
    return run


def _bitcast_shape(s: Site, known: Any) -> Any:
    src, dst = s.dtypes[0], s["type"]
    if src.size >= dst.size:
        return known if src.size == dst.size else (*known, src.size // dst.size)
    ratio = dst.size // src.size
    if not known or known[-1] not in (ratio, None):
        raise s.error(
            f"Cannot bitcast from {src.name} to {dst.name}: the last axis of {format_shape(known)} "
            f"must have size {ratio}"
        )
    return known[:-1]


@bitcast.shape
def _(s: Site) -> list[Shape]:
    return [None if s.shapes[0] is None else _bitcast_shape(s, s.shapes[0])]


def _check_numerics(name: str, signed: bool) -> Op:
    """Declare one of the two versions; the newer one tells the two infinities apart."""

    def kernel(s: Site) -> Kernel:
        message = s["message"].decode(errors="replace")

        def run(x: Array) -> Array:
            if np.isfinite(x).all():
                return x
            if signed:
                found = [w for w, bad in (("-Inf", x == -np.inf), ("+Inf", x == np.inf)) if bad.any()]
            else:
                found = ["Inf"] if np.isinf(x).any() else []
            if np.isnan(x).any():
                found.append("NaN")
            raise s.error(
                f"{message} : Tensor had {', '.join(found[:-1])}{' and ' * (len(found) > 1)}{found[-1]} values"
            )

        return run

    one = register(
        Op(
            f"{name}(tensor: T) -> (output: T) | T: type in floats; message: string | stateful",
            kernel,
            "The input, in which every number must be finite; the error begins with `message`.",
        )
    )
    one.shape_rule = same_shape
    one.gradient = lambda c, g: [one(g, message="the gradient of a checked tensor must be finite")]
    return one


check_numerics: Op = _check_numerics("CheckNumerics", signed=False)
check_numerics_v2: Op = _check_numerics("CheckNumericsV2", signed=True)
