"""The calls of the golden models with tables and lists: golden/make_tables.py asks TensorFlow, test_tables.py calque."""

from __future__ import annotations

import numpy as np

from saved_model.calls import Call, f32


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def words(text: str) -> np.ndarray:
    return np.array([w.encode() for w in text.split()], object)


# In their order: some change what later ones find.
TABLE_CALLS = [
    Call("tables", "static", "find_static", (words("b x a b"),)),
    Call("tables", "names", "find_name", (i64(2, 7),)),
    Call("tables", "columns", "find_in_columns", (words("pi e tau"),)),
    Call("tables", "vocabulary", "find_in_vocabulary", (words("red green pink blue mauve red"),)),
    Call("tables", "ids", "find_id", (i64(30, 10, 5, -1),)),
    Call("tables", "mutable", "find_mutable", (words("k1 k2 k3"),)),
    Call("tables", "vectors", "find_vectors", (i64(1, 3, 2),)),
    Call("tables", "dense", "find_dense", (i64(5, 6, 1 << 40),)),
    Call("tables", "dense_words", "find_dense_word", (words("zero one two"),)),
    Call("tables", "sizes", "sizes"),
    Call("tables", "learn", "learn", (words("k3 k1"), i64(33, 11))),
    Call("tables", "learned", "find_mutable", (words("k1 k2 k3"),)),
    Call("tables", "sizes_after", "sizes"),
    Call("tables", "signature", "signatures.look_up", (), {"text": words("green nothing")}),
    Call("loops", "squares", "squares", (np.int32(20),)),
    Call("loops", "none", "squares", (np.int32(0),)),
    Call("loops", "mapped", "mapped", (np.arange(12, dtype=np.float32).reshape(4, 3),)),
    Call("loops", "scanned", "scanned", (f32(1, 2, 3, 4),)),
    Call("loops", "recurrent", "recurrent", (np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 4, 3),)),
    Call("loops", "slope", "slope", (np.float32(1.5), np.int32(4))),
    Call("loops", "slope_none", "slope", (np.float32(1.5), np.int32(0))),
    Call(
        "loops",
        "recurrent_slope",
        "recurrent_slope",
        (np.linspace(-1, 1, 12, dtype=np.float32).reshape(1, 4, 3),),
    ),
    Call("loops", "pieces", "pieces", (np.int32(4),)),
    Call("loops", "strings", "strings", (words("a b c"),)),
    Call("loops", "grown", "grown", (np.int32(5),)),
]
