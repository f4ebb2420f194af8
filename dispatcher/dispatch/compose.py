"""Composing: from plain data to the subject, the text and the HTML that a person reads.

The words that follow from data (dates, counts, marks) are made in ``digest`` and ``brief`` and are
one for text and HTML; the sentences around them, their order and their looks are the templates'.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dispatcher.dispatch.brief import (
    Brief,
    Line,
    Status,
    Trial,
    brief_view,
    status_view,
    trial_view,
)
from dispatcher.dispatch.digest import Digest, digest_view
from dispatcher.dispatch.letter import Letter, letter_view
from dispatcher.dispatch.wording import View, clean, cleaned
from dispatcher.ledger.items import Item
from dispatcher.plan.workdays import Workdays

if TYPE_CHECKING:
    from dispatcher.dispatch.sandbox import Sandbox

__all__ = ["Brief", "Composer", "Digest", "Item", "Letter", "Line", "Rendered", "Status", "Trial"]

logger = logging.getLogger("dispatcher.compose")

SUBJECT_LENGTH = 200
PARTS = ("subject", "txt", "html")


class Rendered(NamedTuple):
    """A message. ``html`` is empty, and ``broken`` says where and why, when a template failed
    and the built-in text stands in for it."""

    subject: str
    text: str
    html: str
    broken: str = ""


class Composer:
    """Composes every message from the templates in ``folders``, the first that has one wins.

    A template that fails (wrong syntax, an undefined name, no text, too much of it) is logged and
    replaced by a built-in text: no reminder is lost to an edit.
    """

    def __init__(self, folders: Sequence[Path], workdays: Workdays) -> None:
        self._folders, self._workdays = folders, workdays

    @cached_property
    def _sandbox(self) -> Sandbox:
        """Made when first used: Jinja2 takes long to import."""
        from dispatcher.dispatch.sandbox import Sandbox

        return Sandbox(self._folders)

    def digest(self, digest: Digest) -> Rendered:
        """A unit's reminders by colour: at most eight in full, a line for each other."""
        return self._rendered("digest", digest_view(digest, self._workdays))

    def brief(self, brief: Brief) -> Rendered:
        """The office's daily brief."""
        return self._rendered("brief", brief_view(brief))

    def status(self, status: Status) -> Rendered:
        """What the office reads when the service starts for the first time."""
        return self._rendered("status", status_view(status))

    def test(self, trial: Trial) -> Rendered:
        """A message that is marked as a test and asks for nothing."""
        return self._rendered("test", trial_view(trial))

    def slip(self, letter: Letter) -> Rendered:
        """A colour slip, as its release stores and sends it."""
        return self._rendered("slip", letter_view(letter))

    def faults(self) -> list[str]:
        """Where templates fail, and why; empty when each does its work for each sample."""
        from dispatcher.dispatch.samples import samples

        found = []
        for name, view in ((f"{kind}.{part}", view) for kind, view in samples() for part in PARTS):
            try:
                self._printed(name, view)
            except _Broken as broken:
                found.append(str(broken))
        return list(dict.fromkeys(found))

    def _rendered(self, kind: str, view: View) -> Rendered:
        view = cleaned(view)
        try:
            subject, text, html = (self._printed(f"{kind}.{part}", view) for part in PARTS)
        except _Broken as broken:
            return _built_in(view, str(broken))
        return Rendered(clean(subject)[:SUBJECT_LENGTH], f"{text}\n", html)

    def _printed(self, name: str, view: View) -> str:
        from dispatcher.dispatch.sandbox import fault

        try:
            found = self._sandbox.printed(name, view)
        except Exception as error:  # an office's template can fail in any way, a reminder in none
            raise _Broken(clean(fault(name, error))) from None
        if not found and not name.endswith(".html"):
            raise _Broken(f"{name}: prints nothing")
        return found


class _Broken(Exception):
    """A template fails: where, and why."""


def _built_in(view: View, broken: str) -> Rendered:
    logger.error("template broken, built-in text used: %s", broken)
    return Rendered(view["subject"][:SUBJECT_LENGTH], "\n".join(view["lines"]) + "\n", "", broken)
