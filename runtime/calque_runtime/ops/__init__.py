"""The ops, a file a family. `find` loads the families on its first call; importing this package loads none."""

from __future__ import annotations

from importlib import import_module

from ..errors import UnimplementedError
from ..op import Op, registered

__all__ = ["FAMILIES", "find", "load_all"]

# Every file of this folder that declares ops.
FAMILIES = (
    "elementwise",
    "functions",
    "complexes",
    "special",
    "compare",
    "bitwise",
    "reduce",
    "cumulative",
    "segment",
    "order",
    "array",
    "sized",
    "join",
    "cast",
    "rearrange",
    "indexing",
    "scatter",
    "search",
    "activations",
    "losses",
    "state",
    "control",
    "save",
    "calls",
    "random",
    "sampling",
)

_loaded = False


def load_all() -> dict[str, Op]:
    """Every op by name."""
    global _loaded
    if not _loaded:
        for family in FAMILIES:
            import_module(f"{__name__}.{family}")
        _loaded = True
    return registered()


def find(name: str) -> Op | None:
    """The op of that name, or None."""
    return load_all().get(name)


def require(name: str, node: str | None = None) -> Op:
    """The op of that name.

    Raises:
        UnimplementedError: calque has no such op.
    """
    found = find(name)
    if found is None:
        raise UnimplementedError(node, name, f"op {name} is not supported")
    return found
