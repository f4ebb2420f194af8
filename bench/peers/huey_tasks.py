"""huey on SQLite, to be run by ``huey_consumer huey_tasks.huey``.

Every task is recorded on disk before it runs (``fsync``), and its result after it.
"""

from __future__ import annotations

import os
from datetime import datetime

from huey import SqliteHuey
from letters import HOME
from mailing import send_as_written, send_ready_made

huey = SqliteHuey(
    filename=str(HOME / "huey.db"), fsync="BENCH_QUEUEING" not in os.environ, store_none=True
)


@huey.task()
def as_written(to: str) -> None:
    """Sends one mail."""
    send_as_written(to)


@huey.task()
def ready_made(to: str) -> None:
    """Sends one mail."""
    send_ready_made(to)


def at(task: str, to: str, due: datetime) -> None:
    """Queues a mail that leaves at an instant."""
    {"as-written": as_written, "ready-made": ready_made}[task].schedule((to,), eta=due)
