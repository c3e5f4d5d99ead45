"""`Dataset`: a sequence of elements.

It runs in Python, an element at a time; functions given to `map` and the like are traced once, as `tf.function`s are.
"""

from __future__ import annotations

import builtins
import collections
import itertools
import random as _random
from collections.abc import Callable, Iterable
from collections.abc import Iterator as PythonIterator
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype
from calque_runtime.errors import OutOfRangeError

from ..context import init_scope
from ..nest import flatten, map_structure, pack_sequence_as
from ..tensor import EagerTensor, constant, convert_to_tensor
from ..tensor_spec import TensorSpec
from .elements import (
    ElementFunction,
    as_element,
    batched_spec,
    fitting,
    relaxed,
    spec_of,
    stacked,
    to_numpy,
    unpacked,
)

__all__ = ["AUTOTUNE", "Dataset", "INFINITE_CARDINALITY", "Iterator", "UNKNOWN_CARDINALITY"]

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

Source = Callable[[], Iterable[Any]]


class Iterator:
    """What ``iter(dataset)`` gives: its elements, one after the other."""

    def __init__(self, elements: Iterable[Any], element_spec: Any) -> None:
        self._elements = iter(elements)
        self.element_spec = element_spec

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        with init_scope():
            return next(self._elements)

    def get_next(self) -> Any:
        """The next element.

        Raises:
            OutOfRangeError: there is none.
        """
        try:
            return next(self)
        except StopIteration:
            raise OutOfRangeError(None, None, "End of sequence") from None


