"""Reading ``when``: a phrase or a mapping becomes a Cadence, settled by the rest of the file."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from dispatcher.errors import PhraseError, Place
from dispatcher.i18n import Text, _
from dispatcher.plan.cadence import Cadence, Due, Every, RangeEnd, Rule, YearRound
from dispatcher.plan.days import due_in
from dispatcher.plan.model import Plan
from dispatcher.plan.periods import MONTHS, NAMED_SPLITS, month_end
from dispatcher.plan.phrases import MOST_TIMES, UNITS, normalised, parse
from dispatcher.plan.scalars import FIRST_YEAR
from dispatcher.plan.shape import Entry, Report, Word, nearest
from dispatcher.plan.spread import WEEK

NO_DAY = re.compile(
    r"DTSTART|FREQ=(HOURLY|MINUTELY|SECONDLY)|BY(HOUR|MINUTE|SECOND)|INTERVAL=0+(;|$)|\n"
)
COUNT = re.compile(r"COUNT=(\d{1,6})(?:;|$)")
ENDS = re.compile(r"COUNT|UNTIL|\s")
"""What would be read otherwise than it is meant, once an end in the usual form is taken out."""
FREQ = re.compile(r"FREQ=(\w+)")
MISPLACED = {"DAILY": r"BY(YEARDAY|WEEKNO|SETPOS)", "WEEKLY": r"BY(YEARDAY|WEEKNO)"}
"""What RFC 5545 (section 3.3.10) knows only of longer periods, or has no meaning in a day."""
BYSETPOS = re.compile(r"BYSETPOS=([-+\d,]+)")
BYMONTH = re.compile(r"BYMONTH=([\d,]+)")
BYMONTHDAY = re.compile(r"BYMONTHDAY=([-+\d,]+)")
LEAP_YEAR = 2024
UNTIL = re.compile(r"UNTIL=(\d{8})(?:T\d{6}Z?)?(?:;|$)")


class CadenceReader:
    """Reads ``when`` and settles what it leaves to the rest of the file."""

    def __init__(self, plan: Plan, report: Report) -> None:
        self.plan = plan
        self.report = report

    def read(self, when: Word | Entry) -> tuple[Cadence, bool]:
        """The cadence, and whether it is a year-round one (then that of the check-ins)."""
        place = when.place if isinstance(when, Word) else when.node.place
        found = self._parsed(when) if isinstance(when, Word) else self._mapped(when)
        if found is None or isinstance(found, YearRound):
            return self._settled(self.plan.defaults.year_round, place), found is not None
        return self._settled(found, place), False

    def _parsed(self, phrase: Word) -> Cadence | None:
        try:
            return parse(str(phrase))
        except PhraseError as error:
            self.report(phrase.place, error.text)
            return None

    def _mapped(self, when: Entry) -> Cadence | None:
        if "rrule" in when:
            return self._rule(when) if self._alone(when, "rrule", ("rrule",)) else None
        every = when.get("every", "")
        unit = UNITS.get(every.removeprefix("每"), every if every in UNITS.values() else None)
        if unit is None:
            text = _(
                "'every' should be one of: {units}",
                units=[*MONTHS, "week", "fortnight", "half-month"],
            )
            self.report(when.place("every"), text)
            return None
        if "anchor" in when and unit != "fortnight":
            self.report(when.place("anchor"), _("only a fortnight has an anchor"))
        if when.get("times", 1) > MOST_TIMES[unit]:
            text = _("more than {most} times in a period", most=MOST_TIMES[unit])
            self.report(when.place("times"), text)
        return Every(
            unit,
            when.get("times", 1),
            self._due(when, unit),
            excepted=tuple(when.get("except", ())),
            anchor=when.get("anchor"),
        )

    def _alone(self, when: Entry, key: str, allowed: tuple[str, ...]) -> bool:
        others = [other for other in when if other not in allowed]
        if others:
            text = _("{others} cannot stand beside '{key}'", others=others, key=key)
            self.report(when.place(others[0]), text)
        return not others

    def _due(self, when: Entry, unit: str) -> Due | None:
        if "due" not in when or not self._alone(when, "due", ("every", "due", "except")):
            return None
        words = when["due"]
        due = due_in(unit, f"{words}日前" if words.isdigit() else normalised(words))
        if due is None:
            text = _("'{value}' is not a day of a period; write it like 25日前", value=words)
            self.report(when.place("due"), text)
        return due

    def _rule(self, when: Entry) -> Cadence | None:
        from dateutil.rrule import rrulestr

        text = re.sub(r"\s", "", when["rrule"]).upper().removeprefix("RRULE:")
        times, until = COUNT.search(text), UNTIL.search(text)
        fault = _fault_of_rule(text)
        if fault:
            self.report(when.place("rrule"), fault)
            return None
        text = UNTIL.sub("", COUNT.sub("", text)).strip(";")
        try:
            rrulestr(f"{text};COUNT=1", dtstart=datetime.combine(date(FIRST_YEAR, 1, 1), time.min))
            last = date.fromisoformat(until[1]) if until else None
        except (ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
            self.report(when.place("rrule"), _("not an RFC 5545 rule: {detail}", detail=error))
            return None
        return Rule(text, int(times[1]) if times else None, last)

    def _settled(self, cadence: Cadence, place: Place) -> Cadence:
        """With the plan's own due day and with names of ranges as the plan has them."""
        if isinstance(cadence, RangeEnd):
            return RangeEnd(self._range(cadence.name, place) or "")
        if not isinstance(cadence, Every):
            return cadence
        if cadence.unit == "fortnight" and not cadence.anchor:
            text = _("a fortnight needs the week it is counted from: 每两周(2026-01-05起)")
            self.report(place, text)
            cadence = cadence._replace(anchor=date(2026, 1, 5))
        if not cadence.due and self._has_whole_months(cadence):
            cadence = cadence._replace(due=self.plan.defaults.due)
        names = (self._range(name, place) for name in cadence.excepted)
        return cadence._replace(excepted=tuple(name for name in names if name))

    def _has_whole_months(self, every: Every) -> bool:
        """Whether the plan's own due day, a day of a month, lies in each of its stretches."""
        unit = NAMED_SPLITS.get((every.unit, every.times), every.unit)
        return unit in MONTHS and (every.times == 1 or unit != every.unit)

    def _range(self, name: str, place: Place) -> str | None:
        """A range's own name; documents say 寒暑假期 of what the file calls 寒暑假."""
        known = {_folded(own): own for own in self.plan.ranges}
        folded = _folded(name)
        for called in (folded, folded.removesuffix("期间"), folded.removesuffix("期")):
            if called in known:
                return known[called]
        near = nearest(name, list(self.plan.ranges))
        self.report(place, _("unknown range '{name}'; known: {near}", name=name, near=near))
        return None


