"""Reconciling: the ledger is brought to what the plan says by now, in one transaction."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from dispatcher.dispatch.follow import follow
from dispatcher.dispatch.slips import draft
from dispatcher.dispatch.telling import post, tell
from dispatcher.dispatch.window import next_opening, opening
from dispatcher.i18n import Text
from dispatcher.ledger import installation, queries
from dispatcher.ledger.database import Connection
from dispatcher.plan.model import Plan


class Reconciled(NamedTuple):
    """What a pass changed, counted by what it was; ``held`` is why nothing is told at present."""

    counts: Counter[str]
    held: Text | None


def reconcile(
    conn: Connection, plan: Plan, revision: str, now: datetime, *, last: bool = False
) -> Reconciled:
    """Brings the ledger to what ``plan`` says ``now``, and queues what is to be told.

    The ledger follows the plan when the local day or the ``revision`` has changed. Nothing is told
    outside the window or while the dispatcher is paused; it is then told later, once. In the
    ``last`` pass by a plan there is no later: what is reached by then is written down, and leaves
    when it may.
    """
    today = now.astimezone(plan.zone).date()
    found = installation.find(conn) or installation.install(conn, today, now)
    counts: Counter[str] = Counter()
    edited = found.revision != revision
    if edited or found.reconciled_on != today:
        counts += follow(conn, plan, None if edited else found.reconciled_on, today, now)
        installation.apply_revision(conn, revision, today, now)
    counts += draft(conn, plan, None if edited else found.watermark, now)
    installation.advance(conn, now)
    may_leave = found.hold is None and opening(plan, now) == now
    if may_leave or last:
        counts += tell(conn, plan, now)
    if may_leave:
        counts += post(conn, plan, now)
    return Reconciled(counts, found.hold)


def next_look(conn: Connection, plan: Plan, now: datetime) -> datetime:
    """The next instant at which something falls due: a step, another attempt, or the window."""
    found = installation.find(conn)
    due = queries.next_at(conn, now)
    if due is None or opening(plan, now) > now or (found and found.hold is not None):
        return next_opening(plan, now)
    return min(max(due, now), next_opening(plan, now))
