"""Programs of TensorList ops."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ops.programs import Program, Ref, i64, strings

INVALID = "InvalidArgumentError"
F = {"element_dtype": "float32"}
ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def reserve(p: Program, count: int, shape: object, dtype: str = "float32") -> Ref:
    return p.TensorListReserve(np.int32(shape), count, element_dtype=dtype)


def from_tensor(p: Program, rows: object, shape: object) -> Ref:
    return p.TensorListFromTensor(rows, np.int32(shape))


def stack(p: Program, handle: Ref, shape: object = -1, dtype: str = "float32") -> Ref:
    return p.TensorListStack(handle, np.int32(shape), element_dtype=dtype)


def get(p: Program, handle: Ref, i: int, shape: object = -1, dtype: str = "float32") -> Ref:
    return p.TensorListGetItem(handle, i, np.int32(shape), element_dtype=dtype)


def ragged(p: Program) -> Ref:
    """Items of 1 and 3 rows at 0 and 2, none at 1 and 3."""
    handle = reserve(p, 4, [-1, 2])
    handle = p.TensorListSetItem(handle, 0, ROWS[:1])
    return p.TensorListSetItem(handle, 2, ROWS)


def values() -> Iterator[Program]:
    p = Program("reserve-set-stack")
    before = reserve(p, 3, [2])
    after = p.TensorListSetItem(before, 1, [1.0, 2.0])
    again = p.TensorListSetItem(after, 1, [3.0, 4.0])
    p.fetch(stack(p, before), stack(p, after, [2]), stack(p, again, [-1]), p.TensorListLength(after))
    p.fetch(get(p, after, 1, [2]), get(p, before, 1, [2]), get(p, again, 0))
    yield p

    p = Program("get-takes-the-shape-of-others")
    handle = p.TensorListSetItem(reserve(p, 3, -1), 1, [1.0, 2.0])
    p.fetch(
        get(p, handle, 0),
        get(p, handle, 1, [2]),
        stack(p, handle),
        p.TensorListGather(handle, [2, 1], -1, **F),
    )
    yield p

    for dtype in ("int32", "bool", "string", "bfloat16", "complex64"):
        p = Program(f"unset-items-{dtype}")
        p.fetch(
            stack(p, reserve(p, 2, [2], dtype), dtype=dtype), get(p, reserve(p, 2, [], dtype), 0, dtype=dtype)
        )
        if dtype in ("bfloat16", "complex64"):
            p.fetched = p.fetched[1:] if dtype == "bfloat16" else []
            p.fetch(p.TensorListLength(reserve(p, 2, [], dtype)))
        yield p

    p = Program("set-resizes")
    handle = p.TensorListSetItem(reserve(p, 1, [2]), 4, [1.0, 2.0], resize_if_index_out_of_bounds=True)
    p.fetch(stack(p, handle))
    yield p

    p = Program("from-tensor")
    handle = from_tensor(p, ROWS, [2])
    changed = p.TensorListSetItem(handle, 0, [7.0, 8.0])
    p.fetch(
        stack(p, handle), stack(p, changed), get(p, handle, 2), get(p, changed, 2), p.TensorListLength(handle)
    )
    p.fetch(stack(p, p.TensorListResize(handle, 2)), stack(p, p.TensorListResize(changed, 5)))
    popped = p.TensorListPopBack(handle, [2], **F)
    p.fetch(popped.out(1), stack(p, popped), stack(p, p.TensorListPushBack(popped, [9.0, 9.0])))
    p.fetch(stack(p, p.TensorListPushBack(handle, [9.0, 9.0])))
    yield p

    p = Program("from-tensor-strings")
    words = from_tensor(p, strings(b"a", b"bc", b""), [])
    p.fetch(get(p, words, 1, [], "string"), stack(p, words, [], "string"))
    p.fetch(stack(p, p.TensorListSetItem(words, 2, strings(b"x")[0]), [], "string"))
    yield p

    p = Program("from-tensor-empty")
    empty = from_tensor(p, np.zeros((0, 2), np.float32), [2])
    p.fetch(stack(p, empty), p.TensorListLength(empty), stack(p, reserve(p, 0, [3])))
    yield p

    p = Program("many-items")  # more than one chunk holds, in every way to grow and shrink
    many = from_tensor(p, np.arange(1000, dtype=np.float32), [])
    some = p.TensorListResize(p.TensorListSetItem(many, 700, 0.5), 701)
    more = p.TensorListPushBack(p.TensorListResize(some, 768), 1.5)
    long = p.TensorListSetItem(p.TensorListResize(p.TensorListResize(more, 256), 1100), 1050, 2.5)
    p.fetch(stack(p, many), stack(p, some), stack(p, more), stack(p, long))
    full = p.TensorListPushBack(p.TensorListPushBack(p.TensorListResize(reserve(p, 0, []), 255), 1.0), 2.0)
    p.fetch(stack(p, full), p.TensorListPopBack(full, np.int32([]), **F).out(1))
    gathered = p.TensorListGather(long, [0, 255, 256, 1050, 1099], np.int32([]), **F)
    p.fetch(gathered)
    yield p

    p = Program("push-pop")
    empty = p.EmptyTensorList([2], 2, **F)
    two = p.TensorListPushBack(p.TensorListPushBack(empty, [1.0, 2.0]), [3.0, 4.0])
    popped = p.TensorListPopBack(two, -1, **F)
    p.fetch(stack(p, two), popped.out(1), stack(p, popped), p.TensorListLength(empty))
    p.fetch(p.TensorListPopBack(p.TensorListResize(popped, 3), [2], **F).out(1))
    yield p

    p = Program("element-shape")
    for shape in (-1, [-1, 3], []):
        p.fetch(p.TensorListElementShape(reserve(p, 1, shape), shape_type="int64"))
    p.fetch(p.TensorListElementShape(p.EmptyTensorList(i64([2]), -1, **F), shape_type="int32"))
    yield p

    p = Program("gather")
    handle = p.TensorListSetItem(reserve(p, 3, [2]), 1, [1.0, 2.0])
    p.fetch(
        p.TensorListGather(handle, [2, 1, 1], [2], **F), p.TensorListGather(handle, np.int32([]), -1, **F)
    )
    yield p

    p = Program("concat")
    handle = p.TensorListResize(ragged(p), 3)
    whole = p.TensorListConcatV2(handle, [-1, 2], i64([1, 2, 3]), **F)
    p.fetch(whole, whole.out(1))
    equal = p.TensorListSetItem(reserve(p, 2, [-1, 2]), 1, ROWS)
    for one in (
        p.TensorListConcatV2(equal, -1, i64([]), **F),
        p.TensorListConcatV2(equal, -1, i64([1]), **F),
        p.TensorListConcatV2(reserve(p, 2, [-1, 2]), [4, 2], i64([]), **F),
        p.TensorListConcatV2(reserve(p, 0, [-1, 2]), -1, i64([]), **F),
        p.TensorListConcat(equal, **F),
        p.TensorListConcat(equal, element_shape=[None, 2], **F),
    ):
        p.fetch(one, one.out(1))
    yield p

    p = Program("concat-strings")
    words = from_tensor(p, strings(b"a", b"b", b"c", b"d").reshape(2, 2), [2])
    p.fetch(p.TensorListConcatV2(words, [2], i64([]), element_dtype="string"))
    yield p

    p = Program("split")
    handle = p.TensorListSplit([1.0, 2.0, 3.0, 4.0], -1, i64([1, 0, 3]))
    p.fetch(get(p, handle, 0), get(p, handle, 1), get(p, handle, 2))
    whole = p.TensorListConcatV2(handle, -1, i64([]), **F)
    p.fetch(
        whole,
        whole.out(1),
        p.TensorListElementShape(p.TensorListSplit(ROWS, [-1, 2], i64([3])), shape_type="int32"),
    )
    yield p

    p = Program("scatter")
    for one in (
        p.TensorListScatterV2([1.0, 2.0], [3, 1], -1, -1),
        p.TensorListScatterV2([1.0, 2.0], [1, 1], -1, 6),
        p.TensorListScatter([1.0, 2.0], [4, 0], np.int32([])),
    ):
        p.fetch(p.TensorListLength(one), stack(p, one))
    p.fetch(p.TensorListLength(p.TensorListScatterV2(np.zeros((0, 2), np.float32), np.int32([]), -1, -1)))
    two = from_tensor(p, [1.0, 2.0], [])
    p.fetch(stack(p, p.TensorListScatterIntoExistingList(two, [5.0, 6.0], [2, 1])), stack(p, two))
    yield p

    p = Program("concat-lists")
    a, b = from_tensor(p, [1.0, 2.0], []), reserve(p, 1, [])
    p.fetch(stack(p, p.TensorListConcatLists(a, b, **F)), stack(p, p.TensorListConcatLists(b, a, **F)))
    yield p

    p = Program("batches")
    both = p.Pack([from_tensor(p, [1.0], []), from_tensor(p, [2.0, 3.0], [])])
    pushed = p.TensorListPushBackBatch(both, [7.0, 8.0])
    parts = p.Unpack(pushed, num=2)
    p.fetch(stack(p, parts), stack(p, parts.out(1)))
    joined = p.Unpack(p.TensorListConcatLists(both, pushed, **F), num=2)
    p.fetch(stack(p, joined), stack(p, joined.out(1)))
    yield p

    p = Program("lists-of-lists")
    inner = p.TensorListPushBack(p.TensorListPushBack(p.EmptyTensorList(np.int32([]), -1, **F), 1.0), 2.0)
    outer = p.TensorListPushBack(p.EmptyTensorList(np.int32([]), -1, element_dtype="variant"), inner)
    p.fetch(stack(p, get(p, outer, 0, [], "variant")))
    of_both = from_tensor(p, p.Pack([inner, from_tensor(p, [5.0], [])]), [])
    p.fetch(stack(p, get(p, of_both, 1, -1, "variant")), p.TensorListLength(of_both))
    parts = p.Unpack(stack(p, of_both, [], "variant"), num=2)
    p.fetch(stack(p, parts), stack(p, parts.out(1)))
    yield p

    p = Program("zeros-and-sums")
    two = p.TensorListSetItem(reserve(p, 2, [2]), 0, [1.0, 2.0])
    p.fetch(stack(p, p.ZerosLike(two)), stack(p, p.AddN([two, two, reserve(p, 2, [2])])))
    whole = from_tensor(p, ROWS, [2])
    p.fetch(stack(p, p.ZerosLike(whole)), stack(p, p.AddN([whole, whole])))
    yield p


def errors() -> Iterator[Program]:
    def case(name: str) -> Program:
        return Program(name, INVALID)

    p = case("get-behind-the-end")
    p.fetch(get(p, reserve(p, 3, [2]), 3))
    yield p
    p = case("get-negative")
    p.fetch(get(p, reserve(p, 3, [2]), -1))
    yield p
    p = case("get-unset-of-unknown-shape")
    p.fetch(get(p, reserve(p, 3, -1), 0))
    yield p
    p = case("get-unset-of-another-shape")
    p.fetch(get(p, reserve(p, 3, [2]), 0, [3]))
    yield p
    p = case("get-another-dtype")
    p.fetch(get(p, reserve(p, 3, [2]), 0, [2], "int32"))
    yield p
    for name, i, item in (
        ("set-another-shape", 0, [1.0, 2.0, 3.0]),
        ("set-behind-the-end", 3, [1.0, 2.0]),
        ("set-negative", -1, [1.0, 2.0]),
        ("set-another-dtype", 0, [1, 2]),
    ):
        p = case(name)
        p.fetch(stack(p, p.TensorListSetItem(reserve(p, 3, [2]), i, item)))
        yield p
    for name, count, shape, asked in (
        ("stack-empty-of-unknown-shape", 0, [-1], -1),
        ("stack-unset-of-unknown-shape", 2, -1, [-1]),
        ("stack-another-shape", 2, [2], [3]),
        ("reserve-negative", -2, [2], [2]),
        ("reserve-scalar-shape", 2, 5, -1),
        ("reserve-negative-size", 2, [-2], -1),
    ):
        p = case(name)
        p.fetch(stack(p, reserve(p, count, shape), asked))
        yield p
    p = case("stack-another-count")
    p.fetch(p.TensorListStack(reserve(p, 2, [2]), [2], num_elements=3, **F))
    yield p
    p = case("stack-of-different-shapes")
    p.fetch(stack(p, p.TensorListSetItem(p.TensorListSetItem(reserve(p, 2, -1), 0, [1.0]), 1, [1.0, 2.0])))
    yield p
    p = case("from-scalar")
    p.fetch(stack(p, from_tensor(p, 1.0, [])))
    yield p
    p = case("from-another-shape")
    p.fetch(stack(p, from_tensor(p, [1.0], [3])))
    yield p
    for name, most, item in (
        ("push-into-full", 0, [1.0, 2.0]),
        ("push-another-shape", -1, [1.0]),
        ("push-another-dtype", -1, [1, 2]),
    ):
        p = case(name)
        p.fetch(stack(p, p.TensorListPushBack(p.EmptyTensorList([2], most, **F), item)))
        yield p
    p = case("resize-negative")
    p.fetch(stack(p, p.TensorListResize(reserve(p, 3, [2]), -1)))
    yield p
    p = case("pop-empty")
    p.fetch(p.TensorListPopBack(reserve(p, 0, [2]), -1, **F).out(1))
    yield p
    p = case("pop-unset-of-unknown-shape")
    p.fetch(p.TensorListPopBack(reserve(p, 1, -1), -1, **F).out(1))
    yield p
    for name, indices, shape in (
        ("gather-behind-the-end", [3], [2]),
        ("gather-negative", [-1], [2]),
        ("gather-unset-of-unknown-shape", [0], -1),
        ("gather-nothing-of-unknown-shape", [], -1),
    ):
        p = case(name)
        p.fetch(p.TensorListGather(reserve(p, 3, shape), np.int32(indices), -1, **F))
        yield p
    for name, shape, leading in (
        ("concat-unset-without-length", -1, [1]),
        ("concat-another-first-size", [4, 2], [1, 1, 1, 1]),
        ("concat-another-shape", [-1, 3], [1, 1, 1, 1]),
    ):
        p = case(name)
        p.fetch(p.TensorListConcatV2(ragged(p), np.int32(shape), i64(leading), **F))
        yield p
    p = case("concat-scalars")
    p.fetch(p.TensorListConcatV2(from_tensor(p, [1.0], []), -1, i64([]), **F))
    yield p
    p = case("concat-empty-of-unknown-shape")
    p.fetch(p.TensorListConcatV2(reserve(p, 0, -1), -1, i64([]), **F))
    yield p
    p = case("concat-v1-unset")
    p.fetch(p.TensorListConcat(ragged(p), **F))
    yield p
    for name, rows, shape, lengths in (
        ("split-negative", [1.0, 2.0], -1, [-1, 3]),
        ("split-too-long", [1.0, 2.0], -1, [1, 4]),
        ("split-too-short", [1.0, 2.0], -1, [1]),
        ("split-scalar", 1.0, -1, [1]),
        ("split-another-shape", [[1.0]], [-1, 2], [1]),
        ("split-into-scalars", [1.0], [], [1]),
        ("split-scalar-lengths", [1.0], -1, 1),
    ):
        p = case(name)
        p.fetch(p.TensorListLength(p.TensorListSplit(rows, np.int32(shape), i64(lengths))))
        yield p
    for name, rows, indices, shape, count in (
        ("scatter-behind-the-end", [1.0, 2.0], [3, 1], -1, 2),
        ("scatter-bad-count", [1.0, 2.0], [3, 1], -1, -2),
        ("scatter-negative", [1.0, 2.0], [-1, 1], -1, -1),
        ("scatter-too-many-rows", [1.0, 2.0], [1], -1, -1),
        ("scatter-another-shape", [1.0, 2.0], [0, 1], [3], -1),
    ):
        p = case(name)
        p.fetch(p.TensorListLength(p.TensorListScatterV2(rows, indices, np.int32(shape), count)))
        yield p
    p = case("concat-lists-of-different-shapes")
    p.fetch(p.TensorListLength(p.TensorListConcatLists(reserve(p, 1, []), reserve(p, 1, [1]), **F)))
    yield p
    p = case("push-batch-of-another-size")
    both = p.Pack([reserve(p, 1, []), reserve(p, 2, [])])
    p.fetch(stack(p, p.Unpack(p.TensorListPushBackBatch(both, [7.0]), num=2)))
    yield p
    p = case("sum-of-different-lengths")
    p.fetch(stack(p, p.AddN([reserve(p, 2, [2]), reserve(p, 3, [2])])))
    yield p


PROGRAMS = [*values(), *errors()]
