"""What the channels over HTTP have in common: one call, and what its failures are called."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from dispatcher.channels.cases import (
    UNANSWERED,
    UNCLEAR,
    UNREACHABLE,
    UNTRUSTED,
    Case,
    case_of_status,
)
from dispatcher.channels.contract import Channel, DeliveryError
from dispatcher.channels.http import Client, Reply, Unanswered, Unsent

MAX_SHOWN = 200
"""Characters of the other side's own word that are worth showing."""
LONGEST_WAIT = 3600.0
"""Seconds that another side's wish to wait is honoured."""
SHORTEST, KEY = 6, 16
"""Characters of a part of a URL that may be a secret, where a shorter one is a version or a number;
and of one that is a secret even without a figure in it."""


class HttpChannel(Channel):
    """Calls one vendor by a client of its own. ``secrets`` are in nothing that it says."""

    def __init__(
        self, name: str, client: Client, secrets: Collection[str] = (), *, deadline: float = 60.0
    ) -> None:
        self.name, self.deadline = name, deadline
        self._client = client
        self._secrets: list[str] = []
        self.hide(secrets)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def hide(self, secrets: Collection[str]) -> None:
        """Says nothing of these either."""
        found = {spelling for secret in secrets for spelling in _spellings(secret)}
        self._secrets = sorted(found.union(self._secrets), key=len, reverse=True)

    def close(self) -> None:
        """Lets go of idle connections."""
        self._client.close()

    def ask(
        self, url: str, body: bytes, headers: Mapping[str, str], until: float, method: str = "POST"
    ) -> Reply:
        """The answer, whatever its status; DeliveryError where there is none."""
        try:
            return self._client.post(url, body, headers, until, method)
        except Unsent as error:
            case = UNTRUSTED if error.untrusted else UNREACHABLE
            raise self.failure(case, str(error), url) from None
        except Unanswered as error:
            raise self.failure(UNANSWERED, str(error), url) from None

    def call(
        self, url: str, body: bytes, headers: Mapping[str, str], until: float, method: str = "POST"
    ) -> Reply:
        """A call that was answered with a status of success; DeliveryError for everything else."""
        reply = self.ask(url, body, headers, until, method)
        self.check(reply, url)
        return reply

    def check(self, reply: Reply, url: str) -> None:
        """Raises DeliveryError for a status other than success."""
        refused = case_of_status(reply.status)
        if refused:
            detail = f"HTTP {reply.status} {self._body(reply)}".strip()
            raise self.failure(refused, detail, url, _wish(reply))

    def failure(
        self, case: Case, detail: str, url: str, wait: float | None = None, **values: object
    ) -> DeliveryError:
        """A case of this channel, in words; ``detail`` is shown without secrets, and cut."""
        server = urlsplit(url).hostname or ""
        shown = self.shown(detail)
        return case.error(shown, wait, channel=self.name, server=server, **values)

    def read(self, reply: Reply, url: str) -> dict[str, Any]:
        """The answer's JSON object; an answer that holds none leaves all open."""
        found = parsed(reply.body)
        if not isinstance(found, dict):
            raise self.failure(UNCLEAR, f"HTTP {reply.status} {self._body(reply)}".strip(), url)
        return found

    def shown(self, said: str) -> str:
        """Masked before it is cut: half a secret is a secret too. Without half characters and
        control characters, which no database takes, or no terminal should."""
        for secret in self._secrets:
            said = said.replace(secret, "***")
        plain = "".join(letter if letter.isprintable() else " " for letter in said)
        return " ".join(plain.split())[:MAX_SHOWN]

    def _body(self, reply: Reply) -> str:
        return reply.body.decode("utf-8", "replace")


def parsed(said: str | bytes) -> Any:
    """The JSON value that the other side sent; None for what is none, or nested too deep."""
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def pointed(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901); None where there is none."""
    for written in pointer.split("/")[1:]:
        step = written.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def secret_parts(url: str) -> list[str]:
    """What of a URL may be a secret, as the other side may echo it: what its query gives, and what
    of its path is long, or has a figure in it."""
    parts = urlsplit(url)
    given = [pair.partition("=")[2] for pair in parts.query.split("&")]
    steps = [each for each in parts.path.split("/") if len(each) >= KEY or re.search(r"\d", each)]
    return [each for each in (*given, *steps) if len(each) >= SHORTEST]


def moment(said: str) -> datetime | None:
    """A date of HTTP (RFC 9110, section 5.6.7); None for what is none."""
    try:
        found = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)


def _spellings(secret: str) -> set[str]:
    """A secret in every form in which an answer may echo it; in JSON, / may stand as \\/."""
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    written = {plain, json.dumps(secret)[1:-1]}
    written |= {each.replace("/", "\\/") for each in written}
    return {secret, *written, quote(secret), quote(secret, safe=""), quote_plus(secret)} - {""}


def _wish(reply: Reply) -> float | None:
    """How long the other side asks to wait, in seconds (RFC 9110, section 10.2.3); until a date, by
    the clock of its own that the answer shows."""
    said = reply.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return min(float(said), LONGEST_WAIT)
    then, now = moment(said), moment(reply.headers.get("Date", ""))
    return min(max(0.0, (then - now).total_seconds()), LONGEST_WAIT) if then and now else None
