"""`Normalization` and `Discretization`: numbers brought to one scale, or put into bins."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

import calque as tf

from ... import config
from .base import PreprocessingLayer
from .encoding import COUNT, INT, MULTI_HOT, ONE_HOT, check_choice, default_dtype, encoded, plain_lists

__all__ = ["Discretization", "Normalization"]


class Normalization(PreprocessingLayer):
    """``(inputs - mean) / sqrt(variance)``, with mean and variance of data that `adapt` saw.

    Args:
        axis: the axes whose elements have means of their own; None: one mean for everything.
        mean, variance: numbers or arrays, instead of `adapt`.
        invert: is the inverse computed?

    Raises:
        ValueError: only one of mean and variance is given, or variables are.
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        for name, value in (("mean", mean), ("variance", variance)):
            if isinstance(value, tf.Variable):
                raise ValueError(
                    f"Normalization does not support passing a Variable for the `{name}` init arg."
                )
        if (mean is not None) != (variance is not None):
            raise ValueError(
                f"When setting values directly, both `mean` and `variance` must be set. Got mean: {mean} and "
                f"variance: {variance}"
            )
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.mean: Any
        self.variance: Any

    def build(self, input_shape: Any) -> None:
        """Make the weights that `adapt` sets, or mean and variance of what was given.

        Raises:
            ValueError: there are several inputs; an axis does not exist, or its size is not known.
        """
        super().build(input_shape)
        if isinstance(input_shape, (list, tuple)) and all(isinstance(s, tf.TensorShape) for s in input_shape):
            raise ValueError(
                "Normalization only accepts a single input. If you are passing a python list or tuple as a single "
                "input, please convert to a numpy array or `tf.Tensor`."
            )
        dims = tf.TensorShape(input_shape).as_list()
        rank = len(dims)
        if any(a < -rank or a >= rank for a in self.axis):
            raise ValueError(
                f"All `axis` values must be in the range [-ndim, ndim). Found ndim: `{rank}`, axis: {self.axis}"
            )
        kept = sorted(a % rank for a in self.axis)
        for axis in kept:
            if dims[axis] is None:
                raise ValueError(
                    f"All `axis` values to be kept must have known shape. Got axis: {self.axis}, input shape: {dims}, "
                    f"with unknown axis at index: {axis}"
                )
        shape = tuple(dims[axis] for axis in kept)
        self.__dict__["_reduced"] = [axis for axis in range(rank) if axis not in kept]
        self.__dict__["_broadcast"] = [dims[axis] if axis in kept else 1 for axis in range(rank)]
        if self.input_mean is not None:
            self._set(self.input_mean * np.ones(shape), self.input_variance * np.ones(shape))
            return
        dtype = self.compute_dtype
        self.adapt_mean = self.add_weight("mean", shape, dtype, "zeros", trainable=False)
        self.adapt_variance = self.add_weight("variance", shape, dtype, "ones", trainable=False)
        self.count = self.add_weight("count", (), tf.int64, "zeros", trainable=False)
        self.finalize_state()

    def _set(self, mean: Any, variance: Any) -> None:
        shape = self.__dict__["_broadcast"]
        self.mean = tf.cast(tf.reshape(mean, shape), self.compute_dtype)
        self.variance = tf.cast(tf.reshape(variance, shape), self.compute_dtype)

    def update_state(self, data: Any) -> None:
        """Learn from a batch.

        Raises:
            ValueError: mean and variance were given.
            RuntimeError: the layer is not built.
        """
        if self.input_mean is not None:
            raise ValueError(
                "Cannot `adapt` a Normalization layer that is initialized with static `mean` and `variance`, you "
                f"passed mean {self.input_mean} and variance {self.input_variance}."
            )
        if not self.built:
            raise RuntimeError("`build` must be called before `update_state`.")
        data = tf.cast(self._one_dtype(data), self.adapt_mean.dtype)
        reduced = self.__dict__["_reduced"]
        batch_mean, batch_variance = tf.nn.moments(data, axes=reduced)
        size: Any = 1
        if reduced:
            size = tf.reduce_prod(tf.gather(tf.shape(data, out_type=tf.int64), reduced))
        total = size + self.count
        share = tf.cast(size, self.compute_dtype) / tf.cast(total, self.compute_dtype)
        rest = 1.0 - share
        mean = self.adapt_mean * rest + batch_mean * share
        old = (self.adapt_variance + (self.adapt_mean - mean) ** 2) * rest
        new = (batch_variance + (batch_mean - mean) ** 2) * share
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(old + new)
        self.count.assign(total)

    def reset_state(self) -> None:
        """Forget what was learned: mean 0, variance 1."""
        if self.input_mean is None and self.built:
            self.adapt_mean.assign(tf.zeros_like(self.adapt_mean))
            self.adapt_variance.assign(tf.ones_like(self.adapt_variance))
            self.count.assign(tf.zeros_like(self.count))

    def finalize_state(self) -> None:
        """Keep mean and variance as constants, shaped like the inputs."""
        if self.input_mean is None and self.built:
            self._set(self.adapt_mean, self.adapt_variance)

    def _one_dtype(self, inputs: Any) -> Any:
        return tf.cast(tf.convert_to_tensor(inputs), self.compute_dtype)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        inputs = self._one_dtype(inputs)
        deviation = tf.maximum(tf.sqrt(self.variance), config.epsilon())
        return self.mean + inputs * deviation if self.invert else (inputs - self.mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The inputs' spec."""
        return input_signature

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {
            "axis": self.axis,
            "invert": self.invert,
            "mean": plain_lists(self.input_mean),
            "variance": plain_lists(self.input_variance),
        }

    def load_own_variables(self, store: Any) -> None:
        """Read the weights, and what follows from them."""
        super().load_own_variables(store)  # type: ignore[misc]
        self.finalize_state()


class Discretization(PreprocessingLayer):
    """The numbers of the bins that the inputs lie in.

    Args:
        bin_boundaries: where bins begin, apart from the first one.
        num_bins: the number of bins, whose boundaries `adapt` learns: about equally many numbers are in each.
        epsilon: how exactly, as a share of all numbers.
        output_mode: "int", "one_hot", "multi_hot" or "count", see `encoding.encoded`.
        sparse: is the result a `SparseTensor`?

    Raises:
        ValueError: both boundaries and number are given; the number is negative; the mode is unknown, or contradicts
            the dtype or `sparse`.
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = INT,
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if "bins" in kwargs:
            logging.getLogger("tensorflow").warning(
                "bins is deprecated, please use bin_boundaries or num_bins instead."
            )
            bins = kwargs.pop("bins")
            if isinstance(bins, int) and num_bins is None:
                num_bins = bins
            elif bin_boundaries is None:
                bin_boundaries = bins
        default_dtype(kwargs, output_mode, lenient=True)
        super().__init__(**kwargs)
        check_choice(output_mode, (INT, ONE_HOT, MULTI_HOT, COUNT), type(self).__name__, "output_mode")
        if sparse and output_mode == INT:
            raise ValueError(
                "`sparse` may only be true if `output_mode` is `'one_hot'`, `'multi_hot'`, or `'count'`. Received: "
                f"sparse={sparse} and output_mode={output_mode}"
            )
        if num_bins is not None and num_bins < 0:
            raise ValueError(
                f"`num_bins` must be greater than or equal to 0. You passed `num_bins={num_bins}`"
            )
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                f"Both `num_bins` and `bin_boundaries` should not be set. You passed `num_bins={num_bins}` and "
                f"`bin_boundaries={bin_boundaries}`"
            )
        self.__dict__["input_bin_boundaries"] = boundaries = plain_lists(bin_boundaries)
        self.__dict__["bin_boundaries"] = [] if boundaries is None else boundaries
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = sparse

    input_bin_boundaries: Any
    bin_boundaries: Any

    def build(self, input_shape: Any) -> None:
        """Make the weight in which `adapt` sums up what it saw: values, and how many numbers each stands for."""
        super().build(input_shape)
        if self.input_bin_boundaries is None:
            self.summary = self.add_weight(
                "summary",
                (2, None),
                tf.float32,
                lambda shape, dtype: tf.zeros((2, 0), dtype),
                trainable=False,
            )

    def update_state(self, data: Any) -> None:
        """Learn from a batch.

        Raises:
            ValueError: boundaries were given.
            RuntimeError: the layer is not built.
        """
        if self.input_bin_boundaries is not None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with `bin_boundaries`, use `num_bins` "
                f"instead. You passed `bin_boundaries={self.input_bin_boundaries}`."
            )
        if not self.built:
            raise RuntimeError("`build` must be called before `update_state`.")
        data = np.asarray(tf.cast(tf.convert_to_tensor(data), tf.float32))
        merged = np.concatenate([_summary(data, self.epsilon), self.summary.numpy()], axis=1)
        merged = merged[:, np.argsort(merged[0], kind="stable")]
        self.summary.assign(_compressed(merged, self.epsilon))

    def finalize_state(self) -> None:
        """Find the boundaries."""
        if self.input_bin_boundaries is None and self.built:
            found = _compressed(self.summary.numpy(), 1.0 / (self.num_bins or 1))
            self.__dict__["bin_boundaries"] = found[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forget what was learned."""
        if self.input_bin_boundaries is None and self.built:
            self.summary.assign(np.zeros((2, 0), np.float32))

    def call(self, inputs: Any) -> Any:
        """The numbers of the bins, or what `output_mode` makes of them."""

        def number(x: Any) -> Any:
            return tf.raw_ops.Bucketize(input=x, boundaries=self.bin_boundaries)

        if isinstance(inputs, tf.RaggedTensor):
            numbers = tf.ragged.map_flat_values(number, inputs)
        elif isinstance(inputs, tf.SparseTensor):
            numbers = tf.SparseTensor(inputs.indices, number(inputs.values), inputs.dense_shape)
        else:
            numbers = number(tf.convert_to_tensor(inputs))
        depth = len(self.bin_boundaries) + 1
        return encoded(numbers, self.output_mode, depth, dtype=self.compute_dtype, sparse=self.sparse)

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
            "bin_boundaries": self.input_bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }


def _summary(values: Any, epsilon: float) -> Any:
    """Values at equal distances in the order of all values, and how many each stands for: shape (2, n)."""
    values = np.sort(values.reshape(-1))
    start = int(np.float32(values.size) / np.float32(1.0 / epsilon))
    step = max(start, 1)
    chosen = values[start::step]
    return np.stack([chosen, np.full_like(chosen, step)])


def _compressed(summary: Any, epsilon: float) -> Any:
    """A summary of about ``1 / epsilon`` values: those at equal distances, between the values of a larger one."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    sums = summary[1].cumsum()
    values = np.interp(shares, sums / sums[-1], summary[0])
    new_sums = np.interp(shares, sums / sums[-1], sums)
    weights = new_sums - np.concatenate([[0], new_sums[:-1]])
    return np.stack([values, weights]).astype(np.float32)
