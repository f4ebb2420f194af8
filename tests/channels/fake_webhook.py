"""A receiver as docs/channels/webhook.md tells an office's programmers to write one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable

from dispatcher.channels.http import Client
from dispatcher.channels.webhook import Webhook
from tests.channels.outcomes import KEY, OK, SECRET, Expected, Vendor, always, auth, busy
from tests.channels.web import Answer, Answered, Asked, WebServer, says

NOW = 1776387600.0
"""When the tests send: 17 April 2026, 9:00 in Beijing."""
SIGNING = f"{SECRET}-long-enough"
SKEW = 300
"""Seconds by which a signature's time may differ, as Standard Webhooks proposes."""


class Receiver:
    """Takes what is signed rightly and lately, each message once; ``taken`` are the bodies. Of a
    second copy it says 200 again, or 409 where ``strict``."""

    def __init__(self, secret: str = SIGNING, *, strict: bool = False) -> None:
        self.now: Callable[[], float] = lambda: NOW
        self.secret, self.strict = secret, strict
        self.taken: dict[str, dict[str, object]] = {}

    def __call__(self, asked: Asked) -> Answered:
        stamp = asked.headers["X-Dispatcher-Timestamp"]
        key = self.secret.encode()
        right = hmac.new(key, stamp.encode() + b"." + asked.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(f"sha256={right}", asked.headers["X-Dispatcher-Signature"]):
            return says({"error": "wrong signature"}, 401)
        if abs(self.now() - int(stamp)) > SKEW:
            return says({"error": "too old or too new"}, 401)
        message = json.loads(asked.body)
        if message["id"] != asked.headers["Idempotency-Key"]:
            return says({"error": "two names"}, 400)
        if message["id"] in self.taken:
            return says({"id": f"OA-{message['id']}"}, 409 if self.strict else 200)
        self.taken[message["id"]] = message
        return says({"id": f"OA-{message['id']}"})


def channel(server: WebServer, deadline: float = 5.0, connections: int = 4) -> Webhook:
    client = Client({"127.0.0.1"}, connections=connections)
    made = Webhook(
        "内网", f"{server.url}/duty?key={KEY}", SIGNING, client=client, now=lambda: NOW,
        connections=connections,
    )  # fmt: skip
    made.deadline = deadline
    return made


def status(code: int, wait: str = "") -> Answer:
    headers = {"Retry-After": wait} if wait else {}
    return always(Answered(code, b'{"error": "no"}', headers))


def agrees(asked: Asked) -> Answered:
    """As a receiver that has had nothing yet."""
    return Receiver()(asked)


def refuses(words: str) -> Answer:
    return always(says({"error": words}, 422))


GONE = Expected("protocol", "temporary", True, 900.0)
NO = Expected("content", "permanent")
UNKNOWN = Expected("unknown", "unknown")
VENDOR = Vendor(
    "webhook",
    "单位自己的系统(webhook)",
    channel,
    agrees,
    refuses,
    {
        "HTTP 202": (status(202), OK),
        "HTTP 204": (always(Answered(204, b"")), OK),
        "HTTP 409(已收过)": (status(409), OK),
        "HTTP 400": (status(400), NO),
        "HTTP 422": (status(422), NO),
        "HTTP 401": (status(401), auth()),
        "HTTP 403": (status(403), auth()),
        "HTTP 404": (status(404), GONE),
        "HTTP 413": (status(413), Expected("content", "temporary", True, 900.0)),
        "HTTP 502": (status(502), UNKNOWN),
        "HTTP 503": (status(503), busy()),
        "HTTP 503,要求等20秒": (status(503, "20"), busy(20.0)),
    },
    faults={"html": OK, "empty": OK},
    secrets=(KEY, SIGNING),
)
