"""Programs of lookup tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ops.programs import File, Program, Ref, i64, strings

INVALID, PRECONDITION = "InvalidArgumentError", "FailedPreconditionError"
S64 = {"key_dtype": "string", "value_dtype": "int64"}
WHOLE_LINE, LINE_NUMBER = -2, -1


def words(text: str) -> np.ndarray:
    return strings(*(w.encode() for w in text.split()))


def static(p: Program, keys: str = "a b c", values: Any = (1, 2, 3)) -> Ref:
    table = p.AnonymousHashTable(**S64)
    p.InitializeTableV2(table, words(keys), i64(values))
    return table


def mutable(p: Program, keys: str = "a b", values: Any = (1, 2)) -> Ref:
    table = p.AnonymousMutableHashTable(**S64)
    p.LookupTableInsertV2(table, words(keys), i64(values))
    return table


def tensors(p: Program) -> Ref:
    table = p.AnonymousMutableHashTableOfTensors(value_shape=[2], **S64)
    p.LookupTableInsertV2(table, words("a b"), i64([[1, 2], [3, 4]]))
    return table


def dense(p: Program, empty: Any = -1, deleted: Any = -2, **attrs: Any) -> Ref:
    attrs = {"value_dtype": "int64", "initial_num_buckets": 8, **attrs}
    return p.AnonymousMutableDenseHashTable(i64(empty), i64(deleted), **attrs)


def find(p: Program, table: Ref, keys: Any, default: Any = -1) -> Ref:
    keys = words(keys) if isinstance(keys, str) else keys
    return p.LookupTableFindV2(
        table, keys, i64(default) if not isinstance(default, (np.ndarray, bytes)) else default
    )


def values() -> Iterator[Program]:
    p = Program("static")
    table = static(p)
    p.fetch(
        find(p, table, "b x a a"),
        find(p, table, words("b x").reshape(1, 2)),
        find(p, table, words("c").reshape(())),
    )
    p.fetch(find(p, table, words("")), p.LookupTableSizeV2(table), find(p, table, "x b y", [7, 8, 9]))
    one = static(p, "k", [5])
    exported = p.LookupTableExportV2(one, Tkeys="string", Tvalues="int64")
    p.fetch(exported, exported.out(1), p.LookupTableSizeV2(p.AnonymousHashTable(**S64)))
    yield p

    p = Program("static-again")
    table = static(p, "a a b", [1, 1, 2])
    p.fetch(p.LookupTableSizeV2(table))
    p.InitializeTableV2(table, words("c d"), i64([5, 6]))
    p.fetch(find(p, table, "a c"), p.LookupTableSizeV2(table))
    by_import = p.AnonymousHashTable(**S64)
    p.LookupTableImportV2(by_import, words("a b"), i64([1, 2]))
    p.fetch(find(p, by_import, "b"))
    yield p

    for key, value in (
        ("int32", "float32"),
        ("int32", "string"),
        ("int64", "string"),
        ("int64", "int32"),
        ("string", "bool"),
        ("string", "string"),
        ("string", "float64"),
        ("int64", "float64"),
    ):
        p = Program(f"static-{key}-{value}")
        table = p.AnonymousHashTable(key_dtype=key, value_dtype=value)
        keys = words("x y") if key == "string" else np.array([3, -4], key)
        held = words("p q") if value == "string" else np.array([1, 0], value)
        p.InitializeTableV2(table, keys, held)
        p.fetch(p.LookupTableFindV2(table, keys[::-1].copy(), held[0:1].reshape(())))
        missing = words("z") if key == "string" else np.array([7], key)
        p.fetch(p.LookupTableFindV2(table, missing, held[1:2].reshape(())))
        yield p

    p = Program("shared")
    for name in ("MutableHashTableV2", "MutableHashTableV2"):
        table = p.call(name, shared_name="shared", **S64)
        p.LookupTableInsertV2(table, words("a"), i64([1]))
        p.LookupTableInsertV2(table, words("b"), i64([2]))
        p.fetch(p.LookupTableSizeV2(table))
    other = p.MutableHashTableV2(shared_name="other", **S64)
    p.fetch(p.LookupTableSizeV2(other), p.LookupTableSizeV2(p.HashTableV2(shared_name="third", **S64)))
    elsewhere = p.MutableHashTableV2(shared_name="shared", container="elsewhere", **S64)
    p.fetch(p.LookupTableSizeV2(elsewhere))
    yield p

    p = Program("mutable")
    table = mutable(p)
    p.LookupTableInsertV2(table, words("a c"), i64([5, 6]))
    p.fetch(find(p, table, "a b c d"), p.LookupTableSizeV2(table))
    p.LookupTableInsertV2(table, words("e e"), i64([7, 8]))
    p.LookupTableInsertV2(table, words("f g").reshape(1, 2), i64([[9, 10]]))
    p.LookupTableInsertV2(table, words("h").reshape(()), i64(11))
    p.fetch(find(p, table, "e f g h x"))
    p.LookupTableRemoveV2(table, words("a f zzz"))
    p.fetch(find(p, table, "a b f g"), p.LookupTableSizeV2(table))
    p.LookupTableInsertV2(table, words("i j k"), i64([20, 21, 22]))
    p.fetch(find(p, table, "b c e g h i j k a"), p.LookupTableSizeV2(table))
    p.LookupTableImportV2(table, words("a"), i64([3]))
    p.fetch(find(p, table, "a b"), p.LookupTableSizeV2(table))
    exported = p.LookupTableExportV2(table, Tkeys="string", Tvalues="int64")
    p.fetch(exported, exported.out(1))
    yield p

    p = Program("mutable-defaults")
    table = mutable(p)
    p.fetch(find(p, table, "a x", [7, 8]), find(p, table, words("a x").reshape(1, 2), [[7, 8]]))
    empty = p.AnonymousMutableHashTable(**S64)
    p.fetch(find(p, empty, "a x", [7, 8]), find(p, empty, "a x"))
    exported = p.LookupTableExportV2(empty, Tkeys="string", Tvalues="int64")
    p.fetch(exported, exported.out(1))
    yield p

    p = Program("many-keys")  # as many as make the table grow, several times
    table = p.AnonymousMutableHashTable(key_dtype="int64", value_dtype="float32")
    for first in range(0, 1000, 250):
        p.LookupTableInsertV2(
            table, np.arange(first, first + 250), np.arange(first, first + 250, dtype=np.float32)
        )
        p.LookupTableRemoveV2(table, np.arange(first, first + 100, 3))
    p.fetch(p.LookupTableFindV2(table, np.arange(-5, 1005), np.float32(-1)), p.LookupTableSizeV2(table))
    yield p

    p = Program("tensors")
    table = tensors(p)
    p.fetch(find(p, table, "b z", [0, -1]), find(p, table, "b z", [[0, -1], [8, 9]]))
    p.fetch(
        find(p, table, words("b z").reshape(1, 2), [0, -1]), find(p, table, words("b").reshape(()), [0, -1])
    )
    p.LookupTableRemoveV2(table, words("a"))
    exported = p.LookupTableExportV2(table, Tkeys="string", Tvalues="int64")
    p.fetch(exported, exported.out(1))
    shared = p.MutableHashTableOfTensorsV2(value_shape=[1], shared_name="tensors", **S64)
    p.LookupTableImportV2(shared, words("a b"), i64([[1], [2]]))
    p.fetch(find(p, shared, "b c", [9]))
    yield p

    p = Program("dense")
    table = dense(p)
    p.LookupTableInsertV2(table, i64([1, 2, 9]), i64([10, 20, 90]))
    p.fetch(find(p, table, i64([2, 3, 9])), p.LookupTableSizeV2(table), find(p, table, i64([2, 3]), [7, 8]))
    exported = p.LookupTableExportV2(table, Tkeys="int64", Tvalues="int64")
    p.fetch(exported)
    again = dense(p)
    p.LookupTableImportV2(again, exported, exported.out(1))
    p.fetch(find(p, again, i64([1, 9, 5])), p.LookupTableSizeV2(again))
    yield p

    p = Program("dense-remove")
    table = dense(p)
    p.LookupTableInsertV2(table, i64([1, 2, 9]), i64([10, 20, 90]))
    p.LookupTableRemoveV2(table, i64([1, 4]))
    p.fetch(find(p, table, i64([1, 2])), p.LookupTableSizeV2(table))
    yield p

    p = Program("dense-grows")
    table = dense(p, initial_num_buckets=4)
    p.LookupTableInsertV2(table, np.arange(0, 300, 7), np.arange(0, 300, 7))
    p.fetch(find(p, table, np.arange(100)))
    exported = p.LookupTableExportV2(table, Tkeys="int64", Tvalues="int64")
    p.fetch(exported)
    yield p

    p = Program("dense-strings")
    table = p.AnonymousMutableDenseHashTable(b"", b"$", value_dtype="int64", initial_num_buckets=16)
    p.LookupTableInsertV2(table, words("a bc def a-key-of-some-length"), i64([1, 2, 3, 4]))
    p.fetch(find(p, table, "bc a-key-of-some-length x"))
    p.fetch(p.LookupTableExportV2(table, Tkeys="string", Tvalues="int64"))
    yield p

    p = Program("dense-vectors")
    table = dense(p, [-1, -1], [-2, -2], value_shape=[3])
    p.LookupTableInsertV2(table, i64([[1, 2], [3, 4], [5, 2]]), i64([[1, 1, 1], [2, 2, 2], [3, 3, 3]]))
    p.fetch(find(p, table, i64([[3, 4], [4, 3], [5, 2]]), [0, 0, -1]), p.LookupTableSizeV2(table))
    p.fetch(p.LookupTableExportV2(table, Tkeys="int64", Tvalues="int64"))
    shared = p.MutableDenseHashTableV2(i64(-1), i64(-2), value_dtype="int64", shared_name="dense")
    p.LookupTableInsertV2(shared, i64([3]), i64([4]))
    p.fetch(find(p, shared, i64([3])))
    yield p


# What is in the file, the columns of keys and values, their dtypes, keys to ask for, and attributes.
FILES: dict[str, tuple[bytes, int, int, str, str, Any, dict[str, Any]]] = {
    "lines": (b"a\nb\nc\n", WHOLE_LINE, LINE_NUMBER, "string", "int64", words("a b c d"), {}),
    "no-last-end": (b"a\nb", WHOLE_LINE, LINE_NUMBER, "string", "int64", words("b"), {}),
    "carriage-returns": (
        b"a\r\nb\rc\r\n",
        WHOLE_LINE,
        LINE_NUMBER,
        "string",
        "int64",
        strings(b"a", b"b\rc"),
        {},
    ),
    "vocab-size": (b"a\nb\nc\n", WHOLE_LINE, LINE_NUMBER, "string", "int64", words("b c"), {"vocab_size": 2}),
    "offset": (b"a\nb\n", WHOLE_LINE, LINE_NUMBER, "string", "int64", words("a b"), {"offset": 10}),
    "to-lines": (b"a\nb\n", LINE_NUMBER, WHOLE_LINE, "int64", "string", i64([0, 1, 2]), {}),
    "whole-numbers": (b"5\n6\n", WHOLE_LINE, LINE_NUMBER, "int64", "int64", i64([5, 6, 7]), {}),
    "columns": (b"a\t1\nb\t2\n", 0, 1, "string", "int64", words("a b"), {}),
    "third-column": (b"a,1,2\nb,4,5\n", 2, 0, "int64", "string", i64([2, 5]), {"delimiter": ","}),
    "signs-and-spaces": (b"a, 7 \nb,-7\nc,+8\n", 0, 1, "string", "int64", words("a b c"), {"delimiter": ","}),
    "floats": (b"a 1.5\nb 2e3\nc -inf\n", 0, 1, "string", "float32", words("a b c"), {"delimiter": " "}),
    "doubles": (b"a 0.1\n", 0, 1, "string", "float64", words("a"), {"delimiter": " "}),
    "int32": (b"1 5\n2 6\n", 0, 1, "int32", "int32", np.int32([2, 3]), {"delimiter": " "}),
    "repeated": (b"a\t1\na\t1\n", 0, 1, "string", "int64", words("a"), {}),
}

BAD_FILES: dict[str, tuple[bytes, int, int, str, str, Any, dict[str, Any], str]] = {
    "empty-line": (b"a\n\nb\n", WHOLE_LINE, LINE_NUMBER, "string", "int64", words("a"), {}, INVALID),
    "empty-file": (b"", WHOLE_LINE, LINE_NUMBER, "string", "int64", words("a"), {}, "OutOfRangeError"),
    "too-few-lines": (
        b"a\n",
        WHOLE_LINE,
        LINE_NUMBER,
        "string",
        "int64",
        words("a"),
        {"vocab_size": 2},
        INVALID,
    ),
    "too-few-columns": (b"a\t1\nb\n", 0, 1, "string", "int64", words("a"), {}, INVALID),
    "no-int": (b"a\tx\n", 0, 1, "string", "int64", words("a"), {}, INVALID),
    "separated-digits": (b"a\t1_0\n", 0, 1, "string", "int64", words("a"), {}, INVALID),
    "hex": (b"a\t0x7\n", 0, 1, "string", "int64", words("a"), {}, INVALID),
    "int32-overflow": (b"a\t9999999999\n", 0, 1, "string", "int32", words("a"), {}, INVALID),
    "int64-overflow": (b"a\t99999999999999999999\n", 0, 1, "string", "int64", words("a"), {}, INVALID),
    "line-numbers-as-int32": (b"a\n", WHOLE_LINE, LINE_NUMBER, "string", "int32", words("a"), {}, INVALID),
    "line-numbers-as-strings": (b"a\n", LINE_NUMBER, WHOLE_LINE, "string", "string", words("a"), {}, INVALID),
    "whole-floats": (b"1\n", LINE_NUMBER, WHOLE_LINE, "int64", "float32", i64([0]), {}, INVALID),
    "bools": (b"a\t1\n", 0, 1, "string", "bool", words("a"), {}, INVALID),
    "long-delimiter": (b"a,,1\n", 0, 1, "string", "int64", words("a"), {"delimiter": ",,"}, INVALID),
    "repeated-with-others": (
        b"a\na\n",
        WHOLE_LINE,
        LINE_NUMBER,
        "string",
        "int64",
        words("a"),
        {},
        PRECONDITION,
    ),
}


def files() -> Iterator[Program]:
    for name, spec in [*FILES.items(), *BAD_FILES.items()]:
        content, key_index, value_index, key, value, keys, attrs, *error = spec
        p = Program(f"file-{name}", *error)
        table = p.AnonymousHashTable(key_dtype=key, value_dtype=value)
        p.InitializeTableFromTextFileV2(
            table, File(content), key_index=key_index, value_index=value_index, **attrs
        )
        default = np.array(b"?", object) if value == "string" else np.array(1, value)
        p.fetch(p.LookupTableFindV2(table, keys, default))
        yield p
    p = Program("file-missing", "NotFoundError")
    table = p.AnonymousHashTable(**S64)
    p.InitializeTableFromTextFileV2(table, b"/no/such/file", key_index=WHOLE_LINE, value_index=LINE_NUMBER)
    yield p


def errors() -> Iterator[Program]:
    p = Program("not-initialized", PRECONDITION)
    p.fetch(find(p, p.AnonymousHashTable(**S64), "a"))
    yield p
    p = Program("export-not-initialized", "AbortedError")
    p.fetch(p.LookupTableExportV2(p.AnonymousHashTable(**S64), Tkeys="string", Tvalues="int64"))
    yield p
    for name, op in (
        ("initialized-otherwise", "InitializeTableV2"),
        ("imported-otherwise", "LookupTableImportV2"),
    ):
        p = Program(name, PRECONDITION)
        p.call(op, static(p), words("a"), i64([1]))
        yield p
    p = Program("repeated-with-others", PRECONDITION)
    static(p, "a a", [1, 2])
    yield p
    p = Program("insert-into-static", "UnimplementedError")
    p.LookupTableInsertV2(static(p), words("z"), i64([1]))
    yield p
    p = Program("remove-from-static", "UnimplementedError")
    p.LookupTableRemoveV2(static(p), words("a"))
    yield p
    for name, keys, held in (
        ("initialize-another-count", "a", [1, 2]),
        ("initialize-another-key-dtype", i64([1]), [1]),
        ("initialize-another-value-dtype", "a", np.float32([1])),
        ("initialize-matrix", words("a b").reshape(1, 2), [[1, 2]]),
    ):
        p = Program(name, INVALID)
        given = held if isinstance(held, np.ndarray) else i64(held)
        p.InitializeTableV2(
            p.AnonymousHashTable(**S64), words(keys) if isinstance(keys, str) else keys, given
        )
        yield p
    for name, make in (("static", static), ("mutable", mutable)):
        for what, keys, default in (
            ("key-dtype", i64([1]), -1),
            ("default-dtype", "a", np.float32(1)),
            ("default-shape", "a b", [1]),
        ):
            p = Program(f"find-in-{name}-another-{what}", INVALID)
            p.fetch(find(p, make(p), keys, np.asarray(default) if what == "default-dtype" else default))
            yield p
    for name, keys, held in (
        ("insert-another-count", "a b", [1]),
        ("insert-another-dtype", "a", np.float32([1])),
    ):
        p = Program(name, INVALID)
        p.LookupTableInsertV2(mutable(p), words(keys), held if isinstance(held, np.ndarray) else i64(held))
        yield p
    p = Program("remove-another-dtype", INVALID)
    p.LookupTableRemoveV2(mutable(p), i64([1]))
    yield p
    p = Program("shared-with-other-dtypes", INVALID)
    p.MutableHashTableV2(shared_name="conflict", **S64)
    p.fetch(
        p.LookupTableSizeV2(
            p.MutableHashTableV2(shared_name="conflict", key_dtype="string", value_dtype="float32")
        )
    )
    yield p
    p = Program("insert-tensors-of-another-shape", INVALID)
    p.LookupTableInsertV2(tensors(p), words("a"), i64([[1, 2, 3]]))
    yield p
    p = Program("find-tensors-another-default", INVALID)
    p.fetch(find(p, tensors(p), "a", 0))
    yield p
    for shape in ([], [2, 3]):
        p = Program(f"tensors-of-rank-{len(shape)}", INVALID)
        p.fetch(p.LookupTableSizeV2(p.AnonymousMutableHashTableOfTensors(value_shape=shape, **S64)))
        yield p
    for name, key in (("empty", -1), ("deleted", -2)):
        p = Program(f"dense-find-{name}-key", INVALID)
        p.fetch(find(p, dense(p), i64([key])))
        yield p
        p = Program(f"dense-insert-{name}-key", INVALID)
        p.LookupTableInsertV2(dense(p), i64([key]), i64([1]))
        yield p
        p = Program(f"dense-remove-{name}-key", INVALID)
        p.LookupTableRemoveV2(dense(p), i64([key]))
        yield p
    for name, attrs in (
        ("equal-keys", {"deleted": -1}),
        ("buckets", {"initial_num_buckets": 3}),
        ("value-shape", {"value_shape": [1, 2]}),
    ):
        p = Program(f"dense-bad-{name}", INVALID)
        p.fetch(p.LookupTableSizeV2(dense(p, **attrs)))
        yield p
    p = Program("dense-find-another-key-shape", INVALID)
    p.fetch(find(p, dense(p, [-1, -1], [-2, -2]), i64([[1, 2, 3]])))
    yield p


PROGRAMS = [*values(), *files(), *errors()]
