"""DingTalk (钉钉): the robot of a group chat.

Signature and limits: open.dingtalk.com/document/robots/custom-robot-access.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from time import sleep
from typing import Any
from urllib.parse import quote_plus

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
    mobiles,
    robot_url,
    weight,
)
from dispatcher.channels.signing import hmac_sha256
from dispatcher.i18n import _

ADDRESS = "https://oapi.dingtalk.com/robot/send?access_token="
ROOM = 20_000
"""Bytes of a whole message."""
PARAGRAPH = "\n\n"
BLOCKED = TOO_MANY._replace(
    text=_("channel '{channel}': {server} takes no message for ten minutes, because more than 20 "
           "came in one ({detail}); they are tried again by themselves; give each system a robot "
           "of its own"),
    wait=600.0,
)  # fmt: skip
USED_UP = TOO_MANY._replace(
    text=_("channel '{channel}': {server} takes no more messages of robots from this organisation "
           "({detail}); its administrator can see the quota; they are tried again every hour"),
    wait=3600.0,
)  # fmt: skip
GUARDED = NO_ROBOT._replace(
    text=_("channel '{channel}': the robot's security settings refuse the message ({detail}); "
           "compare keywords, signature and IP addresses with what is set up here"),
)  # fmt: skip
CASES = {
    -1: BUSY._replace(wait=30.0),
    130101: BLOCKED,
    410100: BLOCKED,
    300001: NO_ROBOT,
    300005: NO_ROBOT,
    400101: NO_ROBOT,
    400102: NO_ROBOT,
    400106: NO_ROBOT,
    400013: NO_ROBOT,
    90030: USED_UP,
    460101: TOO_LONG,
    400105: REFUSED,
    40035: REFUSED,
    43004: REFUSED,
}
SECURITY = 310000
"""One code for all three ways in which a robot is guarded: the words tell which."""
BY_WORDS = {
    r"(?i)keyword|关键词": NO_KEYWORD,
    r"(?i)white ?list|\bip\b|白名单": WRONG_IP,
    r"(?i)sign|timestamp|签名|时间戳": WRONG_SIGN,
}
TOO_FAST = re.compile(r"(?i)too fast|frequen|exceed(?!.*bytes)|限流|太快|频繁")
"""How throttling is said whatever its code."""


class Dingtalk(SignedRobot):
    """Markdown, in which people are mentioned by their mobile numbers."""

    pace = 3.1

    def __init__(
        self, name: str, key: str, secret: str = "", *,
        client: Client, now: Callable[[], float], sleep: Callable[[float], None] = sleep,
    ) -> None:  # fmt: skip
        """``key`` is the robot's access_token, or the whole address; ``secret`` is empty where the
        robot is not guarded by signature. Raises SettingsError."""
        url = robot_url(name, key, ADDRESS, client)
        super().__init__(name, url, secret, client=client, now=now, sleep=sleep)

    def messages(self, outgoing: Outgoing) -> list[dict[str, Any]]:
        """The parts; the first mentions people."""
        mentioned = mobiles(outgoing)
        room = ROOM - len(encoded(_message(Part("", ()), mentioned)))
        space = Space(
            room,
            lambda title: weight(title) + weight(_title(title) + PARAGRAPH),
            lambda line: weight(_marked(line) + PARAGRAPH),
        )
        return [
            _message(part, () if number else mentioned)
            for number, part in enumerate(parts(outgoing, space))
        ]

    def signed(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """With time and signature in the query."""
        stamp = int(self._now() * 1000)
        return f"{self._url}&timestamp={stamp}&sign={signature(self._secret, stamp)}", message

    def verdict(self, code: int, said: str) -> Case:
        """By the code, then by the words: codes of throttling come and go."""
        if code == SECURITY:
            found = (case for words, case in BY_WORDS.items() if re.search(words, said))
            return next(found, GUARDED)
        return CASES.get(code) or (BLOCKED if TOO_FAST.search(said) else REFUSED)


def signature(secret: str, stamp: int) -> str:
    """For a query; ``stamp`` is in milliseconds since 1970."""
    return quote_plus(b64encode(hmac_sha256(secret.encode(), f"{stamp}\n{secret}")))


def _message(part: Part, mentioned: Any) -> dict[str, Any]:
    """``part`` as markdown: its title is for the notification, so that the text repeats it."""
    mentions = " ".join(f"@{mobile}" for mobile in mentioned)
    lines = [_title(part.title), *map(_marked, part.lines), *filter(None, [mentions])]
    return {
        "msgtype": "markdown",
        "markdown": {"title": part.title, "text": PARAGRAPH.join(lines)},
        "at": {"atMobiles": list(mentioned), "isAtAll": False},
    }


def _title(title: str) -> str:
    return f"#### {title}"


def _marked(line: Line) -> str:
    return line.text if line.style == "plain" else f"**{line.text}**"
