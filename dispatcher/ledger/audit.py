"""The audit: what people, edits and operators changed. It is only ever added to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from dispatcher.i18n import Text
from dispatcher.ledger.tables import audit

PLAN = "plan"
"""The actor of what follows from an edit of the calendar."""


def record(
    conn: Connection,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    reason: Text | None = None,
    **detail: Any,
) -> None:
    """Adds a row; ``subject`` is a key such as ``dropout-check/2023-03@区社管局``."""
    conn.execute(
        insert(audit).values(
            at=at, actor=actor, action=action, subject=subject, reason=reason, detail=detail
        )
    )
