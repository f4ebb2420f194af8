"""The ledger itself: how far it has come, by which plans, and who changed what."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    text,
)

from dispatcher.ledger.constraints import exactly_in, one_of
from dispatcher.ledger.tables.base import metadata
from dispatcher.ledger.types import Instant, Json, Remark, Sentence

EDIT_OPEN = ("held", "refused")
EDIT_SETTLED = ("agreed", "applied", "dropped")
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("epoch", String, nullable=False),
    Column("go_live_on", Date, nullable=False),
    Column("watermark", Instant, nullable=False),
    Column("reconciled_on", Date),
    Column("revision", ForeignKey("revision.hash")),
    Column("hold", Remark),
    Column("held_by", String),
    Column("held_at", Instant),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("pruned_before", Date),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("(hold IS NULL) = (held_at IS NULL)", name="hold"),
)
"""This ledger: when it went live, how far it has come, and why it is paused (``hold``).

``generation`` counts how often it was resumed after it had gone back to an older copy;
``pruned_before`` is set while what was settled before that day is taken out.
"""

revision = Table(
    "revision",
    metadata,
    Column("hash", String, primary_key=True),
    Column("kept_at", Instant, nullable=False),
    Column("calendar", String),
)
"""Every plan that was ever applied or held; ``calendar`` is the file's text where it was kept."""

edit = Table(
    "edit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String, nullable=False),
    Column("noticed_at", Instant, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Sentence),
    Column("consequences", Json),
    Column("settled_at", Instant),
    Column("settled_by", String),
    one_of("state", *EDIT_OPEN, *EDIT_SETTLED),
    CheckConstraint("reason IS NOT NULL OR state = 'applied'", name="reason"),
    exactly_in("settled_at", *EDIT_SETTLED),
    exactly_in("settled_by", *EDIT_SETTLED),
    sqlite_autoincrement=True,
)
"""What was found in the calendar file, and what became of it; ``hash`` is its revision's.

``held`` waits for a person and ``refused`` for a better file, for a ``reason`` that stays when it
is settled: ``agreed`` until the next pass takes it up, or ``dropped`` when the file held something
else before anybody agreed. No more than one waits. ``consequences`` counts what it changes.
"""

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("detail", Json, nullable=False),
    Column("reason", Sentence),
    Column("prev_hash", String),
    Column("hash", String),
    CheckConstraint("hash IS NOT NULL OR prev_hash IS NULL", name="sealed"),
)
"""What people, edits and operators changed; ``hash`` stays empty until a sealing pass chains it."""
Index("ix_audit_at", audit.c.at)
