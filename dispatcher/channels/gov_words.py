"""A message as the government's DingTalk shows it: markdown, each part within the limit."""

from __future__ import annotations

from dispatcher.channels.contract import Outgoing
from dispatcher.channels.fitting import Line, Part, Space, parts
from dispatcher.channels.robot import encoded, weight

MAX_BYTES = 2048
"""Of the whole ``msg`` in UTF-8."""
WIDEST = 300
"""Characters of a line when a message is split: 1200 bytes at most, beside a title twice."""
PARAGRAPH = "\n\n"


def messages(outgoing: Outgoing) -> list[str]:
    """The ``msg`` of each part, JSON."""
    space = Space(
        MAX_BYTES - len(_message(Part("", ()))),
        lambda title: weight(title) + weight(_strong(title) + PARAGRAPH),
        lambda line: weight(_marked(line) + PARAGRAPH),
        WIDEST,
    )
    return [_message(part).decode() for part in parts(outgoing, space)]


def _message(part: Part) -> bytes:
    """The title is for the notification, so that the text repeats it."""
    text = PARAGRAPH.join([_strong(part.title), *map(_marked, part.lines)])
    return encoded({"msgtype": "markdown", "markdown": {"title": part.title, "text": text}})


def _strong(text: str) -> str:
    return f"**{text}**"


def _marked(line: Line) -> str:
    return line.text if line.style == "plain" else _strong(line.text)
