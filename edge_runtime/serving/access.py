"""Who may use a page: those on this machine, or with the token."""

import contextlib
import hmac
import ipaddress
import secrets
import socket
from typing import TYPE_CHECKING
from urllib.parse import quote

from edge_runtime.serving.address import WebAddress

if TYPE_CHECKING:
    from aiohttp import web

_COOKIE = "edge_token"


class Access:
    """The access to one page.

    Args:
        address: of the page; it needs a token unless it is loopback.
    """

    def __init__(self, address: WebAddress) -> None:
        self._address = address
        self._token = address.token or (None if address.is_loopback else secrets.token_urlsafe(16))

    def url(self, port: int) -> str:
        """The address to open in a browser."""
        host = socket.gethostname() if self._address.host in ("0.0.0.0", "::") else self._address.host  # noqa: S104
        place = f"[{host}]" if ":" in host else host
        query = f"?token={quote(self._token, safe='')}" if self._token else ""
        return f"http://{place}:{port}/{query}"

    def check(self, request: "web.Request") -> None:
        """Refuse a request without the token, or for another host.

        Raises:
            HTTPForbidden: with what to do.
        """
        from aiohttp import web

        if self._token and not _is_same(_given_token(request), self._token):
            raise web.HTTPForbidden(text="the token is missing or wrong: open the address as it was printed")
        if not self._token and not _names_this_machine(request.host):
            # The name of another site that resolves to this machine (DNS rebinding).
            raise web.HTTPForbidden(text="open it as localhost")

    def remember(self, request: "web.Request", response: "web.StreamResponse") -> None:
        """Let the browser keep the token that a page was opened with."""
        if self._token and "token" in request.query:
            response.set_cookie(_COOKIE, self._token, httponly=True, samesite="Strict")


def _given_token(request: "web.Request") -> str:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return str(request.query.get("token") or request.cookies.get(_COOKIE) or bearer)


def _is_same(given: str, token: str) -> bool:
    # A header may contain bytes that are not UTF-8.
    return hmac.compare_digest(
        given.encode("utf-8", "surrogateescape"), token.encode("utf-8", "surrogateescape")
    )


def _names_this_machine(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    return name == "localhost"
