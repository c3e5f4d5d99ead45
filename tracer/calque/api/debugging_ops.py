"""`tf.debugging`, `tf.print`: looking at values while a program runs, and checking them."""

from __future__ import annotations

import pprint
import sys
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from calque_runtime.dtypes import as_dtype, float32, string
from calque_runtime.errors import InvalidArgumentError

from .. import nest
from ..tensor import EagerTensor, Tensor, is_tensor
from .arguments import pair, static_rank, tensor
from .math_ops import abs as abs_
from .math_ops import equal, greater, greater_equal, less, less_equal, not_equal
from .raw import raw
from .reduce_ops import reduce_all, reduce_any

__all__ = [
    "Assert",
    "assert_all_finite",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_proper_iterable",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_shapes",
    "assert_type",
    "check_numerics",
    "group",
    "is_numeric_tensor",
    "no_op",
    "print_",
]


def print_(*inputs: Any, **kwargs: Any) -> Any:
    """Print tensors and Python values, when the graph runs.

    Args:
        inputs: what to print, separated by blanks; lists and dicts may hold tensors.
        output_stream: sys.stderr (the default), sys.stdout, or "file://path".
        summarize: how many elements of each dimension to show at either end; -1 for all.
        sep, end: what stands between and behind.
        name: the node's name.
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    sep, end = kwargs.pop("sep", " "), kwargs.pop("end", "\n")
    summarize, name = kwargs.pop("summarize", 3), kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    alone = tensor(inputs[0]) if len(inputs) == 1 and is_tensor(inputs[0]) else None
    if alone is not None and alone.dtype is string and static_rank(alone) == 0:
        text: Any = alone  # a text alone is printed as it is, without quotes
    else:
        tensors: list[Tensor] = []
        template = sep.join(_placed(value, tensors) for value in inputs)
        text = raw("StringFormat")(tensors, template=template, placeholder=_MARK, summarize=summarize)
    return raw("PrintV2")(text, output_stream=_stream(stream), end=end, name=name)


_MARK = "{__tensor__}"


class _Mark:
    """Stands in for a tensor in a structure that is printed."""

    def __repr__(self) -> str:
        return _MARK


def _placed(value: Any, tensors: list[Tensor]) -> str:
    """`value` as text with a mark for each tensor, which is added to `tensors`."""

    def marked(leaf: Any) -> Any:
        if not is_tensor(leaf):
            return leaf
        tensors.append(tensor(leaf))
        return _Mark()

    if isinstance(value, str):
        return value
    return pprint.pformat(nest.map_structure(marked, value))


def _stream(stream: Any) -> str:
    if isinstance(stream, str):
        return stream if stream.startswith("file://") else f"file://{stream}"
    if stream is sys.stdout:
        return "stdout"
    if stream is sys.stderr:
        return "stderr"
    raise ValueError(f"Unrecognized output stream for tf.print: {stream!r}")


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Any:
    """Raise InvalidArgumentError with `data` unless `condition` holds, when the graph runs."""
    values = [tensor(d) for d in data]
    return raw("Assert")(
        tensor(condition), values, summarize=3 if summarize is None else summarize, name=name
    )


def _check(kind: str, sign: str, holds: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def function(
        x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
    ) -> Any:
        a, b = pair(x, y)
        result = reduce_all(holds(a, b))
        if isinstance(result, EagerTensor):
            if not result:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"{message or ''}\nCondition x {sign} y did not hold.\nx = {a}\ny = {b}".strip(),
                )
            return None
        return Assert(
            result,
            [message or "", f"Condition x {sign} y did not hold element-wise:", "x =", a, "y =", b],
            summarize,
            name,
        )

    function.__name__ = function.__qualname__ = f"assert_{kind}"
    function.__doc__ = f"Raise InvalidArgumentError unless ``x {sign} y`` holds for every element."
    return function


assert_equal = _check("equal", "==", equal)
_none_equal = _check("none_equal", "!=", not_equal)
assert_greater = _check("greater", ">", greater)
assert_greater_equal = _check("greater_equal", ">=", greater_equal)
assert_less = _check("less", "<", less)
assert_less_equal = _check("less_equal", "<=", less_equal)


def assert_none_equal(
    x: Any, y: Any, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Raise InvalidArgumentError unless ``x != y`` holds for every element."""
    return _none_equal(x, y, message, summarize, name)


def _check_sign(kind: str, words: str, check: Callable[..., Any]) -> Callable[..., Any]:
    def function(
        x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
    ) -> Any:
        a = tensor(x)
        return check(a, tensor(0, a.dtype), message, summarize, name)

    function.__name__ = function.__qualname__ = f"assert_{kind}"
    function.__doc__ = f"Raise InvalidArgumentError unless every element is {words}."
    return function


assert_negative = _check_sign("negative", "below 0", assert_less)
assert_positive = _check_sign("positive", "above 0", assert_greater)
assert_non_negative = _check_sign("non_negative", "0 or above", assert_greater_equal)
assert_non_positive = _check_sign("non_positive", "0 or below", assert_less_equal)


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Raise ValueError unless `x` has `rank` dimensions (InvalidArgumentError where that shows only later)."""
    a = tensor(x)
    known = a.shape.rank
    if known is not None and isinstance(rank, int):
        if known != rank:
            raise ValueError(
                f"{message or ''} Tensor {a} must have rank {rank}. Received rank {known}, shape {a.shape}".strip()
            )
        return None
    return assert_equal(raw("Rank")(a), rank, message, name=name)


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise TypeError unless `tensor` is of that type."""
    from .arguments import tensor as as_tensor

    found = as_tensor(tensor).dtype
    if found is not as_dtype(tf_type):
        raise TypeError(
            f"{message or ''} tensor must be of type {as_dtype(tf_type)!r}; got {found!r}".strip()
        )


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """`tensor` itself; raises InvalidArgumentError where it holds an infinity or NaN."""
    from .arguments import tensor as as_tensor

    return raw("CheckNumerics")(as_tensor(tensor), message=message, name=name)


