"""Feishu (飞书): the robot of a group chat.

Signature, limits and codes: open.feishu.cn/document/client-docs/bot-v3/add-custom-bot.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from time import sleep
from typing import Any
from zlib import crc32

from dispatcher.channels.cases import BUSY, REFUSED, TOO_MANY, Case
from dispatcher.channels.contract import Outgoing
from dispatcher.channels.fitting import Line, Part, Space, parts
from dispatcher.channels.http import Client
from dispatcher.channels.robot import (
    NO_KEYWORD,
    NO_ROBOT,
    TOO_LONG,
    WRONG_IP,
    WRONG_SIGN,
    SignedRobot,
    encoded,
    robot_url,
    weight,
)
from dispatcher.channels.signing import hmac_sha256

ADDRESS = "https://open.feishu.cn/open-apis/bot/v2/hook/"
ROOM = 20_000
"""Bytes of a whole request: 20 KB, in the narrower reading."""
TEMPLATES = {"red": "red", "yellow": "orange", "blue": "blue", "grey": "grey"}
"""The header's colour by the most urgent item's, the most urgent first."""
BOLD = "**"
CARD_REFUSED, BAD_REQUEST = 230099, 9499
TOO_OFTEN = 11232
CASES = {
    2200: BUSY,
    19001: NO_ROBOT,
    19021: WRONG_SIGN,
    19022: WRONG_IP,
    19024: NO_KEYWORD,
    19036: TOO_LONG,
}


class Feishu(SignedRobot):
    """A card in the colour of its most urgent item; a plain text from the first card on that is
    refused, so that no more than that one costs a second call.

    A robot cannot mention a mobile number.
    """

    pace = 0.65
    codes = ("code", "StatusCode")
    words = "msg"

    def __init__(
        self, name: str, key: str, secret: str = "", *,
        client: Client, now: Callable[[], float], sleep: Callable[[float], None] = sleep,
    ) -> None:  # fmt: skip
        """``key`` is the last part of the robot's address, or all of it; ``secret`` is empty where
        the robot is not guarded by signature. Raises SettingsError."""
        url = robot_url(name, key, ADDRESS, client)
        super().__init__(name, url, secret, client=client, now=now, sleep=sleep)
        self._takes_cards = True
        self._too_many = TOO_MANY._replace(wait=60.0 + crc32(name.encode()) % 30)

    def messages(self, outgoing: Outgoing) -> list[dict[str, Any]]:
        """A card for each part."""
        template = _template(outgoing)
        room = ROOM - len(encoded(self.addressed(_card(Part("", ()), template))[1]))
        space = Space(room, weight, lambda line: weight(_marked(line) + "\n"))
        return [_card(part, template) for part in parts(outgoing, space)]

    def say(self, message: dict[str, Any], until: float) -> None:
        """As a card while cards are taken."""
        super().say(message if self._takes_cards else _without_card(message), until)

    def signed(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """With time and signature in the body."""
        stamp = int(self._now())
        seal = {"timestamp": str(stamp), "sign": signature(self._secret, stamp)}
        return self._url, {**seal, **message}

    def instead(self, message: dict[str, Any], code: int, said: str) -> dict[str, Any] | None:
        """The card's words, where it is the card that is refused."""
        bad = code == CARD_REFUSED or (code == BAD_REQUEST and not _is_throttled(said))
        if not (bad and self._takes_cards):
            return None
        self._takes_cards = False
        return _without_card(message)

    def verdict(self, code: int, said: str) -> Case:
        """By the code, but for the one that stands for too much and for anything else."""
        if code == TOO_OFTEN or (code == BAD_REQUEST and _is_throttled(said)):
            return self._too_many
        return CASES.get(code, REFUSED)


def signature(secret: str, stamp: int) -> str:
    """``stamp`` is in seconds since 1970. It is the key that is made of time and secret here, and
    nothing is signed."""
    return b64encode(hmac_sha256(f"{stamp}\n{secret}".encode(), b"")).decode()


def _is_throttled(said: str) -> bool:
    return bool(re.search(r"(?i)too many", said))


def _template(outgoing: Outgoing) -> str:
    colours = {entry.colour for entry in outgoing.card.entries} if outgoing.card else set()
    return next((found for colour, found in TEMPLATES.items() if colour in colours), "blue")


def _card(part: Part, template: str) -> dict[str, Any]:
    title = {"tag": "plain_text", "content": part.title}
    lines = "\n".join(map(_marked, part.lines))
    return {
        "msg_type": "interactive",
        "card": {
            "header": {"title": title, "template": template},
            "elements": [{"tag": "markdown", "content": lines}],
        },
    }


def _without_card(message: dict[str, Any]) -> dict[str, Any]:
    card = message["card"]
    said = "\n".join([card["header"]["title"]["content"], card["elements"][0]["content"]])
    return {"msg_type": "text", "content": {"text": said.replace(BOLD, "")}}


def _marked(line: Line) -> str:
    return line.text if line.style == "plain" else f"{BOLD}{line.text}{BOLD}"
