"""The models of `modeling`, by name; importing this makes them all known."""

from __future__ import annotations

from support import models_of_control_flow, models_of_functions, models_of_state, models_of_tables
from support.modeling import MODELS, Model

__all__ = [
    "MODELS",
    "Model",
    "models_of_control_flow",
    "models_of_functions",
    "models_of_state",
    "models_of_tables",
]
