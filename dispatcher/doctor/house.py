"""What the doctor looks at in the house: files, calendar, ledger, daemon, disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from dispatcher import bootstrap
from dispatcher.doctor.findings import Finding, Ground, failure
from dispatcher.errors import PlanError, Problem
from dispatcher.health import ROOM, SILENT_AFTER, gone, refuse_unsafe
from dispatcher.heartbeat import last_beat, trouble
from dispatcher.i18n import Text, _
from dispatcher.plan.channels import placeholders
from dispatcher.settings import IN_FILES, PREFIX, Settings, shipped

MENDED = _("mend it; 'dispatcher check' looks at the calendar alone")


def settings_read(ground: Ground) -> Iterator[Finding]:
    """Reading them has succeeded, so that no file among them lies open to others."""
    settings = ground.settings
    env = settings.home / ".env"
    says = _("read from the environment; there is no {file}", file=env)
    if env.exists():
        says = _("read from the environment and from {file}", file=env)
    if settings.mail_from:
        from dispatcher.channels.mime import parse_sender

        parse_sender(settings.mail_from)
    yield Finding("settings", "ok", says)
    files = _secret_files(settings)
    says = _("not open to others: {files}", files=files) if files else _("there are none")
    yield Finding("files", "ok", says)


def _secret_files(settings: Settings) -> list[str]:
    given = (settings.environ.get(f"{PREFIX}{name}_FILE") for name in IN_FILES)
    named = [settings.home / each for each in given if each]
    return [str(path) for path in (settings.home / ".env", *named) if path.exists()]


def delivery(ground: Ground) -> Iterator[Finding]:
    """Whether messages leave at all."""
    settings = ground.settings
    if settings.live:
        yield Finding("delivery", "ok", _("live: messages leave"))
        return
    says = _("not live: look into {folder}", folder=settings.mailbox)
    yield Finding("delivery", "warn", says, _("set DISPATCHER_LIVE=1 when messages are to leave"))


def zone(ground: Ground) -> Iterator[Finding]:
    """Whether local time can be computed."""
    name = ground.plan.zone.key if ground.plan else "Asia/Shanghai"
    try:
        at, data = ground.now.astimezone(ZoneInfo(name)), version("tzdata")
    except Exception as error:  # zoneinfo and importlib raise kinds of KeyError and ImportError
        says = _("the time zone {zone} is missing ({error})", zone=name, error=type(error).__name__)
        yield Finding("zone", "bad", says, _("install the zone data: pip install tzdata"))
        return
    says = _("{zone}: it is {at} there (data of {version})", zone=name,
             at=f"{at:%Y-%m-%d %H:%M}", version=data)  # fmt: skip
    yield Finding("zone", "ok", says)


def calendar(ground: Ground) -> Iterator[Finding]:
    """Every mistake in the file, by its place."""
    file = bootstrap.calendar_file(ground.settings)
    try:
        plan = bootstrap.read_calendar(file)
    except PlanError as error:
        for problem in error.problems:
            yield Finding("calendar", "bad", _at_its_place(error.name, problem), MENDED)
        return
    says = _("{file}: {duties} duties, {units} units", file=file, duties=len(plan.duties),
             units=len(plan.units))  # fmt: skip
    yield Finding("calendar", "ok", says)


def _at_its_place(name: str, problem: Problem) -> Text:
    where = f"{name}:{problem.place.line}:{problem.place.column}"
    if not problem.duty:
        return Text("{where}: {says}", where=where, says=problem.text)
    duty = Text("duty '{duty}'", duty=problem.duty)
    return Text("{where} {duty}: {says}", where=where, duty=duty, says=problem.text)


def holidays(ground: Ground) -> Iterator[Finding]:
    """How far into the future workdays are known."""
    assert ground.plan
    today = ground.now.astimezone(ground.plan.zone).date()
    for year in (today.year, today.year + 1):
        if ground.plan.workdays.is_known(date(year, 1, 1)):
            yield Finding("holidays", "ok", _("those of {year} are known", year=year))
            continue
        says = _("the holidays of {year} have not been announced: its dates are provisional",
                 year=year)  # fmt: skip
        hint = _("once they are announced: 'dispatcher calendar import' takes in the notice")
        late = year in ground.plan.workdays.missing(today)
        yield Finding("holidays", "warn" if late else "ok", says, hint if late else None)


def secrets(ground: Ground) -> Iterator[Finding]:
    """Whether there is what the calendar's channels ask for; names alone are told."""
    assert ground.plan
    found = []
    for name, channel in placeholders(ground.plan).items():
        try:
            given = ground.settings.secret(name)
        except Exception as error:  # a file that cannot be read, or that others can
            yield failure("secrets", error, channel)
            continue
        if given:
            found.append(name)
            continue
        says = _("channel '{channel}': {name} is not set", channel=channel, name=name)
        hint = _("write it into {file}", file=ground.settings.home / ".env")
        yield Finding("secrets", ground.weight, says, hint, channel)
    if found:
        yield Finding("secrets", "ok", _("set: {names}", names=found))


