"""Answers with their transitions, extensions asked for, remarks, slips and attachments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
INSTANT = sa.DateTime(timezone=True)
TEXT = sa.String()

CHASED = ("pending", "acknowledged", "returned")
OPEN = (*CHASED, "reported")
CLOSED = ("done", "waived", "withdrawn", "lapsed")
ANSWERS = {
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
BY_PLAN = {
    "lapse": dict.fromkeys(CHASED, "lapsed"),
    "withdraw": dict.fromkeys(OPEN, "withdrawn"),
    "restore": {"withdrawn": "pending"},
}


def quoted(values: object) -> str:
    assert isinstance(values, tuple | list)
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


WAYS = [f"{kind} {was} {now}" for kind, way in ANSWERS.items() for was, now in way.items()]
IS_ANSWER = f"kind IN {quoted(tuple(ANSWERS))}"
IS_WAY = f"kind || ' ' || was || ' ' || became IN {quoted(WAYS)}"
IS_KIND = "kind IN ('digest', 'brief', 'status', 'test', 'slip')"
IS_SLIP = "(kind = 'slip') = (slip_id IS NOT NULL)"


def on_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    widen_assignment()
    create_indexes()
    op.add_column("reminder", sa.Column("remark", TEXT))
    create_slip()
    if on_sqlite():
        rebuild_answer()
        rebuild_message()
    else:
        widen_answer()
        widen_message()
    index_message()
    create_attachment()
    create_trigger()


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger is never taken back to an older schema: restore a backup from before the upgrade"
    )


def widen_answer() -> None:
    """Until now only 'done' was recorded, and not the state before it."""
    for name, was in (("was", "pending"), ("became", "done")):
        op.add_column("answer", sa.Column(name, TEXT, server_default=was, nullable=False))
        op.alter_column("answer", name, server_default=None)
    op.drop_constraint("ck_answer_kind", "answer")
    op.create_check_constraint(op.f("ck_answer_kind"), "answer", IS_ANSWER)
    op.create_check_constraint(op.f("ck_answer_transition"), "answer", IS_WAY)


def widen_message() -> None:
    op.add_column("message", sa.Column("slip_id", sa.Integer))
    op.create_foreign_key("message_slip_id_fkey", "message", "slip", ["slip_id"], ["id"])
    op.drop_constraint("ck_message_kind", "message")
    op.create_check_constraint(op.f("ck_message_kind"), "message", IS_KIND)
    op.create_check_constraint(op.f("ck_message_slip"), "message", IS_SLIP)
    op.drop_constraint("message_channel_address_kind_at_key", "message")
    for name in ("ix_message_queued", "ix_message_leased"):
        op.drop_index(name)


def widen_assignment() -> None:
    asked = f"asked_on IS NULL OR state IN {quoted(CHASED)}"
    missed = sa.Column("missed", sa.Boolean, server_default=sa.false(), nullable=False)
    op.add_column("assignment", missed)
    op.execute(
        f"ALTER TABLE assignment ADD COLUMN asked_on DATE"
        f" CONSTRAINT ck_assignment_asked_on CHECK ({asked})"
    )


def create_indexes() -> None:
    op.create_index("ix_occurrence_opens", "occurrence", ["opens_on"])
    op.create_index("ix_occurrence_period", "occurrence", ["period"])
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_assignment_due_on", "assignment", ["due_on"])
    op.create_index("ix_assignment_state", "assignment", ["state", "due_on"])
    yes = "1" if on_sqlite() else "true"
    op.execute(
        f"CREATE INDEX ix_assignment_missed ON assignment (missed, due_on) WHERE missed = {yes}"
    )
    op.execute("CREATE INDEX ix_assignment_asked ON assignment (due_on) WHERE asked_on IS NOT NULL")
    op.execute("CREATE INDEX ix_reminder_failed ON reminder (state) WHERE state = 'failed'")


def rebuild_answer() -> None:
    """Until now only 'done' was recorded, and not the state before it."""
    op.create_table(
        "new_answer",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("assignment_id", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("figures", sa.JSON),
        sa.Column("was", TEXT, nullable=False),
        sa.Column("became", TEXT, nullable=False),
        sa.CheckConstraint(IS_ANSWER, name=op.f("ck_answer_kind")),
        sa.CheckConstraint(IS_WAY, name=op.f("ck_answer_transition")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    columns = 'id, assignment_id, at, "by", kind, note, due_on, figures'
    op.execute(
        f"INSERT INTO new_answer ({columns}, was, became)"
        f" SELECT {columns}, 'pending', 'done' FROM answer"
    )
    op.drop_table("answer")
    op.rename_table("new_answer", "answer")
    op.create_index("ix_answer_assignment", "answer", ["assignment_id"])


def create_slip() -> None:
    released = ("released_by", "answer_due_on", "year", "number", "code", "subject", "text")
    op.create_table(
        "slip",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("assignment_id", sa.Integer, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("colour", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("released_at", INSTANT),
        sa.Column("released_by", TEXT),
        sa.Column("answer_due_on", sa.Date),
        sa.Column("year", sa.Integer),
        sa.Column("number", sa.Integer),
        sa.Column("code", TEXT),
        sa.Column("subject", TEXT),
        sa.Column("text", TEXT),
        sa.Column("html", TEXT),
        sa.Column("reason", sa.JSON),
        sa.Column("voided_at", INSTANT),
        sa.CheckConstraint("state IN ('draft', 'released', 'void')", name=op.f("ck_slip_state")),
        sa.CheckConstraint("rung > 0", name=op.f("ck_slip_rung")),
        sa.CheckConstraint("number > 0", name=op.f("ck_slip_number")),
        sa.CheckConstraint(
            "(reason IS NOT NULL) = (state IN ('void'))", name=op.f("ck_slip_reason_exactly")
        ),
        sa.CheckConstraint(
            "(voided_at IS NOT NULL) = (state IN ('void'))", name=op.f("ck_slip_voided_at_exactly")
        ),
        sa.CheckConstraint("state <> 'draft' OR released_at IS NULL", name=op.f("ck_slip_draft")),
        sa.CheckConstraint(
            "state <> 'released' OR released_at IS NOT NULL", name=op.f("ck_slip_released")
        ),
        *(
            sa.CheckConstraint(
                f"({column} IS NULL) = (released_at IS NULL)", name=op.f(f"ck_slip_{column}_given")
            )
            for column in released
        ),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"]),
        sa.ForeignKeyConstraint(
            ["assignment_id", "round"], ["round.assignment_id", "round.number"]
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("assignment_id", "round", "rung"),
        sa.UniqueConstraint("year", "number"),
    )
    where = sa.text("state = 'draft'")
    op.create_index("ix_slip_draft", "slip", ["id"], sqlite_where=where, postgresql_where=where)


def rebuild_message() -> None:
    """SQLite cannot change a CHECK: the table is made anew under its name, with its ids.

    ``migrate`` has put the foreign keys to sleep, and checks them all before it commits.
    """
    states = ("queued", "claimed", "sending", "sent", "unknown", "failed", "cancelled")
    exactly = {
        "next_attempt_at": ("queued",),
        "lease_until": ("claimed", "sending"),
        "reason": ("cancelled", "failed"),
        "settled_at": ("sent", "unknown", "failed", "cancelled"),
    }
    op.create_table(
        "new_message",
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
        sa.Column("reason", sa.JSON),
        sa.Column("settled_at", INSTANT),
        sa.Column("slip_id", sa.Integer),
        sa.CheckConstraint(IS_KIND, name=op.f("ck_message_kind")),
        sa.CheckConstraint(f"state IN {quoted(states)}", name=op.f("ck_message_state")),
        *(
            sa.CheckConstraint(
                f"({column} IS NOT NULL) = (state IN {quoted(filled)})",
                name=op.f(f"ck_message_{column}_exactly"),
            )
            for column, filled in exactly.items()
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_message_attempts")),
        sa.CheckConstraint("attempts = 0 OR subject IS NOT NULL", name=op.f("ck_message_frozen")),
        sa.CheckConstraint(IS_SLIP, name=op.f("ck_message_slip")),
        sa.ForeignKeyConstraint(["slip_id"], ["slip.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    columns = (
        "id, channel, address, kind, at, state, attempts, next_attempt_at, lease_until,"
        " subject, text, html, receipt, reason, settled_at"
    )
    op.execute(f"INSERT INTO new_message ({columns}) SELECT {columns} FROM message")
    # The highest id that was ever given is kept, also when its row is gone.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'new_message'")
    op.execute(
        "INSERT INTO sqlite_sequence (name, seq)"
        " SELECT 'new_message', seq FROM sqlite_sequence WHERE name = 'message'"
    )
    op.drop_table("message")
    op.rename_table("new_message", "message")


def index_message() -> None:
    for name, columns, where in (
        ("ix_message_queued", "next_attempt_at", "next_attempt_at IS NOT NULL"),
        ("ix_message_leased", "lease_until", "lease_until IS NOT NULL"),
        ("ix_message_report", "kind", "kind IN ('brief', 'status')"),
    ):
        op.execute(f"CREATE INDEX {name} ON message ({columns}) WHERE {where}")
    for name, columns, where in (
        ("ux_message_at", "channel, address, kind, at", "slip_id IS NULL"),
        ("ux_message_slip", "slip_id, channel, address", "slip_id IS NOT NULL"),
    ):
        op.execute(f"CREATE UNIQUE INDEX {name} ON message ({columns}) WHERE {where}")
    op.create_index("ix_message_state", "message", ["state"])
    op.create_index("ix_message_settled", "message", ["settled_at"])


def create_attachment() -> None:
    op.create_table(
        "attachment",
        sa.Column("message_id", sa.Integer, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("message_id", "name"),
    )


def create_trigger() -> None:
    ways = [*ANSWERS.values(), *BY_PLAN.values()]
    allowed = sorted({f"{was} {now}" for way in ways for was, now in way.items() if was != now})
    event = "CREATE TRIGGER assignment_transition BEFORE UPDATE OF state ON assignment"
    wrong = f"OLD.state <> NEW.state AND OLD.state || ' ' || NEW.state NOT IN {quoted(allowed)}"
    message = "an assignment does not go from this state to that"
    if on_sqlite():
        op.execute(f"{event} WHEN {wrong} BEGIN SELECT RAISE(ABORT, '{message}'); END")
    else:
        op.execute(f"{event} FOR EACH ROW WHEN ({wrong}) EXECUTE FUNCTION refuse('{message}')")
