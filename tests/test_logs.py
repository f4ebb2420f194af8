"""Log lines: structured, without secrets, without characters that move the cursor."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from dispatcher.logs import hide, start_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_one_json_object_with_the_events_own_fields(stream: io.StringIO) -> None:
    start_logging(stream, "", [])
    logging.getLogger("dispatcher.x").info(
        "told %s", "区农办", extra={"action": "told", "count": 3}
    )
    entry = json.loads(stream.getvalue())
    assert entry["message"] == "told 区农办"
    assert (entry["action"], entry["count"], entry["level"]) == ("told", 3, "INFO")
    assert entry["at"].endswith("+00:00")


def test_a_traceback_carries_no_secret(stream: io.StringIO) -> None:
    start_logging(stream, "text", ["canary"])
    try:
        raise ValueError("https://x/?key=canary")
    except ValueError:
        logging.getLogger("dispatcher").exception("failed with canary")
    assert "canary" not in stream.getvalue()
    assert "key=***" in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_title_cannot_forge_a_line_or_colour_the_terminal(stream: io.StringIO, form: str) -> None:
    start_logging(stream, form, [])
    logging.getLogger("dispatcher").info("title %s", "a\nERROR b\x1b[31m\u202e")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_that_comes_later_is_hidden_too(stream: io.StringIO, form: str) -> None:
    start_logging(stream, form, ["canary"])
    hide(["robin"])
    logging.getLogger("dispatcher").info("canary and robin")
    assert "*** and ***" in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_is_hidden_however_it_is_quoted(stream: io.StringIO, form: str) -> None:
    secret = 'ca"na\\ry'
    start_logging(stream, form, [secret])
    try:
        raise ValueError({"key": secret})
    except ValueError:
        logging.getLogger("dispatcher").exception("failed with %s, %r", secret, [secret])
    assert "ry" not in stream.getvalue().replace("Traceback (most recent", "")
    assert stream.getvalue().count("***") >= 3
