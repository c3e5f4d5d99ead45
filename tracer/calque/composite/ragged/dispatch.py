"""Which public functions take ragged tensors, and what each does with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calque_runtime import dtypes

from ...api import (
    array_ops,
    bitwise_ops,
    clip_ops,
    debugging_ops,
    indexing_ops,
    math_ops,
    nn_ops,
    reduce_ops,
    special_ops,
    string_ops,
)
from ...tensor import Tensor
from ...variable import Variable
from ..dispatch import NOT_SUPPORTED, add_target, bound_arguments
from . import arrays, reduce
from .functional import on_elements
from .ragged_tensor import RaggedTensor

__all__ = ["BINARY", "UNARY", "install_operators", "register"]


def _named(module: Any, names: str) -> list[Callable[..., Any]]:
    return [getattr(module, name) for name in names.split()]


UNARY: list[Callable[..., Any]] = [
    *_named(
        math_ops,
        "abs acos acosh angle asin asinh atan atanh cast ceil conj cos cosh digamma erf erfc erfinv exp",
    ),
    *_named(
        math_ops,
        "expm1 floor imag is_finite is_inf is_nan lgamma log log1p log_sigmoid logical_not negative real",
    ),
    *_named(
        math_ops, "reciprocal reciprocal_no_nan rint round rsqrt saturate_cast sigmoid sign sin sinh softplus"
    ),
    *_named(math_ops, "sqrt square tan tanh"),
    *_named(nn_ops, "crelu dropout elu gelu leaky_relu relu relu6 selu softsign swish"),
    *_named(string_ops, "as_string length lower regex_full_match regex_replace strip substr to_hash_bucket"),
    *_named(string_ops, "to_hash_bucket_fast to_hash_bucket_strong to_number upper"),
    *_named(array_ops, "bitcast identity ones_like stop_gradient zeros_like"),
    bitwise_ops.invert,
    clip_ops.clip_by_value,
    debugging_ops.check_numerics,
    indexing_ops.one_hot,
    special_ops.ndtri,
]
BINARY: list[Callable[..., Any]] = [
    *_named(
        math_ops, "add atan2 complex divide divide_no_nan equal floordiv floormod greater greater_equal less"
    ),
    *_named(
        math_ops,
        "less_equal logical_and logical_or logical_xor maximum minimum multiply multiply_no_nan not_equal",
    ),
    *_named(
        math_ops,
        "pow realdiv squared_difference subtract truediv truncatediv truncatemod xdivy xlog1py xlogy",
    ),
    *_named(bitwise_ops, "bitwise_and bitwise_or bitwise_xor left_shift right_shift"),
    special_ops.zeta,
]

_OTHERS: dict[Callable[..., Any], Callable[..., Any]] = {
    array_ops.concat: arrays.concat,
    array_ops.expand_dims: arrays.expand_dims,
    array_ops.rank: lambda input, name=None: _rank(input),
    array_ops.reverse: arrays.reverse,
    array_ops.split: arrays.split,
    array_ops.squeeze: arrays.squeeze,
    array_ops.size: lambda input, out_type=None, name=None: array_ops.size(input.flat_values, out_type),
    array_ops.stack: arrays.stack,
    array_ops.tile: arrays.tile,
    indexing_ops.boolean_mask: lambda tensor, mask, axis=None, name=None: arrays.boolean_mask(tensor, mask),
    indexing_ops.gather: arrays.gather,
    indexing_ops.where: arrays.where,
    math_ops.add_n: reduce.add_n,
    nn_ops.softmax: reduce.softmax,
    reduce_ops.reduce_all: reduce.reduce_all,
    reduce_ops.reduce_any: reduce.reduce_any,
    reduce_ops.reduce_max: reduce.reduce_max,
    reduce_ops.reduce_mean: reduce.reduce_mean,
    reduce_ops.reduce_min: reduce.reduce_min,
    reduce_ops.reduce_prod: reduce.reduce_prod,
    reduce_ops.reduce_std: reduce.reduce_std,
    reduce_ops.reduce_sum: reduce.reduce_sum,
    reduce_ops.reduce_variance: reduce.reduce_variance,
    string_ops.join: lambda inputs, separator="", name=None: on_elements(
        lambda *flat: string_ops.join(list(flat), separator), inputs
    ),
    debugging_ops.print_: lambda *inputs, **kwargs: debugging_ops.print_(*map(_printed, inputs), **kwargs),
    string_ops.reduce_join: reduce.reduce_join,
    nn_ops.embedding_lookup: lambda params, ids, max_norm=None, name=None: _embedded(params, ids, max_norm),
}


def _rank(ragged: RaggedTensor) -> Tensor:
    from ...tensor import constant

    return constant(ragged.shape.rank, dtypes.int32)


def _embedded(params: Any, ids: RaggedTensor, max_norm: Any) -> RaggedTensor:
    return ids.with_flat_values(nn_ops.embedding_lookup(params, ids.flat_values, max_norm))


def _printed(value: Any) -> Any:
    return str(value.to_list()) if isinstance(value, RaggedTensor) else value


def _is_ragged(value: Any) -> bool:
    return isinstance(value, RaggedTensor)


def _on_one(function: Callable[..., Any]) -> Callable[..., Any]:
    def target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = bound_arguments(function, args, kwargs, 1)
        if found is None or not _is_ragged(found[0]):
            return NOT_SUPPORTED
        return found[0].with_flat_values(function(found[0].flat_values, *found[1], **found[2]))

    return target


def _on_two(function: Callable[..., Any]) -> Callable[..., Any]:
    def target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = bound_arguments(function, args, kwargs, 2)
        if found is None or not (_is_ragged(found[0]) or _is_ragged(found[1])):
            return NOT_SUPPORTED
        x, y, rest, named = found
        return on_elements(lambda a, b: function(a, b, *rest, **named), [x, y])

    return target


def _instead(function: Callable[..., Any]) -> Callable[..., Any]:
    def target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = [v for a in (*args, *kwargs.values()) for v in (a if isinstance(a, (list, tuple)) else (a,))]
        return function(*args, **kwargs) if any(map(_is_ragged, values)) else NOT_SUPPORTED

    return target


def register() -> None:
    """Let the functions of this module's tables take ragged tensors."""
    for function in UNARY:
        add_target(function, _on_one(function))
    for function in BINARY:
        add_target(function, _on_two(function))
    for function, own in _OTHERS.items():
        add_target(function, _instead(own))


