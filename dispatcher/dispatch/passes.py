"""One pass: reconcile, deliver, brief the office, deliver that too, seal what was changed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from dispatcher.dispatch.deliver import deliver
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.reconcile import next_look, reconcile
from dispatcher.i18n import Text
from dispatcher.ledger import revisions
from dispatcher.ledger.sealing import seal

SOON = timedelta(seconds=1)
"""A pass comes back so soon for messages that it left in flight."""


class Overtaken(Exception):
    """Another process has taken up another calendar: this pass is left to it."""


class PassReport(NamedTuple):
    """What a pass did, counted by what it was; why nothing is told, if so; when to come again."""

    counts: Counter[str]
    held: Text | None
    next_at: datetime


def run_pass(parts: Parts, now: datetime, *, orphans: bool = False) -> PassReport:
    """Does everything that is due ``now``. What is queued leaves even when reconciling fails.

    ``orphans`` is for the first pass of the holder of the single daemon's lock. Raises Overtaken
    when the ledger agrees with another calendar than that of ``parts``.
    """
    delivered: Counter[str] = Counter()
    try:
        with parts.engine.begin() as conn:
            if revisions.running(conn) not in (None, parts.revision):
                raise Overtaken
            reconciled = reconcile(conn, parts.plan, parts.revision, now)
    finally:
        delivered += deliver(parts, orphans=orphans)
    # Who is asked to end waits for what is in flight once.
    if not parts.stop.is_set():
        with parts.engine.begin() as conn:
            parts.queue_brief(conn, now)
        delivered += deliver(parts)
    with parts.engine.begin() as conn:
        next_at = next_look(conn, parts.plan, parts.clock())
    if parts.courier.flying:
        next_at = min(next_at, parts.clock() + SOON)
    with parts.engine.begin() as conn:
        seal(conn)
    return PassReport(reconciled.counts + delivered, reconciled.held, next_at)
