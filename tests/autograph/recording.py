"""Running the programs: what a call gave, in a form that JSON holds."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["outcome"]


def outcome(tf: Any, function: Any, arguments: Any) -> dict[str, Any]:
    """What `tf.function(function)` gave: ``{"result": ...}``, or ``{"error": class name, "message": text}``."""
    try:
        return {"result": _plain(tf.function(function)(*arguments()))}
    except Exception as e:
        message = getattr(e, "message", None) or str(e)
        paragraphs = [p for p in message.split("\n\n") if p.strip() and 'File "' not in p]
        return {"error": type(e).__name__, "message": "\n\n".join(paragraphs).strip()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "numpy"):
        array = np.asarray(value.numpy())
        values = array.tolist()
        return {"dtype": value.dtype.name, "value": _text(values)}
    return value


def _text(values: Any) -> Any:
    if isinstance(values, list):
        return [_text(v) for v in values]
    return values.decode() if isinstance(values, bytes) else values
