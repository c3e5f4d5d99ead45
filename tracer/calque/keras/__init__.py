"""`tf.keras`: layers, models and their training, with the names and the behavior of Keras 2 (tf-keras).

The rooms are loaded when they are first asked for.
"""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module

# The public rooms, and the names that stand at the top besides.
_ROOMS = (
    "activations",
    "backend",
    "callbacks",
    "constraints",
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


__all__ = sorted([*_ROOMS, *_HOMES, "__version__"])


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
