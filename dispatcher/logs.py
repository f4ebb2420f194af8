"""Structured logs: text for a terminal, one JSON object a line for everything else."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TextIO

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def masked(line: str, secrets: Collection[str]) -> str:
    """``line`` without the secrets, as they are and as JSON and Python quote them, the longest
    first, and without what moves the cursor."""
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(filter(None, forms), key=len, reverse=True):
        line = line.replace(form, "***")
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line)


def _forms(secret: str) -> tuple[str, ...]:
    quoted = json.dumps(secret, ensure_ascii=False)[1:-1]
    # A traceback's repr, and the same in a line of JSON.
    shown = repr(secret)[1:-1]
    return secret, quoted, shown, json.dumps(shown, ensure_ascii=False)[1:-1]


class Lines(logging.Formatter):
    """A formatter whose output never holds a secret, nor a character that moves the cursor."""

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__()
        self.secrets = set(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, secrets masked: tracebacks pass through here too."""
        return masked(self.line(record), self.secrets)

    def line(self, record: logging.LogRecord) -> str:
        """``09:00:00 INFO message key=value``, with the traceback below."""
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        message = record.getMessage().replace("\n", "\\n")
        line = f"{moment:%H:%M:%S} {record.levelname} {message}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(Lines):
    """The same as one JSON object a line."""

    def line(self, record: logging.LogRecord) -> str:
        """Keys: at (UTC), level, logger, message, the event's own fields, traceback."""
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in STANDARD}


def hide(secrets: Collection[str]) -> None:
    """Masks more secrets from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Lines):
            handler.formatter.secrets |= set(secrets)


def start_logging(stream: TextIO, form: str, secrets: Collection[str]) -> None:
    """Sends everything from INFO up to ``stream``; ``form`` is text, json, or empty to choose by
    whether the stream is a terminal."""
    text = form == "text" or (not form and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(secrets) if text else JsonLines(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
