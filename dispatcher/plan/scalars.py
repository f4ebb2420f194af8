"""The kinds of single value that a file may hold: texts, numbers, dates, times, choices."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Any, NamedTuple

from dispatcher.i18n import _
from dispatcher.plan.nodes import Node
from dispatcher.plan.shape import Report, Word, wrong

FIRST_YEAR, LAST_YEAR = 2000, 2099
LONGEST = timedelta(days=30)
"""No holiday lasts longer: that is a mistake."""
ADDRESS = r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"


class Words(NamedTuple):
    """A text. ``forbidden`` characters would break names that are joined with them."""

    forbidden: str = ""
    examples: tuple[str, ...] = ()

    def read(self, node: Node, report: Report) -> Word | None:
        """A Word, without outer blanks lost: YAML has taken them."""
        if node.kind != "scalar" or node.empty or not node.value.strip():
            wrong(node, report, _("a text"))
            return None
        bad = next((letter for letter in self.forbidden if letter in node.value), None)
        if bad:
            value = " ".join(node.value.split())
            shown = _("a line break or control character") if bad == "\n" else bad
            text = _("'{value}' may not contain '{bad}'", value=value, bad=shown)
            report(node.place, text)
            return None
        return Word.at(node)

    def schema(self) -> dict[str, Any]:
        """A string; numbers that a clerk leaves unquoted are texts here too."""
        found: dict[str, Any] = {"type": ["string", "number", "boolean"]}
        if self.forbidden:
            found["pattern"] = f"^[^{self.forbidden}]+$"
        return found | ({"examples": list(self.examples)} if self.examples else {})


NAME = Words(forbidden="/@#")
"""Ids, units and subjects are joined with these characters in the ledger's keys."""


class Blank(NamedTuple):
    """A text that may be left empty."""

    def read(self, node: Node, report: Report) -> str | None:
        """The text, or an empty one."""
        return "" if node.empty or node.value == "" else Words().read(node, report)

    def schema(self) -> dict[str, Any]:
        """A string or nothing; a telephone number may stand without quotes."""
        return {"type": ["string", "number", "null"]}


class Mail(NamedTuple):
    """One mail address, or nothing."""

    def read(self, node: Node, report: Report) -> str | None:
        """The address, or an empty text."""
        if node.empty or node.value == "":
            return ""
        if node.kind == "scalar" and re.fullmatch(ADDRESS, node.value, re.ASCII):
            return str(node.value)
        wrong(node, report, _("one mail address like name@example.com"))
        return None

    def schema(self) -> dict[str, Any]:
        """A string in the form of an address."""
        return {"anyOf": [{"type": "string", "pattern": ADDRESS}, {"enum": ["", None]}]}


