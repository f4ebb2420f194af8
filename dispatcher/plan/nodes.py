"""YAML, strictly: the text of a file as nodes that know where they stand.

Built from the parser's events rather than by its composer, because that sees aliases, duplicate
keys and depth as they come, is not recursive, and is several times faster. Scalars stay text:
what a scalar means is decided by the place it stands in, by YAML 1.2's rules (``on`` is a word,
``9:00`` is a time).
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import yaml

from dispatcher.errors import Place, PlanError, Problem
from dispatcher.i18n import Text, _

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 20
FULL_WIDTH = {"：": ":", "，": ",", "\u3000": " ", "【": "[", "】": "]", "＃": "#", "－": "-"}
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_INDENTED = _("the indentation does not fit (what belongs together begins in the same column), or "
              "a bracket is too many")  # fmt: skip
SYNTAX = {
    r"expected key|'-' indicator|<block end>|<document start>": _INDENTED,
    r"',' or '\]'": _("the list that begins with '[' lacks a comma, or its ']'"),
    r"',' or '\}'": _("what begins with '{{' lacks a comma, or its '}}'"),
    "mapping values are not allowed": _(
        "a second ': ' on one line, or a line too far in: put the text in quotes, or mend the "
        "indentation"
    ),
    "expected ':'": _("no 'key: value': a ':' and a blank are missing, or a '- '"),
    "cannot start any token": _("no value begins with this character: put the text in quotes"),
    "unknown escape": _("in double quotes a '\\' begins a code: put the text in single quotes"),
    "sequence entries": _("a list begins below its key, each entry on a line with '- '"),
    "expected node content": _("a value is missing here"),
}
"""What the parsers say of a slip, and what a clerk can do about it."""
PLAIN_TAGS = {None, "!", "tag:yaml.org,2002:str"}

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Node(NamedTuple):
    """A scalar (text), a sequence (list of Nodes) or a mapping (dict of key Node to Node)."""

    kind: Literal["scalar", "sequence", "mapping"]
    value: Any
    place: Place
    plain: bool = False

    @property
    def empty(self) -> bool:
        """Whether it is YAML's null: nothing, ``~`` or ``null``, without quotes."""
        return self.plain and self.value in ("", "~", "null", "Null", "NULL")


