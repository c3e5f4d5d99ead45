"""Connectionist temporal classification: beam search and loss; and the edit distance that its results are judged by.

Graves et al., Connectionist Temporal Classification (2006); Graves & Jaitly (2014) for the beam search. The blank
is the last class.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, op, register, registered
from ..shapes import Shape
from .common import check_size
from .detection import check_steps

__all__: list[str] = []


class _Prefix:
    """A prefix of labels in the beam search: how likely it is so far, by what the last step gave.

    Attributes:
        blank, label, total: log probability that it ends in a blank, in its last label, in either.
        old: the same before the current step.
    """

    __slots__ = ("blank", "children", "label", "last", "old", "parent", "total")

    def __init__(self, parent: _Prefix | None, last: int) -> None:
        self.parent = parent
        self.last = last
        self.children: list[_Prefix] | None = None
        self.reset()

    def reset(self) -> None:
        self.blank = self.label = self.total = -np.inf
        self.old = (-np.inf, -np.inf)  # blank and total

    def labels(self, merge: bool) -> list[int]:
        out: list[int] = []
        one: _Prefix | None = self
        while one is not None and one.parent is not None:
            if not merge or not out or out[-1] != one.last:
                out.append(one.last)
            one = one.parent
        return out[::-1]


def _add(a: float, b: float) -> float:
    return float(np.logaddexp(a, b))


def _beam(log_p: Array, width: int) -> list[_Prefix]:
    """The likeliest prefixes after all steps, the best first."""
    blank = log_p.shape[1] - 1
    root = _Prefix(None, -1)
    root.blank = root.total = 0.0
    leaves = [root]
    for step in log_p.tolist():
        branches = leaves
        for one in branches:
            one.old = one.blank, one.total
        for one in branches:
            parent = one.parent
            if parent is not None:
                if parent.total != -np.inf:
                    came = parent.old[0] if one.last == parent.last else parent.old[1]
                    one.label = _add(one.label, came)
                one.label += step[one.last]
            one.blank = one.old[1] + step[blank]
            one.total = _add(one.blank, one.label)
        leaves = list(branches)
        worst = _worst(leaves, width)
        for one in sorted(branches, key=lambda b: -b.old[1]):
            if not (one.old[1] > -np.inf and one.old[1] > worst):
                continue
            if one.children is None:
                one.children = [_Prefix(one, c) for c in range(blank)]
            for child in one.children:
                if child.total != -np.inf:
                    continue
                child.blank = -np.inf
                came = one.old[0] if child.last == one.last else one.old[1]
                child.label = child.total = step[child.last] + came
                if child.total > worst and child.total > -np.inf:
                    if len(leaves) == width:
                        least = min(leaves, key=lambda b: b.total)
                        leaves.remove(least)
                        least.blank = least.label = least.total = -np.inf
                    leaves.append(child)
                    worst = _worst(leaves, width)
                else:
                    child.reset()
    return sorted(leaves, key=lambda b: -b.total)


def _worst(leaves: list[_Prefix], width: int) -> float:
    return -np.inf if len(leaves) < width else min(one.total for one in leaves)


def _log_softmax(x: Array) -> Array:
    wide = x.astype(np.float64)
    top = wide - wide.max(axis=-1, keepdims=True)
    return top - np.log(np.exp(top).sum(axis=-1, keepdims=True))


@op(
    "CTCBeamSearchDecoder(inputs: T, sequence_length: int32) -> (decoded_indices: top_paths*int64, "
    "decoded_values: top_paths*int64, decoded_shape: top_paths*int64, log_probability: T) | beam_width: int >=1; "
    "top_paths: int >=1; merge_repeated: bool=true; T: type=float in float double"
)
def ctc_beam_search_decoder(s: Site) -> Kernel:
    """The likeliest sequences of labels by beam search, as sparse matrices, and their log probabilities."""
    width, paths, merge = s["beam_width"], s["top_paths"], s["merge_repeated"]
    if paths > width:
        raise s.error(f"top_paths ({paths}) must not be over beam_width ({width})")

    def run(inputs: Array, lengths: Array) -> list[Array]:
        check_steps(s, inputs, lengths)
        batch = inputs.shape[1]
        found: list[list[list[int]]] = [[] for _ in range(paths)]
        log_p = np.zeros((batch, paths), inputs.dtype)
        for b in range(batch):
            best = _beam(_log_softmax(inputs[: lengths[b], b]), width)
            if len(best) < paths:
                raise s.error(f"Less leaves in the beam search than requested: {len(best)} of {paths}")
            for p in range(paths):
                found[p].append(best[p].labels(merge))
                log_p[b, p] = best[p].total
        indices, values, shapes = [], [], []
        for rows in found:
            flat = [(b, i) for b, row in enumerate(rows) for i in range(len(row))]
            indices.append(np.array(flat, np.int64).reshape(-1, 2))
            values.append(np.array(list(itertools.chain.from_iterable(rows)), np.int64))
            shapes.append(np.array([batch, max(map(len, rows), default=0)], np.int64))
        return [*indices, *values, *shapes, log_p]

    return run


@ctc_beam_search_decoder.shape
def _(s: Site) -> list[Shape]:
    inputs, paths = s.shapes[0], s["top_paths"]
    batch = None if inputs is None or len(inputs) != 3 else inputs[1]
    return [*[(None, 2)] * paths, *[(None,)] * paths, *[(2,)] * paths, (batch, paths)]


def _loss(log_p: Array, labels: Array) -> tuple[float, Array]:
    """Loss of one sequence, and its gradient with respect to the logits."""
    steps, classes = log_p.shape
    blank = classes - 1
    path = np.full(2 * len(labels) + 1, blank)
    path[1::2] = labels
    count = len(path)
    skips = np.zeros(count, bool)  # where a label may follow the label before it without a blank between
    skips[3::2] = path[3::2] != path[1:-2:2]
    seen = log_p[:, path]
    forward = np.full((steps, count), -np.inf)
    backward = np.full((steps, count), -np.inf)
    forward[0, :2] = seen[0, :2]
    backward[-1, -2:] = 0.0
    for t in range(1, steps):
        before = forward[t - 1]
        one = np.logaddexp(before, np.concatenate([[-np.inf], before[:-1]]))
        two = np.where(skips, np.concatenate([[-np.inf] * 2, before[:-2]])[:count], -np.inf)
        forward[t] = np.logaddexp(one, two) + seen[t]
    for t in range(steps - 2, -1, -1):
        after = backward[t + 1] + seen[t + 1]
        one = np.logaddexp(after, np.concatenate([after[1:], [-np.inf]]))
        jump = np.where(skips, after, -np.inf)
        two = np.concatenate([jump[2:], [-np.inf] * 2])[:count]
        backward[t] = np.logaddexp(one, two)
    both = forward + backward
    total = float(np.logaddexp.reduce(both[-1]))
    gradient = np.exp(log_p)
    if np.isfinite(total):
        share = np.exp(both - total)
        for place, label in enumerate(path):
            gradient[:, label] -= share[:, place]
    return -total, gradient


def _ctc_loss(name: str, types: str, attrs: str) -> Op:
    def kernel(s: Site) -> Kernel:
        collapse, merge = s["preprocess_collapse_repeated"], s["ctc_merge_repeated"]
        longer = s["ignore_longer_outputs_than_inputs"]
        if not merge:
            raise s.unsupported(f"{name} with ctc_merge_repeated=False is not supported")

        def run(inputs: Array, indices: Array, values: Array, lengths: Array) -> list[Array]:
            check_steps(s, inputs, lengths)
            if indices.ndim != 2 or indices.shape != (len(values), 2):
                raise s.error(f"labels_indices must be [{len(values)}, 2], but is {list(indices.shape)}")
            batch, classes = inputs.shape[1:]
            check_size(s, inputs.shape, s.dtypes[0])
            if values.size and not (values.min() >= 0 and values.max() < classes - 1):
                raise s.error(f"labels must be in [0, {classes - 1}): the last class is the blank")
            loss, gradient = np.zeros(batch, inputs.dtype), np.zeros_like(inputs)
            for b in range(batch):
                length = int(lengths[b])
                labels = values[indices[:, 0] == b]
                if collapse and labels.size:
                    labels = labels[np.concatenate([[True], labels[1:] != labels[:-1]])]
                if len(labels) > length:
                    if longer:
                        continue
                    raise s.error(
                        f"Not enough time for target transition sequence (required: {len(labels)}, available: "
                        f"{length}) in sequence {b}; ignore_longer_outputs_than_inputs makes its loss zero"
                    )
                if length:
                    one, g = _loss(_log_softmax(inputs[:length, b]), labels)
                    loss[b], gradient[:length, b] = one, g
            return [loss, gradient]

        return run

    made = register(
        Op(
            f"{name}(inputs: {types}, labels_indices: int64, labels_values: int32, sequence_length: int32) -> "
            f"(loss: {types}, gradient: {types}) | preprocess_collapse_repeated: bool=false; "
            f"ctc_merge_repeated: bool=true; ignore_longer_outputs_than_inputs: bool=false{attrs}",
            kernel,
            "How unlikely the labels are, given logits for each step and class; the gradient is with it.",
        )
    )
    made.shape_rule = _loss_shape
    made.gradient = _loss_gradient
    return made


def _loss_gradient(c: Call, g: Any, *_: Any) -> list[Any]:
    """The gradient that is computed with the loss, times that of each loss."""
    from .array import expand_dims

    return [None if g is None else c.outputs[1] * expand_dims(g, np.array(-1, np.int32)), None, None, None]


def _loss_shape(s: Site) -> list[Shape]:
    inputs = s.shapes[0]
    return [None if inputs is None or len(inputs) != 3 else (inputs[1],), inputs]


ctc_loss: Op = _ctc_loss("CTCLoss", "T", "; T: type=float in float double")


@op(
    "EditDistance(hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: int64, truth_indices: int64, "
    "truth_values: T, truth_shape: int64) -> (output: float) | normalize: bool=true; T: type"
)
def edit_distance(s: Site) -> Kernel:
    """The Levenshtein distance between the rows of two sparse tensors, divided by the length of the truth."""
    normalize = s["normalize"]

    def run(h_at: Array, h: Array, h_shape: Array, t_at: Array, t: Array, t_shape: Array) -> Array:
        if len(h_shape) != len(t_shape) or len(h_shape) < 2:
            raise s.error(
                f"the shapes {h_shape.tolist()} and {t_shape.tolist()} must have one rank of at least 2"
            )
        rows = check_size(s, np.maximum(h_shape, t_shape)[:-1], s.out_dtypes[0])
        for at in (h_at, t_at):
            if at.size and not ((at >= 0).all() and (at[:, :-1] < rows).all()):
                raise s.error("an index is out of the bounds that the shapes say")
        ours, theirs = _rows(h_at, h), _rows(t_at, t)
        out = np.zeros(rows, np.float32)
        for key in {*ours, *theirs}:
            mine, truth = ours.get(key, []), theirs.get(key, [])
            distance = float(_levenshtein(truth, mine))
            if normalize:
                distance = distance / len(truth) if truth else (np.inf if mine else 0.0)
            out[key] = distance
        return out

    return run


def _rows(indices: Array, values: Array) -> dict[tuple[int, ...], list[Any]]:
    out: dict[tuple[int, ...], list[Any]] = {}
    for at, value in zip(indices.tolist(), values.tolist(), strict=True):
        out.setdefault(tuple(at[:-1]), []).append(value)
    return out


def _levenshtein(a: list[Any], b: list[Any]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


@edit_distance.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[2]
    return [None if known is None or len(known) != 1 or known[0] is None else (None,) * (known[0] - 1)]


# What docs/ops.md says of limits.
for _names, _words in (("CTCLoss", "refused: ctc_merge_repeated=False"),):
    for _name in _names.split():
        registered()[_name].limited(_words)
