"""The one composition root: settings in, parts out. Only this room knows everybody."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dispatcher.clock import Clock, boottime, system_clock
from dispatcher.errors import (
    DispatcherError,
    Place,
    PlanError,
    Problem,
    SettingsError,
    said_by_system,
)
from dispatcher.hiding import secrets, unset_secrets
from dispatcher.i18n import Text, _
from dispatcher.plan.channels import filled, placeholders
from dispatcher.plan.model import Plan, Revision
from dispatcher.plan.nodes import MAX_BYTES
from dispatcher.plan.reading import read_plan
from dispatcher.plan.ways import MAIL
from dispatcher.settings import Settings, load_settings, shipped

if TYPE_CHECKING:
    from dispatcher.channels.contract import Channel
    from dispatcher.dispatch.compose import Composer
    from dispatcher.dispatch.parts import Parts
    from dispatcher.ledger.database import Connection, Engine
    from dispatcher.ledger.outbox import Address, Content

RULES = "4"
"""The version of the rules by which a plan is read: part of a revision's identity."""
MOUNTS = Path("/proc/self/mounts")


def settings() -> Settings:
    """The settings of this process."""
    return load_settings(os.environ, Path.cwd())


def read_calendar(path: Path) -> Plan:
    """The plan in a file; errors name the file as it was given."""
    return read_plan(str(path.name), calendar_text(path))


def calendar_file(settings: Settings) -> Path:
    """Where the calendar is read from. Raises DispatcherError where the home's own file is gone:
    the sample, which stands for it until there is one, tells of other duties."""
    file, own = settings.schedules, settings.home / "schedules.yaml"
    if file == shipped("schedules.yaml") and file != own and _is_lost(settings, file):
        raise DispatcherError(
            _("{file} is gone; 'dispatcher revisions show NUMBER' prints what it held", file=own)
        )
    return file


def _is_lost(settings: Settings, sample: Path) -> bool:
    """Whether the ledger, where there is one, works by a calendar that is not the sample."""
    from dispatcher.ledger import revisions
    from dispatcher.ledger.reading import reading

    with suppress(Exception), reading(settings.database_url, shipped("db")) as conn:
        known = revisions.in_force(conn) if conn else None
        return known is not None and known[1] != calendar_text(sample)
    return False


def calendar_text(path: Path) -> str:
    """The text of a calendar file; raises a clear error where there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = _("not UTF-8; save the file as UTF-8 (byte {offset})", offset=error.start)
        raise PlanError(path.name, [Problem(Place(line, 1), text)]) from None
    except OSError as error:
        raise DispatcherError(
            _("{file} cannot be read: {detail}; 'dispatcher init' makes a calendar to start from",
              file=path, detail=said_by_system(error))
        ) from None  # fmt: skip


def today(plan: Plan) -> date:
    """Today in the plan's zone."""
    return now().astimezone(plan.zone).date()


def now() -> datetime:
    """The present, or what the settings say to take for it.

    A ``.env`` that is broken while the daemon runs is for its next start to refuse.
    """
    with suppress(SettingsError):
        return settings().now or system_clock()
    return system_clock()


def read_revision(path: Path) -> Revision:
    """The calendar in a file, with its text and its identity."""
    return revision(path.name, calendar_text(path))


def revision(name: str, text: str) -> Revision:
    """What a calendar says, and its identity: of its text, the data and rules that it rests on."""
    from hashlib import sha256
    from importlib.metadata import version

    ground = (RULES, version("chinesecalendar"), version("tzdata"), text)
    hash = sha256("\n".join(ground).encode()).hexdigest()[:16]
    return Revision(hash, text, read_plan(name, text))


def in_force(settings: Settings, conn: Connection | None) -> Revision:
    """The calendar by which the daemon works; that of the file where there is no ledger, or it has
    not kept its calendar."""
    from dispatcher.ledger import revisions

    known = revisions.in_force(conn) if conn else None
    if known is None:
        return read_revision(settings.schedules)
    hash, text = known
    return revision(settings.schedules.name, text)._replace(hash=hash)


def readable_plan(settings: Settings, conn: Connection) -> Plan | None:
    """What it says; None where it cannot be read."""
    with suppress(DispatcherError):
        return in_force(settings, conn).plan
    return None


def revision_in_force(settings: Settings) -> Revision:
    """The same, by a look at the ledger that changes nothing."""
    from dispatcher.ledger.reading import reading

    with reading(settings.database_url, shipped("db")) as conn:
        return in_force(settings, conn)


def plan_in_force(settings: Settings) -> Plan:
    """What it says."""
    return revision_in_force(settings).plan


def ledger(settings: Settings) -> Engine:
    """The ledger's database, its schema current; refused where nothing is safe in it."""
    engine = database(settings)
    open_ledger(engine)
    return engine


def database(settings: Settings) -> Engine:
    """The ledger's database, not yet opened; refused on a network file system, and as soon as its
    file is no longer the one that was opened."""
    from dispatcher.ledger import guards
    from dispatcher.ledger.database import create_engine

    engine = create_engine(guards.real_name(settings.database_url))
    guards.refuse_network_folder(engine, MOUNTS.read_text() if MOUNTS.exists() else "")
    guards.refuse_another_file(engine, settings.database_url)
    return engine


