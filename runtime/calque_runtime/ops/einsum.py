"""Einsum: sums of products named by subscripts, turned into one product of stacked matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..kernels.products import LARGE, multiply
from ..op import Array, Call, Kernel, Site, op
from ..record import record
from ..shapes import Dim, Shape, broadcast, format_shape
from .common import conjugate, in_float32, sum_to

__all__: list[str] = []

Label = Any  # a character, or -1, -2, ... for the axes of an ellipsis counted from its end
Labels = tuple[Label, ...]


def _error(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _equation(equation: str) -> tuple[list[str], str]:
    """The subscripts of the inputs and of the output."""
    if equation.count("->") != 1:
        raise _error(f"Expecting exactly one '->' in einsum equation: {equation}")
    left, right = equation.split("->")
    inputs = left.split(",")
    if len(inputs) > 2:
        raise _error(f"Expecting 1 or 2 input subscripts in equation '{equation}' but got: {len(inputs)}")
    return inputs, right


def _labels(subscripts: str, axes: int) -> Labels:
    """The label of each axis, where an ellipsis stands for `axes` of them."""
    before, dots, after = subscripts.partition("...")
    if "." in before + after:
        raise _error(f"a '.' that is not part of one '...' in the einsum subscripts '{subscripts}'")
    return (*before, *(range(-axes, 0) if dots else ()), *after)


@record(frozen=True)
class _Operand:
    """What is done to an input first: diagonals of repeated labels, sums over labels that nothing else has."""

    labels: Labels  # of the axes as they come
    summed: tuple[int, ...]  # axes, after taking diagonals
    order: tuple[int, ...]  # of the axes that are left: stacked, then free and contracted
    diagonal: bool


@record(frozen=True)
class _Recipe:
    """An equation for inputs of given ranks: stacks of (free_a x contracted) times (contracted x free_b) matrices."""

    operands: tuple[_Operand, ...]
    stacked: Labels
    free: tuple[Labels, Labels]
    contracted: Labels
    order: tuple[int, ...]  # of the product's axes in the output (without repeated labels)
    output: Labels


def _unique(labels: Labels) -> Labels:
    return tuple(dict.fromkeys(labels))


@lru_cache(maxsize=1024)
def _recipe(equation: str, ranks: tuple[int, ...]) -> _Recipe:
    subscripts, right = _equation(equation)
    if len(subscripts) != len(ranks):
        raise _error(f"Expected {len(subscripts)} inputs for equation {equation} but got: {len(ranks)}")
    inputs = []
    for i, (text, rank) in enumerate(zip(subscripts, ranks, strict=True)):
        named = len(text.replace("...", ""))
        if rank < named or (rank > named and "..." not in text):
            least = "at least " if "..." in text else ""
            raise _error(f"Expected input {i} to have rank {least}{named} but got: {rank}")
        inputs.append(_labels(text, rank - named))
    dots = max((sum(isinstance(x, int) for x in labels) for labels in inputs), default=0)
    if dots and "..." not in right:
        raise _error(
            f"Output contains {dots} broadcasting dimension(s) but no ellipsis (...) "
            "was found in the output subscripts."
        )
    output = _labels(right, dots)
    for label in output:
        if not any(label in labels for labels in inputs):
            raise _error(f"the einsum output has a label that no input has: {equation}")
    sets = [set(labels) for labels in inputs]
    wanted = set(output)
    ellipsis = tuple(range(-dots, 0))
    if len(inputs) == 1:
        stacked, contracted = _unique(tuple(x for x in inputs[0] if x in wanted)), ()
        free: tuple[Labels, Labels] = ((), ())
    else:
        both = sets[0] & sets[1]
        # The axes of ellipses broadcast, so they are stacked even where one input lacks them.
        stacked = ellipsis + tuple(
            x for x in _unique(inputs[0]) if x in both and x in wanted and not isinstance(x, int)
        )
        contracted = tuple(x for x in _unique(inputs[0]) if x in both and x not in wanted)
        free = (
            tuple(x for x in _unique(inputs[0]) if x in wanted and x not in stacked),
            tuple(x for x in _unique(inputs[1]) if x in wanted and x not in stacked),
        )
    operands = []
    for i, labels in enumerate(inputs):
        unique = _unique(labels)
        keep = set(stacked) | set(contracted) | set(free[0]) | set(free[1])
        left = [x for x in unique if x in keep]
        inner = free[i] + contracted if i == 0 else contracted + free[i]
        operands.append(
            _Operand(
                labels,
                tuple(j for j, x in enumerate(unique) if x not in keep),
                tuple(left.index(x) for x in (*stacked, *inner) if x in left),
                len(unique) < len(labels),
            )
        )
    product = (*stacked, *free[0], *free[1])
    return _Recipe(
        tuple(operands), stacked, free, contracted, tuple(product.index(x) for x in _unique(output)), output
    )


@lru_cache(maxsize=1024)
def _plan(equation: str, shapes: tuple[tuple[Dim, ...], ...]) -> tuple[_Recipe, dict[Label, Dim]]:
    recipe = _recipe(equation, tuple(len(shape) for shape in shapes))
    return recipe, _sizes(recipe, shapes)


def _sizes(recipe: _Recipe, shapes: Sequence[tuple[Dim, ...]]) -> dict[Label, Dim]:
    """The size of each label.

    Raises:
        InvalidArgumentError: a label has two sizes.
    """
    sizes: dict[Label, Dim] = {}
    for operand, shape in zip(recipe.operands, shapes, strict=True):
        for axis, (label, size) in enumerate(zip(operand.labels, shape, strict=True)):
            before = sizes.setdefault(label, size)
            if before == size:
                continue
            if isinstance(label, int):
                merged = broadcast((before,), (size,))
                sizes[label] = merged[0] if merged else None
            elif before is None or size is None:
                sizes[label] = size if before is None else before
            else:
                raise _error(
                    f"Expected dimension {before} at axis {axis} of the input shaped {format_shape(shape)} "
                    f"but got dimension {size}"
                )
    return sizes


def _prepared(x: Array, operand: _Operand) -> Array:
    """The input with diagonals taken, sums over its own labels done, and its axes in order."""
    if operand.diagonal:
        unique = _unique(operand.labels)
        strides = [
            sum(s for s, y in zip(x.strides, operand.labels, strict=True) if y == label) for label in unique
        ]
        x = np.lib.stride_tricks.as_strided(
            x, [x.shape[operand.labels.index(y)] for y in unique], strides, writeable=False
        )
    if operand.summed:
        x = np.add.reduce(x, axis=operand.summed, dtype=x.dtype)
    return x.transpose(operand.order)


def _stack_shape(x: Array, recipe: _Recipe, operand: _Operand) -> list[int]:
    """The sizes of the stacked axes, 1 where this input lacks one."""
    sizes = iter(x.shape)
    return [next(sizes) if label in operand.labels else 1 for label in recipe.stacked]


def _multiply(a: Array, b: Array, recipe: _Recipe, sizes: dict[Label, Dim]) -> Array:
    stack_a, stack_b = (_stack_shape(x, recipe, o) for x, o in zip((a, b), recipe.operands, strict=True))
    free_a, free_b = ([int(sizes[x] or 0) for x in labels] for labels in recipe.free)
    inner = math.prod(int(sizes[x] or 0) for x in recipe.contracted)
    if not recipe.contracted:
        a = a.reshape((*stack_a, *free_a, *(1,) * len(free_b)))
        b = b.reshape((*stack_b, *(1,) * len(free_a), *free_b))
        return np.multiply(a, b)
    a = a.reshape(*stack_a, math.prod(free_a), inner)
    b = b.reshape(*stack_b, inner, math.prod(free_b))
    if a.size * b.shape[-1] >= LARGE and a.dtype == b.dtype and a.dtype.kind == "f":
        out = multiply(a, b)
    else:
        out = np.matmul(a, b)
    return out.reshape((*out.shape[:-2], *free_a, *free_b))


def _inflated(x: Array, labels: Labels) -> Array:
    """`x`, whose axes are the distinct `labels`, on the diagonals of a tensor with an axis for each label."""
    unique = _unique(labels)
    sizes = dict(zip(unique, x.shape, strict=True))
    out = np.zeros([sizes[y] for y in labels], x.dtype)
    strides = [sum(s for s, y in zip(out.strides, labels, strict=True) if y == label) for label in unique]
    np.lib.stride_tricks.as_strided(out, x.shape, strides)[...] = x
    return out


@op("Einsum(inputs: N*T) -> (output: T) | equation: string; N: int >=1; T: type")
def einsum(s: Site) -> Kernel:
    """The sum, over all labels that the output lacks, of the products of the inputs' elements at equal labels.

    The equation has one '->' and one or two inputs; '...' stands for axes that broadcast. A label that stands twice
    in one term means its diagonal.
    """
    equation = s["equation"].decode()

    def run(*inputs: Array) -> Any:
        recipe, sizes = _plan(equation, tuple(x.shape for x in inputs))
        parts = [_prepared(x, o) for x, o in zip(inputs, recipe.operands, strict=True)]
        out = parts[0] if len(parts) == 1 else _multiply(parts[0], parts[1], recipe, sizes)
        out = out.transpose(recipe.order)
        return _inflated(out, recipe.output) if len(recipe.order) < len(recipe.output) else out

    dtype = s.dtypes[0]
    return in_float32(run, dtype.np) if dtype.is_floating and dtype.size == 2 else run


@einsum.shape
def _(s: Site) -> list[Shape]:
    equation = s["equation"].decode()
    known = [x for x in s.shapes if x is not None]
    if len(known) < len(s.shapes):
        _equation(equation)
        return [None]
    recipe, sizes = _plan(equation, tuple(known))
    return [tuple(sizes[x] for x in recipe.output)]


@einsum.grad
def _(c: Call, g: Any) -> list[Any]:
    inputs, right = _equation(c["equation"].decode())
    if len(inputs) == 1:
        return [_input_gradient(g, right, c.inputs[0], inputs[0], None, "")]
    (x, y), (left_x, left_y) = c.inputs, inputs
    return [_input_gradient(g, right, x, left_x, y, left_y), _input_gradient(g, right, y, left_y, x, left_x)]


def _input_gradient(g: Any, right: str, x: Any, left: str, other: Any, left_other: str) -> Any:
    """The gradient for the input `x` with the subscripts `left`; `other` is the other input, if there is one."""
    from .array import ones_like

    def product(tensors: list[Any], lefts: list[str], result: str) -> Any:
        return einsum(tensors, equation=f"{','.join(lefts)}->{result}")

    tensors, lefts = ([g], [right]) if other is None else ([g, conjugate(other)], [right, left_other])
    names = dict.fromkeys(left.replace("...", ""))
    kept = "".join(label for label in names if label in right or label in left_other)
    if len(kept) == len(names) and "..." not in right:
        return product(tensors, lefts, left)
    dots = "..." if "..." in right else ""
    part = product(tensors, lefts, dots + kept)
    # Axes along which an ellipsis of this input was broadcast are summed over: its own part has them as they were.
    part = sum_to(part, product([x], [left], ("..." if "..." in left else "") + kept)) if dots else part
    if len(kept) == len(names):
        return product([part], [("..." if "..." in left else "") + kept], left)
    # Labels that only this input has were summed over: each of their elements gets the same gradient.
    return product([part, ones_like(x)], [("..." if "..." in left else "") + kept, left], left)
