"""The kinds of value that a file may hold: each reads a node, and describes itself.

One description serves the reader and ``schedules.schema.json``, so that the editor's help and the
program's errors cannot disagree. Reading never stops at the first fault: a Report collects all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

from dispatcher.errors import Place, Problem
from dispatcher.i18n import Text, _
from dispatcher.plan.nodes import Node

FIRST_YEAR, LAST_YEAR = 2000, 2099


class Word(str):
    """A text value that remembers where it stands in the file."""

    __slots__ = ("place", "quoted")
    place: Place
    quoted: bool

    @classmethod
    def at(cls, node: Node) -> Word:
        """The text of a scalar node."""
        return cls.written(node.value, node.place, quoted=not node.plain)

    @classmethod
    def written(cls, text: str, place: Place, *, quoted: bool = False) -> Word:
        """``text`` as it stands at ``place``."""
        word = cls(text)
        word.place, word.quoted = place, quoted
        return word


class Entry(dict[str, Any]):
    """A mapping that was read: values by key, with the place of each value and of the whole."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node

    def place(self, key: str) -> Place:
        """Where ``key``'s value stands; the entry's own place when it is not given."""
        found = self.node.value.get(key)
        return found[1].place if found else self.node.place


class Report:
    """Collects problems; ``duty`` is the duty that is being read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.duty = ""

    def __call__(self, place: Place, text: Text) -> None:
        self.problems.append(Problem(place, text, self.duty))


def nearest(word: str, names: Sequence[str], count: int = 3) -> list[str]:
    """The names most like ``word``, for "did you mean".

    >>> nearest("区社官局", ["区社管局", "区财政局"], 1)
    ['区社管局']
    """
    return get_close_matches(word, names, count, 0.5) or list(names[:count])


class Kind(Protocol):
    """What may stand in one place of the file."""

    def read(self, node: Node, report: Report) -> Any:
        """The value of ``node``; None, after a report, when it is not of this kind."""

    def schema(self) -> dict[str, Any]:
        """The same, as JSON Schema."""


class Words(NamedTuple):
    """A text. ``forbidden`` characters would break names that are joined with them."""

    forbidden: str = ""
    examples: tuple[str, ...] = ()

    def read(self, node: Node, report: Report) -> Word | None:
        """A Word, without outer blanks lost: YAML has taken them."""
        if node.kind != "scalar" or node.empty or not node.value.strip():
            _wrong(node, report, _("a text"))
            return None
        bad = next((letter for letter in self.forbidden if letter in node.value), None)
        if bad:
            text = _("'{value}' may not contain '{bad}'", value=node.value, bad=bad)
            report(node.place, text)
            return None
        return Word.at(node)

    def schema(self) -> dict[str, Any]:
        """A string; numbers that a clerk leaves unquoted are texts here too."""
        found: dict[str, Any] = {"type": ["string", "number", "boolean"]}
        if self.forbidden:
            found["pattern"] = f"^[^{self.forbidden}]+$"
        return found | ({"examples": list(self.examples)} if self.examples else {})


class Blank(NamedTuple):
    """A text that may be left empty."""

    def read(self, node: Node, report: Report) -> str | None:
        """The text, or an empty one."""
        return "" if node.empty or node.value == "" else Words().read(node, report)

    def schema(self) -> dict[str, Any]:
        """A string or nothing; a telephone number may stand without quotes."""
        return {"type": ["string", "number", "null"]}


class Whole(NamedTuple):
    """A whole number from ``least`` to ``most``."""

    least: int = 0
    most: int = 9999

    def read(self, node: Node, report: Report) -> int | None:
        """An int."""
        digits = node.kind == "scalar" and node.plain and re.fullmatch("[0-9]{1,6}", node.value)
        if digits and self.least <= int(node.value) <= self.most:
            return int(node.value)
        _wrong(node, report, _("a number from {least} to {most}", least=self.least, most=self.most))
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
        _wrong(node, report, _("true or false"))
        return None

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


class Day(NamedTuple):
    """A date, ``2026-03-31``."""

    def read(self, node: Node, report: Report) -> date | None:
        """A date of this century."""
        day = read_day(node.value) if node.kind == "scalar" else None
        if day and FIRST_YEAR <= day.year <= LAST_YEAR:
            return day
        _wrong(node, report, _("a date like 2026-03-31"))
        return None

    def schema(self) -> dict[str, Any]:
        """A string in the form of a date."""
        return {"type": "string", "format": "date", "pattern": r"^20\d\d-\d\d-\d\d$"}


class ClockTime(NamedTuple):
    """A time of day, ``09:00``."""

    def read(self, node: Node, report: Report) -> time | None:
        """A time."""
        found = read_time(node.value) if node.kind == "scalar" else None
        if found is None:
            _wrong(node, report, _("a time like 09:00"))
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
        _wrong(node, report, _("a stretch of the day like 09:00-18:00"))
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
        _wrong(node, report, _("one of: {words}", words=self.words))
        return None

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.words)}


class Many(NamedTuple):
    """A list, or with ``single`` also one bare item."""

    kind: Kind
    single: bool = False

    def read(self, node: Node, report: Report) -> list[Any] | None:
        """The items that could be read."""
        if node.kind != "sequence":
            if self.single and node.kind == "scalar" and not node.empty:
                node = Node("sequence", [node], node.place)
            else:
                _wrong(node, report, _("a list: [...] or lines that begin with '- '"))
                return None
        found = (self.kind.read(item, report) for item in node.value)
        return [item for item in found if item is not None]

    def schema(self) -> dict[str, Any]:
        """An array."""
        array = {"type": "array", "items": self.kind.schema()}
        return {"anyOf": [self.kind.schema(), array]} if self.single else array


class Named(NamedTuple):
    """A mapping of free names to values of one kind."""

    keys: Kind
    kind: Kind

    def read(self, node: Node, report: Report) -> dict[Word, Any] | None:
        """The values that could be read, by name."""
        if node.kind != "mapping":
            _wrong(node, report, _("a mapping: lines of the form 'name: ...'"))
            return None
        found = {}
        for key, value in node.value.values():
            name = self.keys.read(key, report)
            item = self.kind.read(value, report)
            if name is not None and item is not None:
                found[Word.at(key)] = item
        return found

    def schema(self) -> dict[str, Any]:
        """An object with free keys."""
        return {"type": "object", "additionalProperties": self.kind.schema()}


class Field(NamedTuple):
    """A key of a Record, with its Chinese title and description for the editor."""

    kind: Kind
    title: str
    description: str = ""
    required: bool = False

    def schema(self) -> dict[str, Any]:
        """Its kind, explained; what is not required may be left empty."""
        said = {"title": self.title, "description": self.description}
        if self.required:
            return self.kind.schema() | said
        return {"anyOf": [self.kind.schema(), {"enum": ["", None]}]} | said


class Record(NamedTuple):
    """A mapping with known keys; ``duties`` marks the record of a duty, named in its problems."""

    fields: Mapping[str, Field]
    duties: bool = False

    def read(self, node: Node, report: Report) -> Entry | None:
        """An Entry of the values that could be read."""
        if node.kind != "mapping":
            _wrong(node, report, _("a mapping: lines of the form 'key: ...'"))
            return None
        if self.duties:
            report.duty = _scalar(node, "id")
        entry = Entry(node)
        for key, value in node.value.values():
            field = self.fields.get(key.value)
            if field is None:
                text = _(
                    "unknown key '{key}'; did you mean: {near}",
                    key=key.value,
                    near=nearest(key.value, list(self.fields)),
                )
                report(key.place, text)
            elif field.required or not (value.empty or value.value == ""):
                item = field.kind.read(value, report)
                if item is not None:
                    entry[key.value] = item
        self._check_required(node, report)
        report.duty = "" if self.duties else report.duty
        return entry

    def _check_required(self, node: Node, report: Report) -> None:
        for key, field in self.fields.items():
            if field.required and key not in node.value:
                report(node.place, _("key '{key}' is missing here", key=key))

    def schema(self) -> dict[str, Any]:
        """An object that refuses other keys."""
        found: dict[str, Any] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: field.schema() for key, field in self.fields.items()},
        }
        required = [key for key, field in self.fields.items() if field.required]
        return found | ({"required": required} if required else {})


class Either(NamedTuple):
    """Different kinds for a scalar, a list and a mapping in the same place."""

    scalar: Kind | None = None
    sequence: Kind | None = None
    mapping: Kind | None = None

    def read(self, node: Node, report: Report) -> Any:
        """What the kind for this node reads."""
        kind: Kind | None = getattr(self, node.kind)
        if kind is None:
            kind = self.scalar or self.sequence or self.mapping
            assert kind
        return kind.read(node, report)

    def schema(self) -> dict[str, Any]:
        """Any of them."""
        return {"anyOf": [kind.schema() for kind in self if kind]}


def read_day(text: str) -> date | None:
    """``2026-03-31`` as a date; None for anything else, other ISO forms too."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def read_time(text: str) -> time | None:
    """``9:00`` or ``09:00`` as a time; None for anything else."""
    match = re.fullmatch(r"\s*(\d{1,2}):(\d\d)\s*", text)
    if match and int(match[1]) < 24 and int(match[2]) < 60:
        return time(int(match[1]), int(match[2]))
    return None


def _scalar(node: Node, key: str) -> str:
    found = node.value.get(key)
    return str(found[1].value) if found and found[1].kind == "scalar" else ""


def _wrong(node: Node, report: Report, wanted: Text) -> None:
    if node.kind == "scalar":
        text = _("'{value}' should be {wanted}", value=node.value[:80], wanted=wanted)
        if "：" in node.value and node.plain:
            text = _("{text}; a key needs the half-width ':' and a space after it", text=text)
    else:
        text = _("should be {wanted}", wanted=wanted)
    report(node.place, text)
