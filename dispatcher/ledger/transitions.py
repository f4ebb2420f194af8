"""The states of an assignment, and what each answer makes of them.

The tables' CHECK says the same to the database, and a trigger adds what time and edits of the plan
may do; ``docs/design.md`` shows it to people.
"""

from __future__ import annotations

from typing import Literal

from dispatcher.i18n import Text, _

Kind = Literal[
    "ack", "report", "done", "return", "ask", "grant", "refuse", "waive", "withdraw", "reopen"
]
CHASED = ("pending", "acknowledged", "returned")
"""Assignments that are still told of their steps."""
OPEN = (*CHASED, "reported")
"""Assignments that an edit of the plan may still move or withdraw."""
WITH_REASON = ("waived", "withdrawn", "lapsed")
CLOSED = ("done", *WITH_REASON)
STATES = (*OPEN, *CLOSED)

ANSWERS: dict[Kind, dict[str, str]] = {
    "ack": dict.fromkeys(CHASED, "acknowledged"),
    "report": dict.fromkeys((*OPEN, "lapsed"), "reported"),
    "done": dict.fromkeys((*OPEN, "lapsed"), "done"),
    "return": {"reported": "returned"},
    "ask": {state: state for state in CHASED},
    "grant": {state: state for state in CHASED},
    "refuse": {state: state for state in CHASED},
    "waive": dict.fromkeys((*OPEN, "lapsed"), "waived"),
    "withdraw": dict.fromkeys(OPEN, "withdrawn"),
    "reopen": dict.fromkeys(CLOSED, "pending"),
}
"""What an answer makes of each state; from a state that is missing here it is refused.

A late answer to a lapsed assignment is taken: what was handed in counts, however late. An
acknowledgement may come again, with the progress made since.
"""
STATE_WORDS = {
    "pending": _("pending"),
    "acknowledged": _("acknowledged"),
    "reported": _("reported"),
    "returned": _("returned"),
    "done": _("done"),
    "waived": _("waived"),
    "withdrawn": _("withdrawn"),
    "lapsed": _("lapsed"),
}
"""The states, as people read them."""
KINDS: dict[Kind, Text] = {
    "ack": _("acknowledge"),
    "report": _("report"),
    "done": _("close as done"),
    "return": _("return"),
    "ask": _("ask for an extension"),
    "grant": _("grant an extension"),
    "refuse": _("refuse an extension"),
    "waive": _("waive"),
    "withdraw": _("withdraw"),
    "reopen": _("reopen"),
}
"""What is said to an assignment, as people read it."""


def allowed_answers() -> list[str]:
    """Every ``kind was became`` of an answer, as the CHECK compares it."""
    return [
        f"{kind} {was} {became}" for kind, ways in ANSWERS.items() for was, became in ways.items()
    ]
