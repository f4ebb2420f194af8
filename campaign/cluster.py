"""A PostgreSQL server of the campaign's own, to be restarted at will, and a proxy that cuts."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

USER = "postgres"
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
OPTIONS = "-c listen_addresses=127.0.0.1 -c max_connections=50 -c shared_buffers=32MB"


def missing() -> str:
    """Why there can be no server of one's own; empty if there can."""
    return "" if BINARIES else "no PostgreSQL server is installed (initdb)"


class Cluster:
    """A server in a folder of its own, at a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", USER, "-N")
        self.control("start", "-o", f"-p {self.port} -k {folder} {OPTIONS}", "-l", f"{folder}/log")

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def control(self, *what: str) -> None:
        """``pg_ctl``, as it is used; waits until it is done."""
        self._run("pg_ctl", "-D", str(self.data), "-w", *what)

    def _run(self, name: str, *arguments: str) -> None:
        program = str(BINARIES[-1] / name) if BINARIES else name
        # The server refuses to run for root.
        user = {"user": USER} if os.geteuid() == 0 else {}
        subprocess.run(
            [program, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, **user
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A new server, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="campaign-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    found = Cluster(folder)
    try:
        yield found
    finally:
        found.control("stop", "-m", "immediate")
        shutil.rmtree(folder)


# -------------------------------------------------------------------------------------- the proxy


def cut_after_commit(listener: socket.socket, server: tuple[str, int], log: str, seed: int) -> None:
    """Passes on between clients and a server, and of some connections takes the COMMIT but not the
    answer: it is cut instead, before or after the server has spoken. Each cut is noted in the log.
    For ever: the process is ended from outside."""
    chance = random.Random(seed)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        client, _peer = listener.accept()
        upstream = socket.create_connection(server)
        for sock in (client, upstream):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_pump, args=(upstream, client), daemon=True).start()
        given = (client, upstream, file, chance)
        threading.Thread(target=_requests, args=given, daemon=True).start()


def _requests(
    client: socket.socket, upstream: socket.socket, log: int, chance: random.Random
) -> None:
    while data := _received(client):
        cut = b"COMMIT" in data and chance.random() < CUT
        if cut:
            client.shutdown(socket.SHUT_WR)
        upstream.sendall(data)
        if cut:
            time.sleep(chance.choice((0.0, 0.05)))
            os.write(log, f"{time.monotonic()}\n".encode())
            break
    _hang_up(client, upstream)


CUT = 0.05
"""The chance that a COMMIT is one to cut at."""


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := _received(source):
            target.sendall(data)
    except OSError:
        pass
    _hang_up(source, target)


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""


def _hang_up(*socks: socket.socket) -> None:
    for sock in socks:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
