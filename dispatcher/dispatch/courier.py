"""The courier: carries messages to their channels by threads of its own, so that a slow channel
delays no other, and nobody but the pass itself talks to the ledger."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread, get_ident
from time import monotonic
from typing import NamedTuple

from dispatcher.channels.contract import Channel, DeliveryError, Outgoing
from dispatcher.i18n import _
from dispatcher.ledger.channels import Closing
from dispatcher.ledger.leases import Begun, Claimed
from dispatcher.ledger.outcomes import Settled

log = logging.getLogger("dispatcher.courier")
BACKOFF = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30, 60)]
LINGER = 2.0
"""Seconds for which an idle thread waits for the next message before it ends."""
AT_ONCE = 0.005
"""Seconds within which a message comes back from a server that answers at once: one after the other
they are 200 a second at least."""
WIDE = 0.5
"""Seconds for which a server that did not answer at once is not expected to."""

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


class _Crew:
    """The threads of a channel.

    One brings message after message for as long as the server answers at once: others would only
    wait for it, since one at a time has the interpreter. When nobody comes back, whatever waits
    gets a thread of its own, and so does what comes next for a while.
    """

    def __init__(self, name: str, bring: Callable[[str, Parcel], None], rested: Event) -> None:
        self._name, self._bring, self._rested = name, bring, rested
        self._work: deque[Parcel] = deque()
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._idle, self._called, self._called_at = 0, 0, 0.0
        self._out: dict[int, float] = {}
        """Since when each thread has had its message."""
        self._wide_until = 0.0
        self._lock = Lock()

    @property
    def is_behind(self) -> bool:
        """Whether messages wait for a thread."""
        return bool(self._work)

    def take_on(self, parcel: Parcel) -> None:
        """Takes a message, for ``look_after`` to have it brought."""
        with self._lock:
            self._work.append(parcel)

    def look_after(self) -> bool:
        """Has what waits brought; whether something may come back at once."""
        with self._lock:
            now = monotonic()
            since = [*self._out.values(), *[self._called_at] * self._called]
            quick = any(now - each <= AT_ONCE for each in since)
            if since and self._work and not quick:
                self._wide_until = now + WIDE
            wide = now < self._wide_until
            if self._work and (wide or not quick):
                self._call(len(self._work) if wide else 1)
                quick = True
            return quick and not wide

    def _call(self, count: int) -> None:
        """Sets so many threads to work, as far as they can be had: who looks again asks again."""
        with suppress(RuntimeError):
            while self._called < count:
                if self._idle:
                    self._idle -= 1
                    self._calls.put(None)
                else:
                    Thread(target=self._run, daemon=True, name=f"courier-{self._name}").start()
                self._called, self._called_at = self._called + 1, monotonic()

    def _run(self) -> None:
        while True:
            while parcel := self._next():
                self._bring(self._name, parcel)
            self._rested.set()
            if not self._is_called():
                return

    def _next(self) -> Parcel | None:
        with self._lock:
            if self._out.pop(get_ident(), None) is None:
                self._called -= 1
            if self._work:
                self._out[get_ident()] = monotonic()
                return self._work.popleft()
            self._idle += 1
            return None

    def _is_called(self) -> bool:
        """Waits for a call; False when this thread may end."""
        while True:
            with suppress(Empty):
                self._calls.get(timeout=LINGER)
                return True
            with self._lock:
                # A call of this very moment is for one of those who wait.
                if self._calls.empty():
                    self._idle -= 1
                    return False


class Courier:
    """Has at most ``connections`` messages of each channel in hand at once.

    ``waiting`` are claimed messages by channel; ``flying`` the attempts that have begun and were
    not collected: two of a message where this process was overtaken, and claimed it again. Both
    outlive a pass that fails.
    """

    def __init__(self, channels: Mapping[str, Channel], boottime: Boottime) -> None:
        self.channels = channels
        self.boottime = boottime
        self.waiting: dict[str, deque[Claimed]] = {}
        self.flying: dict[tuple[int, int], Begun] = {}
        self.renewed_at = monotonic()
        self._at_hand = dict(channels)
        self._ended: deque[Carried] = deque()
        self._rested = Event()
        self._crews = {name: _Crew(name, self._bring, self._rested) for name in channels}

    def equip(self, channels: Mapping[str, Channel]) -> None:
        """Carries by other channels from now on; what is on its way goes on by those that it was
        handed to, even if they are no more."""
        before, self.channels = self.channels, channels
        self._at_hand = {**self._at_hand, **channels}
        self._crews |= {
            name: _Crew(name, self._bring, self._rested)
            for name in channels.keys() - self._crews.keys()
        }
        for channel in before.values():
            channel.close()

    def connections(self, name: str) -> int:
        """How many messages of a channel may be in hand at once."""
        return self.channels[name].connections if name in self.channels else 1

    def free(self, name: str) -> int:
        """How many more messages of a channel may begin."""
        flying = sum(begun.claimed.channel == name for begun in self.flying.values())
        return self.connections(name) - flying

    def carry(self, parcel: Parcel) -> None:
        """Hands a message over in a thread of its channel; ``collect`` gives what came of it."""
        name = parcel.begun.claimed.channel
        self.flying[parcel.begun.key] = parcel.begun
        if name in self.channels:
            self._crews[name].take_on(parcel)
            return
        why = _("channel '{channel}' is not set up", channel=name)
        self._ended.append(Carried(parcel.begun, Settled("temporary", why), _pause(parcel)))

    def collect(self, wait: float) -> list[Carried]:
        """What has ended, as soon as anything has, within ``wait`` seconds.

        Where a server answers at once, as soon as everything has: a commit is dearer than that
        moment, and whoever brings messages one after the other is faster where nobody wants the
        interpreter meanwhile. Whoever cannot record what has ended puts it back with ``keep``.
        """
        self._await(monotonic() + wait)
        found = [self._ended.popleft() for _each in range(len(self._ended))]
        for each in found:
            del self.flying[each.begun.key]
        return found

    def keep(self, carried: Iterable[Carried]) -> None:
        """Holds what has ended for the next ``collect``."""
        for each in carried:
            self.flying[each.begun.key] = each.begun
            self._ended.append(each)

    def _await(self, until: float) -> None:
        """Returns when it is time to record, at ``until`` of ``monotonic`` at the latest."""
        while True:
            self._rested.clear()
            crews = self._crews.values()
            quick = [crew.look_after() for crew in crews]
            ended, left = len(self._ended), until - monotonic()
            if left <= 0 or ended == len(self.flying) or (ended and not any(quick)):
                return
            soon = any(quick) or any(crew.is_behind for crew in crews)
            self._rested.wait(min(left, AT_ONCE) if soon else left)

    def _bring(self, name: str, parcel: Parcel) -> None:
        self._ended.append(self._carry(self._at_hand[name], parcel))

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
        said = f"{error.reason} {error.detail}".strip()
        settled = Settled(error.outcome, error.text, said, closing=_closing(error))
        wait = max(wait, timedelta(seconds=error.retry_after or 0))
        again = error.outcome == "temporary" or (
            error.outcome == "unknown" and channel.on_unknown != "hold"
        )
        return settled, wait if again else None
    except Exception as error:
        log.exception("channel %s failed on message %s", channel.name, parcel.outgoing.id)
        why = _(
            "channel '{channel}' failed: {error}", channel=channel.name, error=type(error).__name__
        )
        return Settled("temporary", why), wait
    return Settled("sent", receipt=receipt.vendor_id), None


def _closing(error: DeliveryError) -> Closing | None:
    """What an error means for its whole channel."""
    if not error.pauses:
        return None
    wait = timedelta(seconds=error.retry_after or 0)
    return Closing(max(wait, BACKOFF[0]), fault=error.reason not in ("rate", "busy"))


def _pause(parcel: Parcel) -> timedelta:
    return BACKOFF[min(parcel.begun.number, len(BACKOFF)) - 1]
