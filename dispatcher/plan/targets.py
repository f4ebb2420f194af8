"""Reading the ``measures`` of a duty: what is reported, by whom, and what it has to reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from dispatcher.errors import DispatcherError
from dispatcher.i18n import _
from dispatcher.plan.document import TARGETS
from dispatcher.plan.measures import NUMBER, PERCENT, WHOLE, half_width, number, read_figure
from dispatcher.plan.model import Comparison, Measure, Target
from dispatcher.plan.names import Names, folded, split_names
from dispatcher.plan.scalars import read_month_day
from dispatcher.plan.shape import Entry, Report, Word, nearest

COMPARISONS: Mapping[str, Comparison] = {
    **dict.fromkeys(("不低于", "不少于", "至少", "达到", "≥", ">=", "以上", "及以上"), ">="),
    **dict.fromkeys(("不超过", "不高于", "≤", "<=", "以内", "之内", "内"), "<="),
}
WITH_LAST_YEAR: Mapping[str, Comparison] = {"只增不减": ">=", "有增加": ">", "有新的增加": ">"}
_RELATIVE = re.compile(f"(?:较(?:上年度?|[0-9]{{4}}年))?“?({'|'.join(WITH_LAST_YEAR)})”?")
_UNIT = "%|(?:(?!左右|以下|之间|之内|内|及|封顶|多)[^\\W\\d_]){0,4}?"
"""No word that says how much: what is not understood is refused."""
_EDGES = "及以上|以上|以内|之内|内"
_HOW = "|".join(re.escape(word) for word in COMPARISONS if word not in _EDGES)
_TARGET = re.compile(rf"({_HOW})?\s*({NUMBER})\s*({_UNIT})\s*({_EDGES})?")


class MeasureReader:
    """Makes the Measures of a duty, and checks each against the units of the file."""

    def __init__(self, names: Names, report: Report) -> None:
        self.names = names
        self.report = report

    def read(self, entries: Iterable[Entry], owing: tuple[str, ...]) -> tuple[Measure, ...]:
        """The measures of a duty whose answers ``owing`` owe, one for each subject."""
        found: dict[str, Measure] = {}
        for entry in entries:
            if "name" not in entry:
                continue
            for measure in self._each(entry, owing):
                if folded(measure.name) in found:
                    text = _("measure '{name}' stands in this duty twice", name=measure.name)
                    self.report(entry.place("name"), text)
                found[folded(measure.name)] = measure
        return tuple(found.values())

    def _each(self, entry: Entry, owing: tuple[str, ...]) -> Iterator[Measure]:
        targets, unit = self._targets(entry)
        by = tuple(dict.fromkeys(self._by(entry, owing)))
        plain = Measure(half_width(entry["name"]), unit, targets, by, None)
        subjects = self._subjects(entry)
        bases = self._bases(entry, plain, subjects)
        for subject in subjects or ("",):
            name = f"{plain.name}({subject})" if subject else plain.name
            yield plain._replace(name=name, base=bases.get(subject), subject=subject)

    # --------------------------------------------------------------------------------- targets

    def _targets(self, entry: Entry) -> tuple[tuple[Target, ...], str]:
        """The targets by date, and the unit that they or the entry name."""
        unit = half_width(entry.get("unit", ""))
        given = entry.get("target", {})
        dated = given if isinstance(given, dict) else {None: given}
        found = []
        for day, phrase in dated.items():
            target, named = self._target(phrase)
            if named and unit not in ("", named):
                text = _("'{value}' is not in the unit {unit}", value=phrase, unit=unit)
                self.report(phrase.place, text)
            unit = unit or named
            if target:
                self._check_percent(target, unit, phrase)
                found.append(target._replace(until=read_month_day(day) if day else None))
        return tuple(sorted(found, key=lambda target: target.until or ())), unit

    def _target(self, phrase: Word) -> tuple[Target | None, str]:
        text = half_width(phrase)
        if match := _RELATIVE.fullmatch(text):
            return Target(WITH_LAST_YEAR[match[1]], None), ""
        if match := _TARGET.fullmatch(text):
            how, digits, unit, edge = match.groups()
            compared = {COMPARISONS[word] for word in (how, edge) if word} or {"="}
            if len(compared) == 1:
                return Target(compared.pop(), number(digits)), unit
        wrong = _("'{value}' is not a target; write it like {forms}", value=phrase, forms=TARGETS)
        self.report(phrase.place, wrong)
        return None, ""

    def _check_percent(self, target: Target, unit: str, phrase: Word) -> None:
        if unit == PERCENT and target.number is not None and target.number > WHOLE:
            self.report(phrase.place, _("'{value}' is more than 100%", value=phrase))

    # ------------------------------------------------------------------------- units, subjects

    def _by(self, entry: Entry, owing: tuple[str, ...]) -> Iterator[str]:
        for name in split_names(entry["by"]) if "by" in entry else ():
            for unit in self.names.each([name]):
                if unit in owing:
                    yield unit
                    continue
                text = _("'{unit}' owes no answer here; those who do: {owing}",
                         unit=unit, owing=owing)  # fmt: skip
                self.report(name.place, text)

    def _subjects(self, entry: Entry) -> tuple[str, ...]:
        """Units by their own names, groups as their members, anything else as it is written.

        A word that stands alone without brackets is a group's or a unit's, lest a slip of the pen
        become a subject.
        """
        given = entry.get("each", [])
        words = split_names(given)
        alone = isinstance(given, Word) and len(words) == 1
        found: list[str] = []
        for word in words:
            known = alone or self.names.find(word)
            found += self.names.each([word]) if known else [half_width(word)]
        return tuple(found)

    # ----------------------------------------------------------------------------- last year's

    def _bases(self, entry: Entry, plain: Measure, subjects: tuple[str, ...]) -> dict[str, Decimal]:
        """Last year's figures by subject; that of a measure without subjects by an empty one."""
        given = entry.get("base", {})
        place = entry.place("base")
        if "base" in entry and all(target.number is not None for target in plain.targets):
            self.report(place, _("only 只增不减 and 有增加 are compared with a base"))
            return {}
        if isinstance(given, dict) != bool(subjects) and "base" in entry:
            text = _("with 'each', 'base' is a figure for each subject; without, one figure")
            self.report(place, text)
            return {}
        if isinstance(given, Word):
            given = {Word.written("", given.place): given}
        return dict(self._figures(given, plain, subjects or ("",)))

    def _figures(
        self, given: dict[Word, Word], plain: Measure, subjects: tuple[str, ...]
    ) -> Iterator[tuple[str, Decimal]]:
        for name, figure in given.items():
            subject = self.names.find(name) or half_width(name)
            if subject not in subjects:
                near = nearest(subject, subjects)
                text = _("'{name}' is not among 'each'; nearest: {near}", name=name, near=near)
                self.report(name.place, text)
            try:
                yield subject, read_figure(plain, figure)
            except DispatcherError as error:
                self.report(figure.place, error.text)
