"""Trying a cadence phrase on a calendar, before anybody edits the file."""

from __future__ import annotations

from datetime import date

from dispatcher.errors import PhraseError, Place
from dispatcher.plan.model import Duty, Plan
from dispatcher.plan.occurrences import Occurrence, occurrences
from dispatcher.plan.shape import Report, Word
from dispatcher.plan.when import CadenceReader


def trial(plan: Plan, phrase: str, year: int) -> tuple[Duty, list[Occurrence]]:
    """A duty of this phrase under the plan's own rules, and what it gives in ``year``.

    Raises PhraseError when the phrase is not understood.
    """
    report = Report()
    word = Word.written(phrase, Place(1, 1))
    cadence, progress = CadenceReader(plan, report).read(word)
    if report.problems:
        raise PhraseError(report.problems[0].text)
    duty = Duty(
        id="trial",
        title=phrase,
        task="",
        rows=(),
        clause="",
        phrase=phrase,
        cadence=cadence,
        progress=progress,
        lead=(),
        units=(),
        expect="all",
        roll=plan.defaults.roll,
        before=None,
        overdue=plan.defaults.overdue,
        open=plan.defaults.open,
        min_workdays=plan.defaults.min_workdays,
        first=date(year, 1, 1),
        last=date(year, 12, 31),
        skip={},
        move={},
        measures=(),
        note="",
        place=word.place,
    )
    return duty, occurrences(plan, duty, date(year - 1, 12, 1), date(year + 1, 1, 31))
