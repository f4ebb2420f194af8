"""The courier: carries messages to their channels by threads of its own, so that a slow channel
delays no other, and nobody but the pass itself talks to the ledger."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import NamedTuple

from dispatcher.channels.contract import Channel, DeliveryError, Outgoing
from dispatcher.i18n import _
from dispatcher.ledger.leases import Begun, Claimed
from dispatcher.ledger.outcomes import Settled

log = logging.getLogger("dispatcher.courier")
BACKOFF = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30, 60)]
LINGER = 2.0
"""Seconds for which an idle thread waits for the next message before it ends."""

MOMENT = 0.001

Boottime = Callable[[], float]
"""Seconds since this machine was started, the time it slept included."""


class Parcel(NamedTuple):
    """A message on its way: its attempt has been committed. ``until``, by ``boottime``, is the last
    moment at which it may be begun, so that it ends before its lease does."""

    begun: Begun
    outgoing: Outgoing
    until: float


class Carried(NamedTuple):
    """How an attempt ended, and how long to wait before the next, if it may be tried again."""

    begun: Begun
    settled: Settled
    wait: timedelta | None


class Courier:
    """Has at most ``connections`` messages of each channel in hand at once.

    ``waiting`` are claimed messages by channel; ``flying`` the attempts that have begun and were
    not collected, by message. Both outlive a pass that fails.
    """

    def __init__(self, channels: Mapping[str, Channel], boottime: Boottime) -> None:
        self.channels = channels
        self.boottime = boottime
        self.waiting: dict[str, deque[Claimed]] = {}
        self.flying: dict[int, Begun] = {}
        self.renewed_at = monotonic()
        self._work: dict[str, SimpleQueue[Parcel]] = {name: SimpleQueue() for name in channels}
        self._threads = dict.fromkeys(channels, 0)
        self._lock = Lock()
        self._ended: SimpleQueue[Carried] = SimpleQueue()

    def free(self, name: str) -> int:
        """How many more messages of a channel may begin."""
        return (self.channels[name].connections if name in self.channels else 1) - self._count(name)

    def _count(self, name: str) -> int:
        return sum(begun.claimed.channel == name for begun in self.flying.values())

    def carry(self, parcel: Parcel) -> None:
        """Hands a message over in a thread of its channel; ``collect`` gives what came of it."""
        name = parcel.begun.claimed.channel
        self.flying[parcel.outgoing.id] = parcel.begun
        if name not in self.channels:
            why = _("channel '{channel}' is not set up", channel=name)
            self._ended.put(Carried(parcel.begun, Settled("temporary", why), _pause(parcel)))
            return
        with self._lock:
            self._work[name].put(parcel)
            if self._threads[name] >= self._count(name):
                return
            self._threads[name] += 1
        Thread(target=self._run, args=(name,), daemon=True, name=f"courier-{name}").start()

    def collect(self, wait: float) -> list[Carried]:
        """Everything that has ended, as soon as anything has, within ``wait`` seconds.

        What ends a moment later is taken along: one commit is dearer than that moment. Whoever
        cannot record it puts it back with ``keep``.
        """
        found: list[Carried] = []
        with suppress(Empty):
            found.append(self._ended.get(timeout=wait) if wait > 0 else self._ended.get_nowait())
            until = monotonic() + MOMENT
            while len(found) < len(self.flying):
                found.append(self._ended.get(timeout=max(until - monotonic(), 0)))
        for each in found:
            del self.flying[each.begun.claimed.id]
        return found

    def keep(self, carried: Iterable[Carried]) -> None:
        """Holds what has ended for the next ``collect``."""
        for each in carried:
            self.flying[each.begun.claimed.id] = each.begun
            self._ended.put(each)

    def _run(self, name: str) -> None:
        work = self._work[name]
        while True:
            try:
                parcel = work.get(timeout=LINGER)
            except Empty:
                with self._lock:
                    if work.empty():
                        self._threads[name] -= 1
                        return
                continue
            self._ended.put(self._carry(self.channels[name], parcel))

    def _carry(self, channel: Channel, parcel: Parcel) -> Carried:
        if self.boottime() > parcel.until:
            late = Settled("released", _("stopped before it could be begun"))
            return Carried(parcel.begun, late, timedelta())
        return Carried(parcel.begun, *hand_over(channel, parcel))


def hand_over(channel: Channel, parcel: Parcel) -> tuple[Settled, timedelta | None]:
    """Gives a message to its channel; how that ended, and how long to wait before trying again."""
    wait = _pause(parcel)
    try:
        receipt = channel.send(parcel.outgoing)
    except DeliveryError as error:
        settled = Settled(
            error.outcome, error.text, detail=f"{error.reason} {error.detail}".strip()
        )
        if error.outcome == "temporary":
            return settled, max(wait, timedelta(seconds=error.retry_after or 0))
        resend = error.outcome == "unknown" and channel.on_unknown == "resend"
        return settled, wait if resend else None
    except Exception as error:
        log.exception("channel %s failed on message %s", channel.name, parcel.outgoing.id)
        why = _(
            "channel '{channel}' failed: {error}", channel=channel.name, error=type(error).__name__
        )
        return Settled("temporary", why), wait
    return Settled("sent", receipt=receipt.vendor_id), None


def _pause(parcel: Parcel) -> timedelta:
    return BACKOFF[min(parcel.begun.number, len(BACKOFF)) - 1]
