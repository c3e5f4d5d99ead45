"""Serialized SequenceExample messages to tensors: the features of their context, and lists of features by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import DType, from_numpy
from ..errors import DataLossError
from ..op import Array, Kernel, Op, Site, register
from ..record import record
from ..shapes import Dim, Shape, format_shape
from .common import check_size
from .parse import Dense, Features, check_default, dense_of, joined, strings_of

__all__: list[str] = []

Steps = list[Any]  # of one example: a vector a step, None where the step is empty


@record(frozen=True)
class _Wanted:
    """What one call asks for: keys of the context and of the feature lists, dense, sparse and ragged."""

    sparse: list[bytes]
    dense: list[bytes]
    ragged: list[bytes]
    list_sparse: list[bytes]
    list_dense: list[bytes]
    list_ragged: list[bytes]
    may_miss: frozenset[bytes]


class _Lists:
    """The feature lists of the examples of one call."""

    def __init__(self, s: Site, examples: Sequence[dict[bytes, Steps]], names: list[bytes]) -> None:
        self.s, self.examples, self.names = s, examples, names

    def name(self, i: int) -> str:
        return self.names[i].decode(errors="replace") if self.names else "<unknown>"

    def loose(self, key: bytes, dtype: DType) -> list[Steps]:
        """Every example's steps; none where it lacks the list."""
        return [
            [self._typed(i, key, t, v, dtype) for t, v in enumerate(e.get(key, ()))] for i, e in self._each()
        ]

    def _each(self) -> Any:
        return enumerate(self.examples)

    def _typed(self, i: int, key: bytes, t: int, values: Array | None, dtype: DType) -> Array:
        if values is None:
            return np.empty(0, dtype.np)
        if from_numpy(values.dtype) is not dtype:
            raise self.s.error(
                f"Name: {self.name(i)}, Feature list: {key.decode(errors='replace')}, Index: {t}.  Data types don't "
                f"match. Expected type: {dtype.name}"
            )
        return values

    def sparse(self, key: bytes, dtype: DType, single: bool) -> tuple[Array, Array, Array]:
        """Indices (example, step, place), values and shape."""
        rows = self.loose(key, dtype)
        places = [
            (i, t, j) for i, steps in enumerate(rows) for t, v in enumerate(steps) for j in range(len(v))
        ]
        indices = np.array(places, np.int64).reshape(-1, 3)
        most = max((len(steps) for steps in rows), default=0)
        widest = max((len(v) for steps in rows for v in steps), default=0)
        size = np.array([len(rows), most, widest], np.int64)
        values = joined([v for steps in rows for v in steps], dtype)
        return (indices[:, 1:], values, size[1:]) if single else (indices, values, size)

    def dense(self, key: bytes, dense: Dense, may_miss: bool, single: bool) -> tuple[Array, Array]:
        """Values (example, step, ...), filled up with zeros, and each example's number of steps."""
        show = key.decode(errors="replace")
        for i, example in self._each():
            if key not in example and not may_miss:
                raise self.s.error(
                    f"Name: {self.name(i)}, Feature list '{show}' is required but could not be found.  Did you mean to "
                    "include it in feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?"
                )
        rows = self.loose(key, dense.dtype)
        for i, steps in enumerate(rows):
            for t, values in enumerate(steps):
                if len(values) != dense.step:
                    raise self.s.error(
                        f"Name: {self.name(i)}, Key: {show}, Index: {t}.  Number of values != expected.  values size: "
                        f"{len(values)} but output shape: {format_shape(dense.shape)}"
                    )
        lengths = np.array([len(steps) for steps in rows], np.int64)
        longest = int(lengths.max(initial=0))
        shape = check_size(self.s, (len(rows), longest, *(d or 0 for d in dense.shape)), dense.dtype)
        out = np.full((len(rows), longest, dense.step), b"" if dense.dtype.kind == "s" else 0, dense.dtype.np)
        for place, steps in zip(out, rows, strict=True):
            for t, values in enumerate(steps):
                place[t] = values
        out = out.reshape(shape)
        return (out[0], lengths[0]) if single else (out, lengths)

    def ragged(self, key: bytes, dtype: DType, splits: DType, single: bool) -> tuple[Array, Array, Array]:
        """Values, where each example's steps begin, and where each step's values begin."""
        rows = self.loose(key, dtype)
        steps = [v for row in rows for v in row]
        outer = np.cumsum([0, *map(len, rows)]).astype(splits.np)
        inner = np.cumsum([0, *map(len, steps)]).astype(splits.np)
        return joined(steps, dtype), np.zeros((), splits.np) if single else outer, inner


