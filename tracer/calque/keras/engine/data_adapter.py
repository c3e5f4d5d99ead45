"""Batches for training: out of arrays, generators, datasets and sequences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ... import nest
from ...tensor import EagerTensor, Tensor, convert_to_tensor
from ..config import floatx

__all__ = ["Batches", "batches_of", "pack", "split_for_validation", "unpack"]


class Batches:
    """What one call of `fit`, `evaluate` or `predict` goes through.

    Args:
        make: gives the batches of an epoch.
        steps: how many there are; None: nobody knows before the first epoch is over.
        is_endless: is there one iterator for all epochs?
        at_epoch_end: called when an epoch is over.
    """

    def __init__(
        self,
        make: Callable[[], Iterable[Any]],
        steps: int | None,
        is_endless: bool = False,
        at_epoch_end: Callable[[], None] | None = None,
    ) -> None:
        self._make = make
        self.steps = steps
        self._endless: Iterator[Any] | None = None
        self._is_endless = is_endless
        self.at_epoch_end = at_epoch_end or (lambda: None)

    def epoch(self) -> Iterator[Any]:
        """The batches of an epoch, each (x,), (x, y) or (x, y, sample_weight)."""
        if not self._is_endless:
            return iter(self._make())
        if self._endless is None:
            self._endless = iter(self._make())
        return self._endless


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """The inputs, targets and sample weights of a batch; None for what it lacks.

    Raises:
        ValueError: it has more parts.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, found a tuple of "
            f"{len(data)}."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """A batch of these parts."""
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,)


def split_for_validation(arrays: Any, share: float) -> tuple[Any, Any]:
    """The first rows of arrays, and the last ones, which are `share` of all.

    Raises:
        ValueError: they are no arrays, or one part would be empty.
    """
    flat = [a for a in nest.flatten(arrays) if a is not None]
    wrong = [a for a in flat if not isinstance(a, (np.ndarray, Tensor)) and not hasattr(a, "__array__")]
    if wrong or not flat:
        raise ValueError(
            "`validation_split` is only supported for Tensors or NumPy arrays, found following types in the input: "
            f"{[type(a) for a in wrong]}"
        )
    rows = int(np.shape(flat[0])[0])
    at = math.floor(rows * (1.0 - share))
    if at in (0, rows):
        raise ValueError(
            f"Training data contains {rows} samples, which is not sufficient to split it into a validation and a "
            f"training set as specified by `validation_split={share}`. Either provide more data, or a different value."
        )
    first = nest.map_structure(lambda a: None if a is None else a[:at], arrays)
    last = nest.map_structure(lambda a: None if a is None else a[at:], arrays)
    return first, last


def batches_of(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool = False,
    class_weight: Mapping[int, float] | None = None,
) -> Batches:
    """The batches of what was given as data.

    Args:
        x: arrays (a structure of them), or something that gives batches: a `Dataset`, a `keras.utils.Sequence`, a
            generator, another iterable.
        y, sample_weight: arrays, if `x` is.
        batch_size: rows in a batch of arrays; None: 32.
        steps: batches in an epoch; None: all there are.
        shuffle: put the rows, or the batches of a Sequence, in another order in each epoch?
        class_weight: by class, the weight of the rows whose target it is.

    Raises:
        ValueError: the arguments do not go together, arrays differ in length, or there are none.
    """
    from ..utils.sequences import Sequence

    if _is_arrays(x):
        made = _of_arrays(x, y, sample_weight, batch_size or 32, steps, shuffle)
        return made if class_weight is None else _weighted(made, class_weight)
    kind = type(x).__name__
    if x is None:
        raise ValueError("There is no data: `x` is None.")
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"`{name}` argument is not supported when using a {kind} as input: `x` gives it, too."
            )
    if batch_size is not None and not isinstance(x, Sequence):
        raise ValueError(
            f"The `batch_size` argument must not be specified for the given input type. Received input: {kind}, "
            f"batch_size: {batch_size}"
        )
    if isinstance(x, Sequence):
        made = _of_sequence(x, steps, shuffle)
    elif hasattr(x, "__next__"):
        made = Batches(lambda: x, steps, is_endless=True)
    elif isinstance(x, Iterable):
        count = _length(x)
        made = Batches(
            lambda: x, steps if steps is not None else count, is_endless=steps is not None and count != steps
        )
        if steps is not None and count is not None and steps > count:
            made = Batches(lambda: _repeated(x), steps, is_endless=True)
    else:
        raise ValueError(
            f"Failed to find data adapter that can handle input: {type(x)}. Give arrays, a tf.data.Dataset, a "
            "keras.utils.Sequence, or an iterable of batches."
        )
    return made if class_weight is None else _weighted(made, class_weight)


def _repeated(x: Iterable[Any]) -> Iterator[Any]:
    while True:
        empty = True
        for batch in x:
            empty = False
            yield batch
        if empty:
            return


