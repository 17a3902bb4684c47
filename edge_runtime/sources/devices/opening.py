"""Open the device that a request names."""

from urllib.parse import urlsplit

from edge_runtime.sources.devices.http import open_http
from edge_runtime.sources.devices.opencv import OpenCvDevice
from edge_runtime.sources.devices.pattern import PatternDevice
from edge_runtime.sources.devices.picamera import PiCameraDevice
from edge_runtime.sources.devices.request import Device, DeviceKind, DeviceRequest


def open_device(request: DeviceRequest) -> Device:
    """Open a device.

    Raises:
        SourceError: it cannot be opened.
    """
    if request.kind is DeviceKind.SYNTHETIC:
        return PatternDevice(request)
    if request.kind is DeviceKind.PICAMERA2:
        return PiCameraDevice(request)
    if request.kind is DeviceKind.URL and urlsplit(request.address).scheme.lower() in ("http", "https"):
        return open_http(request)
    return OpenCvDevice(request)
