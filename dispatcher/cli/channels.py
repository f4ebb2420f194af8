"""Commands around channels: how each one is, and stopping one without the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.asking import ledger
from dispatcher.cli.output import by_option, format_option, print_json, say, table, words
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger.terms import TODO_STATES
from dispatcher.plan.shape import nearest
from dispatcher.plan.ways import MAIL

if TYPE_CHECKING:
    from dispatcher.ledger.channels import State, Used
    from dispatcher.plan.model import Plan

STATES = {"open": _("in use"), "paused": _("paused")}
BY = by_option(_("who"))


@click.group(invoke_without_command=True, help=words(_("The channels, and how each one is.")))
@format_option("table", "json")
@click.pass_context
def channels(context: click.Context, form: str) -> None:
    """Prints a line a channel: mail, then those of the calendar in its order."""
    if context.invoked_subcommand:
        return
    from dispatcher.ledger.channels import State, states, used
    from dispatcher.ledger.todos import counts

    settings = bootstrap.settings()
    plan, now = bootstrap.plan_in_force(settings), bootstrap.now()
    with ledger(settings) as conn:
        known = states(conn)
        found = [(known.get(name, State(name)), used(conn, name)) for name in _kinds(plan)]
        todos = counts(conn)
    lines = [
        _as_json(_kinds(plan)[state.name], state, past, now) | {"todos": todos.get(state.name, {})}
        for state, past in found
    ]
    if form == "json":
        print_json([{key: _plain(each, plan.zone) for key, each in line.items()} for line in lines])
    else:
        _print_table(lines, plan.zone, now)
        _print_todos(todos)


def _kinds(plan: Plan) -> dict[str, str]:
    """The channels by name, each with its kind."""
    return {MAIL: MAIL} | {name: channel.kind for name, channel in plan.channels.items()}


def _as_json(kind: str, state: State, past: Used, now: datetime) -> dict[str, Any]:
    """A channel as the stable interface shows it."""
    paused = state.is_paused(now)
    return {
        "name": state.name,
        "kind": kind,
        "state": "paused" if paused else "open",
        "paused_at": state.paused_at if paused else None,
        "paused_until": state.paused_until if paused else None,
        "paused_by": state.paused_by if paused else None,
        "reason": state.reason if paused else None,
        "next_at": state.opens(now),
        "waiting": past.waiting,
        "sent_at": past.sent_at,
        "failed_at": past.failed_at,
        "failure": past.failure or None,
    }


def _plain(value: Any, zone: tzinfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    return words(value) if isinstance(value, Text) else value


def _print_table(lines: list[dict[str, Any]], zone: tzinfo, now: datetime) -> None:
    header = (_("channel"), _("kind"), _("state"), _("paused by"), _("next"), _("waiting"),
              _("last sent"), _("last failure"), _("because"))  # fmt: skip
    rows = [
        (
            *(each["name"], each["kind"], STATES[each["state"]], each["paused_by"] or ""),
            _next(each["next_at"], zone, now),
            *(each["waiting"], _minute(each["sent_at"], zone), _minute(each["failed_at"], zone)),
            each["reason"] or each["failure"] or "",
        )
        for each in lines
    ]
    table(header, rows, ["yellow" if each["state"] == "paused" else None for each in lines])


def _print_todos(todos: Mapping[str, Mapping[str, int]]) -> None:
    for name, counts in todos.items():
        each = [_("{state} {count}", state=TODO_STATES[state], count=count)
                for state, count in counts.items()]  # fmt: skip
        say(_("to-dos by '{channel}': {counts}", channel=name, counts=each))


def _next(at: datetime | None, zone: tzinfo, now: datetime) -> object:
    """When it may be called next."""
    if at is None:
        return _("after 'resume'")
    return _("at once") if at <= now else _minute(at, zone)


def _minute(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""


def _called(plan: Plan, name: str) -> str:
    known = list(_kinds(plan))
    if name not in known:
        near = nearest(name, known)
        raise DispatcherError(
            _("unknown channel '{channel}'; nearest: {near}", channel=name, near=near)
        )
    return name


@channels.command(help=words(_("Stop a channel until it is resumed; the others go on.")))
@click.argument("name")
@BY
@click.option("--note", default="", help=words(_("why")))
def pause(name: str, by: str, note: str) -> None:
    """What is to leave by it waits."""
    from dispatcher.ledger.channels import pause, why_by

    settings = bootstrap.settings()
    _called(bootstrap.plan_in_force(settings), name)
    with bootstrap.ledger(settings).begin() as conn:
        new = pause(conn, name, by, why_by(note), bootstrap.now())
    if not new:
        raise Refused(_("channel '{channel}' was paused already", channel=name))
    say(_("channel '{channel}' is paused", channel=name))


@channels.command(help=words(_("Let a channel be called again, at once.")))
@click.argument("name")
@BY
def resume(name: str, by: str) -> None:
    """The next pass sends what has waited."""
    from dispatcher.ledger.channels import resume

    settings = bootstrap.settings()
    _called(bootstrap.plan_in_force(settings), name)
    with bootstrap.ledger(settings).begin() as conn:
        ended = resume(conn, name, by, bootstrap.now())
    if not ended:
        raise Refused(_("channel '{channel}' was not paused", channel=name))
    say(_("channel '{channel}' is resumed", channel=name))
