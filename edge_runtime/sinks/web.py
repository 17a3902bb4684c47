"""A web page with the live image and the answer, and `/metrics`.

The server has a thread of its own and uses the newest result only: slow viewers do not delay the loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

from edge_runtime.core import MissingLibraryError, ModelError, Result, clock
from edge_runtime.images import encode_jpeg, shrink
from edge_runtime.serving import Access, BoundedConnections, WebAddress, listen
from edge_runtime.sinks.base import DrawHeatmap, RunSnapshot, SinkBase
from edge_runtime.sinks.json_lines import to_dict
from edge_runtime.system import WATCHDOG_SECONDS

if TYPE_CHECKING:
    from aiohttp import web

    from edge_runtime.sinks.metrics import Metrics

MAX_VIEWERS = 8
LARGEST_SIDE = 640
MAX_CONNECTIONS = 64
REQUEST_SECONDS = 10.0
"""A connection whose request is not complete after this time is closed."""

HEALTH = "/healthz"
"""For a container's health check; as for systemd's watchdog the work counts, not the camera. No token."""

SEND_SECONDS = 10.0
"""A viewer that takes nothing for this time is disconnected."""


class WebSink(SinkBase):
    """Serves the newest result: `/`, `/stream.mjpg`, `/heatmap.jpg`, `/status.json`, `/metrics`, `/healthz`.

    Args:
        address: where it is served.
        metrics: rendered by `/metrics`; None for no such page.
        draw_heatmap: draws `/heatmap.jpg`; None for no such page.

    Raises:
        MissingLibraryError: aiohttp is not installed.
        OutputError: the port is taken, or the address is none of this machine's.
    """

    def __init__(
        self,
        address: WebAddress,
        metrics: "Metrics | None" = None,
        draw_heatmap: DrawHeatmap | None = None,
    ) -> None:
        try:
            import aiohttp.web  # noqa: F401 - only whether it is there
        except ImportError as error:
            raise MissingLibraryError("the preview needs a library: pip install aiohttp") from error
        self._metrics = metrics
        self._draw_heatmap = draw_heatmap
        self._access = Access(address)
        self._newest: Result | None = None
        self._frames_per_second = 0.0
        self._drift = ""
        self._alive_at = clock.now()
        self._jpeg: tuple[Result | None, bytes] = (None, b"")
        self._heatmap_jpeg: tuple[Result | None, bytes] = (None, b"")
        self._viewers = 0
        self._connections: BoundedConnections
        self._socket = listen(address, "the preview")
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="preview", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        return self._access.url(self.port)

    def emit(self, result: Result) -> None:
        """Show this result from now on."""
        self._newest = result

    def publish(self, snapshot: RunSnapshot) -> None:
        """See `Monitor.publish`."""
        self._alive_at = clock.now()
        self._frames_per_second = snapshot.frames_per_second
        self._drift = snapshot.drift.message if snapshot.drift else ""

    def close(self) -> None:
        """Disconnect all viewers and end the server."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(2.0)

    def _serve(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._run())

    async def _run(self) -> None:
        from aiohttp import web

        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.router.add_get("/", self._page)
        app.router.add_get("/status.json", self._status)
        app.router.add_get("/stream.mjpg", self._stream)
        app.router.add_get("/heatmap.jpg", self._heatmap)
        app.router.add_get("/metrics", self._scrape)
        app.router.add_get(HEALTH, self._health)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - set up
        # Connections without a request must not use up the descriptors of the whole service.
        self._connections = BoundedConnections(runner.server, limit=MAX_CONNECTIONS, seconds=REQUEST_SECONDS)
        server = await self._loop.create_server(self._connections, sock=self._socket)
        await self._stop.wait()
        server.close()
        await runner.cleanup()

    @property
    def _guard(self) -> Any:
        from aiohttp import web

        @web.middleware
        async def guard(
            request: "web.Request", handler: "Callable[[web.Request], Awaitable[web.StreamResponse]]"
        ) -> "web.StreamResponse":
            self._connections.request_received(request.transport)
            try:
                if request.path != HEALTH:
                    self._access.check(request)
                response = await handler(request)
            except web.HTTPException as refusal:
                refusal.force_close()
                raise
            # One request a connection: between two of them there would be no time limit.
            response.force_close()
            if not response.prepared:
                response.headers["Content-Security-Policy"] = "default-src 'self' 'unsafe-inline'"
                response.headers["Cache-Control"] = "no-store"
                self._access.remember(request, response)
            return response

        return guard

    async def _page(self, _request: "web.Request") -> "web.Response":
        from aiohttp import web

        page = resources.files("edge_runtime.sinks").joinpath("preview.html").read_text(encoding="utf-8")
        return web.Response(text=page, content_type="text/html")

    async def _status(self, _request: "web.Request") -> "web.Response":
        from aiohttp import web

        result = self._newest
        if result is None:
            return web.json_response({"result": None})
        since = clock.now() - result.frame.captured_at
        return web.json_response(
            {
                "result": to_dict(result),
                "frames_per_second": round(self._frames_per_second, 2),
                "age_seconds": round(since, 3),
                "drift": self._drift,
            }
        )

    async def _health(self, _request: "web.Request") -> "web.Response":
        from aiohttp import web

        since = clock.now() - self._alive_at
        return web.Response(
            text=f"the last round of the loop was {since:.0f} s ago\n",
            status=200 if since < WATCHDOG_SECONDS else 503,
        )

    async def _scrape(self, _request: "web.Request") -> "web.Response":
        from aiohttp import web

        if self._metrics is None:
            raise web.HTTPNotFound(text="pip install prometheus-client for metrics")
        text, kind = self._metrics.render()
        return web.Response(body=text, headers={"Content-Type": kind})

    async def _heatmap(self, _request: "web.Request") -> "web.Response":
        from aiohttp import web

        result = self._newest
        if self._draw_heatmap is None or result is None:
            raise web.HTTPNotFound(text="no heatmap, or no frame yet")
        known, jpeg = self._heatmap_jpeg
        if known is not result:
            try:
                jpeg = await asyncio.to_thread(_draw_jpeg, self._draw_heatmap, result)
            except ModelError as error:
                raise web.HTTPNotFound(text=str(error)) from error
            self._heatmap_jpeg = (result, jpeg)
        return web.Response(body=jpeg, content_type="image/jpeg")

    async def _stream(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web

        if self._viewers >= MAX_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"too many viewers (limit {MAX_VIEWERS})")
        self._viewers += 1
        try:
            response = web.StreamResponse(
                headers={
                    "Content-Type": "multipart/x-mixed-replace; boundary=frame",
                    "Cache-Control": "no-store",
                }
            )
            await response.prepare(request)
            try:
                await self._send_frames(response)
            except (ConnectionError, TimeoutError):
                # Unsent data would keep the connection open.
                if request.transport is not None:
                    request.transport.abort()
            return response
        finally:
            self._viewers -= 1

    async def _send_frames(self, response: "web.StreamResponse") -> None:
        sent: Result | None = None
        while not self._stop.is_set():
            result = self._newest
            if result is None or result is sent:
                await asyncio.sleep(0.03)
                continue
            sent = result
            jpeg = await self._encoded(result)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
            await asyncio.wait_for(response.write(head + jpeg + b"\r\n"), SEND_SECONDS)

    async def _encoded(self, result: Result) -> bytes:
        """The image as JPEG, encoded once for all viewers."""
        known, jpeg = self._jpeg
        if known is not result:
            jpeg = await asyncio.to_thread(_shrunk_jpeg, result)
            self._jpeg = (result, jpeg)
        return jpeg


def _shrunk_jpeg(result: Result) -> bytes:
    return encode_jpeg(shrink(result.frame.image, LARGEST_SIDE), 80)


def _draw_jpeg(draw: DrawHeatmap, result: Result) -> bytes:
    return encode_jpeg(draw(result), 85)
