"""`tensorflow.python.eager.context`: what is current. Sonnet's `UnrolledLSTM` asks for the device."""

from __future__ import annotations

from ...context import executing_eagerly
from ...device_spec import DeviceSpec

__all__ = ["Context", "context", "executing_eagerly"]


class Context:
    """What is current."""

    @property
    def device_spec(self) -> DeviceSpec:
        """The device that `tf.device` named: none, there is one processor."""
        return DeviceSpec()

    def executing_eagerly(self) -> bool:
        """Do op calls run at once?"""
        return executing_eagerly()


_context = Context()


def context() -> Context:
    """What is current."""
    return _context
