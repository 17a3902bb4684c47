"""Limits on the connections of a web server: their number, and the time for a request to arrive."""

import asyncio
from collections.abc import Callable


class BoundedConnections:
    """Makes the protocols of a listening socket, and refuses connections over the limit.

    Args:
        make: makes the protocol that serves one connection.
        limit: connections at a time; one more is closed at once.
        seconds: time for a connection to send its request.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        *,
        limit: int,
        seconds: float,
    ) -> None:
        self._make = make
        self._limit = limit
        self._seconds = seconds
        self._open: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Bounded(self, self._make())

    def admit(self, transport: asyncio.Transport) -> bool:
        """Whether a new connection is accepted; its time for the request begins."""
        if len(self._open) >= self._limit:
            transport.abort()
            return False
        self._open[transport] = asyncio.get_running_loop().call_later(self._seconds, transport.abort)
        return True

    def request_received(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that the request of a connection is complete: no time limit applies any more."""
        if transport in self._open:
            self._open[transport].cancel()

    def forget(self, transport: asyncio.BaseTransport) -> None:
        """Note that a connection is closed."""
        timer = self._open.pop(transport, None)
        if timer is not None:
            timer.cancel()


class _Bounded(asyncio.Protocol):
    """Passes everything on to the serving protocol, if the connection was accepted."""

    def __init__(self, connections: BoundedConnections, serving: asyncio.Protocol) -> None:
        self._connections = connections
        self._serving = serving
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP connection
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