class Dataset:
    """A sequence of elements: tensors, or tuples and dicts of them.

    Args:
        source: gives the elements anew each time it is called.
        element_spec: the structure of their specs.
        cardinality: how many there are, or INFINITE_CARDINALITY or UNKNOWN_CARDINALITY.
    """

    def __init__(self, source: Source, element_spec: Any, cardinality: int = UNKNOWN_CARDINALITY) -> None:
        self._source = source
        self._element_spec = element_spec
        self._cardinality = cardinality

    # Where elements come from

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element: `tensors`."""
        element = as_element(tensors)
        return Dataset(lambda: [element], spec_of(element), 1)

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The slices of tensors along their first axis.

        Raises:
            ValueError: there is no such axis, or its sizes differ.
        """
        whole = as_element(tensors)
        leaves = flatten(whole)
        if not leaves:
            raise ValueError("Invalid `tensors`. `tensors` should not be empty.")
        if any(leaf.shape.rank == 0 for leaf in leaves):
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        sizes = [int(leaf.shape[0]) if leaf.shape[0] is not None else int(leaf.nrows()) for leaf in leaves]
        if len(set(sizes)) > 1:
            raise ValueError(
                f"Dimensions {sizes[0]} and {next(s for s in sizes if s != sizes[0])} are not compatible"
            )

        def elements() -> PythonIterator[Any]:
            for i in builtins.range(sizes[0]):
                yield map_structure(lambda leaf, i=i: leaf[i], whole)

        def sliced(leaf: Any) -> Any:
            return (
                TensorSpec(leaf.shape[1:], leaf.dtype) if isinstance(leaf, EagerTensor) else spec_of(leaf[0])
            )

        return Dataset(elements, map_structure(sliced, whole), sizes[0])

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Any = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """What a Python generator yields.

        Args:
            generator: a function that gives an iterable, called once for each pass.
            output_types: the structure of the elements' dtypes; with `output_shapes`, an older way to say what
                `output_signature` says.
            output_shapes: the structure of their shapes.
            args: its arguments, given as arrays.
            output_signature: the structure of the elements' specs.
            name: accepted, and of no effect.

        Raises:
            TypeError: `generator` is no function, or nothing says what it yields.
        """
        if not callable(generator):
            raise TypeError("`generator` must be a Python callable.")
        if output_signature is None:
            if output_types is None:
                raise TypeError("Either `output_signature` or `output_types` must be specified.")
            if output_shapes is None:
                output_signature = map_structure(lambda d: TensorSpec(None, as_dtype(d)), output_types)
            else:
                kinds = flatten(output_types)
                shapes = [output_shapes] if len(kinds) == 1 else list(output_shapes)
                output_signature = pack_sequence_as(
                    output_types,
                    [TensorSpec(s, as_dtype(d)) for s, d in builtins.zip(shapes, kinds, strict=True)],
                )
        given: list[Any] = [np.asarray(convert_to_tensor(a)) for a in args or ()]

        def elements() -> PythonIterator[Any]:
            for value in generator(*given):
                yield fitting(value, output_signature)

        return Dataset(elements, output_signature)

    @staticmethod
    def range(*args: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Dataset:
        """Numbers, as Python's `range` gives them.

        Args:
            *args: stop; start and stop; or start, stop and step.
            output_type: their dtype.
            name: accepted, and of no effect.
        """
        numbers = builtins.range(*(int(a) for a in args))
        kind = as_dtype(output_type)
        return Dataset(
            lambda: (constant(np.array(n, kind.np), kind) for n in numbers),
            TensorSpec([], kind),
            len(numbers),
        )

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several datasets side by side, as long as each has one.

        Args:
            *args: datasets; or one structure (a tuple or dict) of them.
            datasets: the same as one structure.
            name: accepted, and of no effect.
        """
        structure = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts: list[Dataset] = flatten(structure)
        counts = [d._cardinality for d in parts]
        finite = [c for c in counts if c != INFINITE_CARDINALITY]
        count = (
            UNKNOWN_CARDINALITY
            if UNKNOWN_CARDINALITY in counts
            else min(finite, default=INFINITE_CARDINALITY)
        )
        return Dataset(
            lambda: (pack_sequence_as(structure, each) for each in builtins.zip(*parts, strict=False)),
            map_structure(lambda d: d.element_spec, structure),
            count,
        )

    # What they are

    @property
    def element_spec(self) -> Any:
        """The structure of the elements' specs."""
        return self._element_spec

    def cardinality(self, name: str | None = None) -> Any:
        """How many elements there are: a scalar of int64; INFINITE_CARDINALITY or UNKNOWN_CARDINALITY."""
        return constant(self._cardinality, dtypes.int64)

    def __len__(self) -> int:
        if self._cardinality == INFINITE_CARDINALITY:
            raise TypeError("The dataset is infinite.")
        if self._cardinality == UNKNOWN_CARDINALITY:
            raise TypeError("The dataset length is unknown.")
        return self._cardinality

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator:
        return Iterator(self._source(), self._element_spec)

    def as_numpy_iterator(self) -> PythonIterator[Any]:
        """The elements, with arrays in place of tensors."""
        return (to_numpy(element) for element in self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} element_spec={self._element_spec!r}>"

    # What can be made of them

    def _known(self, change: Callable[[int], int]) -> int:
        """The number of elements after a change, where it is known and finite."""
        return change(self._cardinality) if self._cardinality >= 0 else self._cardinality

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """What a function gives for each element, in their order. The function is traced once.

        Args:
            map_func: takes the element; a tuple's parts come as arguments of their own.
            num_parallel_calls, deterministic, synchronous, use_unbounded_threadpool, name: of no effect.
        """
        each = ElementFunction(map_func, self._element_spec)
        return Dataset(lambda: builtins.map(each, self), each.result_spec, self._cardinality)

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which `predicate` gives True."""
        holds = ElementFunction(predicate, self._element_spec)
        spec = holds.result_spec
        if (
            not isinstance(spec, TensorSpec)
            or spec.dtype is not dtypes.bool
            or spec.shape.rank not in (0, None)
        ):
            raise ValueError(
                "Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor, but its return type is "
                f"{spec}."
            )
        return Dataset(lambda: (e for e in self if bool(holds(e))), self._element_spec)

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements up to the first for which `predicate` gives False."""
        holds = ElementFunction(predicate, self._element_spec)
        return Dataset(lambda: itertools.takewhile(lambda e: bool(holds(e)), self), self._element_spec)

    def flat_map(self, map_func: Callable[..., Dataset], name: str | None = None) -> Dataset:
        """The elements of the datasets that a function gives for each element, one dataset after the other."""
        first = self._first_of(map_func)
        return Dataset(
            lambda: (inner for e in self for inner in map_func(*unpacked(e))),
            self._element_spec if first is None else first.element_spec,
        )

    def interleave(
        self,
        map_func: Callable[..., Dataset],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """As `flat_map`, `block_length` elements at a time of each of `cycle_length` datasets in turn."""
        first = self._first_of(map_func)
        width, block = max(cycle_length or 1, 1), block_length or 1

        def elements() -> PythonIterator[Any]:
            waiting = iter(self)
            slots: list[Any] = [iter(map_func(*unpacked(e))) for e in itertools.islice(waiting, width)]
            while any(s is not None for s in slots):
                for i, slot in enumerate(slots):
                    if slot is None:
                        continue
                    taken = list(itertools.islice(slot, block))
                    yield from taken
                    if len(taken) < block:
                        following = next(waiting, None)
                        slots[i] = None if following is None else iter(map_func(*unpacked(following)))

        return Dataset(elements, self._element_spec if first is None else first.element_spec)

    def _first_of(self, map_func: Callable[..., Dataset]) -> Dataset | None:
        """The dataset that `map_func` gives for the first element.

        Raises:
            TypeError: it gives something else.
        """
        for element in self:
            made = map_func(*unpacked(element))
            if not isinstance(made, Dataset):
                raise TypeError(
                    f"The `map_func` argument must return a `Dataset` object. Got {type(made)!r}."
                )
            return made
        return None

    def batch(
        self,
        batch_size: Any,
        drop_remainder: bool = False,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """`batch_size` elements as one, their tensors with a new first axis; the last one may be smaller.

        Raises:
            ValueError: `batch_size` is not positive; or, when they are read, the shapes of a batch differ.
        """
        size = int(batch_size)
        if size <= 0:
            raise ValueError(f"Batch size must be positive, but is {size}.")

        def elements() -> PythonIterator[Any]:
            source = iter(self)
            while chunk := list(itertools.islice(source, size)):
                if len(chunk) == size or not drop_remainder:
                    yield stacked(chunk)

        spec = batched_spec(self._element_spec, size if drop_remainder else None)
        return Dataset(elements, spec, self._known(lambda n: n // size if drop_remainder else -(-n // size)))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The slices of each element along its first axis."""

        def narrower(one: Any) -> Any:
            return TensorSpec(one.shape[1:], one.dtype) if isinstance(one, TensorSpec) else one

        return Dataset(
            lambda: (part for e in self for part in Dataset.from_tensor_slices(e)),
            map_structure(narrower, self._element_spec),
        )

    def shuffle(
        self,
        buffer_size: Any,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = True,
        name: str | None = None,
    ) -> Dataset:
        """The elements in another order: each is drawn from the next `buffer_size` ones.

        Args:
            buffer_size: among how many.
            seed: makes the order repeatable. It is not the order that TensorFlow has for the seed.
            reshuffle_each_iteration: does each pass have an order of its own?
            name: accepted, and of no effect.
        """
        from ..api.random_ops import get_seeds

        size = int(buffer_size)
        if size <= 0:
            raise ValueError(f"`buffer_size` must be greater than zero, but is {size}.")
        first = get_seeds(seed)
        start = _random.Random(None if first == (0, 0) else str(first))
        fixed = start.getstate()

        def elements() -> PythonIterator[Any]:
            order = start
            if not reshuffle_each_iteration:
                order = _random.Random()
                order.setstate(fixed)
            buffer: list[Any] = []
            for element in self:
                if len(buffer) < size:
                    buffer.append(element)
                    continue
                at = order.randrange(size)
                buffer[at], element = element, buffer[at]
                yield element
            order.shuffle(buffer)
            yield from buffer

        return Dataset(elements, self._element_spec, self._cardinality)

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """The elements `count` times over; None or -1: forever."""
        times = -1 if count is None else int(count)

        def elements() -> PythonIterator[Any]:
            for _ in itertools.count() if times < 0 else builtins.range(times):
                empty = True
                for element in self:
                    empty = False
                    yield element
                if empty:
                    return

        cardinality = self._known(lambda n: n * times if times >= 0 else INFINITE_CARDINALITY if n else 0)
        return Dataset(elements, self._element_spec, 0 if times == 0 else cardinality)

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first `count` elements; -1: all."""
        most = int(count)
        if most < 0:
            return self
        total = most if self._cardinality == INFINITE_CARDINALITY else self._known(lambda n: min(n, most))
        return Dataset(lambda: itertools.islice(self, most), self._element_spec, total)

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """The elements behind the first `count`; -1: none."""
        first = int(count)
        if first < 0:
            return Dataset(lambda: [], self._element_spec, 0)
        return Dataset(
            lambda: itertools.islice(self, first, None),
            self._element_spec,
            self._known(lambda n: max(n - first, 0)),
        )

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Every `num_shards`-th element, from the one at `index` on."""
        step, first = int(num_shards), int(index)
        if step < 1 or not 0 <= first < step:
            raise ValueError(f"`index` must be in [0, num_shards), but is {first} of {step}.")
        return Dataset(
            lambda: itertools.islice(self, first, None, step),
            self._element_spec,
            self._known(lambda n: len(builtins.range(first, n, step))),
        )

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """The elements, and those of another dataset behind them."""
        counts = (self._cardinality, dataset._cardinality)
        total = INFINITE_CARDINALITY if INFINITE_CARDINALITY in counts else UNKNOWN_CARDINALITY
        return Dataset(
            lambda: itertools.chain(self, dataset),
            relaxed(self._element_spec, dataset.element_spec),
            sum(counts) if min(counts) >= 0 else total,
        )

    def enumerate(self, start: Any = 0, name: str | None = None) -> Dataset:
        """Pairs of a number (int64) and an element."""
        return Dataset.zip(Dataset.range(int(start), 2**63 - 1)._endless(), self)

    def _endless(self) -> Dataset:
        return Dataset(self._source, self._element_spec, INFINITE_CARDINALITY)

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Dataset:
        """The same elements: nothing is fetched ahead."""
        return self

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """The same elements, kept in memory from the first complete pass on; `filename` is of no effect."""
        kept: list[Any] = []
        complete = False

        def elements() -> PythonIterator[Any]:
            nonlocal complete
            if complete:
                yield from kept
                return
            seen = []
            for element in self:
                seen.append(element)
                yield element
            kept[:], complete = seen, True

        return Dataset(elements, self._element_spec, self._cardinality)

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """``transformation_func(self)``."""
        return transformation_func(self)

    def with_options(self, options: Any, name: str | None = None) -> Dataset:
        """The same elements: options are of no effect."""
        return self

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Datasets (or structures of them) of `size` elements, `stride` apart; each begins `shift` further on."""
        step = size if shift is None else shift

        def elements() -> PythonIterator[Any]:
            source, buffer, gap = iter(self), collections.deque[Any](), 0
            reach = (size - 1) * stride + 1
            while True:
                while gap and next(source, None) is not None:
                    gap -= 1
                buffer.extend(itertools.islice(source, reach - len(buffer)))
                inside = list(itertools.islice(buffer, 0, None, stride))[:size]
                if not inside or (len(inside) < size and drop_remainder):
                    return
                yield _as_datasets(inside, self._element_spec)
                gap = max(step - len(buffer), 0)
                for _ in builtins.range(min(step, len(buffer))):
                    buffer.popleft()

        return Dataset(elements, self._element_spec)

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """``reduce_func(state, element)`` for each element in turn, beginning with `initial_state`; the last state."""
        state = as_element(initial_state)
        step = ElementFunction(reduce_func, spec_of(state), self._element_spec)
        for element in self:
            state = step(state, element)
        return state

    def get_single_element(self, name: str | None = None) -> Any:
        """The one element.

        Raises:
            InvalidArgumentError: there is not exactly one.
        """
        from calque_runtime.errors import InvalidArgumentError

        found = list(itertools.islice(self, 2))
        if len(found) != 1:
            problem = "was empty" if not found else "had more than one element"
            raise InvalidArgumentError(None, None, f"Dataset {problem}.")
        return found[0]


def _as_datasets(elements: list[Any], spec: Any) -> Any:
    """Elements as a dataset, or as a structure of datasets of their parts."""
    columns = builtins.zip(*(flatten(e) for e in elements), strict=True)
    parts = [
        Dataset(lambda c=c: list(c), s, len(elements))  # type: ignore[misc]
        for c, s in builtins.zip(columns, flatten(spec), strict=True)
    ]
    return pack_sequence_as(spec, parts)
