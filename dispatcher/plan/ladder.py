"""The ladder of colour slips (三色督办单): how the file says it, and when a rung is reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from dispatcher.i18n import _
from dispatcher.plan.duties import OFFSET, nearness
from dispatcher.plan.model import Ladder, Offset, Plan, Rung
from dispatcher.plan.shape import Entry, Report, Word
from dispatcher.plan.steps import shifted

BRACES = re.compile(r"\{[^{}]*\}|[{}]")
PLACEHOLDERS = ["{number}", "{year}"]


def rung_on(plan: Plan, due: date, rung: Rung) -> date:
    """The workday on which what is due on ``due``, still unanswered, reaches ``rung``."""
    return shifted(plan.workdays, due, rung.after)


def answer_on(plan: Plan, released_on: date, rung: Rung) -> date:
    """The workday by which a slip of ``rung`` released on ``released_on`` is to be answered."""
    return shifted(plan.workdays, released_on, rung.answer)


def slip_number(ladder: Ladder, year: int, number: int) -> str:
    """The number of a released slip.

    >>> slip_number(Ladder("蓉农督〔{year}〕{number}号", ()), 2026, 12)
    '蓉农督〔2026〕12号'
    """
    return ladder.number.format(year=year, number=number)


def read_ladder(entry: Entry, report: Report) -> Ladder:
    """The ladder of the file; whatever is wrong with it is reported."""
    rungs: list[Rung] = []
    for number, given in enumerate(entry.get("rungs", ())):
        if number == 0 and given.get("unanswered"):
            report(given.place("unanswered"), _("the first rung has no slip below it"))
        for rung in _rung(given, report):
            _check(rung, rungs, given, report)
            rungs.append(rung)
    return Ladder(_template(entry, report), tuple(rungs))


def _template(entry: Entry, report: Report) -> str:
    template = entry.get("number", "")
    if "number" in entry and sorted(BRACES.findall(template)) != PLACEHOLDERS:
        text = _("'{value}' should hold {placeholders} once, and no other brace",
                 value=template, placeholders=PLACEHOLDERS)  # fmt: skip
        report(template.place, text)
    return str(template)


def _rung(entry: Entry, report: Report) -> Iterator[Rung]:
    """The rung, if the entry has all that one needs."""
    if not {"colour", "name", "after", "to", "answer", "demand"} <= entry.keys():
        return
    after = _distance(entry["after"], report, signed=True)
    answer = _distance(entry["answer"], report)
    if after and answer:
        yield Rung(
            colour=entry["colour"],
            name=str(entry["name"]),
            after=after,
            to=tuple(dict.fromkeys(entry["to"])),
            answer=answer,
            unanswered=entry.get("unanswered", False),
            demand=str(entry["demand"]),
        )


def _distance(word: Word, report: Report, *, signed: bool = False) -> Offset | None:
    """``3wd``; when ``signed`` also ``0d``, the day itself, and ``-3d``, three days before."""
    text = word.strip()
    before = signed and text.startswith("-")
    match = OFFSET.fullmatch(text[before:])
    if match and not match["every"] and (signed or int(match["days"])):
        days = int(match["days"])
        return Offset(-days if before else days, match["unit"] in ("wd", "工作日"))
    forms = ["3wd", "7d", "0d", "-3d"] if signed else ["3wd", "7d"]
    report(word.place, _("'{value}' is not a distance; write it like {forms}",
                         value=word, forms=forms))  # fmt: skip
    return None


def _check(rung: Rung, below: list[Rung], entry: Entry, report: Report) -> None:
    """A rung against those below it."""
    if below and nearness(rung.after) <= nearness(below[-1].after):
        text = _("'{name}' does not come after '{other}'", name=rung.name, other=below[-1].name)
        report(entry.place("after"), text)
    for other in below:
        if rung.colour == other.colour:
            text = _("colour '{colour}' stands in the ladder twice", colour=rung.colour)
            report(entry.place("colour"), text)
        if rung.name == other.name:
            text = _("name '{name}' stands in the ladder twice", name=rung.name)
            report(entry.place("name"), text)
