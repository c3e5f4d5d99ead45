"""Rows of ops/parse.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ops.examples import example
from ops.rows import Row, V, rows

BAD = "InvalidArgumentError"


def S(values: Any) -> V:
    return V(values, "string")


Feature = tuple[str, str]  # key and type
Dense = tuple[str, str, list[Any], Any]  # key, type, shape and default


def parse(
    op: str,
    data: Any,
    sparse: Sequence[Feature] = (),
    dense: Sequence[Dense] = (),
    ragged: Sequence[tuple[str, str, str]] = (),
    names: Sequence[str] = (),
    label: str = "",
    error: str = "",
) -> Iterator[Row]:
    """A row of one of the three ops that parse examples."""
    keys, dense_keys = [k.encode() for k, _ in sparse], [k.encode() for k, *_ in dense]
    defaults = [V(default, dtype) for _, dtype, _, default in dense]
    attrs: dict[str, Any] = {
        "sparse_types": [t for _, t in sparse],
        "dense_shapes": [shape for _, _, shape, _ in dense],
    }
    if op == "ParseSingleExample":
        attrs |= {"num_sparse": len(sparse), "sparse_keys": [*keys], "dense_keys": [*dense_keys]}
        inputs: list[Any] = [S(data), defaults]
    elif op == "ParseExample":
        inputs = [
            S(data),
            S([n.encode() for n in names]),
            [S(k) for k in keys],
            [S(k) for k in dense_keys],
            defaults,
        ]
    else:
        wanted = [S(keys), S(dense_keys), S([k.encode() for k, _, _ in ragged])]
        inputs = [S(data), S([n.encode() for n in names]), *wanted, defaults]
        attrs |= {
            "num_sparse": len(sparse),
            "ragged_value_types": [t for _, t, _ in ragged],
            "ragged_split_types": [t for _, _, t in ragged],
        }
    yield from rows(op, *inputs, dtypes="string", label=label, error=error, **attrs)


FLOATS = [example(a=[1.5, 2.0], b=[1, -2], c=[b"x", b""]), example(a=[3.0, -4.0]), example(b=[5], c=[b"yz"])]
A2: Dense = ("a", "float32", [2], [7.0, 8.0])
NEEDED: Dense = ("a", "float32", [2], [])
PADDED: Dense = ("a", "float32", [None], [-1.0])
SPARSE = [("a", "float32"), ("b", "int64"), ("c", "string")]
STRINGS: Dense = ("d", "string", [1], [b"none"])
SCALAR: Dense = ("e", "int64", [], 4)
WIDE = [example(a=[1.0, 2.0]), example(a=[3.0, 4.0, 5.0, 6.0]), example()]
WIDE_SHAPE: Dense = ("a", "float32", [None, 2], [-1.0])
ROWS: list[Row] = []
for op in ("ParseExample", "ParseExampleV2"):
    ROWS += [
        *parse(op, FLOATS, SPARSE[1:], [A2, STRINGS, SCALAR]),
        *parse(op, FLOATS, SPARSE, label="sparse"),
        *parse(op, [], SPARSE[1:], [A2, ("x", *PADDED[1:])], label="empty"),
        *parse(op, FLOATS[:2], (), [NEEDED], label="needed"),
        *parse(op, FLOATS, (), [NEEDED], label="missing", error=BAD),
        *parse(op, FLOATS, (), [A2], names=["p", "q", "r"], label="names"),
        *parse(op, FLOATS, (), [A2], names=["p", "q"], label="few_names", error=BAD),
        *parse(op, FLOATS, (), [("b", "int64", [1], [0])], label="count", error=BAD),
        *parse(op, FLOATS, (), [("b", "float32", [1], [0.0])], label="type", error=BAD),
        *parse(op, FLOATS, [("b", "string")], label="sparse_type", error=BAD),
        *parse(op, [example(a=None), example(a=[2.0])], (), [("a", "float32", [1], [3.0])], label="no_kind"),
        *parse(op, [example(a=())], (), [("a", "float32", [1], [3.0])], label="no_values", error=BAD),
        *parse(op, [example(a=())], [("a", "float32")], label="no_values_sparse"),
        *parse(op, [example(a=())], [("a", "int64")], label="no_values_type", error=BAD),
        *parse(op, FLOATS, (), [PADDED], label="padded"),
        *parse(op, [example(), example()], (), [PADDED], label="all_missing"),
        *parse(op, WIDE, (), [WIDE_SHAPE], label="wide"),
        *parse(op, [example(a=[1.0])], (), [WIDE_SHAPE], label="odd", error=BAD),
        *parse(op, WIDE, (), [("a", "float32", [None], [])], label="no_padding", error=BAD),
        *parse(
            op, [example(s=[b"a", b"b"]), example()], (), [("s", "string", [None], [b"-"])], label="words"
        ),
        *parse(op, [example(x=[1.0] * 6)], (), [("x", "float32", [2, 3], [])], label="matrix"),
        *parse(op, [b"abc"], (), [A2], label="damaged", error=BAD),
        *parse(op, FLOATS, (), [("a", "float32", [2], [1.0])], label="default", error=BAD),
    ]
V2 = "ParseExampleV2"
RAGGED = [("b", "int64", "int32"), ("c", "string", "int64")]
ROWS += [
    *parse(V2, FLOATS, [("a", "float32")], [SCALAR], RAGGED, label="ragged"),
    *parse(V2, [], (), (), RAGGED, label="ragged_empty"),
    *parse(V2, FLOATS, (), (), [("b", "float32", "int64")], label="ragged_type", error=BAD),
    *parse(V2, FLOATS[0], [("z", "float32")], [A2, SCALAR], RAGGED, label="one"),
    *parse(V2, FLOATS[1], (), [STRINGS], RAGGED, label="one_missing"),
    *parse(V2, FLOATS[0], (), [PADDED], label="one_padded"),
    *parse(V2, [[FLOATS[0]]], (), [A2], label="rank", error=BAD),
]
ONE = "ParseSingleExample"
ROWS += [
    *parse(ONE, FLOATS[0], SPARSE[1:], [A2, STRINGS, SCALAR]),
    *parse(ONE, FLOATS[2], [("z", "float32")], [A2], label="defaults"),
    *parse(ONE, FLOATS[2], (), [NEEDED], label="missing", error=BAD),
    *parse(ONE, FLOATS[0], (), [PADDED], label="padded"),
    *parse(ONE, FLOATS[2], (), [PADDED], label="padded_missing"),
    *parse(ONE, WIDE[1], (), [WIDE_SHAPE], label="wide"),
    *parse(ONE, WIDE[0], (), [("a", "int64", [2], [1, 2])], label="type", error=BAD),
    *parse(ONE, b"abc", (), [A2], label="damaged", error=BAD),
]
