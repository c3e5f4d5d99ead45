"""Diagonals and bands of matrices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..op import Array, Call, Kernel, Op, Site, op
from ..shapes import Dim, Shape, compatible, format_shape
from .common import check_size

__all__: list[str] = []

_ALIGN = "align: string='RIGHT_LEFT' in ['LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT']"


# --- bands


def _band(s: Site, x: Array, lower: Array, upper: Array) -> Array:
    if x.ndim < 2:
        raise s.error(f"input must be at least 2-dim, received shape: {format_shape(x.shape)}")
    rows, columns = x.shape[-2:]
    below, above = int(lower.item()), int(upper.item())
    if below > rows:
        raise s.error(f"num_lower must be negative or less or equal to number of rows ({rows}) got: {below}")
    if above > columns:
        raise s.error(
            f"num_upper must be negative or less or equal to number of columns ({columns}) got: {above}"
        )
    offset = np.arange(columns) - np.arange(rows)[:, None]
    inside = (offset >= (-rows if below < 0 else -below)) & (offset <= (columns if above < 0 else above))
    return np.where(inside, x, np.zeros((), x.dtype))


def _band_shape(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is not None and len(known) < 2:
        raise s.error(f"input must be at least 2-dim, received shape: {format_shape(known)}")
    return [known]


@op(
    "MatrixBandPart(input: T, num_lower: Tindex, num_upper: Tindex) -> (band: T) | T: type; Tindex: type=int64 in index"
)
def matrix_band_part(s: Site) -> Kernel:
    """The matrices with zeros but in `num_lower` diagonals below and `num_upper` above the main one (negative: all)."""
    return lambda x, lower, upper: _band(s, x, lower, upper)


matrix_band_part.shape_rule = _band_shape


@matrix_band_part.grad
def _(c: Call, g: Any) -> list[Any]:
    return [matrix_band_part(g, *c.inputs[1:]), None, None]


# --- where diagonals are


class _Diagonals:
    """The diagonals `lower` to `upper` of matrices of a given size, laid out in rows as an `align` says."""

    def __init__(self, s: Site, k: Array, rows: int, columns: int, align: str = "LEFT_LEFT") -> None:
        values = np.ravel(k).tolist()
        if not 1 <= len(values) <= 2 or k.ndim > 1:
            raise s.error(
                f"diag_index must be a scalar or vector with one or two elements, received {values}"
            )
        self.lower, self.upper = values[0], values[-1]
        self.rows, self.columns = rows, columns
        self.right_above = align.startswith("RIGHT")  # are superdiagonals aligned to the right, and
        self.right_below = align.endswith("RIGHT")  # subdiagonals?
        for name, at in (("lower", self.lower), ("upper", self.upper)):
            if not (-rows < at < columns or at == 0):
                raise s.error(
                    f"{name}_diag_index is out of bound: {at}. It must be between {-rows} and {columns}"
                )
        if self.lower > self.upper:
            raise s.error(
                f"lower_diag_index must not be larger than upper_diag_index: {self.lower} > {self.upper}"
            )
        self.longest = min(rows + min(self.upper, 0), columns - max(self.lower, 0))

    def length(self, d: int) -> int:
        """The number of elements of diagonal `d`."""
        return min(self.rows + min(d, 0), self.columns - max(d, 0))

    def shape(self) -> tuple[int, ...]:
        """The shape of the layout: without an axis for a single diagonal."""
        count = self.upper - self.lower + 1
        return (self.longest,) if count == 1 else (count, self.longest)

    def __iter__(self) -> Iterator[tuple[Any, Any, Any]]:
        """For each diagonal: where it stands in the layout (with that axis), and its rows and columns."""
        for i, d in enumerate(range(self.upper, self.lower - 1, -1)):
            n = self.length(d)
            right = (d >= 0 and self.right_above) or (d <= 0 and self.right_below)
            at = slice(self.longest - n, self.longest) if right else slice(0, n)
            first = np.arange(n)
            yield (..., i, at), first - min(d, 0), first + max(d, 0)


def _align(s: Site) -> str:
    return s["align"].decode() if "align" in s.op.signature.attrs else "LEFT_LEFT"


# --- reading diagonals


def _read(s: Site, x: Array, k: Array, padding: Any) -> Array:
    if x.ndim < 2:
        raise s.error(f"input must be at least 2-dim, received shape: {format_shape(x.shape)}")
    diagonals = _Diagonals(s, k, x.shape[-2], x.shape[-1], _align(s))
    count = diagonals.upper - diagonals.lower + 1
    out = np.full((*x.shape[:-2], count, diagonals.longest), padding, x.dtype)
    for at, rows, columns in diagonals:
        out[at] = x[..., rows, columns]
    return out.reshape(*x.shape[:-2], *diagonals.shape())


def _read_shape(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is None:
        return [None]
    if len(known) < 2:
        raise s.error(f"input must be at least 2-dim, received shape: {format_shape(known)}")
    k = np.zeros((), np.int32) if len(s.shapes) == 1 else s.const(1)
    if k is None or None in known[-2:]:
        return [None if k is None or np.size(k) > 1 else (*known[:-2], None)]
    rows, columns = known[-2:]
    return [(*known[:-2], *_Diagonals(s, k, rows or 0, columns or 0).shape())]


@op("MatrixDiagPart(input: T) -> (diagonal: T) | T: type")
def matrix_diag_part(s: Site) -> Kernel:
    """The main diagonal of each matrix."""
    return lambda x: _read(s, x, np.zeros((), np.int32), np.zeros((), x.dtype))


@op("MatrixDiagPartV2(input: T, k: int32, padding_value: T) -> (diagonal: T) | T: type")
def matrix_diag_part_v2(s: Site) -> Kernel:
    """The diagonals k[0] to k[1] of each matrix in rows, the uppermost first, padded at the right."""
    return lambda x, k, padding: _read(s, x, k, padding)


@op(f"MatrixDiagPartV3(input: T, k: int32, padding_value: T) -> (diagonal: T) | T: type; {_ALIGN}")
def matrix_diag_part_v3(s: Site) -> Kernel:
    """The diagonals k[0] to k[1] of each matrix in rows, the uppermost first, padded where `align` says."""
    return lambda x, k, padding: _read(s, x, k, padding)


# --- writing diagonals


def _write(s: Site, x: Array, diagonal: Array, k: Array) -> Array:
    if x.ndim < 2:
        raise s.error(f"input must be at least 2-dim, received shape: {format_shape(x.shape)}")
    diagonals = _Diagonals(s, k, x.shape[-2], x.shape[-1], _align(s))
    wanted = (*x.shape[:-2], *diagonals.shape())
    if diagonal.shape != wanted:
        raise s.error(
            f"the diagonal must be of shape {format_shape(wanted)}, but is {format_shape(diagonal.shape)}"
        )
    out = x.copy()
    layout = diagonal.reshape(*x.shape[:-2], -1, diagonals.longest) if diagonal.size else diagonal
    if diagonal.size:
        for at, rows, columns in diagonals:
            out[..., rows, columns] = layout[at]
    return out


def _write_shape(s: Site) -> list[Shape]:
    known, diagonal = s.shapes[:2]
    if known is not None and len(known) < 2:
        raise s.error(f"input must be at least 2-dim, received shape: {format_shape(known)}")
    if known is not None and diagonal is not None and not compatible(known[:-2], diagonal[: len(known) - 2]):
        raise s.error(
            f"the diagonal {format_shape(diagonal)} does not fit the matrices {format_shape(known)}"
        )
    return [known]


@op("MatrixSetDiag(input: T, diagonal: T) -> (output: T) | T: type")
def matrix_set_diag(s: Site) -> Kernel:
    """The matrices with another main diagonal."""
    return lambda x, diagonal: _write(s, x, diagonal, np.zeros((), np.int32))


@op("MatrixSetDiagV2(input: T, diagonal: T, k: int32) -> (output: T) | T: type")
def matrix_set_diag_v2(s: Site) -> Kernel:
    """The matrices with other diagonals k[0] to k[1], laid out as `MatrixDiagPartV2` gives them."""
    return lambda x, diagonal, k: _write(s, x, diagonal, k)


@op(f"MatrixSetDiagV3(input: T, diagonal: T, k: int32) -> (output: T) | T: type; {_ALIGN}")
def matrix_set_diag_v3(s: Site) -> Kernel:
    """The matrices with other diagonals k[0] to k[1], laid out as `MatrixDiagPartV3` gives them."""
    return lambda x, diagonal, k: _write(s, x, diagonal, k)


# --- matrices of diagonals


def _matrix_sizes(s: Site, longest: int, k: Array, rows: int, columns: int) -> tuple[int, int]:
    """The number of rows and columns, where -1 asks for as few as will do."""
    lower, upper = int(np.ravel(k)[0]), int(np.ravel(k)[-1])
    if lower > upper:
        raise s.error(f"lower_diag_index must not be larger than upper_diag_index: {lower} > {upper}")
    least_rows, least_columns = longest - min(upper, 0), longest + max(lower, 0)
    if rows != -1 and rows < least_rows:
        raise s.error("The number of rows is too small.")
    if columns != -1 and columns < least_columns:
        raise s.error("The number of columns is too small.")
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows = least_rows if rows == -1 else rows
    columns = least_columns if columns == -1 else columns
    if rows != least_rows and columns != least_columns:
        raise s.error(
            "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal."
        )
    return rows, columns


def _make(s: Site, diagonal: Array, k: Array, rows: int, columns: int, padding: Any) -> Array:
    if not diagonal.ndim:
        raise s.error("diagonal must be at least 1-dim, received shape: []")
    count = int(np.ravel(k)[-1]) - int(np.ravel(k)[0]) + 1
    if count != 1 and (diagonal.ndim < 2 or diagonal.shape[-2] != count):
        raise s.error(
            "The number of diagonals provided in the input does not match "
            "the lower_diag_index and upper_diag_index range."
        )
    rows, columns = _matrix_sizes(s, diagonal.shape[-1], k, rows, columns)
    batch = diagonal.shape[:-1] if count == 1 else diagonal.shape[:-2]
    check_size(s, (*batch, rows, columns), s.dtypes[0])
    out = np.full((*batch, rows, columns), padding, diagonal.dtype)
    if diagonal.size:
        layout = diagonal.reshape(*batch, count, diagonal.shape[-1])
        for at, at_rows, at_columns in _Diagonals(s, k, rows, columns, _align(s)):
            out[..., at_rows, at_columns] = layout[at]
    return out


@op("MatrixDiag(diagonal: T) -> (output: T) | T: type")
def matrix_diag(s: Site) -> Kernel:
    """Square matrices with these main diagonals, else zeros."""
    return lambda x: _make(s, x, np.zeros((), np.int32), -1, -1, np.zeros((), x.dtype))


@matrix_diag.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is not None and not known:
        raise s.error("diagonal must be at least 1-dim, received shape: []")
    return [None if known is None else (*known, known[-1])]


def _make_from_inputs(s: Site) -> Kernel:
    return lambda x, k, rows, columns, padding: _make(s, x, k, int(rows.item()), int(columns.item()), padding)


_MAKE = "(diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T) -> (output: T) | T: type"
matrix_diag_v2: Op = op(f"MatrixDiagV2{_MAKE}")(_make_from_inputs)
matrix_diag_v2.__doc__ = (
    "Matrices with the diagonals k[0] to k[1], laid out as `MatrixDiagPartV2` gives them."
)
matrix_diag_v3: Op = op(f"MatrixDiagV3{_MAKE}; {_ALIGN}")(_make_from_inputs)
matrix_diag_v3.__doc__ = (
    "Matrices with the diagonals k[0] to k[1], laid out as `MatrixDiagPartV3` gives them."
)


def _make_shape(s: Site) -> list[Shape]:
    known = s.shapes[0]
    k, rows, columns = (s.const(i) for i in (1, 2, 3))
    if known is None or k is None:
        return [None]
    if not known:
        raise s.error("diagonal must be at least 1-dim, received shape: []")
    batch: tuple[Dim, ...] = known[:-1] if int(np.ravel(k)[0]) == int(np.ravel(k)[-1]) else known[:-2]
    if rows is None or columns is None or known[-1] is None:
        return [(*batch, None, None)]
    return [(*batch, *_matrix_sizes(s, known[-1], k, int(rows.item()), int(columns.item())))]


matrix_diag_v2.shape_rule = matrix_diag_v3.shape_rule = _make_shape
matrix_diag_part.shape_rule = matrix_diag_part_v2.shape_rule = matrix_diag_part_v3.shape_rule = _read_shape
matrix_set_diag.shape_rule = matrix_set_diag_v2.shape_rule = matrix_set_diag_v3.shape_rule = _write_shape


# --- gradients: reading and writing are each other's


def _zeros_like(x: Any) -> Any:
    from .array import zeros_like

    return zeros_like(x)


def _zero_of(x: Any) -> Any:
    """A scalar zero of the dtype of `x`, for padding."""
    return np.zeros((), as_dtype(x.dtype).np)


def _layout(c: Call) -> dict[str, Any]:
    """The layout of diagonals as the third version of the ops knows it."""
    return {"align": c["align"] if "align" in c.op.signature.attrs else "LEFT_LEFT"}


matrix_diag.gradient = lambda c, g: [matrix_diag_part(g)]
matrix_diag_part.gradient = lambda c, g: [matrix_set_diag(_zeros_like(c.inputs[0]), g)]


@matrix_set_diag.grad
def _(c: Call, g: Any) -> list[Any]:
    return [matrix_set_diag(g, _zeros_like(c.inputs[1])), matrix_diag_part(g)]


def _make_grad(c: Call, g: Any) -> list[Any]:
    return [matrix_diag_part_v3(g, c.inputs[1], _zero_of(g), **_layout(c)), None, None, None, None]


def _read_grad(c: Call, g: Any) -> list[Any]:
    return [matrix_set_diag_v3(_zeros_like(c.inputs[0]), g, c.inputs[1], **_layout(c)), None, None]


def _write_grad(c: Call, g: Any) -> list[Any]:
    _, diagonal, k = c.inputs
    return [
        matrix_set_diag_v3(g, _zeros_like(diagonal), k, **_layout(c)),
        matrix_diag_part_v3(g, k, _zero_of(g), **_layout(c)),
        None,
    ]


matrix_diag_v2.gradient = matrix_diag_v3.gradient = _make_grad
matrix_diag_part_v2.gradient = matrix_diag_part_v3.gradient = _read_grad
matrix_set_diag_v2.gradient = matrix_set_diag_v3.gradient = _write_grad


# --- diagonals of tensors


@op("Diag(diagonal: T) -> (output: T) | T: type in floatcomplex int32 int64")
def diag(s: Site) -> Kernel:
    """A tensor of twice the rank, with the input's elements where both halves of the index are equal, else zeros."""

    def run(x: Array) -> Array:
        if not x.ndim:
            raise s.error("Input must be at least rank 1, got 0")
        check_size(s, x.shape + x.shape, s.dtypes[0])
        out = np.zeros((x.size, x.size), x.dtype)
        np.fill_diagonal(out, x.reshape(-1))
        return out.reshape(x.shape + x.shape)

    return run


@diag.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is not None and not known:
        raise s.error("Input must be at least rank 1, got 0")
    return [None if known is None else known + known]


@op("DiagPart(input: T) -> (diagonal: T) | T: type in floatcomplex int32 int64")
def diag_part(s: Site) -> Kernel:
    """The elements where both halves of the index are equal."""

    def run(x: Array) -> Array:
        _half(s, x.shape)
        half = x.shape[: x.ndim // 2]
        count = math.prod(half)
        return x.reshape(count, count).diagonal().reshape(half).copy()

    return run


def _half(s: Site, known: Shape) -> Shape:
    if known is None:
        return None
    if not known or len(known) % 2:
        raise s.error(f"The rank of the tensor should be even and positive, got shape {format_shape(known)}")
    middle = len(known) // 2
    for i in range(middle):
        if known[i] != known[i + middle] and None not in (known[i], known[i + middle]):
            raise s.error(
                f"Invalid shape {format_shape(known)}: dimensions {i} and {i + middle} do not match."
            )
    return known[:middle]


diag_part.shape_rule = lambda s: [_half(s, s.shapes[0])]
diag.gradient = lambda c, g: [diag_part(g)]
diag_part.gradient = lambda c, g: [diag(g)]
