"""Rows of ops/control.py."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

ANY = "float32 float64 int64 bool string bfloat16 complex64"
ROWS: list[Row] = [
    *rows("Identity", A(2, 3), dtypes=ANY),
    *rows("Identity", A(), dtypes="string", label="scalar"),
    *rows("IdentityN", [A(2, 3), A(2, dtype="int32"), A(dtype="string")], dtypes="float32 float64"),
    *rows("StopGradient", A(2, 3), dtypes=ANY),
    *rows("Snapshot", A(2, 3), dtypes="float32 float64"),
    *rows("PreventGradient", A(2, 3), dtypes="float32", message="no"),
    *rows("PlaceholderWithDefault", A(2, 3), dtypes="float32 string", shape=[None, 3]),
    *rows("Assert", V(True, "bool"), [A(2), A(3, dtype="string")], label="holds"),
    *rows(
        "Assert", V(False, "bool"), [A(2), A(3, dtype="string")], label="fails", error="InvalidArgumentError"
    ),
    *rows("ShardedFilename", V(b"a/b", "string"), V(3, "int32"), V(12, "int32"), dtypes="string"),
    *rows("NoOp"),
]
