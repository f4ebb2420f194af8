"""The year of an office, a second time and naively: who is told what, and what becomes of it.

Written from ``docs/design.md``, day by day, without any of the program's code: the corpus says
what is due and who owes it, the shipped calendar only what a duty is called and where a unit gets
its mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from tests import office_words
from tests.mail import Told
from tests.naive import DAY, SUPERIOR, is_workday
from tests.office_part import CHASED, CLOSED, OPEN, Notice, Part
from tests.office_script import Act, figure_of
from tests.office_words import Item, period_words

TABLE = {
    "ack": dict.fromkeys(CHASED, "acknowledged"),
    "report": dict.fromkeys((*OPEN, "lapsed"), "reported"),
    "done": dict.fromkeys((*OPEN, "lapsed"), "done"),
    "return": {"reported": "returned"},
    "ask": {state: state for state in CHASED},
    "grant": {state: state for state in CHASED},
    "refuse": {state: state for state in CHASED},
    "waive": dict.fromkeys((*OPEN, "lapsed"), "waived"),
    "withdraw": dict.fromkeys(OPEN, "withdrawn"),
    "reopen": dict.fromkeys(CLOSED, "pending"),
}
ENDS = {"done": "done", "waive": "waived", "withdraw": "withdrawn"}
MUST_SAY_WHY = ("return", "ask", "refuse", "waive", "withdraw", "reopen")


class Brief(NamedTuple):
    """The figures of the office's daily brief."""

    overdue: int
    today: int
    week: int
    to_look_at: int
    to_extend: int
    short: int
    lapsed: int
    messages: int


