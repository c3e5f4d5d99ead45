"""What the programs share: the package they run on, and ways to give their arguments."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

tf: Any = importlib.import_module(os.environ.get("PROGRAMS_PACKAGE", "calque"))


def tensors(*values: Any) -> Callable[[], tuple[Any, ...]]:
    """The values as tensors."""
    return lambda: tuple(tf.constant(v) for v in values)


def python(*values: Any) -> Callable[[], tuple[Any, ...]]:
    """The values as they are."""
    return lambda: values


def both(*values: Any) -> list[Callable[[], tuple[Any, ...]]]:
    """The values as tensors, and as they are."""
    return [tensors(*values), python(*values)]
