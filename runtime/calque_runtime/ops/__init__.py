"""The ops, a file a family. `find` loads families as they are needed; importing this package loads none."""

from __future__ import annotations

from importlib import import_module

from ..errors import UnimplementedError
from ..op import Op, registered

__all__ = [
    "FAMILIES",
    "find",
    "load_all",
    "require",
]

# Every file of this folder that declares ops; those that most models need stand first, so that a process that runs one
# model loads no more than it needs.
FAMILIES = (
    "control",
    "state",
    "calls",
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
    "nn_conv",
    "nn_pool",
    "nn_norm",
    "image_resize",
    "image_warp",
    "image_color",
    "image_codec",
    "parse",
    "detection",
    "signal",
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
    """The op of that name, or None. Families are loaded in their order until it is found."""
    ops = registered()
    if name in ops:
        return ops[name]
    for family in FAMILIES:
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
