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

from dispatcher.ledger.tables.base import metadata
from dispatcher.ledger.types import Instant, Json, Remark, Sentence

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
    Column("applied_at", Instant, nullable=False),
    Column("calendar", String),
)
"""Every plan that was ever applied; ``calendar`` is the file's text where it was kept."""

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
