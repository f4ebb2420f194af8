"""Living through a stretch of days: the daemon's own passes on a clock that jumps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from typing import NamedTuple

from dispatcher import bootstrap
from dispatcher.clock import boottime
from dispatcher.dispatch import revising
from dispatcher.dispatch.answering import answer
from dispatcher.dispatch.courier import Courier
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.passes import run_pass
from dispatcher.dispatch.telling import addresses, names_by_address
from dispatcher.i18n import Text
from dispatcher.ledger import queries, rehearsing
from dispatcher.ledger.answers import Said
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.items import Item, items_of
from dispatcher.ledger.outbox import Address
from dispatcher.ledger.queries import Sent
from dispatcher.plan.model import Plan, Revision
from dispatcher.plan.periods import DAY
from dispatcher.plan.steps import instant
from dispatcher.rehearsal.stage import stage
from dispatcher.rehearsal.tally import Letter, Tally
from dispatcher.rehearsal.wishes import Wishes
from dispatcher.settings import Settings

SOON = timedelta(seconds=1)
"""A pass that asks for another at once gets it so soon, as from the daemon."""
MANY = 500
"""Messages whose items are asked for in one query."""
ENDED = ("sent", "failed", "unknown")
DONE = "演练"
"""Why the office closes a lead while others are open."""


class Calendar(NamedTuple):
    """A plan that is in force from a day on."""

    on: date
    revision: Revision
    settings: Settings

    @property
    def plan(self) -> Plan:
        """What it says."""
        return self.revision.plan


class Life:
    """Lives through the days of ``wishes`` in an empty ledger; ``tally`` has what came of it.

    The ledger goes live in the morning of the first day.
    """

    def __init__(self, settings: Settings, wishes: Wishes, engine: Engine) -> None:
        safe = settings._replace(live=False, now=None)
        if wishes.out:
            safe = safe._replace(mailbox=wishes.out)
        self.wishes, self.engine = wishes, engine
        self.tally = Tally(wishes.more_than)
        self.plans: list[Plan] = []
        self.unknown_limits: dict[str, Text] = {}
        self.calendar, *self._coming = _calendars(safe, wishes)
        begins = self.calendar
        self.now = instant(begins.on, begins.plan.defaults.at, begins.plan.zone)
        self._next, self._seen = self.now, self.now - SOON
        self.parts = self._take_up(begins)

    def run(self) -> None:
        """Every day, one after the other."""
        for _day in self.days():
            pass

    def days(self) -> Iterator[date]:
        """Every day, when it has been lived through."""
        for day in self.wishes.stretch.days():
            while self._coming and self._coming[0].on <= day:
                self._edit(self._coming.pop(0))
                self._next = max(self.now + SOON, instant(day, time(), self.plan.zone))
            self._passes(day)
            self._answers(day)
            self.tally.close(day)
            yield day

    @property
    def plan(self) -> Plan:
        """The calendar in force."""
        return self.plans[-1]

    def addresses(self) -> dict[str, list[Address]]:
        """Where each unit was told, by any of the calendars."""
        found: dict[str, dict[Address, None]] = {}
        for plan in self.plans:
            for unit in plan.units:
                found.setdefault(unit, {}).update(dict.fromkeys(addresses(plan, unit)))
        return {unit: list(to) for unit, to in found.items()}

    def _edit(self, calendar: Calendar) -> None:
        """An edit as the daemon takes it up; nobody is asked, whatever it withdraws."""
        with self.engine.begin() as conn:
            revising.change(conn, self.calendar.revision, calendar.revision, self.now)
        self.calendar, self.parts = calendar, self._take_up(calendar)

    def _take_up(self, calendar: Calendar) -> Parts:
        plan, wishes = calendar.plan, self.wishes
        self.plans.append(plan)
        channels, unknown = stage(calendar.settings, plan, wishes.out, self._works)
        self.unknown_limits |= {str(why): why for why in unknown}
        self._names = {to: names.split("、") for to, names in names_by_address(plan).items()}
        parts = bootstrap.parts(calendar.settings, calendar.revision, self.engine, lambda: self.now)
        return parts._replace(courier=Courier(channels, boottime))

    def _works(self) -> bool:
        return not self.wishes.is_out(self.now.astimezone(self.plan.zone).date())

    def _passes(self, day: date) -> None:
        """The passes of a day, from instant to instant at which something is due: each workday
        has at least the one at which the window opens."""
        midnight = instant(day + DAY, time(), self.plan.zone)
        outage = any(outage.first <= day for outage in self.wishes.outages)
        while self._next < midnight:
            self.now = self._next
            report = run_pass(self.parts, self.now)
            with self.engine.begin() as conn:
                self.tally.note(self._letters(conn), self.now, self.plan, outage=outage)
            self._seen = self.now
            self._next = max(report.next_at, self.now + SOON)

    def _letters(self, conn: Connection) -> Iterator[Letter]:
        """What has left or failed since the pass before."""
        ended = [sent for sent in queries.messages_since(conn, self._seen) if sent.state in ENDED]
        for first in range(0, len(ended), MANY):
            some = ended[first : first + MANY]
            digests = [sent.id for sent in some if sent.kind == "digest"]
            items = items_of(conn, digests)
            for sent in some:
                held = items.get(sent.id, [])
                yield Letter(sent, self._told(sent, held), held)

    def _told(self, sent: Sent, held: Sequence[Item]) -> list[str]:
        if held:
            return list(dict.fromkeys(item.told for item in held))
        return self._names.get(Address(sent.channel, sent.address), [self.plan.office])

    def _answers(self, day: date) -> None:
        """In the evening: what is due and has been told is done, unless it is never answered."""
        self.now = instant(day, self.plan.defaults.window[1], self.plan.zone)
        said = Said("done", self.plan.office, despite=DONE)
        with self.engine.begin() as conn:
            for assigned in rehearsing.owed_and_told(conn, day):
                if self.wishes.answers(assigned.key):
                    answer(conn, self.plan, assigned, said, self.now)


def _calendars(settings: Settings, wishes: Wishes) -> list[Calendar]:
    """The calendars to be in force, in order, all of them read beforehand."""
    edits = [Calendar(edit.on, bootstrap.read_revision(edit.file),
                      settings._replace(schedules=edit.file))
             for edit in sorted(wishes.edits, key=lambda edit: edit.on)]  # fmt: skip
    file = bootstrap.calendar_file(settings)
    begins = Calendar(wishes.stretch.first, bootstrap.read_revision(file), settings)
    return [begins, *edits]
