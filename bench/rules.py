"""Ten thousand duties for the benchmarks, each with a rule of its own, in three notations."""

from __future__ import annotations

from itertools import cycle
from typing import NamedTuple

from bench.measure import ROOT

COUNT = 10_000
FIRST_DAY = "2023-01-01"
HEAD_END = "\nduties:\n"
DUTY_START = "  - id: "
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NUMERALS = "一二三四五六日"
DAYS = 28
"""Later days are left out: where a month is shorter, a rule and a phrase mean different things."""


class Rule(NamedTuple):
    """One rule as a phrase of the calendar, as an RFC 5545 rule and as fields of CronTrigger."""

    phrase: str
    rrule: str
    cron: dict[str, str]


def rules(count: int = COUNT) -> list[Rule]:
    """``count`` rules, the six kinds in turn, each kind going through all its days."""
    kinds = (_monthly, _quarterly, _half_yearly, _yearly, _weekly, _month_end)
    return [kinds[number % len(kinds)](number // len(kinds)) for number in range(count)]


def _monthly(number: int) -> Rule:
    day = number % DAYS + 1
    return Rule(f"每月{day}日前", f"FREQ=MONTHLY;BYMONTHDAY={day}", {"day": str(day)})


def _quarterly(number: int) -> Rule:
    return _in_months(f"每季度末月{number % DAYS + 1}日前", "3,6,9,12", number % DAYS + 1)


def _half_yearly(number: int) -> Rule:
    return _in_months(f"每半年末月{number % DAYS + 1}日前", "6,12", number % DAYS + 1)


def _in_months(phrase: str, months: str, day: int) -> Rule:
    rrule = f"FREQ=MONTHLY;BYMONTH={months};BYMONTHDAY={day}"
    return Rule(phrase, rrule, {"month": months, "day": str(day)})


def _yearly(number: int) -> Rule:
    month, day = number // DAYS % 12 + 1, number % DAYS + 1
    rrule = f"FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={day}"
    return Rule(f"每年{month}月{day}日前", rrule, {"month": str(month), "day": str(day)})


def _weekly(number: int) -> Rule:
    name = WEEKDAYS[number % 7]
    phrase = f"每周(周{NUMERALS[number % 7]})"
    return Rule(phrase, f"FREQ=WEEKLY;BYDAY={name}", {"day_of_week": str(number % 7)})


def _month_end(_number: int) -> Rule:
    return Rule("每月底", "FREQ=MONTHLY;BYMONTHDAY=-1", {"day": "last"})


def calendar_text(count: int = COUNT) -> str:
    """A calendar file of ``count`` duties: those of the shipped file again and again.

    Units, texts and keys are the shipped ones; ids are new, and ``when`` comes from ``rules``.
    """
    shipped = (ROOT / "schedules.yaml").read_text("utf-8")
    head, _, duties = shipped.partition(HEAD_END)
    blocks = cycle(duties.split(DUTY_START)[1:])
    texts = (
        _renewed(next(blocks), number, rule.phrase) for number, rule in enumerate(rules(count))
    )
    return head + HEAD_END + "".join(texts)


def _renewed(block: str, number: int, phrase: str) -> str:
    """The block of a duty with another id and rule; its days by hand and limits are dropped."""
    lines = [f"{DUTY_START}duty-{number}"]
    kept = ("title:", "rows:", "clause:", "task:", "responsible:", "lead:", "expect:")
    for line in block.splitlines():
        if line.startswith("    when:"):
            lines.append(f'    when: "{phrase}"')
        elif line.strip().startswith(kept):
            lines.append(line)
    return "\n".join(lines) + "\n"
