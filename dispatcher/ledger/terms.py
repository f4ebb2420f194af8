"""The ledger's words, as people read them: messages, reminders, actions, colours."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from dispatcher.i18n import Text, _
from dispatcher.ledger.transitions import CHASED, KINDS, OPEN, STATE_WORDS

Colour = Literal["red", "yellow", "blue"]
COLOURS: dict[Colour, Text] = {"red": _("red"), "yellow": _("yellow"), "blue": _("blue")}
ROLES = {"lead": _("lead"), "responsible": _("responsible")}
MESSAGES = {
    "digest": _("digest"),
    "brief": _("brief"),
    "slip": _("slip"),
    "status": _("notice"),
    "test": _("test"),
}
"""What a message is."""
MESSAGE_STATES = {
    "queued": _("queued"),
    "claimed": _("about to be sent"),
    "sending": _("being sent"),
    "sent": _("sent"),
    "unknown": _("of unknown outcome"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
}
OUTCOMES = {
    "sending": _("under way"),
    "sent": _("sent"),
    "temporary": _("failed for now"),
    "permanent": _("refused for good"),
    "unknown": _("of unknown outcome"),
    "released": _("given back"),
}
"""How an attempt ended."""
TODO_STATES = {
    "opening": _("to be opened"),
    "open": _("on the lists"),
    "closing": _("to be closed"),
    "unknown": _("of unknown outcome"),
    "failed": _("failed"),
}
REMINDER_STATES = {
    "queued": _("queued"),
    "told": _("told"),
    "superseded": _("superseded"),
    "cancelled": _("cancelled"),
    "failed": _("failed"),
}
ROUNDS = {
    "opened": _("opened"),
    "moved": _("the due date was moved after the unit had been told that it was due"),
    "restored": _("the plan has it again"),
    "extended": _("an extension was granted"),
    "returned": _("returned by the office"),
    "reopened": _("reopened by the office"),
}
"""Why a round began."""
ACTIONS: dict[str, Text] = {
    **{str(kind): says for kind, says in KINDS.items()},
    **STATE_WORDS,
    "copy": _("copy closed"),
    "move": _("due date moved"),
    "part": _("part changed"),
    "restore": _("restored"),
    "rename": _("unit renamed"),
    "revise": _("new calendar applied"),
    "apply": _("held edit applied"),
    "pause": _("paused"),
    "resume": _("resumed"),
    "retry": _("sent again"),
    "arrived": _("found to have arrived"),
    "lost": _("found to be lost"),
    "event": _("event recorded"),
    "undo-event": _("event undone"),
    "draft-slip": _("slip drafted"),
    "release-slip": _("slip released"),
    "void-slip": _("slip made void"),
}
"""What is done, as the audit has it."""
HIGHEST = 2**63 - 1
"""The highest number that every database can hold."""
SOON = timedelta(days=7)
"""So long before its due date an item is blue."""


def colour_of(state: str, due: date, today: date, *, missed: bool) -> Colour | None:
    """Red when overdue, yellow when due today or when its figures fall short, blue when due soon.

    Only while it is open, and by its date only while it is chased.

    >>> [colour_of("pending", date(2026, 6, day), date(2026, 6, 9), missed=False) for day in (8, 9)]
    ['red', 'yellow']
    >>> colour_of("reported", date(2026, 6, 8), date(2026, 6, 9), missed=True)
    'yellow'
    """
    chased = state in CHASED
    if chased and due < today:
        return "red"
    if state in OPEN and (missed or (chased and due == today)):
        return "yellow"
    return "blue" if chased and due <= today + SOON else None
