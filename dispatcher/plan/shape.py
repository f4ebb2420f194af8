"""The kinds of value that a file may hold: each reads a node, and describes itself.

One description serves the reader and ``schedules.schema.json``, so that the editor's help and the
program's errors cannot disagree. Reading never stops at the first fault: a Report collects all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

from dispatcher.errors import Place, Problem
from dispatcher.i18n import Text, _
from dispatcher.plan.nodes import Node


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


class Many(NamedTuple):
    """A list, or with ``single`` also one bare item; ``filled``: of one item at least."""

    kind: Kind
    single: bool = False
    filled: bool = False

    def read(self, node: Node, report: Report) -> list[Any] | None:
        """The items that could be read."""
        if node.kind != "sequence":
            if self.single and node.kind == "scalar" and not node.empty:
                node = Node("sequence", [node], node.place)
            else:
                wrong(node, report, _("a list: [...] or lines that begin with '- '"))
                return None
        if self.filled and not node.value:
            wrong(node, report, _("a list of one item at least"))
            return None
        found = (self.kind.read(item, report) for item in node.value)
        return [item for item in found if item is not None]

    def schema(self) -> dict[str, Any]:
        """An array."""
        array: dict[str, Any] = {"type": "array", "items": self.kind.schema()}
        if self.filled:
            array["minItems"] = 1
        return {"anyOf": [self.kind.schema(), array]} if self.single else array


class Named(NamedTuple):
    """A mapping of free names to values of one kind."""

    keys: Kind
    kind: Kind

    def read(self, node: Node, report: Report) -> dict[Word, Any] | None:
        """The values that could be read, by name."""
        if node.kind != "mapping":
            wrong(node, report, _("a mapping: lines of the form 'name: ...'"))
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
            wrong(node, report, _("a mapping: lines of the form 'key: ...'"))
            return None
        if self.duties:
            report.duty = _scalar(node, "id")
        entry = Entry(node)
        for key, value in node.value.values():
            field = self.fields.get(key.value)
            if field is None and "：" in key.value:
                text = _("full-width '{wrong}': YAML needs the half-width '{right}' here (followed "
                         "by a space)", wrong="：", right=":")  # fmt: skip
                report(key.place, text)
            elif field is None:
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


def _scalar(node: Node, key: str) -> str:
    found = node.value.get(key)
    return str(found[1].value) if found and found[1].kind == "scalar" else ""


def wrong(node: Node, report: Report, wanted: Text) -> None:
    """Reports that ``node`` is not what was ``wanted``."""
    if node.kind == "scalar":
        text = _("'{value}' should be {wanted}", value=node.value[:80], wanted=wanted)
        if "：" in node.value and node.plain:
            text = _("{text}; a key needs the half-width ':' and a space after it", text=text)
    else:
        text = _("should be {wanted}", wanted=wanted)
    report(node.place, text)
