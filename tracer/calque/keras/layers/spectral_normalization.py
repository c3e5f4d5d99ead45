"""`SpectralNormalization`: a layer whose kernel is kept at norm 1."""

from __future__ import annotations

from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from ..initializers import TruncatedNormal
from .phase import when_training
from .recurrent.wrapper import Wrapper

__all__ = ["SpectralNormalization"]


class SpectralNormalization(Wrapper):
    """A layer whose kernel, as a matrix, is divided by its largest singular value at each call in training.

    Args:
        layer: the layer; it has a `kernel`, or `embeddings`.
        power_iterations: how many steps each call brings the estimate of that value nearer.
        **kwargs: those of every layer.

    Raises:
        ValueError: there is no such weight, or less than one step.
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                "`power_iterations` should be greater than zero. Received: "
                f"`power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside, and make the estimate of the singular vector."""
        super().build(input_shape)
        self.input_spec = InputSpec(shape=[None, *tf.TensorShape(input_shape)[1:]])
        for name in ("kernel", "embeddings"):
            if hasattr(self.layer, name):
                self.kernel = getattr(self.layer, name)
                break
        else:
            raise ValueError(f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'")
        self.kernel_shape = self.kernel.shape.as_list()
        self.vector_u = self.add_weight(
            "vector_u",
            (1, self.kernel_shape[-1]),
            initializer=TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=self.kernel.dtype,
        )

    def call(self, inputs: Any, training: Any = False) -> Any:
        """What the layer inside gives."""
        when_training(training, self._update, lambda: None)
        return self.layer(inputs)

    def _update(self) -> None:
        """Divide the kernel; one of zeros stays."""
        kernel, vector = tf.cond(
            tf.reduce_all(tf.equal(self.kernel, 0)),
            lambda: (tf.identity(self.kernel), tf.identity(self.vector_u)),
            self.normalize_weights,
        )
        self.kernel.assign(kernel)
        self.vector_u.assign(vector)

    def normalize_weights(self) -> tuple[Any, Any]:
        """The kernel divided by its largest singular value, and the estimate of the vector that belongs to it."""
        matrix = tf.reshape(self.kernel, [-1, self.kernel_shape[-1]])
        right = left = tf.identity(self.vector_u)
        for _ in range(self.power_iterations):
            left = tf.math.l2_normalize(tf.matmul(right, matrix, transpose_b=True))
            right = tf.math.l2_normalize(tf.matmul(left, matrix))
        left, right = tf.stop_gradient(left), tf.stop_gradient(right)
        value = tf.matmul(tf.matmul(left, matrix), right, transpose_b=True)
        return tf.reshape(matrix / value, self.kernel_shape), right

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the layer inside."""
        return tf.TensorShape(self.layer.compute_output_shape(input_shape))

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"power_iterations": self.power_iterations}
