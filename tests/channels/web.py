"""A web server on loopback for the tests: it answers as it is told, or misbehaves as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any, Literal, NamedTuple

Fault = Literal[
    "hang", "drip", "reset", "drop", "half", "redirect", "html", "empty", "408", "429", "500"
]
"""``drip``: a byte at a time, for ever; ``reset``, ``drop``: the connection torn down, or closed,
once the request was read; ``half``: the answer ends too soon; the rest are whole answers."""
PAGE = b"<html><body>502 Bad Gateway</body></html>"


class Asked(NamedTuple):
    """A request as it came: ``path`` with its query, ``port`` the client's."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answered(NamedTuple):
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = {"Content-Type": "application/json"}


Answer = Callable[[Asked], Answered]


def says(value: object, status: int = 200) -> Answered:
    """An answer in JSON."""
    return Answered(status, json.dumps(value, ensure_ascii=False).encode())


class WebServer(ThreadingHTTPServer):
    """``asked`` is every request, in order, noted before it is answered. ``fault``, while it is
    set, is what happens in the place of ``answer``."""

    daemon_threads = True

    def __init__(self, answer: Answer = lambda _asked: Answered()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[Asked] = []
        self.fault: Fault | None = None
        self.stopped = threading.Event()
        self.noting = threading.Lock()
        self.connections: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> WebServer:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, *_args: object) -> None:
        """Clients that hang up are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        asked = Asked(self.command, self.path, self.headers, body, self.client_address[1])
        with self.server.noting:
            self.server.asked.append(asked)
        if self.server.fault:
            getattr(self, f"_{self.server.fault}")()
        else:
            self._say(self.server.answer(asked))

    do_GET = do_POST = do_PUT = handle_any

    def log_message(self, *_args: object) -> None:
        """Silent."""

    def _say(self, answered: Answered) -> None:
        self.send_response_only(answered.status)
        for name, value in {"Date": self.date_time_string(), **answered.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answered.body)))
        self.end_headers()
        self.wfile.write(answered.body)

    def _hang(self) -> None:
        self.server.stopped.wait(30)
        self.close_connection = True

    def _drip(self) -> None:
        with suppress(OSError):
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 3000:
                if self.server.stopped.is_set():
                    break
                self.wfile.write(bytes([byte]))
                sleep(0.02)
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()
        self.close_connection = True

    def _drop(self) -> None:
        self.close_connection = True

    def _half(self) -> None:
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"errcode":0')
        self.close_connection = True

    def _redirect(self) -> None:
        # As an office's login page may: in another charset, and longer than anybody needs.
        elsewhere = f"{self.server.url}/登录".encode("gbk").decode("latin-1")
        self._say(Answered(302, PAGE * 9999, {"Location": elsewhere}))

    def _html(self) -> None:
        self._say(Answered(200, PAGE, {"Content-Type": "text/html"}))

    def _empty(self) -> None:
        self._say(Answered(200, b""))

    def _408(self) -> None:
        self._say(Answered(408, PAGE, {"Content-Type": "text/html"}))

    def _429(self) -> None:
        self._say(Answered(429, b"slow down", {"Retry-After": "7"}))

    def _500(self) -> None:
        self._say(Answered(500, PAGE, {"Content-Type": "text/html"}))
