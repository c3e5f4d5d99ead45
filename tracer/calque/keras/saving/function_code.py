"""Functions as their byte code: how Keras 2 writes lambdas. Reading one runs what somebody else wrote."""

from __future__ import annotations

import codecs
import marshal
import types
from collections.abc import Callable
from typing import Any

__all__ = ["dump_function", "load_function"]


def dump_function(function: types.FunctionType) -> tuple[str, Any, Any]:
    """The code in base64, the default values, and the values of the variables that it closes over."""
    code = codecs.encode(marshal.dumps(function.__code__), "base64").decode("ascii")
    cells = function.__closure__
    return code, function.__defaults__, tuple(cell.cell_contents for cell in cells) if cells else None


def load_function(written: Any, names: dict[str, Any] | None = None) -> Callable[..., Any]:
    """A function from what `dump_function` gave, under the same version of Python.

    Args:
        written: the code alone, or with defaults and closure.
        names: what its global names mean; None: builtins only.

    Raises:
        ValueError: it is no code of this version of Python.
    """
    code, defaults, closure = (
        (*written, None, None)[:3] if isinstance(written, (list, tuple)) else (written, None, None)
    )
    try:
        compiled = marshal.loads(codecs.decode(code.encode("ascii"), "base64"))
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(
            f"This function was written by another version of Python, or is damaged: {error}. Pass the function "
            "itself in `custom_objects`, or make the layer anew."
        ) from error
    return types.FunctionType(
        compiled,
        {"__builtins__": __builtins__} if names is None else names,
        compiled.co_name,
        None if defaults is None else tuple(defaults),
        None if closure is None else tuple(types.CellType(value) for value in closure),
    )
