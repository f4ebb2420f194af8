"""Names of units and groups: every alias of each, and nearest names for what nobody is called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from dispatcher.errors import DispatcherError, Place
from dispatcher.i18n import _
from dispatcher.plan.model import Duty, Group, Plan, Unit
from dispatcher.plan.shape import Report, Word, nearest

SEPARATOR = re.compile("[、,，;；]")


class Names:
    """Resolves what the file calls somebody to the unit's own name, groups to their members.

    Full-width and half-width brackets are the same. A name that two of them claim is reported.
    """

    def __init__(
        self, units: Mapping[Word, Unit], groups: Mapping[Word, Group], report: Report
    ) -> None:
        self.report = report
        self.units = {str(name): unit for name, unit in units.items()}
        self.groups = {str(name): group for name, group in groups.items()}
        self.known: dict[str, str] = {}
        self.reported: set[Place] = set()
        owners: list[tuple[Word, Unit | Group]] = [*units.items(), *groups.items()]
        for name, _owner in owners:
            self._claim(name, str(name), own=True)
        for name, owner in owners:
            for alias in owner.aliases:
                self._claim(alias, str(name))

    def _claim(self, name: str, owner: str, *, own: bool = False) -> None:
        taken = folded(name) in self.known
        claimed = self.known.setdefault(folded(name), owner)
        if (claimed != owner or (own and taken)) and isinstance(name, Word):
            text = _("'{name}' is already a name of '{other}'", name=name, other=claimed)
            self.report(name.place, text)

    def each(self, names: Iterable[str]) -> Iterator[str]:
        """The units behind ``names``, groups expanded, each unit once.

        An unknown name is reported, once for its place in the file.
        """
        seen: set[str] = set()
        for name in names:
            for unit in self._members(name):
                if unit not in seen:
                    seen.add(unit)
                    yield unit

    def _members(self, name: str) -> Iterable[str]:
        found = self.find(name)
        if found is None:
            self._unknown(name)
            return ()
        if found in self.groups:
            members = (self.one(member) for member in self.groups[found].members)
            return [member for member in members if member]
        return (found,)

    def find(self, name: str) -> str | None:
        """The own name of the unit or group called ``name``; None, without a report, for others."""
        return self.known.get(folded(name))

    def one(self, name: str) -> str | None:
        """The unit called ``name``; None for an empty name, and for an unknown one, reported."""
        if not name:
            return None
        found = self.find(name)
        if found not in self.units:
            self._unknown(name)
            return None
        return found

    def _unknown(self, name: str) -> None:
        if isinstance(name, Word) and name.place not in self.reported:
            self.reported.add(name.place)
            near = nearest(name, list(dict.fromkeys((*self.known.values(), *self.known))))
            text = _("unknown unit or group '{name}'; nearest: {near}", name=name, near=near)
            if "，" in name:
                text = _("{text}; in [...] a full-width '，' does not separate names", text=text)
            self.report(name.place, text)


def split_names(column: Word | list[Word]) -> list[Word]:
    """A 责任单位 column as names; each keeps its own place in the line."""
    if isinstance(column, list):
        return column
    found = []
    start = 0
    for part in SEPARATOR.split(column):
        if part.strip():
            shift = start + len(part) - len(part.lstrip()) + column.quoted
            place = column.place._replace(column=column.place.column + shift)
            found.append(Word.written(part.strip(), place))
        start += len(part) + 1
    return found


def folded(name: str) -> str:
    """``name`` as names are compared: no matter how wide its brackets and letters are, or where it
    has blanks.

    >>> folded("支出进度（潭东镇）") == folded("支出进度 (潭东镇)")
    True
    """
    return unicodedata.normalize("NFKC", name).replace(" ", "")


def unit_called(plan: Plan, name: str) -> str:
    """The own name of the unit that ``name`` calls; raises DispatcherError with the nearest."""
    known = {folded(alias): unit.name for unit in plan.units.values() for alias in unit.aliases}
    known |= {folded(unit): unit for unit in plan.units}
    if folded(name) not in known:
        near = nearest(name, list(plan.units))
        raise DispatcherError(_("unknown unit '{name}'; nearest: {near}", name=name, near=near))
    return known[folded(name)]


def duty_called(plan: Plan, id: str) -> Duty:
    """The duty of an id, or of its whole title; raises DispatcherError with the nearest ids."""
    if id in plan.duties:
        return plan.duties[id]
    titled = [duty for duty in plan.duties.values() if duty.title == id]
    if len(titled) == 1:
        return titled[0]
    if titled:
        text = _("several duties are called '{title}': {ids}; name one of these ids", title=id,
                 ids=[duty.id for duty in titled])  # fmt: skip
        raise DispatcherError(text)
    near = nearest(id, list(plan.duties))
    raise DispatcherError(_("unknown duty '{id}'; nearest: {near}", id=id, near=near))
