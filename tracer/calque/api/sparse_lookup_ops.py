"""`tf.nn`: looking up rows for sparse ids, and what CTC makes of a network's outputs."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes

from ..composite.sparse_tensor import SparseTensor
from .arguments import static_rank, tensor
from .array_ops import reshape
from .clip_ops import clip_by_norm
from .indexing_ops import gather, unique
from .math_ops import cast, divide_no_nan, sqrt
from .raw import raw
from .reduce_ops import segment_sum

__all__ = ["ctc_beam_search_decoder", "ctc_greedy_decoder", "edit_distance", "embedding_lookup_sparse"]

_COMBINERS = {"mean": "SparseSegmentMean", "sqrtn": "SparseSegmentSqrtN", "sum": "SparseSegmentSum"}


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    combiner: str | None = None,
    max_norm: Any = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """The rows of `params` for the ids in each row of a sparse matrix, combined to one.

    Args:
        params: a table, or variable.
        sp_ids: a SparseTensor of integers; no row may be empty.
        sp_weights: a SparseTensor of how much each id counts; None: all the same.
        combiner: "sum", "mean" (None), or "sqrtn": the sum over the root of the sum of the squared weights.
        max_norm: the largest 2-norm of a row that is looked up.
        name: the node's name.
        allow_fast_lookup: of no effect.

    Raises:
        ValueError: there is no such combiner.
        TypeError: the ids are no SparseTensor.
    """
    kind = "mean" if combiner is None else combiner
    if kind not in _COMBINERS:
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner}")
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError(f"sp_ids must be SparseTensor, got {type(sp_ids)}")
    segments = cast(sp_ids.indices[:, 0], dtypes.int32)
    ids, position = unique(sp_ids.values)
    rows = gather(params, ids)
    if max_norm is not None:
        rows = clip_by_norm(rows, max_norm, axes=[-1])
    if sp_weights is None:
        return raw(_COMBINERS[kind])(rows, position, segments, name=name)
    weights = cast(sp_weights.values, rows.dtype)
    picked = gather(rows, position)
    shaped = reshape(weights, [-1] + [1] * ((static_rank(picked) or 2) - 1))
    total = segment_sum(picked * shaped, segments)
    if kind == "sum":
        return total
    part = segment_sum(shaped if kind == "mean" else shaped * shaped, segments)
    return divide_no_nan(total, part if kind == "mean" else sqrt(part), name=name)


def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, merge_repeated: bool = True, blank_index: int | None = None
) -> Any:
    """The best label at each time step, blanks left out.

    Args:
        inputs: [time, batch, classes] of logits.
        sequence_length: [batch], how many steps each has.
        merge_repeated: does the same label at steps in a row count once?
        blank_index: which class is the blank; None: the last.

    Returns:
        A list of one SparseTensor, [batch, labels], and the negative sum of the best logits, [batch, 1].
    """
    x = tensor(inputs)
    if blank_index is None:
        index = -1
    else:
        classes = x.shape.as_list()[-1]
        index = blank_index if blank_index >= 0 or classes is None else classes + blank_index
    indices, values, sizes, scores = raw("CTCGreedyDecoder")(
        x, tensor(sequence_length), merge_repeated=merge_repeated, blank_index=index
    )
    return [SparseTensor(indices, values, sizes)], scores


def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> Any:
    """The likeliest sequences of labels, blanks (the last class) left out, by a search that keeps `beam_width` of them.

    Args:
        inputs: [time, batch, classes] of logits.
        sequence_length: [batch], how many steps each has.
        beam_width: how many to follow.
        top_paths: how many to give.

    Returns:
        A list of `top_paths` SparseTensors, [batch, labels], and their log-probabilities, [batch, top_paths].
    """
    indices, values, sizes, scores = raw("CTCBeamSearchDecoder")(
        tensor(inputs),
        tensor(sequence_length),
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=False,
    )
    return [SparseTensor(i, v, s) for i, v, s in zip(indices, values, sizes, strict=True)], scores


def edit_distance(
    hypothesis: Any, truth: Any, normalize: bool = True, name: str | None = "edit_distance"
) -> Any:
    """How many insertions, deletions and replacements lead from each sequence to another (Levenshtein's distance).

    Args:
        hypothesis, truth: SparseTensors whose last axis holds the sequences.
        normalize: is it divided by the length of the true one?
        name: the node's name.

    Raises:
        TypeError: they are no SparseTensors.
    """
    for what, given in (("Hypothesis", hypothesis), ("Truth", truth)):
        if not isinstance(given, SparseTensor):
            raise TypeError(f"{what} must be a SparseTensor.")
    return raw("EditDistance")(
        hypothesis.indices,
        hypothesis.values,
        hypothesis.dense_shape,
        truth.indices,
        truth.values,
        truth.dense_shape,
        normalize=normalize,
        name=name,
    )
