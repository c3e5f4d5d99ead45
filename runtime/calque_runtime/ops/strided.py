"""What a strided slice means: the masks of StridedSlice and its kin as numpy's indexing.

The bits of the masks count the entries of begin, end and strides. An entry is, first match wins, ``...`` (ellipsis), a
new axis, a single index (shrink: the axis disappears) or a range whose begin or end may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import InvalidArgumentError
from ..op import Site
from ..record import record
from ..shapes import Dim, Shape

__all__ = ["Spec", "spec_of"]


@record(frozen=True)
class Spec:
    """The masks of one strided slice."""

    begin_mask: int
    end_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    shrink_axis_mask: int

    def entries(self, count: int, rank: int) -> Iterator[tuple[str, int, int]]:
        """What each axis is taken by: ("all" | "new" | "index" | "range", entry, axis), for `count` entries.

        Raises:
            InvalidArgumentError: there are more entries than axes, or two ellipses.
        """
        ellipsis = self.ellipsis_mask & ((1 << count) - 1)
        if ellipsis & (ellipsis - 1):
            raise InvalidArgumentError(None, None, "Multiple ellipses in slice spec not allowed")
        taken = sum(not (1 << i) & (ellipsis | self.new_axis_mask) for i in range(count))
        if taken > rank:
            raise InvalidArgumentError(
                None, None, f"Index out of range using input dim {rank}; input has only {rank} dims"
            )
        axis = 0
        for i in range(count):
            bit = 1 << i
            if ellipsis & bit:
                for _ in range(rank - taken):
                    yield "all", i, axis
                    axis += 1
            elif self.new_axis_mask & bit:
                yield "new", i, axis
            else:
                yield ("index" if self.shrink_axis_mask & bit else "range"), i, axis
                axis += 1
        for rest in range(axis, rank):
            yield "all", count, rest

    def part(self, i: int, axis: int, size: Dim, begin: int, end: int, stride: int, single: bool) -> Any:
        """Entry `i`, which takes axis `axis` of that size, as an index or slice of numpy."""
        if stride == 0:
            raise InvalidArgumentError(None, None, f"strides[{i}] must be non-zero")
        if single:
            if stride < 0:
                raise InvalidArgumentError(None, None, "only stride 1 allowed on non-range indexing.")
            if size is not None and not -size <= begin < size:
                raise InvalidArgumentError(
                    None, None, f"slice index {begin} of dimension {axis} out of bounds."
                )
            return begin
        return slice(
            None if self.begin_mask >> i & 1 else begin, None if self.end_mask >> i & 1 else end, stride
        )

    def key(
        self, shape: tuple[Dim, ...], begin: list[int], end: list[int], strides: list[int]
    ) -> tuple[Any, ...]:
        """The numpy index that reads the slice of an array of that shape (always as an array, 0-d ones included)."""
        if not len(begin) == len(end) == len(strides):
            raise InvalidArgumentError(
                None,
                None,
                "Expected begin, end, and strides to be 1D equal size tensors, but got sizes "
                f"{len(begin)}, {len(end)}, and {len(strides)} instead.",
            )
        out: list[Any] = []
        for kind, i, axis in self.entries(len(begin), len(shape)):
            if kind == "all":
                out.append(slice(None))
            elif kind == "new":
                out.append(None)
            else:
                out.append(self.part(i, axis, shape[axis], begin[i], end[i], strides[i], kind == "index"))
        return (*out, ...)

    def result_shape(self, s: Site, known: Shape, first: int) -> Shape:
        """The static shape of the slice; begin, end and strides are the inputs from `first` on."""
        bounds = [s.const(first + k) for k in range(3)]
        counts = [len(b) for b in bounds if b is not None]
        counts += [
            x[0] for x in s.shapes[first : first + 3] if x is not None and len(x) == 1 and x[0] is not None
        ]
        if known is None or not counts:
            return None
        begin, end, strides = ([None] * counts[0] if b is None else b.tolist() for b in bounds)
        out: list[Dim] = []
        for kind, i, axis in self.entries(counts[0], len(known)):
            if kind == "all":
                out.append(known[axis])
            elif kind == "new":
                out.append(1)
            elif kind == "index":
                at, stride = begin[i], strides[i]
                if at is not None and stride is not None:
                    self.part(i, axis, known[axis], at, 0, stride, True)
            else:
                out.append(self._size(i, axis, known[axis], (begin[i], end[i], strides[i])))
        return tuple(out)

    def _size(self, i: int, axis: int, size: Dim, bounds: Sequence[int | None]) -> Dim:
        """The size of a range, where its bounds (None: not known) tell."""
        begin, end, stride = bounds
        if (
            stride is None
            or (begin is None and not self.begin_mask >> i & 1)
            or (end is None and not self.end_mask >> i & 1)
        ):
            return None
        part = self.part(i, axis, size, begin or 0, end or 0, stride, False)
        return None if size is None else len(range(*part.indices(size)))


def spec_of(s: Site) -> Spec:
    """The masks in a node's attributes."""
    return Spec(s["begin_mask"], s["end_mask"], s["ellipsis_mask"], s["new_axis_mask"], s["shrink_axis_mask"])
