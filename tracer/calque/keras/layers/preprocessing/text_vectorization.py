"""`TextVectorization`: texts as numbers of words, or vectors of what words are in them."""

from __future__ import annotations

from typing import Any

import numpy as np

import calque as tf

from ...config import floatx
from ...saving.serialization import deserialize_keras_object
from .base import PreprocessingLayer
from .encoding import COUNT, INT, MULTI_HOT, TF_IDF, as_tensor, check_choice, plain_lists
from .lookup import StringLookup

__all__ = ["TextVectorization"]

LOWER, STRIP, LOWER_AND_STRIP = "lower", "strip_punctuation", "lower_and_strip_punctuation"
WHITESPACE, CHARACTER = "whitespace", "character"
# Punctuation: all of it in ASCII but no letters and digits.
_PUNCTUATION = r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']'


class TextVectorization(PreprocessingLayer):
    """Texts, made alike, split into words, and these numbered by a vocabulary.

    Args:
        max_tokens: the largest size of the vocabulary, padding and unknown words included.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", a function of the texts, or None.
        split: "whitespace", "character", a function of the texts that gives a ragged tensor, or None.
        ngrams: do up to so many words on end count as terms; or a tuple of how many.
        output_mode: "int", "multi_hot", "count" or "tf_idf", see `encoding.encoded`; None: the terms.
        output_sequence_length: with "int", how many numbers there are for each text: others are cut off, or 0.
        pad_to_max_tokens: are vectors as long as the largest vocabulary?
        vocabulary: the words, or the path of a file with a word a line; None: `adapt` learns them.
        idf_weights: with "tf_idf", the words' weights.
        sparse: is the result a `SparseTensor`?
        ragged: with "int", is the result a ragged tensor?
        encoding: that of texts.

    Raises:
        ValueError: an argument is out of range, or contradicts another one.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = LOWER_AND_STRIP,
        split: Any = WHITESPACE,
        ngrams: Any = None,
        output_mode: str | None = INT,
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> None:
        dtype = kwargs.setdefault("dtype", tf.string)
        if dtype not in (tf.string, "string"):
            raise ValueError(f"`TextVectorization` may only have a dtype of string. Received dtype: {dtype}.")
        name = "TextVectorization"
        ways = (LOWER_AND_STRIP, LOWER, STRIP)
        check_choice(standardize, ways, name, "standardize", none=True, functions=True)
        check_choice(split, (WHITESPACE, CHARACTER), name, "split", none=True, functions=True)
        output_mode = {"binary": MULTI_HOT, "tf-idf": TF_IDF}.get(output_mode or "", output_mode)
        check_choice(output_mode, (INT, COUNT, MULTI_HOT, TF_IDF), name, "output_mode", none=True)
        several = isinstance(ngrams, tuple) and all(isinstance(n, int) for n in ngrams)
        if not (ngrams is None or isinstance(ngrams, int) or several):
            raise ValueError(
                f"`ngrams` must be None, an integer, or a tuple of integers. Received: ngrams={ngrams}"
            )
        _check_output(output_mode, output_sequence_length, ragged)
        has_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        size = kwargs.pop("vocabulary_size", None)
        super().__init__(**kwargs)
        self._max_tokens = max_tokens
        self._standardize = standardize
        self._split = split
        self.__dict__["_ngrams_arg"] = ngrams
        self.__dict__["_ngrams"] = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        self._ragged = ragged
        self._output_mode = output_mode
        self._output_sequence_length = output_sequence_length
        self._encoding = encoding
        self._has_input_vocabulary = has_vocabulary
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=output_mode or INT,
            sparse=sparse,
            has_input_vocabulary=has_vocabulary,
            encoding=encoding,
            vocabulary_size=size,
        )

    _ngrams: Any
    _ngrams_arg: Any

    # The vocabulary

    def update_state(self, data: Any) -> None:
        """Count the words of a batch of texts."""
        self._lookup_layer.update_state(self._preprocess(data))

    def finalize_state(self) -> None:
        """Make the vocabulary of the words that were counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget the counts; the vocabulary stays."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The words, in the order of their numbers; see `IndexLookup.get_vocabulary`."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> Any:
        """The size of the vocabulary, padding and unknown words included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the vocabulary; see `IndexLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # Using it

    def _preprocess(self, inputs: Any) -> Any:
        """The terms of texts."""
        inputs = as_tensor(inputs, dtype=tf.string)
        way = self._standardize
        if way in (LOWER, LOWER_AND_STRIP):
            inputs = tf.strings.lower(inputs)
        if way in (STRIP, LOWER_AND_STRIP):
            inputs = tf.strings.regex_replace(inputs, _PUNCTUATION, "")
        if callable(way):
            inputs = way(inputs)
        if self._split is not None:
            inputs = self._parts(inputs)
        if self._ngrams is not None:
            inputs = tf.strings.ngrams(inputs, ngram_width=self._ngrams, separator=" ")
        return inputs

    def _parts(self, inputs: Any) -> Any:
        if inputs.shape.rank > 1:
            if inputs.shape[-1] != 1:
                raise ValueError(
                    "When using `TextVectorization` to tokenize strings, the input rank must be 1 or the last shape "
                    f"dimension must be 1. Received: inputs.shape={inputs.shape} with rank={inputs.shape.rank}"
                )
            inputs = tf.squeeze(inputs, axis=-1)
        if self._split == WHITESPACE:
            return tf.strings.split(inputs)
        if self._split == CHARACTER:
            return tf.strings.unicode_split(inputs, "UTF-8")
        return self._split(inputs)

    def call(self, inputs: Any) -> Any:
        """The numbers of the words, or what `output_mode` makes of them.

        Args:
            inputs: strings of shape (), (batch,) or (batch, 1).

        Raises:
            ValueError: they are of another shape, and are to be split.
        """
        terms = self._preprocess(
            tf.convert_to_tensor(inputs) if isinstance(inputs, (list, tuple)) else inputs
        )
        if self._output_mode is None:
            return terms
        found = self._lookup_layer(terms)
        if self._output_mode != INT or self._ragged:
            return found
        length = self._output_sequence_length
        if isinstance(found, tf.RaggedTensor):
            return found.to_tensor(default_value=0, shape=[*found.shape.as_list()[:-1], length])
        if length is None:
            return found
        cut = found[..., :length]
        missing = length - tf.shape(cut)[-1]
        padding = tf.concat([tf.zeros([cut.shape.rank - 1, 2], tf.int32), [tf.stack([0, missing])]], 0)
        padded = tf.pad(cut, padding)
        padded.set_shape([*found.shape.as_list()[:-1], length])
        return padded

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of numbers or vectors for each text."""
        if self._output_mode == INT:
            return tf.TensorShape([input_shape[0], self._output_sequence_length])
        shape = tuple(input_shape)
        if self._split is not None:
            shape = (*shape, None)
        elif len(shape) <= 1:
            shape = (*shape, 1)
        return self._lookup_layer.compute_output_shape(shape)

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The spec of the result for an input of this spec."""
        shape = self.compute_output_shape(input_signature.shape.as_list())
        return tf.TensorSpec(shape, tf.int64 if self._output_mode == INT else floatx())

    # Configuration and files

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from; not the vocabulary that `adapt` learned."""
        lookup = self._lookup_layer
        return super().get_config() | {
            "max_tokens": lookup.max_tokens,
            "standardize": self._standardize,
            "split": self._split,
            "ngrams": self._ngrams_arg,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens,
            "sparse": lookup.sparse,
            "ragged": self._ragged,
            "vocabulary": plain_lists(lookup.input_vocabulary),
            "idf_weights": plain_lists(lookup.input_idf_weights),
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """A layer from what `get_config` gave; functions may be in their own configs."""
        known = (LOWER_AND_STRIP, LOWER, STRIP, WHITESPACE, CHARACTER)
        made = {
            k: deserialize_keras_object(config[k]) for k in ("standardize", "split") if config[k] not in known
        }
        ngrams = config.get("ngrams")
        return cls(**{**config, **made, "ngrams": tuple(ngrams) if isinstance(ngrams, list) else ngrams})

    def _config_beside_tables(self, config: dict[str, Any]) -> dict[str, Any]:
        """A config for a SavedModel, which has the table: a table is filled only once."""
        return {**config, "vocabulary": None, "has_input_vocabulary": self._has_input_vocabulary}

    def save_own_variables(self, store: Any) -> None:
        """See `IndexLookup.save_own_variables`."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """See `IndexLookup.load_own_variables`."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """See `IndexLookup.save_assets`."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """See `IndexLookup.load_assets`."""
        self._lookup_layer.load_assets(dir_path)


def _check_output(mode: Any, length: Any, ragged: bool) -> None:
    if mode == INT and not (isinstance(length, (int, np.integer)) or length is None):
        raise ValueError(
            "`output_sequence_length` must be either None or an integer when `output_mode` is 'int'. Received: "
            f"output_sequence_length={length}"
        )
    if mode != INT and length is not None:
        raise ValueError(
            "`output_sequence_length` must not be set if `output_mode` is not 'int'. Received "
            f"output_sequence_length={length}."
        )
    if ragged and mode != INT:
        raise ValueError(
            f"`ragged` must not be true if `output_mode` is not `'int'`. Received: ragged={ragged} and "
            f"output_mode={mode}"
        )
    if ragged and length is not None:
        raise ValueError(
            f"`output_sequence_length` must not be set if ragged is True. Received: ragged={ragged} and "
            f"output_sequence_length={length}"
        )
