"""Rows of ops/detection.py."""

from __future__ import annotations

import numpy as np

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"


def boxes(count: int, seed: int) -> np.ndarray:
    random = np.random.RandomState(seed)
    corner, size = random.uniform(0, 0.7, (count, 2)), random.uniform(0.1, 0.5, (count, 2))
    return np.concatenate([corner, corner + size], 1)


def F(value: object) -> V:
    return V(value, "float32")


def N(value: object) -> V:
    return V(value, "int32")


MANY = boxes(40, 1)
MIXED = np.array([[0.1, 0.1, 0.5, 0.5], [0.5, 0.6, 0.1, 0.1], [0.4, 0.4, 0.4, 0.4], [0.0, 0.0, 1.0, 1.0]])
SCORES = np.random.RandomState(2).uniform(-0.2, 1.0, 40)
TIES = np.round(SCORES * 4) / 4
ROWS: list[Row] = [
    *rows("NonMaxSuppression", F(MANY), F(SCORES), N(12), iou_threshold=0.3),
    *rows("NonMaxSuppression", F(MIXED), F([0.3, 0.9, 0.5, 0.3]), N(12), label="mixed"),
    *rows("NonMaxSuppression", F(MANY), F(SCORES), N(0), label="none"),
    *rows("NonMaxSuppression", A(0, 4), A(0), N(3), label="empty"),
    *rows("NonMaxSuppression", A(3, 4), A(2), N(3), label="mismatch", error=BAD),
    *rows("NonMaxSuppression", A(3, 3), A(3), N(3), label="columns", error=BAD),
    *rows("NonMaxSuppressionV2", V(MANY), V(SCORES), N(12), F(0.5), dtypes="float32 float16"),
    *rows("NonMaxSuppressionV2", F(MANY), F(TIES), N(40), F(0.7), label="ties"),
    *rows("NonMaxSuppressionV2", F(MANY), F(TIES), N(40), F(1.5), label="threshold", error=BAD),
    *rows("NonMaxSuppressionV3", V(MANY), V(SCORES), N(40), V(0.4), V(0.25), dtypes="float32 float16"),
    *rows("NonMaxSuppressionV3", F(MANY), F(TIES), N(40), F(0.4), F(0.25), label="ties"),
    *rows("NonMaxSuppressionV4", F(MANY), F(SCORES), N(10), F(0.4), F(0.25)),
    *rows(
        "NonMaxSuppressionV4",
        F(MANY),
        F(SCORES),
        N(30),
        F(0.4),
        F(0.6),
        pad_to_max_output_size=True,
        label="pad",
    ),
    *rows("NonMaxSuppressionV5", F(MANY), F(SCORES), N(30), F(0.4), F(0.2), F(0.0)),
    *rows("NonMaxSuppressionV5", F(MANY), F(SCORES), N(30), F(0.4), F(0.2), F(0.5), label="soft"),
    *rows("NonMaxSuppressionV5", F(MANY), F(TIES), N(40), F(1.0), F(0.0), F(0.25), label="soft_ties"),
    *rows(
        "NonMaxSuppressionV5",
        F(MANY),
        F(SCORES),
        N(35),
        F(0.9),
        F(0.3),
        F(0.5),
        pad_to_max_output_size=True,
        label="soft_pad",
    ),
    *rows("NonMaxSuppressionWithOverlaps", A(20, 20, low=0.0, high=1.0), A(20), N(9), F(0.8), F(0.0)),
    *rows("NonMaxSuppressionWithOverlaps", A(20, 19), A(20), N(9), F(0.8), F(0.0), label="square", error=BAD),
]
IMAGES = np.stack([boxes(12, 3), boxes(12, 4)])[:, :, None]
PER_CLASS = np.stack([boxes(12, k) for k in range(6)]).reshape(2, 3, 12, 4).transpose(0, 2, 1, 3) * 1.3
CLASSES = np.random.RandomState(5).uniform(0, 1, (2, 12, 3))
for label, where in (("", IMAGES), ("own", PER_CLASS)):
    ROWS += [
        *rows("CombinedNonMaxSuppression", F(where), F(CLASSES), N(4), N(9), F(0.3), F(0.2), label=label),
        *rows(
            "CombinedNonMaxSuppression",
            F(where),
            F(CLASSES),
            N(4),
            N(20),
            F(0.3),
            F(0.4),
            pad_per_class=True,
            clip_boxes=False,
            label=f"{label}pad",
        ),
    ]
ROWS += [
    *rows(
        "CombinedNonMaxSuppression",
        F(IMAGES),
        A(2, 11, 3),
        N(4),
        N(9),
        F(0.3),
        F(0.2),
        label="shape",
        error=BAD,
    ),
    *rows(
        "CombinedNonMaxSuppression",
        F(IMAGES),
        F(CLASSES),
        N(0),
        N(9),
        F(0.3),
        F(0.2),
        label="size",
        error=BAD,
    ),
]
STEPS, LENGTHS = A(6, 3, 4), N([6, 4, 0])
SHARP = V(np.eye(4)[np.array([[1, 3, 0], [1, 0, 3], [3, 0, 3], [1, 0, 2], [0, 1, 2], [0, 1, 2]])] * 5.0)
ROWS += [
    *rows("CTCGreedyDecoder", STEPS, LENGTHS, dtypes="float32 float64"),
    *rows("CTCGreedyDecoder", SHARP, LENGTHS, merge_repeated=True, label="merge"),
    *rows("CTCGreedyDecoder", SHARP, LENGTHS, merge_repeated=True, blank_index=0, label="blank"),
    *rows("CTCGreedyDecoder", STEPS, N([6, 7, 0]), label="long", error=BAD),
    *rows("CTCGreedyDecoder", STEPS, N([6, 7]), label="lengths", error=BAD),
]
