"""`keras.preprocessing.sequence`: windows of time series, and pairs of words that stand near each other."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence as SequenceOf
from typing import Any

import numpy as np

from ..utils.arrays import pad_sequences
from ..utils.sequences import Sequence

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]


class TimeseriesGenerator(Sequence):
    """Batches of windows of a series, each with the target that follows it.

    Args:
        data: the series: a list or array, time first.
        targets: as many targets.
        length: how many time steps a window spans.
        sampling_rate: of these, every so many are taken.
        stride: how far apart windows are.
        start_index, end_index: the first and the last time step that is used; None: the last.
        shuffle: windows from anywhere, instead of one after the other?
        reverse: are windows turned around?
        batch_size: how many windows a batch has.

    Raises:
        ValueError: the lengths differ, or there is no room for a window.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ) -> None:
        if len(data) != len(targets):
            raise ValueError(
                f"Data and targets have to be of same length. Data length is {len(data)} while target length is "
                f"{len(targets)}"
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is disallowed, as no part of "
                "the sequence would be left to be used as current step."
            )

    def __len__(self) -> int:
        """How many batches there are."""
        each = self.batch_size * self.stride
        return (self.end_index - self.start_index + each) // each

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """A batch: windows and targets, arrays."""
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, last, self.stride)
        windows = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = np.array([self.targets[row] for row in rows])
        return (windows[:, ::-1, ...] if self.reverse else windows), targets

    def get_config(self) -> dict[str, Any]:
        """The arguments, with data and targets as JSON.

        Raises:
            TypeError: they cannot be written as JSON.
        """
        names = ("length", "sampling_rate", "stride", "start_index", "end_index")
        config = {"data": _as_json(self.data), "targets": _as_json(self.targets)}
        config |= {name: getattr(self, name) for name in (*names, "shuffle", "reverse", "batch_size")}
        return config

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON; `kwargs` are `json.dumps`'s."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _as_json(values: Any) -> str:
    try:
        return json.dumps(values.tolist() if isinstance(values, np.ndarray) else values)
    except TypeError as error:
        raise TypeError(f"Data not JSON Serializable: {values}") from error


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> Any:
    """With which probability each of the most frequent words is taken, for `skipgrams`.

    Args:
        size: how many words.
        sampling_factor: word2vec's: how strongly frequent words are left out.

    Returns:
        An array of `size` probabilities, of the most frequent word first; frequencies follow Zipf's law.
    """
    rank = np.arange(size)
    rank[0] = 1
    # One over the frequency: rank * (log(rank) + Euler's constant) + 1/2 - 1 / (12 * rank).
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    share = sampling_factor * inverse
    return np.minimum(1.0, share / np.sqrt(share))


def skipgrams(
    sequence: SequenceOf[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that stand near each other, labeled 1, and of random words, labeled 0.

    Args:
        sequence: words as numbers; 0 is none.
        vocabulary_size: the largest number, and 1.
        window_size: how far apart the words of a pair may stand.
        negative_samples: how many random pairs there are for each true one.
        shuffle: are the pairs shuffled?
        categorical: labels as [0, 1] and [1, 0]?
        sampling_table: with which probability each word is taken.
        seed: makes the order repeatable.

    Returns:
        The pairs, and their labels.
    """
    couples: list[list[int]] = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        window = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        couples += [[word, sequence[j]] for j in window if j != i and sequence[j]]
    right, wrong = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels: list[Any] = [right] * len(couples)
    if negative_samples > 0 and couples:
        count = int(len(labels) * negative_samples)
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        couples += [
            [words[i % len(words)], random.randint(1, int(vocabulary_size - 1))] for i in range(count)
        ]
        labels += [wrong] * count
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for values in (couples, labels):
            random.seed(seed)
            random.shuffle(values)
    return couples, labels
