"""How the commands speak: the reader's language, aligned tables, colour only on a terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from dispatcher.i18n import Text, _, language, render, translator
from dispatcher.ledger.terms import HIGHEST

NUMBER = click.IntRange(1, HIGHEST)
"""A number that the ledger gives."""
LINES = click.IntRange(1, 1_000_000)
"""How many of a list are asked for."""

translate = translator(language(os.environ))
if language(os.environ) != "en":
    from dispatcher.cli.click_words import teach_click

    teach_click(language(os.environ))
Command = TypeVar("Command", bound=Callable[..., Any])
WIDE = ("W", "F")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def words(value: object) -> str:
    """Anything as a person reads it, Texts in the reader's language."""
    return str(render(value, translate))


def say(value: object = "", colour: str | None = None) -> None:
    """Prints one line."""
    click.echo(click.style(words(value), fg=colour) if colour else words(value))


def width(text: str) -> int:
    """How many columns a terminal gives to ``text``: two for each wide character."""
    return sum(2 if unicodedata.east_asian_width(letter) in WIDE else 1 for letter in text)


class _Said(click.ParamType[str]):
    """Words that say something."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The words as they are; blanks alone are wrong usage."""
        if not value.strip():
            self.fail(words(_("it must not be empty")), param, ctx)
        return value


SAID = _Said()


def by_option(who: Text) -> Callable[[Command], Command]:
    """The option that names the person who answers for it."""
    return click.option("--by", required=True, type=SAID, help=words(who))


def format_option(*forms: str) -> Callable[[Command], Command]:
    """The option that says how a command prints; where it is not given, in the first form."""
    return click.option("--format", "form", type=click.Choice(forms), default=forms[0],
                        help=words(_("how to print it")))  # fmt: skip


def table(
    header: Sequence[object], rows: Iterable[Sequence[object]], colours: Sequence[str | None] = ()
) -> None:
    """Prints rows under their header, columns aligned; ``colours`` has one for each row, or none
    at all."""
    lines: list[Sequence[object]] = [header, *rows]
    cells = [[words(cell) for cell in line] for line in lines]
    widths = [max(width(cell) for cell in column) for column in zip(*cells, strict=True)]
    colours = colours or [None] * (len(lines) - 1)
    for row, colour in zip(cells, (None, *colours), strict=True):
        padded = (cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True))
        say("  ".join(padded).rstrip(), colour)


def print_json(value: Any) -> None:
    """Prints a stable, readable JSON document."""
    import json

    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_csv(header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Prints RFC 4180 lines; a cell that a spreadsheet would run as a formula is quoted with '."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_harmless(str(cell)) for cell in row])


def _harmless(cell: str) -> str:
    return "'" + cell if cell.lstrip(" \u00a0").startswith(FORMULA) else cell
