"""`tf.debugging`, `tf.print`: looking at values while a program runs, and checking them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from calque_runtime.dtypes import as_dtype
from calque_runtime.errors import InvalidArgumentError

from ..tensor import EagerTensor, Tensor, is_tensor
from .arguments import pair, tensor
from .math_ops import equal, greater, greater_equal, less, less_equal, not_equal
from .raw import raw
from .reduce_ops import reduce_all

__all__ = [
    "Assert",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_less",
    "assert_less_equal",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_rank",
    "assert_type",
    "check_numerics",
    "group",
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
    tensors: list[Tensor] = []
    template = sep.join(_placed(value, tensors) for value in inputs)
    text = raw("StringFormat")(tensors, template=template, placeholder=_MARK, summarize=summarize)
    return raw("PrintV2")(text, output_stream=_stream(stream), end=end, name=name)


_MARK = "{__tensor__}"


def _placed(value: Any, tensors: list[Tensor]) -> str:
    """`value` as text with a mark for each tensor, which is added to `tensors`."""
    if is_tensor(value):
        tensors.append(tensor(value))
        return _MARK
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_placed(v, tensors)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_placed(v, tensors) if not isinstance(v, str) else repr(v) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    return str(value)


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
assert_none_equal = _check("none_equal", "!=", not_equal)
assert_greater = _check("greater", ">", greater)
assert_greater_equal = _check("greater_equal", ">=", greater_equal)
assert_less = _check("less", "<", less)
assert_less_equal = _check("less_equal", "<=", less_equal)


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
