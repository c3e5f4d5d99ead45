"""What turns a detector's or a recognizer's scores into results: suppression of overlapping boxes, CTC decoding."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register
from ..record import record
from ..shapes import Shape, format_shape
from .common import check_size

__all__ = ["check_steps"]

_F = np.float32
Overlap = Callable[[int, Array], Array]


def _overlaps(boxes: Array) -> Overlap:
    """Intersection over union of one box (y1, x1, y2, x2, corners in any order) with others."""
    wide = boxes.astype(_F)
    low, high = np.minimum(wide[:, :2], wide[:, 2:]), np.maximum(wide[:, :2], wide[:, 2:])
    areas = (high - low).prod(1)

    def of(i: int, others: Array) -> Array:
        sides = np.maximum(np.minimum(high[i], high[others]) - np.maximum(low[i], low[others]), 0)
        common = sides.prod(1)
        whole = areas[i] + areas[others] - common
        some = (areas[i] > 0) & (areas[others] > 0)
        return np.where(some, common / np.where(some, whole, 1), _F(0))

    return of


@record(frozen=True)
class _Chosen:
    """Boxes that were kept, in the order of their scores, and these scores as they were lowered."""

    indices: list[int]
    scores: list[Any]


def _suppressed(
    overlap: Overlap, scores: Array, count: int, most: float, least: float, sigma: float = 0.0
) -> _Chosen:
    """At most `count` boxes by falling score, without those that overlap a better one by more than `most`.

    With a positive `sigma` overlaps only lower scores instead (Soft-NMS: Bodla and others, 2017).
    """
    wide = scores.astype(_F)
    able = np.flatnonzero(wide > least)
    if sigma > 0:
        return _soft(overlap, wide, able, count, least, _F(-0.5 / sigma))
    return _hard(overlap, wide, able[np.argsort(-wide[able], kind="stable")], count, most)


def _soft(overlap: Overlap, scores: Array, able: Array, count: int, least: float, factor: Any) -> _Chosen:
    # A box's score is lowered only when it comes up, by the boxes chosen since it last did.
    waiting = [(-float(scores[i]), int(i), 0) for i in able]
    heapq.heapify(waiting)
    chosen = _Chosen([], [])
    while waiting and len(chosen.indices) < count:
        negated, i, seen = heapq.heappop(waiting)
        score = before = _F(-negated)
        for iou in overlap(i, np.array(chosen.indices[seen:], np.int64))[::-1]:
            score = score * np.exp(factor * iou * iou)
            if score <= least:
                break
        if score == before:
            chosen.indices.append(i)
            chosen.scores.append(score)
        elif score > least:
            heapq.heappush(waiting, (-float(score), i, len(chosen.indices)))
    return chosen


def _hard(overlap: Overlap, scores: Array, order: Array, count: int, most: float) -> _Chosen:
    chosen = _Chosen([], [])
    while len(order) and len(chosen.indices) < count:
        best, order = int(order[0]), order[1:]
        chosen.indices.append(best)
        chosen.scores.append(scores[best])
        order = order[~(overlap(best, order) > most)]
    return chosen


def _check_boxes(s: Site, boxes: Array, scores: Array) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise s.error(f"boxes must be 2-D with 4 columns, but has shape {format_shape(boxes.shape)}")
    if scores.shape != (len(boxes),):
        raise s.error(
            f"scores has incompatible shape {format_shape(scores.shape)}: a score for each box is needed"
        )


def _amount(s: Site, value: Array, what: str, low: float | None = None, high: float | None = None) -> Any:
    if np.ndim(value):
        raise s.error(f"{what} must be a scalar, but has shape {format_shape(value.shape)}")
    number = value.item()
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        words = f"in [{low:g}, {high:g}]" if high is not None else "non-negative"
        raise s.error(f"{what} must be {words}, but is {number:g}")
    return number


def _nms_shape(s: Site) -> list[Shape]:
    boxes, scores = s.shapes[0], s.shapes[1]
    if boxes is not None and len(boxes) != 2:
        raise s.error(f"boxes must be 2-D, but has shape {format_shape(boxes)}")
    if scores is not None and len(scores) != 1:
        raise s.error(f"scores must be 1-D, but has shape {format_shape(scores)}")
    size = s.const(2)
    padded = "pad_to_max_output_size" in s.op.signature.attrs and s["pad_to_max_output_size"]
    one: Shape = (int(size.item()) if padded and size is not None and size.size == 1 else None,)
    return [() if arg.name == "valid_outputs" else one for arg in s.op.signature.outputs]


def _nms(name: str, args: str, out: str, attrs: str, doc: str) -> Op:
    """Declare a version of NonMaxSuppression; they differ in what they are given and what they give."""

    def kernel(s: Site) -> Kernel:
        outputs = len(s.op.signature.outputs)
        padded = "pad_to_max_output_size" in s.op.signature.attrs and s["pad_to_max_output_size"]
        fixed = s["iou_threshold"] if "iou_threshold" in s.op.signature.attrs else None
        table = name == "NonMaxSuppressionWithOverlaps"

        def run(boxes: Array, scores: Array, size: Array, *limits: Array) -> Any:
            count = max(_amount(s, size, "max_output_size"), 0)
            numbers = [_amount(s, one, "the threshold") for one in limits]
            most = fixed if fixed is not None else numbers[0]
            if not table and not 0 <= most <= 1:
                raise s.error("iou_threshold must be in [0, 1]")
            if table:
                if boxes.ndim != 2 or boxes.shape[0] != boxes.shape[1]:
                    raise s.error(f"overlaps must be square, but has shape {format_shape(boxes.shape)}")
                if scores.shape != (len(boxes),):
                    raise s.error(f"scores has incompatible shape {format_shape(scores.shape)}")
                overlap: Overlap = lambda i, others: boxes[others, i]  # noqa: E731
            else:
                _check_boxes(s, boxes, scores)
                overlap = _overlaps(boxes)
            if padded:
                check_size(s, (count,), s.out_dtypes[0])
            least = numbers[1] if len(numbers) > 1 else float(np.finfo(_F).min)
            sigma = numbers[2] if len(numbers) > 2 else 0.0
            if sigma < 0:
                raise s.error("soft_nms_sigma_val must be non-negative")
            chosen = _suppressed(overlap, scores, count, most, least, sigma)
            spare = max(count - len(chosen.indices), 0) if padded else 0
            indices = np.array(chosen.indices + [0] * spare, np.int32)
            if outputs == 1:
                return indices
            valid = np.array(len(chosen.indices), np.int32)
            if outputs == 2:
                return [indices, valid]
            return [indices, np.array(chosen.scores + [0] * spare, scores.dtype), valid]

        return run

    boxes = "overlaps: float, scores: float" if "Overlaps" in name else "boxes: T, scores: T"
    if name == "NonMaxSuppression":
        boxes = "boxes: float, scores: float"
    one = register(Op(f"{name}({boxes}, max_output_size: int32{args}) -> ({out}){attrs}", kernel, doc))
    one.shape_rule = _nms_shape
    return one.not_differentiable()


_DOC = (
    "The indices of boxes (y1, x1, y2, x2) by falling score, without those that overlap a better one too much"
)
_T = "T: type=float in [half, float]"
_TT = f" | {_T}; T_threshold: type=float in [half, float]"
_INDICES = "selected_indices: int32"
_PAD = "; pad_to_max_output_size: bool=false"
nms_v1: Op = _nms("NonMaxSuppression", "", _INDICES, " | iou_threshold: float=0.5", f"{_DOC}.")
nms_v2: Op = _nms("NonMaxSuppressionV2", ", iou_threshold: T_threshold", _INDICES, _TT, f"{_DOC}.")
nms_v3: Op = _nms(
    "NonMaxSuppressionV3",
    ", iou_threshold: T_threshold, score_threshold: T_threshold",
    _INDICES,
    _TT,
    f"{_DOC} or have too low a score.",
)
nms_v4: Op = _nms(
    "NonMaxSuppressionV4",
    ", iou_threshold: T_threshold, score_threshold: T_threshold",
    f"{_INDICES}, valid_outputs: int32",
    f"{_TT}{_PAD}",
    f"{_DOC}, and how many they are.",
)
nms_v5: Op = _nms(
    "NonMaxSuppressionV5",
    ", iou_threshold: T, score_threshold: T, soft_nms_sigma: T",
    f"{_INDICES}, selected_scores: T, valid_outputs: int32",
    f" | {_T}{_PAD}",
    f"{_DOC}, their scores, lowered by overlaps where `soft_nms_sigma` is positive, and how many they are.",
)
nms_with_overlaps: Op = _nms(
    "NonMaxSuppressionWithOverlaps",
    ", overlap_threshold: float, score_threshold: float",
    _INDICES,
    "",
    "The indices of items by falling score, without those that overlap a better one too much by a given matrix.",
)


@op(
    "CombinedNonMaxSuppression(boxes: float, scores: float, max_output_size_per_class: int32, max_total_size: int32, "
    "iou_threshold: float, score_threshold: float) -> (nmsed_boxes: float, nmsed_scores: float, nmsed_classes: float, "
    "valid_detections: int32) | pad_per_class: bool=false; clip_boxes: bool=true"
)
def combined_nms(s: Site) -> Kernel:
    """Suppression in each class of each image, and the best of all classes: boxes, scores, classes, how many."""
    per_class, clip = s["pad_per_class"], s["clip_boxes"]

    def run(boxes: Array, scores: Array, each: Array, total: Array, most: Array, least: Array) -> list[Array]:
        if boxes.ndim != 4 or boxes.shape[3] != 4:
            raise s.error(
                f"boxes must be 4-D with 4 numbers a box, but has shape {format_shape(boxes.shape)}"
            )
        if scores.ndim != 3 or scores.shape[:2] != boxes.shape[:2]:
            raise s.error(f"scores has incompatible shape {format_shape(scores.shape)}")
        classes = scores.shape[2]
        if boxes.shape[2] not in (1, classes):
            raise s.error(
                "third dimension of boxes must be either 1 or equal to the third dimension of scores"
            )
        count, room = _amount(s, each, "max_size_per_class"), _amount(s, total, "max_total_size")
        if count <= 0 or room <= 0:
            raise s.error("max_size_per_class and max_total_size must be > 0")
        threshold = _amount(s, most, "iou_threshold", 0, 1)
        size = min(room, count * classes) if per_class else room
        check_size(s, (len(boxes), size, 4), s.out_dtypes[0])
        out_boxes, out_scores = np.zeros((len(boxes), size, 4), _F), np.zeros((len(boxes), size), _F)
        out_classes, valid = np.zeros((len(boxes), size), _F), np.zeros(len(boxes), np.int32)
        for i in range(len(boxes)):
            found = _best(boxes[i], scores[i], count, threshold, float(_amount(s, least, "score_threshold")))[
                :size
            ]
            valid[i] = len(found)
            for k, (score, kind, box) in enumerate(found):
                out_boxes[i, k], out_scores[i, k], out_classes[i, k] = box, score, kind
        return [np.clip(out_boxes, 0, 1) if clip else out_boxes, out_scores, out_classes, valid]

    return run


def _best(boxes: Array, scores: Array, count: int, most: float, least: float) -> list[tuple[Any, int, Array]]:
    """(score, class, box) of all boxes of one image that stay, best first."""
    found: list[tuple[Any, int, Array]] = []
    for kind in range(scores.shape[1]):
        own = boxes[:, min(kind, boxes.shape[1] - 1)]
        chosen = _suppressed(_overlaps(own), scores[:, kind], count, most, least)
        found += [(score, kind, own[i]) for i, score in zip(chosen.indices, chosen.scores, strict=True)]
    return sorted(found, key=lambda one: -one[0])


@combined_nms.shape
def _(s: Site) -> list[Shape]:
    boxes, scores = s.shapes[0], s.shapes[1]
    batch = boxes[0] if boxes else None
    classes = scores[2] if scores and len(scores) == 3 else None
    each, total = s.const(2), s.const(3)
    size = None if total is None or total.size != 1 else int(total.item())
    if s["pad_per_class"] and size is not None:
        known = each is not None and each.size == 1 and classes is not None
        size = min(size, int(each.item()) * (classes or 0)) if known and each is not None else None
    return [(batch, size, 4), (batch, size), (batch, size), (batch,)]


combined_nms.not_differentiable()


@op(
    "CTCGreedyDecoder(inputs: T, sequence_length: int32) -> (decoded_indices: int64, decoded_values: int64, "
    "decoded_shape: int64, log_probability: T) | merge_repeated: bool=false; blank_index: int=-1; "
    "T: type=float in [float, double]"
)
def ctc_greedy_decoder(s: Site) -> Kernel:
    """The likeliest class of each step (time, batch, classes), without blanks, as a sparse matrix."""
    merge, blank_index = s["merge_repeated"], s["blank_index"]

    def run(inputs: Array, sequence_length: Array) -> list[Array]:
        check_steps(s, inputs, sequence_length)
        steps, batch, classes = inputs.shape
        blank = blank_index + classes if blank_index < 0 else blank_index
        if not 0 <= blank < classes:
            raise s.error(
                f"blank_index expected to be between {-classes} and {classes - 1} but was {blank_index}"
            )
        best = inputs.argmax(2) if steps else np.zeros((0, batch), np.int64)
        alive = np.arange(steps)[:, None] < sequence_length
        top = np.take_along_axis(inputs, best[..., None], 2)[..., 0]
        total = np.where(alive, -top, 0).sum(0, keepdims=True).T.astype(inputs.dtype)
        rows = []
        for b in range(batch):
            labels = best[: sequence_length[b], b]
            keep = labels != blank
            if merge:
                keep[1:] &= labels[1:] != labels[:-1]
            rows.append(labels[keep].astype(np.int64))
        lengths = [len(row) for row in rows]
        indices = [(b, i) for b, n in enumerate(lengths) for i in range(n)]
        return [
            np.array(indices, np.int64).reshape(-1, 2),
            np.concatenate(rows) if rows else np.empty(0, np.int64),
            np.array([batch, max(lengths, default=0)], np.int64),
            total,
        ]

    return run


def check_steps(s: Site, inputs: Array, sequence_length: Array) -> None:
    """Are the inputs [time, batch, classes], with a length in [0, time] for each sequence?

    Raises:
        InvalidArgumentError: they are not.
    """
    if inputs.ndim != 3:
        raise s.error(
            f"inputs must be 3-D (time, batch, classes), but has shape {format_shape(inputs.shape)}"
        )
    if sequence_length.shape != (inputs.shape[1],):
        raise s.error(
            f"sequence_length must have a length for each of {inputs.shape[1]} sequences, but has shape "
            f"{format_shape(sequence_length.shape)}"
        )
    if len(sequence_length) and not (sequence_length.max() <= inputs.shape[0] and sequence_length.min() >= 0):
        raise s.error(f"sequence_length must be in [0, {inputs.shape[0]}], but is {sequence_length.tolist()}")


@ctc_greedy_decoder.shape
def _(s: Site) -> list[Shape]:
    inputs, lengths = s.shapes
    if inputs is not None and len(inputs) != 3:
        raise s.error(f"inputs must be 3-D (time, batch, classes), but has shape {format_shape(inputs)}")
    batch = inputs[1] if inputs is not None else lengths[0] if lengths else None
    return [(None, 2), (None,), (2,), (batch, 1)]


ctc_greedy_decoder.not_differentiable()
