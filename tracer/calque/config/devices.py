"""What there is to run on: the processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "LogicalDevice",
    "LogicalDeviceConfiguration",
    "PhysicalDevice",
    "get_logical_device_configuration",
    "get_soft_device_placement",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "set_logical_device_configuration",
    "set_soft_device_placement",
    "set_visible_devices",
]


class PhysicalDevice(NamedTuple):
    """A device of the machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device as ops see it."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """A part of a physical device; its memory limit (MB) and priority have no effect."""

    memory_limit: int | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


_PHYSICAL = PhysicalDevice("/physical_device:CPU:0", "CPU")
_LOGICAL = LogicalDevice("/device:CPU:0", "CPU")
_soft_placement = True


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of that type (None: all): the processor is the only one."""
    return [_PHYSICAL] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices of that type (None: all): the processor is the only one."""
    return [_LOGICAL] if device_type in (None, "CPU") else []


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that may be used: all there are."""
    return list_physical_devices(device_type)


def set_visible_devices(
    devices: PhysicalDevice | Sequence[PhysicalDevice], device_type: str | None = None
) -> None:
    """Choose the devices to use. The processor cannot be left out.

    Raises:
        ValueError: it is left out, or a device is named that there is not.
    """
    chosen = [devices] if isinstance(devices, PhysicalDevice) else list(devices or [])
    unknown = [device for device in chosen if device != _PHYSICAL]
    if unknown:
        raise ValueError(f"Unrecognized device: {unknown[0]!r}; there is {_PHYSICAL!r} only")
    if not chosen and device_type in (None, "CPU"):
        raise ValueError("the processor cannot be hidden: there is no other device")


def get_logical_device_configuration(device: PhysicalDevice) -> list[LogicalDeviceConfiguration] | None:
    """How a device is divided: it is not (None)."""
    _check(device)
    return None


def set_logical_device_configuration(
    device: PhysicalDevice, logical_devices: Sequence[LogicalDeviceConfiguration] | None
) -> None:
    """Divide a device. It can be one part only.

    Raises:
        ValueError: there is no such device, or it is more than one part.
    """
    _check(device)
    if logical_devices is not None and len(logical_devices) > 1:
        raise ValueError(f"calque runs on one logical device, but {len(logical_devices)} are configured")


def _check(device: PhysicalDevice) -> None:
    if device != _PHYSICAL:
        raise ValueError(f"Unrecognized device: {device!r}; there is {_PHYSICAL!r} only")


def get_soft_device_placement() -> bool:
    """What `set_soft_device_placement` set."""
    return _soft_placement


def set_soft_device_placement(enabled: bool) -> None:
    """May ops run on another device than the one they are placed on? Without effect: there is one."""
    global _soft_placement
    _soft_placement = bool(enabled)
