"""`BatchNormalization`: mean 0 and variance 1 in each channel, over the batch in training, as seen so far otherwise."""

from __future__ import annotations

import warnings
from typing import Any

import calque as tf

from ...errors import UnimplementedError
from ..engine.input_spec import InputSpec
from .normalization import ScaledLayer, axes_of, fused_batch_norm
from .phase import is_training

__all__ = ["BatchNormalization", "SyncBatchNormalization"]

_FORMATS = {(4, 1): "NCHW", (5, 1): "NCDHW", (4, 3): "NHWC", (5, 4): "NDHWC"}


class BatchNormalization(ScaledLayer):
    """``gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``.

    In training, mean and variance are the batch's, over all axes but those of the channels, and the moving ones follow
    them: ``moving = moving * momentum + new * (1 - momentum)``. In inference they are the moving ones; so they are, and
    stay, while the layer is not `trainable`.

    Args:
        axis: the axis, or axes, of the channels.
        momentum: see above.
        epsilon: added to the variance.
        center, scale: is there `beta`, `gamma`?
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: give the weights'
            first values.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: see `Dense`.
        synchronized: are mean and variance taken over all replicas' batches? There is one replica.
        fused: is it one op? None: where it can be (inputs of rank 4 or 5 and not of float64, channels along one axis).
            The one op has the sample variance, divided by the count less 1, for the moving one.
        **kwargs: those of every layer.

    Raises:
        TypeError: `axis` is something else.
        ValueError: `fused` is True where it cannot be; an axis is beyond the rank, or its size is not known.
        UnimplementedError: `renorm`, `virtual_batch_size` or `adjustment`, which Keras dropped later on.
    """

    _format: Any = None  # of the fused op

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        fused: bool | None = None,
        **kwargs: Any,
    ) -> None:
        for name in ("renorm", "virtual_batch_size", "adjustment"):
            if kwargs.pop(name, None):
                raise UnimplementedError(
                    None,
                    None,
                    f"BatchNormalization: `{name}` is not supported. Leave it out: the plain layer's results differ "
                    "in training only.",
                )
        for name in ("renorm_clipping", "renorm_momentum"):
            kwargs.pop(name, None)
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(
                f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}"
            )
        self.axis = axis if isinstance(axis, int) else list(axis)
        if synchronized and fused:
            raise ValueError("`fused=True` is not supported when `synchronized=True`.")
        self.synchronized = synchronized
        self.momentum = momentum
        self._told(
            epsilon,
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self._tell("moving_mean", moving_mean_initializer)
        self._tell("moving_variance", moving_variance_initializer)
        reason = self._why_not_fused()
        if fused and reason:
            raise ValueError(reason)
        self.fused = False if synchronized or reason else fused

    def _why_not_fused(self) -> str | None:
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        if len(axes) > 1 or axes[0] not in (-4, -3, -1, 1, 3, 4):
            return (
                "Passing `fused=True` is only supported when axis is 1 or 3 for input rank = 4 or 1 or 4 for input "
                f"rank = 5. Got axis {list(axes)}"
            )
        if self.compute_dtype not in ("float16", "bfloat16", "float32", None):
            return (
                "Passing `fused=True` is only supported when the compute dtype is float16, bfloat16, or float32. Got "
                f"dtype: {self.compute_dtype}"
            )
        return None

    @property
    def _weight_dtype(self) -> str:
        return "float32" if self.dtype in ("float16", "bfloat16", None) else str(self.dtype)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.axis = axes_of(self.axis, input_shape)
        shape = tf.TensorShape(input_shape).as_list()
        rank = len(shape)
        if self.fused and rank not in (4, 5):
            raise ValueError(
                "Batch normalization layers with `fused=True` only support 4D or 5D input tensors. Received tensor "
                f"with shape: {tuple(shape)}"
            )
        if self.fused is None:
            self.fused = rank in (4, 5)
        if self.fused:
            self._format = _FORMATS.get((rank, self.axis[0]))
            if self._format is None and rank == 4:
                raise ValueError(
                    "Unsupported axis. The use of `fused=True` is only possible with `axis=1` or `axis=3` for 4D input "
                    f"tensors. Received: axis={tuple(self.axis)}"
                )
            self.fused = self._format is not None
        sizes = {axis: shape[axis] for axis in self.axis}
        if None in sizes.values():
            raise ValueError(
                f"Input has undefined `axis` dimension. Received input with shape {tuple(shape)} and "
                f"axis={tuple(self.axis)}"
            )
        self.input_spec = InputSpec(ndim=rank, axes=sizes)
        self._size = list(sizes.values()) if len(sizes) == 1 else [sizes.get(i, 1) for i in range(rank)]
        how: dict[str, Any] = {"dtype": self._weight_dtype, "experimental_autocast": False}
        self._add_scale(self._size, **how)
        moving = how | {
            "trainable": False,
            "synchronization": tf.VariableSynchronization.ON_READ,
            "aggregation": tf.VariableAggregation.MEAN,
        }
        self.moving_mean = self._add("moving_mean", self._size, **moving)
        self.moving_variance = self._add("moving_variance", self._size, **moving)
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """See the class.

        Args:
            inputs: the inputs.
            training: is this training?
            mask: which examples, or steps, count for mean and variance in training; not with `fused`.
        """
        inputs = tf.cast(inputs, self.compute_dtype)
        mode = is_training(training) if self.trainable else False
        if self.fused:
            if mask is not None:
                warnings.warn(
                    "Masking is not supported with `fused=True`. You should either turn off fusing (`fused=False`) or "
                    "you should not pass a `mask` argument when calling the layer. For the moment `mask` will be "
                    "ignored for the normalization.",
                    stacklevel=2,
                )
            return self._by_one_op(inputs, mode)
        return self._by_moments(inputs, mode, mask)

    def _by_one_op(self, inputs: Any, mode: Any) -> Any:
        gamma = self.gamma if self.scale else tf.ones(self._size, self._weight_dtype)
        beta = self.beta if self.center else tf.zeros(self._size, self._weight_dtype)
        statistics = (self.moving_mean, self.moving_variance)

        def run(training: bool) -> Any:
            factor = 1.0 - self.momentum if training else 1.0
            return fused_batch_norm(
                inputs, gamma, beta, self.epsilon, self._format, statistics, training, factor
            )

        if isinstance(mode, bool):
            outputs, mean, variance = run(mode)
        else:
            outputs, mean, variance = tf.cond(mode, lambda: run(True), lambda: run(False))
        if mode is not False:
            with tf.name_scope("AssignNewValue"):
                self.moving_mean.assign(mean)
                self.moving_variance.assign(variance)
        return outputs

    def _by_moments(self, inputs: Any, mode: Any, mask: Any) -> Any:
        given = inputs.dtype
        if given in (tf.float16, tf.bfloat16):
            inputs = tf.cast(inputs, tf.float32)
        mean, variance = self.moving_mean, self.moving_variance
        if mode is True:
            mean, variance = self._moments(inputs, mask)
            self._follow(mean, variance)
        elif mode is not False:
            mean, variance = tf.cond(
                mode, lambda: self._moments(inputs, mask), lambda: (tf.identity(mean), tf.identity(variance))
            )
            tf.cond(mode, lambda: self._follow(mean, variance), lambda: None)
        mean, variance, beta, gamma = (
            None if v is None else self._along(tf.cast(v, inputs.dtype), inputs)
            for v in (mean, variance, self.beta, self.gamma)
        )
        outputs = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, self.epsilon)
        outputs = tf.cast(outputs, given)
        outputs.set_shape(inputs.shape)
        return outputs

    def _moments(self, inputs: Any, mask: Any) -> Any:
        """The batch's mean and variance."""
        axes = [i for i in range(inputs.shape.rank) if i not in self.axis]
        keep = len(self.axis) > 1
        x = tf.cast(inputs, self._weight_dtype)
        if mask is None:
            return tf.nn.moments(x, axes, keepdims=keep)
        counts = tf.expand_dims(tf.cast(mask, self.compute_dtype), -1)
        return tf.nn.weighted_moments(x, axes, counts, keepdims=keep)

    def _follow(self, mean: Any, variance: Any) -> None:
        """Let the moving values go a step towards these."""
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            with tf.name_scope("AssignMovingAvg"):
                decay = tf.constant(1.0 - self.momentum, moving.dtype)
                moving.assign_sub((moving - tf.cast(new, moving.dtype)) * decay)

    def _along(self, value: Any, inputs: Any) -> Any:
        """A number per channel, with the inputs' axes."""
        rank = inputs.shape.rank
        if value.shape.rank == rank or self.axis == [rank - 1]:
            return value
        return tf.reshape(value, [inputs.shape[i] if i in self.axis else 1 for i in range(rank)])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        config = super().get_config() | {"momentum": self.momentum}
        for weight in ("moving_mean", "moving_variance"):
            del config[f"{weight}_regularizer"], config[f"{weight}_constraint"]
        return config


class SyncBatchNormalization(BatchNormalization):
    """`BatchNormalization` with ``synchronized=True``, by its older name in `keras.layers.experimental`."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(axis, **(kwargs | {"synchronized": True}))
