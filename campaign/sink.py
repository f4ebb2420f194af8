"""A mail server on loopback that writes down what arrives before it says so.

A process of its own, a thread for each connection. Each message is a JSON line, appended to the
log in one write: that line is the evidence, whatever becomes of anybody afterwards.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import socket
import threading
import time
from datetime import date
from email.header import decode_header, make_header
from pathlib import Path
from typing import BinaryIO, NamedTuple

from campaign.oracle import Item
from tests.mail import Mail

HELLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n"
HEADER = re.compile(rb"^(message-id|subject):\s*((?:.|\r\n[ \t])*)\r\n", re.I | re.M)
TEXT = re.compile(rb"^Content-Type: text/plain.*?\r\n\r\n([\w+/=\r\n]*)", re.S | re.M)
DAY = re.compile(r"(\d+)月(\d+)日")
TIMES = re.compile(r"第(\d+)次催办")


class Manners(NamedTuple):
    """How the server behaves: ``drop`` is the chance of hanging up instead of saying 250 to what
    it has kept, ``refuse`` that of not keeping it and saying 451, ``delay`` the seconds that it
    takes to answer a content."""

    drop: float = 0.0
    refuse: float = 0.0
    delay: float = 0.0
    seed: int = 0


class Arrival(NamedTuple):
    """A copy of a message: its Message-ID, where to, its words, when by the monotonic clock, and
    whether the sender was left without an answer."""

    message_id: str
    address: str
    subject: str
    text: str
    at: float
    dropped: bool

    def items(self) -> list[Item]:
        """What it tells, line by line."""
        kind = self.subject.partition("】")[0].removeprefix("【")
        month, day = map(int, DAY.findall(self.subject or self.text)[-1])
        on = date(2026, month, day)
        if kind in ("督办日报", "系统启动"):
            return [Item(on, self.address, kind)]
        told = Mail(self.address, kind, self.subject, self.text).told()
        return [
            Item(on, self.address, entry.title, int(times[1]) if times else 0)
            for entry in told.entries
            for times in (TIMES.search(entry.deadline),)
        ]


def arrivals(log: Path) -> list[Arrival]:
    """Everything that has arrived, in order."""
    return [Arrival(*json.loads(line)) for line in log.read_bytes().splitlines()]


def serve(listener: socket.socket, log: str, manners: Manners) -> None:
    """For ever: the process is ended from outside."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    chance = random.Random(manners.seed)
    while True:
        sock, _peer = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_talk, args=(sock, file, manners, chance), daemon=True).start()


def _talk(sock: socket.socket, log: int, manners: Manners, chance: random.Random) -> None:
    try:
        with sock, sock.makefile("rb") as heard:
            sock.sendall(b"220 sink\r\n")
            address = ""
            while line := heard.readline():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    address = line[line.find(b"<") + 1 : line.find(b">")].decode()
                if verb == b"DATA":
                    sock.sendall(b"354 go on\r\n")
                    answer = _content(heard, log, address, manners, chance)
                    if not answer:
                        return
                    sock.sendall(answer)
                else:
                    sock.sendall(HELLO if verb == b"EHLO" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return
    except OSError:
        return


def _content(
    heard: BinaryIO, log: int, address: str, manners: Manners, chance: random.Random
) -> bytes:
    """Writes the message down; what to answer, nothing to hang up. One cut short is no message."""
    lines = []
    while (line := heard.readline()) != b".\r\n":
        if not line:
            return b""
        lines.append(line)
    if chance.random() < manners.refuse:
        return b"451 not now\r\n"
    dropped = chance.random() < manners.drop
    _write(log, b"".join(lines), address, dropped)
    time.sleep(manners.delay)
    return b"" if dropped else b"250 ok\r\n"


def _write(log: int, content: bytes, address: str, dropped: bool) -> None:
    headers = {name.lower(): value for name, value in HEADER.findall(content[:4000])}
    subject = str(make_header(decode_header(headers[b"subject"].decode())))
    found = TEXT.search(content)
    text = base64.b64decode(found[1]).decode() if found else ""
    message_id = headers[b"message-id"].decode().strip()
    arrival = Arrival(message_id, address, subject, text, time.monotonic(), dropped)
    os.write(log, json.dumps(arrival).encode() + b"\n")