def templates(ground: Ground) -> Iterator[Finding]:
    """Whether the words of messages can be made."""
    assert ground.plan
    found = bootstrap.composer(ground.settings, ground.plan).faults()
    hint = _("mend it, or take it away: the shipped one then stands in for it")
    for fault in found:
        yield Finding("templates", "bad", Text("{fault}", fault=fault), hint)
    if not found:
        yield Finding("templates", "ok", _("tried with samples, all of them work"))


def ledger(ground: Ground) -> Iterator[Finding]:
    """Whether the database is there, safe and of this program's time; nothing in it is changed."""
    from dispatcher.ledger import installation
    from dispatcher.ledger.reading import reading, schema
    from dispatcher.ledger.rights import refuse_powerless_role

    url, migrations = ground.settings.database_url, shipped("db")
    found = schema(url, migrations)
    if found == "none":
        refuse_powerless_role(url)
        if last_beat(ground.settings.heartbeat):
            yield Finding("database", "bad", gone(ground.settings))
            return
    else:
        refuse_unsafe(ground.settings)
    yield SCHEMAS[found]
    if found != "current":
        return
    with reading(url, migrations) as conn:
        held = installation.find(conn) if conn else None
    if held and held.hold is not None:
        says = _("paused by {by}: {reason}", by=held.held_by, reason=held.hold)
        yield Finding("hold", "bad", says, _("nothing leaves before 'dispatcher resume'"))


SCHEMAS = {
    "none": Finding("database", "warn", _("there is no ledger yet: 'dispatcher run' begins one")),
    "current": Finding("database", "ok", _("reachable, and of this program's schema")),
    "older": Finding(
        "database", "warn", _("reachable, but of an older schema than this program's"),
        _("start the daemon of this version: it brings the schema up to date"),
    ),
    "newer": Finding(
        "database", "bad", _("reachable, but of a newer schema than this program's"),
        _("install the newer program again"),
    ),
}  # fmt: skip


def daemon(ground: Ground) -> Iterator[Finding]:
    """Whether passes are made, and succeed."""
    settings = ground.settings
    beat, failing = last_beat(settings.heartbeat), trouble(settings.heartbeat)
    if beat is None and failing is None:
        says = _("no heartbeat in {folder}: the daemon has not run", folder=settings.state)
        yield Finding("daemon", "warn", says, _("start it: dispatcher run"))
    if failing:
        since = f"{failing.since.astimezone():%Y-%m-%d %H:%M}"
        says = _("nothing is done since {since}: {why}", since=since, why=failing.why)
        yield Finding("daemon", "bad", says)
    if beat:
        age = ground.now - beat.at
        says = _("last good pass {seconds} s ago", seconds=int(age.total_seconds()))
        hint = _("it stands still or has ended: start it again, and look into its log")
        silent = age > SILENT_AFTER
        yield Finding("daemon", "bad" if silent else "ok", says, hint if silent else None)


def disk(ground: Ground) -> Iterator[Finding]:
    """Whether there is room for what happens."""
    folder = ground.settings.state
    free = shutil.disk_usage(_there(folder)).free
    if free < ROOM:
        says = _("the disk of {folder} is nearly full", folder=folder)
        yield Finding("disk", "bad", says, _("make room"))
    else:
        says = _("{size} MB are free where {folder} is", size=free // 2**20, folder=folder)
        yield Finding("disk", "ok", says)


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())
