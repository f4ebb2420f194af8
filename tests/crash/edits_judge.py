"""Judges what a ledger holds, and what has left, by a naive reading of the calendars in force."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from itertools import pairwise, zip_longest

from dispatcher.channels.contract import Outgoing
from dispatcher.ledger.database import Engine
from tests.crash.edits import ask
from tests.crash.edits_calendar import Calendar, Due, Job, rank
from tests.crash.edits_record import ZONE, Assignment, Record, Reminder, moment


class Judge(Record):
    """``wrong`` is what should not be, ``counts`` what there was; ``sent`` is what the channels
    were given."""

    def __init__(
        self,
        engine: Engine,
        written: Mapping[str, Calendar],
        sent: Sequence[Outgoing],
        now: datetime,
    ) -> None:
        super().__init__(engine, written)
        self.sent, self.today = sent, now.astimezone(ZONE).date()
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()

    def all(self, agreed: Mapping[int, str | None]) -> None:
        """Everything, if each revision in force is one that was saved; ``agreed`` is what was in
        force when somebody agreed to an edit."""
        self.changes_of_revision()
        self.agreements(agreed)
        if self.wrong:
            return
        self.steps_belong()
        self.nothing_falls_between_two_calendars()
        self.each_step_once()
        self.messages_say_what_is_recorded()
        self.open_is_what_the_calendar_has()
        self.latest_step_is_told()
        self.changes_were_told()

    def say(self, what: str, *about: object) -> None:
        self.wrong.append(f"{what}: " + ", ".join(map(str, about)))

    # ---------------------------------------------------------------------------------- the edits

    def changes_of_revision(self) -> None:
        """Each is an edit that was applied; what was applied or held was saved, and whole."""
        query = "SELECT revision FROM witness WHERE what = 'revision' ORDER BY id"
        changes = [hash for (hash,) in ask(self.engine, query)]
        for was, (hash, at) in zip_longest(changes, self.applied, fillvalue=("", None)):
            if was != hash:
                self.say("another revision was in force than was taken up", was, hash, at)
                break
        for (text,) in ask(self.engine, "SELECT calendar FROM revision"):
            if text not in self.written:
                self.say("nobody has saved this", text)

    def agreements(self, agreed: Mapping[int, str | None]) -> None:
        """Nobody has agreed to more than to what an edit changes of what was in force then."""
        rows = ask(
            self.engine, "SELECT ref, revision FROM witness WHERE what = 'applied' ORDER BY id"
        )
        before = None
        for edit, hash in rows:
            if agreed.get(edit, before) != before:
                self.say("taken up over another calendar than was agreed to", edit)
            before = hash
        states = ask(self.engine, "SELECT state, settled_by FROM edit")
        self.counts.update(state for state, _by in states)
        self.counts["agreed"] = sum(by == "李主任" for _state, by in states)

    # ------------------------------------------------------------------------------ what was told

    def steps_belong(self) -> None:
        """Each step was one of the calendar in force, and the latest one that was reached."""
        latest: dict[tuple[int, int, str, datetime], list[str]] = defaultdict(list)
        about: dict[tuple[int, int, str, datetime], list[str]] = {}
        by_id = {each.id: each for each in self.reminders}
        for key, calendar in self.seen("reminder"):
            each = by_id[key]
            if not each.is_step:
                continue
            group = (each.assignment, each.round, each.addressee, each.queued_at)
            latest[group].append(each.step)
            about[group] = self.reached(calendar, each)
        for group, steps in latest.items():
            names = about[group]
            if max(steps, key=rank) not in names[-1:] or not {*steps} <= {*names}:
                self.say("not a step of the calendar in force", self.named(group[0]), *group[1:],
                         steps, names)  # fmt: skip
        self.counts["reminders"] = len(self.reminders)

    def nothing_falls_between_two_calendars(self) -> None:
        """Each step that a calendar has reached was recorded before another took its place."""
        begun = defaultdict(list)
        for key, number, at in ask(
            self.engine, "SELECT assignment_id, number, begun_at FROM round"
        ):
            begun[key].append((moment(at), number))
        marks = defaultdict(list)
        for one in self.reminders:
            if one.is_step and one.addressee == "owner":
                marks[one.assignment].append(one)
        for (hash, _at), (_hash, at) in pairwise(self.applied):
            today = at.date() - (at.hour < 9) * timedelta(days=1)
            for each in self.assignments.values():
                job = self.calendars[hash].jobs.get(each.duty)
                number = max((number for when, number in begun[each.id] if when < at), default=0)
                is_open = number and self.was_open(each, at) and not self.twins(each.id)
                if not is_open or not job or each.unit[0] not in job.units:
                    continue
                names = self._steps(job, each.period, today)
                known = [one.step for one in marks[each.id]
                         if one.round >= number and one.queued_at <= at]  # fmt: skip
                if names and max(map(rank, known), default=-9999) < rank(names[-1]):
                    self.say("a step fell between two calendars", each, at, names[-1], known)

    def reached(self, calendar: Calendar, each: Reminder) -> list[str]:
        """The steps of a reminder's assignment that a calendar had reached by then."""
        found = self.assignments[each.assignment]
        today = each.queued_at.date() - (each.queued_at.hour < 9) * timedelta(days=1)
        job = calendar.jobs.get(found.duty)
        if job and each.addressee == "owner" and each.unit[0] not in job.units:
            return []
        return self._steps(job, found.period, today)

    def _steps(self, job: Job | None, period: str, today: date) -> list[str]:
        due = due_of(job, period, today)
        return [name for _day, name in job.steps(due, today)] if job and due else []

    def each_step_once(self) -> None:
        """To each address, in each round."""
        query = (
            "SELECT assignment_id, round, step, addressee, channel, address, count(*)"
            " FROM reminder JOIN message_item ON reminder.id = reminder_id"
            " JOIN message ON message.id = message_id WHERE message.state = 'sent'"
            " GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) > 1"
        )
        for key, *rest in ask(self.engine, query):
            self.say("told twice", self.named(key), *rest)
        for reference, times in Counter(each.reference for each in self.sent).items():
            if times > 1:
                self.say("sent twice", reference)

    def messages_say_what_is_recorded(self) -> None:
        """What left is what the ledger holds of it, and was owed when it left."""
        held: dict[int, list[Reminder]] = defaultdict(list)
        by_id = {each.id: each for each in self.reminders}
        for message, key in ask(self.engine, "SELECT message_id, reminder_id FROM message_item"):
            held[message].append(by_id[key])
        for each in self.sent:
            if each.kind != "digest":
                continue
            self.counts["messages"] += 1
            says = sorted(each.text.splitlines())
            noted = {one.assignment for one in held[each.id] if not one.is_step}
            # A notice speaks for a step beside it.
            holds = sorted(
                f"{self.key(one)} {one.step}"
                for one in held[each.id]
                if not (one.is_step and one.assignment in noted)
            )
            if says != holds:
                self.say("a message says something else", each.address, each.id, says, holds)
        for message, calendar in self.seen("attempt"):
            for one in held[message]:
                found = self.assignments[one.assignment]
                job = calendar.jobs.get(found.duty)
                if one.is_step and not due_of(job, found.period, self.today):
                    self.say("told of what was not owed any more", self.named(found.id), one)

    # -------------------------------------------------------------------------------- at the end

    @cached_property
    def adopted(self) -> dict[tuple[str, str, str], date]:
        """Since when each unit has had each duty, with the cadence that it has at the end."""
        found: dict[tuple[str, str, str], date] = {}
        for hash, at in self.applied:
            calendar, before = self.calendars[hash], found
            names = {old: new for new, *olds in calendar.called.values() for old in olds}
            for (duty, every, unit), since in [*before.items()]:
                new = (duty, every, names.get(unit, unit))
                before.setdefault(new, since)
            found = {
                key: before.get(key, at.date())
                for name, job in calendar.jobs.items()
                for key in [(name, job.every, calendar.called[unit][0]) for unit in job.units]
            }
        return found

    def owed(self) -> Iterator[tuple[str, str, Due, Job]]:
        """What the calendar in force says that a unit owes, of all that has opened."""
        for duty, job in self.last.jobs.items():
            for unit in job.units:
                name = self.last.called[unit][0]
                for due in job.dues(self.today):
                    if due.due >= self.adopted[duty, job.every, name]:
                        yield duty, name, due, job

    def open_is_what_the_calendar_has(self) -> None:
        """Every open assignment is owed, on its day, and what is owed is open unless it lapsed."""
        owed = {(duty, due.period, unit): due for duty, unit, due, _job in self.owed()}
        there = {(each.duty, each.period, each.unit): each for each in self.assignments.values()}
        for key, due in owed.items():
            found = there.get(key)
            successor = self.successor(key, owed)
            if found is None:
                self.say("not in the ledger", key, due)
            elif found.state == "pending" and found.due != due.due:
                self.say("open on another day", found, due)
            elif found.state == "pending" and successor and found.round == 1:
                self.say("its successor has fallen due", found, successor)
            elif found.state not in ("pending", "lapsed"):
                self.say("not open", found, due)
        for key, each in there.items():
            if (
                each.state == "pending"
                and due_of(self.last.job_of(*key[::2]), key[1], self.today) is None
            ):
                self.say("open and not owed", each)
        self.counts["open"] = sum(each.state == "pending" for each in there.values())

    def successor(
        self, key: tuple[str, str, str], owed: Mapping[tuple[str, str, str], Due]
    ) -> Due | None:
        duty, period, unit = key
        mine = owed[key]
        later = (
            due
            for (other, name, who), due in owed.items()
            if (other, who) == (duty, unit) and name > period and mine.due < due.due <= self.today
        )
        return next(later, None)

    def latest_step_is_told(self) -> None:
        """The latest step that an open assignment has reached, or a later one, has been told."""
        for each in self.assignments.values():
            job = self.last.job_of(each.duty, each.unit)
            if each.state != "pending" or job is None:
                continue
            names = self._steps(job, each.period, self.today)
            told = [
                one for one in self.told[each.id]
                if one.is_step and one.round == each.round and one.addressee == "owner"
            ]  # fmt: skip
            if names and not any(rank(one.step) >= rank(names[-1]) for one in told):
                mine = [one for one in self.reminders if one.assignment == each.id]
                self.say("a step is lost", each, names[-1], mine)
        for one in self.reminders:
            lost = one.state in ("queued", "failed") and not self.twins(one.assignment)
            if lost and self.is_known(one.unit, one.queued_at):
                self.say(one.state, self.named(one.assignment), one)

    def changes_were_told(self) -> None:
        """Who had been told of something hears that it is withdrawn, or due on another day."""
        notices: dict[int, list[Reminder]] = defaultdict(list)
        for one in self.reminders:
            if not one.is_step:
                notices[one.assignment].append(one)
        for each in self.assignments.values():
            words = [one for one in notices[each.id] if one.round == each.round]
            if each.state == "withdrawn" and each.closed_at and self.told[each.id]:
                said = any(one.step.startswith("withdrawn") and one.told_at for one in words)
                known = self.is_known(each.unit, each.closed_at)
                if not said and known and not self.twins(each.id):
                    self.say("not told that it is withdrawn", each, words)
            elif each.state == "pending":
                told = [one.told_at for one in self.told[each.id] if one.round == each.round]
                if told and self.due_at(each, max(filter(None, told))) != each.due:
                    self.say("not told that it is moved", each, notices[each.id])

    def due_at(self, assigned: Assignment, at: datetime) -> date:
        """Its due date at an instant, by the audit of its moves since."""
        moves = self.moves[assigned.duty, assigned.period, assigned.unit[0]]
        return next((before for moved_at, before in moves if moved_at > at), assigned.due)


def due_of(job: Job | None, period: str, today: date) -> Due | None:
    return _dues(job, today).get(period) if job else None


@cache
def _dues(job: Job, today: date) -> Mapping[str, Due]:
    return {due.period: due for due in job.dues(today)}
