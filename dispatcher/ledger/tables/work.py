"""What is owed: duties in their periods, as units owe them, are told of them and answer."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    false,
    literal_column,
    true,
)

from dispatcher.ledger.constraints import exactly_in, one_of, partial_index, quoted
from dispatcher.ledger.tables.base import metadata
from dispatcher.ledger.transitions import (
    ANSWERS,
    CHASED,
    CLOSED,
    STATES,
    WITH_REASON,
    allowed_answers,
)
from dispatcher.ledger.types import Instant, Json, Sentence

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
