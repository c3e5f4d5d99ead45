"""Scaled dot-product attention, written out as products around a softmax, becomes one op.

before                                                after
  %q = Mul(%query, 0.125)                               %y = _Attention(%query, %key, %value, %mask)
  %s = Einsum(%key, %q)                                        {equation="BTNH,BSNH,BSNV->BTNV", scale=0.125}
         {equation="aecd,abcd->acbe"}
  %m = AddV2(%s, %mask)
  %p = Softmax(%m)
  %y = Einsum(%p, %value)
         {equation="acbe,aecd->abcd"}

The same with BatchMatMul, with transposes around the products, with the factor on either side of the first product,
with a mask of booleans that SelectV2 chooses by, and without a mask. The scores stay in the cache
(`kernels.attention`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from string import ascii_lowercase

import numpy as np

from ..constants import constant_value
from ..environment import Environment
from ..ir import Function, Node, Value
from ..plan.weights import derived
from ..shapes import Shape, broadcast, fixed, is_static, known_size
from .drop_dead import run as drop_dead
from .matching import ADDS
from .rewriting import Builder, nested, rewrite, users

__all__ = ["run"]

_SMALL = 1 << 12  # scores below which numpy's own functions, one by one, are as fast
_TYPES = frozenset({"float32", "float64"})
_STACKS = frozenset({"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"})
_NOTHING = 1.0  # a number this small added to all scores changes nothing

Product = tuple[Value, str, Value, str, str]  # two factors and the result, each with a letter for each axis


def run(function: Function, env: Environment) -> bool:
    """Raise it in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        if any(node.op.name == "Softmax" for node in one.nodes):
            changed |= _Raising(one).run()
    return changed


