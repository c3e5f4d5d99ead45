"""The ops, a file a family. `find` loads the family of an op; importing this package loads none."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ..errors import UnimplementedError
from ..op import Kernel, Op, Site, op, registered
from ..signature import parse as parse_declaration

__all__ = [
    "FAMILIES",
    "find",
    "load_all",
    "register_op",
    "require",
]

# Every file of this folder that declares ops.
FAMILIES = (
    "control",
    "state",
    "calls",
    "fused",
    "scans",
    "attention",
    "lists",
    "tables",
    "linalg",
    "elementwise",
    "activations",
    "refs",
    "functions",
    "complexes",
    "special",
    "compare",
    "bitwise",
    "reduce",
    "cumulative",
    "segment",
    "order",
    "linalg",
    "einsum",
    "diagonal",
    "decompose",
    "array",
    "sized",
    "join",
    "cast",
    "rearrange",
    "indexing",
    "scatter",
    "search",
    "losses",
    "quantize",
    "nn_conv",
    "nn_fused",
    "nn_pool",
    "nn_norm",
    "nn_maxima",
    "quantize_scaled",
    "image_resize",
    "image_scale",
    "image_warp",
    "image_color",
    "image_codec",
    "parse",
    "parse_sequence",
    "csv",
    "records",
    "detection",
    "signal",
    "batching",
    "save",
    "random",
    "sampling",
    "string",
    "string_format",
    "regex",
    "unicode_text",
    "list_parts",
    "arrays",
    "sparse",
    "sparse_segment",
    "sparse_math",
    "sparse_count",
    "sparse_cross",
    "ragged",
    "sets",
    "unicode_forms",
    "python_calls",
    "gpu_only",
    "stacks",
    "training",
    "cells",
    "quantize_types",
    "ctc",
    "image_boxes",
    "candidates",
    "incomplete",
    "audio",
    "datasets",
    "iterators",
    "summaries",
)

_loaded: set[str] = set()


def _load(family: str) -> None:
    import_module(f"{__name__}.{family}")
    _loaded.add(family)


def load_all() -> dict[str, Op]:
    """Every op by name."""
    for family in FAMILIES:
        if family not in _loaded:
            _load(family)
    return registered()


def find(name: str) -> Op | None:
    """The op of that name, or None; its family is loaded where it is not yet."""
    ops = registered()
    if name in ops:
        return ops[name]
    from .index import FAMILY_OF

    # The index names the family; an op newer than the index is in any of them.
    for family in (FAMILY_OF[name], *FAMILIES) if name in FAMILY_OF else FAMILIES:
        if family not in _loaded:
            _load(family)
            if name in ops:
                return ops[name]
    return None


def require(name: str, node: str | None = None) -> Op:
    """The op of that name.

    Raises:
        UnimplementedError: calque has no such op.
    """
    found = find(name)
    if found is None:
        raise UnimplementedError(node, name, f"op {name} is not supported")
    return found


def register_op(declaration: str) -> Callable[[Callable[[Site], Kernel]], Op]:
    """Add an op of your own, or replace one: models that are loaded from then on run it.

        @calque_runtime.register_op("ScaleBy(x: T) -> (y: T) | T: type in float double; factor: float=2.0")
        def scale_by(site):
            factor = site["factor"]             # attributes, and what is known of types and shapes
            return lambda x: x * x.dtype.type(factor)   # arrays in, an array (or one for each output) out

    Args:
        declaration: name, inputs, outputs and attributes, as TensorFlow's op registry prints them: after ``|`` the
            attributes with their kinds, defaults and allowed values.

    Returns:
        A decorator for the function that makes the kernel for one node. See `calque_runtime.op` for what the site tells
        it, and for shape and gradient rules.

    Raises:
        InternalError: the declaration is not in that form.
    """
    parse_declaration(declaration)
    find(declaration.partition("(")[0].strip())  # the family of an op that is replaced must not come later
    return op(declaration)
