"""Layers that make one tensor of several, and the functions that call them."""

from __future__ import annotations

from functools import reduce
from typing import Any

import calque as tf

from ..backend.tensors import batch_dot
from ..backend.tensors import concatenate as backend_concatenate
from ..engine.layer import Layer

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


class _Merge(Layer):
    """One tensor of a list of tensors. Those of lower rank get axes of size 1 behind the batch axis.

    Raises:
        ValueError: it is called on something else than a list, or the shapes do not fit.
    """

    supports_masking = True

    def _merge(self, inputs: Any) -> Any:
        raise NotImplementedError

    def build(self, input_shape: Any) -> None:
        """Check the shapes."""
        shapes = _shapes(input_shape, "A merge layer")
        sizes = {s[0] for s in shapes if s.rank} - {None}
        if len(sizes) > 1:
            raise ValueError(
                f"Cannot merge tensors with different batch sizes. Got tensors with shapes {input_shape}"
            )
        _broadcast(shapes)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """One tensor of the inputs, a list of tensors."""
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"A merge layer should be called on a list of inputs. Received: inputs={inputs} (not a list of tensors)"
            )
        return self._merge(self._of_one_rank(inputs))

    def _of_one_rank(self, inputs: Any) -> Any:
        ranks = [x.shape.rank for x in inputs]
        if None in ranks or len(set(ranks)) == 1:
            return inputs
        return [_with_axes(x, max(ranks) - rank) for x, rank in zip(inputs, ranks, strict=True)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        return _broadcast(_shapes(input_shape, "A merge layer"))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where all masks are."""
        if not _checked(inputs, mask):
            return None
        masks = [tf.expand_dims(tf.cast(m, tf.bool), 0) for m in mask if m is not None]
        return tf.reduce_all(tf.concat(masks, 0), axis=0)


def _shapes(given: Any, who: str) -> list[Any]:
    """The shapes of a list of inputs."""
    is_list = isinstance(given, (list, tuple)) and len(given) > 0
    if not is_list or not all(_is_shape(s) for s in given):
        raise ValueError(
            f"{who} should be called on a list of inputs. Received: input_shape={given} (not a list of shapes)"
        )
    return [tf.TensorShape(s) for s in given]


def _is_shape(value: Any) -> bool:
    return value is None or isinstance(value, (tf.TensorShape, list, tuple))


def _broadcast(shapes: list[Any]) -> Any:
    """The shape to which all of these broadcast, behind their batch axes."""
    if any(s.rank is None for s in shapes):
        return tf.TensorShape(None)
    if all(s.rank == 0 for s in shapes):
        return tf.TensorShape([])
    sizes = {s[0] for s in shapes if s.rank} - {None}
    rest = reduce(_broadcast_two, [s[1:].as_list() for s in shapes])
    return tf.TensorShape([sizes.pop() if len(sizes) == 1 else None, *rest])


def _broadcast_two(a: list[Any], b: list[Any]) -> list[Any]:
    if len(a) < len(b):
        a, b = b, a
    result = list(a)
    for i, size in enumerate(b, len(a) - len(b)):
        if a[i] is None or size is None:
            result[i] = None
        elif 1 in (a[i], size):
            result[i] = a[i] * size
        elif a[i] != size:
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {tuple(a)} and {tuple(b)}")
    return result


def _with_axes(x: Any, count: int) -> Any:
    for _ in range(count):
        x = tf.expand_dims(x, 1)
    return x


def _checked(inputs: Any, mask: Any) -> bool:
    """Is there a mask among `mask`? Raises ValueError if it is no list that fits the inputs."""
    if mask is None:
        return False
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, (tuple, list)):
            raise ValueError(f"`{name}` should be a list. Received: {name}={value}")
    if len(mask) != len(inputs):
        raise ValueError(
            f"The lists `inputs` and `mask` should have the same length. Received: inputs={inputs} of length "
            f"{len(inputs)}, and mask={mask} of length {len(mask)}"
        )
    return any(m is not None for m in mask)


class Add(_Merge):
    """The sum of a list of tensors."""

    def _merge(self, inputs: Any) -> Any:
        return reduce(lambda x, y: x + y, inputs)


class Multiply(_Merge):
    """The product of a list of tensors, element by element."""

    def _merge(self, inputs: Any) -> Any:
        return reduce(lambda x, y: x * y, inputs)


class Average(_Merge):
    """The mean of a list of tensors, element by element."""

    def _merge(self, inputs: Any) -> Any:
        return reduce(lambda x, y: x + y, inputs) / len(inputs)


class Maximum(_Merge):
    """The largest of a list of tensors, element by element."""

    def _merge(self, inputs: Any) -> Any:
        return reduce(tf.maximum, inputs)


class Minimum(_Merge):
    """The smallest of a list of tensors, element by element."""

    def _merge(self, inputs: Any) -> Any:
        return reduce(tf.minimum, inputs)


class Subtract(_Merge):
    """The first of two tensors less the second."""

    def build(self, input_shape: Any) -> None:
        """Check the shapes."""
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                f"A `Subtract` layer should be called on exactly 2 inputs. Received: input_shape={input_shape}"
            )

    def _merge(self, inputs: Any) -> Any:
        if len(inputs) != 2:
            raise ValueError(
                f"A `Subtract` layer should be called on exactly 2 inputs. Received: inputs={inputs}"
            )
        return inputs[0] - inputs[1]


class Concatenate(_Merge):
    """A list of tensors behind one another.

    Args:
        axis: along which axis.

    Raises:
        ValueError: the other axes do not fit.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        """Check the shapes."""
        shapes = _shapes(input_shape, "A `Concatenate` layer")
        if all(s.rank is not None for s in shapes):
            others = [s.as_list() for s in shapes]
            for sizes in others:
                del sizes[self.axis]
            known = [{size for size in axis if size is not None} for axis in zip(*others, strict=False)]
            if len({len(sizes) for sizes in others}) > 1 or any(len(sizes) > 1 for sizes in known):
                raise ValueError(
                    "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. "
                    f"Received: input_shape={input_shape}"
                )
        Layer.build(self, input_shape)

    def _of_one_rank(self, inputs: Any) -> Any:
        return inputs

    def _merge(self, inputs: Any) -> Any:
        if all(isinstance(x, tf.RaggedTensor) for x in inputs):
            return tf.concat(inputs, self.axis)
        return backend_concatenate(inputs, self.axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        shapes = [s.as_list() for s in _shapes(input_shape, "A `Concatenate` layer")]
        sizes = [s[self.axis] for s in shapes]
        result = shapes[0]
        result[self.axis] = None if None in sizes else sum(sizes)
        return tf.TensorShape(result)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks behind one another; inputs without one count as a whole."""
        if not _checked(inputs, mask):
            return None
        whole = any(m is not None and m.shape.rank == x.shape.rank for x, m in zip(inputs, mask, strict=True))
        masks = []
        for x, m in zip(inputs, mask, strict=True):
            if m is None:
                masks.append(tf.ones_like(x if whole else x[..., :1], dtype=tf.bool))
            else:
                m = tf.cast(m, tf.bool)
                masks.append(tf.expand_dims(m, -1) if m.shape.rank < x.shape.rank else m)
        return tf.reduce_all(tf.concat(masks, self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"axis": self.axis}


class Dot(_Merge):
    """Products of two tensors, summed along an axis of each, for each element of the batch.

    Args:
        axes: the axis, or one of each tensor.
        normalize: are the tensors scaled to length 1 along it before?

    Raises:
        TypeError, ValueError: `axes` is something else; the axes' sizes differ.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(
                    f"Invalid type for argument `axes`: it should be a list or an int. Received: axes={axes}"
                )
            if len(axes) != 2:
                raise ValueError(
                    f"Invalid format for argument `axes`: it should contain two elements. Received: axes={axes}"
                )
            if not all(isinstance(axis, int) for axis in axes):
                raise ValueError(
                    f"Invalid format for argument `axes`: list elements should be integers. Received: axes={axes}"
                )
        self.axes = axes
        self.normalize = normalize

    def _axes_of(self, *ranks: int) -> list[int]:
        axes = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        return [axis % rank if axis < 0 else axis for axis, rank in zip(axes, ranks, strict=True)]

    def build(self, input_shape: Any) -> None:
        """Check the shapes."""
        shapes = _shapes(input_shape, "A `Dot` layer")
        if len(shapes) != 2:
            raise ValueError(
                f"A `Dot` layer should be called on a list of 2 inputs. Received: input_shape={input_shape}"
            )
        first, second = shapes
        if first.rank is not None and second.rank is not None:
            a, b = self._axes_of(first.rank, second.rank)
            if first[a] != second[b]:
                raise ValueError(
                    f"Incompatible input shapes: axis values {first[a]} (at axis {a}) != {second[b]} (at axis {b}). "
                    f"Full input shapes: {first}, {second}"
                )
        Layer.build(self, input_shape)

    def _of_one_rank(self, inputs: Any) -> Any:
        return inputs

    def _merge(self, inputs: Any) -> Any:
        if len(inputs) != 2:
            raise ValueError(f"A `Dot` layer should be called on exactly 2 inputs. Received: inputs={inputs}")
        x, y = inputs
        a, b = self._axes_of(x.shape.rank, y.shape.rank)
        if self.normalize:
            x, y = tf.linalg.l2_normalize(x, axis=a), tf.linalg.l2_normalize(y, axis=b)
        return batch_dot(x, y, (a, b))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        first, second = (s.as_list() for s in _shapes(input_shape, "A `Dot` layer"))
        a, b = self._axes_of(len(first), len(second))
        rest = [size for i, size in enumerate(second) if i not in (0, b)]
        shape = [size for i, size in enumerate(first) if i != a] + rest
        return tf.TensorShape(shape if len(shape) > 1 else [*shape, 1])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"axes": self.axes, "normalize": self.normalize}


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of a list of tensors, by an `Add` layer; `kwargs` are the layer's arguments."""
    return Add(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of tensors, by an `Average` layer; `kwargs` are the layer's arguments."""
    return Average(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """A list of tensors behind one another along an axis, by a `Concatenate` layer with these arguments."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """Products of two tensors along axes, by a `Dot` layer with these arguments."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of a list of tensors, by a `Maximum` layer; `kwargs` are the layer's arguments."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of a list of tensors, by a `Minimum` layer; `kwargs` are the layer's arguments."""
    return Minimum(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of tensors, by a `Multiply` layer; `kwargs` are the layer's arguments."""
    return Multiply(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two tensors less the second, by a `Subtract` layer; `kwargs` are the layer's arguments."""
    return Subtract(**kwargs)(inputs)
