"""Ops that shape the program rather than its values: constants, placeholders, pass-through, assertions, printing."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape
from .common import check_size, same_shape

__all__: list[str] = []


@op("Const() -> (output: dtype) | value: tensor; dtype: type")
def const(s: Site) -> Kernel:
    """Always the same tensor."""
    value = s["value"]
    return lambda: value


@const.shape
def _(s: Site) -> list[Shape]:
    return [np.shape(s["value"])]


@op("Placeholder() -> (output: dtype) | dtype: type; shape: shape=unknown_rank")
def placeholder(s: Site) -> Kernel:
    """A value that the caller must feed."""

    def run() -> Array:
        raise s.error(
            f"You must feed a value for placeholder tensor '{s.name}' with dtype {s['dtype'].name}",
            InvalidArgumentError,
        )

    return run


@placeholder.shape
def _(s: Site) -> list[Shape]:
    return [s["shape"]]


@op("PlaceholderWithDefault(input: dtype) -> (output: dtype) | dtype: type; shape: shape")
def placeholder_with_default(s: Site) -> Kernel:
    """The input, unless the caller feeds a value."""
    return lambda x: x


@placeholder_with_default.shape
def _(s: Site) -> list[Shape]:
    return [s["shape"]]


placeholder_with_default.gradient = lambda c, g: [g]


@op("NoOp() -> ()")
def no_op(s: Site) -> Kernel:
    """Nothing: a place to hang control dependencies on."""
    return lambda: ()


@no_op.shape
def _(s: Site) -> list[Shape]:
    return []


def _pass_through(name: str, doc: str, attrs: str = "T: type", flags: str = "") -> Op:
    declared = f"{name}(input: T) -> (output: T) | {attrs}" + (f" | {flags}" if flags else "")
    one = register(Op(declared, lambda s: lambda x: x, doc))
    one.shape_rule = same_shape
    one.gradient = lambda c, g: [g]
    return one


identity: Op = _pass_through("Identity", "The input itself.")
snapshot: Op = _pass_through(
    "Snapshot", "The input itself: values are never changed in place, so no copy is needed."
)
guarantee_const: Op = _pass_through(
    "GuaranteeConst", "The input, which the caller promises never changes.", flags="stateful"
)
stop_gradient: Op = _pass_through("StopGradient", "The input; no gradient flows back through it.")
stop_gradient.gradient = None
stop_gradient.not_differentiable()
prevent_gradient: Op = _pass_through(
    "PreventGradient", "The input; asking for its gradient is an error.", "T: type; message: string=''"
)


@prevent_gradient.grad
def _(c: Any, g: Any) -> list[Any]:
    reason = c["message"].decode() or "none is given"
    raise InvalidArgumentError(None, "PreventGradient", f"Gradient explicitly disabled. Reason: {reason}")


@op("IdentityN(input: list(T)) -> (output: list(T)) | T: list(type) >=1")
def identity_n(s: Site) -> Kernel:
    """The inputs themselves."""
    return lambda *xs: xs


@identity_n.shape
def _(s: Site) -> list[Shape]:
    return list(s.shapes)


identity_n.gradient = lambda c, *gs: list(gs)


def _shown(array: Array, summarize: int) -> str:
    """The first `summarize` elements as the Assert and Print ops show them; all of them where it is negative."""
    flat = np.asarray(array).ravel()
    count = len(flat) if summarize < 0 else summarize
    if flat.dtype == object:
        from .string_format import escaped

        words = [escaped(x).decode(errors="replace") for x in flat[:count]]
    else:
        words = [str(x) for x in flat[:count]]
    return " ".join(words) + ("..." if len(flat) > count else "")


@op("Assert(condition: bool, data: list(T)) -> () | T: list(type) >=1; summarize: int=3 | stateful")
def assert_(s: Site) -> Kernel:
    """Raise InvalidArgumentError with `data` unless `condition` holds."""
    summarize = s["summarize"]

    def run(condition: Array, *data: Array) -> tuple[()]:
        if not condition:
            shown = " ".join(f"[{_shown(x, summarize)}]" for x in data)
            raise s.error(f"assertion failed: {shown}")
        return ()

    return run


@assert_.shape
def _(s: Site) -> list[Shape]:
    return []


@op(
    "Print(input: T, data: list(U)) -> (output: T) | T: type; U: list(type) >=0; message: string=''; first_n: int=-1; "
    "summarize: int=3 | stateful"
)
def print_v1(s: Site) -> Kernel:
    """The input; prints `data` to stderr, the first `first_n` times."""
    message, summarize, left = s["message"].decode(), s["summarize"], [s["first_n"]]

    def run(x: Array, *data: Array) -> Array:
        if left[0] != 0:
            left[0] -= 1
            print(message + "".join(f"[{_shown(d, summarize)}]" for d in data), file=sys.stderr)
        return x

    return run


print_v1.shape_rule = same_shape
print_v1.gradient = lambda c, g, *_: [g] + [None] * (len(c.inputs) - 1)


@op(r"PrintV2(input: string) -> () | output_stream: string='stderr'; end: string='\n' | stateful")
def print_v2(s: Site) -> Kernel:
    """Print a string to stdout, stderr, a log level (stderr here) or ``file://`` path."""
    stream, end = s["output_stream"].decode(), s["end"].decode(errors="replace")
    if stream.startswith("file://"):
        if s.env is None:
            raise s.error("printing to a file needs an environment that allows it")
        s.env.require_files("PrintV2", stream)

    def run(text: Array) -> tuple[()]:
        words = text.item() if isinstance(text, np.ndarray) else text
        shown = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
        if stream.startswith("file://"):
            with open(stream[len("file://") :], "a", encoding="utf-8") as file:
                file.write(shown + end)
        else:  # looked up at each call: notebooks and tests replace the streams
            print(shown, end=end, file=sys.stdout if stream == "stdout" else sys.stderr)
        return ()

    return run


@print_v2.shape
def _(s: Site) -> list[Shape]:
    return []


@op("FakeParam() -> (output: dtype) | dtype: type; shape: shape")
def fake_param(s: Site) -> Kernel:
    """A stand-in for a branch result that the other branch never reads."""
    shape = check_size(s, (d or 0 for d in s["shape"] or ()), s["dtype"])
    value = np.zeros(shape, s["dtype"].np)
    return lambda: value


@fake_param.shape
def _(s: Site) -> list[Shape]:
    return [s["shape"]]
