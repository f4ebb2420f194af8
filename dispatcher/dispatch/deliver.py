"""Delivering: every queued message that is due is handed to its channel, and the outcome kept."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from dispatcher.channels.contract import Attachment, DeliveryError, Outgoing
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.telling import addresses
from dispatcher.dispatch.window import opening
from dispatcher.i18n import _
from dispatcher.ledger import installation, outbox, outcomes
from dispatcher.ledger.database import Connection
from dispatcher.ledger.items import items_of
from dispatcher.ledger.outbox import LEASE, Address, Claimed, Content
from dispatcher.ledger.outcomes import Settled

log = logging.getLogger("dispatcher.deliver")
BATCH = 20
BACKOFF = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30, 60)]
COMPOSE_AGAIN = timedelta(minutes=10)


class Sending(NamedTuple):
    """A message whose attempt ``number`` has been committed, so that it may be handed over."""

    claimed: Claimed
    content: Content
    number: int
    reference: str


def deliver(parts: Parts, *, orphans: bool = False) -> Counter[str]:
    """Hands over everything that is due and may leave now; counts the messages by what became of
    them.

    What a dead process held is rescued first; ``orphans`` says that no other process can be alive,
    so that its leases need not expire. One message that fails never stops the others.
    """
    assert all(channel.deadline < LEASE for channel in parts.channels.values())
    counts: Counter[str] = Counter()
    while not parts.stop.is_set():
        batch = _claim(parts, counts, orphans=orphans)
        if not batch:
            break
        orphans = False
        for number, claimed in enumerate(batch):
            if parts.stop.is_set():
                _release(parts, batch[number:])
                break
            counts[_deliver_one(parts, claimed)] += 1
    return counts


def _claim(parts: Parts, counts: Counter[str], *, orphans: bool) -> list[Claimed]:
    now = parts.clock()
    resend = [name for name, each in parts.channels.items() if each.on_unknown == "resend"]
    with parts.engine.begin() as conn:
        released, unknown = outcomes.rescue(conn, now, resend, orphans=orphans)
        counts.update({"rescued": released + unknown} if released + unknown else {})
        return outbox.claim(conn, now, _kinds(conn, parts, now), BATCH)


def _kinds(conn: Connection, parts: Parts, now: datetime) -> tuple[str, ...]:
    """What may leave now: a pause holds all but a test, the window digests, briefs and slips."""
    found = installation.find(conn)
    if found and found.hold is not None:
        return ("test",)
    if opening(parts.plan, now) > now:
        return ("test", "status")
    return ("test", "status", "digest", "brief", "slip")


def _release(parts: Parts, batch: list[Claimed]) -> None:
    with parts.engine.begin() as conn:
        for claimed in batch:
            outbox.release(conn, claimed, parts.clock())


def _deliver_one(parts: Parts, claimed: Claimed) -> str:
    """Brings one message to its outcome, or nearer to it; says which."""
    with parts.engine.begin() as conn:
        begun = _begin(conn, parts, claimed)
    if isinstance(begun, str):
        return begun
    settled, wait = _hand_over(parts, begun)
    now = parts.clock()
    with parts.engine.begin() as conn:
        again_at = now + wait if wait else None
        state = outcomes.settle(conn, claimed.id, begun.number, settled, now, again_at)
    _log(claimed, begun.number, settled)
    return state or "overtaken"


def _log(claimed: Claimed, number: int, settled: Settled) -> None:
    """What went well at once is no news."""
    level = logging.WARNING
    if settled.outcome == "sent":
        level = logging.DEBUG if number == 1 else logging.INFO
    facts = {"id": claimed.id, "channel": claimed.channel, "attempt": number}
    log.log(level, "%s: %s", settled.outcome, settled.detail or settled.reason, extra=facts)


def _begin(conn: Connection, parts: Parts, claimed: Claimed) -> Sending | str:
    """Commits the message to an attempt; or says why there is none."""
    now = parts.clock()
    if not outcomes.prune(conn, claimed, now):
        return "dropped"
    content = outbox.frozen(conn, claimed)
    if content is None:
        items = items_of(conn, claimed.id)
        try:
            content = Content(*parts.compose(items, now), parts.attach(conn, items, now))
        except Exception:
            log.exception("message %s cannot be composed", claimed.id)
            outbox.release(conn, claimed, now + COMPOSE_AGAIN)
            return "postponed"
    number = outbox.begin_sending(conn, claimed, content, now)
    found = installation.find(conn)
    if number is None or found is None:
        return "overtaken"
    return Sending(claimed, content, number, f"{claimed.id}.{found.epoch[:8]}")


def _hand_over(parts: Parts, sending: Sending) -> tuple[Settled, timedelta | None]:
    """Gives the message to its channel; how that ended, and how long to wait if it may be tried
    again."""
    name = sending.claimed.channel
    wait = BACKOFF[min(sending.number, len(BACKOFF)) - 1]
    if name not in parts.channels:
        return Settled("temporary", _("channel '{channel}' is not set up", channel=name)), wait
    channel = parts.channels[name]
    try:
        receipt = channel.send(_outgoing(parts, sending))
    except DeliveryError as error:
        settled = Settled(
            error.outcome, error.text, detail=f"{error.reason} {error.detail}".strip()
        )
        if error.outcome == "temporary":
            return settled, max(wait, timedelta(seconds=error.retry_after or 0))
        resend = error.outcome == "unknown" and channel.on_unknown == "resend"
        return settled, wait if resend else None
    except Exception as error:
        log.exception("channel %s failed on message %s", name, sending.claimed.id)
        why = _("channel '{channel}' failed: {error}", channel=name, error=type(error).__name__)
        return Settled("temporary", why), wait
    return Settled("sent", receipt=receipt.vendor_id), None


def _outgoing(parts: Parts, sending: Sending) -> Outgoing:
    claimed, plan = sending.claimed, parts.plan
    to = Address(claimed.channel, claimed.address)
    names = [name for name in plan.units if to in addresses(plan, name)]
    office = addresses(plan, plan.office)
    return Outgoing(
        id=claimed.id,
        reference=sending.reference,
        kind=claimed.kind,
        at=claimed.at,
        address=claimed.address,
        recipient_name="、".join(names),
        **sending.content.words,
        sender_name=plan.office,
        reply_to=office[0].address if office else None,
        attempt=sending.number,
        attachments=tuple(Attachment(*file) for file in sending.content.files),
    )
