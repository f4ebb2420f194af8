"""An item of a digest."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple


class Item(NamedTuple):
    """An assignment of a digest: ``unit`` has it, ``told`` is told of it, as ``addressee``.

    ``owes`` is false for a copy. ``step`` is ``open``, ``T-7``, ``T``, ``T+3`` or a notice
    (``moved 2026-04-15``, ``returned``, ``withdrawn``), to which ``remark`` gives the office's
    words; ``times`` counts the overdue steps told in this round, this one included; ``lapsed``
    counts earlier periods of the duty that the unit never answered; ``missed`` says that what it
    reported falls short of a measure; ``earlier`` are the notices before this one, each with the
    date before it and the remark.
    """

    unit: str
    role: Literal["lead", "responsible"]
    owes: bool
    duty: str
    title: str
    task: str
    rows: tuple[int, ...]
    clause: str
    period: str
    opens: date
    due: date
    nominal: date
    provisional: bool
    progress: bool
    step: str
    round: int = 1
    times: int = 0
    lapsed: int = 0
    lead: tuple[str, ...] = ()
    old_due: date | None = None
    told: str = ""
    addressee: Literal["owner", "copy", "superior", "office"] = "owner"
    missed: bool = False
    remark: str = ""
    earlier: tuple[tuple[str, date | None, str], ...] = ()

    @property
    def closed(self) -> bool:
        """Whether it is told only that nothing is owed any more."""
        return self.step in ("withdrawn", "waived")

    @property
    def escalated(self) -> bool:
        """Whether it is told to those above the unit that owes it."""
        return self.addressee in ("superior", "office")

    @property
    def owed(self) -> bool:
        """Whether the one who is told owes an answer."""
        return self.owes and not self.closed and not self.escalated
