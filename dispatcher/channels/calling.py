"""What the channels over HTTP have in common: one call, and what its failures are called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

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


class HttpChannel(Channel):
    """Calls one vendor by a client of its own. ``secrets`` are in nothing that it says."""

    def __init__(
        self, name: str, client: Client, secrets: Sequence[str] = (), *, deadline: float = 60.0
    ) -> None:
        self.name, self.deadline = name, deadline
        self._client = client
        self._secrets = [spelling for secret in secrets for spelling in _spellings(secret)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

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
        try:
            found = json.loads(reply.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.failure(UNCLEAR, f"HTTP {reply.status} {self._body(reply)}".strip(), url)
        return found

    def shown(self, said: str) -> str:
        """Masked before it is cut: half a secret is a secret too."""
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return " ".join(said.split())[:MAX_SHOWN]

    def _body(self, reply: Reply) -> str:
        return reply.body.decode("utf-8", "replace")


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


def _spellings(secret: str) -> list[str]:
    """A secret in every form in which an answer may echo it, the longest first."""
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    escaped = json.dumps(secret)[1:-1]
    found = {secret, plain, escaped, quote(secret), quote(secret, safe="")} - {""}
    return sorted(found, key=len, reverse=True)


def _wish(reply: Reply) -> float | None:
    """How long the other side asks to wait, in seconds."""
    said = reply.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT) if said.isascii() and said.isdigit() else None
