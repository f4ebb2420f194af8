"""The heartbeat: a file, and if wanted a URL, by which others see that the daemon is at work."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from dispatcher.i18n import Text, packed, unpacked
from dispatcher.state import keep, kept

log = logging.getLogger("dispatcher.heartbeat")
PATIENCE = 5.0
"""Seconds that the watchdog behind the URL is given to answer."""
CALLING = "watchdog"
"""The name of the thread that calls it."""


class Beat(NamedTuple):
    """The last good pass: when it ended by this machine's clock, and when the next step is due."""

    at: datetime
    next_at: datetime


class Trouble(NamedTuple):
    """Since when there has been no good pass, and why the latest was none."""

    since: datetime
    why: Text


def beat(path: Path, at: datetime, next_at: datetime) -> None:
    """Writes the heartbeat after a good pass: whatever the trouble was, it is over."""
    keep(path, {"at": at.isoformat(), "next_at": next_at.isoformat()})


def falter(path: Path, trouble: Trouble) -> None:
    """Adds to the heartbeat that passes fail; the last good one stays in it."""
    why = {"since": trouble.since.isoformat(), "why": packed(trouble.why)}
    keep(path, kept(path) | {"trouble": why})


def call(url: str) -> None:
    """Calls the outside watchdog, unless it still hangs at the last call, and waits for its answer
    for no longer than `PATIENCE`: a timeout of requests begins anew with each byte."""
    if any(thread.name == CALLING for thread in threading.enumerate()):
        log.warning("the watchdog was not called: the call before has not ended")
        return
    calling = threading.Thread(target=_call, args=(url,), daemon=True, name=CALLING)
    calling.start()
    calling.join(PATIENCE)


def _call(url: str) -> None:
    """Its URL may hold a secret, so that no error quotes it."""
    import requests

    try:
        requests.get(url, timeout=PATIENCE, allow_redirects=False).raise_for_status()
    except Exception as error:  # of a URL that is none, urllib3's own among them
        log.warning("the watchdog was not reached: %s", type(error).__name__)


def last_beat(path: Path) -> Beat | None:
    """The last good pass; None where there is none, or none that can be read."""
    found = kept(path)
    try:
        return Beat(*(datetime.fromisoformat(found[name]) for name in Beat._fields))
    except (ValueError, KeyError, TypeError):
        return None


def trouble(path: Path) -> Trouble | None:
    """Why passes fail; None while they succeed."""
    try:
        found = kept(path)["trouble"]
        return Trouble(datetime.fromisoformat(found["since"]), unpacked(found["why"]))
    except (ValueError, KeyError, TypeError):
        return None
