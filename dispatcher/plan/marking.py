"""Marks in a calendar file: a comment at the end of a line, about something still to be decided."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from dispatcher.errors import DispatcherError
from dispatcher.i18n import _
from dispatcher.plan.editing import meaning

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_MARK = re.compile(r" {1,2}# 待定\([0-9]{4}\):.*")
_BREAK = re.compile("(\r\n|[\n\r\x85\u2028\u2029])")
"""Where the parser begins a line."""


def free_line(text: str) -> Callable[[int], int]:
    """The first line, from a given one on, at whose end a comment can stand: not where a text goes
    on below."""
    going_on: set[int] = set()
    scalars: Iterable[Any] = filter(_is_scalar, yaml.parse(text, _Loader))
    for scalar in scalars:
        begun = scalar.start_mark.line + (scalar.style in ("|", ">"))
        going_on.update(range(begun + 1, scalar.end_mark.line + 1))

    def first_free(line: int) -> int:
        while line in going_on:
            line += 1
        return line

    return first_free


def _is_scalar(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent)


def marked(text: str, marks: Iterable[tuple[int, str]], year: int) -> str:
    """``text`` with ``# 待定(2027): ...`` at the end of each line of which there is something to
    decide, in the place of such a mark of an earlier year.

    Raises DispatcherError where that would change what the text means.
    """
    by_line: dict[int, list[str]] = defaultdict(list)
    for line, mark in marks:
        by_line[line].append(mark)
    parts = _BREAK.split(text)
    for line, said in by_line.items():
        before = _MARK.sub("", parts[2 * line - 2])
        parts[2 * line - 2] = f"{before}  # 待定({year}): {'；'.join(said)}"
    found = "".join(parts)
    if meaning(found) != meaning(text):
        raise DispatcherError(_("this cannot be changed without touching more: edit the file"))
    return found
