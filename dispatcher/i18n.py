"""Sentences that people read: written in English, rendered in the reader's language.

Code makes a :class:`Text` (through ``_``) and never renders it; whoever shows it chooses the
language. So one reason can go to an English log and into a Chinese message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Translate = Callable[[str], str]
LOCALES = Path(__file__).parent / "locale"


class Text:
    """A sentence with named values, not yet in any language.

    >>> str(Text("due on {day}", day="2026-06-30"))
    'due on 2026-06-30'
    >>> Text("due on {day}", day="2026-06-30").render(lambda msgid: "{day}到期")
    '2026-06-30到期'
    """

    __slots__ = ("msgid", "values")

    def __init__(self, msgid: str, /, **values: object) -> None:
        self.msgid = msgid
        self.values = values

    def render(self, translate: Translate) -> str:
        """The sentence in the language of ``translate``; values that are Texts are rendered too."""
        return translate(self.msgid).format(
            **{name: render(value, translate) for name, value in self.values.items()}
        )

    def __str__(self) -> str:
        return self.render(str)

    def __repr__(self) -> str:
        return f"Text({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.msgid == other.msgid and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.msgid)


_ = Text
AND = Text(", ")
"""Between the items of a list."""


def render(value: object, translate: Translate) -> object:
    """``value`` itself, or its rendering when it is a Text (or a sequence of Texts)."""
    if isinstance(value, Text):
        return value.render(translate)
    # A named tuple is one value, with words of its own.
    if type(value) in (tuple, list):
        items: Iterable[object] = value  # type: ignore[assignment]
        return AND.render(translate).join(str(render(item, translate)) for item in items)
    return value


def packed(value: object) -> Any:
    """A Text (or a list of them) as JSON can hold it, so that it is rendered when it is read."""
    if isinstance(value, Text):
        return {"say": value.msgid, **{name: packed(v) for name, v in value.values.items()}}
    if isinstance(value, list | tuple):
        return [packed(item) for item in value]
    return value if isinstance(value, int | str) else str(value)


def unpacked(value: Any) -> Any:
    """What ``packed`` made, as it was before."""
    if isinstance(value, dict):
        values = {name: unpacked(v) for name, v in value.items() if name != "say"}
        return Text(value["say"], **values)
    return [unpacked(item) for item in value] if isinstance(value, list) else value


def language(environ: Mapping[str, str]) -> str:
    """``zh_CN`` when the locale of ``environ`` is a Chinese one, else ``en``.

    >>> language({"LANG": "zh_CN.UTF-8"}), language({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"})
    ('zh_CN', 'en')
    """
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "zh_CN" if environ[name].lower().startswith("zh") else "en"
    return "en"


@cache
def translator(code: str) -> Translate:
    """The catalog of language ``code``; English needs none."""
    if code == "en":
        return str
    import gettext

    return gettext.translation("dispatcher", LOCALES, [code]).gettext