_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": math_ops.add,
    "sub": math_ops.subtract,
    "mul": math_ops.multiply,
    "truediv": math_ops.truediv,
    "floordiv": math_ops.floordiv,
    "mod": math_ops.floormod,
    "pow": math_ops.pow,
    "and": math_ops.logical_and,
    "or": math_ops.logical_or,
    "xor": math_ops.logical_xor,
}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "lt": math_ops.less,
    "le": math_ops.less_equal,
    "gt": math_ops.greater,
    "ge": math_ops.greater_equal,
}


def _operator(function: Callable[..., Any], turned: bool = False) -> Callable[[Any, Any], Any]:
    def operator(self: RaggedTensor, other: Any) -> Any:
        if not isinstance(other, (RaggedTensor, Tensor, Variable)):
            from ...api.arguments import like

            other = like(other, self.dtype)
        return on_elements(function, [other, self] if turned else [self, other])

    return operator


def _equality(function: Callable[..., Any], otherwise: bool) -> Callable[[Any, Any], Any]:
    compare = _operator(function)

    def operator(self: RaggedTensor, other: Any) -> Any:
        return otherwise if other is None else compare(self, other)

    return operator


def install_operators() -> None:
    """Give `RaggedTensor` its operators."""
    own: Any = RaggedTensor
    for name, function in _OPERATORS.items():
        setattr(own, f"__{name}__", _operator(function))
        setattr(own, f"__r{name}__", _operator(function, turned=True))
    for name, function in _COMPARISONS.items():
        setattr(own, f"__{name}__", _operator(function))
    own.__eq__ = _equality(math_ops.equal, False)
    own.__ne__ = _equality(math_ops.not_equal, True)
    own.__neg__ = lambda self: self.with_flat_values(math_ops.negative(self.flat_values))
    own.__abs__ = lambda self: self.with_flat_values(math_ops.abs(self.flat_values))
    own.__invert__ = lambda self: self.with_flat_values(math_ops.logical_not(self.flat_values))
