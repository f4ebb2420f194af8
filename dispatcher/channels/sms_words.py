"""What an SMS says: a filed template has few variables, short ones, and no link in any of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from dispatcher.channels.contract import Outgoing
from dispatcher.channels.signing import BEIJING
from dispatcher.errors import SettingsError
from dispatcher.i18n import _

WORDS = ("unit", "count", "item", "due")
LONGEST = 20
"""Characters of a variable: the vendors refuse longer ones, each at a length of its own."""
NOTHING = "见通知"
"""For a variable of which nothing is left: vendors refuse an empty one."""
MOBILE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")
LINK = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:/*(?=[/A-Za-z0-9])[!-~]*"
    r"|[A-Za-z0-9-]*(?:[.．][A-Za-z0-9-]+)*[.．][A-Za-z]{2,}(?:[:/?#][!-~]*)?"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}[!-~]*"
)
"""What a vendor could take for a link: with a scheme, a host's name, an address."""
PLACEHOLDER = re.compile(r"\{(\w+)\}")
MARKS = str.maketrans({"【": "(", "】": ")", "{": "(", "}": ")", "$": ""})
"""【】 is how an SMS is signed, and ${} and {} are the vendors' own variables."""


def mobile(address: str) -> str:
    """The eleven digits of a Chinese mobile number; empty where it is not one."""
    found = MOBILE.fullmatch(re.sub(r"[ -]", "", address))
    return found[1] if found else ""


def words(outgoing: Outgoing, longest: int = LONGEST) -> dict[str, str]:
    """The four variables: the unit, how many items, the first one's title, the earliest day."""
    card = outgoing.card
    if card and card.entries:
        due = min(date.fromisoformat(entry.due) for entry in card.entries)
        said = (card.units, str(len(card.entries)), card.entries[0].title)
    else:
        due = outgoing.at.astimezone(BEIJING).date()
        said = (outgoing.recipient_name or outgoing.sender_name, "1", outgoing.subject)
    values = (*said, f"{due.month}月{due.day}日")
    return {name: short(value, longest) for name, value in zip(WORDS, values, strict=True)}


def short(said: str, longest: int) -> str:
    """Text without links, marks and control characters, cut to ``longest`` characters."""
    said = LINK.sub("", said.translate(MARKS))
    said = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    if len(said) > longest:
        said = said[: longest - 1] + "…"
    return said or NOTHING


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """A structure with ``{name}`` replaced in its texts: nothing of a value can become structure,
    whatever it holds. A name in a value is not replaced again."""
    if isinstance(template, Mapping):
        return {name: filled(each, values) for name, each in template.items()}
    if isinstance(template, list | tuple):
        return [filled(each, values) for each in template]
    if isinstance(template, str):
        return PLACEHOLDER.sub(lambda found: values[found[1]], template)
    return template


def check_names(channel: str, template: Any, known: Collection[str]) -> None:
    """Raises SettingsError for a ``{name}`` that nobody fills."""
    for text in _texts(template):
        for name in PLACEHOLDER.findall(text):
            if name not in known:
                raise SettingsError(
                    _("channel '{channel}': there is nothing to put for '{name}'; known: {known}",
                      channel=channel, name=name, known=list(known))
                )  # fmt: skip


def _texts(template: Any) -> list[str]:
    if isinstance(template, Mapping):
        return [text for each in template.values() for text in _texts(each)]
    if isinstance(template, list | tuple):
        return [text for each in template for text in _texts(each)]
    return [template] if isinstance(template, str) else []
