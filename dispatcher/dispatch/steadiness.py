"""Whether this machine's clock may be believed: a wrong one must neither send nor be recorded.

Decided from readings alone: how far the wall clock has moved, and how far the clock has that
nobody can set. A machine that sleeps and a process that is stopped move both alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from dispatcher.i18n import Text, _

JUMP = timedelta(seconds=60)
"""A greater difference between the two is no drift and no correction."""
STEADY = timedelta(minutes=2)
FAR = timedelta(days=2)


class Reading(NamedTuple):
    """The wall clock, and the seconds since the start ``boot_id`` of the machine."""

    at: datetime
    boottime: float
    boot_id: str


class Trust(NamedTuple):
    """The last reading that was believed, and the first one since the clock has been doubted.

    A person has said that a ledger which was worked on until ``excused`` is ahead of its time.
    """

    base: Reading
    doubted: Reading | None = None
    excused: datetime | None = None


class Verdict(NamedTuple):
    """What is now believed; why nothing may be done, or None."""

    trust: Trust
    hold: Text | None


def judge(
    trust: Trust | None, now: Reading, watermark: datetime | None, *, synchronised: bool | None
) -> Verdict:
    """Whether the clock that shows ``now`` may be believed.

    Not while it is before the ``watermark``; not for two minutes after it jumped forward; not
    after more than two days forward until the kernel says besides that it is ``synchronised``.
    After another start of the machine only the watermark counts: it may have been off for weeks.
    """
    trust = trust or Trust(now)
    since = now
    if trust.doubted and abs(_jump(trust.doubted, now)) <= JUMP:
        since = trust.doubted
    hold = _behind(trust, now, watermark) or _ahead(trust.base, since, now, synchronised)
    if hold:
        return Verdict(trust._replace(doubted=since), hold)
    return Verdict(Trust(now, excused=trust.excused), None)


def accept(now: Reading, watermark: datetime | None) -> Trust:
    """A person has said that the clock is right, whatever it showed before."""
    return Trust(now, excused=watermark)


def apart(here: datetime, there: datetime) -> Text | None:
    """Why nothing may be done while this machine's clock and the database's differ, if they do."""
    if abs(here - there) <= JUMP:
        return None
    seconds = round((here - there).total_seconds())
    return _(
        "this machine's clock differs from the database's by {seconds} seconds; nothing is done "
        "until they agree: set the wrong one right",
        seconds=seconds,
    )


def _jump(before: Reading, now: Reading) -> timedelta:
    """How far the wall clock has jumped between two readings; nothing is known across a start."""
    if before.boot_id != now.boot_id or now.boottime < before.boottime:
        return timedelta(0)
    return now.at - before.at - timedelta(seconds=now.boottime - before.boottime)


def _behind(trust: Trust, now: Reading, watermark: datetime | None) -> Text | None:
    if watermark is None or (trust.excused and watermark <= trust.excused):
        return None
    # A replica's clock may be a little slower than the one that wrote the watermark.
    slack = timedelta(0) if trust.doubted else JUMP
    if now.at >= watermark - slack:
        return None
    return _(
        "the clock shows {at}, but work has been done until {watermark}; nothing is done before "
        "that: set the clock right, or 'dispatcher resume' if it is",
        at=_minute(now.at),
        watermark=_minute(watermark.astimezone(now.at.tzinfo)),
    )


def _ahead(base: Reading, since: Reading, now: Reading, synchronised: bool | None) -> Text | None:
    jump = _jump(base, now)
    if jump <= JUMP:
        return None
    if jump > FAR and not synchronised:
        return _("the clock jumped forward by {days} days, to {at}; nothing is done until the "
                 "system's time is synchronised: set the clock right, or 'dispatcher resume' "
                 "if it is", days=jump.days, at=_minute(now.at))  # fmt: skip
    if now.boottime - since.boottime < STEADY.total_seconds():
        return _("the clock jumped forward by {seconds} seconds; nothing is done until it has "
                 "been steady for two minutes", seconds=round(jump.total_seconds()))  # fmt: skip
    return None


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