class Whole(NamedTuple):
    """A whole number from ``least`` to ``most``."""

    least: int = 0
    most: int = 9999

    def read(self, node: Node, report: Report) -> int | None:
        """An int."""
        digits = node.kind == "scalar" and node.plain and re.fullmatch("[0-9]{1,6}", node.value)
        if digits and self.least <= int(node.value) <= self.most:
            return int(node.value)
        wrong(node, report, _("a number from {least} to {most}", least=self.least, most=self.most))
        return None

    def schema(self) -> dict[str, Any]:
        """An integer in its range."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Flag(NamedTuple):
    """``true`` or ``false``, nothing else: ``on`` and ``yes`` are words."""

    def read(self, node: Node, report: Report) -> bool | None:
        """A bool."""
        if node.kind == "scalar" and node.plain and node.value in ("true", "false"):
            return bool(node.value == "true")
        wrong(node, report, _("true or false"))
        return None

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


class Day(NamedTuple):
    """A date, ``2026-03-31``."""

    def read(self, node: Node, report: Report) -> date | None:
        """A date of this century."""
        day = read_day(node.value) if node.kind == "scalar" else None
        if day:
            return day
        wrong(node, report, _("a date from 2000 to 2099, like 2026-03-31"))
        return None

    def schema(self) -> dict[str, Any]:
        """A string in the form of a date."""
        return {"type": "string", "format": "date", "pattern": r"^20\d\d-\d\d-\d\d$"}


class Stretch(NamedTuple):
    """A day, or some days on end: ``2026-01-01..2026-01-03``."""

    def read(self, node: Node, report: Report) -> tuple[date, date] | None:
        """The first and the last day."""
        first, _dots, last = str(node.value).partition("..")
        one, other = Day().read(node._replace(value=first), Report()), read_day(last or first)
        if node.kind == "scalar" and one and other and one <= other <= one + LONGEST:
            return one, other
        wrong(node, report, _("a day, or days on end, like 2026-01-01..2026-01-03"))
        return None

    def schema(self) -> dict[str, Any]:
        """A string of one or two dates."""
        day = r"20\d\d-\d\d-\d\d"
        return {"type": "string", "pattern": rf"^{day}(\.\.{day})?$"}


class MonthDay(NamedTuple):
    """A day of any year, ``09-30``."""

    def read(self, node: Node, report: Report) -> tuple[int, int] | None:
        """Its month and day."""
        found = read_month_day(node.value) if node.kind == "scalar" else None
        if found is None:
            wrong(node, report, _("a day like 09-30"))
        return found

    def schema(self) -> dict[str, Any]:
        """A string in the form of a month and a day."""
        return {"type": "string", "pattern": r"^\d\d-\d\d$"}


class ClockTime(NamedTuple):
    """A time of day, ``09:00``."""

    def read(self, node: Node, report: Report) -> time | None:
        """A time."""
        found = read_time(node.value) if node.kind == "scalar" else None
        if found is None:
            wrong(node, report, _("a time like 09:00"))
        return found

    def schema(self) -> dict[str, Any]:
        """A string of hours and minutes."""
        return {"type": "string", "pattern": r"^\d{1,2}:\d\d$", "examples": ["09:00"]}


class Window(NamedTuple):
    """A stretch of the day, ``09:00-18:00``."""

    def read(self, node: Node, report: Report) -> tuple[time, time] | None:
        """Its two times, the first before the second."""
        parts = str(node.value).split("-") if node.kind == "scalar" else []
        first, last = (read_time(part) for part in parts) if len(parts) == 2 else (None, None)
        if first is not None and last is not None and first < last:
            return first, last
        wrong(node, report, _("a stretch of the day like 09:00-18:00"))
        return None

    def schema(self) -> dict[str, Any]:
        """A string of two times."""
        return {"type": "string", "pattern": r"^\d{1,2}:\d\d-\d{1,2}:\d\d$"}


class Choice(NamedTuple):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Node, report: Report) -> str | None:
        """The word."""
        if node.kind == "scalar" and node.value in self.words:
            return str(node.value)
        wrong(node, report, _("one of: {words}", words=self.words))
        return None

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.words)}


def read_day(text: str) -> date | None:
    """``2026-03-31`` as a date of this century; None for anything else, other ISO forms too."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"20\d\d-\d\d-\d\d", text) else None
    except ValueError:
        return None


def read_month_day(text: str) -> tuple[int, int] | None:
    """``09-30`` as (9, 30), and so for any day of a leap year; None for anything else."""
    day = read_day(f"2024-{text}")
    return (day.month, day.day) if day else None


def read_time(text: str) -> time | None:
    """``9:00`` or ``09:00`` as a time; None for anything else."""
    match = re.fullmatch(r"\s*(\d{1,2}):(\d\d)\s*", text)
    if match and int(match[1]) < 24 and int(match[2]) < 60:
        return time(int(match[1]), int(match[2]))
    return None


class Free(NamedTuple):
    """Anything at all, as plain data: texts, whole numbers, true and false, lists, mappings."""

    def read(self, node: Node, report: Report) -> Any:
        """The data, texts as they stand."""
        if node.kind == "mapping":
            return {key.value: self.read(value, report) for key, value in node.value.values()}
        if node.kind == "sequence":
            return [self.read(item, report) for item in node.value]
        if node.plain and re.fullmatch(r"-?(0|[1-9][0-9]{0,15})", node.value):
            return int(node.value)
        return {"true": True, "false": False}.get(node.value if node.plain else "", node.value)

    def schema(self) -> dict[str, Any]:
        """No condition."""
        return {}
