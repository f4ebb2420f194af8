"""What it takes to survive: claims that kill, ledgers that went back, records taken out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    count = sa.Column("rescues", sa.Integer, server_default=sa.text("0"), nullable=False)
    op.add_column("message", count)
    number = sa.Column("generation", sa.Integer, server_default=sa.text("1"), nullable=False)
    op.add_column("installation", number)
    op.add_column("installation", sa.Column("pruned_before", sa.Date))
    if op.get_bind().dialect.name == "sqlite":
        let_prune_on_sqlite()
    else:
        let_prune_on_postgresql()


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger is never taken back to an older schema: restore a backup from before the upgrade"
    )


PRUNED = "EXISTS (SELECT 1 FROM installation WHERE OLD.finished_at < pruned_before)"
MESSAGE = "an attempt is never deleted"


def let_prune_on_sqlite() -> None:
    """While a prune is under way, what it has exported may go."""
    op.execute("DROP TRIGGER attempt_kept")
    op.execute(
        f"CREATE TRIGGER attempt_kept BEFORE DELETE ON attempt WHEN NOT {PRUNED}"
        f" BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    )


def let_prune_on_postgresql() -> None:
    op.execute("DROP TRIGGER attempt_kept ON attempt")
    op.execute(
        "CREATE FUNCTION keep_attempt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {PRUNED} THEN RETURN OLD; END IF;"
        f" RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'check_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER attempt_kept BEFORE DELETE ON attempt"
        " FOR EACH ROW EXECUTE FUNCTION keep_attempt()"
    )
