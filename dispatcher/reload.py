"""The calendar while the daemon runs: an edit of the file is noticed, weighed and taken up.

The revision in force lives in the ledger, so that all replicas work by the same, and a bad file
changes nothing. The file is only where edits come from.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from dispatcher import bootstrap, logs
from dispatcher.dispatch import revising
from dispatcher.dispatch.parts import Parts
from dispatcher.errors import DispatcherError, PlanError
from dispatcher.health import what_failed
from dispatcher.hiding import secrets
from dispatcher.i18n import Text, _
from dispatcher.ledger import guards, installation, revisions
from dispatcher.ledger.database import Connection
from dispatcher.plan.comparing import compare, horizon
from dispatcher.plan.model import Revision
from dispatcher.plan.occurrences import ROLL_ROOM
from dispatcher.settings import Settings, shipped

log = logging.getLogger("dispatcher.reload")
SETTLE = 1.0
"""Seconds after which a file that is the same again is taken to be whole."""


class Found(NamedTuple):
    """What the file holds, or why it cannot be read; ``mark`` names it."""

    mark: str
    text: str | None
    error: DispatcherError | None


class Reload:
    """Follows a calendar file and the ledger's revisions; ``parts`` work by the one in force.

    ``begun`` is the revision that ``parts`` were made for. ``considered`` is the mark of what the
    file held when it was looked at last, ``opened`` the edit that this process has left open then,
    ``opened_again`` one that another replica had closed: that is done once, or two whose files
    differ would do it in turn. ``instead_of`` is the revision of the ledger in whose place
    ``begun`` stands.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        begun: Revision,
        instead_of: str = "",
        settle: float = SETTLE,
    ) -> None:
        self.settings, self.parts, self.running, self.settle = settings, parts, begun, settle
        self.instead_of = instead_of
        self.considered = self.opened = self.opened_again = ""
        self.at_start = True
        self.ledger: tuple[str, int] | None = None
        self.counts: Counter[str] = Counter()

    def restless(self) -> bool:
        """Whether the file holds something that was not considered yet."""
        return self._look().mark != self.considered

    def follow(self) -> tuple[Parts, Counter[str]]:
        """What the next pass works with: by the revision that is in force, an edit of the file
        taken up if there is one, and it is whole. Counts what that changed, as a pass does."""
        self.counts = Counter()
        self._follow_ledger()
        found = self._settled()
        if found and self._consider(found):
            self.considered, self.at_start = found.mark, False
        return self.parts, self.counts

    # ------------------------------------------------------------------------------- the ledger

    def _follow_ledger(self) -> None:
        """Another replica, or a person, may have taken up an edit, or put an older ledger back."""
        mine = self.running
        with self.parts.engine.begin() as conn:
            guards.refuse_newer(conn, shipped("db"))
            now = self.parts.clock()
            self._look_back(conn, now)
            found, agreed = installation.find(conn), revisions.agreed(conn)
            open_ = agreed or revisions.waiting(conn)
            self._notice(found and (found.epoch, found.generation), open_ and open_.hash)
            hash = found.revision if found else None
            if hash == mine.hash and self.considered and not agreed:
                return
            text = revisions.calendar(conn, hash) if hash else None
            if hash != mine.hash and (text is None or hash == self.instead_of):
                self.counts += revising.begin(conn, mine, now)
                return
            revisions.keep(conn, mine.hash, mine.text, now)
        if hash and text is not None and hash != mine.hash:
            self._catch_up(hash, text)
        if agreed:
            self._take_up(agreed)

    def _look_back(self, conn: Connection, now: datetime) -> None:
        """At the start: replicas of another version may have read the rules of dates otherwise."""
        if self.at_start:
            today = now.astimezone(self.running.plan.zone).date()
            installation.look_back(conn, today - ROLL_ROOM)

    def _notice(self, ledger: tuple[str, int] | None, open_: str | None) -> None:
        """Looks at the file anew where the ledger no longer knows what was found in it."""
        known = ("", self.opened_again, self.running.hash, open_)
        if self.opened not in known:
            self.opened_again, self.considered = self.opened, ""
        if self.ledger and ledger != self.ledger:
            self.considered = ""
        self.ledger = ledger

    def _catch_up(self, hash: str, text: str) -> None:
        """Works by a revision of the ledger. What this program reads in it otherwise than the one
        before, with other holidays say, it takes up when it starts, but not from another replica:
        two of them would do so in turn."""
        there = self._read(text)
        if not self.at_start or there.hash == hash:
            self._work_by(there._replace(hash=hash))
            return
        with self.parts.engine.begin() as conn:
            self.counts += revising.begin(conn, there, self.parts.clock())
        self._work_by(there)

    def _read(self, text: str) -> Revision:
        """A calendar of the ledger, which another replica has taken up."""
        try:
            return bootstrap.revision(self.settings.schedules.name, text)
        except PlanError as error:
            why = _("the calendar in force was taken up by another version of this program: {why}",
                    why=error.in_short)  # fmt: skip
            raise DispatcherError(why) from None

    def _take_up(self, agreed: revisions.Edit) -> None:
        """Takes up an edit that somebody has agreed to; holds it where that cannot be done."""
        with self.parts.engine.begin() as conn:
            text = revisions.calendar(conn, agreed.hash)
        try:
            new = self._read(text or "")._replace(hash=agreed.hash)
            parts = self._parts_by(new)
        except DispatcherError as error:
            with self.parts.engine.begin() as conn:
                revisions.hold_again(conn, agreed, error.text)
            log.error("the edit cannot be taken up: %s", error)
            return
        with self.parts.engine.begin() as conn:
            if revisions.running(conn) != self.running.hash or revisions.agreed(conn) != agreed:
                return
            now = self.parts.clock()
            self.counts += revising.take_up(conn, agreed, self.running, new, now)
        self._take(new, parts)

    # --------------------------------------------------------------------------------- the file

    def _look(self) -> Found:
        return look(self._file())

    def _file(self) -> Path:
        """The home's own file as soon as there is one, or where it was once it is gone."""
        given, own = self.settings.schedules, self.settings.home / "schedules.yaml"
        if given != shipped("schedules.yaml") or given == own:
            return given
        on_sample = look(given).text == self.running.text
        return given if on_sample and not own.exists() else own

    def _settled(self) -> Found | None:
        """What the file holds, if that is news and it is the same a moment later."""
        found = self._look()
        if found.mark == self.considered:
            return None
        known = found.text == self.running.text
        if not known and self.parts.stop.wait(self.settle):
            return None
        return found if known or self._look().mark == found.mark else None

    def _consider(self, found: Found) -> bool:
        """Takes up what the file holds, holds or refuses it; False when another replica has been
        quicker, so that it must be looked at again."""
        if found.text == self.running.text:
            return self._as_it_was()
        try:
            if found.error:
                raise found.error
            new = bootstrap.revision(self.settings.schedules.name, found.text or "")
            parts = self._parts_by(new)
            return self._propose(new, parts)
        except DispatcherError as error:
            why = error.in_short if isinstance(error, PlanError) else error.text
        except Exception as error:
            if guards.trouble(error):
                raise
            log.exception("the edit cannot be weighed")
            why = what_failed(error, self.settings)
        try:
            return self._refuse(found, why)
        except Exception as error:
            if guards.trouble(error):
                raise
            # Whatever is in a bad file, it stops no reminder.
            log.exception("nobody can be told that the calendar file cannot be used: %s", why)
            return True

    def _is_overtaken(self, conn: Connection) -> bool:
        """Whether another replica, or a person, has decided meanwhile: that is followed first."""
        return revisions.running(conn) != self.running.hash or revisions.agreed(conn) is not None

    def _as_it_was(self) -> bool:
        """The file holds what is in force: what waited is no more."""
        with self.parts.engine.begin() as conn:
            if self._is_overtaken(conn):
                return False
            revisions.drop(conn, self.parts.clock())
        if self.opened:
            log.info("the calendar file holds what is in force again")
        self.opened = ""
        return True

    def _propose(self, new: Revision, parts: Parts) -> bool:
        old = self.running
        today = self.parts.clock().astimezone(new.plan.zone).date()
        difference = compare(old.plan, new.plan, *horizon(new.plan, today))
        name, limit = self.settings.schedules.name, self.settings.silence_percent
        edit = revising.Proposal(old, new, difference, name, limit, at_start=self.at_start)
        with self.parts.engine.begin() as conn:
            if self._is_overtaken(conn):
                return False
            # Not before the ledger is ours: another replica's pass may be what was waited for.
            proposed = revising.propose(conn, edit, self.parts.clock())
        self.counts += proposed.counts
        if proposed.hold:
            log.warning("the edit waits for 'dispatcher apply': %s", proposed.hold)
            self.opened = new.hash
        else:
            self._take(new, parts)
        return True

    def _refuse(self, found: Found, why: Text) -> bool:
        with self.parts.engine.begin() as conn:
            if self._is_overtaken(conn):
                return False
            plan, now = self.running.plan, self.parts.clock()
            if revising.refuse(conn, plan, found.mark, why, now) or not self.considered:
                log.error("the calendar file cannot be used, the one before goes on: %s", why)
        self.opened = found.mark
        return True

    # -------------------------------------------------------------------------------- the parts

    def _work_by(self, revision: Revision) -> None:
        self._take(revision, self._parts_by(revision))

    def _parts_by(self, revision: Revision) -> Parts:
        """The parts for a revision; raises DispatcherError where its channels lack anything."""
        logs.hide(secrets(self.settings, revision.plan))
        now = self.parts
        made = bootstrap.parts(self.settings, revision, now.engine, now.clock, now.stop)
        return made._replace(lease=now.lease, patience=now.patience)

    def _take(self, revision: Revision, parts: Parts) -> None:
        """Goes on with other parts; what the courier has in hand stays there."""
        log.info("working by revision %s of the calendar", revision.hash)
        courier = self.parts.courier
        courier.equip(parts.channels)
        self.running, self.parts = revision, parts._replace(courier=courier)


def look(path: Path) -> Found:
    """What a calendar file holds at this moment. By content: what a file is called, linked to or
    dated says little about it."""
    try:
        text = bootstrap.calendar_text(path)
    except PlanError as error:
        return Found(_mark(f"error {error}"), None, error)
    except DispatcherError as error:
        why = _("{why}; 'dispatcher revisions show NUMBER' prints what it held", why=error.text)
        return Found(_mark(f"error {error}"), None, DispatcherError(why))
    return Found(_mark(text), text, None)


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
