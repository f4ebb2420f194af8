"""The ledger's tables, and the rows that cannot exist in them.

Unique keys are what makes a repeated pass harmless; CHECKs keep illegal states out; triggers
(in the migrations) keep the record of what was sent, and of who changed what, from being rewritten.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    false,
    literal_column,
    text,
    true,
)

from dispatcher.ledger.constraints import exactly_in, one_of, partial_index, quoted
from dispatcher.ledger.transitions import (
    ANSWERS,
    CHASED,
    CLOSED,
    STATES,
    WITH_REASON,
    allowed_answers,
)
from dispatcher.ledger.types import Instant, Json, Remark, Sentence

NAMES = {"ck": "ck_%(table_name)s_%(constraint_name)s"}
metadata = MetaData(naming_convention=NAMES)

LEASED = ("claimed", "sending")
ALIVE = ("queued", *LEASED)
"""Messages that may still leave."""
DELIVERED = ("sent", "unknown")
"""Messages whose reminders count as told."""


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

adoption = Table(
    "adoption",
    metadata,
    Column("duty", String, nullable=False),
    Column("cadence", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("adopted_on", Date, nullable=False),
    PrimaryKeyConstraint("duty", "cadence", "unit"),
)
"""From when on a unit is chased for a duty: what was due before is explained, never chased."""

occurrence = Table(
    "occurrence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("duty", String, nullable=False),
    Column("period", String, nullable=False),
    Column("state", String, nullable=False),
    Column("opens_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("nominal_on", Date, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("progress", Boolean, nullable=False),
    Column("event", Boolean, nullable=False),
    Column("title", String, nullable=False),
    Column("task", String, nullable=False),
    Column("rows", Json, nullable=False),
    Column("clause", String, nullable=False),
    Column("phrase", String, nullable=False),
    Column("lead", Json, nullable=False),
    Column("reason", Sentence),
    Column("entered_at", Instant, nullable=False),
    UniqueConstraint("duty", "period"),
    one_of("state", "open", "skipped"),
    exactly_in("reason", "skipped"),
)
"""A duty in a period, with the plan's words as they were when it opened."""
Index("ix_occurrence_opens", occurrence.c.opens_on)
Index("ix_occurrence_period", occurrence.c.period)

