"""The results: a JSON line for each run, so that they add up and nothing is run twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from campaign.runs import Run

FILE = Path(__file__).with_name("results.jsonl")
ROOT = Path(__file__).parent.parent
DELIVERY = [
    *("dispatch/courier", "dispatch/deciding", "dispatch/deliver", "dispatch/gates"),
    *("dispatch/parts", "dispatch/passes", "dispatch/reconcile", "dispatch/routing"),
    *("dispatch/steadiness", "dispatch/walk", "holds", "watch"),
    *("ledger/channels", "ledger/database", "ledger/leases", "ledger/outbox", "ledger/outcomes"),
    *("ledger/pruning", "ledger/reminders", "ledger/tables/sending", "ledger/tables/work"),
    "ledger/types",
    *("channels/session", "channels/smtp", "channels/verdicts", "channels/wire"),
]
"""The part of the product that the promise rests on: results are of one state of it."""


class Results:
    """Runs by kind, seed, count and mutant, on each state of the delivery; the latest of each
    counts. Iterating gives those on the delivery as it is now."""

    def __init__(self, path: Path = FILE) -> None:
        self.path, self.delivery = path, delivery()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.by_state().get(self.delivery, []))

    def by_state(self) -> dict[str, list[dict[str, Any]]]:
        """The runs on each state of the delivery, the latest state last."""
        found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
        if self.path.exists():
            for line in self.path.read_text("utf-8").splitlines():
                row = json.loads(line)
                found.setdefault(row["delivery"], {})[_key(row)] = row
        return {state: list(rows.values()) for state, rows in found.items()}

    def find(self, kind: str, seed: int, count: int, mutant: str) -> dict[str, Any] | None:
        """The latest such run."""
        key = (kind, seed, count, mutant)
        return next((row for row in self if _key(row) == key), None)

    def add(self, key: dict[str, Any], run: Run, seconds: float) -> dict[str, Any]:
        """Appends a run; gives its row."""
        row = (
            key
            | {
                "faults": run.faults,
                **run.counts,
                "seconds": round(seconds, 1),
                "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",  # noqa: TID251
                "delivery": self.delivery,
                "examples": run.examples[:10],
            }
        )
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, line)
        os.close(file)
        return row


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["kind"], row["seed"], row["count"], row["mutant"])


def delivery() -> str:
    """Names the state of what is tested: a hash of its sources."""
    found = sha256()
    for name in DELIVERY:
        found.update((ROOT / "dispatcher" / f"{name}.py").read_bytes())
    return found.hexdigest()[:12]
