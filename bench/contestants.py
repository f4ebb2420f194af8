"""Those who send many messages at one moment, each started for one run and stopped after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bench.measure import ENVIRONMENT, ROOT, output
from bench.queued import Kind
from bench.sink import Sink

if TYPE_CHECKING:
    from subprocess import Popen

POSTGRESQL = os.environ.get("BENCH_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
PEERS = Path(__file__).with_name("peers")
VENV = ROOT / ".venv-bench" / "bin"
LIMIT = 120.0
"""Seconds after which a run is given up."""
SOON, STARTED, STOPPED = 3.0, 10.0, 20.0
"""Seconds for a process to start and to stop."""
QUEUEING = {"huey": 0.001, "celery": 0.003}
"""Seconds that a peer takes to queue a task, at most."""
CONNECTIONS = 16
WORKERS = {"huey": str(CONNECTIONS), "celery": str(os.cpu_count())}
"""As many threads as ours has connections, as many processes as Celery takes by itself."""


class Result(NamedTuple):
    """Of one run: messages a second from the due instant to the last arrival, seconds from the due
    instant to the first arrival, connections, messages, and how many of them arrived twice."""

    rate: float
    first: float
    connections: int
    messages: int
    twice: int


class Contestant(NamedTuple):
    """``missing`` says what is not installed, where it cannot run."""

    name: str
    kind: str
    run: Callable[[Sink], Result]
    missing: str = ""


def measured(server: Sink, due: float, count: int) -> Result:
    """Waits until all have arrived, or for as long as there is patience."""
    found = server.await_messages(count, due + LIMIT)
    messages = sum(found.addresses.values())
    twice = sum(times - 1 for times in found.addresses.values())
    if not (found.first and found.last):
        return Result(0, LIMIT, found.connections, 0, 0)
    return Result(
        messages / (found.last - due), found.first - due, found.connections, messages, twice
    )


@contextmanager
def running(command: Sequence[str], environment: dict[str, str]) -> Iterator[Popen[str]]:
    """A process that is stopped at the end, gently if it lets itself."""
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT | environment, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOPPED)
            process.kill()


# ------------------------------------------------------------------------------------------- ours


class Ledgers:
    """The ledgers that runs begin with, each made once and copied for every run."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.made: dict[tuple[str, Kind], Path] = {}

    @contextmanager
    def copy(self, database: str, kind: Kind) -> Iterator[tuple[Path, str]]:
        """The home folder and the database's URL of one run."""
        made = self.made.get((database, kind)) or self._make(database, kind)
        home = self.folder / "copy"
        shutil.copytree(made, home)
        try:
            if database == "sqlite":
                yield home, f"sqlite:///{home / 'ledger.db'}"
            else:
                with a_database("bench_copy", template=_name(kind)) as url:
                    yield home, url
        finally:
            shutil.rmtree(home)

    def _make(self, database: str, kind: Kind) -> Path:
        home = self.folder / f"{database}-{kind}"
        home.mkdir()
        url = f"sqlite:///{home / 'ledger.db'}"
        if database == "postgresql":
            url = create_database(_name(kind))
        queued("make", home, url, kind, self.count)
        self.made[database, kind] = home
        return home

    def close(self) -> None:
        """Drops the databases; the folder belongs to who gave it."""
        for database, kind in self.made:
            if database == "postgresql":
                drop_database(_name(kind))


def _name(kind: Kind) -> str:
    return f"bench_{kind}"


def queued(*arguments: object) -> str:
    """Runs ``bench.queued`` to its end; gives what it prints."""
    return output([sys.executable, "-m", "bench.queued", *map(str, arguments)])


def ours(
    ledgers: Ledgers, database: str, kind: Kind, server: Sink, connections: int = CONNECTIONS
) -> Result:
    """The daemon; every message must be recorded as sent at its first attempt."""
    with ledgers.copy(database, kind) as (home, url):
        server.zero()
        due = monotonic() + STARTED + ledgers.count / 2000
        arguments = (home, url, kind, server.port, due, connections)
        command = [sys.executable, "-m", "bench.queued", "run", *map(str, arguments)]
        with running(command, {}):
            result = measured(server, due, ledgers.count)
        recorded = int(queued("recorded", home, url, kind))
        assert recorded >= result.messages, f"{result.messages} arrived, {recorded} recorded"
    return result


@contextmanager
def a_database(name: str, template: str) -> Iterator[str]:
    """A copy of a PostgreSQL database."""
    url = create_database(name, template)
    try:
        yield url
    finally:
        drop_database(name)


