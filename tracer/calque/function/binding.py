"""A concrete function's arguments: what was given made what the trace was made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calque_runtime.dtypes import resource

from .. import nest
from ..composite.composite import CompositeTensor
from ..composite.type_spec import TypeSpec
from ..tensor import EagerTensor, Tensor, convert_to_tensor
from ..tensor_spec import TensorSpec
from ..variable import Variable
from .leaves import Leaf, Literal, TensorLeaf, TypeLeaf, VariableLeaf, object_leaf
from .shown import described, structure_text

__all__ = ["arguments_of"]


def arguments_of(structure: Any, value: Any) -> list[Any]:
    """The tensors (and variables) that an argument passes to a graph, in order.

    Args:
        structure: the argument that the graph was made for, a `Leaf` for each of its leaves.
        value: the argument that is given.

    Raises:
        TypeError: it does not fit; says what came and what is wanted.
    """
    wanted = nest.argument_parts(structure)
    if wanted is None:
        return _leaf(structure, value)
    given = nest.argument_parts(value)
    if given is None or _kind(structure) != _kind(value):
        raise TypeError(f"Can not cast {described(value)} to {_article(structure)}")
    places = [place for place, _ in wanted[1]]
    if places != [place for place, _ in given[1]] or wanted[0] != given[0]:
        raise TypeError(
            f"Can not cast {described(value)} to {structure_text(structure)}: they don't have the same nested structure"
        )
    tensors: list[Any] = []
    for (_, inner), (_, part) in zip(wanted[1], given[1], strict=True):
        tensors += arguments_of(inner, part)
    return tensors


def _kind(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Mapping
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return list if isinstance(value, list) else tuple
    return type(value)


def _article(structure: Any) -> str:
    if isinstance(structure, Mapping):
        return f"a Dict: {structure_text(structure)}"
    kind = type(structure).__name__
    return f"{kind}: {structure_text(structure)}"


def _leaf(leaf: Leaf, value: Any) -> list[Any]:
    if isinstance(leaf, TensorLeaf):
        return [_tensor(leaf, value)]
    if isinstance(leaf, VariableLeaf):
        if isinstance(value, Variable) and value.dtype is leaf.dtype:
            return [value]
        if isinstance(value, Tensor) and value.dtype is resource:
            return [value]
        raise TypeError(f"Can not cast {described(value)} to {leaf.describe()}")
    if isinstance(leaf, TypeLeaf):
        return _components(leaf, value)
    if isinstance(value, (Tensor, Variable, CompositeTensor)) or nest.argument_parts(value) is not None:
        raise TypeError(f"Can not cast {described(value)} to {leaf.describe()}")
    if not leaf.accepts(Literal(value) if isinstance(leaf, Literal) else object_leaf(value)):
        raise TypeError(f"Can not cast {value!r} to {leaf.describe()}")
    return []


def _tensor(leaf: TensorLeaf, value: Any) -> Any:
    if type(value) is EagerTensor and value._dtype is leaf.dtype:
        return value  # its shape is for the ops to look at
    wanted = TensorSpec(leaf.shape, leaf.dtype)
    if nest.argument_parts(value) is not None and not isinstance(value, (list, tuple)):
        raise TypeError(f"Can not cast {described(value)} to {wanted!r}")
    tensor: Any
    if isinstance(value, Tensor) or hasattr(value, "__tf_tensor__"):
        tensor = convert_to_tensor(value)
    else:
        try:
            tensor = convert_to_tensor(value, leaf.dtype)
        except (TypeError, ValueError) as error:
            raise TypeError(f"Can not cast {described(value)} to {wanted!r}: {error}") from None
    eager = isinstance(tensor, EagerTensor)
    if tensor.dtype is not leaf.dtype or not (eager or wanted.shape.is_compatible_with(tensor.shape)):
        raise TypeError(f"Can not cast {described(tensor)} to {wanted!r}")
    return tensor


def _components(leaf: TypeLeaf, value: Any) -> list[Any]:
    kind = leaf.type
    if not isinstance(kind, TypeSpec):
        return list(kind.to_tensors(kind.cast(value, None)))
    spec = getattr(value, "_type_spec", None)
    if spec is None or type(spec) is not type(kind):
        raise TypeError(
            f"Can not cast {described(value)} to {kind!r}: they don't have the same nested structure"
        )
    parts, specs = spec.to_tensors(value), kind.flatten()
    if len(parts) != len(specs):
        raise TypeError(f"Can not cast {spec!r} to {kind!r}: they don't have the same nested structure")
    return [
        _tensor(TensorLeaf(one.dtype, one.shape.as_tuple()), part)
        for part, one in zip(parts, specs, strict=True)
    ]
