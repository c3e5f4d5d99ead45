"""`tf.image`: choosing among boxes that overlap (non-maximum suppression)."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes

from .arguments import record, tensor
from .raw import raw

__all__ = [
    "combined_non_max_suppression",
    "non_max_suppression",
    "non_max_suppression_overlaps",
    "non_max_suppression_with_scores",
]

_NONE = float("-inf")


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NONE,
    name: str | None = None,
) -> Any:
    """Which boxes to keep, best first: none that overlaps a better one.

    Args:
        boxes: [number, 4]: y1, x1, y2, x2 of each.
        scores: how good each is.
        max_output_size: how many at most.
        iou_threshold: the largest share (intersection over union) that two may have in common.
        score_threshold: how good one must be.
        name: the node's name.
    """
    x = tensor(boxes)
    return raw("NonMaxSuppressionV3")(
        x,
        tensor(scores, x.dtype),
        tensor(max_output_size),
        tensor(iou_threshold, dtypes.float32),
        tensor(score_threshold, dtypes.float32),
        name=name,
    )


def non_max_suppression_with_scores(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NONE,
    soft_nms_sigma: Any = 0.0,
    name: str | None = None,
) -> Any:
    """As `non_max_suppression`, with the scores too; with `soft_nms_sigma`, overlapping boxes lose score instead."""
    x = tensor(boxes)
    kept, left, _ = raw("NonMaxSuppressionV5")(
        x,
        tensor(scores, x.dtype),
        tensor(max_output_size),
        tensor(iou_threshold, x.dtype),
        tensor(score_threshold, x.dtype),
        tensor(soft_nms_sigma, x.dtype),
        name=name,
    )
    return kept, left


def non_max_suppression_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any = 0.5,
    score_threshold: Any = _NONE,
    name: str | None = None,
) -> Any:
    """As `non_max_suppression`, from how much each box overlaps each other, [number, number]."""
    return raw("NonMaxSuppressionWithOverlaps")(
        tensor(overlaps),
        tensor(scores),
        tensor(max_output_size),
        tensor(overlap_threshold, dtypes.float32),
        tensor(score_threshold, dtypes.float32),
        name=name,
    )


def combined_non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NONE,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: str | None = None,
) -> Any:
    """`non_max_suppression` for each image of a batch and each class.

    Args:
        boxes: [batch, number, classes or 1, 4].
        scores: [batch, number, classes].
        max_output_size_per_class: how many of a class at most.
        max_total_size: how many of an image at most.
        iou_threshold, score_threshold: as for `non_max_suppression`.
        pad_per_class: is room left for as many of each class as there may be?
        clip_boxes: are boxes cut to 0 to 1?
        name: the node's name.

    Returns:
        ``nmsed_boxes``, ``nmsed_scores``, ``nmsed_classes``, and ``valid_detections``, how many of each image.
    """
    kept, left, classes, count = raw("CombinedNonMaxSuppression")(
        tensor(boxes),
        tensor(scores),
        tensor(max_output_size_per_class),
        tensor(max_total_size),
        tensor(iou_threshold, dtypes.float32),
        tensor(score_threshold, dtypes.float32),
        pad_per_class=pad_per_class,
        clip_boxes=clip_boxes,
        name=name,
    )
    return record(
        "CombinedNonMaxSuppression",
        nmsed_boxes=kept,
        nmsed_scores=left,
        nmsed_classes=classes,
        valid_detections=count,
    )
