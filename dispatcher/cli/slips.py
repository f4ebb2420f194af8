"""Commands around colour slips: list and show them, release them, make them void."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.asking import ledger
from dispatcher.cli.output import (
    NUMBER,
    by_option,
    format_option,
    print_csv,
    print_json,
    say,
    table,
    words,
)
from dispatcher.i18n import Text, _

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from dispatcher.dispatch.slips import Released
    from dispatcher.ledger.database import Connection
    from dispatcher.ledger.slips import Slip
    from dispatcher.plan.model import Plan
    from dispatcher.settings import Settings

STATES = {"draft": _("draft"), "released": _("released"), "void": _("void")}
PAINT = {"蓝": "blue", "黄": "yellow", "红": "red"}
FIELDS = (
    *("id", "state", "code", "year", "number", "colour", "name", "assignment", "title", "round"),
    *("drafted_at", "released_at", "released_by", "answer_due_on", "voided_at", "reason"),
)


@click.group(help=words(_("Colour slips: list and show them, release them, make them void.")))
def slip() -> None:
    """The group of the commands around colour slips."""


@slip.command("list", help=words(_("The slips: the numbered ones in order, then the others.")))
@click.option("--state", type=click.Choice(list(STATES)), help=words(_("only those in this state")))
@click.option("--year", type=NUMBER, help=words(_("only those numbered in this year")))
@format_option("table", "json", "csv")
def list_command(state: str | None, year: int | None, form: str) -> None:
    """Prints one line for each slip; void numbers stay among them."""
    from dispatcher.ledger import slips

    settings = bootstrap.settings()
    zone = bootstrap.plan_in_force(settings).zone
    with ledger(settings) as conn:
        found = slips.listed(conn, state, year)
    if form == "json":
        print_json([_as_json(each) for each in found])
    elif form == "csv":
        lines = (_as_json(each).values() for each in found)
        print_csv(FIELDS, (["" if cell is None else cell for cell in line] for line in lines))
    elif found:
        _print_table(found, zone)
    else:
        say(_("no slips"))


def _as_json(each: Slip) -> dict[str, Any]:
    """A slip as the stable interface shows it."""
    values = each._asdict() | {"assignment": each.key}
    return {name: _plain(values[name]) for name in FIELDS}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    return words(value.isoformat() if hasattr(value, "isoformat") else value)


def _print_table(found: list[Slip], zone: tzinfo) -> None:
    header = (_("id"), _("number"), _("slip"), _("assignment"), _("duty"), _("state"),
              _("day"), _("answer by"))  # fmt: skip
    rows = [
        (
            each.id,
            each.code or "",
            each.name,
            each.key,
            each.title,
            STATES[each.state],
            _day(each.voided_at or each.released_at or each.drafted_at, zone),
            each.answer_due_on or "",
        )
        for each in found
    ]
    table(header, rows, [None if each.reason else PAINT.get(each.colour) for each in found])


def _day(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).date().isoformat()


@slip.command(help=words(_("A slip as it was released, or as a draft would read now.")))
@click.argument("id", type=NUMBER)
def show(id: int) -> None:
    """Prints what became of a slip, and its words."""
    from dispatcher.dispatch.slips import called

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    with ledger(settings) as conn:
        each = called(conn, id)
        _print_facts(conn, each, plan.zone)
        says = _words(conn, settings, plan, each)
    if says:
        say()
        click.echo(says, nl=False)


def _print_facts(conn: Connection, each: Slip, zone: tzinfo) -> None:
    from dispatcher.ledger.slips import deliveries
    from dispatcher.ledger.terms import MESSAGE_STATES

    say(_("slip {id}: {name} ({colour}), {state}", id=each.id, name=each.name, colour=each.colour,
          state=STATES[each.state]), PAINT.get(each.colour))  # fmt: skip
    say(_("on {key}: {title}", key=each.key, title=each.title))
    say(_("drafted {at}", at=_minute(each.drafted_at, zone)))
    if each.released_at:
        at = _minute(each.released_at, zone)
        say(_("released {at} by {by} as {code}", at=at, by=each.released_by, code=each.code))
        say(_("to be answered by {day}", day=each.answer_due_on))
    if each.voided_at:
        say(_("void since {at}: {reason}", at=_minute(each.voided_at, zone), reason=each.reason))
    rows = [
        (one.message_id, one.address, MESSAGE_STATES[one.state],
         _minute(one.settled_at, zone) if one.settled_at else "", one.reason or "")
        for one in deliveries(conn, each.id)
    ]  # fmt: skip
    if rows:
        header = (_("message"), _("address"), _("state"), _("day"), _("reason"))
        table(header, rows)


def _minute(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _words(conn: Connection, settings: Settings, plan: Plan, each: Slip) -> str:
    """The stored text, or a draft's as it would be; nothing of a draft that is void."""
    from dispatcher.dispatch.slips import preview
    from dispatcher.ledger import slips

    stored = slips.content_of(conn, each.id)
    if stored or each.reason:
        return f"{stored.subject}\n\n{stored.text}" if stored else ""
    said = preview(conn, plan, bootstrap.composer(settings, plan), each, bootstrap.now())
    return f"{said.subject}\n\n{said.text}"


@slip.command(help=words(_("Number drafts, and send them to whom their rung says.")))
@click.argument("ids", type=NUMBER, nargs=-1, required=True)
@by_option(_("who releases it"))
@click.option("--note", default="", help=words(_("what was said")))
def release(ids: tuple[int, ...], by: str, note: str) -> None:
    """Releases all of them or none; they leave with the next pass inside the window."""
    from dispatcher.dispatch import slips

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    composer = bootstrap.composer(settings, plan)
    signed = slips.Signed(by, note, bootstrap.now())
    with bootstrap.ledger(settings).begin() as conn:
        done = [(id, slips.release(conn, plan, composer, id, signed)) for id in ids]
    for id, released in done:
        _say_released(id, released)


def _say_released(id: int, released: Released) -> None:
    if not released.new:
        say(_("slip {id}: released already as {code}", id=id, code=released.code))
        return
    to = [address.address for address in released.to]
    say(_("slip {id}: released as {code}, to {addresses}", id=id, code=released.code,
          addresses=to), "green")  # fmt: skip
    if released.unreached:
        say(_("without a contact: {units}", units=released.unreached), "yellow")
    if released.broken:
        say(_("the template is broken, the built-in text was used: {fault}",
              fault=released.broken), "yellow")  # fmt: skip


@slip.command(help=words(_("Make a slip void, with a reason; its number is never used again.")))
@click.argument("id", type=NUMBER)
@by_option(_("who makes it void"))
@click.option("--note", required=True, help=words(_("why")))
def void(id: int, by: str, note: str) -> None:
    """What has not left of it is not sent; who has had it already is named."""
    from dispatcher.dispatch import slips
    from dispatcher.ledger.slips import deliveries

    with bootstrap.ledger(bootstrap.settings()).begin() as conn:
        before = slips.void(conn, id, slips.Signed(by, note, bootstrap.now()))
        had = [one.address for one in deliveries(conn, id) if one.left]
    if before is None:
        say(_("slip {id} was void already", id=id))
        return
    says: Text = _("slip {id} is void", id=id)
    if before.code:
        says = _("slip {id} is void; its number {code} stays used", id=id, code=before.code)
    say(says)
    if had:
        say(_("they have it already, let them know: {addresses}", addresses=had), "yellow")