class Office:
    """All parts, in the hands of one who goes through them every day. ``titles`` are the duties',
    ``boxes`` says at how many addresses a unit gets its mail."""

    def __init__(
        self, parts: Iterable[Part], titles: Mapping[str, str], boxes: Mapping[str, int]
    ) -> None:
        self.parts = {part.key: part for part in parts}
        self.titles, self.boxes = titles, boxes
        self.of_duty: dict[tuple[str, str], list[Part]] = defaultdict(list)
        self.beside: dict[tuple[str, str], list[Part]] = defaultdict(list)
        for part in self.parts.values():
            self.of_duty[part.line.duty, part.unit].append(part)
            self.beside[part.line.duty, part.line.period].append(part)
        self.had_mail: set[str] = set()
        self.lapsed_since = self.messages_since = 0
        self.put_back_late = False

    # ------------------------------------------------------------------------------- the morning

    def begins(self, day: date) -> None:
        """What opens, and what its successor has made a thing of the past."""
        self.had_mail = set()
        for part in self.parts.values():
            if not part.state and part.line.opens <= day and self._is_needed(part):
                part.state = "pending"
        self._let_lapse(day)

    def _let_lapse(self, day: date) -> None:
        for part in [part for part in self.parts.values() if self._lapses(part, day)]:
            self._close(part, "lapsed")
            self.lapsed_since += 1

    def _is_needed(self, part: Part) -> bool:
        """A copy of what everybody has answered already is no use to anybody."""
        beside = self.beside[part.line.duty, part.line.period]
        return part.owes or any(one.owes and one.state not in CLOSED for one in beside)

    def _lapses(self, part: Part, day: date) -> bool:
        if not (part.owes and part.state in CHASED and part.due < day):
            return False
        return any(
            later.line.nominal > part.line.nominal
            and later.state not in ("", "withdrawn")
            and part.due < later.due <= day
            and (part.round == 1 or part.begun < later.due)
            for later in self.of_duty[part.line.duty, part.unit]
        )

    def _close(self, part: Part, state: str, notice: Notice | None = None) -> None:
        """And the copies with the last one that is owed. Who has heard of it hears of its end."""
        beside = self.beside[part.line.duty, part.line.period]
        part.state = state
        owed = any(one.owes and one.state in OPEN for one in beside)
        copies = [one for one in beside if not one.owes and one.state in OPEN and not owed]
        for one in (part, *copies):
            one.state, one.asked = state, None
            one.notices = [notice] if notice and one.heard else []

    # ----------------------------------------------------------------------------------- answers

    def hears(self, act: Act) -> str:
        """``recorded``, ``already`` or ``refused``."""
        part = self.parts[act.key]
        if not part.owes or not self._makes_sense(part, act):
            return "refused"
        if self._is_known(part, act):
            return "already"
        state = part.state or "pending"
        if state not in TABLE[act.kind] or not _fits(part, act):
            return "refused"
        due = act.to or (part.asked if act.kind == "grant" else None)
        part.state = TABLE[act.kind][state]
        part.last = (act.kind, act.note, act.figures, due, part.state)
        self._follow(part, act, due)
        return "recorded"

    def _makes_sense(self, part: Part, act: Act) -> bool:
        measure = figure_of(part.line.duty, part.line.period, part.unit)
        known = f"{measure.good} {measure.short}".split() if measure else []
        if any(not measure or name != measure.name or figure not in known
               for name, figure in act.figures):  # fmt: skip
            return False
        if act.sheet and part.state not in OPEN:
            return False
        closes = act.kind == "done" and part.leads and part.state != "done" and not act.despite
        return not closes or not any(
            one.owes and not one.leads and one.state not in CLOSED
            for one in self.beside[part.line.duty, part.line.period]
        )

    def _is_known(self, part: Part, act: Act) -> bool:
        """Whether the same was said last, or its end is reached. A sheet says what it shows: it
        is known when it shows the words and the figure that are there."""
        if act.sheet:
            same_figure = not act.figures or act.figures[0][1] == part.figure
            return part.state == "reported" and act.note == part.words and same_figure
        if part.state and part.state == ENDS.get(act.kind):
            return True
        if act.kind == "ack" and part.state == "acknowledged" and not act.note:
            return True
        if not part.last:
            return False
        *said, due, became = part.last
        same = (said, became) == ([act.kind, act.note, act.figures], part.state)
        return same and act.to in (None, due)

    def _follow(self, part: Part, act: Act, due: date | None) -> None:
        """What an answer changes; an acknowledgement only the state."""
        if act.kind in ("ack", "report"):
            part.words = act.note or part.words
        if act.kind == "report":
            part.notices, part.asked = [], None
            part.figure = act.figures[0][1] if act.figures else part.figure
        elif act.kind == "ask":
            part.asked = due
        elif act.kind == "refuse":
            part.asked = None
            part.notices.append(Notice(act.kind, act.note))
        elif act.kind in ("grant", "return", "reopen"):
            notice = Notice(act.kind, act.note, part.due if due else None)
            part.begin_again(due or part.due, act.day)
            part.notices = [notice]
            if act.kind == "reopen":
                self._reopen_copies(part, act.day)
                self.put_back_late = self.put_back_late or part.due < act.day
        elif act.kind in ENDS:
            notice = Notice(act.kind, act.note)
            self._close(part, part.state, notice if act.kind != "done" else None)

    def _reopen_copies(self, part: Part, day: date) -> None:
        """While there is something to tell them: they hear nothing after the due date."""
        if part.due < day:
            return
        for one in self.beside[part.line.duty, part.line.period]:
            if not one.owes and one.state in CLOSED:
                one.begin_again(part.due, day)
                one.state = "pending"

    # ------------------------------------------------------------------------------------ telling

    def tells(self, day: date) -> dict[str, Told]:
        """The digest of each unit that is told something now; one a day is all that it gets."""
        if self.put_back_late:
            self._let_lapse(day)
            self.put_back_late = False
        found: dict[str, list[Item]] = defaultdict(list)
        if is_workday(day):
            for part in self.parts.values():
                if part.unit not in self.had_mail and part.tells(day):
                    found[part.unit].append(self._item(part, day))
            if SUPERIOR not in self.had_mail:
                above = [part for part in self.parts.values() if part.tells_above(day)]
                items = [self._item(part, day)._replace(above=True) for part in above]
                found |= {SUPERIOR: items} if items else {}
        told = {unit: office_words.digest(unit, items, day) for unit, items in found.items()}
        for item in (item for items in found.values() for item in items if not item.above):
            item.part.heard, item.part.notices = True, []
        self.had_mail |= told.keys()
        self.messages_since += sum(self.boxes[unit] for unit in told)
        return told

    def _item(self, part: Part, day: date) -> Item:
        title = f"{self.titles[part.line.duty]}({period_words(part.line.period)})"
        mine = self.of_duty[part.line.duty, part.unit]
        return Item(part, title, sum(one.owes and one.state == "lapsed" for one in mine), day)

    # --------------------------------------------------------------------------- what else is seen

    def brief(self, day: date) -> Brief:
        """What the office reads on the morning of a workday."""
        owed = [part for part in self.parts.values() if part.owes]
        chased = [part for part in owed if part.state in CHASED]
        found = Brief(
            overdue=sum(part.due < day for part in chased),
            today=sum(part.due == day for part in chased),
            week=sum(day < part.due <= day + 7 * DAY for part in chased),
            to_look_at=sum(part.state == "reported" for part in owed),
            to_extend=sum(part.asked is not None for part in chased),
            short=sum(part.misses and part.state in OPEN for part in owed),
            lapsed=self.lapsed_since,
            messages=self.messages_since,
        )
        self.lapsed_since = self.messages_since = 0
        self.put_back_late = False
        return found

    def standing(self) -> dict[str, tuple[str, date, int]]:
        """State, due date and round of everything that the ledger must hold."""
        return {
            key: (part.state, part.due, part.round)
            for key, part in self.parts.items()
            if part.state
        }


def _fits(part: Part, act: Act) -> bool:
    """Whether an answer has its reason and its date."""
    if act.kind in MUST_SAY_WHY and not act.note:
        return False
    if act.kind == "ask":
        return act.day <= part.due and act.to is not None and act.to > part.due
    if act.kind in ("grant", "refuse") and not part.asked:
        return False
    due = act.to or (part.asked if act.kind == "grant" else None)
    later = part.due + DAY if act.kind == "grant" else act.day
    return due is None or due >= max(act.day, later)
