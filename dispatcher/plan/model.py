"""The plan: everything that the calendar file says, immutable once read.

Records are named tuples: immutable, cheap to make by the thousand and quick to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from dispatcher.errors import Place

if TYPE_CHECKING:
    from decimal import Decimal

    from dispatcher.plan.cadence import Cadence, Due, Every
    from dispatcher.plan.workdays import Workdays

Roll = Literal["preceding", "following", "none", "skip"]
Expect = Literal["all", "lead"]
Notify = Literal["all", "first-that-works"]
Addressee = Literal["owner", "superior", "office"]
Comparison = Literal[">=", "<=", "=", ">"]


class Contact(NamedTuple):
    """A person of a unit, and how to reach them."""

    name: str
    role: str = ""
    email: str = ""
    mobile: str = ""
    account: str = ""


class Unit(NamedTuple):
    """An office that owes something, or is told of it; ``sheet``: its digest carries its 台账.

    ``channels`` in the order in which they are tried; ``notify`` says whether all of them bring
    what it is told, or the next only what the one before cannot.
    """

    name: str
    level: str = "district"
    superior: str = ""
    contacts: tuple[Contact, ...] = ()
    channels: tuple[str, ...] = ("email",)
    aliases: tuple[str, ...] = ()
    sheet: bool = False
    notify: Notify = "first-that-works"


class Group(NamedTuple):
    """A name for several units; ``confirm`` says why the office must still confirm the list."""

    name: str
    members: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    confirm: str = ""


class Span(NamedTuple):
    """One entry of a named range (``2023年寒假``): first and last day, both in it."""

    name: str
    first: date
    last: date
    source: str = ""
    provisional: bool = False


class Offset(NamedTuple):
    """A distance from the due date: calendar days, or workdays; ``every`` repeats it.

    Only a Rung's may be negative, before the due date.

    >>> str(Offset(3, workdays=True)), str(Offset(5, workdays=True, every=True)), str(Offset(7))
    ('3wd', 'every 5wd', '7d')
    """

    days: int
    workdays: bool = False
    every: bool = False

    def __str__(self) -> str:
        return f"{'every ' * self.every}{self.days}{'wd' if self.workdays else 'd'}"


class ChannelSetting(NamedTuple):
    """A channel other than mail, as the file configures it; secrets are ``${NAME}`` in it."""

    name: str
    kind: str
    values: Mapping[str, Any]


class Move(NamedTuple):
    """A period whose due date was moved by hand."""

    to: date
    reason: str


class Escalation(NamedTuple):
    """After how long an unanswered item is taken to whom."""

    after: Offset
    to: str = "superior"


class Rung(NamedTuple):
    """A colour slip (三色督办单), drafted for what is still unanswered ``after`` the due date.

    It asks for an answer within ``answer`` of its release. An ``unanswered`` one is drafted only
    when the slip of the rung below was not answered in time.
    """

    colour: str
    name: str
    after: Offset
    to: tuple[Addressee, ...]
    answer: Offset
    unanswered: bool
    demand: str


class Ladder(NamedTuple):
    """The colour slips, mildest first; ``number`` is a template of ``{year}`` and ``{number}``."""

    number: str
    rungs: tuple[Rung, ...]


class Defaults(NamedTuple):
    """What holds for every duty that does not say otherwise.

    ``due`` is a day of the last month of a period; ``year_round`` the check-in of 全年 duties.
    """

    roll: Roll
    due: Due | None
    year_round: Every
    at: time
    window: tuple[time, time]
    open: bool
    min_workdays: int
    before: Mapping[str, tuple[Offset, ...]]
    overdue: tuple[Offset, ...]
    escalate: Escalation


class Target(NamedTuple):
    """What a figure has to reach: ``number``, or the measure's base when it is None.

    ``until`` is the (month, day) by which it has to, None always.
    """

    compare: Comparison
    number: Decimal | None
    until: tuple[int, int] | None = None


class Measure(NamedTuple):
    """A figure that an answer reports (指标).

    ``unit`` may be empty, and so may ``targets`` (in the order of ``until``): then the figure is
    only recorded. ``by`` are the units that fill it in, none: every unit that owes an answer.
    ``base`` is last year's figure. A measure of one ``subject`` bears it in its name:
    公益性岗位数(潭东镇).
    """

    name: str
    unit: str
    targets: tuple[Target, ...]
    by: tuple[str, ...]
    base: Decimal | None
    subject: str = ""

    @property
    def stem(self) -> str:
        """Its name without the subject: 公益性岗位数."""
        return self.name.removesuffix(f"({self.subject})") if self.subject else self.name


class Duty(NamedTuple):
    """One thing owed again and again, or once.

    ``lead`` and ``units`` are names of units, groups expanded; ``units`` begins with the leads.
    ``progress`` marks a year-round duty, reported at each check-in by its lead only.
    """

    id: str
    title: str
    task: str
    rows: tuple[int, ...]
    clause: str
    phrase: str
    cadence: Cadence
    progress: bool
    lead: tuple[str, ...]
    units: tuple[str, ...]
    expect: Expect
    roll: Roll
    before: tuple[Offset, ...] | None
    overdue: tuple[Offset, ...]
    open: bool
    min_workdays: int
    first: date
    last: date
    skip: Mapping[str, str]
    move: Mapping[str, Move]
    measures: tuple[Measure, ...]
    note: str
    place: Place

    @property
    def told(self) -> tuple[str, ...]:
        """The units that are told of it."""
        return self.lead if self.progress else self.units

    @property
    def owing(self) -> tuple[str, ...]:
        """The units that owe an answer."""
        return self.lead if self.progress or self.expect == "lead" else self.units


class Plan(NamedTuple):
    """Everything that the calendar file says."""

    title: str
    zone: ZoneInfo
    office: str
    first: date
    last: date
    workdays: Workdays
    ranges: Mapping[str, tuple[Span, ...]]
    defaults: Defaults
    channels: Mapping[str, ChannelSetting]
    units: Mapping[str, Unit]
    groups: Mapping[str, Group]
    duties: Mapping[str, Duty]
    ladder: Ladder | None


class Revision(NamedTuple):
    """A calendar as it was read: the file's text, what it says, and ``hash``, which names it
    together with the data and the rules that it rests on."""

    hash: str
    text: str
    plan: Plan
