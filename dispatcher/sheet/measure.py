"""How high a row must be for its wrapped text to show whole.

Spreadsheet programs work it out when a cell is edited, not when a file is opened or printed.
"""

from __future__ import annotations

import re
import unicodedata
from math import ceil
from typing import NamedTuple

BODY_POINTS = (10.5, 9.0, 8.0, 7.0, 6.0)
"""The font of the body, and the smaller ones for a text that no row is high enough for."""
LEADING = 1.3
"""Height of a line in font sizes: as the Chinese fonts of office computers are set, and some."""
HIGHEST = 409.0
"""Points; spreadsheet programs have no higher row."""
PIECE = re.compile(
    r"[!-~]+|.[\u3001\u3002\u300b\u3015\u2019\u201d\uff01\uff09\uff0c\uff1a\uff1b\uff1f,:;!?)]*",
    re.DOTALL,
)
"""What is not broken at the end of a line: a Latin word, a character with the marks after it."""


class Fit(NamedTuple):
    """Both in points."""

    font: float
    height: float


def fitted(text: str, width: float) -> Fit:
    """The font and the height in which a cell shows ``text`` in a column of ``width``.

    A text too long for the highest row in the smallest font is not shown whole.
    """
    for points in BODY_POINTS:
        needed = height(text, width, points)
        if needed <= HIGHEST:
            return Fit(points, needed)
    return Fit(BODY_POINTS[-1], HIGHEST)


def height(text: str, width: float, points: float) -> float:
    """The points that ``text`` needs in a column of ``width``, wrapped, in a font of ``points``.

    >>> height("区社管局", 11, 10), height("持续抓好控辍保学工作", 11, 10)
    (17.0, 30.0)
    """
    # A column's unit is 7 pixels at 96 to the inch: 5.25 points; a half-width character takes half
    # the font's size. A little less than fits, since no two programs measure alike.
    room = max(0.95 * width * 5.25 / (points / 2), 2)
    lines = sum(_lines(paragraph, room) for paragraph in text.split("\n"))
    return lines * points * LEADING + 4


def _lines(paragraph: str, room: float) -> int:
    """The lines that ``paragraph`` takes where ``room`` half-width characters fit into one."""
    lines, used = 1, 0.0
    for piece in PIECE.findall(paragraph):
        size = sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in piece)
        if used and used + size > room:
            lines, used = lines + 1, 0.0
        lines += ceil(size / room) - 1 if size > room else 0
        used += size % room if size > room else size
    return lines
