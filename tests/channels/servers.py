"""Mail servers on loopback for the tests: one that works, one that misbehaves as told."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, BinaryIO, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from dispatcher.channels.contract import Outgoing

Fault = bytes | Literal["drop", "hang", "drip", "slow"]

DIGEST = Outgoing(
    id=42,
    reference="42.3f9c2a1b",
    kind="digest",
    at=datetime(2026, 4, 17, 1, 0, tzinfo=UTC),
    address="tandong@example.com",
    recipient_name="潭东镇 联络员",
    subject="【催办】潭东镇:逾期1项、今日到期1项、7日内到期1项(4月17日)",
    text="潭东镇:\n截至4月17日(周五)9时,你单位以下事项尚未办结:\n.\n以点开头的一行\n",
    html="<p>潭东镇:</p>",
    sender_name="区农办",
    reply_to="office@example.com",
)
OFFICE = "office@example.com"


def digest(**changes: Any) -> Outgoing:
    return replace(DIGEST, **changes)


def parsed(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


class MailServer(Controller):
    """A real server that remembers what it received; ``users`` may log in."""

    def __init__(self, users: Mapping[str, str] | None = None, **options: Any) -> None:
        if users is not None:
            options |= {"authenticator": self._authenticate, "auth_required": True}
        super().__init__(self, hostname="127.0.0.1", port=0, **options)
        self.users, self.logins = users or {}, 0
        self.received: list[tuple[str, list[str], bytes]] = []

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any):
        self.logins += 1
        right = self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=right, handled=False)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.received.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return f"250 queued as {len(self.received)}"

    @property
    def contents(self) -> list[bytes]:
        return [content for _sender, _addresses, content in self.received]

    def __enter__(self) -> MailServer:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


class Script:
    """A server that answers as it should, except at the steps in ``faults``.

    The steps are connect, each command's first word, password and content, and middle: where the
    content has begun and is heard no further. A fault that is a list
    is for one connection after the other, the last for all others; the faults may be changed
    between messages. A connection may bring ``limit`` messages. ``seen`` are the command lines,
    ``most`` is how many connections there were at once.
    """

    GOOD = {
        "connect": b"220 here",
        "EHLO": b"250-here\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000000",
        "AUTH": b"235 welcome",
        "DATA": b"354 go on",
        "content": b"250 queued as 7",
        "QUIT": b"221 bye",
        "nobody": b"554 5.5.1 no valid recipients",
        "limit": b"421 4.7.0 too many messages in one connection",
    }

    def __init__(self, *, limit: int = 1000, **faults: Fault | list[Fault | None]) -> None:
        self.faults, self.limit, self.most = faults, limit, 0
        self.seen: list[str] = []
        self.contents: list[bytes] = []
        self.connections = 0
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._in_use: set[socket.socket] = set()

    def __enter__(self) -> Script:
        self._threads[0].start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()
        self._listener.close()

    def hang_up(self) -> None:
        """Closes every connection, as a server does that has waited long enough."""
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            self._in_use.add(sock)
            self.most = max(self.most, len(self._in_use))
            self._threads.append(
                threading.Thread(target=self._serve, args=(sock, self.connections))
            )
            self.connections += 1
            self._threads[-1].start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with sock, suppress(OSError), sock.makefile("rb") as lines:
            said, refused, messages = self._answer(sock, "connect", number), False, 0
            while said and (line := lines.readline()):
                self.seen.append(line.decode("latin-1").strip())
                step = self._step(self.seen[-1], refused, messages)
                said = self._answer(sock, step, number)
                refused = said[:1] in (b"4", b"5") and step in ("MAIL", "RCPT")
                if step == "DATA" and "middle" in self.faults:
                    lines.readline()
                    self._answer(sock, "middle", number)
                    break
                if step == "DATA" and said.startswith(b"354"):
                    self._read_content(lines)
                    said = self._answer(sock, "content", number)
                    messages += 1
                elif step in ("limit", "QUIT"):
                    break
        self._in_use.discard(sock)

    def _step(self, line: str, refused: bool, messages: int) -> str:
        word = line.partition(" ")[0].upper()
        if word == "MAIL" and messages >= self.limit:
            return "limit"
        if word == "DATA" and refused and "DATA" not in self.faults:
            return "nobody"
        return word if word in COMMANDS else "password"

    def _read_content(self, lines: BinaryIO) -> None:
        content = []
        while (line := lines.readline()) != b".\r\n":
            if not line:
                raise ConnectionError("hung up in the middle")
            content.append(line)
        self.contents.append(b"".join(content))

    def _answer(self, sock: socket.socket, step: str, number: int) -> bytes:
        """What was said; nothing where the conversation ends."""
        fault = self.faults.get(step)
        if isinstance(fault, list):
            fault = fault[min(number, len(fault) - 1)]
        if fault == "hang":
            self._stop.wait()
        elif fault == "drip":
            self._drip(sock)
        elif fault != "drop":
            if fault == "slow":
                self._stop.wait(SLOW)
            said = fault if isinstance(fault, bytes) else self.GOOD.get(step, b"250 fine")
            sock.sendall(said + b"\r\n")
            return said + b"\r\n"
        return b""

    def _drip(self, sock: socket.socket) -> None:
        """A byte now and then, and never a whole line."""
        sock.sendall(b"250-")
        while not self._stop.wait(0.02):
            sock.sendall(b"x")


SLOW = 0.05
"""Seconds that a slow server takes for an answer."""
PIPELINED = b"250-here\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000000"
"""The greeting of a server that takes several commands at once."""
COMMANDS = "EHLO STARTTLS AUTH MAIL RCPT DATA RSET QUIT".split()


def openssl(*arguments: object, folder: Path) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def make_authority(folder: Path, *hosts: str) -> ssl.SSLContext:
    """A throw-away authority in ``folder``/ca.pem; gives the context of a server for ``hosts``."""
    names = ",".join(f"IP:{host}" if host[0].isdigit() else f"DNS:{host}" for host in hosts)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl(
        *("req", "-x509", *key, "-subj", "/CN=Test authority", "-out", "ca.pem"),
        *("-keyout", "ca.key", "-addext", "keyUsage=critical,keyCertSign"),
        folder=folder,
    )
    openssl(
        *("req", "-x509", *key, "-subj", "/CN=mail", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-out", "server.pem", "-keyout", "server.key", "-addext", f"subjectAltName={names}"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
        folder=folder,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context
