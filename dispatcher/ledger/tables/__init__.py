"""The ledger's tables, and the rows that cannot exist in them.

Unique keys are what makes a repeated pass harmless; CHECKs keep illegal states out; triggers
(in the migrations) keep the record of what was sent, and of who changed what, from being rewritten.
"""

from __future__ import annotations

from dispatcher.ledger.tables.base import metadata
from dispatcher.ledger.tables.records import EDIT_OPEN, audit, edit, installation, revision
from dispatcher.ledger.tables.sending import (
    ALIVE,
    DELIVERED,
    IS_KEPT,
    IS_REPORT,
    IS_UNKNOWN,
    LEASED,
    NO_SLIP,
    TODO_ENDED,
    TODO_UNDER_WAY,
    attachment,
    attempt,
    channel,
    message,
    message_item,
    todo,
)
from dispatcher.ledger.tables.work import (
    IS_FAILED,
    IS_MISSED,
    IS_QUEUED,
    adoption,
    answer,
    assignment,
    occurrence,
    reminder,
    round_,
    slip,
)

__all__ = [
    "ALIVE",
    "DELIVERED",
    "EDIT_OPEN",
    "IS_FAILED",
    "IS_KEPT",
    "IS_MISSED",
    "IS_QUEUED",
    "IS_REPORT",
    "IS_UNKNOWN",
    "LEASED",
    "NO_SLIP",
    "TODO_ENDED",
    "TODO_UNDER_WAY",
    "adoption",
    "answer",
    "assignment",
    "attachment",
    "attempt",
    "audit",
    "channel",
    "edit",
    "installation",
    "message",
    "message_item",
    "metadata",
    "occurrence",
    "reminder",
    "revision",
    "round_",
    "slip",
    "todo",
]
