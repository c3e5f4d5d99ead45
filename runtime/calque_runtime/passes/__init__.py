"""Rewrites of functions, one a file.

Those of TF1 graphs (`raise_control_flow`, `references`) run when a model is loaded. The others make up `optimize`: each
is a function from an ordered function (see `rewriting`) and the environment to whether it changed anything, and its
docstring shows a graph before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..environment import Environment
    from ..ir import Function

__all__ = ["PIPELINE", "find", "optimize"]

Pass = Callable[["Function", "Environment"], bool]

# In the order in which they run, by file name. Each is there once, or says here why it is there again.
PIPELINE: tuple[str, ...] = (
    "fold_constants",
    "clean_up",
    "merge_equal",
    "hoist_invariants",
    "raise_scans",
    "raise_cells",
    "hoist_products",
    "fold_scales",
    "raise_gelu",
    "drop_dead",
    "offer_parts",
    "lay_out_weights",
    "raise_attention",
    "raise_layer_norm",
    "flatten_products",
    "merge_projections",
    "fold_padding",
    "fuse_epilogue",
    "transform_filters",
    "group_elementwise",
)


def find(name: str) -> Pass:
    """The pass in the file of that name."""
    return import_module(f"{__name__}.{name}").run  # type: ignore[no-any-return]


def optimize(
    function: Function,
    env: Environment,
    after: Callable[[str, Function, bool], None] | None = None,
    names: tuple[str, ...] = PIPELINE,
) -> None:
    """Run the passes `names` over an ordered function, in place.

    Args:
        function: the function.
        env: where it will run.
        after: called after each pass, with its name, the function, and whether it changed anything.
        names: which passes, in order.
    """
    for name in names:
        changed = find(name)(function, env)
        if after is not None:
            after(name, function, changed)
