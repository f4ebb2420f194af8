"""``queue_up.py MODULE TASK DUE COUNT``: queues a mail to each address, to leave at a moment."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from importlib import import_module

from letters import addresses


def main(module: str, task: str, due: datetime, count: int) -> None:
    """Queues them; this is not what is measured, and so need not wait for the disk."""
    os.environ["BENCH_QUEUEING"] = "1"
    at = import_module(module).at
    for to in addresses(count):
        at(task, to, due)


if __name__ == "__main__":
    name, task, due, count = sys.argv[1:]
    main(name, task, datetime.fromtimestamp(float(due), UTC), int(count))
