"""Several channels: their pauses and budgets, and digests as data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    order = sa.Column("urgency", sa.Integer, server_default=sa.text("1"), nullable=False)
    op.add_column("message", order)
    op.add_column("message", sa.Column("card", sa.JSON))
    waits = sa.text("next_attempt_at IS NOT NULL")
    op.drop_index("ix_message_queued", "message")
    op.create_index(
        "ix_message_queued",
        "message",
        ["urgency", "next_attempt_at"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_table(
        "channel",
        sa.Column("name", sa.String, primary_key=True),
        *(
            sa.Column(name, sa.DateTime(timezone=True))
            for name in ("free_at", "paused_at", "paused_until")
        ),
        sa.Column("paused_by", sa.String),
        sa.Column("reason", sa.JSON),
        sa.Column("faults", sa.Integer, server_default=sa.text("0"), nullable=False),
        *(
            sa.CheckConstraint(f"(paused_at IS NULL) = ({name} IS NULL)", name=name)
            for name in ("reason", "paused_by")
        ),
        sa.CheckConstraint("paused_at IS NOT NULL OR paused_until IS NULL", name="paused_until"),
    )


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger is never taken back to an older schema: restore a backup from before the upgrade"
    )
