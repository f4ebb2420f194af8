"""Edits of the calendar file: what was seen in it, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # Both databases know this statement; a held calendar is kept before it is applied, if ever.
    op.execute("ALTER TABLE revision RENAME COLUMN applied_at TO kept_at")
    op.create_table(
        "edit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.JSON),
        sa.Column("consequences", sa.JSON),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("settled_by", sa.String),
        *(sa.CheckConstraint(condition, name=name) for name, condition in CHECKS.items()),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger is never taken back to an older schema: restore a backup from before the upgrade"
    )


CHECKS = {
    "state": "state IN ('held', 'refused', 'agreed', 'applied', 'dropped')",
    "reason": "reason IS NOT NULL OR state = 'applied'",
    "settled_at_exactly": "(settled_at IS NOT NULL) = (state IN ('agreed', 'applied', 'dropped'))",
    "settled_by_exactly": "(settled_by IS NOT NULL) = (state IN ('agreed', 'applied', 'dropped'))",
}