def _fault_of_rule(rule: str) -> Text | None:
    """Why a rule is not taken, which dateutil would take, or take for another."""
    names = [part.partition("=")[0] for part in rule.split(";") if part]
    twice = [name for name in names if names.count(name) > 1]
    freq = FREQ.search(rule)
    if twice:
        return _("'{name}' is given twice: keep one", name=twice[0])
    if NO_DAY.search(rule):
        return _("a rule names days, by FREQ=DAILY or longer, and starts at 'from'")
    if freq and re.search(MISPLACED.get(freq[1], "$^"), rule):
        return _("BYYEARDAY and BYWEEKNO belong to years, BYSETPOS to weeks or longer")
    if _never(rule):
        return _("by its own months and days, it never falls due")
    if ENDS.search(UNTIL.sub("", COUNT.sub("", rule))):
        return _("a rule ends by COUNT=12, or by UNTIL=20261231")
    return None


def _never(rule: str) -> bool:
    """Whether no month of a rule has the days that it names, or no week so many: dateutil would
    look for one until the year 9999."""
    places = _numbers(BYSETPOS, rule)
    if places and "FREQ=WEEKLY" in rule and not any(1 <= abs(place) <= WEEK for place in places):
        return True
    months = _numbers(BYMONTH, rule) or [*range(1, MONTHS["year"] + 1)]
    days = _numbers(BYMONTHDAY, rule) or [1]
    longest = [month_end(LEAP_YEAR, month).day for month in months if 1 <= month <= MONTHS["year"]]
    return not any(1 <= abs(day) <= last for last in longest for day in days)


def _numbers(pattern: re.Pattern[str], rule: str) -> list[int]:
    found = pattern.search(rule)
    return [int(number) for number in found[1].split(",") if number.strip("+-")] if found else []


def _folded(name: str) -> str:
    return normalised(name).lower()
