"""What the ledger remembers of channels: who may be called now, and who is paused and why.

A channel without a row has never been paused nor paced. Everything here is by civil ``now``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from dispatcher.i18n import Text, _
from dispatcher.ledger import audit
from dispatcher.ledger.tables import attempt, channel, message

ITSELF = "dispatcher"
"""Who pauses a channel that is set up wrongly."""
FAILURES = ("temporary", "permanent", "unknown")
LONGEST = timedelta(hours=1)
"""A channel that is set up wrongly is tried again at least so often."""


class State(NamedTuple):
    """A channel: paused since ``paused_at`` by whom and why, ``paused_until`` when, None for until
    it is resumed; ``free_at`` is when its budget lets it be called again; ``faults`` how often in a
    row it was found to be set up wrongly."""

    name: str
    free_at: datetime | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    paused_by: str | None = None
    reason: Text | None = None
    faults: int = 0

    def is_paused(self, now: datetime) -> bool:
        """Whether nothing is to leave by it ``now``."""
        return self.paused_at is not None and (self.paused_until is None or now < self.paused_until)

    def needs_hand(self, now: datetime) -> bool:
        """Whether a person has to do something: it was paused by one, or is set up wrongly, until
        something has left by it again."""
        return self.faults > 0 or (self.is_paused(now) and self.paused_by != ITSELF)

    def opens(self, now: datetime) -> datetime | None:
        """When it may be called next, ``now`` at the earliest; None for not before it is
        resumed."""
        if self.is_paused(now) and self.paused_until is None:
            return None
        until = self.paused_until if self.is_paused(now) else None
        return max(each for each in (now, self.free_at, until) if each)


class Closing(NamedTuple):
    """A channel's own word that it cannot be called for ``wait``; a ``fault`` is in how it is set
    up, else its budget is spent."""

    wait: timedelta
    fault: bool


_all = select(*(channel.c[name] for name in State._fields))


def states(conn: Connection) -> dict[str, State]:
    """What is remembered, by channel."""
    return {row.name: State(*row) for row in conn.execute(_all.order_by(channel.c.name))}


def pause(conn: Connection, name: str, by: str, why: Text, now: datetime) -> bool:
    """A person stops a channel until it is resumed; False when somebody had already."""
    found = states(conn).get(name, State(name))
    if found.is_paused(now) and found.paused_until is None:
        return False
    _put(conn, found._replace(paused_at=now, paused_until=None, paused_by=by, reason=why))
    audit.record(conn, now, by, "pause", f"channel/{name}", why)
    return True


def resume(conn: Connection, name: str, by: str, now: datetime) -> bool:
    """Lets a channel be called again at once; False when nothing kept it.

    Its budget stays as it is, unless a clock that was far ahead has spent it for days to come.
    """
    found = states(conn).get(name, State(name))
    ahead = found.free_at is not None and found.free_at > now + LONGEST
    if not (ahead or found.is_paused(now) or found.faults):
        return False
    _put(conn, State(name, None if ahead else found.free_at))
    audit.record(conn, now, by, "resume", f"channel/{name}")
    return True


def close(conn: Connection, name: str, why: Text, closing: Closing, now: datetime) -> datetime:
    """A channel says itself that it cannot be called; when it is tried again.

    A fault doubles the wait each time in a row; several messages at one time show one fault. What
    a person has paused stays so.
    """
    wait, fault = closing
    found = states(conn).get(name, State(name))
    if fault and found.faults and found.is_paused(now) and found.paused_until:
        return found.paused_until
    until = now + (min(wait * 2**found.faults, max(wait, LONGEST)) if fault else wait)
    if found.is_paused(now) and (found.paused_until is None or found.paused_until > until):
        return found.paused_until or until
    closed = found._replace(paused_at=now, paused_until=until, paused_by=ITSELF, reason=why)
    _put(conn, closed._replace(faults=min(found.faults + 1, 16) if fault else found.faults))
    return until


def open_at(conn: Connection, now: datetime) -> None:
    """No channel waits for a moment after ``now``, save for a person."""
    for later in (channel.c.free_at, channel.c.paused_until):
        conn.execute(update(channel).where(later > now).values({later.name: now}))


def worked(conn: Connection, name: str, now: datetime) -> None:
    """Something has left by a channel that was to be tried again: what was wrong with it is over.

    During its pause nothing changes: what ends then was begun before.
    """
    cleared = {"paused_at": None, "paused_until": None, "paused_by": None, "reason": None}
    mine = update(channel).where(channel.c.name == name, channel.c.paused_until <= now)
    conn.execute(mine.values(faults=0, **cleared))


def spend(conn: Connection, name: str, calls: int, pace: timedelta, now: datetime) -> None:
    """A channel is about to be called ``calls`` times: the next may come after as many paces.

    Spaced evenly, a vendor's limit holds in whatever minute he counts.
    """
    found = states(conn).get(name, State(name))
    _put(conn, found._replace(free_at=max(now, found.free_at or now) + calls * pace))


def _put(conn: Connection, state: State) -> None:
    values = state._asdict()
    mine = update(channel).where(channel.c.name == state.name)
    if not conn.execute(mine.values(values)).rowcount:
        conn.execute(insert(channel).values(values))


class Used(NamedTuple):
    """The latest outcomes on a channel, and how many messages wait for it."""

    sent_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    waiting: int = 0


def used(conn: Connection, name: str) -> Used:
    """How a channel has done lately."""
    mine = (
        select(attempt.c.finished_at, attempt.c.detail)
        .join_from(attempt, message)
        .where(message.c.channel == name)
        .order_by(attempt.c.finished_at.desc())
        .limit(1)
    )
    sent = conn.execute(mine.where(attempt.c.outcome == "sent")).first()
    bad = conn.execute(mine.where(attempt.c.outcome.in_(FAILURES))).first()
    waiting = select(func.count()).where(message.c.channel == name, message.c.state == "queued")
    return Used(
        sent.finished_at if sent else None,
        bad.finished_at if bad else None,
        (bad.detail or "") if bad else "",
        conn.scalar(waiting) or 0,
    )


def why_by(note: str) -> Text:
    """A person's reason for a pause, or that none was given."""
    return Text("{note}", note=note) if note else _("no reason given")