def _parsed(
    s: Site, serialized: Array, names: list[bytes], wanted: _Wanted, defaults: Sequence[Array], lengths: bool
) -> list[Array]:
    """The flat outputs in the order that all three ops share; `lengths`: with those of the dense lists?"""
    from ..wire.examples import sequence_features

    single = serialized.ndim == 0
    dense, list_dense = _denses(s)
    for k, (one, default) in enumerate(zip(dense, defaults, strict=True)):
        check_default(s, k, one, default)
    keys = [*wanted.sparse, *wanted.dense, *wanted.ragged]
    list_keys = [*wanted.list_sparse, *wanted.list_dense, *wanted.list_ragged]
    contexts, lists = [], []
    for data in serialized.ravel().tolist():
        try:
            context, found = sequence_features(data, keys, list_keys, "serialized")
        except DataLossError:
            text = data[:200].decode(errors="replace")
            raise s.error(f"Could not parse example input, value: '{text}'") from None
        contexts.append(context)
        lists.append(found)
    features, steps = Features(s, contexts, names), _Lists(s, lists, names)
    _check_counts(s, wanted, dense, list_dense)
    out = [
        *features.sparse(wanted.sparse, s["context_sparse_types"], single),
        *features.batches(wanted.dense, dense, defaults, single),
    ]
    if wanted.ragged:
        rows = [
            features.loose(k, t) for k, t in zip(wanted.ragged, s["context_ragged_value_types"], strict=True)
        ]
        out += [joined(row, t) for row, t in zip(rows, s["context_ragged_value_types"], strict=True)]
        for row, splits in zip(rows, s["context_ragged_split_types"], strict=True):
            ends = np.cumsum([0, *map(len, row)]).astype(splits.np)
            out.append(np.zeros((), splits.np) if single else ends)
    sparse = [
        steps.sparse(key, t, single)
        for key, t in zip(wanted.list_sparse, s["feature_list_sparse_types"], strict=True)
    ]
    out += [part for parts in zip(*sparse, strict=True) for part in parts]
    padded = [
        steps.dense(key, one, key in wanted.may_miss, single)
        for key, one in zip(wanted.list_dense, list_dense, strict=True)
    ]
    out += [values for values, _ in padded]
    out += [count for _, count in padded] if lengths else []
    if wanted.list_ragged:
        ragged = [
            steps.ragged(key, t, splits, single)
            for key, t, splits in zip(
                wanted.list_ragged,
                s["feature_list_ragged_value_types"],
                s["feature_list_ragged_split_types"],
                strict=True,
            )
        ]
        out += [part for parts in zip(*ragged, strict=True) for part in parts]
    return out


def _denses(s: Site) -> tuple[list[Dense], list[Dense]]:
    """The dense features of the context and the dense feature lists, whose steps have fixed shapes."""
    dense = dense_of(s, s["Tcontext_dense"], s["context_dense_shapes"])
    lists = dense_of(s, s["feature_list_dense_types"], s["feature_list_dense_shapes"])
    for one in lists:
        if one.varies:
            raise s.error(f"Shape {format_shape(one.shape)} is not fully defined")
    return dense, lists


def _check_counts(s: Site, wanted: _Wanted, dense: Sequence[Dense], list_dense: Sequence[Dense]) -> None:
    for what, keys, types in (
        ("context sparse keys", wanted.sparse, s["context_sparse_types"]),
        ("context dense keys", wanted.dense, dense),
        ("feature list sparse keys", wanted.list_sparse, s["feature_list_sparse_types"]),
        ("feature list dense keys", wanted.list_dense, list_dense),
    ):
        if len(keys) != len(types):
            raise s.error(f"there must be {len(types)} {what}, one for each type, but there are {len(keys)}")


