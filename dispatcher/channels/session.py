"""One conversation with a mail server, under one deadline.

Not the standard library's smtplib, because that bounds each read and not the whole (a server that
drips a byte a second is never given up), tries a wrong password once for every mechanism (and so
locks the account), and does not tell whether the content had begun when the line broke.
"""

from __future__ import annotations

import re
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from time import monotonic
from typing import Literal, NamedTuple

Step = Literal[
    "connect", "EHLO", "STARTTLS", "AUTH", "RSET", "MAIL", "RCPT", "DATA", "content", "QUIT"
]
REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
MAX_LINE, MAX_LINES = 8192, 100
PROBE, FAREWELL = 5.0, 2.0
"""Seconds that an idle connection gets to show that it lives, and that a QUIT may take."""


class Reply(NamedTuple):
    """What the server said; ``text`` is one line without control characters, maybe a long one."""

    code: int
    text: str
    lines: tuple[str, ...]


class Refusal(Exception):
    """The server understood and said no at ``step``."""

    def __init__(self, step: Step, reply: Reply) -> None:
        super().__init__(f"{step}: {reply.code} {reply.text}")
        self.step, self.code, self.text = step, reply.code, reply.text


class Garbled(Exception):
    """The other side does not speak SMTP, or not in turn, or cannot do what we need."""


class Unanswered(Exception):
    """Content had begun to leave, and then no answer came: the message may have arrived."""


class Session:
    """A connection to a mail server.

    Every step raises Refusal, Garbled, or OSError (TimeoutError when ``until``, an instant of
    ``monotonic``, has passed).
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._buffer = sock, b""
        self.until, self.used_at = until, monotonic()
        self.features: dict[str, str] = {}

    def greet(self) -> None:
        """Hears the greeting and learns what the server can do."""
        self._want("connect", self._reply(), 220)
        self._hello()

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Goes on encrypted, the server's certificate being one for ``host``."""
        if "STARTTLS" not in self.features:
            raise Garbled("the server offers no STARTTLS")
        self._ask("STARTTLS", "STARTTLS", 220)
        if self._buffer:  # planted by somebody on the way, to be taken for the server's own word
            raise Garbled("the server spoke before the encryption began")
        self.encrypt(context, host)
        self._hello()

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Begins TLS on the connection as it is."""
        self._sock = context.wrap_socket(self._bounded(), server_hostname=host)

    def log_in(self, user: str, password: str) -> None:
        """One try, by one mechanism: a second wrong one may lock the account."""
        offered = self.features.get("AUTH", "").upper().split()
        if "PLAIN" in offered:
            self._ask("AUTH", f"AUTH PLAIN {_base64(chr(0).join(('', user, password)))}", 235)
        elif "LOGIN" in offered:
            self._ask("AUTH", f"AUTH LOGIN {_base64(user)}", 334)
            self._ask("AUTH", _base64(password), 235)
        else:
            raise Garbled("the server offers no login by password")

    def lives(self, until: float) -> bool:
        """Makes ready for another message; False when the server has gone meanwhile."""
        self.until = min(until, monotonic() + PROBE)
        try:
            self._ask("RSET", "RSET", 250)
        except (OSError, Garbled, Refusal):
            return False
        self.until = until
        return True

    def deliver(self, sender: str, address: str, content: bytes) -> str:
        """Hands one mail to one address; gives the server's word on it. Raises Unanswered too."""
        self._ask("MAIL", f"MAIL FROM:<{sender}>", 250)
        self._ask("RCPT", f"RCPT TO:<{address}>", 250, 251, 252)
        self._ask("DATA", "DATA", 354)
        try:
            self._write(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
            reply = self._want("content", self._reply(), 250)
        except (OSError, Garbled) as error:
            raise Unanswered(words(error)) from None
        return reply.text

    def quit(self) -> None:
        """Takes leave and closes."""
        self.until = monotonic() + FAREWELL
        with suppress(OSError, Garbled, Refusal):
            self._ask("QUIT", "QUIT", 221)
        self.close()

    def close(self) -> None:
        """Hangs up without a word: the only safe way in the middle of something."""
        self._sock.close()

    def _hello(self) -> None:
        reply = self._ask("EHLO", f"EHLO {_own_name(self._sock)}", 250)
        # Old servers write AUTH=LOGIN.
        features = (re.match(r"([^ =]*)[ =]?(.*)", line) for line in reply.lines[1:])
        self.features = {match[1].upper(): match[2] for match in features if match}

    def _ask(self, step: Step, line: str, *wanted: int) -> Reply:
        if self._buffer:
            raise Garbled("the server spoke out of turn")
        self._write(f"{line}\r\n".encode("ascii"))
        return self._want(step, self._reply(), *wanted)

    def _want(self, step: Step, reply: Reply, *wanted: int) -> Reply:
        if reply.code in wanted:
            return reply
        if reply.code >= 400:
            raise Refusal(step, reply)
        raise Garbled(f"{step}: {reply.code} {reply.text}")

    def _reply(self) -> Reply:
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
            self.used_at = monotonic()
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._bounded().send(left) :]

    def _bounded(self) -> socket.socket:
        """The socket, allowed to wait as long as the deadline leaves."""
        self._sock.settimeout(_left(self.until))
        return self._sock


def connect(host: str, port: int, until: float) -> Session:
    """A connection to the first of the host's addresses that answers."""
    failure = OSError(f"{host} has no address")
    # Resolving a name takes as long as the system's resolver lets it: nothing can interrupt it.
    for *kind, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(*kind)
        try:
            sock.settimeout(_left(until))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return Session(sock, until)
    raise failure


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


def _own_name(sock: socket.socket) -> str:
    """This machine's full name where it has one, else the address that the server sees."""
    name = socket.gethostname()
    if "." in name and re.fullmatch(r"[A-Za-z0-9.-]+", name):
        return name
    address: str = sock.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _readable(line: bytes) -> str:
    """A server's words for people: Chinese servers still speak GBK."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("gb18030", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def words(error: Exception) -> str:
    """An error's own words, without its numbers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return getattr(error, "strerror", None) or str(error)
