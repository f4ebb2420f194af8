"""What is wrong with a returned sheet: where, the offending value, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, Translate, _


class Place(NamedTuple):
    """Where in which file; ``column`` is a letter and a heading: ``M(完成情况)``.

    What concerns the whole row has no column, what concerns the whole file no sheet and row 0.
    """

    file: str
    sheet: str = ""
    row: int = 0
    column: str = ""

    @property
    def text(self) -> Text:
        if not self.sheet:
            return Text("{file}", file=self.file)
        if not self.column:
            return _("{file}, sheet {sheet}, row {row}", **self._asdict())
        return _("{file}, sheet {sheet}, row {row}, column {column}", **self._asdict())


class Problem(NamedTuple):
    """One thing that a person must mend before the sheet can be used."""

    place: Place
    text: Text

    def render(self, translate: Translate) -> str:
        """``社管局.xlsx, sheet 台账, row 7, column M(完成情况): ...``"""
        line = _("{place}: {problem}", place=self.place.text, problem=self.text)
        return line.render(translate)


class SheetError(DispatcherError):
    """The sheet cannot be used: every problem found, in the order of its rows."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.place[:3]))
        super().__init__("\n".join(problem.render(str) for problem in self.problems))

    def render(self, translate: Translate) -> str:
        """One line a problem."""
        return "\n".join(problem.render(translate) for problem in self.problems)


class Unfit(Exception):
    """A cell does not say what it must; ``text`` is why."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


class Report:
    """The problems of one worksheet, gathered."""

    def __init__(self, file: str, sheet: str) -> None:
        self.file, self.sheet = file, sheet
        self.problems: list[Problem] = []

    def add(self, text: Text, row: int, column: str = "") -> None:
        self.problems.append(Problem(Place(self.file, self.sheet, row, column), text))
