"""Rows of ops/parse_sequence.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ops.examples import sequence
from ops.rows import Row, V, rows

BAD = "InvalidArgumentError"


def S(values: Any) -> V:
    return V(values, "string")


Feature = tuple[str, str]  # key and type
Dense = tuple[str, str, list[int], Any]  # key, type, shape and default
Steps = tuple[str, str, list[int]]  # key, type and shape of a step


def parse(
    op: str,
    data: Any,
    sparse: Sequence[Feature] = (),
    dense: Sequence[Dense] = (),
    list_sparse: Sequence[Feature] = (),
    list_dense: Sequence[Steps] = (),
    may_miss: Sequence[str] = (),
    ragged: Sequence[tuple[str, str, str]] = (),
    list_ragged: Sequence[tuple[str, str, str]] = (),
    label: str = "",
    error: str = "",
) -> Iterator[Row]:
    """A row of one of the three ops that parse sequence examples."""
    groups = {
        "context_sparse_keys": [k for k, *_ in sparse],
        "context_dense_keys": [k for k, *_ in dense],
        "context_ragged_keys": [k for k, *_ in ragged],
        "feature_list_sparse_keys": [k for k, *_ in list_sparse],
        "feature_list_dense_keys": [k for k, *_ in list_dense],
        "feature_list_ragged_keys": [k for k, *_ in list_ragged],
    }
    defaults = [V(default, dtype) for _, dtype, _, default in dense]
    attrs: dict[str, Any] = {
        "context_sparse_types": [t for _, t in sparse],
        "feature_list_dense_types": [t for _, t, _ in list_dense],
        "context_dense_shapes": [shape for _, _, shape, _ in dense],
        "feature_list_sparse_types": [t for _, t in list_sparse],
        "feature_list_dense_shapes": [shape for _, _, shape in list_dense],
    }
    counts = {"Ncontext_sparse": len(sparse), "Nfeature_list_sparse": len(list_sparse)}
    plain = [name for name in groups if "ragged" not in name]
    if op == "ParseSequenceExample":
        inputs: list[Any] = [S(data), S([]), defaults]
        attrs |= {name: groups[name] for name in plain} | counts
        attrs |= {"Ncontext_dense": len(dense), "Nfeature_list_dense": len(list_dense)}
        attrs["feature_list_dense_missing_assumed_empty"] = list(may_miss)
    elif op == "ParseSingleSequenceExample":
        keys = [[S(k.encode()) for k in groups[name]] for name in plain]
        inputs = [S(data), S([k.encode() for k in may_miss]), *keys, defaults, S(b"n")]
    else:
        keys = [S([k.encode() for k in group]) for group in groups.values()]
        inputs = [S(data), S([]), *keys, V([k in may_miss for k, *_ in list_dense], "bool"), defaults]
        attrs |= counts | {"Nfeature_list_dense": len(list_dense)}
        for prefix, own in (("context", ragged), ("feature_list", list_ragged)):
            attrs[f"{prefix}_ragged_value_types"] = [t for _, t, _ in own]
            attrs[f"{prefix}_ragged_split_types"] = [t for _, _, t in own]
    yield from rows(op, *inputs, dtypes="string", label=label, error=error, **attrs)


FULL = sequence(
    {"c": [1, 2], "d": [1.5], "s": [b"w"]}, x=[[1.0, 2.0], [3.0, 4.0]], y=[[1], None, [2, 3]], z=[[b"a"]]
)
SHORT = sequence({"d": [2.5]}, x=[[5.0, 6.0]], y=[[7]], z=[[b"b", b"c"], [b""]])
BARE = sequence({"d": [2.5]})
C, D = ("c", "int64"), ("d", "float32", [1], [])
CONTEXT: dict[str, Any] = {"sparse": [C, ("s", "string")], "dense": [D, ("e", "int64", [2], [8, 9])]}
X, Y, Z = ("x", "float32", [2]), ("y", "int64"), ("z", "string")
RAGGED: dict[str, Any] = {"ragged": [("r", "int64", "int64")], "list_ragged": [("v", "int64", "int32")]}
ROWS: list[Row] = []
for op in ("ParseSequenceExample", "ParseSingleSequenceExample", "ParseSequenceExampleV2"):
    one = op == "ParseSingleSequenceExample"
    data, bare, short = (FULL, BARE, SHORT) if one else ([FULL, SHORT], [BARE, FULL], [SHORT, BARE])
    ROWS += [
        *parse(op, data, **CONTEXT, list_sparse=[Y, Z], list_dense=[X]),
        *parse(op, bare, list_dense=[X], label="missing", error=BAD),
        *parse(op, bare, list_dense=[X], may_miss=["x"], label="may_miss"),
        *parse(op, bare, list_sparse=[Y], label="missing_sparse"),
        *parse(op, bare, dense=[("c", "int64", [2], [])], label="missing_context", error=BAD),
        *parse(op, data, list_dense=[("x", "float32", [3])], label="count", error=BAD),
        *parse(op, data, list_dense=[("x", "int64", [2])], label="type", error=BAD),
        *parse(op, data, list_sparse=[("x", "int64")], label="sparse_type", error=BAD),
        *parse(op, b"abc" if one else [b"abc"], list_sparse=[Y], label="damaged", error=BAD),
        *parse(op, short, list_sparse=[Z], label="words"),
    ]
V2 = "ParseSequenceExampleV2"
RECORDS = [sequence({"r": [1, 2]}, v=[[1], None, [2, 3]], x=[[1.0, 2.0]]), sequence({}, v=[[7]], x=[])]
ROWS += [
    *parse(V2, RECORDS, **RAGGED, list_dense=[X], label="ragged"),
    *parse(V2, [], **RAGGED, list_dense=[X], label="ragged_empty"),
    *parse(V2, FULL, sparse=[C], list_sparse=[Y], list_dense=[X], label="one"),
]
