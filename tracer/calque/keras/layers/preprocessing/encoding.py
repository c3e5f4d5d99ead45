"""Numbers of categories as vectors: one-hot, multi-hot, counts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

import calque as tf

from ...config import floatx
from ...engine.layer import Layer

__all__ = [
    "COUNT",
    "CategoryEncoding",
    "INT",
    "MULTI_HOT",
    "ONE_HOT",
    "TF_IDF",
    "as_tensor",
    "check_choice",
    "default_dtype",
    "encoded",
    "plain_lists",
]

INT, ONE_HOT, MULTI_HOT, COUNT, TF_IDF = "int", "one_hot", "multi_hot", "count", "tf_idf"


def as_tensor(inputs: Any, dtype: Any = None) -> Any:
    """A tensor, ragged tensor or sparse tensor, of this dtype if one is given."""
    if not isinstance(inputs, (tf.Tensor, tf.RaggedTensor, tf.SparseTensor)):
        inputs = tf.convert_to_tensor(inputs, dtype)
    if dtype is not None and inputs.dtype != dtype:
        inputs = tf.cast(inputs, dtype)
    return inputs


def plain_lists(x: Any) -> Any:
    """A tensor or array as lists of Python numbers, for a config."""
    if tf.is_tensor(x):
        x = x.numpy()
    return x.tolist() if isinstance(x, np.ndarray) else x


def check_choice(
    value: Any, choices: Sequence[str], layer: str, name: str, none: bool = False, functions: bool = False
) -> None:
    """Check an argument that is one of a few strings.

    Args:
        value: what was given.
        choices: the strings.
        layer, name: the names of layer and argument, for the message.
        none, functions: may it be None, or a function?

    Raises:
        ValueError: it is none of them.
    """
    if (none and value is None) or (functions and callable(value)):
        return
    if not isinstance(value, str) or value not in choices:
        others = (", `None`" if none else "") + (", or a `Callable`" if functions else "")
        raise ValueError(
            f"Unknown value for `{name}` argument of layer {layer}. If restoring a model and `{name}` is a custom "
            f"callable, please ensure the callable is registered as a custom object. Allowed values are: "
            f"{tuple(choices)}{others}. Received: {value}"
        )


def default_dtype(kwargs: dict[str, Any], output_mode: str, lenient: bool = False) -> None:
    """Put the dtype of results into `kwargs` where it is not given: int64 for numbers, floats for vectors.

    Args:
        kwargs: the keyword arguments of a layer.
        output_mode: see `encoded`.
        lenient: is a floating dtype for numbers taken as int64?

    Raises:
        ValueError: the dtype for numbers is not an integer one.
    """
    given = kwargs.get("dtype")
    if given is None:
        kwargs["dtype"] = tf.int64 if output_mode == INT else floatx()
    elif output_mode == INT and not _is_integer(given):
        if not lenient:
            raise ValueError(
                f"When `output_mode='int'`, `dtype` should be an integer type. Received: dtype={given}"
            )
        kwargs["dtype"] = tf.int64


def _is_integer(dtype: Any) -> bool:
    from ...mixed_precision import policy_of

    compute = policy_of(dtype).compute_dtype
    return compute is not None and tf.as_dtype(compute).is_integer


def encoded(
    inputs: Any,
    output_mode: str,
    depth: Any,
    dtype: Any = "float32",
    sparse: bool = False,
    count_weights: Any = None,
    idf_weights: Any = None,
) -> Any:
    """Numbers of categories as `output_mode` says.

    Args:
        inputs: the numbers: of a sample, or a batch of samples.
        output_mode: "int" (the numbers), "one_hot" (a vector for each number), "multi_hot" (one for each sample, with
            1 for the numbers in it), "count" (with how often they are), or "tf_idf" (those counts, weighted).
        depth: the size of a vector; larger numbers are left out.
        dtype: the result's.
        sparse: is the result a `SparseTensor`?
        count_weights: what each number counts.
        idf_weights: the weights of the categories.

    Raises:
        ValueError: the result would have more than two dimensions; "tf_idf" without weights.
    """
    if output_mode == INT:
        return tf.identity(tf.cast(inputs, dtype))
    shape = inputs.shape
    if shape.rank == 0:
        inputs = _expanded(inputs)
    if output_mode == ONE_HOT and inputs.shape[-1] != 1:
        inputs = _expanded(inputs)
    if inputs.shape.rank > 2:
        raise ValueError(
            "When output_mode is not `'int'`, maximum supported output rank is 2. Received output_mode "
            f"{output_mode} and input shape {shape}, which would result in output rank {inputs.shape.rank}."
        )
    binary = output_mode in (MULTI_HOT, ONE_HOT)
    if output_mode == TF_IDF and idf_weights is None:
        raise ValueError(
            f"When output mode is `'tf_idf'`, idf_weights must be provided. Received: output_mode={output_mode} and "
            f"idf_weights={idf_weights}"
        )
    counting = {
        "weights": count_weights,
        "minlength": depth,
        "maxlength": depth,
        "axis": -1,
        "binary_output": binary,
    }
    if sparse:
        counts = tf.sparse.bincount(inputs, **counting)
        rows = () if inputs.shape.rank == 1 else (tf.shape(counts)[0],)
        values = tf.cast(counts.values, dtype)
        if output_mode == TF_IDF:
            values = tf.gather(idf_weights, counts.indices[:, -1]) * values
        return tf.SparseTensor(counts.indices, values, tf.cast(tf.stack([*rows, depth]), tf.int64))
    counts = tf.math.bincount(inputs, dtype=dtype, **counting)
    counts.set_shape([depth] if inputs.shape.rank == 1 else [inputs.shape[0], depth])
    return counts * idf_weights if output_mode == TF_IDF else counts


def _expanded(inputs: Any) -> Any:
    return (
        tf.sparse.expand_dims(inputs, -1)
        if isinstance(inputs, tf.SparseTensor)
        else tf.expand_dims(inputs, -1)
    )


class CategoryEncoding(Layer):
    """Numbers of categories as vectors.

    Args:
        num_tokens: how many categories there are; all numbers must be smaller.
        output_mode: "one_hot", "multi_hot" or "count", see `encoded`.
        sparse: is the result a `SparseTensor`?

    Raises:
        ValueError: the number of categories is missing or not positive; the mode is unknown.
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = MULTI_HOT,
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if "max_tokens" in kwargs:
            logging.getLogger("tensorflow").warning(
                "max_tokens is deprecated, please use num_tokens instead."
            )
            num_tokens = kwargs.pop("max_tokens")
        kwargs.setdefault("dtype", floatx())
        super().__init__(**kwargs)
        output_mode = MULTI_HOT if output_mode == "binary" else output_mode
        check_choice(output_mode, (COUNT, ONE_HOT, MULTI_HOT), "CategoryEncoding", "output_mode")
        if num_tokens is None:
            raise ValueError(
                "num_tokens must be set to use this layer. If the number of tokens is not known beforehand, use the "
                "IntegerLookup layer instead."
            )
        if num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        self.num_tokens = num_tokens
        self.output_mode = output_mode
        self.sparse = sparse

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        """The vectors.

        Args:
            inputs: the numbers, of a sample or of a batch of them.
            count_weights: with "count", what each of the numbers counts.

        Raises:
            ValueError: weights in another mode.
            InvalidArgumentError: a number is negative or too large.
        """
        inputs = as_tensor(inputs)
        if count_weights is not None:
            if self.output_mode != COUNT:
                raise ValueError(
                    "`count_weights` is not used when `output_mode` is not `'count'`. Received "
                    f"`count_weights={count_weights}`."
                )
            count_weights = as_tensor(count_weights, self.compute_dtype)
        values = inputs.values if isinstance(inputs, tf.SparseTensor) else inputs
        most, least = tf.reduce_max(values), tf.reduce_min(values)
        fits = tf.logical_and(tf.cast(self.num_tokens, most.dtype) > most, least >= tf.cast(0, least.dtype))
        message = (
            f"Input values must be in the range 0 <= values < num_tokens with num_tokens={self.num_tokens}"
        )
        check = tf.Assert(fits, [message])
        with tf.control_dependencies([] if check is None else [check]):
            return encoded(
                inputs,
                self.output_mode,
                self.num_tokens,
                dtype=self.compute_dtype,
                sparse=self.sparse,
                count_weights=count_weights,
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape with the vectors' size for, or behind, the last dimension."""
        shape = list(input_shape)
        if shape and not (self.output_mode == ONE_HOT and shape[-1] != 1):
            shape = shape[:-1]
        return tf.TensorShape([*shape, self.num_tokens])

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The spec of the result for an input of this spec."""
        shape = self.compute_output_shape(input_signature.shape.as_list())
        return tf.SparseTensorSpec(shape, tf.int64) if self.sparse else tf.TensorSpec(shape, tf.int64)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {"num_tokens": self.num_tokens, "output_mode": self.output_mode, "sparse": self.sparse}
        return super().get_config() | own
