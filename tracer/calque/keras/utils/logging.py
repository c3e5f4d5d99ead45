"""Where what training prints goes: to standard output, or to the logger."""

from __future__ import annotations

import logging
import sys
import threading

__all__ = [
    "disable_interactive_logging",
    "enable_interactive_logging",
    "is_interactive_logging_enabled",
    "print_msg",
]

_log = logging.getLogger("calque")


class _Local(threading.local):
    interactive = True


_local = _Local()


def enable_interactive_logging() -> None:
    """Print progress to standard output."""
    _local.interactive = True


def disable_interactive_logging() -> None:
    """Give progress to Python's logger "calque", as information."""
    _local.interactive = False


def is_interactive_logging_enabled() -> bool:
    """Is progress printed?"""
    return _local.interactive


def print_msg(message: str, line_break: bool = True) -> None:
    """Print a message, or log it."""
    if not _local.interactive:
        _log.info(message)
        return
    sys.stdout.write(f"{message}\n" if line_break else message)
    sys.stdout.flush()
