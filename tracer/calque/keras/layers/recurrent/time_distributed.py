"""`TimeDistributed`: a layer applied to each time step on its own."""

from __future__ import annotations

from typing import Any

import calque as tf

from ...engine.input_spec import InputSpec
from ...engine.layer import Layer
from .cells import takes
from .loop import as_dense, as_ragged, rnn
from .wrapper import Wrapper

__all__ = ["TimeDistributed"]


class TimeDistributed(Wrapper):
    """A layer applied to each time step of inputs of shape ``(batch, time, ...)``.

    Keras's own layers are applied to all time steps at once, as if these were a larger batch; others, where the batch
    size is known, to one after the other.

    Args:
        layer: the layer.

    Raises:
        ValueError: it is no layer.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Please initialize `TimeDistributed` layer with a `tf.keras.layers.Layer` instance. Received: {layer}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True
        self._always_use_reshape = _is_known(layer) and not getattr(layer, "stateful", False)

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside for one time step.

        Raises:
            ValueError: the inputs have no dimensions for batch, time and features.
        """
        shapes = _shapes(input_shape)
        if any(shape.rank < 3 for shape in tf.nest.flatten(shapes)):
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, received: "
                f"{input_shape}"
            )
        self.input_spec = tf.nest.map_structure(lambda s: InputSpec(shape=(None, None, *s[2:])), shapes)
        if not self.layer.built:
            # Under the layer's own name scope only in a call.
            self.layer.build(_without_time(shapes))
            self.layer.built = True
        Layer.build(self, input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the layer's result for one time step, with the number of time steps."""
        shapes = _shapes(input_shape)
        steps = tf.nest.flatten(shapes)[0][1]
        inner = _shapes(self.layer.compute_output_shape(_without_time(shapes)))
        return tf.nest.map_structure(lambda s: tf.TensorShape([s[0], steps, *s[1:]]), inner)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The results of all time steps, ``(batch, time, ...)``."""
        kwargs = {"training": training} if takes(self.layer.call, "training") else {}
        first = tf.nest.flatten(inputs)[0]
        if first.shape[0] and not self._always_use_reshape:
            return self._step_by_step(inputs, mask, kwargs)
        ragged = [isinstance(x, tf.RaggedTensor) for x in tf.nest.flatten(inputs)]
        if all(ragged):
            lengths = first.nested_row_lengths()[0]
            values = self.layer(tf.nest.map_structure(lambda x: x.values, inputs), **kwargs)
            return tf.nest.map_structure(lambda y: tf.RaggedTensor.from_row_lengths(y, lengths), values)
        if any(ragged):
            raise ValueError(f"All inputs has to be either ragged or not, but not mixed. Received: {inputs}")
        if takes(self.layer.call, "mask") and mask is not None:
            kwargs["mask"] = _joined(mask)
        outputs = self.layer(tf.nest.map_structure(_joined, inputs), **kwargs)
        return tf.nest.map_structure(lambda y: _parted(y, first), outputs)

    def _step_by_step(self, inputs: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
        inputs, lengths = as_dense(inputs)

        def step(now: Any, _: Any) -> Any:
            return self.layer(now, **kwargs), []

        length = tf.nest.flatten(inputs)[0].shape[1] if lengths is None else lengths
        _, outputs, _ = rnn(step, inputs, [], input_length=length, mask=mask)
        return tf.nest.map_structure(lambda y: as_ragged(y, lengths), outputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks that the layer inside gives; where it gives none, that of the inputs for the time steps."""
        flat = tf.nest.flatten(inputs)
        one_by_one = flat[0].shape[0] and not self._always_use_reshape
        if one_by_one or any(isinstance(x, tf.RaggedTensor) for x in flat):
            return mask
        inner_mask = None if mask is None else _joined(mask)
        found = self.layer.compute_mask(tf.nest.map_structure(_joined, inputs), inner_mask)
        if found is not None:
            return _parted(found, flat[0])
        if mask is not None and mask.shape.rank > 2:
            return tf.reduce_any(mask, axis=list(range(2, mask.shape.rank)))
        return mask


def _is_known(layer: Any) -> bool:
    """Is it a layer of Keras's own, or derived from one other than `Layer`?"""
    for cls in type(layer).__mro__:
        if cls.__module__.startswith("calque.keras."):
            return cls is not Layer
    return False


def _shapes(shapes: Any) -> Any:
    """A shape, or a structure of shapes, with TensorShapes in it."""
    from ...engine.arguments import as_shapes

    return as_shapes(shapes)


def _without_time(shapes: Any) -> Any:
    return tf.nest.map_structure(lambda s: tf.TensorShape([s[0], *s[2:]]), shapes)


def _sizes(x: Any, start: int) -> list[Any]:
    """The sizes from a dimension on: numbers where they are known, tensors elsewhere."""
    sizes = tf.shape(x)
    return [sizes[i] if size is None else size for i, size in enumerate(x.shape) if i >= start]


def _joined(x: Any) -> Any:
    """A tensor with batch and time as one dimension."""
    return tf.reshape(x, [-1, *_sizes(x, 2)])


def _parted(y: Any, like: Any) -> Any:
    """A tensor with batch and time apart again, as in `like`."""
    batch, steps = like.shape[0], _sizes(like, 1)[0]
    return tf.reshape(y, [batch or -1, steps, *_sizes(y, 1)])
