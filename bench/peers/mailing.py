"""The two ways in which a task sends its mail."""

from __future__ import annotations

import smtplib
import threading

from letters import PORT, SENDER, ready_made, written

kept = threading.local()


def send_as_written(to: str) -> None:
    """A connection for each mail, and the mail built anew: what a task queue's manual shows."""
    with smtplib.SMTP("127.0.0.1", PORT) as server:
        server.send_message(written(to))


def send_ready_made(to: str) -> None:
    """A connection that the worker keeps, and ready-made bytes: as a careful user would."""
    if not hasattr(kept, "server"):
        kept.server = smtplib.SMTP("127.0.0.1", PORT)
    kept.server.sendmail(SENDER, to, ready_made(to))
