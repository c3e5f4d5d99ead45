"""Datasets in graphs: where an iterator takes its elements from.

A dataset is a recipe: an object that can be asked for a fresh Python iterator over elements, each a tuple of arrays.
Elements are made one by one, when an iterator is asked for them. Orders that are random are not TensorFlow's.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..dtypes import DType
from ..op import Array, Kernel, Op, Site, op, register, registered
from .common import as_strings, check_size, scalar, shape_of

__all__ = ["Dataset", "Element", "as_dataset"]

Element = tuple[Any, ...]

_OUT = "output_types: list(type) >=1; output_shapes: list(shape) >=1"
_TOUT = "Toutput_types: list(type) >=1; output_shapes: list(shape) >=1"
_META = "metadata: string=''"


class Dataset:
    """A recipe for elements.

    Attributes:
        elements: gives a fresh iterator over them.
    """

    __slots__ = ("elements",)

    def __init__(self, elements: Callable[[], Iterator[Element]]) -> None:
        self.elements = elements


def as_dataset(s: Site, value: Any) -> Dataset:
    """`value`, if it is a dataset.

    Raises:
        InvalidArgumentError: it is not.
    """
    found = value[()] if getattr(value, "shape", None) == () else value
    if type(found) is not Dataset:
        raise s.error(f"the input is no dataset, but {value!r}")
    return found


def _source(name: str, make: Callable[[Site, Element], Iterable[Element]], attrs: str, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        def run(*components: Any) -> Dataset:
            elements = make(s, components)
            return Dataset(lambda: iter(elements))

        return run

    return register(
        Op(f"{name}(components: list(Toutput_types)) -> (handle: variant) | {attrs} | stateful", kernel, doc)
    )


class _Slices:
    def __init__(self, components: Element) -> None:
        self.components = components

    def __iter__(self) -> Iterator[Element]:
        for row in range(len(self.components[0])):
            yield tuple(_row(c, row) for c in self.components)


def _row(component: Any, row: int) -> Any:
    value = component[row]
    return as_strings(value, ()) if isinstance(value, bytes) else value


def _slices(s: Site, components: Element) -> Iterable[Element]:
    sizes = {shape_of(c)[0] if shape_of(c) else None for c in components}
    if len(sizes) != 1 or None in sizes:
        raise s.error("All components must have the same number of rows, and at least one dimension")
    return _Slices(components)


tensor_dataset: Op = _source(
    "TensorDataset", lambda s, components: [components], f"{_TOUT}; {_META}", "A dataset of one element."
)
tensor_slice_dataset: Op = _source(
    "TensorSliceDataset",
    _slices,
    f"{_TOUT}; is_files: bool=false; {_META}; replicate_on_split: bool=false",
    "A dataset whose elements are the rows of tensors.",
)


@op(
    f"RangeDataset(start: int64, stop: int64, step: int64) -> (handle: variant) | {_OUT}; {_META}; "
    "replicate_on_split: bool=false | stateful"
)
def range_dataset(s: Site) -> Kernel:
    """The numbers from `start` to `stop`, `step` apart."""
    dtype = s["output_types"][0].np

    def run(start: Array, stop: Array, step: Array) -> Dataset:
        if not int(step):
            raise s.error("step must be a non-zero integer.")
        numbers = range(int(start), int(stop), int(step))
        return Dataset(lambda: ((np.asarray(i, dtype),) for i in numbers))

    return run


Step = Callable[[Site, Dataset, Sequence[Any]], Callable[[], Iterator[Element]]]


def _step(name: str, args: str, attrs: str, doc: str) -> Callable[[Step], Op]:
    """Declare an op from a dataset and other inputs to a dataset."""

    def declare(make: Step) -> Op:
        def kernel(s: Site) -> Kernel:
            if any(one.kind == "func" for one in s.op.signature.attrs.values()):
                s.function("f" if "f" in s.op.signature.attrs else "predicate")  # is it there?

            def run(dataset: Any, *rest: Any) -> Dataset:
                return Dataset(make(s, as_dataset(s, dataset), rest))

            return run

        made = register(
            Op(f"{name}(input_dataset: variant{args}) -> (handle: variant) | {attrs}", kernel, doc)
        )
        made.shape_rule = scalar
        return made

    return declare


@_step(
    "RepeatDataset",
    ", count: int64",
    f"{_OUT}; {_META}",
    "The elements again and again; `count` times where not -1.",
)
def repeat_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    count = int(rest[0])

    def elements() -> Iterator[Element]:
        for _ in itertools.count() if count < 0 else range(count):
            some = False
            for element in dataset.elements():
                some = True
                yield element
            if not some:
                return

    return elements


@_step(
    "TakeDataset",
    ", count: int64",
    f"{_OUT}; {_META}",
    "The first elements; all of them where `count` is -1.",
)
def take_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    count = int(rest[0])
    return lambda: itertools.islice(dataset.elements(), None if count < 0 else count)


@_step(
    "SkipDataset",
    ", count: int64",
    f"{_OUT}; {_META}",
    "All but the first elements; none where `count` is -1.",
)
def skip_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    count = int(rest[0])
    return lambda: iter(()) if count < 0 else itertools.islice(dataset.elements(), count, None)


def _batches(
    s: Site, dataset: Dataset, size: Any, drop: bool, stack: Callable[[list[Element]], Element]
) -> Callable[[], Iterator[Element]]:
    count = int(size)
    if count <= 0:
        raise s.error("Batch size must be greater than zero.")

    def elements() -> Iterator[Element]:
        source = dataset.elements()
        while True:
            rows: list[Element] = []
            for element in itertools.islice(source, count):
                if not rows:
                    for part, dtype in zip(element, _types(s), strict=False):
                        check_size(s, (count, *shape_of(part)), dtype)
                rows.append(element)
            if not rows or (drop and len(rows) < count):
                return
            yield stack(rows)

    return elements


def _types(s: Site) -> Sequence[DType]:
    name = "output_types" if "output_types" in s.op.signature.attrs else "Toutput_types"
    return s[name]  # type: ignore[no-any-return]


def _stacked(s: Site) -> Callable[[list[Element]], Element]:
    def stack(rows: list[Element]) -> Element:
        out = []
        for parts in zip(*rows, strict=True):
            shapes = {shape_of(p) for p in parts}
            if len(shapes) > 1:
                raise s.error(f"Cannot batch tensors with different shapes: {sorted(shapes)}")
            out.append(np.stack(parts))
        return tuple(out)

    return stack


@_step("BatchDataset", ", batch_size: int64", f"{_OUT}; {_META}", "Elements stacked, so many at a time.")
def batch_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    return _batches(s, dataset, rest[0], False, _stacked(s))


@_step(
    "BatchDatasetV2",
    ", batch_size: int64, drop_remainder: bool",
    f"parallel_copy: bool=false; {_OUT}; {_META}",
    "Elements stacked, so many at a time.",
)
def batch_dataset_v2(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    return _batches(s, dataset, rest[0], bool(rest[1]), _stacked(s))


def _padded(s: Site, rest: Sequence[Any]) -> Callable[[list[Element]], Element]:
    count = s["N"]
    shapes, values = rest[1 : 1 + count], rest[1 + count : 1 + 2 * count]

    def stack(rows: list[Element]) -> Element:
        out: list[Any] = []
        for parts, wanted, value in zip(zip(*rows, strict=True), shapes, values, strict=True):
            first = parts[0]
            sizes = [int(d) for d in np.ravel(wanted)]
            if any(np.ndim(p) != len(sizes) for p in parts):
                raise s.error(f"an element of rank {np.ndim(first)} cannot be padded to the shape {sizes}")
            longest = [max(np.shape(p)[i] for p in parts) for i in range(len(sizes))]
            full = [most if size < 0 else size for size, most in zip(sizes, longest, strict=True)]
            if any(most > size for size, most in zip(full, longest, strict=True)):
                raise s.error(f"an element of shape {longest} does not fit into the padded shape {sizes}")
            dtype = _types(s)[len(out)]
            made = np.empty(check_size(s, (len(parts), *full), dtype), getattr(first, "dtype", object))
            made[...] = value
            for i, part in enumerate(parts):
                corner: Any = (i, *(slice(0, n) for n in np.shape(part)))
                made[corner] = part
            out.append(made)
        return tuple(out)

    return stack


_PADDED = ", batch_size: int64, padded_shapes: N*int64, padding_values: list(Toutput_types)"


@_step(
    "PaddedBatchDataset",
    _PADDED,
    f"{_TOUT}; N: int >=1; {_META}",
    "Elements padded to one shape and stacked.",
)
def padded_batch_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    return _batches(s, dataset, rest[0], False, _padded(s, rest))


@_step(
    "PaddedBatchDatasetV2",
    f"{_PADDED}, drop_remainder: bool",
    f"parallel_copy: bool=false; {_TOUT}; N: int >=1; {_META}",
    "Elements padded to one shape and stacked.",
)
def padded_batch_dataset_v2(
    s: Site, dataset: Dataset, rest: Sequence[Any]
) -> Callable[[], Iterator[Element]]:
    return _batches(s, dataset, rest[0], bool(rest[-1]), _padded(s, rest))


def _map(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    run, captured = s.function("f"), rest[: len(s["Targuments"])]
    return lambda: (tuple(run(*element, *captured)) for element in dataset.elements())


_OTHERS = ", other_arguments: list(Targuments)"
_F = f"f: func; Targuments: list(type) >=0; {_OUT}; "
for _name, _inputs, _attrs in (
    ("MapDataset", "", "preserve_cardinality: bool=false; force_synchronous: bool=false"),
    (
        "ParallelMapDataset",
        ", num_parallel_calls: int32",
        "sloppy: bool=false; preserve_cardinality: bool=false",
    ),
    (
        "ParallelMapDatasetV2",
        ", num_parallel_calls: int64",
        "deterministic: string='default'; preserve_cardinality: bool=false; use_unbounded_threadpool: bool=false",
    ),
):
    _step(
        _name,
        _OTHERS + _inputs,
        f"{_F}use_inter_op_parallelism: bool=true; {_attrs}; {_META}",
        "What a function makes of each element.",
    )(_map)


@_step(
    "FlatMapDataset",
    _OTHERS,
    f"{_F}{_META}",
    "The elements of the dataset that a function makes of each element.",
)
def flat_map_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    run = s.function("f")

    def elements() -> Iterator[Element]:
        for element in dataset.elements():
            yield from as_dataset(s, run(*element, *rest)[0]).elements()

    return elements


@_step(
    "FilterDataset",
    _OTHERS,
    f"predicate: func; Targuments: list(type) >=0; {_OUT}; {_META}",
    "The elements for which a function gives True.",
)
def filter_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    run = s.function("predicate")
    return lambda: (element for element in dataset.elements() if bool(run(*element, *rest)[0]))


@_step(
    "ShuffleDataset",
    ", buffer_size: int64, seed: int64, seed2: int64",
    f"reshuffle_each_iteration: bool=true; {_OUT}; {_META}",
    "The elements, each a random one of the next `buffer_size`; not in TensorFlow's order.",
)
def shuffle_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    size, seeds = int(rest[0]), [int(one) & 0xFFFFFFFFFFFFFFFF for one in rest[1:3]]
    if size <= 0:
        raise s.error("buffer_size must be greater than zero.")

    def elements() -> Iterator[Element]:
        random = np.random.default_rng(seeds if any(seeds) else None)
        source = dataset.elements()
        waiting = list(itertools.islice(source, size))
        while waiting:
            at = int(random.integers(len(waiting)))
            yield waiting[at]
            following = next(source, None)
            if following is None:
                waiting.pop(at)
            else:
                waiting[at] = following

    return elements


def _same(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    return dataset.elements


_step("PrefetchDataset", ", buffer_size: int64", f"{_OUT}; slack_period: int=0; legacy_autotune: bool=true; "
      f"buffer_size_min: int=0; {_META}", "The elements.")(_same)  # fmt: skip
_step("ModelDataset", "", f"algorithm: int=0; cpu_budget: int=0; ram_budget: int=0; {_OUT}", "The elements.")(
    _same
)
_step(
    "OptimizeDataset",
    ", optimizations: string",
    f"{_OUT}; optimization_configs: list(string)=[]",
    "The elements.",
)(_same)
_step("OptionsDataset", "", f"serialized_options: string; {_OUT}; {_META}", "The elements.")(_same)


@_step("CacheDataset", ", filename: string", f"{_OUT}; {_META}", "The elements, kept in memory.")
def cache_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    if np.asarray(rest[0], object).item():
        raise s.unsupported("CacheDataset in a file is not supported")
    return dataset.elements


@_step(
    "ConcatenateDataset",
    ", another_dataset: variant",
    f"{_OUT}; {_META}",
    "The elements of one, then of the other.",
)
def concatenate_dataset(s: Site, dataset: Dataset, rest: Sequence[Any]) -> Callable[[], Iterator[Element]]:
    other = as_dataset(s, rest[0])
    return lambda: itertools.chain(dataset.elements(), other.elements())


@op(f"ZipDataset(input_datasets: N*variant) -> (handle: variant) | {_OUT}; N: int >=1; {_META}")
def zip_dataset(s: Site) -> Kernel:
    """Elements of several datasets side by side, as long as there is one of each."""

    def run(*datasets: Any) -> Dataset:
        found = [as_dataset(s, one) for one in datasets]

        def elements() -> Iterator[Element]:
            for parts in zip(*(one.elements() for one in found), strict=False):
                yield tuple(itertools.chain.from_iterable(parts))

        return Dataset(elements)

    return run


for _one in (tensor_dataset, tensor_slice_dataset, range_dataset, zip_dataset):
    _one.shape_rule = scalar

# What docs/ops.md says of limits.
for _names, _words in (
    ("ShuffleDataset", "not in TensorFlow's order"),
    ("CacheDataset", "in memory only; refused: a file"),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
