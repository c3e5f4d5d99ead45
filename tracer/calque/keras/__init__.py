"""`tf.keras`: layers, models and their training, with the names and the behavior of Keras 2 (tf-keras).

The rooms are loaded when they are first asked for.
"""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec

# The public rooms, and the names that stand at the top besides; those that are not written yet are left out.
_ROOMS = (
    "activations",
    "applications",
    "backend",
    "callbacks",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "optimizers",
    "preprocessing",
    "regularizers",
    "saving",
    "utils",
)
_HOMES = {
    "Input": ".layers",
    "Model": ".models",
    "Sequential": ".models",
}
__version__ = "2.21.0"


def _is_here(module: str) -> bool:
    try:
        return _find_spec(module, __name__) is not None
    except ModuleNotFoundError:
        return False


__all__ = sorted(
    [room for room in _ROOMS if _is_here(f".{room}")]
    + [name for name, home in _HOMES.items() if _is_here(home)]
    + ["__version__"]
)


def __getattr__(name: str) -> object:
    if name in __all__:
        if name in _HOMES:
            found = getattr(_import_module(_HOMES[name], __name__), name)
            setattr(_sys.modules[__name__], name, found)
            return found
        return _import_module(f".{name}", __name__)
    from ..absent import refusal

    return refusal("keras", _sys.modules[__name__])(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