def open_ledger(engine: Engine) -> None:
    """Brings the schema up to date; refused where what is committed may be forgotten."""
    from dispatcher.ledger.database import migrate
    from dispatcher.ledger.guards import refuse_forgetful_server

    refuse_forgetful_server(engine)
    migrate(engine, shipped("db"))


def composer(settings: Settings, plan: Plan) -> Composer:
    """Composes from the office's own templates where it has any, else from the shipped ones."""
    from dispatcher.dispatch.compose import Composer

    return Composer(templates(settings), plan.workdays)


def templates(settings: Settings) -> tuple[Path, Path]:
    """The folders of the templates, the office's own first."""
    return settings.home / "templates", shipped("templates")


def channels(settings: Settings, plan: Plan) -> dict[str, Channel]:
    """The channels by name, mail among them; each one writes into the mailbox until the settings
    say live."""
    sender = settings.mail_from or office_address(plan)
    if not settings.live:
        from dispatcher.channels.mailbox import Mailbox

        folder, zone = settings.mailbox, plan.zone
        others = {name: Mailbox(folder, zone, sender, stands_for=name) for name in plan.channels}
        return {MAIL: Mailbox(folder, zone, sender), **others}
    missing = unset_secrets(plan, settings)
    if missing:
        raise DispatcherError(missing[0])
    if not settings.smtp_url:
        raise DispatcherError(_("live, but DISPATCHER_SMTP_URL names no mail server"))
    from dispatcher.channels.smtp import Smtp, parse_smtp_url

    server = parse_smtp_url(settings.smtp_url)
    ca_file, connections = settings.smtp_ca_file, settings.smtp_connections
    mail = Smtp(server, sender, ca_file=ca_file, connections=connections)
    return {MAIL: mail, **beside_mail(settings, plan)}


def beside_mail(settings: Settings, plan: Plan) -> dict[str, Channel]:
    """The channels of the calendar as they are when live; nothing that they need is loaded where
    there are none."""
    if not plan.channels:
        return {}
    from dispatcher.channels.making import Means, make

    hidden = secrets(settings, plan)
    means = Means(settings.hosts, settings.home, lambda: system_clock().timestamp(), hidden)
    given = {name: settings.secret(name) for name in placeholders(plan)}
    return {
        name: make(setting.kind, name, filled(setting.values, given), means)
        for name, setting in plan.channels.items()
    }


def office_address(plan: Plan) -> str:
    """Whom mail is from, unless the settings say."""
    contacts = plan.units[plan.office].contacts
    return next((contact.email for contact in contacts if contact.email), "dispatcher@localhost")


def parts(
    settings: Settings,
    calendar: Revision,
    engine: Engine,
    clock: Clock,
    stop: threading.Event | None = None,
) -> Parts:
    """Everything that a pass works with."""
    from dispatcher.dispatch.courier import Courier
    from dispatcher.dispatch.office import Office, Site
    from dispatcher.dispatch.parts import Parts
    from dispatcher.plan.coverage import warnings

    plan = calendar.plan
    year = clock().astimezone(plan.zone).year
    found = (*warnings(plan, year), *unset_secrets(plan, settings))
    site = Site(settings.live, str(settings.mailbox), found)
    office = Office(plan, composer(settings, plan), site)
    return Parts(
        engine=engine,
        plan=plan,
        revision=calendar.hash,
        courier=Courier(channels(settings, plan), boottime),
        compose=office.compose,
        queue_brief=office.queue_reports,
        clock=clock,
        stop=stop or threading.Event(),
    )


def send_test(settings: Settings, plan: Plan, unit: str) -> list[tuple[Address, Text | None]]:
    """Hands a marked test message to each address of a unit; what was wrong with each, if so."""
    from dispatcher.dispatch.brief import Trial
    from dispatcher.ledger.outbox import Content

    trial = Trial(unit, plan.office, "", now().astimezone(plan.zone))
    said = composer(settings, plan).test(trial)
    content = Content(said.subject, said.text, said.html)
    return send_directly(settings, plan, unit, "test", content)


def send_directly(
    settings: Settings, plan: Plan, unit: str, kind: Literal["test", "status"], content: Content
) -> list[tuple[Address, Text | None]]:
    """Hands a message to each address of a unit past the ledger; what was wrong with each."""
    from uuid import uuid4

    from dispatcher.channels.contract import DeliveryError, Outgoing
    from dispatcher.dispatch.telling import addresses

    by_name = channels(settings, plan)
    found: list[tuple[Address, Text | None]] = []
    for number, to in enumerate(addresses(plan, unit), start=1):
        outgoing = Outgoing(
            id=number,
            reference=f"{kind}.{uuid4().hex[:12]}",
            kind=kind,
            at=now(),
            address=to.address,
            recipient_name=unit,
            subject=content.subject,
            text=content.text,
            html=content.html,
            sender_name=plan.office,
            reply_to=office_address(plan),
        )
        try:
            by_name[to.channel].send(outgoing)
            found.append((to, None))
        except DeliveryError as error:
            found.append((to, error.text))
        except Exception as error:  # against the contract; what it says may quote a secret
            found.append((to, Text("{text}", text=type(error).__name__)))
    for channel in by_name.values():
        channel.close()
    return found