def _length(x: Any) -> int | None:
    cardinality = getattr(x, "cardinality", None)
    if callable(cardinality):
        count = int(cardinality())
        return count if count >= 0 else None
    try:
        return len(x)
    except TypeError:
        return None


def _is_arrays(x: Any) -> bool:
    if isinstance(x, (str, bytes)) or x is None:
        return False
    leaves = nest.flatten(x)
    return bool(leaves) and all(
        isinstance(a, (np.ndarray, Tensor, np.generic, float, int))
        or (hasattr(a, "__array__") and hasattr(a, "shape"))
        for a in leaves
        if a is not None
    )


def _as_array(value: Any) -> Any:
    """An array of numbers as numpy's; floating ones in Keras's dtype."""
    if isinstance(value, EagerTensor):
        return np.asarray(value._array)
    array = np.asarray(value)
    if array.dtype == np.float64 and not isinstance(value, Tensor):
        array = array.astype(floatx())
    return array.astype(object) if array.dtype.kind in "US" else array


def _of_arrays(
    x: Any, y: Any, sample_weight: Any, batch_size: int, steps: int | None, shuffle: bool
) -> Batches:
    data = nest.map_structure(
        lambda a: None if a is None else _as_array(a), pack(x, _rows(y), _rows(sample_weight))
    )
    flat = [a for a in nest.flatten(data) if a is not None]
    if any(a.ndim == 0 for a in flat):
        raise ValueError("Data has to have at least one dimension, that of the rows: found a single number.")
    sizes = [len(a) for a in flat]
    if len(set(sizes)) > 1:
        said = [
            f"{name}: {[len(a) for a in nest.flatten(part) if a is not None]}"
            for name, part in zip(("x", "y", "sample_weight"), data, strict=False)
        ]
        raise ValueError(
            f"Data cardinality is ambiguous: {', '.join(said)} rows. Make sure all arrays contain the same number of "
            "samples."
        )
    rows = sizes[0]
    if rows == 0:
        raise ValueError("Expected input data to be non-empty: the arrays have no rows.")
    count = math.ceil(rows / batch_size)

    def epoch() -> Iterator[Any]:
        order = np.random.default_rng(_seed()).permutation(rows) if shuffle else None
        whole = data
        if order is not None:
            whole = nest.map_structure(lambda a: None if a is None else a[order], data)
        tensors = nest.map_structure(lambda a: None if a is None else convert_to_tensor(a), whole)
        dtypes = nest.map_structure(lambda t: None if t is None else t._dtype, tensors)
        arrays = nest.map_structure(lambda t: None if t is None else t._array, tensors)
        for start in range(0, rows, batch_size):
            yield nest.map_structure(
                lambda a, d, s=start: None if a is None else EagerTensor(a[s : s + batch_size], d),
                arrays,
                dtypes,
            )

    if steps is None or steps == count:
        return Batches(epoch, count)

    def repeated() -> Iterator[Any]:
        while True:
            yield from epoch()

    return Batches(repeated, steps, is_endless=True)


def _rows(value: Any) -> Any:
    """Lists of numbers are one array, not a structure of numbers."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, (int, float)) for v in value):
        return np.asarray(value)
    return value


def _seed() -> int:
    """From Python's generator, which `keras.utils.set_random_seed` seeds."""
    import random

    return random.getrandbits(63)


def _of_sequence(sequence: Any, steps: int | None, shuffle: bool) -> Batches:
    def epoch() -> Iterator[Any]:
        order = np.arange(len(sequence))
        if shuffle:
            np.random.default_rng(_seed()).shuffle(order)
        for i in order:
            yield sequence[int(i)]

    return Batches(epoch, len(sequence) if steps is None else steps, at_epoch_end=sequence.on_epoch_end)


def _weighted(batches: Batches, class_weight: Mapping[int, float]) -> Batches:
    """Batches with the weights of their targets' classes as sample weights, or times those.

    Raises:
        ValueError: a class has no weight, or there are several targets.
    """
    known = {int(k): float(v) for k, v in class_weight.items()}
    if sorted(known) != list(range(len(known))):
        raise ValueError(
            f"Expected `class_weight` to be a dict with keys from 0 to one less than the number of classes, found "
            f"{dict(class_weight)}"
        )
    table = np.asarray([known[i] for i in range(len(known))], floatx())
    make = batches._make

    def weighted() -> Iterator[Any]:
        for data in make():
            x, y, sample_weight = unpack(data)
            if nest.is_nested(y):
                raise ValueError("`class_weight` is only supported for Models with a single output.")
            labels = np.asarray(y)
            several = labels.ndim > 1 and labels.shape[-1] > 1
            classes = (
                labels.argmax(-1) if several else labels.reshape(labels.shape[0], -1)[:, 0].astype(np.int64)
            )
            weight = table[classes]
            if sample_weight is not None:
                weight = weight * np.asarray(sample_weight)
            yield x, y, convert_to_tensor(weight)

    return Batches(weighted, batches.steps, batches._is_endless, batches.at_epoch_end)
