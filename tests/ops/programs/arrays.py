"""Programs of TensorArray ops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ops.programs import Program, Ref, i64, strings

INVALID = "InvalidArgumentError"


class Array:
    """A TensorArray in a program: its handle, and the flow that orders what is done to it."""

    def __init__(self, p: Program, size: int, dtype: str = "float32", **attrs: Any) -> None:
        self.p, self.dtype = p, dtype
        self.handle = p.TensorArrayV3(size, dtype=dtype, **attrs)
        self.flow = self.handle.out(1)

    def write(self, i: int, value: Any) -> Array:
        self.flow = self.p.TensorArrayWriteV3(self.handle, i, value, self.flow)
        return self

    def read(self, i: int) -> Ref:
        return self.p.TensorArrayReadV3(self.handle, i, self.flow, dtype=self.dtype)

    def gather(self, indices: Any, **attrs: Any) -> Ref:
        return self.p.TensorArrayGatherV3(
            self.handle, np.int32(indices), self.flow, dtype=self.dtype, **attrs
        )

    def scatter(self, indices: Any, value: Any) -> Array:
        self.flow = self.p.TensorArrayScatterV3(self.handle, np.int32(indices), value, self.flow)
        return self

    def concat(self, **attrs: Any) -> Ref:
        return self.p.TensorArrayConcatV3(self.handle, self.flow, dtype=self.dtype, **attrs)

    def split(self, value: Any, lengths: Any) -> Array:
        self.flow = self.p.TensorArraySplitV3(self.handle, value, i64(lengths), self.flow)
        return self

    def size(self) -> Ref:
        return self.p.TensorArraySizeV3(self.handle, self.flow)


def values() -> Iterator[Program]:
    p = Program("write-read")
    a = Array(p, 3).write(0, [1.0, 2.0]).write(2, [3.0])
    p.fetch(a.read(0), a.read(2), a.size())
    yield p
    p = Program("read-twice")
    a = Array(p, 1, clear_after_read=False).write(0, [1.0, 2.0])
    p.fetch(a.read(0), a.read(0))
    yield p
    p = Program("grows")
    a = Array(p, 0, dynamic_size=True).write(5, [1.0, 2.0])
    p.fetch(a.size(), a.read(5))
    yield p
    p = Program("read-unwritten")
    p.fetch(Array(p, 1, element_shape=[2]).read(0), Array(p, 1, "int32", element_shape=[]).read(0))
    p.fetch(Array(p, 2, identical_element_shapes=True).write(0, [1.0, 2.0]).read(1))
    yield p
    p = Program("gather-scatter")
    a = Array(p, 3, clear_after_read=False).scatter([0, 2, 1], [[1.0], [2.0], [3.0]])
    p.fetch(a.gather([1, 0]), a.gather([1, 1]), a.gather([2], element_shape=[1]))
    p.fetch(Array(p, 0).gather([], element_shape=[4]))
    p.fetch(Array(p, 0, dynamic_size=True).scatter([0, 2, 1], [[1.0], [2.0], [3.0]]).size())
    p.fetch(Array(p, 2, element_shape=[2]).write(0, [1.0, 2.0]).gather([0, 1]))
    yield p
    p = Program("strings")
    a = Array(p, 2, "string", clear_after_read=False).write(0, strings(b"a")).write(1, strings(b"b"))
    p.fetch(a.gather([1, 0]), a.read(1), a.concat())
    p.fetch(Array(p, 2, "string").scatter([1, 0], strings(b"x", b"y")).read(0))
    yield p
    p = Program("split-concat")
    a = Array(p, 3, clear_after_read=False).split([[1.0], [2.0], [3.0], [4.0]], [1, 0, 3])
    whole = a.concat()
    p.fetch(whole, whole.out(1), a.concat(element_shape_except0=[1]), a.read(2))
    p.fetch(Array(p, 1, dynamic_size=True).split([1.0, 2.0, 3.0], [1, 2]).size())
    nothing = Array(p, 0).concat(element_shape_except0=[2])
    p.fetch(nothing, nothing.out(1))
    yield p
    p = Program("gradients-add-up")
    a = Array(p, 3, clear_after_read=False).write(0, [1.0, 2.0]).write(1, [3.0, 4.0])
    g = p.TensorArrayGradV3(a.handle, a.flow, source="gradients")
    flow = p.TensorArrayWriteV3(g, 0, [1.0, 1.0], g.out(1))
    flow = p.TensorArrayWriteV3(g, 0, [2.0, 3.0], flow)
    again = p.TensorArrayGradV3(a.handle, flow, source="gradients")
    other = p.TensorArrayGradV3(a.handle, flow, source="others")
    for handle in (again, other):
        p.fetch(p.TensorArrayReadV3(handle, 0, handle.out(1), dtype="float32"))
        p.fetch(p.TensorArrayReadV3(handle, 1, handle.out(1), dtype="float32"))
    p.fetch(p.TensorArraySizeV3(again, flow))
    wide = p.TensorArrayGradWithShape(a.handle, flow, [3], source="wide")
    p.fetch(p.TensorArrayReadV3(wide, 0, wide.out(1), dtype="float32"))
    yield p


def errors() -> Iterator[Program]:
    def case(name: str, size: int = 3, error: str = INVALID, **attrs: Any) -> tuple[Program, Array]:
        p = Program(name, error)
        return p, Array(p, size, **attrs)

    p, a = case("read-cleared")
    a.write(0, [1.0])
    p.fetch(a.read(0), a.read(0))
    yield p
    p, a = case("write-twice")
    p.fetch(a.write(0, [1.0]).write(0, [2.0]).size())
    yield p
    p, a = case("write-behind-the-end")
    p.fetch(a.write(3, [1.0]).size())
    yield p
    p, a = case("write-negative", dynamic_size=True)
    p.fetch(a.write(-1, [1.0]).size())
    yield p
    p, a = case("read-unwritten-of-unknown-shape")
    p.fetch(a.read(0))
    yield p
    p, a = case("read-behind-the-end", dynamic_size=True, element_shape=[1])
    p.fetch(a.read(7))
    yield p
    p, a = case("write-another-shape", element_shape=[3])
    p.fetch(a.write(0, [1.0]).size())
    yield p
    p, a = case("write-another-shape-than-before", identical_element_shapes=True)
    p.fetch(a.write(0, [1.0]).write(1, [1.0, 2.0]).size())
    yield p
    p, a = case("write-another-dtype")
    p.fetch(a.write(0, [1]).size())
    yield p
    p, a = case("read-another-dtype")
    a.write(0, [1.0])
    a.dtype = "int32"
    p.fetch(a.read(0))
    yield p
    p, a = case("gather-of-different-shapes")
    p.fetch(a.write(0, [1.0]).write(1, [1.0, 2.0]).gather([0, 1]))
    yield p
    p, a = case("gather-twice")
    p.fetch(a.write(0, [1.0]).gather([0, 0]))
    yield p
    p, a = case("gather-another-shape")
    p.fetch(a.write(0, [1.0]).gather([0], element_shape=[2]))
    yield p
    p, a = case("gather-at-a-scalar")
    p.fetch(a.write(0, [1.0]).gather(0))
    yield p
    p, a = case("gather-nothing-of-unknown-shape", 0, "UnimplementedError")
    p.fetch(a.gather([]))
    yield p
    for name, indices, value in (
        ("scatter-too-few", [0, 1], [[1.0]]),
        ("scatter-behind-the-end", [0, 3], [1.0, 2.0]),
        ("scatter-negative", [0, -1], [1.0, 2.0]),
        ("scatter-twice", [0, 0], [1.0, 2.0]),
    ):
        p, a = case(name)
        p.fetch(a.scatter(indices, value).size())
        yield p
    p, a = case("concat-another-shape", 1)
    p.fetch(a.write(0, [[1.0]]).concat(element_shape_except0=[2]))
    yield p
    p, a = case("concat-scalars", 1)
    p.fetch(a.write(0, 1.0).concat())
    yield p
    p, a = case("concat-nothing-of-unknown-shape", 0, "UnimplementedError")
    p.fetch(a.concat())
    yield p
    for name, lengths in (
        ("split-too-long", [1, 1, 3]),
        ("split-too-short", [1, 0, 1]),
        ("split-another-count", [1, 2]),
    ):
        p, a = case(name)
        p.fetch(a.split([1.0, 2.0, 3.0], lengths).size())
        yield p
    p, a = case("negative-size", -1)
    p.fetch(a.size())
    yield p
    p, a = case("read-closed")
    a.write(0, [1.0])
    p.TensorArrayCloseV3(a.handle)
    p.fetch(a.read(0))
    yield p
    p, a = case("grow-behind-a-gradient", 1, dynamic_size=True)
    g = p.TensorArrayGradV3(a.write(0, [1.0]).handle, a.flow, source="gradients")
    p.fetch(a.write(5, [1.0]).size(), g.out(1))
    yield p


def versions(version: str) -> Program:
    """The same with the ops of either version; TensorFlow no longer lets the older ones into a graph.

    TensorArrayV2 TensorArrayWriteV2 TensorArrayReadV2 TensorArrayScatterV2 TensorArrayGatherV2 TensorArraySplitV2
    TensorArrayConcatV2 TensorArraySizeV2 TensorArrayGradV2 TensorArrayCloseV2
    """
    p = Program("versions")

    def call(op: str, *inputs: Any, **attrs: Any) -> Ref:
        return p.call(f"TensorArray{op}{version}", *inputs, **attrs)

    handle = call("", 3, dtype="float32", clear_after_read=False)
    flow = call("Write", handle, 0, [1.0, 2.0], 0.0)
    flow = call("Scatter", handle, [1, 2], [[3.0, 4.0], [5.0, 6.0]], flow)
    p.fetch(call("Read", handle, 1, flow, dtype="float32"), call("Size", handle, flow))
    p.fetch(
        call("Gather", handle, [2, 0], flow, dtype="float32"), call("Concat", handle, flow, dtype="float32")
    )
    p.fetch(call("Read", call("Grad", handle, flow, source="g"), 0, flow, dtype="float32"))
    split = call("", 2, dtype="float32")
    flow = call("Split", split, [1.0, 2.0, 3.0], i64([1, 2]), 0.0)
    p.fetch(call("Read", split, 1, flow, dtype="float32"))
    call("Close", split)
    return p


PROGRAMS = [*values(), *errors(), versions("V3")]
OLD_PROGRAMS = [versions("V2")]
