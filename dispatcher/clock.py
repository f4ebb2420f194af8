"""The only reader of the wall clock, and of what the kernel knows about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]
"""Gives the present as an aware UTC instant."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TIMEX_BYTES = 512
"""More than ``struct timex`` has on any machine; all zero, it asks and changes nothing."""
TIME_ERROR = 5
"""What the kernel answers while nothing keeps its clock right."""


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


def boottime() -> float:
    """Seconds since this machine was started, the time it slept included; nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Names this start of the machine; empty where it cannot be asked."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def kernel_synchronised() -> bool | None:
    """Whether something (NTP, PTP) keeps this machine's clock right; None where it cannot be
    asked."""
    import ctypes

    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR
