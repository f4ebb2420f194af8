"""What leaves: messages and their attempts, the channels, and to-dos on people's lists."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    literal_column,
    text,
)

from dispatcher.ledger.constraints import exactly_in, one_of, partial_index, quoted
from dispatcher.ledger.tables.base import metadata
from dispatcher.ledger.types import Instant, Json, Sentence

LEASED = ("claimed", "sending")
ALIVE = ("queued", *LEASED)
"""Messages that may still leave."""
DELIVERED = ("sent", "unknown")
"""Messages whose reminders count as told."""
TODO_UNDER_WAY = ("opening", "closing")
TODO_ENDED = ("closed", "unknown", "failed")

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

todo = Table(
    "todo",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment_id", ForeignKey("assignment.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("channel", String, nullable=False),
    Column("account", String, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_at", Instant),
    Column("lease_until", Float),
    Column("task", String),
    Column("reason", Sentence),
    Column("settled_at", Instant),
    ForeignKeyConstraint(["assignment_id", "round"], ["round.assignment_id", "round.number"]),
    one_of("state", *TODO_UNDER_WAY, "open", *TODO_ENDED),
    exactly_in("reason", "unknown", "failed"),
    exactly_in("settled_at", *TODO_ENDED),
    CheckConstraint("next_at IS NULL OR lease_until IS NULL", name="one_of_two"),
    CheckConstraint(
        f"(next_at IS NOT NULL OR lease_until IS NOT NULL) = (state IN {quoted(TODO_UNDER_WAY)})",
        name="under_way",
    ),
    CheckConstraint("task IS NOT NULL OR state NOT IN ('open', 'closing')", name="task"),
    # An id is in the reference that the vendor is given: it must never come again.
    sqlite_autoincrement=True,
)
"""An assignment, in one of its rounds, on the list of one account.

``opening`` and ``closing`` either wait for their call (``next_at``) or are in it (``lease_until``);
``attempts`` counts the calls of that kind. ``task`` is the vendor's name for it, without which it
cannot be closed; ``due_on`` the date that it shows.
"""
IS_KEPT = todo.c.state != literal_column("'closed'")
partial_index(
    "ux_todo_kept", IS_KEPT, *todo.c["assignment_id", "round", "channel", "account"], unique=True
)
"""Only what was closed may be opened again in the same round: its date, or its account's unit, has
changed twice."""
partial_index("ix_todo_next", todo.c.next_at.is_not(None), todo.c.next_at)
