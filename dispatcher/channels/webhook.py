"""Any system of an office: a signed POST of JSON, the whole digest in it as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import monotonic
from typing import Any

from dispatcher.channels.calling import HttpChannel, parsed, secret_parts
from dispatcher.channels.cases import LATER, NOT_LET_IN, Case
from dispatcher.channels.contract import Entry, OnUnknown, Outgoing, Receipt
from dispatcher.channels.http import Client, Reply, place, refuse_url
from dispatcher.channels.signing import webhook_headers
from dispatcher.errors import SettingsError
from dispatcher.i18n import _

SHORTEST_SECRET = 16
ALREADY = 409
"""Conflict with what is there already: a receiver that knows the Idempotency-Key has the message,
from an attempt whose answer got lost."""
NOT_OURS = NOT_LET_IN._replace(
    text=_("channel '{channel}': {server} does not accept our signature ({detail}); the secret "
           "must be the same on both sides, and the clocks too"),
)  # fmt: skip
TOO_LONG = Case(
    "content",
    _("channel '{channel}': {server} finds the message too long ({detail}); let it take 1 MB, or "
      "set detail: title-only"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
OF_STATUS = {401: NOT_OURS, 403: NOT_OURS, 413: TOO_LONG}


class Webhook(HttpChannel):
    """Posts each message once to ``url``; any 2xx says that it has arrived.

    A second copy bears the same Idempotency-Key and the same body, so that the receiver can drop
    it: what is unknown is sent again.
    """

    on_unknown: OnUnknown = "resend"

    def __init__(
        self, name: str, url: str, secret: str, *,
        client: Client, now: Callable[[], float], connections: int = 4,
    ) -> None:  # fmt: skip
        """``now`` gives seconds since 1970. Raises SettingsError."""
        refuse_url(url, client.hosts)
        if len(secret) < SHORTEST_SECRET:
            raise SettingsError(
                _("channel '{channel}': the secret of a webhook needs at least {count} characters",
                  channel=name, count=SHORTEST_SECRET)
            )  # fmt: skip
        super().__init__(name, client, [secret, *secret_parts(url)])
        self.connections = connections
        self._url, self._secret, self._now = url, secret, now
        self.server = place(url)

    def send(self, outgoing: Outgoing) -> Receipt:
        """Gives what the receiver calls the message: ``id`` of its JSON, or its header
        X-Request-Id."""
        body = json.dumps(payload(outgoing), ensure_ascii=False).encode("utf-8", "replace")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": outgoing.reference,
            **webhook_headers(self._secret, body, self._now()),
        }
        reply = self.ask(self._url, body, headers, monotonic() + self.deadline)
        if special := OF_STATUS.get(reply.status):
            detail = f"HTTP {reply.status} {reply.body.decode('utf-8', 'replace')}"
            raise self.failure(special, detail, self._url)
        if reply.status != ALREADY:
            self.check(reply, self._url)
        return Receipt(self.shown(_named(reply)))


def payload(outgoing: Outgoing) -> dict[str, Any]:
    """A message as data: what docs/channels/webhook.md promises, key by key."""
    card = outgoing.card
    return {
        "id": outgoing.reference,
        "kind": outgoing.kind,
        "at": outgoing.at.isoformat(),
        "unit": outgoing.address,
        "subject": outgoing.subject,
        "text": outgoing.text,
        "items": [_item(entry) for entry in card.entries] if card else [],
        "office": outgoing.sender_name,
    }


def _item(entry: Entry) -> dict[str, Any]:
    shown = ("key", "duty", "unit", "colour", "title", "due", "deadline", "notes", "task", "lead",
             "role")  # fmt: skip
    return {name: getattr(entry, name) for name in shown}


def _named(reply: Reply) -> str:
    found = parsed(reply.body)
    name = found.get("id") if isinstance(found, dict) else None
    return str(name) if isinstance(name, str | int) else reply.headers.get("X-Request-Id", "")
