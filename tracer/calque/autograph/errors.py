"""What can go wrong when a function is converted."""

from __future__ import annotations

__all__ = ["AutoGraphError", "ConversionError", "InaccessibleSourceError", "UnsupportedSyntaxError"]


class AutoGraphError(Exception):
    """Base of AutoGraph's own errors."""


class ConversionError(AutoGraphError):
    """`to_graph` or `to_code` could not convert a function."""


class InaccessibleSourceError(AutoGraphError, ValueError):
    """The source code of a function cannot be had."""


class UnsupportedSyntaxError(AutoGraphError, NotImplementedError):
    """A function uses a part of Python that AutoGraph does not convert."""
