"""`Hashing` and `HashedCrossing`: categories numbered by their hashes."""

from __future__ import annotations

from typing import Any

import calque as tf

from ...engine.layer import Layer
from .encoding import COUNT, INT, MULTI_HOT, ONE_HOT, as_tensor, check_choice, default_dtype, encoded

__all__ = ["HashedCrossing", "Hashing"]


class Hashing(Layer):
    """Strings or integers as numbers of bins, by their hashes.

    Args:
        num_bins: the number of bins.
        mask_value: a value that gets bin 0, which no other one gets.
        salt: two integers, or one that counts twice, for SipHash; None: FarmHash, without a key.
        output_mode: "int", "one_hot", "multi_hot" or "count", see `encoding.encoded`.
        sparse: is the result a `SparseTensor`?

    Raises:
        ValueError: the number of bins is not positive; the salt is something else; the mode is unknown, or contradicts
            the dtype or `sparse`.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = INT,
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                f"The `num_bins` for `Hashing` cannot be `None` or non-positive values. Received: num_bins={num_bins}."
            )
        default_dtype(kwargs, output_mode, lenient=True)
        super().__init__(**kwargs)
        check_choice(output_mode, (INT, ONE_HOT, MULTI_HOT, COUNT), type(self).__name__, "output_mode")
        if sparse and output_mode == INT:
            raise ValueError(
                "`sparse` may only be true if `output_mode` is `'one_hot'`, `'multi_hot'`, or `'count'`. Received: "
                f"sparse={sparse} and output_mode={output_mode}"
            )
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.strong_hash = salt is not None
        self.output_mode = output_mode
        self.sparse = sparse
        if (
            salt is not None
            and not isinstance(salt, int)
            and not (isinstance(salt, (tuple, list)) and len(salt) == 2)
        ):
            raise ValueError(
                "The `salt` argument for `Hashing` can only be a tuple of size 2 integers, or a single integer. "
                f"Received: salt={salt}."
            )
        self.__dict__["salt"] = [salt, salt] if isinstance(salt, int) else salt

    salt: Any

    def call(self, inputs: Any) -> Any:
        """The numbers of the bins, or what `output_mode` makes of them."""
        inputs = as_tensor(inputs)
        if isinstance(inputs, tf.SparseTensor):
            bins = tf.SparseTensor(inputs.indices, self._bins(inputs.values), inputs.dense_shape)
        elif isinstance(inputs, tf.RaggedTensor):
            bins = tf.ragged.map_flat_values(self._bins, inputs)
        else:
            bins = self._bins(inputs)
        return encoded(bins, self.output_mode, self.num_bins, dtype=self.compute_dtype, sparse=self.sparse)

    def _bins(self, values: Any) -> Any:
        count, mask = self.num_bins, None
        if self.mask_value is not None and count > 1:
            count -= 1
            mask = tf.equal(values, self.mask_value)
        if values.dtype.is_integer:
            values = tf.as_string(values)
        if self.strong_hash:
            bins = tf.strings.to_hash_bucket_strong(values, count, list(self.salt), name="hash")
        else:
            bins = tf.strings.to_hash_bucket_fast(values, count, name="hash")
        return bins if mask is None else tf.where(mask, tf.zeros_like(bins), bins + 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The inputs' spec, with the dtype of the result."""
        kind = tf.SparseTensorSpec if isinstance(input_signature, tf.SparseTensorSpec) else tf.TensorSpec
        return kind(shape=input_signature.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }


class HashedCrossing(Layer):
    """Combinations of two or more categories as numbers of bins, by their hashes.

    Args:
        num_bins: the number of bins.
        output_mode: "int" or "one_hot", see `encoding.encoded`.
        sparse: is the result a `SparseTensor`?

    Raises:
        ValueError: the mode is unknown, or contradicts the dtype.
    """

    def __init__(self, num_bins: int, output_mode: str = INT, sparse: bool = False, **kwargs: Any) -> None:
        default_dtype(kwargs, output_mode)
        super().__init__(**kwargs)
        check_choice(output_mode, (INT, ONE_HOT), type(self).__name__, "output_mode")
        self.num_bins = num_bins
        self.output_mode = output_mode
        self.sparse = sparse

    def call(self, inputs: Any) -> Any:
        """The numbers of the bins, or what `output_mode` makes of them.

        Args:
            inputs: a list of integers or strings: of tensors of one shape, (), (batch,) or (batch, 1).

        Raises:
            ValueError: they are something else.
        """
        _check_several(inputs)
        tensors = [as_tensor(x) for x in inputs]
        _check_alike(tensors)
        rank = tensors[0].shape.rank
        for _ in range(rank, 2):
            tensors = [tf.expand_dims(x, -1) for x in tensors]
        bins = tf.sparse.to_dense(tf.sparse.cross_hashed(tensors, self.num_bins))
        bins = tf.reshape(bins, ([], [-1], [-1, 1])[rank])
        return encoded(bins, self.output_mode, self.num_bins, dtype=self.compute_dtype, sparse=self.sparse)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of an input, or with vectors for, or behind, its last dimension."""
        _check_several(input_shape)
        shape = list(input_shape[0])
        if self.output_mode == INT:
            return tf.TensorShape(shape)
        kept = shape[:-1] if shape and shape[-1] == 1 else shape
        return tf.TensorShape([*kept, self.num_bins])

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The spec of the result for inputs of these specs."""
        shape = self.compute_output_shape([s.shape.as_list() for s in input_signature])
        sparse = self.sparse or any(isinstance(s, tf.SparseTensorSpec) for s in input_signature)
        kind = tf.SparseTensorSpec if sparse else tf.TensorSpec
        return kind(shape=shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {"num_bins": self.num_bins, "output_mode": self.output_mode, "sparse": self.sparse}
        return super().get_config() | own


def _check_several(inputs: Any) -> None:
    if not isinstance(inputs, (list, tuple)):
        raise ValueError(
            f"`HashedCrossing` should be called on a list or tuple of inputs. Received: inputs={inputs}"
        )
    if len(inputs) < 2:
        raise ValueError(
            f"`HashedCrossing` should be called on at least two inputs. Received: inputs={inputs}"
        )


def _check_alike(inputs: list[Any]) -> None:
    first = inputs[0].shape.as_list()
    if len(first) > 2 or (len(first) == 2 and first[-1] != 1):
        raise ValueError(
            "All `HashedCrossing` inputs should have shape `[]`, `[batch_size]` or `[batch_size, 1]`. Received: "
            f"inputs={inputs}"
        )
    if not all(x.shape.as_list() == first for x in inputs[1:]):
        raise ValueError(f"All `HashedCrossing` inputs should have equal shape. Received: inputs={inputs}")
    if any(isinstance(x, (tf.RaggedTensor, tf.SparseTensor)) for x in inputs):
        raise ValueError(f"All `HashedCrossing` inputs should be dense tensors. Received: inputs={inputs}")
    if not all(x.dtype.is_integer or x.dtype == tf.string for x in inputs):
        raise ValueError(
            f"All `HashedCrossing` inputs should have an integer or string dtype. Received: inputs={inputs}"
        )