def _shapes(s: Site, known: Shape, lengths: bool) -> list[Shape]:
    """The shapes of the outputs, for serialized messages of the shape `known`."""
    dense, list_dense = _denses(s)
    batch: tuple[Dim, ...] = (None,) if known is None else known
    rank: Dim = None if known is None else len(known)
    attrs = s.op.signature.attrs
    ragged = s["context_ragged_value_types"] if "context_ragged_value_types" in attrs else ()
    list_ragged = s["feature_list_ragged_value_types"] if "feature_list_ragged_value_types" in attrs else ()

    def sparse(count: int, extra: int) -> list[Shape]:
        columns = None if rank is None else rank + extra
        return [*[(None, columns)] * count, *[(None,)] * count, *[(columns,)] * count]

    def known_as(shape: Shape) -> Shape:
        return None if known is None else shape

    splits: Shape = (
        None if known is None else () if not known else (None if known[0] is None else known[0] + 1,)
    )
    return [
        *sparse(len(s["context_sparse_types"]), 1),
        *[known_as((*batch, *one.shape)) for one in dense],
        *[(None,)] * len(ragged),
        *[splits] * len(ragged),
        *sparse(len(s["feature_list_sparse_types"]), 2),
        *[known_as((*batch, None, *one.shape)) for one in list_dense],
        *([known] * len(list_dense) if lengths else []),
        *[(None,)] * len(list_ragged),
        *[splits] * len(list_ragged),
        *[(None,)] * len(list_ragged),
    ]


_TYPES = (
    "context_sparse_types: list(type)=[] >=0 in [float, int64, string]; "
    "Tcontext_dense: list(type)=[] >=0 in [float, int64, string]; "
    "feature_list_dense_types: list(type)=[] >=0 in [float, int64, string]; "
    "context_dense_shapes: list(shape)=[] >=0; "
    "feature_list_sparse_types: list(type)=[] >=0 in [float, int64, string]; "
    "feature_list_dense_shapes: list(shape)=[] >=0"
)
_COUNTS = (
    "Ncontext_sparse: int=0 >=0; Ncontext_dense: int=0 >=0; Nfeature_list_sparse: int=0 >=0; "
    "Nfeature_list_dense: int=0 >=0"
)
_CONTEXT = (
    "context_sparse_indices: Ncontext_sparse*int64, context_sparse_values: list(context_sparse_types), "
    "context_sparse_shapes: Ncontext_sparse*int64, context_dense_values: list(Tcontext_dense)"
)
_LISTS = (
    "feature_list_sparse_indices: Nfeature_list_sparse*int64, "
    "feature_list_sparse_values: list(feature_list_sparse_types), "
    "feature_list_sparse_shapes: Nfeature_list_sparse*int64, "
    "feature_list_dense_values: list(feature_list_dense_types)"
)


def _check_rank(s: Site, serialized: Array, ranks: tuple[int, ...]) -> None:
    if serialized.ndim not in ranks:
        words = " or ".join("a scalar" if rank == 0 else "a vector" for rank in ranks)
        raise s.error(f"serialized must be {words}, but has shape {format_shape(serialized.shape)}")


def _parse_sequence_example(s: Site) -> Kernel:
    wanted = _Wanted(
        strings_of(s["context_sparse_keys"]),
        strings_of(s["context_dense_keys"]),
        [],
        strings_of(s["feature_list_sparse_keys"]),
        strings_of(s["feature_list_dense_keys"]),
        [],
        frozenset(s["feature_list_dense_missing_assumed_empty"]),
    )
    _check_counts(s, wanted, *_denses(s))

    def run(serialized: Array, debug_name: Array, *defaults: Array) -> list[Array]:
        _check_rank(s, serialized, (1,))
        return _parsed(s, serialized, strings_of(debug_name), wanted, defaults, True)

    return run


parse_sequence_example: Op = register(
    Op(
        "ParseSequenceExample(serialized: string, debug_name: string, context_dense_defaults: list(Tcontext_dense)) -> "
        f"({_CONTEXT}, {_LISTS}, feature_list_dense_lengths: Nfeature_list_dense*int64) | "
        "feature_list_dense_missing_assumed_empty: list(string) >=0; context_sparse_keys: list(string) >=0; "
        "context_dense_keys: list(string) >=0; feature_list_sparse_keys: list(string) >=0; "
        f"feature_list_dense_keys: list(string) >=0; {_COUNTS}; {_TYPES}",
        _parse_sequence_example,
        "A batch of serialized SequenceExample messages as sparse and dense tensors, a key for each.",
    )
).not_differentiable()


@parse_sequence_example.shape
def _(s: Site) -> list[Shape]:
    return _shapes(s, (None,) if s.shapes[0] is None else s.shapes[0], True)


