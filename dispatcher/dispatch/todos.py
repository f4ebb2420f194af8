"""To-dos: what a unit is chased for stands on its people's lists, and goes when it is not any more.

They come after the telling and beside it: a list is no way to tell, and whatever goes wrong with it
delays no message.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Protocol, runtime_checkable

from dispatcher.channels.contract import DeliveryError, Receipt
from dispatcher.dispatch.courier import BACKOFF
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.window import opening
from dispatcher.dispatch.wording import titled
from dispatcher.i18n import _
from dispatcher.ledger import channels, installation, todos
from dispatcher.ledger.channels import Closing, State
from dispatcher.ledger.database import Connection
from dispatcher.ledger.tables import TODO_UNDER_WAY
from dispatcher.ledger.todos import LEASE, Begun, Place
from dispatcher.plan.model import Plan
from dispatcher.plan.ways import ways

log = logging.getLogger("dispatcher.todos")
MOST = 20
"""Calls of one ``keep_up``."""
REST = timedelta(minutes=10)
"""A vendor who has failed is asked for no other to-do before that: one who does not answer would
leave one after the other unknown."""
LONG_REST = timedelta(hours=1)
"""The same after a failure that pauses the channel, and so its messages too."""


@runtime_checkable
class Lists(Protocol):
    """A channel that also keeps to-do lists; both calls raise DeliveryError and nothing else."""

    deadline: float

    def open_task(self, reference: str, address: str, subject: str, due: date) -> Receipt:
        """Puts a task on an account's list; the receipt names it."""
        ...

    def finish_task(self, task: str, address: str) -> None:
        """Takes it off; may be said twice."""
        ...


def lists(parts: Parts) -> dict[str, Lists]:
    """The channels with lists that the plan wants kept. None before mail is live: the mailbox that
    stands for a channel has no lists."""
    wanted = [name for name, each in parts.plan.channels.items() if each.values.get("tasks")]
    found: dict[str, object] = {name: parts.channels.get(name) for name in wanted}
    return {name: channel for name, channel in found.items() if isinstance(channel, Lists)}


def keep_up(parts: Parts, now: datetime) -> None:
    """Opens and closes to-dos as far as is due ``now``, the oldest first and not too many.

    No transaction is open during a call. What becomes of it when this process dies is noted by a
    later one: see ``ledger.todos``.
    """
    kept = lists(parts)
    if not kept:
        return
    assert all(channel.deadline < LEASE for channel in kept.values())
    with parts.engine.begin() as conn:
        todos.look(conn, _places(parts.plan, kept), now)
    for _number in range(MOST):
        begun = None if parts.stop.is_set() else _begin(parts, kept, now)
        if begun is None:
            return
        answer = _call(kept[begun.channel], begun)
        with parts.engine.begin() as conn:
            _settle(conn, begun, answer, parts.clock())


def _places(plan: Plan, kept: Mapping[str, Lists]) -> list[Place]:
    return [
        Place(unit, way.channel, account)
        for unit in plan.units
        for way in ways(plan, unit)
        if way.channel in kept
        for account in way.addresses
    ]


def _begin(parts: Parts, kept: Mapping[str, Lists], now: datetime) -> Begun | None:
    """Commits the next call. Nothing is called during a hold or a channel's pause; lists are added
    to while messages may leave, since that makes telephones ring."""
    with parts.engine.begin() as conn:
        found = installation.find(conn)
        if found is None or found.hold is not None:
            return None
        states = channels.states(conn)
        free = [name for name in kept if states.get(name, State(name)).opens(now) == now]
        calls = TODO_UNDER_WAY if opening(parts.plan, now) <= now else ("closing",)
        return todos.begin(conn, free, calls, now)


def _call(channel: Lists, begun: Begun) -> Receipt | DeliveryError:
    """What the vendor says."""
    try:
        if begun.task is None:
            subject = titled(begun.title, begun.period)
            return channel.open_task(begun.reference, begun.account, subject, begun.due_on)
        channel.finish_task(begun.task, begun.account)
        return Receipt(begun.task)
    except DeliveryError as error:
        return error
    except Exception as error:
        log.exception("channel %s failed on to-do %s", begun.channel, begun.id)
        why = _("channel '{channel}' failed: {error}", channel=begun.channel,
                error=type(error).__name__)  # fmt: skip
        return DeliveryError("unknown", why)


def _settle(conn: Connection, begun: Begun, answer: Receipt | DeliveryError, now: datetime) -> None:
    if isinstance(answer, DeliveryError):
        _settle_failure(conn, begun, answer, now)
        return
    if begun.state == "closing":
        todos.end(conn, begun, "closed", now)
    elif answer.vendor_id:
        todos.opened(conn, begun, answer.vendor_id)
    else:
        why = _("channel '{channel}' gave no name for the to-do", channel=begun.channel)
        todos.end(conn, begun, "unknown", now, why)
    channels.worked(conn, begun.channel, now)


def _settle_failure(conn: Connection, begun: Begun, error: DeliveryError, now: datetime) -> None:
    """A closing of unknown outcome is said again; an opening never. What waits, rests."""
    log.warning("to-do %s, %s: %s %s", begun.id, begun.state, error.reason, error.detail,
                extra={"channel": begun.channel, "attempt": begun.attempts})  # fmt: skip
    wait = timedelta(seconds=error.retry_after or 0)
    if error.outcome == "permanent":
        todos.end(conn, begun, "failed", now, error.text)
        return
    if error.outcome == "unknown" and begun.state == "opening":
        todos.end(conn, begun, "unknown", now, error.text)
    else:
        own = BACKOFF[min(begun.attempts, len(BACKOFF)) - 1]
        todos.again(conn, begun, now + own)
    rest = LONG_REST if error.pauses else REST
    todos.rest(conn, begun.channel, now + max(rest, wait))
    if error.pauses:
        fault = error.reason not in ("rate", "busy")
        channels.close(conn, begun.channel, error.text, Closing(max(wait, BACKOFF[0]), fault), now)
