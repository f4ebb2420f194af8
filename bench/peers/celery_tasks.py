"""Celery on Redis, to be run by ``celery -A celery_tasks worker``."""

from __future__ import annotations

import os
from datetime import datetime

from celery import Celery
from mailing import send_as_written, send_ready_made

REDIS = os.environ["BENCH_REDIS"]
app = Celery("bench", broker=REDIS, backend=REDIS)


@app.task
def as_written(to: str) -> None:
    """Sends one mail."""
    send_as_written(to)


@app.task
def ready_made(to: str) -> None:
    """Sends one mail."""
    send_ready_made(to)


def at(task: str, to: str, due: datetime) -> None:
    """Queues a mail that leaves at an instant."""
    {"as-written": as_written, "ready-made": ready_made}[task].apply_async((to,), eta=due)