def _parse_single_sequence_example(s: Site) -> Kernel:
    sparse, dense = s["Ncontext_sparse"], s["Ncontext_dense"]
    list_sparse, list_dense = s["Nfeature_list_sparse"], s["Nfeature_list_dense"]
    ends = np.cumsum([sparse, dense, list_sparse, list_dense]).tolist()

    def run(serialized: Array, may_miss: Array, *rest: Array) -> list[Array]:
        _check_rank(s, serialized, (0,))
        keys = [key.item() for key in rest[: ends[3]]]
        name = rest[-1].item()
        wanted = _Wanted(
            keys[: ends[0]],
            keys[ends[0] : ends[1]],
            [],
            keys[ends[1] : ends[2]],
            keys[ends[2] :],
            [],
            frozenset(strings_of(may_miss)),
        )
        return _parsed(s, serialized, [name] if name else [], wanted, rest[ends[3] : -1], False)

    return run


parse_single_sequence_example: Op = register(
    Op(
        "ParseSingleSequenceExample(serialized: string, feature_list_dense_missing_assumed_empty: string, "
        "context_sparse_keys: Ncontext_sparse*string, context_dense_keys: Ncontext_dense*string, "
        "feature_list_sparse_keys: Nfeature_list_sparse*string, feature_list_dense_keys: Nfeature_list_dense*string, "
        f"context_dense_defaults: list(Tcontext_dense), debug_name: string) -> ({_CONTEXT}, {_LISTS}) | {_COUNTS}; "
        f"{_TYPES}",
        _parse_single_sequence_example,
        "One serialized SequenceExample message as sparse and dense tensors, a key for each.",
    )
).not_differentiable()


@parse_single_sequence_example.shape
def _(s: Site) -> list[Shape]:
    return _shapes(s, (), False)


def _parse_sequence_example_v2(s: Site) -> Kernel:
    _denses(s)

    def run(serialized: Array, debug_name: Array, *rest: Array) -> list[Array]:
        _check_rank(s, serialized, (0, 1))
        sparse, dense, ragged, list_sparse, list_dense, list_ragged = map(strings_of, rest[:6])
        empty = rest[6].ravel().tolist()
        if len(empty) != len(list_dense):
            raise s.error(
                f"feature_list_dense_missing_assumed_empty must have {len(list_dense)} elements, but has {len(empty)}"
            )
        may_miss = frozenset(key for key, may in zip(list_dense, empty, strict=True) if may)
        wanted = _Wanted(sparse, dense, ragged, list_sparse, list_dense, list_ragged, may_miss)
        return _parsed(s, serialized, strings_of(debug_name), wanted, rest[7:], True)

    return run


parse_sequence_example_v2: Op = register(
    Op(
        "ParseSequenceExampleV2(serialized: string, debug_name: string, context_sparse_keys: string, "
        "context_dense_keys: string, context_ragged_keys: string, feature_list_sparse_keys: string, "
        "feature_list_dense_keys: string, feature_list_ragged_keys: string, "
        "feature_list_dense_missing_assumed_empty: bool, context_dense_defaults: list(Tcontext_dense)) -> "
        f"({_CONTEXT}, context_ragged_values: list(context_ragged_value_types), "
        f"context_ragged_row_splits: list(context_ragged_split_types), {_LISTS}, "
        "feature_list_dense_lengths: Nfeature_list_dense*int64, "
        "feature_list_ragged_values: list(feature_list_ragged_value_types), "
        "feature_list_ragged_outer_splits: list(feature_list_ragged_split_types), "
        "feature_list_ragged_inner_splits: list(feature_list_ragged_split_types)) | "
        "Ncontext_sparse: int=0 >=0; Tcontext_dense: list(type)=[] >=0 in [float, int64, string]; "
        "context_sparse_types: list(type)=[] >=0 in [float, int64, string]; "
        "context_ragged_value_types: list(type)=[] >=0 in [float, int64, string]; "
        "context_ragged_split_types: list(type)=[] >=0 in [int32, int64]; context_dense_shapes: list(shape)=[] >=0; "
        "Nfeature_list_sparse: int=0 >=0; Nfeature_list_dense: int=0 >=0; "
        "feature_list_dense_types: list(type)=[] >=0 in [float, int64, string]; "
        "feature_list_sparse_types: list(type)=[] >=0 in [float, int64, string]; "
        "feature_list_ragged_value_types: list(type)=[] >=0 in [float, int64, string]; "
        "feature_list_ragged_split_types: list(type)=[] >=0 in [int32, int64]; "
        "feature_list_dense_shapes: list(shape)=[] >=0",
        _parse_sequence_example_v2,
        "Serialized SequenceExample messages, a batch or one, as sparse, dense and ragged tensors, a key for each.",
    )
).not_differentiable()


@parse_sequence_example_v2.shape
def _(s: Site) -> list[Shape]:
    return _shapes(s, s.shapes[0], True)
