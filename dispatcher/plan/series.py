"""Entries of a named range that come again each year: the winter vacations, the autumn terms."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from dispatcher.i18n import Text, _
from dispatcher.plan.model import Span

YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")


def series(spans: Iterable[Span]) -> list[dict[int, Span]]:
    """The entries by year, those together that bear the same name but for it."""
    found: dict[str, dict[int, Span]] = defaultdict(dict)
    for span in spans:
        year = year_of(span)
        found[called(span, -year)][year] = span
    return [*found.values()]


def year_of(span: Span) -> int:
    """The year that an entry is of: the one that it names, else that of its first day."""
    named = YEAR.findall(span.name)
    return int(named[0]) if len(named) == 1 else span.first.year


def called(span: Span, years: int) -> str:
    """The name of an entry ``years`` later.

    >>> from datetime import date
    >>> term = Span("2025-2026学年第二学期", date(2026, 3, 2), date(2026, 6, 30))
    >>> called(term, 1), called(term._replace(name="汛期"), 1)
    ('2026-2027学年第二学期', '2027年汛期')
    """
    name = span.name if YEAR.search(span.name) else f"{span.first.year}年{span.name}"
    return YEAR.sub(lambda found: str(int(found[0]) + years), name)


@lru_cache(maxsize=1024)
def lacking(spans: tuple[Span, ...], year: int) -> tuple[Text, ...]:
    """What a range lacks of ``year``: all of it where no entry touches it, else those entries that
    bear the year before in their names and have not come again; nothing where it is complete."""
    if not any(span.first.year <= year <= span.last.year for span in spans):
        return (_("all of {year}", year=year),)
    yearly = series(span for span in spans if YEAR.search(span.name))
    return tuple(
        Text("{name}", name=called(entries[year - 1], 1))
        for entries in yearly
        if year - 1 in entries and year not in entries
    )
