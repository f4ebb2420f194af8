"""A real SMTP server on loopback that keeps what it accepts, before it says so."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller


class Received(NamedTuple):
    """A message as it arrived."""

    address: str
    content: bytes

    def parsed(self) -> EmailMessage:
        message = email.message_from_bytes(self.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def text(self) -> str:
        body = self.parsed().get_body(("plain",))
        assert body
        return str(body.get_content())


class Sink:
    """Remembers everything, in the order of arrival."""

    def __init__(self) -> None:
        self.received: list[Received] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.received.append(Received(envelope.rcpt_tos[0], envelope.content))
        return "250 kept"


@contextmanager
def mail_server() -> Iterator[tuple[Sink, int]]:
    """The sink and its port."""
    sink = Sink()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()
