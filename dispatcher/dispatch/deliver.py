"""Delivering: every queued message that is due is handed to its channel, and the outcome kept.

Round by round: what has ended is settled, what may begin is begun, and what comes then is claimed,
in one transaction, and only once that is committed is anything handed over. So there is one commit
for as many messages as there are connections, and never more than one message of a connection whose
outcome is open.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic

from dispatcher.channels.contract import Attachment, Outgoing
from dispatcher.dispatch import cards
from dispatcher.dispatch.courier import Carried, Parcel
from dispatcher.dispatch.gates import Gates
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.telling import mobiles, move_on, names_by_address, office_mail, try_again
from dispatcher.dispatch.window import kinds_leaving
from dispatcher.ledger import installation, leases, outcomes, pruning
from dispatcher.ledger.database import Connection
from dispatcher.ledger.items import items_of
from dispatcher.ledger.leases import Begun, Claimed
from dispatcher.ledger.outbox import Address, Content
from dispatcher.ledger.outcomes import Ended

log = logging.getLogger("dispatcher.deliver")
BATCH = 100
"""Messages that are claimed at once."""
COMPOSE_AGAIN = timedelta(minutes=10)
LAST_WORDS = 25.0
"""Seconds that messages in flight are waited for when the daemon is to stop."""


def deliver(parts: Parts, *, orphans: bool = False) -> Counter[str]:
    """Hands over everything that is due and may leave now; counts the messages by what became of
    them.

    What a dead process held is rescued first; ``orphans`` says that no other process can be alive,
    so that its leases need not expire. One message that fails never stops the others, and one
    channel that is slow is left behind after ``parts.patience`` seconds: the next call goes on
    with it.
    """
    assert all(channel.deadline < parts.lease for channel in parts.channels.values())
    delivery = _Delivery(parts)
    delivery.rescue(orphans=orphans)
    delivery.run()
    return delivery.counts


class _Delivery:
    """One call of ``deliver``."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.courier = parts, parts.courier
        self.counts: Counter[str] = Counter()
        self.more = True
        self.moved_at = monotonic()
        self.epoch = ""
        self.names: Mapping[Address, str] | None = None
        self.reply_to = office_mail(parts.plan)
        self.gates = Gates(parts.channels)

    def rescue(self, *, orphans: bool) -> None:
        resend = [name for name, each in self.parts.channels.items() if each.on_unknown != "hold"]
        mine = {key for key, _number in self.courier.flying}
        mine |= {each.id for each in self._waiting()}
        with self.parts.engine.begin() as conn:
            found = installation.find(conn)
            self.epoch = found.epoch if found else ""
            self.gates.look(conn)
            released, unknown = outcomes.rescue(
                conn, self.parts.clock(), resend, mine, orphans=orphans
            )
            if released:
                try_again(conn, self.parts.plan)
        self.counts.update({"rescued": released + unknown} if released + unknown else {})

    def run(self) -> None:
        while True:
            ended = self.courier.collect(self._patience())
            try:
                moved = self._round(ended)
            except BaseException:
                self.courier.keep(ended)
                raise
            if moved:
                self.moved_at = monotonic()
            elif self._patience() <= 0:
                break
        self._release()

    def _waiting(self) -> list[Claimed]:
        return [each for hand in self.courier.waiting.values() for each in hand]

    def _patience(self) -> float:
        """How long to wait for what is in flight: not at all while there is more to begin."""
        if not self.courier.flying or (self.more and not self.parts.stop.is_set()):
            return 0.0
        patience = LAST_WORDS if self.parts.stop.is_set() else self.parts.patience
        return min(self.moved_at + patience - monotonic(), self.parts.lease / 4)

    def _round(self, ended: Sequence[Carried]) -> bool:
        """Settles what has ended, begins what may begin, claims more; whether there was any."""
        ready = self._ready()
        busy = self._enough(ready)
        renew = monotonic() - self.courier.renewed_at > self.parts.lease / 3
        self.more = False
        if not (ended or ready or renew or busy is not None):
            return False
        with self.parts.engine.begin() as conn:
            states = self._settle(conn, ended)
            if renew:
                self._renew(conn)
            self.gates.look(conn)
            kinds = _kinds(conn, self.parts, self.parts.clock())
            held = self._give_back(conn, kinds)
            ready = self.gates.let_pass(ready, kinds, self.parts.clock())
            begun = self._begin(conn, ready) if ready else []
            claimed = [] if busy is None else self._claim(conn, busy, kinds, alone=not ready)
        for carried in ended:
            self._note(carried, states)
        self._keep(claimed, instead_of=(*held, *ready))
        for parcel in begun:
            self.courier.carry(parcel)
        self.more = bool(claimed) or self._is_more(ready)
        return self.more or bool(ready or ended)

    def _keep(self, claimed: Sequence[Claimed], instead_of: Sequence[Claimed]) -> None:
        """Has what is claimed in hand, and no longer what has begun or was given back, nor an
        older claim of the same, which had expired."""
        waiting = self.courier.waiting
        for each in instead_of:
            waiting[each.channel].remove(each)
        ids = {each.id for each in claimed}
        for name, hand in waiting.items():
            waiting[name] = deque(each for each in hand if each.id not in ids)
        for each in claimed:
            waiting.setdefault(each.channel, deque()).append(each)

    def _is_more(self, begun: Sequence[Claimed]) -> bool:
        """Whether more may begin at once: of what is claimed, or of a channel that was not asked
        for since enough of the others' had been claimed for the next round."""
        return bool(self._ready()) or (bool(begun) and self._enough(()) is not None)

    def _ready(self) -> Sequence[Claimed]:
        """What may begin now, for the connections that are free."""
        if self.parts.stop.is_set():
            return []
        shut, room = self.gates.shut(self.parts.clock()), self.gates.room
        hands = [each for each in self.courier.waiting.items() if each[0] not in shut]
        free = self.courier.free
        return [each for name, hand in hands for each in islice(hand, room(name, free(name)))]

    def _enough(self, ready: Sequence[Claimed]) -> set[str] | None:
        """The channels that need nothing claimed, since they have no connection free, or after what
        is ``ready`` still enough for the next round; None when nobody needs anything."""
        courier = self.courier
        if self.parts.stop.is_set():
            return None
        taken = Counter(each.channel for each in ready)
        known = {*self.parts.channels, *courier.waiting}
        shut = self.gates.shut(self.parts.clock())
        enough = {
            name
            for name in known
            if courier.free(name) <= 0
            or name in shut
            or len(courier.waiting.get(name, ())) - taken[name] >= courier.connections(name)
        }
        return None if enough and enough >= (taken.keys() or known) else enough

    def _claim(
        self, conn: Connection, busy: set[str], kinds: Sequence[str], *, alone: bool
    ) -> list[Claimed]:
        """Leases more; what a process has died with only where nothing else is to begin."""
        parts, now, counted = self.parts, self.parts.clock(), self.gates.counted
        busy = busy | self.gates.shut(now)
        claimed = leases.claim(conn, now, kinds, BATCH, busy=busy | counted, lease=parts.lease)
        for name in counted - busy:
            # No more of it than may be called now: the rest would only be given back.
            others = parts.channels.keys() - {name}
            claimed += leases.claim(conn, now, kinds, 1, busy=others, lease=parts.lease)
        if claimed or not alone:
            return claimed
        return leases.claim_suspect(conn, now, kinds, busy=busy, lease=parts.lease)

    def _give_back(self, conn: Connection, kinds: Sequence[str]) -> list[Claimed]:
        """Gives back what may no longer leave."""
        held = [each for each in self._waiting() if each.kind not in kinds]
        leases.release(conn, held, self.parts.clock())
        return held

    def _release(self) -> None:
        """Gives back what a slow channel has no connection for; what is in flight goes on."""
        waiting = self._waiting()
        if waiting:
            with self.parts.engine.begin() as conn:
                leases.release(conn, waiting, self.parts.clock())
        self.courier.waiting.clear()

    def _renew(self, conn: Connection) -> None:
        flying = self.courier.flying.values()
        leases.renew(conn, self._waiting(), flying, self.parts.lease)
        self.courier.renewed_at = monotonic()

    def _settle(self, conn: Connection, carried: Sequence[Carried]) -> dict[int, str]:
        now = self.parts.clock()
        ended = [
            Ended(
                each.begun.claimed.id,
                each.begun.number,
                each.settled,
                None if each.wait is None else now + each.wait,
            )
            for each in carried
        ]
        if not ended:
            return {}
        states = outcomes.settle(conn, ended, now)
        self.gates.learn(conn, carried, now)
        failed = [key for key, state in states.items() if state == "failed"]
        if failed:
            move_on(conn, self.parts.plan, failed)
        return states

    def _note(self, carried: Carried, states: Mapping[int, str]) -> None:
        """Counts and logs an outcome; what went well at once is no news."""
        claimed, _content, number = carried.begun
        settled = carried.settled
        self.counts[states.get(claimed.id, "overtaken")] += 1
        level = logging.WARNING
        if settled.outcome == "sent":
            level = logging.DEBUG if number == 1 else logging.INFO
        facts = {"id": claimed.id, "channel": claimed.channel, "attempt": number}
        log.log(level, "%s: %s", settled.outcome, settled.detail or settled.reason, extra=facts)

    def _begin(self, conn: Connection, claimed: Sequence[Claimed]) -> list[Parcel]:
        """Commits messages to an attempt, as far as they still have something to say."""
        parts, now = self.parts, self.parts.clock()
        mine = leases.still_claimed(conn, claimed)
        wanted = pruning.prune(conn, mine, now)
        written = self._write(conn, wanted, now)
        begun = leases.begin_sending(conn, written, now, lease=parts.lease)
        self.counts["dropped"] += len(mine) - len(wanted)
        self.counts["overtaken"] += len(claimed) - len(mine) + len(written) - len(begun)
        parcels = [self._parcel(each) for each in begun]
        self.gates.spend(conn, parcels, now)
        return parcels

    def _write(
        self, conn: Connection, claimed: Sequence[Claimed], now: datetime
    ) -> list[tuple[Claimed, Content]]:
        """What each message says: as it was frozen, else composed now."""
        said = leases.frozen(conn, claimed)
        channel_of = {each.id: each.channel for each in claimed if each.id not in said}
        for key, held in items_of(conn, channel_of).items():
            try:
                said[key] = self.parts.compose(conn, held, now, channel_of[key])
            except Exception:
                log.exception("message %s cannot be composed", key)
        postponed = [each for each in claimed if each.id not in said]
        leases.release(conn, postponed, now + COMPOSE_AGAIN)
        self.counts["postponed"] += len(postponed)
        return [(each, said[each.id]) for each in claimed if each.id in said]

    def _parcel(self, begun: Begun) -> Parcel:
        parts, plan, claimed = self.parts, self.parts.plan, begun.claimed
        if self.names is None:
            self.names = names_by_address(plan)
        outgoing = Outgoing(
            id=claimed.id,
            reference=f"{claimed.id}.{self.epoch[:8]}",
            kind=claimed.kind,
            at=claimed.at,
            address=claimed.address,
            recipient_name=self.names.get(Address(claimed.channel, claimed.address), ""),
            subject=begun.content.subject,
            text=begun.content.text,
            html=begun.content.html,
            sender_name=plan.office,
            reply_to=self.reply_to,
            attempt=begun.number,
            attachments=tuple(Attachment(*file) for file in begun.content.files),
            card=cards.unpacked(begun.content.card) if begun.content.card else None,
            mobiles=mobiles(plan, claimed.address),
        )
        channel = parts.channels.get(claimed.channel)
        margin = parts.lease - (channel.deadline if channel else 0)
        return Parcel(begun, outgoing, self.courier.boottime() + margin)


def _kinds(conn: Connection, parts: Parts, now: datetime) -> Sequence[str]:
    """What may leave now: nothing by another calendar than the one in force; a pause holds all but
    a test, the window digests, briefs and slips."""
    found = installation.find(conn)
    if found and found.revision not in (None, parts.revision):
        return ()
    if found and found.hold is not None:
        return ("test",)
    return kinds_leaving(parts.plan, now)