def no_op(name: str | None = None) -> Any:
    """Do nothing."""
    return raw("NoOp")(name=name)


def group(*inputs: Any, **kwargs: Any) -> Any:
    """Do everything in `inputs`: effects run in program order anyway, so there is nothing left to do."""
    return no_op(kwargs.get("name"))


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Raise InvalidArgumentError unless ``abs(x - y) <= atol + rtol * abs(y)``; both are ten roundings by default."""
    a, b = pair(x, y)
    small = 10 * float(ml_dtypes.finfo(a.dtype.np).eps)  # type: ignore[no-untyped-call]
    near = tensor(small if atol is None else atol, a.dtype) + tensor(
        small if rtol is None else rtol, a.dtype
    ) * abs_(b)
    return assert_less_equal(abs_(a - b), near, message, summarize, name)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Any:
    """`x` itself; raises InvalidArgumentError where it holds an infinity or NaN."""
    return check_numerics(x, message, name)


def _rank_known(x: Any, fits: Callable[[int], bool], wanted: str, message: str | None) -> Any:
    """The tensor, its rank checked if it is known; None in its place if it was."""
    a = tensor(x)
    known = a.shape.rank
    if known is None:
        return a
    if not fits(known):
        raise ValueError(
            f"{message or ''} Tensor {a} must have rank {wanted}. Received rank {known}, shape {a.shape}".strip()
        )
    return None


def assert_rank_at_least(x: Any, rank: int, message: str | None = None, name: str | None = None) -> Any:
    """Raise ValueError unless `x` has `rank` or more dimensions (InvalidArgumentError where that shows only later)."""
    a = _rank_known(x, lambda r: r >= rank, f"at least {rank}", message)
    return None if a is None else assert_greater_equal(raw("Rank")(a), rank, message, name=name)


def assert_rank_in(x: Any, ranks: Any, message: str | None = None, name: str | None = None) -> Any:
    """Raise ValueError unless the rank of `x` is among `ranks` (InvalidArgumentError where that shows only later)."""
    some = tuple(int(r) for r in ranks)
    a = _rank_known(x, lambda r: r in some, f"in {some}", message)
    if a is None:
        return None
    return Assert(
        reduce_any(equal(raw("Rank")(a), list(some))), [message or "", "rank is", raw("Rank")(a)], name=name
    )


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise ValueError unless the tensor is a scalar."""
    from .arguments import tensor as as_tensor

    x = as_tensor(tensor)
    if x.shape.rank != 0:
        raise ValueError(f"{message or ''}Expected scalar shape, saw shape: {x.shape}.")


def assert_shapes(
    shapes: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> None:
    """Raise ValueError unless tensors have the shapes that are given, where they are known.

    Args:
        shapes: (tensor, sizes) pairs, or a mapping; a size is a number, None or "*" for any, or a symbol that must
            stand for one number throughout. An entry "..." or Ellipsis at the front stands for any leading sizes.
        data, summarize, name: accepted, and of no effect.
        message: what to say before.
    """
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    meaning: dict[str, int] = {}
    for value, sizes in pairs:
        static = tensor(value).shape.as_tuple()
        wanted = list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]
        if isinstance(sizes, str):
            wanted = list(sizes)
        if static is None:
            continue
        if wanted and wanted[0] in (..., "..."):
            wanted = wanted[1:]
            static = static[len(static) - len(wanted) :] if len(static) >= len(wanted) else static
        fits = len(static) == len(wanted)
        for size, symbol in zip(static, wanted, strict=False):
            if size is None or symbol in (None, "*", ".", "?"):
                continue
            if isinstance(symbol, str) and not symbol.isdecimal():
                fits = fits and meaning.setdefault(symbol, size) == size
            else:
                fits = fits and size == int(symbol)
        if not fits:
            raise ValueError(
                f"{message or ''} A tensor of shape {tensor(value).shape} does not have the shape {sizes}, where "
                f"{meaning or 'no symbol has a value yet'}.".strip()
            )


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise TypeError unless `x` has an integer type."""
    found = tensor(x).dtype
    if not found.is_integer:
        raise TypeError(f'{message or ""} Expected "x" to be integer type. Found {found!r}'.strip())


def assert_proper_iterable(values: Any) -> None:
    """Raise TypeError where `values` can be iterated over, but hardly was meant to be: a tensor, array or string."""
    if is_tensor(values) or isinstance(values, (np.ndarray, str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"Expected argument 'values' to be a list or the like. Found: {type(values)}")


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The one floating-point type of all tensors (float32 where there are none).

    Raises:
        ValueError: they have different types, or it is no floating-point type.
    """
    found = None if dtype is None else as_dtype(dtype)
    for value in tensors or ():
        own = tensor(value).dtype
        if found is not None and own is not found:
            raise ValueError(f"Tensors have different types: {own!r} and {found!r}.")
        found = own
    found = float32 if found is None else found
    if not found.is_floating:
        raise ValueError(f"Expected floating point type, got {found!r}.")
    return found


def is_numeric_tensor(tensor: Any) -> bool:
    """Is it a tensor of numbers?"""
    return isinstance(tensor, Tensor) and (
        tensor.dtype.is_integer or tensor.dtype.is_floating or tensor.dtype.is_complex
    )
