"""`IndexLookup`: terms of a vocabulary as numbers and back."""

from __future__ import annotations

import logging
import os
from typing import Any

import numpy as np

import calque as tf

from .base import PreprocessingLayer
from .encoding import (
    COUNT,
    INT,
    MULTI_HOT,
    ONE_HOT,
    TF_IDF,
    as_tensor,
    check_choice,
    default_dtype,
    encoded,
    plain_lists,
)
from .vocabulary import EmptyInitializer, count_terms, padded_weights, repeated

__all__ = ["IndexLookup"]


class IndexLookup(PreprocessingLayer):
    """Terms of a vocabulary as numbers: first those for masked and for unknown terms, then one for each term.

    Args:
        max_tokens: the largest size of the vocabulary, mask and unknown terms included.
        num_oov_indices: how many numbers unknown terms get, chosen by their hashes; 0: they are errors.
        mask_token: the term that gets 0 with "int", and is left out in other modes; None: none.
        oov_token: what `invert` gives for numbers of unknown terms.
        vocabulary_dtype: the dtype of terms.
        vocabulary: the terms, or the path of a file with a term a line; None: `adapt` learns them.
        idf_weights: with "tf_idf", the terms' weights.
        invert: are the inputs numbers, and the result terms?
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf", see `encoding.encoded`.
        sparse: is the result a `SparseTensor`?
        pad_to_max_tokens: are vectors as long as the largest vocabulary?

    Raises:
        ValueError: an argument is out of range, or contradicts another one.
    """

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary_dtype: Any,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = INT,
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:
        output_mode = {"binary": MULTI_HOT, "tf-idf": TF_IDF}.get(output_mode, output_mode)
        name = type(self).__name__
        check_choice(output_mode, (INT, ONE_HOT, MULTI_HOT, COUNT, TF_IDF), name, "output_mode")
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(
                f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}"
            )
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError("If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens=None")
        if num_oov_indices < 0:
            raise ValueError(
                f"`num_oov_indices` must be greater than or equal to 0. Received: num_oov_indices={num_oov_indices}"
            )
        if invert and output_mode != INT:
            raise ValueError(
                f"`output_mode` must be `'int'` when `invert` is true. Received: output_mode={output_mode}"
            )
        if sparse and output_mode == INT:
            raise ValueError(
                "`sparse` may only be true if `output_mode` is `'one_hot'`, `'multi_hot'`, `'count'` or `'tf_idf'`. "
                f"Received: sparse={sparse} and output_mode={output_mode}"
            )
        if idf_weights is not None and output_mode != TF_IDF:
            raise ValueError(
                "`idf_weights` should only be set if `output_mode` is `'tf_idf'`. Received: "
                f"idf_weights={idf_weights} and output_mode={output_mode}"
            )
        frozen = kwargs.pop("vocabulary_size", None)
        has_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("has_static_table", None)
        default_dtype(kwargs, output_mode)
        super().__init__(**kwargs)
        self.invert = invert
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.output_mode = output_mode
        self.sparse = sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        self.vocabulary_dtype = vocabulary_dtype
        self._frozen_vocab_size = frozen
        self.__dict__.update(input_vocabulary=vocabulary, input_idf_weights=idf_weights)
        self._has_input_vocabulary = has_vocabulary
        self._set_types()
        if output_mode == TF_IDF:
            self.idf_weights = tf.Variable(
                [0] * self._token_start_index(), shape=(None,), dtype=self.compute_dtype, trainable=False
            )
            self.idf_weights_const = self.idf_weights.value()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        else:
            with tf.init_scope():
                nothing = EmptyInitializer(self._key_dtype, self._value_dtype)
                self.lookup_table = tf.lookup.StaticHashTable(nothing, self._default_value)
        if not self._has_input_vocabulary:
            self.token_counts = _counts(vocabulary_dtype)
            if output_mode == TF_IDF:
                self.token_document_counts = _counts(vocabulary_dtype)
                self.num_documents = tf.Variable(0, dtype=tf.int64, trainable=False)

    input_vocabulary: Any
    input_idf_weights: Any

    def _set_types(self) -> None:
        """The types of the table, and what it gives for terms that are masked or that it does not have."""
        numbers = tf.as_dtype(self.dtype) if self.output_mode == INT else tf.int64
        terms = tf.as_dtype(self.vocabulary_dtype)
        if self.invert:
            self._key_dtype, self._value_dtype = numbers, terms
            mask: tuple[Any, Any] = (0, self.mask_token)
            self._default_value = self.oov_token
        else:
            self._key_dtype, self._value_dtype = terms, numbers
            # The largest number is left out of vectors.
            mask = (self.mask_token, 0 if self.output_mode == INT else numbers.max)
            self._default_value = self._oov_start_index() if self.num_oov_indices == 1 else -1
        if self.mask_token is not None:
            self._mask_key = tf.convert_to_tensor(mask[0], self._key_dtype)
            self._mask_value = tf.convert_to_tensor(mask[1], self._value_dtype)

    def _oov_start_index(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == INT else 0

    def _token_start_index(self) -> int:
        return self._oov_start_index() + self.num_oov_indices

    # The vocabulary

    def vocabulary_size(self) -> Any:
        """The size of the vocabulary, mask and unknown terms included."""
        size = self.lookup_table.size()
        return (int(size.numpy()) if tf.executing_eagerly() else size) + self._token_start_index()

    def vocab_size(self) -> Any:
        """`vocabulary_size`, by its old name."""
        logging.getLogger("tensorflow").warning("vocab_size is deprecated, please use vocabulary_size.")
        return self.vocabulary_size()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The terms, in the order of their numbers.

        Args:
            include_special_tokens: are the terms for masked and unknown ones among them, so that places are numbers?
        """
        keys, values = self.lookup_table.export()
        terms, numbers = (values, keys) if self.invert else (keys, values)
        known = dict(zip(numbers.numpy().tolist(), self._as_array(terms), strict=True))
        vocabulary = [known.get(i, self.oov_token) for i in range(self.vocabulary_size())]
        if self.mask_token is not None and self.output_mode == INT:
            vocabulary[0] = self.mask_token
        return vocabulary if include_special_tokens else vocabulary[self._token_start_index() :]

    def _as_array(self, terms: Any) -> Any:
        """Terms as an array of what the user has for them."""
        return terms.numpy()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the vocabulary.

        Args:
            vocabulary: the terms, or the path of a file with a term a line. The terms for masked and unknown ones may
                stand before the others.
            idf_weights: with "tf_idf", the terms' weights; False: those that are set.

        Raises:
            ValueError: weights are missing, or given without need; the file does not exist; there are no terms, too
                many, or a term twice; a special term stands among the others.
            RuntimeError: the size changes, and the layer has been used with vectors of that size; called with tensors
                in a `tf.function`.
        """
        if self.output_mode == TF_IDF and idf_weights is None:
            raise ValueError("`idf_weights` must be set if output_mode is TF_IDF")
        if self.output_mode != TF_IDF and idf_weights is not None:
            raise ValueError(
                f"`idf_weights` should only be set if output_mode is `'tf_idf'`. Received: output_mode="
                f"{self.output_mode} and idf_weights={idf_weights}"
            )
        if isinstance(vocabulary, (str, os.PathLike)):
            self._set_file(os.fspath(vocabulary))
            return
        if not tf.executing_eagerly() and (tf.is_tensor(vocabulary) or tf.is_tensor(idf_weights)):
            raise RuntimeError(
                f"Cannot set a tensor vocabulary on {type(self).__name__} layer {self.name} when not executing "
                "eagerly. Create this layer or call `set_vocabulary` outside of any `tf.function`s."
            )
        vocabulary = self._as_array(vocabulary) if tf.is_tensor(vocabulary) else np.asarray(vocabulary)
        if vocabulary.size == 0:
            raise ValueError(f"Cannot set an empty vocabulary, you passed {vocabulary}.")
        start = self._token_start_index()
        special = [self.mask_token] * self._oov_start_index() + [self.oov_token] * self.num_oov_indices
        has_special = np.array_equal(special, vocabulary[:start])
        terms = vocabulary[start:] if has_special else vocabulary
        self._check_terms(terms, vocabulary, special)
        self._use(terms)
        self._record_vocabulary_size()
        if self.output_mode == TF_IDF and idf_weights is not False:
            self._set_idf_weights(vocabulary, plain_lists(idf_weights), 0 if has_special else start)

    def _check_terms(self, terms: Any, vocabulary: Any, special: list[Any]) -> None:
        twice = repeated(terms.tolist())
        if twice:
            raise ValueError(
                "The passed vocabulary has at least one repeated term. Please uniquify your dataset. The repeated "
                f"terms are {twice}"
            )
        for what, token in (("mask", self.mask_token), ("OOV", self.oov_token if self.invert else None)):
            if token is not None and token in terms:
                where = np.argwhere(vocabulary == token)[-1]
                raise ValueError(
                    f"Found reserved {what} token at unexpected location in `vocabulary`. Note that passed "
                    "`vocabulary` does not need to include the OOV and mask tokens. Either remove all mask and OOV "
                    "tokens, or include them only at the start of the vocabulary in precisely this order: "
                    f"{special}. Received: {what.lower()}_token={token} at vocabulary index {where}"
                )
        size = self._token_start_index() + len(terms)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Passed vocab size is "
                f"{size}, max vocab size is {self.max_tokens}."
            )

    def _set_file(self, path: str) -> None:
        if not tf.io.gfile.exists(path):
            raise ValueError(f"Vocabulary file {path} does not exist.")
        if self.output_mode == TF_IDF:
            raise ValueError("output_mode `'tf_idf'` does not support loading a vocabulary from file.")
        line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        key, value = (number, line) if self.invert else (line, number)
        with tf.init_scope():
            lines = tf.lookup.TextFileInitializer(
                filename=path,
                key_dtype=self._key_dtype,
                key_index=key,
                value_dtype=self._value_dtype,
                value_index=value,
                value_index_offset=self._token_start_index(),
            )
            self.lookup_table = tf.lookup.StaticHashTable(lines, self._default_value)
        self._record_vocabulary_size()

    def _use(self, terms: Any) -> None:
        """Make the table of these terms."""
        start = self._token_start_index()
        with tf.init_scope():
            terms = tf.convert_to_tensor(terms, tf.as_dtype(self.vocabulary_dtype))
            dtype = self._key_dtype if self.invert else self._value_dtype
            numbers = tf.cast(tf.range(start, start + tf.size(terms)), dtype)
            pair = (numbers, terms) if self.invert else (terms, numbers)
            content = tf.lookup.KeyValueTensorInitializer(*pair, self._key_dtype, self._value_dtype)
            self.lookup_table = tf.lookup.StaticHashTable(content, self._default_value)

    def _set_idf_weights(self, vocabulary: Any, weights: Any, front: int) -> None:
        weights = np.asarray(weights)
        if len(vocabulary) != len(weights):
            raise ValueError(
                f"`idf_weights` must be the same length as vocabulary. len(idf_weights) is {len(weights)}, "
                f"len(vocabulary) is {len(vocabulary)}"
            )
        if weights.ndim != 1:
            raise ValueError(f"TF-IDF data must be a 1-index array, but received {weights}")
        self._keep_idf_weights(
            padded_weights(weights, front, self.max_tokens if self.pad_to_max_tokens else None)
        )

    def _keep_idf_weights(self, weights: Any) -> None:
        self.idf_weights.assign(tf.convert_to_tensor(weights, self.compute_dtype))
        self.idf_weights_const = self.idf_weights.value()

    def _record_vocabulary_size(self) -> None:
        with tf.init_scope():
            size = self.vocabulary_size()
        fixed = self.output_mode != INT and not self.pad_to_max_tokens
        if fixed and self._frozen_vocab_size not in (None, size):
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the vocabulary size "
                f"cannot be changed after the layer is called. Old vocab size is {self._frozen_vocab_size}, new vocab "
                f"size is {size}"
            )
        self._frozen_vocab_size = size

    def get_weights(self) -> list[Any]:
        """The values of the weights, and the terms of a vocabulary that was not given to the constructor."""
        own = super().get_weights()
        return own if self._has_input_vocabulary else [*own, np.array(self.get_vocabulary(False))]

    def set_weights(self, weights: Any) -> None:
        """Set what `get_weights` gives."""
        if not self._has_input_vocabulary:
            *weights, terms = weights
            self._use(terms)
        super().set_weights(weights)

    # Learning it

    def update_state(self, data: Any) -> None:
        """Count the terms of a batch.

        Raises:
            ValueError: the vocabulary was given.
        """
        if self._has_input_vocabulary:
            raise ValueError(
                f"Cannot adapt {type(self).__name__} layer after setting a static vocabulary via init argument or "
                "`set_vocabulary`."
            )
        data = as_tensor(data, dtype=tf.as_dtype(self.vocabulary_dtype))
        for _ in range(data.shape.rank, 2):  # a vector is one document
            data = tf.expand_dims(data, 0)
        terms, counts = count_terms(data)
        self.token_counts.insert(terms, counts + self.token_counts.lookup(terms))
        if self.output_mode != TF_IDF:
            return
        rows = data if isinstance(data, tf.RaggedTensor) else list(_dense(data))
        documents = tf.concat([tf.unique(row)[0] for row in rows], 0)
        terms, counts = count_terms(documents)
        self.token_document_counts.insert(terms, counts + self.token_document_counts.lookup(terms))
        self.num_documents.assign_add(len(list(rows)))

    def finalize_state(self) -> None:
        """Make the vocabulary of the terms that were counted: the most frequent ones first, ties from z to a."""
        if self._has_input_vocabulary or int(self.token_counts.size()) == 0:
            if self.output_mode == TF_IDF:
                self.idf_weights_const = self.idf_weights.value()
            self._record_vocabulary_size()
            return
        dtype = tf.as_dtype(self.vocabulary_dtype)
        for token in (self.mask_token, self.oov_token):
            if token is not None:
                self.token_counts.remove(tf.convert_to_tensor([token], dtype))
        terms, counts = (x.numpy() for x in self.token_counts.export())
        order = np.lexsort((terms, counts))[::-1]
        if self.max_tokens:
            order = order[: self.max_tokens - self._token_start_index()]
        chosen = tf.convert_to_tensor(terms[order], dtype)
        self._use(chosen)
        if self.output_mode == TF_IDF:
            counts = self.token_document_counts.lookup(chosen)
            # The weight of terms in all documents: https://en.wikipedia.org/wiki/Tf-idf
            weights = tf.math.log(1 + self.num_documents / (1 + counts))
            weights = tf.cast(weights, self.compute_dtype).numpy()
            size = self.max_tokens if self.pad_to_max_tokens else None
            self._keep_idf_weights(padded_weights(weights, self._token_start_index(), size))
        self.reset_state()
        self._record_vocabulary_size()

    def reset_state(self) -> None:
        """Forget the counts; the vocabulary stays."""
        if self._has_input_vocabulary:
            return
        self.token_counts.remove(self.token_counts.export()[0])
        if self.output_mode == TF_IDF:
            self.token_document_counts.remove(self.token_document_counts.export()[0])
            self.num_documents.assign(0)

    # Using it

    def call(self, inputs: Any) -> Any:
        """The numbers (or terms, if `invert`) of terms, or what `output_mode` makes of them.

        Raises:
            RuntimeError: vectors are asked for, and there is no vocabulary.
            InvalidArgumentError: a term is unknown, and there is no number for such.
        """
        fixed = self.output_mode != INT and not self.pad_to_max_tokens
        if fixed and self._frozen_vocab_size is None:
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you must set the layer's "
                "vocabulary before calling it. Either pass a `vocabulary` argument to the layer, or call `adapt` with "
                "some sample data."
            )
        inputs = as_tensor(inputs, dtype=self._key_dtype)
        scalar = inputs.shape.rank == 0
        if scalar:
            inputs = tf.expand_dims(inputs, -1)
        if isinstance(inputs, tf.SparseTensor):
            found = tf.SparseTensor(inputs.indices, self._find(inputs.values), inputs.dense_shape)
        elif isinstance(inputs, tf.RaggedTensor):
            found = tf.ragged.map_flat_values(self._find, inputs)
        else:
            found = self._find(inputs)
        if self.output_mode == INT:
            return tf.squeeze(found, -1) if scalar else found
        return encoded(
            found,
            self.output_mode,
            self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size,
            dtype=self.compute_dtype,
            sparse=self.sparse,
            idf_weights=self.idf_weights_const if self.output_mode == TF_IDF else None,
        )

    def _find(self, inputs: Any) -> Any:
        found = self.lookup_table.lookup(inputs)
        if self.mask_token is not None:
            found = tf.where(tf.equal(inputs, self._mask_key), self._mask_value, found)
        if self.invert or self.num_oov_indices == 1:
            return tf.identity(found)
        unknown = tf.equal(found, tf.cast(self._default_value, found.dtype))
        if self.num_oov_indices == 0:
            terms = tf.gather_nd(inputs, tf.where(unknown))
            message = tf.strings.format(
                "When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values {}, consider setting "
                "`num_oov_indices=1`.",
                (terms,),
            )
            check = tf.Assert(tf.equal(tf.size(terms), 0), [message])
            with tf.control_dependencies([] if check is None else [check]):
                return tf.identity(found)
        if self._key_dtype.is_integer:
            numbers = tf.math.floormod(inputs, tf.cast(self.num_oov_indices, inputs.dtype))
        else:
            numbers = tf.strings.to_hash_bucket_fast(inputs, self.num_oov_indices)
        numbers = tf.cast(numbers, found.dtype) + tf.cast(self._oov_start_index(), found.dtype)
        return tf.where(unknown, numbers, found)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape, or that of vectors for each sample."""
        if self.output_mode == INT:
            return input_shape
        depth = self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size
        return tf.TensorShape([input_shape[0], depth])

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The spec of the result for an input of this spec."""
        shape = self.compute_output_shape(input_signature.shape.as_list())
        return tf.TensorSpec(shape, self.vocabulary_dtype if self.invert else self.compute_dtype)

    # Configuration and files

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from; not the vocabulary that `adapt` learned."""
        return super().get_config() | {
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "vocabulary_dtype": self.vocabulary_dtype,
            "idf_weights": plain_lists(self.input_idf_weights),
            "vocabulary": plain_lists(self.input_vocabulary),
            "vocabulary_size": self._frozen_vocab_size,
        }

    def _config_beside_tables(self, config: dict[str, Any]) -> dict[str, Any]:
        """A config for a SavedModel, which has the table: a table is filled only once."""
        return {**config, "vocabulary": None, "has_input_vocabulary": self._has_input_vocabulary}

    def save_own_variables(self, store: Any) -> None:
        """Put the weights of "tf_idf" into `store`, by name."""
        if self.output_mode == TF_IDF:
            store["idf_weights"] = self.idf_weights_const.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` put there."""
        if self.output_mode == TF_IDF:
            self._keep_idf_weights(store["idf_weights"])

    def save_assets(self, dir_path: str) -> None:
        """Write a vocabulary that the config does not have as ``vocabulary.txt`` into a folder."""
        if self.input_vocabulary:
            return
        with open(os.path.join(dir_path, "vocabulary.txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(str(term) for term in self.get_vocabulary()))

    def load_assets(self, dir_path: str) -> None:
        """Read what `save_assets` wrote."""
        if self.input_vocabulary:
            return
        with open(os.path.join(dir_path, "vocabulary.txt"), encoding="utf-8") as file:
            lines: list[Any] = file.read().split("\n")
        terms = lines if tf.as_dtype(self.vocabulary_dtype) == tf.string else [int(line) for line in lines]
        self.set_vocabulary(terms, idf_weights=False if self.output_mode == TF_IDF else None)


def _counts(dtype: Any) -> Any:
    return tf.lookup.experimental.MutableHashTable(dtype, tf.int64, default_value=0)


def _dense(data: Any) -> Any:
    return tf.sparse.to_dense(data) if isinstance(data, tf.SparseTensor) else data
