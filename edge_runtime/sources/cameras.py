"""The cameras of this machine, and their names that stay the same when they are plugged in again."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import is_there
from edge_runtime.sources.devices import DeviceKind, DeviceRequest

DEVICES = Path("/dev")
_STABLE = ("v4l/by-id", "v4l/by-path")


@dataclass(frozen=True)
class Camera:
    """A capture device of the kernel.

    Attributes:
        path: `/dev/video0`.
        title: the name given by the driver.
        stable: a name that stays the same when it is plugged in again; None where udev gives none.
    """

    path: Path
    title: str
    stable: Path | None


def camera_request(name: str) -> DeviceRequest:
    """The request for `--camera`: a number, a device path, `picamera2` or `picamera2:1`."""
    kind = DeviceKind.PICAMERA2 if name.partition(":")[0] == "picamera2" else DeviceKind.CAMERA
    return DeviceRequest(kind, name)


def list_cameras(devices: Path = DEVICES, names: Path = Path("/sys/class/video4linux")) -> list[Camera]:
    """The capture devices of this machine, in the order of their numbers."""
    found = []
    for path in sorted(devices.glob("video*"), key=lambda each: (len(each.name), each.name)):
        title = names / path.name / "name"
        text = title.read_text(errors="replace").strip() if title.is_file() else "unknown"
        found.append(Camera(path, text, _stable_name(path, devices)))
    return found


def stable_path(request: DeviceRequest, devices: Path = DEVICES) -> DeviceRequest:
    """The same request with the camera's stable name instead of its number, where there is one."""
    if request.kind is not DeviceKind.CAMERA:
        return request
    address = request.address
    path = devices / f"video{address}" if address.isdecimal() else Path(address)
    if any(part in str(path) for part in _STABLE):
        return request
    stable = _stable_name(path, devices)
    return dataclasses.replace(request, address=str(stable)) if stable else request


def camera_advice(request: DeviceRequest) -> str:
    """What to try when a camera cannot be opened, to be added to the reason; empty for a stream."""
    if request.kind is not DeviceKind.CAMERA:
        return ""
    found = [str(camera.path) for camera in list_cameras()]
    if not found:
        return "; there is no /dev/video*: plug in a camera, or try --input IMAGE, FOLDER, VIDEO or synthetic"
    wanted = f"/dev/video{request.address}" if request.address.isdecimal() else request.address
    if wanted in found or is_there(Path(wanted)):
        return f"; is {wanted} in use, or are you not in the group `video`?"
    return f"; the cameras are {', '.join(found)}: try one of them"


def _stable_name(path: Path, devices: Path) -> Path | None:
    for folder in _STABLE:
        for link in sorted((devices / folder).glob("*")):
            if is_there(path) and link.resolve() == path.resolve():
                return link
    return None
