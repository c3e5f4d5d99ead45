"""`tf.config.experimental`: earlier names, and switches that have nothing to switch on a processor."""

from __future__ import annotations

from typing import Any, NoReturn

from .devices import LogicalDeviceConfiguration as VirtualDeviceConfiguration
from .devices import (
    PhysicalDevice,
    get_visible_devices,
    list_logical_devices,
    list_physical_devices,
    set_visible_devices,
)
from .devices import get_logical_device_configuration as get_virtual_device_configuration
from .devices import set_logical_device_configuration as set_virtual_device_configuration

__all__ = [
    "VirtualDeviceConfiguration",
    "enable_op_determinism",
    "enable_tensor_float_32_execution",
    "get_device_details",
    "get_memory_info",
    "get_virtual_device_configuration",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "set_memory_growth",
    "set_virtual_device_configuration",
    "set_visible_devices",
    "tensor_float_32_execution_enabled",
]


def enable_op_determinism() -> None:
    """Ops are deterministic anyway."""


def enable_tensor_float_32_execution(enabled: bool) -> None:
    """Accepted, and of no effect: products are never rounded."""


def tensor_float_32_execution_enabled() -> bool:
    """Are the factors of products rounded to 19 bits? They are not."""
    return False


def get_device_details(device: PhysicalDevice) -> dict[str, Any]:
    """What is known of a device: nothing."""
    return {}


def get_memory_info(device: str) -> NoReturn:
    """The memory that a device uses: known of none.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"No matching devices found for '{device}': memory is counted on GPUs and TPUs only")


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Have a GPU take memory as it needs it.

    Raises:
        ValueError: the device is none.
    """
    raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")