assignment = Table(
    "assignment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("occurrence_id", ForeignKey("occurrence.id"), nullable=False),
    Column("unit", String, nullable=False),
    Column("role", String, nullable=False),
    Column("owes", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("round", Integer, nullable=False),
    Column("next_at", Instant),
    Column("reason", Sentence),
    Column("closed_at", Instant),
    Column("closed_by", String),
    Column("missed", Boolean, nullable=False, server_default=false()),
    Column("asked_on", Date),
    UniqueConstraint("occurrence_id", "unit"),
    one_of("role", "lead", "responsible"),
    one_of("state", *STATES),
    exactly_in("reason", *WITH_REASON),
    exactly_in("closed_at", *CLOSED),
    exactly_in("closed_by", *CLOSED),
    CheckConstraint("round > 0", name="round"),
    CheckConstraint(f"next_at IS NULL OR state IN {quoted(CHASED)}", name="next_at"),
    CheckConstraint(f"asked_on IS NULL OR state IN {quoted(CHASED)}", name="asked_on"),
)
"""An occurrence as one unit owes it, or (``owes`` false) is told of it.

``due_on`` is this unit's own date; ``next_at`` caches the instant of its next step; ``missed``
says that the latest figures miss a measure; ``asked_on`` is the date of an extension that the
unit has asked for and nobody has granted or refused.
"""
partial_index("ix_assignment_due", assignment.c.next_at.is_not(None), assignment.c.next_at)
Index("ix_assignment_unit", assignment.c.unit, assignment.c.due_on)
Index("ix_assignment_due_on", assignment.c.due_on)
Index("ix_assignment_state", assignment.c.state, assignment.c.due_on)
IS_MISSED = assignment.c.missed == true()
# By `missed` too: SQLite uses a partial index in an OR only by an equality.
partial_index("ix_assignment_missed", IS_MISSED, *assignment.c["missed", "due_on"])
partial_index("ix_assignment_asked", assignment.c.asked_on.is_not(None), assignment.c.due_on)

round_ = Table(
    "round",
    metadata,
    Column("assignment_id", ForeignKey("assignment.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("cause", String, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("begun_at", Instant, nullable=False),
    PrimaryKeyConstraint("assignment_id", "number"),
    CheckConstraint("number > 0", name="number"),
    one_of("cause", "opened", "moved", "restored", "extended", "returned", "reopened"),
)
"""A fresh run of steps of an assignment, and why it began."""

reminder = Table(
    "reminder",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment_id", ForeignKey("assignment.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("step", String, nullable=False),
    Column("addressee", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Sentence),
    Column("queued_at", Instant, nullable=False),
    Column("told_at", Instant),
    Column("old_due_on", Date),
    Column("remark", String),
    ForeignKeyConstraint(["assignment_id", "round"], ["round.assignment_id", "round.number"]),
    UniqueConstraint("assignment_id", "round", "step", "addressee"),
    one_of("addressee", "owner", "superior", "office", "copy"),
    one_of("state", "queued", "told", "superseded", "cancelled", "failed"),
    exactly_in("reason", "superseded", "cancelled", "failed"),
    exactly_in("told_at", "told"),
)
"""That ``unit`` is to be told a step, or a notice: ``old_due_on`` is the date before a move,
``remark`` what the office said to it."""
IS_QUEUED = reminder.c.state == literal_column("'queued'")
"""As a literal, for SQLite finds a partial index only by the very words of its condition."""
partial_index("ix_reminder_queued", IS_QUEUED, reminder.c.id)
IS_FAILED = reminder.c.state == literal_column("'failed'")
partial_index("ix_reminder_failed", IS_FAILED, reminder.c.state)

message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("lease_until", Float),
    Column("subject", String),
    Column("text", String),
    Column("html", String),
    Column("receipt", String),
    Column("reason", Sentence),
    Column("settled_at", Instant),
    Column("slip_id", ForeignKey("slip.id")),
    Column("rescues", Integer, nullable=False, server_default=text("0")),
    Column("urgency", Integer, nullable=False, server_default=text("1")),
    Column("card", Json),
    one_of("kind", "digest", "brief", "status", "test", "slip"),
    one_of("state", *ALIVE, *DELIVERED, "failed", "cancelled"),
    exactly_in("next_attempt_at", "queued"),
    exactly_in("lease_until", *LEASED),
    exactly_in("reason", "cancelled", "failed"),
    exactly_in("settled_at", *DELIVERED, "failed", "cancelled"),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("attempts = 0 OR subject IS NOT NULL", name="frozen"),
    CheckConstraint("(kind = 'slip') = (slip_id IS NOT NULL)", name="slip"),
    # An id is in the Message-ID: it must never come again, not even after rows were pruned.
    sqlite_autoincrement=True,
)
"""What one address gets at one time on one channel; from its first attempt its bytes are frozen.

``rescues`` counts the processes that died while they had it in hand and had not begun to send it;
``urgency`` is the order in which messages leave that are due, the least first; ``card`` the digest
as data, for a channel that lays it out itself.
"""
partial_index(
    "ix_message_queued",
    message.c.next_attempt_at.is_not(None),
    *message.c["urgency", "next_attempt_at"],
)
partial_index("ix_message_leased", message.c.lease_until.is_not(None), message.c.lease_until)
NO_SLIP = message.c.slip_id.is_(None)
partial_index(
    "ux_message_at",
    NO_SLIP,
    *message.c["channel", "address", "kind", "at"],
    unique=True,
)
partial_index(
    "ux_message_slip",
    message.c.slip_id.is_not(None),
    *message.c["slip_id", "channel", "address"],
    unique=True,
)
"""An address gets one message of a kind at one time, and a slip once."""
Index("ix_message_state", message.c.state)
Index("ix_message_settled", message.c.settled_at)
IS_REPORT = message.c.kind.in_((literal_column("'brief'"), literal_column("'status'")))
# Of these only: by an index of every kind SQLite would look for what is due to leave.
partial_index("ix_message_report", IS_REPORT, message.c.kind)

message_item = Table(
    "message_item",
    metadata,
    Column("message_id", ForeignKey("message.id"), nullable=False),
    Column("reminder_id", ForeignKey("reminder.id"), nullable=False),
    PrimaryKeyConstraint("message_id", "reminder_id"),
)
"""Which reminders a message holds."""
Index("ix_message_item_reminder", message_item.c.reminder_id)

attachment = Table(
    "attachment",
    metadata,
    Column("message_id", ForeignKey("message.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("message_id", "name"),
)
"""A file that a message carries, frozen with it."""

attempt = Table(
    "attempt",
    metadata,
    Column("message_id", ForeignKey("message.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", String, nullable=False),
    Column("detail", String),
    PrimaryKeyConstraint("message_id", "number"),
    CheckConstraint("number > 0", name="number"),
    one_of("outcome", "sending", "sent", "temporary", "permanent", "unknown", "released"),
    CheckConstraint("(finished_at IS NULL) = (outcome = 'sending')", name="finished"),
)
"""One try to hand a message to its channel: written before, settled once, never changed."""
IS_UNKNOWN = attempt.c.outcome == literal_column("'unknown'")
partial_index("ix_attempt_unknown", IS_UNKNOWN, attempt.c.message_id, attempt.c.number)

channel = Table(
    "channel",
    metadata,
    Column("name", String, primary_key=True),
    Column("free_at", Instant),
    Column("paused_at", Instant),
    Column("paused_until", Instant),
    Column("paused_by", String),
    Column("reason", Sentence),
    Column("faults", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("(paused_at IS NULL) = (reason IS NULL)", name="reason"),
    CheckConstraint("(paused_at IS NULL) = (paused_by IS NULL)", name="paused_by"),
    CheckConstraint("paused_at IS NOT NULL OR paused_until IS NULL", name="paused_until"),
)
"""What is to be remembered of a channel: when its budget lets it be called again (``free_at``), and
why and until when it is paused, until it is resumed where ``paused_until`` is empty. ``faults``
counts how often in a row it was found to be set up wrongly."""

answer = Table(
    "answer",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment_id", ForeignKey("assignment.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("note", String, nullable=False),
    Column("due_on", Date),
    Column("figures", Json),
    Column("was", String, nullable=False),
    Column("became", String, nullable=False),
    one_of("kind", *ANSWERS),
    CheckConstraint(
        f"kind || ' ' || was || ' ' || became IN {quoted(tuple(allowed_answers()))}",
        name="transition",
    ),
)
"""What a unit or the office said to an assignment, and the states before and after it.

``due_on`` is the date asked for or given, ``figures`` the reported ones by measure, as texts.
"""
Index("ix_answer_assignment", answer.c.assignment_id)

slip = Table(
    "slip",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment_id", ForeignKey("assignment.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("colour", String, nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("released_at", Instant),
    Column("released_by", String),
    Column("answer_due_on", Date),
    Column("year", Integer),
    Column("number", Integer),
    Column("code", String),
    Column("subject", String),
    Column("text", String),
    Column("html", String),
    Column("reason", Sentence),
    Column("voided_at", Instant),
    ForeignKeyConstraint(["assignment_id", "round"], ["round.assignment_id", "round.number"]),
    UniqueConstraint("assignment_id", "round", "rung"),
    UniqueConstraint("year", "number"),
    one_of("state", "draft", "released", "void"),
    CheckConstraint("rung > 0", name="rung"),
    CheckConstraint("number > 0", name="number"),
    exactly_in("reason", "void"),
    exactly_in("voided_at", "void"),
    CheckConstraint("state <> 'draft' OR released_at IS NULL", name="draft"),
    CheckConstraint("state <> 'released' OR released_at IS NOT NULL", name="released"),
    *(
        CheckConstraint(f"({column} IS NULL) = (released_at IS NULL)", name=f"{column}_given")
        for column in (
            *("released_by", "answer_due_on", "year", "number", "code", "subject", "text"),
        )
    ),
)
"""A colour slip (三色督办单) on one assignment: drafted by a pass, numbered and frozen when a named
person releases it. A number is never used again, not even a void slip's."""
partial_index("ix_slip_draft", slip.c.state == literal_column("'draft'"), slip.c.id)

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
