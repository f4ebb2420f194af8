"""A row's seal: the hidden cell by which a changed key or a changed cell is found and named.

It finds accidents, not forgeries: who wants to can compute it. What a sheet may change is decided
where it is applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from dispatcher.sheet.columns import HEADINGS

HEAD = 4
"""The words of a seal before its marks: the nature's three, and their own mark."""


class Nature(NamedTuple):
    """What a row is: whether it may be filled in, and what its figure may be."""

    open: bool
    percent: bool = False
    most: Decimal | None = None


class Seal(NamedTuple):
    """``marks``: for each heading a digest of the cell as it was exported."""

    nature: Nature
    marks: Mapping[str, str]


def sealed(key: str, nature: Nature, cells: Mapping[str, str]) -> str:
    """The seal of a row with these cells, each spelled as ``content.spelled`` does."""
    marks = [mark(key, heading, cells[heading]) for heading in HEADINGS]
    return " ".join([*_head(key, nature), *marks])


def unsealed(key: str, text: str) -> Seal | None:
    """What ``text`` seals; None if it is no seal, or not that of ``key``."""
    words = text.split(" ")
    if len(words) != HEAD + len(HEADINGS) or words[3] != mark(key, "", " ".join(words[:3])):
        return None
    is_open, percent, most = words[:3]
    nature = Nature(is_open == "open", percent == "percent", None if most == "-" else Decimal(most))
    return Seal(nature, dict(zip(HEADINGS, words[HEAD:], strict=True)))


def mark(key: str, heading: str, spelling: str) -> str:
    """The digest of one cell; of no use in another row or column.

    >>> mark("a/2026@甲", "备注", "") == mark("a/2026@乙", "备注", "")
    False
    """
    return sha256("\0".join([key, heading, spelling]).encode()).hexdigest()[:8]


def _head(key: str, nature: Nature) -> list[str]:
    words = [
        "open" if nature.open else "closed",
        "percent" if nature.percent else "number",
        "-" if nature.most is None else str(nature.most),
    ]
    return [*words, mark(key, "", " ".join(words))]
