"""What an op call means in the tracer: run on eager tensors at once, or become a node of the graph being traced.

This is the tracer's side of the seam (`calque_runtime.op`); importing calque installs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType
from calque_runtime.op import Kernel, Op, Site, flatten_inputs, nest_outputs, set_interpreter

from .context import environment, state
from .gradient.recording import record_op
from .tensor import EagerTensor, convert_to_tensor

__all__ = ["TracingInterpreter", "install"]


# numpy 2 keeps its error state in a context variable. To run in a context where all is ignored takes half the time of
# `np.errstate`, which is more than an addition of small arrays.
_QUIET = Context() if int(np.__version__.partition(".")[0]) >= 2 else None
if _QUIET is not None:
    _QUIET.run(np.seterr, all="ignore")


class TracingInterpreter:
    """Runs calls on `EagerTensor`s, or hands them to the thread's current trace."""

    def apply(self, op: Op, inputs: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
        """See `calque_runtime.op.Interpreter`."""
        trace = state.trace
        if trace is not None:
            return trace.call(op, inputs, attrs, name)
        try:  # the common case: eager tensors, a kernel bound before for these types and attributes
            key = (
                (*[x._dtype for x in inputs], *attrs.items()) if attrs else tuple([x._dtype for x in inputs])
            )
            kernel, dtypes, full = op.bound[key]
            arrays = [x._array for x in inputs]
        except (AttributeError, KeyError, TypeError):
            return self._any_call(op, inputs, attrs)
        return _run(op, kernel, dtypes, arrays, full, inputs)

    def _any_call(self, op: Op, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """Any call: converts inputs, completes attributes, binds the kernel and remembers it where it can."""
        signature = op.signature
        tensors = [[_eager(v) for v in x] if isinstance(x, (list, tuple)) else _eager(x) for x in inputs]
        flat = flatten_inputs(signature, tensors)
        types = [[v._dtype for v in x] if isinstance(x, list) else x._dtype for x in tensors]
        key = (*[tuple(t) if isinstance(t, list) else t for t in types], *attrs.items())
        try:
            found = op.bound.get(key)
        except TypeError:  # an attribute that cannot be hashed
            found = key = None  # type: ignore[assignment]
        if found is None:
            full = signature.complete(types, attrs)
            kernel = op.bind(Site(op, full, [x._dtype for x in flat], env=environment))
            found = kernel, signature.output_dtypes(full), full
            if key is not None:
                op.bound[key] = found
        kernel, dtypes, full = found
        return _run(op, kernel, dtypes, [x._array for x in flat], full, flat)


def _eager(value: Any) -> EagerTensor:
    tensor = value if isinstance(value, EagerTensor) else convert_to_tensor(value)
    if not isinstance(tensor, EagerTensor):
        raise tensor._out_of_scope()
    return tensor


def _run(
    op: Op,
    kernel: Kernel,
    dtypes: tuple[DType, ...],
    arrays: list[Any],
    attrs: dict[str, Any],
    inputs: Sequence[EagerTensor],
) -> Any:
    signature = op.signature
    try:
        if _QUIET is None or signature.stateful or signature.holds_objects:
            with np.errstate(all="ignore"):  # it may run a user's code, which keeps its own context
                result = kernel(*arrays)
        else:
            result = _QUIET.copy().run(kernel, *arrays)
    except Exception as e:
        site = Site(op, attrs, [], env=environment)
        raise op.failure(e, site, arrays) from None
    if signature.single:
        output = EagerTensor(result, dtypes[0])
        if state.tapes:
            record_op(op, inputs, (output,), attrs)
        return output
    outputs = [EagerTensor(r, d) for r, d in zip(result, dtypes, strict=True)]
    if state.tapes:
        record_op(op, inputs, outputs, attrs)
    return nest_outputs(signature, attrs, outputs)


def install() -> None:
    """Make op calls mean what this module says."""
    set_interpreter(TracingInterpreter())
