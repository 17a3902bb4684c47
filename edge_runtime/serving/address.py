"""Where a page is served: the address, and the socket that listens there."""

import contextlib
import ipaddress
import socket
from dataclasses import dataclass

from edge_runtime.core import OutputError


@dataclass(frozen=True)
class WebAddress:
    """The address of the page.

    Attributes:
        port: 0 for any free port.
        host: an address of this machine; `0.0.0.0` for all of them.
        token: access token; generated when None and the address is not loopback.
    """

    port: int
    host: str = "127.0.0.1"
    token: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


def listen(address: WebAddress, what: str) -> socket.socket:
    """A socket that listens at the address.

    Args:
        address: where.
        what: is served there, for the message.

    Raises:
        OutputError: the port is taken, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Unsent images wait in the kernel: a small buffer, so that a slow viewer sees the newest one.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)
    try:
        listening.bind((address.host, address.port))
        listening.listen(32)
    except OSError as error:
        listening.close()
        raise OutputError(
            f"cannot serve {what} on {address.host}:{address.port}: {error.strerror or error}"
        ) from error
    listening.setblocking(False)
    return listening
