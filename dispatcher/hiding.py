"""Secrets: which of them a calendar asks for, and what no log and no message may show."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import unquote, unquote_plus, urlsplit

from dispatcher.i18n import Text, _
from dispatcher.plan.channels import placeholders
from dispatcher.plan.model import Plan
from dispatcher.settings import LOGIN, Settings

SHORTEST = 4
"""Characters of a secret: what is shorter stands in every text."""
KEY = 16
"""Characters of a part of an address that may be a key."""
PASSWORD = re.compile(r"://[^:/]*:([^@]*)@|[?&](?:ssl)?password=([^&]*)")
"""In a database's address, where a password may hold what ends it elsewhere (``/``, ``#``)."""


def unset_secrets(plan: Plan, settings: Settings) -> list[Text]:
    """What the calendar's channels ask of the environment and do not find there."""
    return [
        _("channel '{channel}': {name} is not set", channel=channel, name=name)
        for name, channel in placeholders(plan).items()
        if not settings.secret(name)
    ]


def secrets(settings: Settings, plan: Plan | None) -> tuple[str, ...]:
    """What no log and no message may show: the secrets, those that the calendar asks for among
    them, and what of them another's words may quote."""
    asked = [_given(settings, name) for name in placeholders(plan)] if plan else []
    logins = [each for each in (settings.smtp_url, settings.database_url) if LOGIN.search(each)]
    whole = {str(each) for each in (settings.heartbeat_url, *asked, *logins)}
    found = whole | {part for each in whole for part in _parts(each)}
    return tuple(each for each in found if len(each) >= SHORTEST)


def _given(settings: Settings, name: str) -> str:
    try:
        return settings.secret(name)
    except Exception:  # what cannot be read cannot be shown
        return ""


def _parts(secret: str) -> list[str]:
    """The passwords of an address, and what of its path and query is long enough to be a key."""
    passwords, keys = ["".join(found) for found in PASSWORD.findall(secret)], []
    with suppress(ValueError):
        parts = urlsplit(secret)
        passwords.append(parts.password or "")
        keys = re.split("[/?&=]", f"{parts.path}?{parts.query}") if parts.netloc else []
    plain = [read(each) for each in passwords for read in (unquote, unquote_plus)]
    return [*passwords, *plain, *(key for key in keys if len(key) >= KEY)]
