"""The doctor's command: everything is looked at, and what is not in order is said with its cure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli.output import format_option, print_json, say, table, words
from dispatcher.i18n import Text, _
from dispatcher.logs import masked

if TYPE_CHECKING:
    from dispatcher.doctor import Diagnosis, Finding

STATES = {"ok": _("ok"), "warn": _("warning"), "bad": _("bad")}
PAINT = {"ok": None, "warn": "yellow", "bad": "red"}
CHECKS = {
    "settings": _("settings"),
    "files": _("files with secrets"),
    "delivery": _("delivery"),
    "zone": _("time zone"),
    "calendar": _("calendar"),
    "holidays": _("holidays"),
    "secrets": _("secrets"),
    "templates": _("templates"),
    "database": _("database"),
    "hold": _("pause"),
    "daemon": _("daemon"),
    "disk": _("disk"),
    "channels": _("channels"),
    "setup": _("settings"),
    "pause": _("pause"),
    "reach": _("connection"),
    "certificate": _("certificate"),
    "clock": _("clock"),
    "send": _("test message"),
}


@click.command(help=words(_("Look at everything that has to be in order, and say what to do.")))
@click.option(
    "--send",
    "unit",
    default="",
    metavar="UNIT",
    help=words(_("also send a unit a marked test message over each of its channels")),
)
@format_option("table", "json")
def doctor(unit: str, form: str) -> None:
    """Ends with 1 when something is not in order, with 2 when that is a file."""
    from dispatcher.doctor import examine

    found = examine(unit)
    if form == "json":
        print_json([_as_json(each, found) for each in found.findings])
    else:
        _print_table(found)
    sys.exit(found.exit_code)


def _as_json(each: Finding, found: Diagnosis) -> dict[str, Any]:
    """A finding as the stable interface shows it."""
    return {
        "check": each.check,
        "channel": each.channel or None,
        "state": each.state,
        "says": _line(each.says, found),
        "hint": _line(each.hint, found) if each.hint else None,
    }


def _print_table(found: Diagnosis) -> None:
    rows = [
        (STATES[each.state], each.channel, CHECKS[each.check], _whole(each, found))
        for each in found.findings
    ]
    header = (_("state"), _("channel"), _("looked at"), _("finding"))
    table(header, rows, [PAINT[each.state] for each in found.findings])
    amiss = [each.state for each in found.findings if each.state != "ok"]
    if amiss:
        says = _("bad: {bad}, warnings: {warn}", bad=amiss.count("bad"), warn=amiss.count("warn"))
        say(says, "red" if "bad" in amiss else "yellow")
    else:
        say(_("all is well"), "green")


def _whole(each: Finding, found: Diagnosis) -> str:
    """What was found, and what to do about it, in one line."""
    if each.hint is None:
        return _line(each.says, found)
    return _line(_("{says} → {hint}", says=each.says, hint=each.hint), found)


def _line(text: Text, found: Diagnosis) -> str:
    """One line, secrets masked, whatever it quotes."""
    return masked(" ".join(words(text).split()), found.secrets)
