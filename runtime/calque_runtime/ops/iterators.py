"""Iterators over datasets, as resources: what a signature takes its input from that the initializer has begun."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import FailedPreconditionError, NotFoundError, OutOfRangeError
from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape
from .common import as_strings, scalar
from .datasets import Dataset, Element, as_dataset
from .stacks import Optional

__all__: list[str] = []

_KIND = "iterator"  # of resources, see Environment.resource
_OUT = "output_types: list(type) >=1; output_shapes: list(shape) >=1"


class DatasetIterator:
    """What an iterator resource stands for: how far a dataset has been read.

    Attributes:
        name: for messages, and its string handle.
    """

    __slots__ = ("_elements", "_lock", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._elements: Iterator[Element] | None = None
        self._lock = threading.Lock()

    def start(self, dataset: Dataset) -> None:
        """Begin at the first element of a dataset."""
        with self._lock:
            self._elements = dataset.elements()

    def take(self) -> Element | None:
        """The next element; None where there is no more.

        Raises:
            FailedPreconditionError: it has no dataset yet.
        """
        with self._lock:
            if self._elements is None:
                raise FailedPreconditionError(
                    None,
                    None,
                    f"iterator '{self.name}' has no dataset: the model's initializer did not run MakeIterator for it; "
                    "its elements can be fed in place of IteratorGetNext where a signature lists that as an input",
                )
            return next(self._elements, None)


def _iterator(s: Site, value: Any) -> DatasetIterator:
    if type(value) is not DatasetIterator:
        raise s.error(f"the input is no iterator, but {value!r}")
    return value


def _named_iterator(name: str, container: str) -> Op:
    def kernel(s: Site) -> Kernel:
        env = s.env
        if env is None:
            raise s.error("an iterator needs an environment to live in")
        key = s["shared_name"].decode(errors="replace") or s.name
        place = s["container"].decode(errors="replace")
        return lambda: env.resource(_KIND, place, key, lambda: DatasetIterator(key))

    made = register(
        Op(f"{name}() -> (handle: resource) | {container}; {_OUT} | stateful", kernel, "An iterator.")
    )
    made.shape_rule = scalar
    return made


iterator: Op = _named_iterator("Iterator", "shared_name: string; container: string")
iterator_v2: Op = _named_iterator("IteratorV2", "shared_name: string; container: string")


@op(
    f"OneShotIterator() -> (handle: resource) | dataset_factory: func; {_OUT}; container: string=''; "
    "shared_name: string='' | stateful"
)
def one_shot_iterator(s: Site) -> Kernel:
    """An iterator over the dataset that a function makes, begun once."""
    env, make = s.env, s.function("dataset_factory")
    if env is None:
        raise s.error("an iterator needs an environment to live in")
    key = s["shared_name"].decode(errors="replace") or s.name
    place = s["container"].decode(errors="replace")

    def begin() -> DatasetIterator:
        made = DatasetIterator(key)
        made.start(as_dataset(s, make()[0]))
        return made

    return lambda: env.resource(_KIND, place, key, begin)


one_shot_iterator.shape_rule = scalar


@op("MakeIterator(dataset: variant, iterator: resource) -> () | stateful")
def make_iterator(s: Site) -> Kernel:
    """Begin at the first element of a dataset."""

    def run(dataset: Any, iterator: Any) -> tuple[()]:
        _iterator(s, iterator).start(as_dataset(s, dataset))
        return ()

    return run


def _shapes(s: Site) -> list[Shape]:
    shapes = list(s["output_shapes"])
    return shapes if len(shapes) == len(s["output_types"]) else [None] * len(s["output_types"])


def _get_next(name: str) -> Op:
    def kernel(s: Site) -> Kernel:
        types = s["output_types"]

        def run(iterator: Any) -> Element:
            element = _iterator(s, iterator).take()
            if element is None:
                raise s.error("End of sequence", OutOfRangeError)
            if len(element) != len(types):
                raise s.error(f"the iterator gives {len(element)} tensors, but {len(types)} are asked for")
            for part, dtype in zip(element, types, strict=True):
                if dtype.kind not in "so" and getattr(part, "dtype", None) != dtype.np:
                    raise s.error(f"the iterator gives {part.dtype}, but {dtype.name} is asked for")
            return element

        return run

    made = register(
        Op(
            f"{name}(iterator: resource) -> (components: list(output_types)) | {_OUT} | stateful",
            kernel,
            "The next element.",
        )
    )
    made.shape_rule = _shapes
    return made


iterator_get_next: Op = _get_next("IteratorGetNext")
iterator_get_next_sync: Op = _get_next("IteratorGetNextSync")


@op(f"IteratorGetNextAsOptional(iterator: resource) -> (optional: variant) | {_OUT} | stateful")
def iterator_get_next_as_optional(s: Site) -> Kernel:
    """The next element as an optional value, which is absent at the end."""
    return lambda iterator: Optional(_iterator(s, iterator).take())


@op("IteratorToStringHandle(resource_handle: resource) -> (string_handle: string) | stateful")
def iterator_to_string_handle(s: Site) -> Kernel:
    """A string that names the iterator."""
    return lambda iterator: as_strings(_iterator(s, iterator).name.encode(), ())


def _from_handle(name: str) -> Op:
    def kernel(s: Site) -> Kernel:
        env = s.env
        if env is None:
            raise s.error("an iterator needs an environment to live in")

        def run(handle: Array) -> DatasetIterator:
            text = np.asarray(handle, object).item().decode(errors="replace")
            for (kind, _, key), found in env.resources.items():
                if kind == _KIND and key == text:
                    return _iterator(s, found)
            raise s.error(f"there is no iterator with the handle {text!r}", NotFoundError)

        return run

    made = register(
        Op(
            f"{name}(string_handle: string) -> (resource_handle: resource) | output_types: list(type)=[] >=0; "
            "output_shapes: list(shape)=[] >=0 | stateful",
            kernel,
            "The iterator that a string names.",
        )
    )
    made.shape_rule = scalar
    return made


iterator_from_string_handle: Op = _from_handle("IteratorFromStringHandle")
iterator_from_string_handle_v2: Op = _from_handle("IteratorFromStringHandleV2")
iterator_get_next_as_optional.shape_rule = iterator_to_string_handle.shape_rule = scalar
