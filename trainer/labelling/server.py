"""The page for labelling: an aiohttp application over a `Board`."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from aiohttp import web

from edge_runtime.core import EdgeError, ImageError, Say, UsageError, one_line
from edge_runtime.images import encode_jpeg, read_image, shrink
from edge_runtime.inference import LoadedModel
from edge_runtime.serving import Access, BoundedConnections, WebAddress, listen
from trainer.labelling.board import Board, Change, Item
from trainer.labelling.likeness import Likeness, group_items, look_at

THUMBNAIL_SIDE = 192
LARGE_SIDE = 1024
MAX_REQUEST_BYTES = 1024**2
MAX_CONNECTIONS = 256
REQUEST_SECONDS = 30.0

HEADER = "X-Edge-Label"
"""Requests that change something need it: other sites cannot send it without asking first."""

_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
_FILES = {"": "text/html", "label.js": "text/javascript", "label.css": "text/css"}


class LabelServer:
    """Serves the page until it is stopped.

    Args:
        board: the images.
        address: where it is served.
        model: suggests classes; None for none.
        unknown: the class of images of no class.
        say: shows a line that the user should know.

    Raises:
        OutputError: the port is taken, or the address is none of this machine's.
    """

    def __init__(
        self, board: Board, address: WebAddress, *, model: LoadedModel | None, unknown: str, say: Say
    ) -> None:
        self._board = board
        self._model = model
        self._unknown = unknown
        self._say = say
        self._access = Access(address)
        self._socket = listen(address, "the page")
        self._likeness: Likeness | None = None
        self._arranged: list[list[Item]] = []
        self._looked_at = 0
        self._interrupted = False
        self._connections: BoundedConnections
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        return self._access.url(self.port)

    @property
    def _progress(self) -> int | None:
        """How many images have been compared; None when all are, and in groups."""
        return self._looked_at if self._likeness is None else None

    def run(self) -> bool:
        """Serve until SIGINT or SIGTERM.

        Returns:
            Whether it was SIGINT.
        """
        threading.Thread(target=self._look_at_images, name="likeness", daemon=True).start()
        asyncio.run(self._serve())
        return self._interrupted

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guard()], client_max_size=MAX_REQUEST_BYTES)
        for name in _FILES:
            app.router.add_get(f"/{name}", self._file)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/groups", self._groups)
        app.router.add_get("/image/{id}", self._image)
        app.router.add_post("/api/label", self._label)
        app.router.add_post("/api/skip", self._skip)
        app.router.add_post("/api/undo", self._undo)
        app.router.add_post("/api/class", self._class)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - set up
        self._connections = BoundedConnections(runner.server, limit=MAX_CONNECTIONS, seconds=REQUEST_SECONDS)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connections, sock=self._socket)
        stop = asyncio.Event()

        def interrupt() -> None:
            self._interrupted = True
            stop.set()

        loop.add_signal_handler(signal.SIGTERM, stop.set)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGINT, interrupt)
        await stop.wait()
        server.close()
        await runner.cleanup()

    def _look_at_images(self) -> None:
        def tick(done: int, _total: int) -> None:
            self._looked_at = done

        likeness = look_at(self._board.pending(), self._board.path_of, self._model, tick)
        if likeness.unreadable:
            self._say(f"{len(likeness.unreadable)} files are no images, or damaged: they are not shown")
            self._board.discard(likeness.unreadable)
        # Once: with 10,000 images it takes seconds.
        self._arranged = group_items(self._board.pending(), likeness)
        self._likeness = likeness
        self._board.touch()

    def _guard(self) -> Any:
        @web.middleware
        async def guard(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            self._connections.request_received(request.transport)
            self._access.check(request)
            if request.method == "POST" and HEADER not in request.headers:
                raise web.HTTPForbidden(text=f"the header {HEADER} is missing")
            try:
                response = await handler(request)
            except UsageError as error:
                raise web.HTTPBadRequest(text=one_line(error)) from error
            except EdgeError as error:
                raise web.HTTPInternalServerError(text=one_line(error)) from error
            response.headers["Content-Security-Policy"] = _POLICY
            response.headers.setdefault("Cache-Control", "no-store")
            self._access.remember(request, response)
            return response

        return guard

    async def _file(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/")
        content = resources.files("trainer.labelling").joinpath("page", name or "label.html")
        return web.Response(
            text=content.read_text(encoding="utf-8"), content_type=_FILES[name], charset="utf-8"
        )

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(self._describe_state())

    def _describe_state(self) -> dict[str, Any]:
        board = self._board
        return {
            "version": board.version,
            "total": board.total,
            "done": board.done,
            "can_undo": board.can_undo,
            "classes": [{"name": name, "count": count} for name, count in board.counts().items()],
            "unknown": self._unknown,
            "looked_at": self._progress,
        }

    async def _groups(self, _request: web.Request) -> web.Response:
        # Of the groups that are shown: the images may be compared by the time of the next request.
        version, looked_at = self._board.version, self._progress
        described = [[self._describe(each) for each in group] for group in self._waiting_groups()]
        response = web.json_response({"version": version, "looked_at": looked_at, "groups": described})
        response.enable_compression()
        return response

    def _waiting_groups(self) -> list[list[Item]]:
        """The groups of the images that wait; those that were not compared come first."""
        pending = self._board.pending()
        if self._likeness is None:
            return group_items(pending, None)
        left = {item.id for item in pending}
        groups = [[item for item in group if item.id in left] for group in self._arranged]
        arranged = {item.id for group in groups for item in group}
        others = [item for item in pending if item.id not in arranged]
        return [*group_items(others, None), *filter(None, groups)]

    def _describe(self, item: Item) -> dict[str, Any]:
        suggestion = self._likeness.suggestions.get(item.id) if self._likeness else None
        described: dict[str, Any] = {"id": item.id, "name": item.path.name}
        if suggestion is not None:
            described |= {"suggestion": suggestion.label, "score": round(suggestion.score, 3)}
        if item.current:
            described["current"] = item.current
        if item.why:
            described["why"] = item.why
        return described

    async def _image(self, request: web.Request) -> web.Response:
        path = self._board.path_of(request.match_info["id"])
        if path is None:
            raise web.HTTPNotFound(text="there is no such image")
        side = LARGE_SIDE if "large" in request.query else THUMBNAIL_SIDE
        try:
            content = await asyncio.to_thread(_shrunk_jpeg, path, side)
        except ImageError as error:
            raise web.HTTPNotFound(text=one_line(error)) from error
        # An id is of one image for ever.
        headers = {"Cache-Control": "private, max-age=86400, immutable"}
        return web.Response(body=content, content_type="image/jpeg", headers=headers)

    async def _label(self, request: web.Request) -> web.Response:
        content = await _read(request)
        keys, label = _keys(content), content.get("label")
        if not isinstance(label, str):
            raise web.HTTPBadRequest(text="label: expected a name")
        return await self._change(self._board.label, keys, label)

    async def _skip(self, request: web.Request) -> web.Response:
        return await self._change(self._board.skip, _keys(await _read(request)))

    async def _undo(self, _request: web.Request) -> web.Response:
        return await self._change(self._board.undo)

    async def _class(self, request: web.Request) -> web.Response:
        name = (await _read(request)).get("name")
        if not isinstance(name, str):
            raise web.HTTPBadRequest(text="name: expected the name of a class")
        await asyncio.to_thread(self._board.add_class, name)
        return web.json_response({"state": self._describe_state()})

    async def _change(self, action: Callable[..., Change], *arguments: Any) -> web.Response:
        # Shielded: a browser that disconnects must not cancel it half way.
        change = await asyncio.shield(asyncio.to_thread(action, *arguments))
        return web.json_response(
            {"ids": change.ids, "problems": change.problems, "state": self._describe_state()}
        )


async def _read(request: web.Request) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        content = await request.json()
        if isinstance(content, dict):
            return content
    raise web.HTTPBadRequest(text="expected a JSON object")


def _keys(content: dict[str, Any]) -> Sequence[str]:
    keys = content.get("ids")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise web.HTTPBadRequest(text="ids: expected a list of ids")
    return keys


def _shrunk_jpeg(path: Path, side: int) -> bytes:
    return encode_jpeg(shrink(read_image(path, at_least=side), side), 82)
