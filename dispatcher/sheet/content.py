"""What a cell holds: the text that fits into it, and the one spelling in which cells compare."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from dispatcher.i18n import Text, _


class Percent(NamedTuple):
    """A percentage in points: 98.7 is 98.7 %. Programs keep it as a fraction and show it so."""

    points: Decimal


Content = str | int | Decimal | Percent | date | None

MOST_CHARACTERS = 32_767
"""Of a cell, as Excel counts them: in UTF-16."""
CUT = "……(内容过长,以下从略)"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
UNWRITABLE = re.compile(r"[\ud800-\udfff\ufffe\uffff]")
SPELLED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
"""Before what would be read as a character's number: ``_x0041_`` is the letter A in a workbook.

It can be spelled out, but not every program and library then reads what was meant.
"""
CONTROL_SPELLED = re.compile(r"_x(00[01][0-9A-Fa-f])_")


def fitting(text: str) -> str:
    """``text`` as a cell can hold it: whatever it cannot hold is replaced or cut visibly.

    >>> fitting("第一行\\r\\n第二行\\x07")
    '第一行\\n第二行␇'
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROL.sub(lambda match: chr(0x2400 + ord(match[0])), text)
    text = SPELLED.sub("＿", UNWRITABLE.sub("\ufffd", text))
    if _size(text) <= MOST_CHARACTERS:
        return text
    while (excess := _size(text + CUT) - MOST_CHARACTERS) > 0:
        # A character is one or two of what is counted: half as many are never too much.
        text = text[: -((excess + 1) // 2)]
    return text + CUT


def unescaped(text: str) -> str:
    """The control characters that programs spell as ``_x000D_``.

    >>> unescaped("a_x000D_\\nb")
    'a\\r\\nb'
    """
    return CONTROL_SPELLED.sub(lambda match: chr(int(match[1], 16)), text)


def spelled(content: Content) -> str:
    """The one spelling in which cells are compared, whoever saved the file.

    >>> spelled(Decimal("98.70")), spelled(date(2026, 10, 20)), spelled(" 已办结\\r\\n")
    ('98.7', '2026-10-20', '已办结')
    >>> spelled(Percent(Decimal("98.70")))
    '98.7%'
    """
    if content is None:
        return ""
    if isinstance(content, date):
        return content.isoformat()
    if isinstance(content, str):
        return fitting(content).strip()
    if isinstance(content, Percent):
        return spelled(content.points) + "%"
    number = Decimal(content)
    # Zero may be 0E+2 or negative; normalize() alone would keep either.
    return format(number.normalize(), "f") if number else "0"


def unclear_percentage(number: Decimal) -> Text | None:
    """Why a percentage written as ``number`` without a sign is not taken; None if it can be.

    1 may be 1 % or all of it: programs keep percentages as fractions.

    >>> str(unclear_percentage(Decimal("0.52"))), unclear_percentage(Decimal("52"))
    ('0.52 may mean 0.52%, or 52%; write the percent sign', None)
    """
    if not 0 < number <= 1:
        return None
    return _(
        "{value} may mean {value}%, or {points}%; write the percent sign",
        value=spelled(number),
        points=spelled(number * 100),
    )


def excerpt(text: str) -> str:
    """``text`` in one line, short enough to stand in an error.

    >>> excerpt("一\\n二" + "三" * 100)
    '一 二三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三…'
    """
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
