"""Every error of the product, under one root."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import NamedTuple

from dispatcher.i18n import Text, Translate, _

SHOWN = 3
"""Problems of a file that are told where there is little room."""


SYSTEM = {
    errno.ENOENT: _("there is no such file or folder"),
    errno.EACCES: _("permission denied"),
    errno.EPERM: _("permission denied"),
    errno.EISDIR: _("it is a folder"),
    errno.ENOTDIR: _("a part of its path is no folder"),
    errno.EEXIST: _("it is there already"),
    errno.ENOSPC: _("the disk is full"),
    errno.EROFS: _("the disk is read-only"),
}
"""What the operating system says most of files, in words that are translated."""


def said_by_system(error: OSError) -> Text | str:
    """What was wrong with a file."""
    return SYSTEM.get(error.errno or 0) or error.strerror or str(error)


class DispatcherError(Exception):
    """Something a person can mend: its text says what, where and how.

    ``text`` is a Text, so that a command shows it in the reader's language while the log keeps
    English. ``exit_code`` is what a command ends with: 2, wrong usage or a bad file.
    """

    exit_code = 2

    def __init__(self, text: Text | str) -> None:
        super().__init__(str(text))
        self.text = text if isinstance(text, Text) else Text("{text}", text=text)

    def render(self, translate: Translate) -> str:
        """The whole error in the language of ``translate``."""
        return self.text.render(translate)


class Refused(DispatcherError):
    """The question was understood and the answer is no (exit code 1)."""

    exit_code = 1


class SettingsError(DispatcherError):
    """An environment variable or the ``.env`` file says something that cannot be used."""


class PhraseError(DispatcherError):
    """A cadence phrase was not understood; the text quotes it and lists the nearest forms."""


class Place(NamedTuple):
    """A position in the calendar file; line and column count from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """One thing wrong with the calendar file, where, and what to write instead."""

    place: Place
    text: Text
    duty: str = ""

    def render(self, name: str, translate: Translate) -> str:
        """``schedules.yaml:123:7 duty 'dropout-check': ...`` in the language of ``translate``."""
        where = f"{name}:{self.place.line}:{self.place.column}"
        if self.duty:
            where += " " + Text("duty '{duty}'", duty=self.duty).render(translate)
        return f"{where}: {self.text.render(translate)}"

    def says(self, name: str) -> Text:
        """The same as a Text, to be kept."""
        line, column = self.place
        where = {"file": name, "line": line, "column": column, "text": self.text}
        if not self.duty:
            return _("{file}:{line}:{column}: {text}", **where)
        return _("{file}:{line}:{column} duty '{duty}': {text}", duty=self.duty, **where)


class PlanError(DispatcherError):
    """The calendar file cannot be used: every problem found, in the order of the file."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.name = name
        self.problems = tuple(sorted(problems, key=lambda problem: problem.place))
        super().__init__("\n".join(p.render(name, str) for p in self.problems))

    @property
    def in_short(self) -> Text:
        """The first problems, and how many more there are."""
        first = [problem.says(self.name) for problem in self.problems[:SHOWN]]
        more = len(self.problems) - len(first)
        return (
            _("{problems}; and {more} more", problems=first, more=more)
            if more
            else (Text("{problems}", problems=first))
        )

    def render(self, translate: Translate) -> str:
        """One line a problem."""
        return "\n".join(problem.render(self.name, translate) for problem in self.problems)
