"""Measures (指标): who reports which figure, how it is read, and whether it reaches its target."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, _
from dispatcher.plan.model import Duty, Measure, Target

NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9]{1,12})(?:\.[0-9]{1,4})?"
_FIGURE = re.compile(rf"(?P<number>{NUMBER})\s*(?P<unit>[^0-9.,\s].*)?")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
PERCENT = "%"
WHOLE = Decimal(100)
COMPARED = {">=": _("at least"), "<=": _("at most"), "=": _("exactly"), ">": _("more than")}
WITH_LAST_YEAR = {">=": _("no less than last year"), ">": _("more than last year")}


class Verdict(NamedTuple):
    """Whether a figure reaches its target, and the sentence that says so.

    ``met`` is None when there is no target, when its date is still to come, or its base missing.
    """

    met: bool | None
    says: Text


def measures_of(duty: Duty, unit: str) -> tuple[Measure, ...]:
    """What ``unit`` fills in when it answers."""
    if unit not in duty.owing:
        return ()
    return tuple(measure for measure in duty.measures if not measure.by or unit in measure.by)


def read_figure(measure: Measure, text: str) -> Decimal:
    """The figure that ``text`` gives, with its unit or without, full-width or not.

    Raises DispatcherError for another unit, a percentage over 100, and for anything but a number
    from 0 of at most 12 digits and 4 decimals.

    >>> rate = Measure("参保率", "%", (), (), None)
    >>> read_figure(rate, "９８．７％"), read_figure(rate._replace(unit="户"), "1,200")
    (Decimal('98.7'), Decimal('1200'))
    """
    match = _FIGURE.fullmatch(half_width(text))
    if not match or (match["unit"] or measure.unit) != measure.unit:
        example = shown(measure, Decimal(12))
        raise DispatcherError(
            _("'{value}' is not a figure of {measure}; write it like {example}", value=text[:40],
              measure=measure.name, example=example)
        )  # fmt: skip
    value = number(match["number"])
    if measure.unit == PERCENT and value > WHOLE:
        raise DispatcherError(
            _("'{value}' is more than all: {measure} is at most 100%", value=text[:40],
              measure=measure.name)
        )  # fmt: skip
    return value


def half_width(text: str) -> str:
    """``text`` with ASCII letters for full-width ones, without outer blanks."""
    return text.translate(_HALF_WIDTH).strip()


def number(digits: str) -> Decimal:
    """What NUMBER has matched, as a number."""
    return Decimal(digits.replace(",", ""))


def shown(measure: Measure, value: Decimal) -> str:
    """A figure with its unit, as people write it.

    >>> shown(Measure("项目资金", "万元", (), (), None), Decimal("120.50"))
    '120.5万元'
    """
    digits = f"{value:f}"
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + measure.unit


def wanted(measure: Measure, due: date) -> Target | None:
    """The target of an occurrence nominally due on ``due``: the first whose date in the year is
    not past, else the last.

    >>> targets = (Target(">=", Decimal(75), (9, 30)), Target(">=", Decimal(100), (12, 31)))
    >>> wanted(Measure("拨付率", "%", targets, (), None), date(2026, 10, 1))
    Target(compare='>=', number=Decimal('100'), until=(12, 31))
    """
    day = due.month, due.day
    ahead = (target for target in measure.targets if target.until is None or target.until >= day)
    return next(ahead, measure.targets[-1] if measure.targets else None)


def target_words(measure: Measure, due: date) -> Text:
    """``at least 75%``, with its date when that is another than ``due``; an empty Text when the
    figure is only recorded."""
    target = wanted(measure, due)
    # The catalog's entry for an empty sentence is its own header.
    return _words(measure, target, due) if target else _("{target}", target="")


def _words(measure: Measure, target: Target, due: date) -> Text:
    limit = _limit(measure, target)
    if limit is None:
        says = WITH_LAST_YEAR[target.compare]
    else:
        figure = shown(measure, limit)
        says = _("{compare} {figure}", compare=COMPARED[target.compare], figure=figure)
        if target.number is None:
            says = _("{target}, last year's figure", target=says)
    if target.until in (None, (due.month, due.day)):
        return says
    month, day = target.until
    return _("{target} by {day}", target=says, day=_("{month}/{day}", month=month, day=day))


def verdict(measure: Measure, value: Decimal, due: date) -> Verdict:
    """Whether ``value`` reaches what is wanted of an occurrence nominally due on ``due``.

    A target is missed only from its date on, but then until the end of the year.

    >>> rate = Measure("参保率", "%", (Target(">=", Decimal(99)),), (), None)
    >>> met, says = verdict(rate, Decimal("98.7"), date(2026, 3, 31))
    >>> met, str(says)
    (False, '参保率 98.7%, at least 99% wanted')
    """
    figure = shown(measure, value)
    target = _missed(measure, value, due) or wanted(measure, due)
    if target is None:
        return Verdict(None, _("{measure} {figure}", measure=measure.name, figure=figure))
    said = {"measure": measure.name, "figure": figure, "target": _words(measure, target, due)}
    reached = _reaches(measure, target, value)
    if reached is None:
        says = _("{measure} {figure}, {target} wanted, but last year's figure is missing", **said)
        return Verdict(None, says)
    if reached:
        return Verdict(True, _("{measure} {figure}, {target} wanted and reached", **said))
    if _has_come(target, due):
        return Verdict(False, _("{measure} {figure}, {target} wanted", **said))
    return Verdict(None, _("{measure} {figure}, {target} still to come", **said))


def _missed(measure: Measure, value: Decimal, due: date) -> Target | None:
    """The target whose date came last by ``due``, when ``value`` does not reach it."""
    come = [target for target in measure.targets if _has_come(target, due)]
    return come[-1] if come and _reaches(measure, come[-1], value) is False else None


def _has_come(target: Target, due: date) -> bool:
    return target.until is None or target.until <= (due.month, due.day)


def _limit(measure: Measure, target: Target) -> Decimal | None:
    return measure.base if target.number is None else target.number


def _reaches(measure: Measure, target: Target, value: Decimal) -> bool | None:
    limit = _limit(measure, target)
    if limit is None:
        return None
    if target.compare == "<=":
        return value <= limit
    if target.compare == "=":
        return value == limit
    return value > limit or (target.compare == ">=" and value == limit)
