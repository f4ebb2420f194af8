"""The sentences that click itself prints, so that our catalog translates them too."""

from __future__ import annotations

import gettext

from dispatcher.i18n import LOCALES, _

WORDS = (
    _("Usage:"),
    _("Options"),
    _("Commands"),
    _("Show this message and exit."),
    _("Show the version and exit."),
    _("Confirm the action without prompting."),
    _("Error: {message}"),
    _("Try '{command} {option}' for help."),
    _("No such option {name!r}."),
    _("No such command {name!r}."),
    _("Missing argument"),
    _("Missing option"),
    _("Missing parameter"),
    _("Missing command."),
    _("Invalid value: {message}"),
    _("Invalid value for {param_hint}: {message}"),
    _("{value!r} is not a valid {number_type}."),
    _("{value} is not in the range {range}."),
    _("{name} {filename!r} does not exist."),
    _("file"),
    _("Option {name!r} does not take a value."),
    _("Aborted!"),
    _("Missing {param_type}"),
    _("Choose from:\n\t{choices}"),
    _("{name} {filename!r} is a file."),
    _("{name} {filename!r} is a directory."),
    _("{name} {filename!r} is not readable."),
    _("directory"),
    _("path"),
)


def ngettext(one: str, many: str) -> tuple[str, str]:
    """Marks a sentence that English has twice, for the catalog."""
    return one, many


TWOFOLD = (
    ngettext("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    ngettext("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ngettext(
        "Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."
    ),
    ngettext("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
)


def teach_click(code: str) -> None:
    """Makes click look its own words up in our catalog, when ``code`` is not English."""
    if code != "en":
        gettext.bindtextdomain("dispatcher", LOCALES)
        gettext.textdomain("dispatcher")
