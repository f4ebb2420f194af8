"""WeCom (企业微信): the robot of a group chat.

Limits and codes: developer.work.weixin.qq.com/document/path/91770 and /90455.
"""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import Any

from dispatcher.channels.cases import BUSY, REFUSED, TOO_MANY, Case
from dispatcher.channels.contract import Outgoing
from dispatcher.channels.fitting import Line, Part, Space, parts
from dispatcher.channels.http import Client
from dispatcher.channels.markup import plain
from dispatcher.channels.robot import NO_ROBOT, TOO_LONG, Robot, mobiles, robot_url

ADDRESS = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="
ROOM = 4096
"""Bytes of the content of a markdown message."""
COLOURS = {"red": "warning", "yellow": "warning", "blue": "info", "grey": "comment"}
"""Of three colours: orange, green, grey."""
NAMES = {"digest": "提醒", "slip": "督办单"}
LONGEST_TEXT = 500
"""Characters: a text may have 2048 bytes."""
CASES = {
    -1: BUSY,
    6000: BUSY,
    45009: TOO_MANY,
    45033: BUSY,
    93000: NO_ROBOT,
    93004: NO_ROBOT,
    93008: NO_ROBOT,
    45002: TOO_LONG,
}


class Wecom(Robot):
    """Markdown in three colours, and a short text that mentions people: markdown cannot mention a
    mobile number."""

    pace = 3.1

    def __init__(
        self, name: str, key: str, *,
        client: Client, sleep: Callable[[float], None] = sleep,
    ) -> None:  # fmt: skip
        """``key`` is the robot's key, or the whole address. Raises SettingsError."""
        url = robot_url(name, key, ADDRESS, client)
        super().__init__(name, url, client=client, sleep=sleep)

    def messages(self, outgoing: Outgoing) -> list[dict[str, Any]]:
        """The parts, and who is to look at them."""
        space = Space(ROOM, lambda title: _size(_title(title)), lambda line: _size(_marked(line)))
        found = [
            {"msgtype": "markdown", "markdown": {"content": _content(part)}}
            for part in parts(outgoing, space)
        ]
        mentioned = mobiles(outgoing)
        if mentioned:
            said = plain(f"{outgoing.address}:请查看以上{NAMES.get(outgoing.kind, '消息')}。")
            text = {"content": said[:LONGEST_TEXT], "mentioned_mobile_list": mentioned}
            found.append({"msgtype": "text", "text": text})
        return found

    def verdict(self, code: int, said: str) -> Case:
        """By the code alone: WeCom's words may change."""
        return CASES.get(code, REFUSED)


def _content(part: Part) -> str:
    return "\n".join([_title(part.title), *map(_marked, part.lines)])


def _title(title: str) -> str:
    return f"**{title}**"


def _marked(line: Line) -> str:
    if line.style == "plain":
        return line.text
    if line.style == "strong":
        return f"**{line.text}**"
    return f'<font color="{COLOURS[line.style]}">{line.text}</font>'


def _size(line: str) -> int:
    return len(line.encode()) + len("\n")
