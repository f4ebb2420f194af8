"""Lines and answers over a socket, under one deadline."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
MAX_LINE, MAX_LINES = 8192, 100


class Reply(NamedTuple):
    """What the server said; ``text`` is one line without control characters, maybe a long one."""

    code: int
    text: str
    lines: tuple[str, ...]


class Garbled(Exception):
    """The other side does not speak SMTP, or not in turn, or cannot do what we need."""


class Wire:
    """A socket that speaks in lines.

    Whatever waits raises OSError: TimeoutError when ``until``, an instant of ``monotonic``, has
    passed.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._buffer = sock, b""
        self.until, self._heard_at = until, monotonic()

    @property
    def is_open(self) -> bool:
        """False once it has been closed from this side."""
        return self._sock.fileno() >= 0

    @property
    def idle(self) -> float:
        """Seconds since the other side's last sign of life."""
        return monotonic() - self._heard_at

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Goes on in TLS, the other side's certificate being one for ``host``."""
        if self._buffer:  # planted by somebody on the way, to be taken for the server's own word
            raise Garbled("the server spoke before the encryption began")
        self._sock = context.wrap_socket(self._bounded(), server_hostname=host)

    @property
    def certificate(self) -> Mapping[str, Any]:
        """The other side's, as ``getpeercert`` gives it; empty before the encryption."""
        found = self._sock.getpeercert() if isinstance(self._sock, ssl.SSLSocket) else None
        return found or {}

    def say(self, data: bytes) -> None:
        """Sends all of it, when it is our turn."""
        self.must_be_silent()
        left = memoryview(data)
        while left:
            left = left[self._bounded().send(left) :]

    def must_be_silent(self) -> None:
        """Raises Garbled where an answer to nothing lies: it would pass for one to what is next."""
        if self._buffer:
            raise Garbled("the server spoke out of turn")

    def reply(self) -> Reply:
        """The next answer, whole; raises Garbled for what is none."""
        lines: list[bytes] = []
        for _line in range(MAX_LINES):
            match = REPLY_LINE.fullmatch(self._line())
            if not match:
                raise Garbled("the other side does not answer as a mail server does")
            lines.append(match[3] or b"")
            if match[2] != b"-":
                said = tuple(_readable(line) for line in lines)
                return Reply(int(match[1]), " ".join(said), said)
        raise Garbled("the server does not stop talking")

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > MAX_LINE:
                raise Garbled("the server does not end its line")
            heard = self._bounded().recv(4096)
            if not heard:
                raise ConnectionError("the server hung up")
            self._buffer += heard
            self._heard_at = monotonic()
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def close(self) -> None:
        """Hangs up without a word."""
        self._sock.close()

    def own_name(self) -> str:
        """This machine's full name where it has one, else the address that the other side sees."""
        name = socket.gethostname()
        if "." in name and re.fullmatch(r"[A-Za-z0-9.-]+", name):
            return name
        address: str = self._sock.getsockname()[0]
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def _bounded(self) -> socket.socket:
        """The socket, allowed to wait as long as the deadline leaves."""
        self._sock.settimeout(_left(self.until))
        return self._sock


def connect(host: str, port: int, until: float) -> Wire:
    """A connection to the first of the host's addresses that answers, each of which has its share
    of what is left: one that drops every packet leaves the others theirs."""
    failure = OSError(f"{host} has no address")
    # Resolving a name takes as long as the system's resolver lets it: nothing can interrupt it.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (*kind, _name, address) in enumerate(found):
        try:
            sock = _connected(kind, address, _left(until) / (len(found) - tried))
        except OSError as error:
            failure = error
        else:
            return Wire(sock, until)
    raise failure


def _connected(kind: Sequence[int], address: Any, seconds: float) -> socket.socket:
    sock = socket.socket(*kind)
    try:
        sock.settimeout(seconds)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


def _readable(line: bytes) -> str:
    """A server's words for people: Chinese servers still speak GBK."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("gb18030", "replace")
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def words(error: Exception) -> str:
    """An error's own words, without its numbers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return getattr(error, "strerror", None) or str(error)
