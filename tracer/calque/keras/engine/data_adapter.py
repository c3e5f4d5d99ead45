"""Batches for training: of arrays, datasets, sequences and generators."""

from __future__ import annotations

import functools
import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

import numpy as np

import calque as tf

from ... import nest
from ...composite.composite import CompositeTensor
from ...tensor import EagerTensor, Tensor, convert_to_tensor
from ..config import floatx
from ..utils.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from ..utils.sequences import GeneratorEnqueuer, OrderedEnqueuer, Sequence, SequenceEnqueuer

__all__ = [
    "Source",
    "as_data",
    "check_sizes",
    "class_weights",
    "source_of",
    "train_validation_split",
]

# Rows are put into their order so many bytes at a time: enough for one gather to be cheap, and little memory.
_CHUNK = 1 << 22


# What is given as data


def _is_pandas(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "to_numpy")


def _is_scipy_sparse(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


def _is_array(value: Any) -> bool:
    """Is it something whose rows are samples?"""
    if isinstance(value, (np.ndarray, Tensor, CompositeTensor)) or _is_scipy_sparse(value):
        return True
    return all(hasattr(value, name) for name in ("__getitem__", "shape", "dtype", "__len__")) or _is_pandas(
        value
    )


def _as_tensor(value: Any) -> Any:
    """Arrays as tensors, floating ones in Keras's dtype; what is no array as it is."""
    if value is None or isinstance(value, (Tensor, CompositeTensor)):
        return value
    if _is_scipy_sparse(value):
        coo = value.tocoo()
        entries = coo.data.astype(floatx()) if coo.data.dtype.kind == "f" else coo.data
        return tf.SparseTensor(np.stack([coo.row, coo.col], axis=1).astype(np.int64), entries, coo.shape)
    if _is_pandas(value):
        value = value.to_numpy()[:, None] if value.ndim == 1 else value.to_numpy()
    if not isinstance(value, (np.ndarray, np.generic)) and not _is_array(value):
        return (
            convert_to_tensor(value) if isinstance(value, (bool, bytes, complex, float, int, str)) else value
        )
    array = np.asarray(value)
    return convert_to_tensor(array.astype(floatx()) if array.dtype.kind == "f" else array)


def as_data(structure: Any) -> Any:
    """A structure with tensors for arrays, and tuples for lists."""
    if isinstance(structure, (list, tuple)) and not hasattr(structure, "_fields"):
        return tuple(as_data(part) for part in structure)
    if isinstance(structure, Mapping):
        return {key: as_data(part) for key, part in structure.items()}
    return nest.map_structure(_as_tensor, structure)


def _is_scalars(value: Any) -> bool:
    """Is it a number or text, or nested lists of such?"""
    if isinstance(value, (float, int, str, bytes, bytearray)):
        return True
    return isinstance(value, (list, tuple)) and bool(value) and _is_scalars(value[0])


def _rows(leaf: Any) -> int:
    """How many samples it holds."""
    if isinstance(leaf, tf.RaggedTensor):
        return int(leaf.nrows())
    if not leaf.shape.rank:
        raise ValueError(
            f"Data is expected to have a first dimension of samples, but a scalar was found: {leaf}."
        )
    return int(leaf.shape[0])


def check_sizes(data: Any) -> int:
    """How many samples data (x, y, sample_weight) holds.

    Raises:
        ValueError: its arrays do not hold the same number.
    """
    sizes = {_rows(leaf) for leaf in nest.flatten(data) if leaf is not None}
    if len(sizes) > 1:
        text = "Data cardinality is ambiguous:\n"
        for label, part in zip(("x", "y", "sample_weight"), data, strict=False):
            listed = ", ".join(str(_rows(leaf)) for leaf in nest.flatten(part) if leaf is not None)
            text += f"  {label} sizes: {listed}\n"
        raise ValueError(text + "Make sure all arrays contain the same number of samples.")
    if not sizes:
        raise ValueError("Expected input data to be non-empty.")
    return sizes.pop()


def train_validation_split(arrays: Any, validation_split: float) -> tuple[Any, Any]:
    """The first rows of arrays, and the last ones, which are that share of all.

    Raises:
        ValueError: they are no arrays, or one part would be empty.
    """
    flat = [a for a in nest.flatten(arrays) if a is not None]
    wrong = [type(a) for a in flat if not isinstance(a, (np.ndarray, Tensor)) and not _is_pandas(a)]
    if wrong:
        raise ValueError(
            "`validation_split` is only supported for Tensors or NumPy arrays, found following types in the input: "
            f"{wrong}"
        )
    if not flat:
        return arrays, arrays
    rows = int(flat[0].shape[0])
    at = math.floor(rows * (1.0 - validation_split))
    if at in (0, rows):
        raise ValueError(
            f"Training data contains {rows} samples, which is not sufficient to split it into a validation and "
            f"training set as specified by `validation_split={validation_split}`. Either provide more data, or a "
            "different value for the `validation_split` argument."
        )
    first = nest.map_structure(lambda a: None if a is None else a[:at], arrays)
    last = nest.map_structure(lambda a: None if a is None else a[at:], arrays)
    return first, last


# Where batches come from


class Source(ABC):
    """Gives batches.

    Attributes:
        size: how many make up all there is; None: nobody knows.
        restarts: does each epoch begin from the start? Otherwise it goes on where the last one ended.
        of_one_size: is it known beforehand that all batches hold the same number of samples?
    """

    size: int | None = None
    restarts = False
    of_one_size = False

    @abstractmethod
    def batches(self, epochs: int) -> Iterator[Any]:
        """Batches, of all epochs unless it `restarts`."""

    def at_epoch_end(self) -> None:  # noqa: B027  most have nothing to do
        """Called when an epoch is over."""


class _Arrays(Source):
    """Batches of arrays.

    Args:
        x, y, sample_weight: structures of arrays.
        batch_size: how many samples a batch has; None: 32, or what makes `steps` batches.
        steps: how many batches are wanted.
        shuffle: take samples in a new order in each epoch? "batch": batches, and the samples within each.
    """

    def __init__(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, steps: int | None, shuffle: Any
    ) -> None:
        x, y, sample_weight = (as_data(part) for part in (x, y, sample_weight))
        self._data = pack_x_y_sample_weight(x, y, _completed(sample_weight, y))
        if not isinstance(self._data, tuple):
            self._data = (self._data,)
        self._samples = check_sizes(self._data)
        self._batch_size = batch_size or (math.ceil(self._samples / steps) if steps else 32)
        self.size = math.ceil(self._samples / self._batch_size)
        self._shuffle = shuffle.lower() if isinstance(shuffle, str) else shuffle
        self._leaves = [leaf for leaf in nest.flatten(self._data) if leaf is not None]

    def batches(self, epochs: int) -> Iterator[Any]:
        """See `Source`."""
        for _ in range(epochs):
            yield from self._epoch()

    def _epoch(self) -> Iterator[Any]:
        size, samples = self._batch_size, self._samples
        pack = self._packer()
        if not self._shuffle:
            for start in range(0, samples, size):
                yield pack([_slice(leaf, start, min(start + size, samples)) for leaf in self._leaves])
            return
        order = self._order()
        bytes_each = sum(leaf._array.nbytes for leaf in self._leaves if isinstance(leaf, EagerTensor))
        chunk = size * max(1, _CHUNK * samples // max(bytes_each, 1) // size)
        for begin in range(0, samples, chunk):
            picked = order[begin : begin + chunk]
            leaves = [_pick(leaf, picked) for leaf in self._leaves]
            for start in range(0, len(picked), size):
                yield pack([_slice(leaf, start, min(start + size, len(picked))) for leaf in leaves])

    def _order(self) -> Any:
        """The order in which samples are taken in an epoch."""
        if self._shuffle != "batch":
            return tf.random.shuffle(tf.range(self._samples, dtype=tf.int64)).numpy()
        starts = np.arange(0, self._samples, self._batch_size)
        whole, rest = starts[: self._samples // self._batch_size], starts[self._samples // self._batch_size :]
        order = [*tf.random.shuffle(tf.constant(whole)).numpy(), *rest] if len(whole) else list(rest)
        parts = [np.arange(s, min(s + self._batch_size, self._samples)) for s in order]
        return np.concatenate([tf.random.shuffle(tf.constant(part)).numpy() for part in parts])

    def _packer(self) -> Callable[[list[Any]], Any]:
        """Leaves of a batch to its structure."""
        if all(isinstance(part, Tensor) for part in self._data):
            return tuple
        places = [i for i, leaf in enumerate(nest.flatten(self._data)) if leaf is not None]
        empty = [None] * len(nest.flatten(self._data))

        def pack(leaves: list[Any]) -> Any:
            flat: list[Any] = list(empty)
            for place, leaf in zip(places, leaves, strict=True):
                flat[place] = leaf
            return nest.pack_sequence_as(self._data, flat)

        return pack


def _completed(weights: Any, y: Any) -> Any:
    """Sample weights of several outputs, with ones for those outputs that were given none."""
    if not isinstance(weights, (list, tuple)):
        return weights
    if all(w is None for w in weights):
        return None
    outputs = nest.flatten(y)
    return tuple(
        tf.ones([_rows(outputs[i])]) if w is None and outputs[i] is not None else w
        for i, w in enumerate(weights)
    )


def _slice(leaf: Any, start: int, stop: int) -> Any:
    """Samples from `start` to `stop`."""
    if type(leaf) is EagerTensor:
        return EagerTensor(leaf._array[start:stop], leaf.dtype)
    return _pick(leaf, np.arange(start, stop)) if isinstance(leaf, tf.SparseTensor) else leaf[start:stop]


def _pick(leaf: Any, rows: Any) -> Any:
    """Samples by number."""
    if type(leaf) is EagerTensor:
        return EagerTensor(leaf._array.take(rows, axis=0), leaf.dtype)
    if not isinstance(leaf, tf.SparseTensor):
        return tf.gather(leaf, rows)
    indices: Any = leaf.indices.numpy()
    values: Any = leaf.values.numpy()
    place = np.full(int(leaf.dense_shape[0]), -1, np.int64)
    place[rows] = np.arange(len(rows))
    kept = np.flatnonzero(place[indices[:, 0]] >= 0)
    moved = np.concatenate([place[indices[kept, :1]], indices[kept, 1:]], axis=1)
    ordered = np.lexsort(moved.T[::-1])
    shape = [len(rows), *leaf.dense_shape.numpy()[1:]]
    return tf.SparseTensor(moved[ordered], values[kept][ordered], shape)


class _Dataset(Source):
    """Batches that are the elements of a `tf.data.Dataset`."""

    def __init__(self, dataset: Any, steps: int | None) -> None:
        count = int(dataset.cardinality())
        if steps is None and count == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "When providing an infinite dataset, you must specify the number of steps to run (if you did not "
                "intend to create an infinite dataset, make sure to not call `repeat()` on the dataset)."
            )
        self._dataset = dataset
        self.size = count if count >= 0 else None
        self.restarts = steps is None or steps == count
        shapes = [getattr(spec, "shape", None) for spec in nest.flatten(dataset.element_spec)]
        self.of_one_size = all(shape is not None and shape.is_fully_defined() for shape in shapes)

    def batches(self, epochs: int) -> Iterator[Any]:
        """See `Source`."""
        return iter(self._dataset)


class _Sequence(Source):
    """Batches of a `keras.utils.Sequence`."""

    restarts = True

    def __init__(self, sequence: Sequence, shuffle: Any, workers: int, queue_size: int) -> None:
        self._sequence, self._shuffle = sequence, bool(shuffle)
        self._workers, self._queue_size = workers, queue_size
        self._fetching: OrderedEnqueuer | None = None
        self.size = len(sequence)

    def batches(self, epochs: int) -> Iterator[Any]:
        """See `Source`."""
        if self._workers > 1:
            self._fetching = OrderedEnqueuer(self._sequence, shuffle=self._shuffle)
            return _fetched(self._fetching, self._workers, self._queue_size)
        order = list(range(len(self._sequence)))
        if self._shuffle:
            random.shuffle(order)
        return (_standard(self._sequence[i]) for i in order)

    def at_epoch_end(self) -> None:
        """See `Source`."""
        if self._fetching is not None:
            self._fetching.stop()
        self._sequence.on_epoch_end()


class _Generator(Source):
    """Batches of an iterator."""

    def __init__(self, generator: Iterator[Any], workers: int, queue_size: int) -> None:
        self._generator = generator
        self._workers, self._queue_size = workers, queue_size

    def batches(self, epochs: int) -> Iterator[Any]:
        """See `Source`."""
        if self._workers <= 1:
            return map(_standard, self._generator)
        return _fetched(GeneratorEnqueuer(self._generator), self._workers, self._queue_size)


class _Batches(Source):
    """Batches of something that can be iterated over again and again."""

    restarts = True

    def __init__(self, batches: Iterable[Any]) -> None:
        self._batches = batches
        self.size = len(batches) if isinstance(batches, Sized) else None

    def batches(self, epochs: int) -> Iterator[Any]:
        """See `Source`."""
        return map(_standard, self._batches)


def _fetched(fetching: SequenceEnqueuer, workers: int, queue_size: int) -> Iterator[Any]:
    """Batches that other threads fetch; these end when the caller lets go of the iterator."""
    fetching.start(workers, queue_size)
    try:
        yield from map(_standard, fetching.get())
    finally:
        fetching.stop()


def _standard(data: Any) -> Any:
    """A batch as others gave it, as tensors."""
    return as_data(pack_x_y_sample_weight(*unpack_x_y_sample_weight(data)))


def source_of(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: Any = False,
    workers: int = 1,
    queue_size: int = 10,
) -> Source:
    """The source of batches for what was given as data.

    Args:
        x: arrays (a structure of them), or what gives batches: a `tf.data.Dataset`, a `keras.utils.Sequence`, a
            generator, another iterable.
        y, sample_weight: arrays, if `x` is.
        batch_size: samples in a batch of arrays.
        steps: batches in an epoch.
        shuffle: take samples, or the batches of a Sequence, in another order in each epoch?
        workers, queue_size: how many threads fetch batches of a Sequence or generator, if more than one, and how many
            batches may wait.

    Raises:
        ValueError: the arguments do not go together, or there is no data.
    """
    if isinstance(x, tf.data.Dataset):
        _refuse(y, sample_weight, "dataset")
        return _Dataset(x, steps)
    if isinstance(x, Sequence):
        _refuse(y, sample_weight, "`keras.utils.Sequence`")
        return _Sequence(x, shuffle, workers, queue_size)
    if hasattr(x, "__next__"):
        _refuse(y, sample_weight, "python generator")
        return _Generator(x, workers, queue_size)
    leaves = [leaf for leaf in nest.flatten(x) + nest.flatten(y) if leaf is not None]
    if leaves and all(_is_array(leaf) for leaf in leaves):
        return _Arrays(x, y, sample_weight, batch_size, steps, shuffle)
    if _is_scalars(x) and (y is None or _is_scalars(y) or _is_array(y)):
        x, y, sample_weight = (None if part is None else np.asarray(part) for part in (x, y, sample_weight))
        return _Arrays(x, y, sample_weight, batch_size, steps, shuffle)
    if _is_array(x) and _is_scalars(y):
        return _Arrays(x, np.asarray(y), sample_weight, batch_size, steps, shuffle)
    if isinstance(x, Iterable) and not isinstance(x, (str, bytes, Mapping, list, tuple)):
        _refuse(y, sample_weight, type(x).__name__)
        return _Batches(x)
    raise ValueError(f"Failed to find data adapter that can handle input: {_kinds(x)}, {_kinds(y)}")


def _refuse(y: Any, sample_weight: Any, what: str) -> None:
    """Refuse what the batches themselves hold."""
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not (isinstance(value, (list, tuple, dict)) and not value):
            raise ValueError(f"`{name}` argument is not supported when using {what} as input.")


def _kinds(value: Any) -> str:
    """The classes in a structure."""
    if isinstance(value, (list, tuple, dict)):
        items = value.values() if isinstance(value, dict) else value
        return f"({type(value)} containing {sorted({_kinds(v) for v in items})})"
    return str(type(value))


def class_weights(weights: Mapping[int, float]) -> Callable[[Any], Any]:
    """What multiplies the sample weights of batches by the weights of the samples' classes.

    Raises:
        ValueError: a class has no weight.
    """
    if sorted(weights) != list(range(len(weights))):
        raise ValueError(
            "Expected `class_weight` to be a dict with keys from 0 to one less than the number of classes, found "
            f"{dict(weights)}"
        )
    table = np.asarray([weights[i] for i in range(len(weights))])
    return functools.partial(
        _with_class_weights, table.astype(floatx()) if table.dtype.kind == "f" else table
    )


def _with_class_weights(table: Any, data: Any) -> Any:
    """A batch with class weights among its sample weights.

    Raises:
        ValueError: there are several outputs.
    """
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    if nest.is_nested(y):
        raise ValueError("`class_weight` is only supported for Models with a single output.")
    labels = y.numpy()
    if labels.ndim >= 2:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    factor = table[np.rint(labels).astype(np.int64)]
    if sample_weight is None:
        return x, y, convert_to_tensor(factor)
    weight = sample_weight.numpy()
    weight = weight.reshape(weight.shape + (1,) * (factor.ndim - weight.ndim))
    return x, y, convert_to_tensor(weight * factor.astype(weight.dtype))
