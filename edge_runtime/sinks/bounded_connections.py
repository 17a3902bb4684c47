"""A bound on a web server's connections: how many there are, and how long a request may take to come."""

import asyncio
from collections.abc import Callable


class BoundedConnections:
    """Makes the protocols of a listening socket, and refuses what is too much.

    Args:
        make: makes the protocol that serves one connection.
        most: connections at a time; one more is closed at once.
        seconds: that a connection has for its request.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        *,
        most: int,
        seconds: float,
    ) -> None:
        self._make = make
        self._most = most
        self._seconds = seconds
        self._open: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}

    def __call__(self) -> asyncio.Protocol:
        """The protocol of one more connection."""
        return _Bounded(self, self._make())

    def admit(self, transport: asyncio.Transport) -> bool:
        """Whether a new connection may stay; its time begins."""
        if len(self._open) >= self._most:
            transport.abort()
            return False
        self._open[transport] = asyncio.get_running_loop().call_later(self._seconds, transport.abort)
        return True

    def asked(self, transport: asyncio.BaseTransport | None) -> None:
        """The request of a connection is whole: it may take its time now."""
        if transport in self._open:
            self._open[transport].cancel()

    def forget(self, transport: asyncio.BaseTransport) -> None:
        """A connection is closed."""
        timer = self._open.pop(transport, None)
        if timer is not None:
            timer.cancel()


class _Bounded(asyncio.Protocol):
    """Hands everything on to the protocol that serves, if the connection was admitted."""

    def __init__(self, connections: BoundedConnections, serving: asyncio.Protocol) -> None:
        self._connections = connections
        self._serving = serving
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's
        if self._connections.admit(transport):
            self._transport = transport
            self._serving.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._serving.data_received(data)

    def eof_received(self) -> bool | None:
        return self._serving.eof_received() if self._transport is not None else None

    def pause_writing(self) -> None:
        if self._transport is not None:
            self._serving.pause_writing()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._serving.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._connections.forget(self._transport)
            self._serving.connection_lost(exc)
