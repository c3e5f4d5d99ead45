"""Set operations: the last axis of a tensor holds sets, dense with repeats or sparse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape
from .common import check_size
from .sparse import check_bounds, check_order, check_sparse, sparse_shapes

__all__: list[str] = []

_OPERATIONS: dict[bytes, Callable[[set[Any], set[Any]], set[Any]]] = {
    b"a-b": lambda a, b: a - b,
    b"b-a": lambda a, b: b - a,
    b"intersection": lambda a, b: a & b,
    b"union": lambda a, b: a | b,
}
_TYPES = "[int8, int16, int32, int64, uint8, uint16, string]"

Groups = dict[
    tuple[int, ...], set[Any]
]  # the sets that are not empty, by their place on the axes before the last


def _dense_groups(s: Site, x: Array) -> tuple[Groups, tuple[int, ...]]:
    if np.ndim(x) < 2:
        raise s.error(f"Shape {format_shape(np.shape(x))} has rank {np.ndim(x)} < 2")
    outer = x.shape[:-1]
    if not x.size:
        return {}, outer
    rows = x.reshape(-1, x.shape[-1]).tolist()
    return {place: set(row) for place, row in zip(np.ndindex(outer), rows, strict=True)}, outer


def _sparse_groups(
    s: Site, indices: Array, values: Array, shape: Array, what: str
) -> tuple[Groups, tuple[int, ...]]:
    check_sparse(s, indices, values, shape, what)
    if len(shape) < 2:
        raise s.error(f"{what}shape {shape.tolist()} has rank {len(shape)} < 2")
    if s["validate_indices"]:
        check_bounds(s, indices, shape, what)
        check_order(s, indices, what, repeats=False)
    groups: Groups = {}
    for place, value in zip(indices[:, :-1].tolist(), values.tolist(), strict=True):
        groups.setdefault(tuple(place), set()).add(value)
    return groups, tuple(shape[:-1].tolist())


def _set_operation(name: str, sparse: tuple[bool, bool], doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        combine = _OPERATIONS.get(s["set_operation"].lower())
        if combine is None:
            raise s.error(f"Invalid set_operation {s['set_operation'].decode(errors='replace')}.")
        nothing: set[Any] = set()

        def run(*arrays: Array) -> list[Array]:
            left, right = _sides(s, arrays, sparse)
            (a, outer), (b, other) = left, right
            if outer != other:
                raise s.error(f"Mismatched shapes {list(outer)} vs {list(other)}")
            places: list[tuple[int, ...]] = []
            values: list[Any] = []
            longest = 0
            for place in sorted(a.keys() | b.keys()):
                members = sorted(combine(a.get(place, nothing), b.get(place, nothing)))
                places.extend((*place, i) for i in range(len(members)))
                values.extend(members)
                longest = max(longest, len(members))
            out = np.empty(len(values), arrays[1 if sparse[0] else 0].dtype)
            out[:] = values
            indices = np.array(places, np.int64).reshape(len(places), len(outer) + 1)
            return [indices, out, np.array([*outer, longest], np.int64)]

        return run

    inputs = ", ".join(
        f"set{i}_indices: int64, set{i}_values: T, set{i}_shape: int64" if is_sparse else f"set{i}: T"
        for i, is_sparse in enumerate(sparse, 1)
    )
    one = register(
        Op(
            f"{name}({inputs}) -> (result_indices: int64, result_values: T, result_shape: int64) | set_operation: "
            f"string; validate_indices: bool=true; T: type in {_TYPES}",
            kernel,
            f"{doc}: a-b, b-a, intersection or union of the sets at each place, sorted, as a sparse tensor.",
        )
    )

    def shape_rule(s: Site) -> list[Shape]:
        at = 0
        for is_sparse in sparse:
            known = s.shapes[at + 2 if is_sparse else at]
            if known is not None and is_sparse and len(known) == 1 and known[0] is not None:
                return sparse_shapes(known[0])
            if known is not None and not is_sparse:
                return sparse_shapes(len(known))
            at += 3 if is_sparse else 1
        return sparse_shapes(None)

    one.shape_rule = shape_rule
    return one.not_differentiable()


def _sides(
    s: Site, arrays: tuple[Array, ...], sparse: tuple[bool, bool]
) -> list[tuple[Groups, tuple[int, ...]]]:
    sides, at = [], 0
    for i, is_sparse in enumerate(sparse, 1):
        if is_sparse:
            indices, values, shape = arrays[at : at + 3]
            sides.append(_sparse_groups(s, indices, values, shape, f"set{i}_"))
        else:
            sides.append(_dense_groups(s, arrays[at]))
        at += 3 if is_sparse else 1
    return sides


dense_to_dense_set_operation: Op = _set_operation(
    "DenseToDenseSetOperation", (False, False), "Of two tensors"
)
dense_to_sparse_set_operation: Op = _set_operation(
    "DenseToSparseSetOperation", (False, True), "Of a tensor and a sparse tensor"
)
sparse_to_sparse_set_operation: Op = _set_operation(
    "SparseToSparseSetOperation", (True, True), "Of two sparse tensors"
)


@op(
    "SetSize(set_indices: int64, set_values: T, set_shape: int64) -> (size: int32) | validate_indices: bool=true; "
    f"T: type in {_TYPES}"
)
def set_size(s: Site) -> Kernel:
    """How many different values each set of the sparse tensor holds."""

    def run(indices: Array, values: Array, shape: Array) -> Array:
        groups, outer = _sparse_groups(s, indices, values, shape, "set_")
        out = np.zeros(check_size(s, outer, s.out_dtypes[0]), np.int32)
        for place, members in groups.items():
            out[place] = len(members)
        return out

    return run


@set_size.shape
def _(s: Site) -> list[Shape]:
    sizes = s.const_shape(2)
    return [None if sizes is None else sizes[:-1]]


set_size.not_differentiable()