def read_nodes(name: str, text: str) -> Node:
    """The root node of ``text``; raises PlanError, naming the place in ``name``.

    Refused: more than 8 MB, nothing at all, a second document, deeper than 20 levels, tags,
    anchors and aliases, duplicate keys, and whatever is not YAML.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _error(name, Place(1, 1), _("the file is larger than 8 MB"))
    try:
        root = _Builder(name, text).build()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(name, text, error) from None
    except (yaml.YAMLError, UnicodeError):
        raise _error(
            name,
            _unreadable_place(text),
            _("a character that YAML does not allow: take it out"),
        ) from None
    if root is None or root.empty:
        raise _error(name, Place(1, 1), _("the file is empty; start with 'dispatcher init'"))
    return root


class _Builder:
    """Builds nodes from events, with a stack of the collections that are still open."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.events = yaml.parse(text, _Loader)
        self.open: list[tuple[Node, Node | None]] = []
        self.root: Node | None = None

    def build(self) -> Node | None:
        for event in self.events:
            if isinstance(event, yaml.ScalarEvent):
                self._check(event)
                self._refuse_unwritable(event)
                plain = event.style is None or event.style == ""
                self._add(Node("scalar", event.value, _place(event), plain))
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check(event)
                self._start(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()
            elif isinstance(event, yaml.AliasEvent):
                self._refuse_alias(event, event.anchor)
            elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
                raise _error(self.name, _place(event), _("a second document begins here ('---')"))
        return self.root

    def _start(self, event: Any) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise _error(
                self.name, _place(event), _("nested deeper than {depth} levels", depth=MAX_DEPTH)
            )
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = (
            Node("mapping", {}, _place(event)) if mapping else Node("sequence", [], _place(event))
        )
        self._add(node)
        self.open.append((node, None))

    def _add(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent, key = self.open[-1]
        if parent.kind == "sequence":
            parent.value.append(node)
        elif key is None:
            self._check_key(parent, node)
            self.open[-1] = (parent, node)
        else:
            parent.value[key.value] = (key, node)
            self.open[-1] = (parent, None)

    def _check_key(self, parent: Node, key: Node) -> None:
        if key.kind != "scalar":
            raise _error(self.name, key.place, _("a key must be a word, not a list or a mapping"))
        if key.value in parent.value:
            line = parent.value[key.value][0].place.line
            text = _(
                "key '{key}' stands here twice; first on line {line}", key=key.value, line=line
            )
            raise _error(self.name, key.place, text)

    def _check(self, event: Any) -> None:
        if event.anchor:
            self._refuse_alias(event, event.anchor)
        if event.tag not in PLAIN_TAGS:
            raise _error(
                self.name,
                _place(event),
                _("tag '{tag}' is not used here; remove it", tag=event.tag),
            )

    def _refuse_unwritable(self, event: yaml.ScalarEvent) -> None:
        """An escape in quotes can make characters that no mail may hold, nor PostgreSQL store."""
        found = UNWRITABLE.search(event.value)
        if found:
            text = _("the control character {code} cannot be written in a message: take it out",
                     code=f"U+{ord(found[0]):04X}")  # fmt: skip
            raise _error(self.name, _place(event), text)

    def _refuse_alias(self, event: Any, anchor: str | None) -> None:
        text = _(
            "anchors and aliases (&{anchor}, *{anchor}) are not used here: "
            "write the value out, or put the text in quotes",
            anchor=anchor,
        )
        raise _error(self.name, _place(event), text)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _error(name: str, place: Place, text: Text) -> PlanError:
    return PlanError(name, [Problem(place, text)])


def _syntax_error(name: str, text: str, error: yaml.MarkedYAMLError) -> PlanError:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    lines = text.splitlines()
    for number in (
        place.line - 1,
        place.line,
        error.context_mark.line + 1 if error.context_mark else 0,
    ):
        if 1 <= number <= len(lines) and (hint := _hint(lines[number - 1], number)):
            return _error(name, *hint)
    if error.context == "while scanning a quoted scalar" and error.context_mark:
        begun = Place(error.context_mark.line + 1, error.context_mark.column + 1)
        return _error(name, begun, _("the quote that opens here is not closed"))
    detail = " ".join(filter(None, (error.context, error.problem)))
    return _error(name, place, said_of_syntax(detail))


def said_of_syntax(detail: str) -> Text:
    """What a clerk can do about what the parser says; its own words where nobody knows.

    >>> str(said_of_syntax("did not find expected ',' or ']'"))
    "the list that begins with '[' lacks a comma, or its ']'"
    """
    known = (fix for said, fix in SYNTAX.items() if re.search(said, detail))
    return next(known, _("not valid YAML: {detail}", detail=detail))


def _hint(line: str, number: int) -> tuple[Place, Text] | None:
    """What a clerk most often got wrong on a line that the parser stumbled over or just past."""
    indent = re.match(r"[ ]*\t", line)
    if indent:
        return Place(number, indent.end()), _("a tab; indent with spaces")
    tight = re.match(r"\s*(?:- )?[a-z_]+(:)[^\s:/]", line)
    if tight:
        return Place(number, tight.end(1)), _("a space is missing after this ':'")
    quoted = re.match(r"\s*(?:- )?[^\s:\"]+: +\"[^\"]*(\")[^\s,\]}#]", line)
    if quoted:
        says = _("the quote ends here: put a text that holds quotes in single quotes")
        return Place(number, quoted.start(1) + 1), says
    code = re.sub(r"(\"[^\"]*\"|'[^']*'|#.*)", lambda quoted: "·" * len(quoted[0]), line)
    match = re.search(r"^\s*(?:- )?[^\s:]*(：)", code) or re.search("[，\u3000【】＃－]", code)
    if not match:
        return None
    column = match.start(match.lastindex or 0)
    wrong = line[column]
    return Place(number, column + 1), _(
        "full-width '{wrong}': YAML needs the half-width '{right}' here (followed by a space)",
        wrong=wrong,
        right=FULL_WIDTH[wrong],
    )


def _unreadable_place(text: str) -> Place:
    for number, line in enumerate(text.splitlines(), start=1):
        if match := re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]", line):
            return Place(number, match.start() + 1)
    return Place(1, 1)