def create_database(name: str, template: str = "template0") -> str:
    """Makes a database on the server, instead of one of that name; gives its URL."""
    drop_database(name)
    _on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return urlsplit(POSTGRESQL)._replace(path=f"/{name}").geturl()


def drop_database(name: str) -> None:
    """Drops it, whoever is connected."""
    _on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _on_server(statement: str) -> None:
    import psycopg

    with psycopg.connect(POSTGRESQL, autocommit=True, connect_timeout=5) as conn:
        conn.execute(statement)


# ------------------------------------------------------------------------------------------ peers


def plain(folder: Path, count: int, server: Sink) -> Result:
    """One smtplib process."""
    server.zero()
    due = monotonic() + SOON
    command = [sys.executable, str(PEERS / "plain.py"), str(server.port), str(due), str(count)]
    with running(command, _surroundings(folder, server)):
        return measured(server, due, count)


def peer(folder: Path, name: str, task: str, count: int, server: Sink) -> Result:
    """A task queue: one task a mail, each with its due instant, then the workers."""
    from dispatcher.clock import system_clock

    surroundings = _surroundings(folder, server)
    server.zero()
    (folder / "huey.db").unlink(missing_ok=True)
    store = redis(folder) if name == "celery" else nullcontext()
    with store:
        wait = STARTED + count * QUEUEING[name]
        due, at = monotonic() + wait, system_clock().timestamp() + wait
        queue_up = [VENV / "python", PEERS / "queue_up.py", f"{name}_tasks", task, at, count]
        subprocess.run([*map(str, queue_up)], check=True, cwd=ROOT, env=surroundings)
        assert due - monotonic() > SOON, "queueing took so long that the workers start late"
        with running(WORKER[name], surroundings):
            return measured(server, due, count)


WORKER = {
    "huey": [str(VENV / "huey_consumer"), "huey_tasks.huey", "-w", WORKERS["huey"]],
    "celery": [
        *(str(VENV / "celery"), "-A", "celery_tasks", "worker"),
        *("-c", WORKERS["celery"], "-l", "WARNING"),
    ],
}
REDIS_PORT = 7399


@contextmanager
def redis(folder: Path) -> Iterator[None]:
    """A Redis of our own, empty, as it is configured out of the box."""
    command = ["redis-server", "--port", str(REDIS_PORT), "--dir", str(folder)]
    (folder / "dump.rdb").unlink(missing_ok=True)
    with running(command, {}):
        sleep(1)
        yield


def _surroundings(folder: Path, server: Sink) -> dict[str, str]:
    return ENVIRONMENT | {
        "PYTHONPATH": str(PEERS),
        "BENCH_HOME": str(folder),
        "BENCH_PORT": str(server.port),
        "BENCH_REDIS": f"redis://127.0.0.1:{REDIS_PORT}/0",
    }


# ------------------------------------------------------------------------------------------- all


def contestants(folder: Path, ledgers: Ledgers) -> list[Contestant]:
    """All, in the order of the table."""
    count = ledgers.count
    queued("letter", folder)
    found = [Contestant(PLAIN, "plain", partial(plain, folder, count))]
    found += [
        Contestant(f"dispatcher on {shown}, {words}", kind,
                   partial(ours, ledgers, database, kind), missing)
        for database, shown, missing in (
            ("sqlite", "SQLite", ""), ("postgresql", "PostgreSQL", _no_postgresql())
        )
        for kind, words in KINDS.items()
    ]  # fmt: skip
    found += [
        Contestant(f"{shown}, {words}", task, partial(peer, folder, name, task, count), missing)
        for name, shown, missing in (
            ("huey", "huey on SQLite", _not_installed()),
            ("celery", "Celery on Redis", _not_installed() or _no_redis()),
        )
        for task, words in TASKS.items()
    ]
    return found


PLAIN = "one smtplib process, nothing recorded"
KINDS: dict[Kind, str] = {"letters": "content frozen before", "digests": "digests composed"}
TASKS = {
    "as-written": "a connection and an `EmailMessage` for each mail",
    "ready-made": "kept connections, ready-made bytes",
}


def _not_installed() -> str:
    return "" if VENV.exists() else f"not installed in {VENV.parent.name}"


def _no_redis() -> str:
    return "" if shutil.which("redis-server") else "redis-server is not installed"


def _no_postgresql() -> str:
    import psycopg

    try:
        _on_server("SELECT 1")
    except psycopg.OperationalError:
        return "no PostgreSQL at BENCH_POSTGRESQL"
    return ""
