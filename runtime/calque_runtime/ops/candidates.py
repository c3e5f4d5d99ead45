"""Samplers of classes for losses over a part of all classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import float64
from ..op import Array, Kernel, Op, Site, register, registered
from .common import check_size
from .philox import uniform
from .streams import STATEFUL, Reserved

__all__: list[str] = []


def _candidates(name: str, doc: str, chances: Any) -> Op:
    """Declare a sampler of classes; `chances` gives the probability of each of `range_max` classes."""

    def kernel(s: Site) -> Kernel:
        count, top, unique, num_true = s["num_sampled"], s["range_max"], s["unique"], s["num_true"]
        if unique and count > top:
            raise s.error(f"Sampler's range is too small: {count} different classes of {top}")
        stream = Reserved.of(s)
        check_size(s, (count,), s.out_dtypes[0])
        check_size(s, (top,), s.out_dtypes[1])

        def run(true_classes: Array) -> list[Array]:
            if true_classes.ndim != 2 or true_classes.shape[1] != num_true:
                raise s.error(f"true_classes must be [batch, {num_true}], but is {list(true_classes.shape)}")
            if true_classes.size and not (true_classes.min() >= 0 and true_classes.max() < top):
                raise s.error(f"true_classes must be in [0, {top})")
            p = chances(top)
            edges = np.cumsum(p)
            chosen: list[int] = []
            seen: set[int] = set()
            tries = 0
            while len(chosen) < count:
                draws = uniform(stream.take(count), 2 * count, float64) * edges[-1]
                for one in np.minimum(np.searchsorted(edges, draws, "right"), top - 1).tolist():
                    if len(chosen) == count:
                        break
                    tries += 1
                    if unique and one in seen:
                        continue
                    seen.add(one)
                    chosen.append(one)
            expected = -np.expm1(tries * np.log1p(-p)) if unique else count * p
            sampled = np.array(chosen, np.int64)
            return [sampled, expected[true_classes].astype(np.float32), expected[sampled].astype(np.float32)]

        return run

    made = register(
        Op(
            f"{name}(true_classes: int64) -> (sampled_candidates: int64, true_expected_count: float, "
            "sampled_expected_count: float) | num_true: int >=1; num_sampled: int >=1; unique: bool; "
            "range_max: int >=1; seed: int=0; seed2: int=0 | stateful",
            kernel,
            doc,
        )
    )
    made.shape_rule = lambda s: [(s["num_sampled"],), s.shapes[0], (s["num_sampled"],)]
    STATEFUL.append(made)
    return made


uniform_candidate_sampler: Op = _candidates(
    "UniformCandidateSampler", "Random classes, each as likely.", lambda top: np.full(top, 1 / top)
)
log_uniform_candidate_sampler: Op = _candidates(
    "LogUniformCandidateSampler",
    "Random classes, the first ones likelier, as in a vocabulary by falling frequency.",
    lambda top: np.log1p(1 / (np.arange(top) + 1.0)) / np.log(top + 1.0),
)

# What docs/ops.md says of limits.
for _names, _words in (
    ("UniformCandidateSampler LogUniformCandidateSampler", "random numbers are not TensorFlow's"),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
