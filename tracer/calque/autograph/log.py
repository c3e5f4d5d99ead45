"""AutoGraph's own messages: warnings, and what it does step by step where the user asks for it."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

__all__ = ["log", "set_verbosity", "trace", "verbosity", "warn"]

_logger = logging.getLogger("calque.autograph")


class _Settings:
    verbosity: int | None = None  # None: the environment's
    to_stdout = hasattr(sys, "ps1")


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """How much AutoGraph says about what it does.

    Args:
        level: 0 for nothing but warnings, up to 10; the default is the environment's AUTOGRAPH_VERBOSITY, or 0.
        alsologtostdout: print it, besides logging it (logger ``calque.autograph``, level INFO).
    """
    _Settings.verbosity = level
    _Settings.to_stdout = alsologtostdout


def verbosity() -> int:
    """The level in force."""
    if _Settings.verbosity is not None:
        return _Settings.verbosity
    try:
        return int(os.environ.get("AUTOGRAPH_VERBOSITY", "0"))
    except ValueError:
        return 0


def trace(*args: Any) -> None:
    """Print `args` while the graph is being built, as Python's ``print`` outside of converted code does."""
    print(*args)


def log(level: int, message: str, *args: Any) -> None:
    """Say `message` from verbosity `level` on."""
    if verbosity() >= level:
        _logger.info(message, *args)
        if _Settings.to_stdout:
            print(message % args)


def warn(message: str, *args: Any) -> None:
    """Warn, through the logger ``calque.autograph``."""
    _logger.warning(message, *args)
    if _Settings.to_stdout:
        print("WARNING: " + message % args)
