"""`keras.preprocessing.text`: words as numbers."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
Analyzer = Callable[[str], Sequence[str]]


def text_to_word_sequence(
    input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text.

    Args:
        input_text: the text.
        filters: characters that count as `split`.
        lower: is it made lower case?
        split: what stands between words.
    """
    text = input_text.lower() if lower else input_text
    text = text.translate({ord(character): split for character in filters})
    return [word for word in text.split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Each word as a number from 1 to ``n - 1``, by Python's `hash`, which differs from process to process.

    Args: as for `hashing_trick`.
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Each word as a number from 1 to ``n - 1``, which other words may have as well.

    Args:
        text: the text.
        n: how many numbers, and 1.
        hash_function: gives a word's hash: a function, "md5", or None: Python's `hash`.
        filters, lower, split: as for `text_to_word_sequence`.
        analyzer: gives a text's words instead.
    """
    if hash_function == "md5":
        hashed: Callable[[str], int] = _md5
    else:
        hashed = hash if hash_function is None else hash_function
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [hashed(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Learns a vocabulary, and turns texts into sequences of numbers and back: 1 for the most frequent word.

    Args:
        num_words: only numbers below this are given; None: all.
        filters, lower, split: as for `text_to_word_sequence`.
        char_level: are the characters the words?
        oov_token: what stands for words that are not in the vocabulary, number 1; None: they are left out.
        analyzer: gives a text's words instead.
        document_count: how many texts were learned from before.

    Raises:
        TypeError: there are other arguments.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Analyzer | None = None,
        document_count: int = 0,
        **kwargs: Any,
    ) -> None:
        num_words = kwargs.pop("nb_words", num_words)  # its old name
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
        self.word_counts: dict[str, int] = collections.OrderedDict()
        self.word_docs: dict[str, int] = collections.defaultdict(int)
        self.filters = filters
        self.split = split
        self.lower = lower
        self.num_words = num_words
        self.document_count = document_count
        self.char_level = char_level
        self.oov_token = oov_token
        self.index_docs: dict[int, int] = collections.defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}
        self.analyzer = analyzer

    def _words(self, text: Any) -> Any:
        """The words of a text, or of a list of words."""
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text
            return [word.lower() for word in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Learn the vocabulary of texts, strings or lists of words."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        frequent = sorted(self.word_counts, key=lambda word: self.word_counts[word], reverse=True)
        known = frequent if self.oov_token is None else [self.oov_token, *frequent]
        self.word_index = {word: i for i, word in enumerate(known, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Sequence[int]]) -> None:
        """Count in how many sequences each number is."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for i in set(sequence):
                self.index_docs[i] += 1

    def _translated(
        self, items: Iterable[Any], known: dict[Any, Any], number_of: Any, unknown: Any
    ) -> Iterator[Any]:
        """What the known ones among `items` stand for; `unknown`, where it is not None, for the others."""
        for item in items:
            found = known.get(item)
            if found is not None and not (self.num_words and number_of(item, found) >= self.num_words):
                yield found
            elif unknown is not None and (found is not None or self.oov_token is not None):
                yield unknown

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Texts as lists of numbers."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """The same, one after the other."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for text in texts:
            words = self._words(text)
            yield list(self._translated(words, self.word_index, lambda word, number: number, unknown))

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Lists of numbers as texts, words with spaces between."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """The same, one after the other."""
        for sequence in sequences:
            words = self._translated(sequence, self.index_word, lambda number, word: number, self.oov_token)
            yield " ".join(words)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> Any:
        """Texts as rows of a matrix, see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> Any:
        """A row for each sequence, with a column for each number.

        Args:
            sequences: lists of numbers.
            mode: what stands there: "binary": 1 where the number is in the sequence; "count": how often; "freq": how
                often, over the length; "tfidf": how often, over in how many texts, logarithmically.

        Returns:
            An array of float64.

        Raises:
            ValueError: the number of columns is not known, nothing was learned for "tfidf", or there is no such mode.
        """
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f"Unknown vectorization mode: {mode}")
        result = np.zeros((len(sequences), columns))
        for row, sequence in zip(result, sequences, strict=True):
            for i, count in collections.Counter(i for i in sequence if i < columns).items():
                if mode == "tfidf":
                    rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(i, 0)))
                    row[i] = (1 + np.log(count)) * rarity
                else:
                    row[i] = {"binary": 1, "count": count, "freq": count / len(sequence)}[mode]
        return result

    def get_config(self) -> dict[str, Any]:
        """The arguments, and what was learned as JSON."""
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        learned = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {name: getattr(self, name) for name in names} | {
            name: json.dumps(getattr(self, name)) for name in learned
        }

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON, for `tokenizer_from_json`; `kwargs` are `json.dumps`'s."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """A tokenizer from what its `to_json` gave."""
    config = json.loads(json_string)["config"]
    learned = {
        name: json.loads(config.pop(name))
        for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    }
    tokenizer = Tokenizer(**config)
    for name, value in learned.items():
        setattr(tokenizer, name, {int(k): v for k, v in value.items()} if name.startswith("index") else value)
    return tokenizer
