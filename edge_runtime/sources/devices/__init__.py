"""Devices that the capture process can open, one file each, and the function that opens one."""

from edge_runtime.sources.devices.request import (
    NETWORK_SECONDS,
    Device,
    DeviceKind,
    DeviceRequest,
    Raw,
    without_password,
)

__all__ = ["NETWORK_SECONDS", "Device", "DeviceKind", "DeviceRequest", "Raw", "without_password"]
