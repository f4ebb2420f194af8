"""The ledger: all its tables, indexes and triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON()
TEXT = sa.String()


def quoted(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN {quoted(values)}", name=op.f(f"ck_{table}_{column}"))


def filled_in(table: str, column: str, *states: str) -> sa.CheckConstraint:
    condition = f"({column} IS NOT NULL) = (state IN {quoted(states)})"
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{column}_exactly"))


def partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    create_revision()
    create_installation()
    create_adoption()
    create_occurrence()
    create_assignment()
    create_round()
    create_reminder()
    create_message()
    create_message_item()
    create_attempt()
    create_answer()
    create_audit()
    create_triggers()


def create_revision() -> None:
    op.create_table(
        "revision",
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("applied_at", INSTANT, nullable=False),
        sa.Column("calendar", TEXT),
        sa.PrimaryKeyConstraint("hash"),
    )


def create_installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("epoch", TEXT, nullable=False),
        sa.Column("go_live_on", sa.Date, nullable=False),
        sa.Column("watermark", INSTANT, nullable=False),
        sa.Column("reconciled_on", sa.Date),
        sa.Column("revision", TEXT),
        sa.Column("hold", TEXT),
        sa.Column("held_by", TEXT),
        sa.Column("held_at", INSTANT),
        sa.CheckConstraint("(hold IS NULL) = (held_at IS NULL)", name=op.f("ck_installation_hold")),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.ForeignKeyConstraint(["revision"], ["revision.hash"]),
        sa.PrimaryKeyConstraint("id"),
    )


def create_adoption() -> None:
    op.create_table(
        "adoption",
        sa.Column("duty", TEXT, nullable=False),
        sa.Column("cadence", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("adopted_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("duty", "cadence", "unit"),
    )


def create_occurrence() -> None:
    op.create_table(
        "occurrence",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("duty", TEXT, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("opens_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("nominal_on", sa.Date, nullable=False),
        sa.Column("provisional", sa.Boolean, nullable=False),
        sa.Column("progress", sa.Boolean, nullable=False),
        sa.Column("event", sa.Boolean, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("task", TEXT, nullable=False),
        sa.Column("rows", JSON, nullable=False),
        sa.Column("clause", TEXT, nullable=False),
        sa.Column("phrase", TEXT, nullable=False),
        sa.Column("lead", JSON, nullable=False),
        sa.Column("reason", JSON),
        sa.Column("entered_at", INSTANT, nullable=False),
        filled_in("occurrence", "reason", "skipped"),
        one_of("occurrence", "state", "open", "skipped"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("duty", "period"),
    )


def create_assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("occurrence_id", sa.Integer, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("owes", sa.Boolean, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("next_at", INSTANT),
        sa.Column("reason", JSON),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", TEXT),
        filled_in("assignment", "closed_at", "done", "waived", "withdrawn", "lapsed"),
        filled_in("assignment", "closed_by", "done", "waived", "withdrawn", "lapsed"),
        filled_in("assignment", "reason", "waived", "withdrawn", "lapsed"),
        sa.CheckConstraint(
            "next_at IS NULL OR state IN ('pending', 'acknowledged', 'returned')",
            name=op.f("ck_assignment_next_at"),
        ),
        one_of("assignment", "role", "lead", "responsible"),
        one_of(
            "assignment",
            "state",
            "pending",
            "acknowledged",
            "returned",
            "reported",
            "done",
            "waived",
            "withdrawn",
            "lapsed",
        ),
        sa.CheckConstraint("round > 0", name=op.f("ck_assignment_round")),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrence.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("occurrence_id", "unit"),
    )
    partial_index("ix_assignment_due", "assignment", ["next_at"], "next_at IS NOT NULL")
    op.create_index("ix_assignment_unit", "assignment", ["unit", "due_on"])


def create_round() -> None:
    op.create_table(
        "round",
        sa.Column("assignment_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        one_of("round", "cause", "opened", "moved", "restored", "extended", "returned", "reopened"),
        sa.CheckConstraint("number > 0", name=op.f("ck_round_number")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"]),
        sa.PrimaryKeyConstraint("assignment_id", "number"),
    )


def create_reminder() -> None:
    op.create_table(
        "reminder",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("assignment_id", sa.Integer, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.Column("addressee", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", JSON),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("told_at", INSTANT),
        sa.Column("old_due_on", sa.Date),
        filled_in("reminder", "reason", "superseded", "cancelled", "failed"),
        filled_in("reminder", "told_at", "told"),
        one_of("reminder", "addressee", "owner", "superior", "office", "copy"),
        one_of("reminder", "state", "queued", "told", "superseded", "cancelled", "failed"),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"]),
        sa.ForeignKeyConstraint(
            ["assignment_id", "round"], ["round.assignment_id", "round.number"]
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("assignment_id", "round", "step", "addressee"),
    )
    partial_index("ix_reminder_queued", "reminder", ["id"], "state = 'queued'")


def create_message() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", INSTANT),
        sa.Column("lease_until", sa.Float),
        sa.Column("subject", TEXT),
        sa.Column("text", TEXT),
        sa.Column("html", TEXT),
        sa.Column("receipt", TEXT),
        sa.Column("reason", JSON),
        sa.Column("settled_at", INSTANT),
        filled_in("message", "lease_until", "claimed", "sending"),
        filled_in("message", "next_attempt_at", "queued"),
        filled_in("message", "reason", "cancelled", "failed"),
        filled_in("message", "settled_at", "sent", "unknown", "failed", "cancelled"),
        one_of("message", "kind", "digest", "brief", "status", "test"),
        one_of(
            "message",
            "state",
            "queued",
            "claimed",
            "sending",
            "sent",
            "unknown",
            "failed",
            "cancelled",
        ),
        sa.CheckConstraint("attempts = 0 OR subject IS NOT NULL", name=op.f("ck_message_frozen")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_message_attempts")),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "address", "kind", "at"),
        sqlite_autoincrement=True,
    )
    partial_index("ix_message_leased", "message", ["lease_until"], "lease_until IS NOT NULL")
    partial_index(
        "ix_message_queued", "message", ["next_attempt_at"], "next_attempt_at IS NOT NULL"
    )


def create_message_item() -> None:
    op.create_table(
        "message_item",
        sa.Column("message_id", sa.Integer, nullable=False),
        sa.Column("reminder_id", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.ForeignKeyConstraint(["reminder_id"], ["reminder.id"]),
        sa.PrimaryKeyConstraint("message_id", "reminder_id"),
    )
    op.create_index("ix_message_item_reminder", "message_item", ["reminder_id"])


def create_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("message_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("detail", TEXT),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (outcome = 'sending')", name=op.f("ck_attempt_finished")
        ),
        one_of(
            "attempt", "outcome", "sending", "sent", "temporary", "permanent", "unknown", "released"
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_attempt_number")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("message_id", "number"),
    )
    partial_index("ix_attempt_unknown", "attempt", ["message_id", "number"], "outcome = 'unknown'")


def create_answer() -> None:
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("assignment_id", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("figures", JSON),
        one_of(
            "answer",
            "kind",
            "ack",
            "report",
            "done",
            "return",
            "ask",
            "grant",
            "refuse",
            "waive",
            "withdraw",
            "reopen",
        ),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_answer_assignment", "answer", ["assignment_id"])


def create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("reason", JSON),
        sa.Column("prev_hash", TEXT),
        sa.Column("hash", TEXT),
        sa.CheckConstraint("hash IS NOT NULL OR prev_hash IS NULL", name=op.f("ck_audit_sealed")),
        sa.PrimaryKeyConstraint("id"),
    )


AUDITED = ("id", "at", "actor", "action", "subject", "detail", "reason")
TRIGGERS = {
    "attempt_settled_once": (
        "UPDATE ON attempt",
        "OLD.outcome <> 'sending' OR {message_id} OR {number} OR {started_at}",
        "an attempt is settled once and never changed",
    ),
    "attempt_kept": ("DELETE ON attempt", "true", "an attempt is never deleted"),
    "audit_sealed_once": (
        "UPDATE ON audit",
        "NOT (OLD.hash IS NULL AND NEW.hash IS NOT NULL) OR "
        + " OR ".join(f"{{{column}}}" for column in AUDITED),
        "an audit row is sealed once and never changed",
    ),
    "audit_kept": ("DELETE ON audit", "true", "an audit row is never deleted"),
}
"""When each one refuses; ``{column}`` stands for "this column is changed"."""
CHANGED = ("message_id", "number", "started_at", *AUDITED)


def create_triggers() -> None:
    """What a CHECK cannot say: the record of deliveries and changes is only ever added to."""
    if op.get_bind().dialect.name == "sqlite":
        changed = {column: f"NEW.{column} IS NOT OLD.{column}" for column in CHANGED}
        for name, (event, when, message) in TRIGGERS.items():
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} WHEN {when.format(**changed)}"
                f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation'; END $$"
    )
    # As text: PostgreSQL does not compare JSON.
    changed = {column: f"NEW.{column}::text IS DISTINCT FROM OLD.{column}::text"
               for column in CHANGED}  # fmt: skip
    for name, (event, when, message) in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW WHEN ({when.format(**changed)})"
            f" EXECUTE FUNCTION refuse('{message}')"
        )


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger is never taken back to an older schema: restore a backup from before the upgrade"
    )