class _Raising:
    """Raises in one walk over a function."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.users = users(function)
        self.skipped = set(derived(function))

    def run(self) -> bool:
        changed = rewrite(self.function, self.visit)
        if changed:  # what led there, and transposes that others took in
            drop_dead(self.function, Environment())
        return changed

    def visit(self, node: Node, builder: Builder) -> tuple[Value, ...] | None:
        if node.op.name == "Transpose":  # after the second product: part of its equation
            inner = node.inputs[0]
            order = constant_value(node.inputs[1])
            if order is None or inner.node in self.skipped or not self._only_here(inner):
                return None
            return self._second(inner.node, builder, [int(i) for i in np.asarray(order)], node)
        if _product(node) is None or self._is_transposed_next(node.outputs[0]):
            return None
        return self._second(node, builder, None, node)

    def _is_transposed_next(self, value: Value) -> bool:
        """Does only a transpose read it? The walk then sees both together."""
        if not self._only_here(value):
            return False
        (reader,) = self.users[value]
        return reader.op.name == "Transpose" and constant_value(reader.inputs[1]) is not None

    def _second(
        self, node: Node, builder: Builder, order: list[int] | None, at: Node
    ) -> tuple[Value, ...] | None:
        """Attention in the place of `at`, if `node` is the product behind its softmax."""
        second = _product(node) if node not in self.skipped else None
        if second is None:
            return None
        for (weights, wl), (value, vl) in (
            ((second[0], second[1]), (second[2], second[3])),
            ((second[2], second[3]), (second[0], second[1])),
        ):
            if weights.node.op.name != "Softmax" or not self._only_here(weights):
                continue
            scores = self._scores(weights.node.inputs[0])
            if scores is None:
                continue
            query, key, mask, scale, fill = scores
            # The letters of the second product, translated to those of the scores: B, N, T, S.
            names = dict(zip(wl, query[2], strict=True))
            equation = _equation(names, query[2][:-2], vl, second[4], order)
            if equation is None or weights.shape is None:
                continue
            value, letters = _through_transpose(value, equation[1])
            inputs = [query[0], key[0], value]
            if not _fits(inputs, [query[1], key[1], letters], weights.shape, mask):
                continue
            attrs = {
                "equation": f"{query[1]},{key[1]},{letters}->{equation[0]}".encode(),
                "scale": scale,
                "fill": fill,
                "num_mask": int(mask is not None),
                "Tmask": value.dtype if mask is None else mask.dtype,
                "T": value.dtype,
            }
            result = builder.add("_Attention", [*inputs, *([] if mask is None else [mask])], at, attrs)
            self.users[result[0]] = self.users.get(at.outputs[0], [])
            return result
        return None

    def _only_here(self, value: Value) -> bool:
        return len(self.users.get(value, ())) == 1 and value not in self.function.outputs

    def _scores(
        self, value: Value
    ) -> tuple[tuple[Value, str, str], tuple[Value, str], Value | None, float, float] | None:
        """(query, its axes, the scores' axes), (key, its axes), mask, scale and fill of what goes into a softmax."""
        mask: Value | None = None
        scale, fill = 1.0, 0.0
        while _product(value.node) is None:
            node = value.node
            if not self._only_here(value) or node in self.skipped:
                return None
            found = _factor(node)
            if found is not None:
                value, factor = found
                scale *= factor
                continue
            chosen = _choice(node) if scale == 1 and mask is None else None
            if chosen is not None:
                value, mask, fill = chosen
                continue
            if node.op.name not in ADDS or scale != 1:
                return None
            one, other = node.inputs
            holds = one.shape == node.outputs[0].shape
            if not holds or (_product(one.node) is None and _is_deeper(other, node)):
                one, other = other, one
            number = constant_value(other) if known_size(other.shape) == 1 else None
            if number is not None and abs(float(np.ravel(number)[0])) <= _NOTHING:
                value = one
            elif mask is None:
                value, mask = one, other
            else:
                return None
            if value.shape != node.outputs[0].shape:
                return None
        if not self._only_here(value) or value.node in self.skipped:
            return None
        x, xl, y, yl, out = _product(value.node)  # type: ignore[misc]
        if not len(out) <= 4 or len(out) < 2:
            return None
        if out[-1] in xl and out[-1] not in yl:
            x, xl, y, yl = y, yl, x, xl
        depth = set(xl) & set(yl) - set(out)
        stacked = set(xl) & set(yl) & set(out)
        if len(depth) != 1 or stacked != set(out[:-2]) or out[-2] not in xl or out[-1] not in yl:
            return None
        if len(set(xl)) != len(xl) or len(set(yl)) != len(yl) or len(xl) != len(out) or len(yl) != len(out):
            return None
        whole = "BN"[-len(out[:-2]) :] if len(out) > 2 else ""
        names = dict(zip(out, whole + "TS", strict=True)) | {depth.pop(): "H"}
        query, scale = _scaled(x, scale)
        query, xl = _through_transpose(query, "".join(names[a] for a in xl))
        query, scale = _scaled(query, scale)
        key, yl = _through_transpose(y, "".join(names[a] for a in yl))
        return (query, xl, whole + "TS"), (key, yl), mask, scale, fill


def _equation(
    names: Mapping[str, str],
    stacked: str,
    letters: str,
    out: str,
    order: list[int] | None,
) -> tuple[str, str] | None:
    """The axes of the result and of the value, or None where they are not those of attention.

    Args:
        names: what the axes of the scores are called, by their letters in the second product.
        stacked: the axes in front of the scores' rows and columns.
        letters: of the value in the second product.
        out: of its result.
        order: how a transpose behind it orders the axes, if there is one.
    """
    left = [x for x in letters if x not in names]
    if len(left) != 1 or len(set(letters)) != len(letters) or len(set(out)) != len(out):
        return None
    full = {**names, left[0]: "V"}
    value = "".join(full[x] for x in letters)
    result = "".join(full.get(x, "?") for x in out)
    if sorted(value) != sorted(stacked + "SV") or sorted(result) != sorted(stacked + "TV"):
        return None
    if order is not None:
        result = "".join(result[i] for i in order)
    return result, value


def _fits(inputs: list[Value], letters: list[str], scores: Shape, mask: Value | None) -> bool:
    """Are types and shapes those that the kernel takes, without broadcasting but for the mask?"""
    if any(v.dtype is not inputs[0].dtype or not is_static(v.shape) for v in inputs):
        return False
    if inputs[0].dtype.name not in _TYPES or not is_static(scores) or (known_size(scores) or 0) < _SMALL:
        return False
    sizes: dict[str, int] = {}
    for value, names in zip(inputs, letters, strict=True):
        for name, size in zip(names, fixed(value.shape), strict=True):
            if sizes.setdefault(name, size) != size:
                return False
    if mask is None:
        return True
    if (mask.dtype is not inputs[0].dtype and mask.dtype.name != "bool") or not is_static(mask.shape):
        return False
    return broadcast(mask.shape, scores) == scores


def _product(node: Node) -> Product | None:
    """A product of two tensors with a letter for each axis, if `node` is one."""
    if node.op.name == "Einsum" and len(node.inputs) == 2:
        left, _, out = node.site()["equation"].decode().partition("->")
        x, _, y = left.replace(" ", "").partition(",")
        out = out.replace(" ", "")
        if "." in left + out or not set(out) <= set(x + y):
            return None
        return node.inputs[0], x, node.inputs[1], y, out
    if node.op.name in _STACKS:
        a, b = node.inputs
        if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
            return None
        if a.dtype is not b.dtype or a.dtype.is_complex:
            return None
        stacked = ascii_lowercase[: len(a.shape) - 2]
        site = node.site()
        return (
            *(a, stacked + ("zx" if site["adj_x"] else "xz")),
            *(b, stacked + ("yz" if site["adj_y"] else "zy")),
            stacked + "xy",
        )
    return None


def _factor(node: Node) -> tuple[Value, float] | None:
    """(x, c) if `node` is x * c or x / c for a number."""
    if node.op.name not in ("Mul", "RealDiv"):
        return None
    for one, other in (node.inputs, node.inputs[::-1]) if node.op.name == "Mul" else (node.inputs,):
        if (
            other.node.op.name != "Const"
            or known_size(other.shape) != 1
            or one.shape != node.outputs[0].shape
        ):
            continue
        number = float(np.ravel(other.node.attrs["value"])[0])
        if not math.isfinite(number) or number == 0:
            return None
        return one, number if node.op.name == "Mul" else 1 / number
    return None


def _choice(node: Node) -> tuple[Value, Value, float] | None:
    """(x, mask, c) if `node` is x where the mask is true and the number c elsewhere."""
    if node.op.name != "SelectV2":
        return None
    mask, x, other = node.inputs
    number = constant_value(other) if known_size(other.shape) == 1 else None
    if number is None or x.shape != node.outputs[0].shape:
        return None
    return x, mask, float(np.ravel(number)[0])


def _scaled(value: Value, scale: float) -> tuple[Value, float]:
    found = _factor(value.node)
    return (value, scale) if found is None else (found[0], scale * found[1])


def _through_transpose(value: Value, letters: str) -> tuple[Value, str]:
    """What a transpose takes, with its axes named so that the transpose is not needed."""
    if value.node.op.name != "Transpose":
        return value, letters
    order = constant_value(value.node.inputs[1])
    if order is None:
        return value, letters
    before = [""] * len(letters)
    for letter, i in zip(letters, np.asarray(order), strict=True):
        before[int(i)] = letter
    return value.node.inputs[0], "".join(before)


def _is_deeper(value: Value, node: Node) -> bool:
    """May `value` be the one of an addition's two inputs that holds scores?"""
    return value.shape == node.outputs[0].shape and (
        _product(value.node) is not None or _factor(value.node) is not None
    )
