"""Functions that a server would call once for several requests: here each request is a batch of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..op import Array, Kernel, Op, Site, register, registered
from ..shapes import Dim, Shape

__all__: list[str] = []


def _rows(s: Site, inputs: Sequence[Array]) -> int:
    """The size of the batch."""
    sizes = {x.shape[0] if x.ndim else None for x in inputs}
    if None in sizes:
        raise s.error("Batching input tensors must have at least one dimension")
    if len(sizes) > 1:
        raise s.error(
            "Batching input tensors supplied in a given op invocation must have equal 0th-dimension size"
        )
    return sizes.pop() or 0


def _padded(x: Array, rows: int) -> Array:
    """`x` with its first row repeated behind the last, up to so many rows."""
    missing = rows - len(x)
    return np.concatenate([x, np.repeat(x[:1], missing, axis=0)]) if missing > 0 and len(x) else x


def _batch_function(s: Site) -> Kernel:
    call = s.function("f")
    count, most, allowed = len(s["Tin"]), s["max_batch_size"], s["allowed_batch_sizes"]
    if list(allowed) != sorted(set(allowed)) or (allowed and allowed[-1] != most and not _splits(s)):
        raise s.error(
            f"allowed_batch_sizes must increase up to max_batch_size {most}, but are {list(allowed)}"
        )
    largest = allowed[-1] if allowed and _splits(s) else most

    def batch(inputs: Sequence[Array], captured: Sequence[Array], rows: int) -> list[Array]:
        size = next((n for n in allowed if n >= rows), rows)
        outputs = call(*[_padded(x, size) for x in inputs], *captured)
        for y in outputs:
            if not y.ndim or len(y) != size:
                raise s.error(
                    f"Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the "
                    f"input tensors: {size}"
                )
        return [y[:rows] for y in outputs]

    def run(*args: Array) -> list[Array]:
        inputs, captured = args[:count], args[count:]
        rows = _rows(s, inputs)
        if rows > most:
            raise s.error(f"Task size {rows} is larger than maximum input batch size {most}")
        if rows <= largest:
            return batch(inputs, captured, rows)
        parts = [
            batch([x[at : at + largest] for x in inputs], captured, min(largest, rows - at))
            for at in range(0, rows, largest)
        ]
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    return run


def _splits(s: Site) -> bool:
    return bool(s["enable_large_batch_splitting"])


batch_function: Op = register(
    Op(
        "BatchFunction(in_tensors: list(Tin), captured_tensors: list(Tcaptured)) -> (out_tensors: list(Tout)) | "
        "f: func; num_batch_threads: int; max_batch_size: int; batch_timeout_micros: int; "
        "max_enqueued_batches: int=10; allowed_batch_sizes: list(int)=[]; container: string=''; "
        "shared_name: string=''; batching_queue: string=''; low_priority_max_batch_size: int=0; "
        "low_priority_batch_timeout_micros: int=0; low_priority_allowed_batch_sizes: list(int)=[]; "
        "low_priority_max_enqueued_batches: int=0; "
        "mixed_priority_policy: string='low_priority_padding_with_max_batch_size' in "
        "['low_priority_padding_with_max_batch_size', 'low_priority_padding_with_next_allowed_batch_size', "
        "'priority_isolation', 'priority_merge']; "
        "batch_padding_policy: string='PAD_UP' in ['PAD_UP', 'BATCH_DOWN', 'MINIMIZE_TPU_COST_PER_REQUEST']; "
        "Tin: list(type) >=1; Tcaptured: list(type) >=0; Tout: list(type) >=1; "
        "enable_large_batch_splitting: bool=false",
        _batch_function,
        "Call a function of a batch, filled up to a size that is allowed, or split where it is too large.",
    )
)


@batch_function.shape
def _(s: Site) -> list[Shape]:
    known, function = s.shapes[0], s["f"].function
    rows: Dim = known[0] if known else None
    if function is None:
        return [None] * len(s.out_dtypes)
    return [None if v.shape is None else (rows, *v.shape[1:]) for v in function.outputs]


# What docs/ops.md says of limits.
for _names, _words in (("BatchFunction", "each call is a batch of its own"),):
    for _name in _names.split():
        registered()[_name].limited(_words)
