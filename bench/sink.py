"""A mail server that only counts, in a process of its own, fast enough not to be what is measured.

It parses next to nothing, offers PIPELINING, and keeps no message: of each it counts the address.
``STAT`` gives the count as JSON, ``ZERO`` begins anew. Instants are those of ``time.monotonic``,
which all processes of a machine share.
"""

from __future__ import annotations

import heapq
import json
import selectors
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import NamedTuple

GREETING = b"220 sink\r\n"
HELLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n"
YES, CONTENT, BYE, WHAT = b"250 ok\r\n", b"354 go on\r\n", b"221 bye\r\n", b"502 what?\r\n"
END = b"\r\n.\r\n"
CHUNK = 1 << 16
UNIT = b"u"
"""What the addresses begin with whose messages are counted."""


class Arrivals(NamedTuple):
    """What has arrived since ``zero``: messages by address, instants, connections and bytes."""

    addresses: dict[str, int]
    first: float | None
    last: float | None
    connections: int
    size: int


class Server:
    """One loop for all connections; ``wait`` seconds pass before a content is answered."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.answers: list[tuple[float, int, Conversation]] = []
        self.zero()

    def zero(self) -> None:
        """Forgets what has arrived."""
        self.addresses: Counter[bytes] = Counter()
        self.first = self.last = None
        self.connections = self.size = 0

    def serve(self) -> None:
        """For ever: the process is ended from outside."""
        while True:
            pause = max(self.answers[0][0] - monotonic(), 0) if self.answers else None
            for key, _events in self.selector.select(pause):
                if key.data is None:
                    self._accept()
                else:
                    key.data.read()
            while self.answers and self.answers[0][0] <= monotonic():
                _at, _number, conversation = heapq.heappop(self.answers)
                conversation.say(YES)

    def keep(self, address: bytes, size: int) -> None:
        """Counts a message; the office's own mail is not what is measured."""
        if not address.startswith(UNIT):
            return
        self.last = monotonic()
        self.first = self.first or self.last
        self.addresses[address] += 1
        self.size += size

    def stat(self) -> bytes:
        """What has arrived, in one line."""
        addresses = {address.decode(): count for address, count in self.addresses.items()}
        said = Arrivals(addresses, self.first, self.last, self.connections, self.size)
        return json.dumps(said).encode() + b"\r\n"

    def _accept(self) -> None:
        sock, _peer = self.listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(sock, selectors.EVENT_READ, Conversation(self, sock))


class Conversation:
    """A client's connection: commands, or the content of a message."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.heard, self.address, self.in_content, self.met = b"", b"", False, False
        self.say(GREETING)

    def say(self, answer: bytes) -> None:
        """Answers; a client that has gone is no matter."""
        try:
            self.sock.sendall(answer)
        except OSError:
            self._end()

    def read(self) -> None:
        """Takes what has come, and answers what of it is complete."""
        try:
            came = self.sock.recv(CHUNK)
        except OSError:
            came = b""
        if not came:
            self._end()
            return
        self.heard += came
        answers = b"".join(self._answers())
        if answers:
            self.say(answers)

    def _answers(self) -> Iterator[bytes]:
        while self.heard:
            end, length = (END, 5) if self.in_content else (b"\r\n", 2)
            content, found, rest = self.heard.partition(end)
            if not found:
                return
            self.heard = rest
            yield self._kept(len(content) + length) if self.in_content else self._answer(content)

    def _kept(self, size: int) -> bytes:
        self.in_content = False
        server = self.server
        server.keep(self.address, size)
        if not server.wait:
            return YES
        heapq.heappush(server.answers, (monotonic() + server.wait, id(self), self))
        return b""

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self.address = line[line.find(b"<") + 1 : line.find(b">")]
        elif verb == b"DATA":
            self.in_content = True
            return CONTENT
        elif verb in (b"EHLO", b"HELO"):
            self.server.connections += 1
            return HELLO
        elif verb == b"QUIT":
            return BYE
        elif verb == b"STAT":
            return self.server.stat()
        elif verb == b"ZERO":
            self.server.zero()
        return YES

    def _end(self) -> None:
        if self.sock.fileno() >= 0:
            self.server.selector.unregister(self.sock)
            self.sock.close()


# ------------------------------------------------------------------------- for those who measure


class Sink:
    """The server as its starter sees it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def zero(self) -> None:
        """Begins to count anew."""
        self._ask("ZERO")

    def arrivals(self) -> Arrivals:
        """What has arrived since ``zero``."""
        return Arrivals(*json.loads(self._ask("STAT")))

    def await_messages(self, count: int, until: float) -> Arrivals:
        """What has arrived when ``count`` messages have, or at the instant ``until``.

        Asking costs the server a moment, so that it is not asked often.
        """
        found = self.arrivals()
        while sum(found.addresses.values()) < count and monotonic() < until:
            sleep(0.5)
            found = self.arrivals()
        return found

    def _ask(self, verb: str) -> str:
        with (
            socket.create_connection(("127.0.0.1", self.port)) as sock,
            sock.makefile("rw") as file,
        ):
            file.readline()
            file.write(f"{verb}\r\n")
            file.flush()
            return file.readline()


@contextmanager
def sink(wait: float = 0.0) -> Iterator[Sink]:
    """A running server, which takes ``wait`` seconds to answer a content."""
    command = [sys.executable, "-m", __name__, str(wait)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Sink(int(process.stdout.readline()))
        finally:
            process.kill()


if __name__ == "__main__":
    server = Server(float(sys.argv[1]))
    print(server.listener.getsockname()[1], flush=True)
    server.serve()
