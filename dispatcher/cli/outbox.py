"""Commands around messages: what was sent, what may have come twice, and what a person decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.asking import LIMIT, ledger, unit_known
from dispatcher.cli.output import (
    LINES,
    NUMBER,
    by_option,
    format_option,
    print_csv,
    print_json,
    say,
    table,
    words,
)
from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, _
from dispatcher.ledger.terms import MESSAGE_STATES, MESSAGES, OUTCOMES, REMINDER_STATES

if TYPE_CHECKING:
    from dispatcher.ledger.database import Connection
    from dispatcher.ledger.messages import Letter
    from dispatcher.ledger.queries import Sent

PAINT = {"failed": "red", "unknown": "yellow"}
FIELDS = (
    *("id", "kind", "channel", "address", "at", "state", "attempts", "next_attempt_at"),
    *("settled_at", "subject", "reason"),
)


@click.group(invoke_without_command=True, help=words(_("What was sent, and what became of it.")))
@click.option("--state", type=click.Choice(list(MESSAGE_STATES)), help=words(_("in this state")))
@click.option("--unit", help=words(_("to this unit")))
@click.option("--kind", type=click.Choice(list(MESSAGES)), help=words(_("of this kind")))
@click.option("--limit", type=LINES, default=LIMIT, help=words(_("so many lines (50)")))
@click.option("--before", type=NUMBER, help=words(_("before this message")))
@format_option("table", "json", "csv")
@click.pass_context
def outbox(context: click.Context, /, limit: int, form: str, **asked: Any) -> None:
    """Prints the newest messages, the newest last."""
    if context.invoked_subcommand:
        return
    from dispatcher.dispatch.telling import addresses
    from dispatcher.ledger import messages

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    with ledger(settings) as conn:
        if asked["unit"]:
            asked["unit"] = unit_known(conn, plan, asked["unit"])
            asked["to"] = addresses(plan, asked["unit"])
        found = messages.latest(conn, messages.Wanted(**asked), limit + 1)
    more, found = len(found) > limit, found[-limit:]
    if form == "json":
        print_json([_as_json(each, plan.zone) for each in found])
    elif form == "csv":
        lines = (_as_json(each, plan.zone).values() for each in found)
        print_csv(FIELDS, (["" if cell is None else cell for cell in line] for line in lines))
    else:
        _print_table(found, plan.zone)
    if more:
        click.echo(words(_("more: --before {id}", id=found[0].id)), err=form != "table")


def _as_json(each: Sent, zone: tzinfo) -> dict[str, Any]:
    """A message as the stable interface shows it."""
    values = each._asdict()
    return {name: _plain(values[name], zone) for name in FIELDS}


def _plain(value: Any, zone: tzinfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    return words(value) if isinstance(value, Text) else value


def _print_table(found: list[Sent], zone: tzinfo) -> None:
    if not found:
        say(_("nothing fits"))
        return
    header = (_("id"), _("at"), _("kind"), _("address"), _("state"), _("attempts"),
              _("subject"))  # fmt: skip
    rows = [
        (
            *(each.id, _minute(each.at, zone), MESSAGES[each.kind], each.address),
            *(MESSAGE_STATES[each.state], each.attempts, each.subject or _("not composed yet")),
        )
        for each in found
    ]
    table(header, rows, [PAINT.get(each.state) for each in found])


def _minute(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


@outbox.command(help=words(_("A message as it was sent, with every attempt.")))
@click.argument("id", type=NUMBER)
def show(id: int) -> None:
    """Prints the whole of a message."""
    from dispatcher.ledger import messages

    settings = bootstrap.settings()
    zone = bootstrap.plan_in_force(settings).zone
    with ledger(settings) as conn:
        letter = messages.letter(conn, id)
    _print_facts(letter, zone)
    _print_attempts(letter, zone)
    _print_items(letter)
    say()
    if letter.text is None:
        say(_("not composed yet: its words are those of the moment at which it leaves"))
    else:
        click.echo(letter.text, nl=not letter.text.endswith("\n"))


def _print_facts(letter: Letter, zone: tzinfo) -> None:
    sent = letter.sent
    facts = [
        (_("message"), f"{sent.id}"),
        (_("kind"), MESSAGES[sent.kind]),
        (_("address"), f"{sent.address} ({sent.channel})"),
        (_("at"), _minute(sent.at, zone)),
        (_("state"), MESSAGE_STATES[sent.state]),
        (_("because"), sent.reason),
        (_("settled"), sent.settled_at and _minute(sent.settled_at, zone)),
        (_("next attempt"), sent.next_attempt_at and _minute(sent.next_attempt_at, zone)),
        (_("receipt"), letter.receipt),
        *((_("attachment"), f"{name} ({size} B)") for name, size in letter.attachments),
        (_("subject"), sent.subject),
    ]
    for label, says in facts:
        if says:
            say(_("{label}: {says}", label=label, says=says))


def _print_attempts(letter: Letter, zone: tzinfo) -> None:
    for tried in letter.attempts:
        says = _("attempt {number} on {at}: {outcome}", number=tried.number,
                 at=_minute(tried.started_at, zone), outcome=OUTCOMES[tried.outcome])  # fmt: skip
        say(_("{says}; {detail}", says=says, detail=tried.detail) if tried.detail else says)


def _print_items(letter: Letter) -> None:
    for item in letter.items:
        state = item.reason or REMINDER_STATES[item.state]
        say(_("holds {key} {step} for {unit}: {state}", key=item.key, step=item.step,
              unit=item.unit, state=state))  # fmt: skip


def _decide(decision: Callable[[Connection, datetime], bool], done: Text, id: int) -> None:
    """Carries out what a person decides, and says whether it was new."""
    with bootstrap.ledger(bootstrap.settings()).begin() as conn:
        new = decision(conn, bootstrap.now())
    say(done if new else _("message {id}: nothing to change, it is so already", id=id))


@outbox.command(help=words(_("Send a failed or unknown message again.")))
@click.argument("id", type=NUMBER)
@by_option(_("who"))
@click.option("--note", default="", help=words(_("why")))
def retry(id: int, by: str, note: str) -> None:
    """The next pass sends it; one of unknown outcome may arrive twice."""
    from dispatcher.ledger import mending

    done = _("message {id} is queued again; if it had arrived after all, it comes twice, and "
             "'dispatcher duplicates' lists it", id=id)  # fmt: skip
    _decide(lambda conn, now: mending.retry(conn, id, by, note, now), done, id)


@outbox.command(help=words(_("Record whether a message of unknown outcome arrived.")))
@click.argument("id", type=NUMBER)
@click.option("--arrived/--lost", default=None, help=words(_("what was found out")))
@by_option(_("who"))
@click.option("--note", default="", help=words(_("why")))
def resolve(id: int, arrived: bool | None, by: str, note: str) -> None:
    """Sent, or failed so that somebody may send it again."""
    from dispatcher.dispatch.telling import move_on
    from dispatcher.ledger import mending

    if arrived is None:
        raise DispatcherError(_("say what was found out: --arrived or --lost"))
    done = _("message {id} counts as {state}", id=id,
             state=MESSAGE_STATES["sent" if arrived else "failed"])  # fmt: skip
    plan = bootstrap.plan_in_force(bootstrap.settings())

    def resolved(conn: Connection, now: datetime) -> bool:
        changed = mending.resolve(conn, id, by, note, now, arrived=arrived)
        if changed and not arrived:
            move_on(conn, plan, [id])
        return changed

    _decide(resolved, done, id)


@click.command(help=words(_("Every message that may have come twice, and why.")))
def duplicates() -> None:
    """Prints a line for each possible second copy."""
    from dispatcher.ledger import queries

    settings = bootstrap.settings()
    zone = bootstrap.plan_in_force(settings).zone
    with ledger(settings) as conn:
        found = queries.possible_duplicates(conn)
    if not found:
        say(_("nothing can have come twice"))
        return
    rows = [
        (
            *(each.message_id, each.address, each.number, _minute(each.started_at, zone)),
            OUTCOMES[each.outcome],
            _("the outcome of attempt {number} on {at} is unknown", number=each.lost,
              at=_minute(each.lost_at, zone)),
        )
        for each in found
    ]  # fmt: skip
    header = (_("id"), _("address"), _("attempt"), _("at"), _("outcome"), _("because"))
    table(header, rows)
