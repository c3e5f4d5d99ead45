"""`KerasTensor`: a tensor of a functional model, which stands for a result of a layer that has yet to be called."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ... import nest
from ...tensor_shape import TensorShape
from ...tensor_spec import TensorSpec

if TYPE_CHECKING:
    from .layer import Layer
    from .node import Node

__all__ = ["KerasHistory", "KerasTensor", "keras_tensors_in"]

_numbers = itertools.count()


class KerasHistory(NamedTuple):
    """Where a KerasTensor comes from: result `tensor_index` of call `node_index` of `layer`."""

    layer: Layer
    node_index: int
    tensor_index: int


class KerasTensor:
    """A symbolic input or output of layers.

    Args:
        type_spec: of what kind, dtype and shape the tensor will be.
        name: its name; None: a new one.
        known_value: the value, where it follows from shapes that are known.

    Operators, indexing, and public functions of tensors work on it as layers do: they become layers of the model.
    """

    __array_priority__ = 100  # numpy leaves array + tensor to the tensor
    _keras_history: KerasHistory
    _keras_mask: Any = None

    def __init__(self, type_spec: Any, name: str | None = None, known_value: Any = None) -> None:
        self._type_spec = type_spec
        self._known_value = known_value
        self._name = name or getattr(type_spec, "name", None) or f"keras_tensor_{next(_numbers)}"

    @property
    def type_spec(self) -> Any:
        """Of what kind, dtype and shape the tensor will be."""
        return self._type_spec

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        return TensorShape(self._type_spec.shape)

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self._type_spec.dtype

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def ndim(self) -> int | None:
        """The number of dimensions."""
        return self.shape.rank

    @property
    def is_tensor_like(self) -> bool:
        """It is."""
        return True

    def get_shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Make the shape more precise.

        Raises:
            ValueError: it contradicts what is known.
        """
        merged = self.shape.merge_with(shape)
        if isinstance(self._type_spec, TensorSpec):
            self._type_spec = TensorSpec(merged, self.dtype, self._type_spec.name)

    @property
    def node(self) -> Node:
        """The call that it is a result of."""
        layer, index, _ = self._keras_history
        return layer._inbound_nodes[index]  # type: ignore[no-any-return]

    def ref(self) -> Any:
        """A hashable reference to this tensor."""
        from ...tensor import TensorReference

        return TensorReference(self)

    def _refuse(self, what: str) -> NoReturn:
        raise TypeError(
            f"Keras symbolic inputs/outputs do not implement {what}. {self!r} stands for a tensor without a value: "
            "public functions of tensors take it, but conditions, loops, tf.function, gradient tapes and numpy do not. "
            "Put such code into the `call` of a layer of your own and call that layer on it."
        )

    def __len__(self) -> int:
        self._refuse("`__len__`")

    def __bool__(self) -> bool:
        self._refuse("truth values")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse("conversion to numpy arrays")

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        self._refuse("conversion to tensors")

    def __iter__(self) -> Iterator[Any]:
        size = self.shape[0] if self.shape.rank else None
        if size is None:
            raise TypeError("Cannot iterate over a Tensor with unknown first dimension.")
        return (self[i] for i in range(size))  # type: ignore[index]

    def __hash__(self) -> int:
        raise TypeError(
            f"Tensors are unhashable (this tensor: {self!r}). Instead, use tensor.ref() as the key."
        )

    def __repr__(self) -> str:
        history = self.__dict__.get("_keras_history")
        made_by = f" (created by layer '{history.layer.name}')" if history is not None else ""
        if isinstance(self._type_spec, TensorSpec):
            return f"<KerasTensor: shape={self.shape} dtype={self.dtype.name}{made_by}>"
        return f"<KerasTensor: type_spec={self._type_spec}{made_by}>"


def keras_tensors_in(*values: Any) -> list[KerasTensor]:
    """The KerasTensors in nested structures, in order."""
    return [x for x in nest.flatten(values) if isinstance(x, KerasTensor)]
