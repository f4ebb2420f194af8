"""The only reader of the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present as an aware UTC instant."""


def system_clock() -> datetime:
    """The present by this machine's clock."""
    return datetime.now(UTC)


def clock_starting_at(start: datetime) -> Clock:
    """A clock that shows ``start`` now and then goes on at the real pace."""
    begun = time.monotonic()
    return lambda: datetime.fromtimestamp(start.timestamp() + time.monotonic() - begun, UTC)


def still_clock(moment: datetime) -> Clock:
    """A clock that always shows ``moment``."""
    return lambda: moment.astimezone(UTC)
