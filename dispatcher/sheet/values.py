"""What a clerk wrote into a cell: a status, a figure, a date. Raises Unfit with what to write."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal

from dispatcher.i18n import _
from dispatcher.sheet.content import Percent, excerpt, spelled, unclear_percentage
from dispatcher.sheet.problems import Unfit
from dispatcher.sheet.records import STATUSES
from dispatcher.sheet.seal import Nature
from dispatcher.sheet.table import Cell

NUMBER = re.compile(r"([+-]?\d{1,15}(?:\.\d{1,15})?)(%?)", re.ASCII)
DIGITS, DECIMALS = 12, 4
DATE = re.compile(r"(20\d\d)([-/.年])(\d{1,2})([-/.月])(\d{1,2})(日?)", re.ASCII)


def read_status(cell: Cell) -> str:
    """One of STATUSES."""
    word = _plain(cell)
    if word not in STATUSES:
        raise Unfit(
            _(
                "'{value}' is not one of {choices}; choose one from the list",
                value=excerpt(cell.text),
                choices=STATUSES,
            )
        )
    return word


def read_figure(cell: Cell, nature: Nature) -> str:
    """The number as text, a percentage with its sign; nothing if the cell is empty.

    >>> read_figure(Cell("text", "98.70%"), Nature(True, percent=True))
    '98.7%'
    """
    if not cell.text:
        return ""
    match = NUMBER.fullmatch(_plain(cell).replace(",", ""))
    if match is None:
        raise Unfit(
            _(
                "'{value}' is not a number; write the number only, such as 98.7",
                value=excerpt(cell.text),
            )
        )
    number, sign = Decimal(match[1]), match[2]
    unclear = unclear_percentage(number) if nature.percent and not sign else None
    if unclear:
        raise Unfit(unclear)
    if sign and not nature.percent:
        raise Unfit(
            _(
                "{value} is a percentage, but the figure has another unit; write the number only",
                value=cell.text,
            )
        )
    _check_range(number, nature)
    _check_digits(number)
    return spelled(Percent(number) if nature.percent else number)


def read_date(cell: Cell) -> date | None:
    """A real date, or a text such as 2026-10-20, 2026/10/20, 2026.10.20, 2026年10月20日.

    >>> read_date(Cell("text", "2026年10月20日"))
    datetime.date(2026, 10, 20)
    """
    if not cell.text:
        return None
    match = DATE.fullmatch(_plain(cell))
    try:
        if match is None or match[2] + match[4] + match[6] not in {"--", "//", "..", "年月日"}:
            raise ValueError(cell.text)
        return date(int(match[1]), int(match[3]), int(match[5]))
    except ValueError:
        text = _("'{value}' is not a date; write it like 2026-10-20", value=excerpt(cell.text))
        raise Unfit(text) from None


def _plain(cell: Cell) -> str:
    """Full-width digits and signs as the plain ones that they mean, without spaces."""
    return "".join(unicodedata.normalize("NFKC", cell.text).split())


def _check_range(number: Decimal, nature: Nature) -> None:
    if number < 0:
        raise Unfit(_("{value} is below 0; correct the number", value=spelled(number)))
    if nature.most is not None and number > nature.most:
        raise Unfit(
            _(
                "{value} is above {most}, the highest that is possible; correct the number",
                value=spelled(number),
                most=spelled(nature.most),
            )
        )


def _check_digits(number: Decimal) -> None:
    """Those of a figure that is answered in other ways."""
    if round(number, DECIMALS) != number:
        raise Unfit(
            _(
                "{value} has more than {decimals} decimals; round it",
                value=spelled(number),
                decimals=DECIMALS,
            )
        )
    if number >= 10**DIGITS:
        raise Unfit(
            _(
                "{value} has more than {digits} digits; correct the number",
                value=spelled(number),
                digits=DIGITS,
            )
        )
