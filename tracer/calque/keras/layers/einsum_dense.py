"""`EinsumDense`: products of the inputs and a kernel along axes that an equation names."""

from __future__ import annotations

import re
from typing import Any

import calque as tf

from .. import activations
from .weighted import WeightedLayer

__all__ = ["EinsumDense"]

# The three forms of an equation; in the second and third, "..." stands for axes that the kernel leaves alone.
_FORMS = (
    r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)",
    r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)",
    r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.",
)


class EinsumDense(WeightedLayer):
    """``activation(einsum(equation, inputs, kernel) + bias)``.

    Args:
        equation: as `tf.einsum` has it, ``"ab,bc->ac"`` for a dense layer; "..." may stand for axes at the beginning
            or the end of both the inputs and the result.
        output_shape: the shape of the result without the batch axis (and those that "..." stands for); None in it for
            sizes that are the inputs'.
        activation: a function of the result, or its name; None: none.
        bias_axes: the axes of the result, by letter, along which the bias differs; None: there is no bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint,
        bias_constraint: see `Dense`.
        activity_regularizer: taken, and left out, as Keras 2 does.

    Raises:
        ValueError: the equation is of another form, or does not fit the shapes.
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)  # without the activity regularizer, as in Keras 2
        self.equation = equation
        self.partial_output_shape = [output_shape] if isinstance(output_shape, int) else list(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self._tell("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._tell("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        kernel, bias, output = _sizes(
            self.equation, self.bias_axes, tf.TensorShape(input_shape).as_list(), self.partial_output_shape
        )
        self.__dict__["full_output_shape"] = output
        self.kernel = self._add("kernel", kernel)
        self.bias = None if bias is None else self._add("bias", bias)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        outputs = tf.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs += self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        shape = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape(_sizes(self.equation, self.bias_axes, shape, self.partial_output_shape)[2])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "output_shape": list(self.partial_output_shape),
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
        }
        return super().get_config() | own | self._weights_config()


def _sizes(equation: str, bias_axes: str | None, inputs: list[Any], outputs: list[Any]) -> Any:
    """The shapes of kernel, bias (None: there is none) and result."""
    parts, form = None, 0
    for form, pattern in enumerate(_FORMS):  # noqa: B007
        parts = re.match(pattern, equation)
        if parts:
            break
    if not parts:
        raise ValueError(
            f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], ...[X],[Y]->...[Z], or "
            "[X]...,[Y]->[Z]...."
        )
    given, kernel, result = parts.groups()
    left = form == 1
    elided = len(inputs) - len(given)
    full = [inputs[0], *outputs]
    if elided > 0:
        full[1 if left else len(full) :] = (
            [*inputs[1:elided], *outputs] if left else inputs[len(inputs) - elided :]
        )
    shift = elided if left else 0
    input_size = {letter: inputs[i + shift] for i, letter in enumerate(given)}
    place = {letter: i + shift for i, letter in enumerate(result)}
    for letter, size in input_size.items():
        there = full[place[letter]] if letter in place else None
        if there is not None and there != size:
            raise ValueError(
                f"Input shape and output shape do not match at shared dimension '{letter}'. Input shape is {size}, and "
                f"output shape is {there}."
            )
    for letter in result:
        if letter not in given and letter not in kernel:
            raise ValueError(
                f"Dimension '{letter}' was specified in the output '{result}' but has no corresponding dim in the "
                f"input spec '{given}' or weight spec '{kernel}'"
            )
    shape = []
    for letter in kernel:
        if letter not in input_size and letter not in place:
            raise ValueError(
                f"Weight dimension '{letter}' did not have a match in either the input spec '{given}' or the output "
                f"spec '{result}'. For this layer, the weight must be fully specified."
            )
        shape.append(input_size[letter] if letter in input_size else full[place[letter]])
    if bias_axes is None:
        return shape, None, full
    for letter in bias_axes:
        if letter not in result:
            raise ValueError(
                f"Bias dimension '{letter}' was requested, but is not part of the output spec '{result}'"
            )
    first = min(result.find(letter) for letter in bias_axes)
    bias = [full[place[letter]] if letter in bias_axes else 1 for letter in result[first:]]
    return shape, bias + [1] * (0 if left else elided), full
