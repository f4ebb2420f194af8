"""The heartbeat: a file, and if wanted a URL, by which others see that the daemon is at work."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger("dispatcher.heartbeat")
PATIENCE = 5.0
"""Seconds that the watchdog behind the URL is given to answer."""


class Beat(NamedTuple):
    """The last good pass: when it ended by this machine's clock, and when the next step is due."""

    at: datetime
    next_at: datetime


def beat(path: Path, at: datetime, next_at: datetime) -> None:
    """Writes the heartbeat after a good pass; a disk that fails is logged, no more."""
    draft = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({"at": at.isoformat(), "next_at": next_at.isoformat()}))
        draft.replace(path)
    except OSError as error:
        log.error("the heartbeat cannot be written: %s", error.strerror)


def call(url: str) -> None:
    """Calls the outside watchdog. Its URL may hold a secret, so that no error quotes it."""
    import requests

    try:
        requests.get(url, timeout=PATIENCE, allow_redirects=False).raise_for_status()
    except requests.RequestException as error:
        log.warning("the watchdog was not reached: %s", type(error).__name__)


def last_beat(path: Path) -> Beat | None:
    """The heartbeat; None where there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text())
        return Beat(*(datetime.fromisoformat(found[name]) for name in Beat._fields))
    except (OSError, ValueError, KeyError, TypeError):
        return None
