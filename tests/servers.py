"""Cameras on loopback: JPEGs over HTTP, one after the other."""

import socket
import threading
from collections.abc import Callable

from edge_runtime import encode_jpeg
from tests.images import paint

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"


def image(number: int) -> bytes:
    return encode_jpeg(paint((20 * number % 256, 40, 90), 48, 64), 90)


def part(jpeg: bytes) -> bytes:
    return b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n"


class Server:
    """Answers each connection with the next of some scripts, and after them with the last."""

    def __init__(self, *scripts: Callable[[socket.socket], None]) -> None:
        self._scripts = list(scripts)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/cam"
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            threading.Thread(target=self._answer, args=(client, script), daemon=True).start()

    def _answer(self, client: socket.socket, script: Callable[[socket.socket], None]) -> None:
        try:
            client.recv(4096)
            script(client)
        except OSError:
            pass
        finally:
            client.close()

    def close(self) -> None:
        self._server.close()


def healthy(client: socket.socket) -> None:
    client.sendall(HEAD)
    for number in range(10_000):
        client.sendall(part(image(number)))
        threading.Event().wait(0.02)
