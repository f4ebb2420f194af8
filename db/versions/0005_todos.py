"""To-dos on the lists of people, opened and closed with their assignments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
KEPT = sa.text("state != 'closed'")
WAITS = sa.text("next_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "todo",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("assignment_id", sa.Integer, sa.ForeignKey("assignment.id"), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("lease_until", sa.Float),
        sa.Column("task", sa.String),
        sa.Column("reason", sa.JSON),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["assignment_id", "round"], ["round.assignment_id", "round.number"]
        ),
        *(sa.CheckConstraint(condition, name=name) for name, condition in CHECKS.items()),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ux_todo_kept",
        "todo",
        ["assignment_id", "round", "channel", "account"],
        unique=True,
        sqlite_where=KEPT,
        postgresql_where=KEPT,
    )
    op.create_index("ix_todo_next", "todo", ["next_at"], sqlite_where=WAITS, postgresql_where=WAITS)


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger is never taken back to an older schema: restore a backup from before the upgrade"
    )


CHECKS = {
    "state": "state IN ('opening', 'closing', 'open', 'closed', 'unknown', 'failed')",
    "reason_exactly": "(reason IS NOT NULL) = (state IN ('unknown', 'failed'))",
    "settled_at_exactly": "(settled_at IS NOT NULL) = (state IN ('closed', 'unknown', 'failed'))",
    "one_of_two": "next_at IS NULL OR lease_until IS NULL",
    "under_way": (
        "(next_at IS NOT NULL OR lease_until IS NOT NULL) = (state IN ('opening', 'closing'))"
    ),
    "task": "task IS NOT NULL OR state NOT IN ('open', 'closing')",
}
