"""What a message says, in as many parts as it needs: it sheds detail before it is split.

A channel says how large a message may be, and how large a line becomes in its markup.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from dispatcher.channels.contract import Card, Colour, Entry, Outgoing
from dispatcher.channels.markup import plain

MOST = 5
"""Parts of one message: more than that nobody reads in a chat."""
WIDEST, LONGEST_SUBJECT = 800, 80
"""Characters of a line when a message is split, and of a subject: small enough that any line fits
into any part."""


class Line(NamedTuple):
    """A line in plain text, of which no markup can come; its style is a colour where it has one."""

    text: str
    style: Colour | Literal["plain", "strong"] = "plain"


Block = tuple[Line, ...]
"""Lines that stay together where they can."""


class Part(NamedTuple):
    """One message of those that a message becomes; ``title`` is its first line."""

    title: str
    lines: tuple[Line, ...]


class Draft(NamedTuple):
    """What could be said: of ``blocks`` some may have to be left out, counted by ``unit``."""

    head: Block
    blocks: tuple[Block, ...]
    closing: Block
    unit: str

    def kept(self, count: int, office: str) -> list[Block]:
        """With the first ``count`` blocks alone, and where to ask for the others."""
        left = len(self.blocks) - count
        note = [(Line(plain(f"其余{left}{self.unit}从略,请向{office}查询。")),)] if left else []
        return [self.head, *self.blocks[:count], *note, self.closing]


class Space(NamedTuple):
    """Bytes: how many a message has for its title and its lines, and how many each of them
    takes; ``widest`` is as WIDEST, where that is too much."""

    room: int
    title: Callable[[str], int]
    line: Callable[[Line], int]
    widest: int = WIDEST

    def of(self, lines: Sequence[Line]) -> int:
        """How many some lines take together."""
        return sum(map(self.line, lines))


def parts(outgoing: Outgoing, space: Space) -> list[Part]:
    """The whole message if it fits; else with less of each entry; else in parts, in order."""
    title = plain(outgoing.subject)[:LONGEST_SUBJECT]
    office = outgoing.sender_name
    room = space.room - space.title(title)
    drafts = _drafts(outgoing, space.widest)
    for draft in drafts:
        lines = tuple(chain.from_iterable(draft.kept(len(draft.blocks), office)))
        if space.of(lines) <= room:
            return [Part(title, lines)]
    pages = _split(drafts[-1], office, space, _numbered(title, MOST, MOST))
    return [
        Part(_numbered(title, number, len(pages)), tuple(page))
        for number, page in enumerate(pages, start=1)
    ]


def _numbered(title: str, number: int, total: int) -> str:
    return f"{title}({number}/{total})" if total > 1 else title


def _split(draft: Draft, office: str, space: Space, title: str) -> list[list[Line]]:
    """With as many of the blocks as MOST parts hold."""
    room = space.room - space.title(title)

    def pages(count: int) -> list[list[Line]]:
        return _pack(draft.kept(count, office), room, space)

    full = len(draft.blocks)
    left_out = bisect_left(range(full), True, key=lambda gone: len(pages(full - gone)) <= MOST)
    return pages(full - left_out)[:MOST]


def _pack(blocks: Sequence[Block], room: int, space: Space) -> list[list[Line]]:
    pages: list[list[Line]] = [[]]
    left = room
    for block in _pieces(blocks, room, space):
        size = space.of(block)
        if size > left and pages[-1]:
            pages.append([])
            left = room
        pages[-1] += block
        left -= size
    return pages


def _pieces(blocks: Sequence[Block], room: int, space: Space) -> Iterator[Block]:
    """The blocks, those that are too large for a part line by line."""
    for block in blocks:
        if space.of(block) <= room:
            yield block
        else:
            yield from ((piece,) for line in block for piece in _cut(line, space.widest))


def _cut(line: Line, widest: int) -> list[Line]:
    return [
        Line(line.text[start : start + widest], line.style)
        for start in range(0, len(line.text), widest)
    ]


def _drafts(outgoing: Outgoing, widest: int) -> list[Draft]:
    """The richest first."""
    card = outgoing.card
    if card is None:
        given = [Line(plain(text)) for text in outgoing.text.splitlines()]
        lines = [piece for line in given for piece in _cut(line, widest)]
        return [Draft((), tuple((line,) for line in lines), (), "行")]
    return [_draft(card, layout) for layout in (_full, _short, _brief)]


def _draft(card: Card, layout: Callable[[int, Entry, str], list[Line]]) -> Draft:
    heads = ["", *(f"【{entry.mark}】{entry.head}" for entry in card.entries)]
    blocks = [
        layout(number, entry, heads[number] if heads[number] != heads[number - 1] else "")
        for number, entry in enumerate(card.entries, start=1)
    ]
    return Draft(
        _safe([Line(f"{card.units}:"), Line(card.opening)]),
        tuple(map(_safe, blocks)),
        _safe([Line(text) for text in card.closing]),
        "项",
    )


def _safe(lines: list[Line]) -> Block:
    found = (Line(plain(line.text), line.style) for line in lines)
    return tuple(line for line in found if line.text)


def _full(number: int, entry: Entry, head: str) -> list[Line]:
    short = _short(number, entry, head)
    task = [Line(f"要求:{entry.task}")] if entry.task else []
    lead = [Line(f"牵头单位:{entry.lead}")] if entry.lead else []
    return [*short[:2], *task, *short[2:], *lead]


def _short(number: int, entry: Entry, head: str) -> list[Line]:
    """Without what is to be done and who leads."""
    return [
        Line(head, entry.colour),
        Line(f"{number}.{entry.title}", "strong"),
        Line(f"时限:{entry.deadline}"),
        *map(Line, (*entry.notes, entry.role)),
    ]


def _brief(number: int, entry: Entry, _head: str) -> list[Line]:
    """On one line, with its colour in words: what it is, by when, and whose it is."""
    said = ";".join(filter(None, (entry.deadline, entry.role)))
    return [Line(f"{number}.【{entry.mark}】{entry.title}:{said}", entry.colour)]
