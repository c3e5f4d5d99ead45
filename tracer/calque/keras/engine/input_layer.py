"""`Input`: where symbolic tensors begin."""

from __future__ import annotations

from typing import Any

from ... import dtypes
from ...tensor_spec import TensorSpec
from ..naming import unique_object_name
from .keras_tensor import KerasTensor
from .layer import Layer
from .node import Node

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The entry of a functional model.

    Args:
        input_shape: the shape without the batch dimension.
        batch_size: the batch dimension, or None.
        dtype: the dtype; None: `keras.backend.floatx`.
        input_tensor: a symbolic tensor to take the place of the new one.
        sparse, ragged: is the input a SparseTensor, a RaggedTensor?
        type_spec: the whole spec, instead of shape and dtype.
        name: the name.
        batch_input_shape: the shape with the batch dimension, instead of `input_shape`.

    Raises:
        ValueError: the arguments contradict each other.
    """

    def __init__(
        self,
        input_shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        input_tensor: Any = None,
        sparse: bool | None = None,
        name: str | None = None,
        ragged: bool | None = None,
        type_spec: Any = None,
        **kwargs: Any,
    ) -> None:
        batch_shape = kwargs.pop("batch_input_shape", None)
        kwargs.pop("optional", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {list(kwargs)}")
        if sparse and ragged:
            raise ValueError("Cannot set both sparse and ragged to True in a TF-Keras input.")
        if batch_shape is not None and input_shape is not None:
            raise ValueError("Only provide the `input_shape` OR `batch_input_shape` argument, not both.")
        if type_spec is not None and (input_shape is not None or dtype is not None):
            raise ValueError("Give `type_spec` or shape and dtype, not both.")
        super().__init__(name=name or unique_object_name("input"), dtype=None)
        if isinstance(input_tensor, KerasTensor):
            spec = input_tensor.type_spec
        elif type_spec is not None:
            spec = type_spec
        else:
            spec = _spec(batch_shape, input_shape, batch_size, dtype, bool(sparse), bool(ragged), self._name)
        self._spec = spec
        self.is_placeholder = input_tensor is None
        self.sparse, self.ragged = bool(sparse), bool(ragged)
        known = self._state
        known.built = True
        known.fixed_input = None if spec.shape.rank is None else tuple(spec.shape.as_list())
        known.save_spec = ((spec,), {})
        tensor = input_tensor if isinstance(input_tensor, KerasTensor) else KerasTensor(spec, self._name)
        Node(self, outputs=tensor)

    @property
    def dtype(self) -> str:
        """The dtype of the input."""
        return self._spec.dtype.name  # type: ignore[no-any-return]

    @property
    def type_spec(self) -> Any:
        """The spec of the input."""
        return self._spec

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        if not isinstance(self._spec, TensorSpec) and not (self.sparse or self.ragged):
            return {"name": self.name, "type_spec": self._spec}
        return {
            "batch_input_shape": self._state.fixed_input,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": False,
        }


def _spec(
    batch_shape: Any, shape: Any, batch_size: int | None, dtype: Any, sparse: bool, ragged: bool, name: str
) -> Any:
    from ..config import floatx

    if batch_shape is None and shape is None:
        raise ValueError(
            "Please provide to Input a `shape` or a `batch_shape` or a `tensor` argument. Note that `shape` does not "
            "include the batch dimension."
        )
    whole = tuple(batch_shape) if batch_shape is not None else (batch_size, *_dims(shape))
    kind = dtypes.as_dtype(dtype or floatx())
    if sparse:
        from ...composite.sparse_tensor import SparseTensorSpec

        return SparseTensorSpec(whole, kind)
    if ragged:
        from ...composite.ragged.spec import RaggedTensorSpec

        return RaggedTensorSpec(whole, kind)
    return TensorSpec(whole, kind, name=name)


def _dims(shape: Any) -> tuple[Any, ...]:
    if isinstance(shape, int):
        return (shape,)
    return tuple(shape)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    tensor: Any = None,
    ragged: bool | None = None,
    type_spec: Any = None,
    batch_shape: Any = None,
    **kwargs: Any,
) -> KerasTensor:
    """A symbolic tensor, to build a functional model from.

    Args:
        shape: the shape without the batch dimension; None for dimensions that may be anything.
        batch_size: the batch dimension, where it is fixed.
        name: the name of the input layer.
        dtype: the dtype; None: `keras.backend.floatx`.
        sparse, ragged: will it be a SparseTensor, a RaggedTensor?
        tensor: a symbolic tensor to wrap.
        type_spec: the whole spec, instead of shape and dtype.
        batch_shape: the shape with the batch dimension, instead of `shape`.

    Raises:
        ValueError: neither a shape, nor a spec, nor a tensor; or two that contradict each other.
    """
    batch_shape = kwargs.pop("batch_input_shape", batch_shape)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {list(kwargs)}")
    if shape is not None and batch_shape is not None:
        raise ValueError(
            "Only provide the `shape` OR `batch_shape` argument to Input, not both at the same time."
        )
    layer = InputLayer(
        input_shape=shape,
        batch_size=batch_size,
        batch_input_shape=batch_shape,
        name=name,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        input_tensor=tensor,
        type_spec=type_spec,
    )
    outputs: KerasTensor = layer._inbound_nodes[0].outputs
    return outputs
