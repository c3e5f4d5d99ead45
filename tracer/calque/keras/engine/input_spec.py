"""`InputSpec`: what a layer asks of its inputs' ranks, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ... import nest
from ...dtypes import as_dtype
from ...tensor_shape import TensorShape

__all__ = ["InputSpec", "assert_input_compatibility", "spec_of_shapes"]


class InputSpec:
    """What a layer asks of one input.

    Args:
        dtype: the dtype expected, for information.
        shape: the shape; None for a dimension that may be anything.
        ndim: the rank.
        max_ndim, min_ndim: bounds of the rank.
        axes: for an axis, the size it must have (None: any).
        allow_last_axis_squeeze: accept inputs whose last dimension, of size 1, is there or not, against `shape`.
        name: the key of the input, where inputs are a dict.

    Raises:
        TypeError: `axes` holds something else than whole numbers.
        ValueError: an axis lies beyond the rank.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
    ) -> None:
        self.dtype = as_dtype(dtype).name if dtype is not None else None
        dimensions = TensorShape(shape)
        if dimensions.rank is None:
            self.ndim, self.shape = ndim, None
        else:
            self.ndim, self.shape = dimensions.rank, tuple(dimensions.as_list())
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes: dict[int, int | None] = {int(k): axes[k] for k in axes or {}}  # type: ignore[index]
        except (ValueError, TypeError):
            raise TypeError(
                f"Argument `axes` must be a dict with integer keys. Received: axes={axes}"
            ) from None
        bound = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and bound is not None and max(self.axes) > bound - 1:
            raise ValueError(f"Axis {max(self.axes)} is greater than the maximum allowed value: {bound - 1}")

    def __repr__(self) -> str:
        said = {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes or None,
        }
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in said.items() if v is not None)})"

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a spec from."""
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> InputSpec:
        """A spec from what `get_config` gave."""
        return cls(**config)


def spec_of_shapes(inputs: Any) -> Any:
    """The specs that inputs of just these ranks and shapes fulfil, structured as they are."""
    return nest.map_structure(lambda x: InputSpec(shape=x.shape), inputs)


def assert_input_compatibility(spec: Any, inputs: Any, layer_name: str) -> None:
    """Check inputs against the specs of a layer.

    Args:
        spec: an `InputSpec`, a list or dict of them, or None.
        inputs: a tensor, or a structure of tensors.
        layer_name: for the message.

    Raises:
        ValueError: an input does not fit; the message has the spec and the shape.
        TypeError: an input is no tensor.
    """
    if not spec:
        return
    specs = nest.flatten(spec)
    flat = _in_order_of(specs, inputs) if isinstance(inputs, Mapping) else nest.flatten(inputs)
    for one in flat:
        if not hasattr(one, "shape"):
            raise TypeError(
                f"Inputs to a layer should be tensors. Got '{one}' (of type {type(one)}) as input for layer "
                f"'{layer_name}'."
            )
    if len(flat) != len(specs):
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(flat)} input tensors. '
            f"Inputs received: {inputs}"
        )
    for index, (one, wanted) in enumerate(zip(flat, specs, strict=True)):
        if wanted is not None:
            _check(wanted, one, f'Input {index} of layer "{layer_name}" is incompatible with the layer: ')


def _in_order_of(specs: Sequence[Any], inputs: Mapping[str, Any]) -> list[Any]:
    names = [spec.name for spec in specs if spec is not None and spec.name]
    if len(names) < len(specs):
        return nest.flatten(inputs)
    missing = [name for name in names if name not in inputs]
    if missing:
        raise ValueError(f'Missing data for input "{missing[0]}". Given: {sorted(inputs)}')
    return [inputs[name] for name in names]


def _check(spec: InputSpec, value: Any, where: str) -> None:
    shape = TensorShape(value.shape)
    if shape.rank is None:
        return
    rank = shape.rank
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and rank != spec.ndim:
        raise ValueError(
            f"{where}expected ndim={spec.ndim}, found ndim={rank}. Full shape received: {tuple(shape)}"
        )
    if spec.max_ndim is not None and rank > spec.max_ndim:
        raise ValueError(f"{where}expected max_ndim={spec.max_ndim}, found ndim={rank}")
    if spec.min_ndim is not None and rank < spec.min_ndim:
        raise ValueError(
            f"{where}expected min_ndim={spec.min_ndim}, found ndim={rank}. Full shape received: {tuple(shape)}"
        )
    dims = shape.as_list()
    for axis, size in spec.axes.items():
        if size is not None and dims[axis] not in (size, None):
            raise ValueError(
                f"{where}expected axis {axis} of input shape to have value {size}, but received input with shape "
                f"{tuple(dims)}"
            )
    if spec.shape is not None:
        wanted = list(spec.shape)
        if spec.allow_last_axis_squeeze:
            wanted = wanted[:-1] if wanted and wanted[-1] == 1 else wanted
            dims = dims[:-1] if dims and dims[-1] == 1 else dims
        if len(wanted) != len(dims) or any(
            a is not None and b is not None and a != b for a, b in zip(wanted, dims, strict=True)
        ):
            raise ValueError(f"{where}expected shape={spec.shape}, found shape={tuple(shape)}")
