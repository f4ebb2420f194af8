"""A ledger from which many messages leave at one moment, and a daemon that works on it.

``letters`` are messages whose content is frozen already. ``digests`` are reminders of a real plan,
one of every unit, told and composed at that moment. The daemon is the real one on a clock that is
set so that the moment comes when it is wanted.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dispatcher.dispatch.passes import PassReport
    from dispatcher.ledger.outbox import Content
    from dispatcher.settings import Settings

Kind = Literal["letters", "digests"]
CHINA = timedelta(hours=8)
ENTERED, LETTERS, DIGESTS = (
    datetime(2026, 6, day, hour, tzinfo=UTC) - CHINA for day, hour in ((1, 9), (16, 9), (23, 9))
)
"""When the ledger was made, and the two moments: letters on a day on which nothing else is due,
digests seven days before the end of the month."""
MOMENTS: dict[Kind, datetime] = {"letters": LETTERS, "digests": DIGESTS}
SENDER = "office@example.com"
TASK = "持续抓好“双线”控辍保学,每月开展1次控辍保学工作,确保适龄儿童少年不失学辍学。"
HEAD = f"""\
plan: {{title: 任务清单, timezone: Asia/Shanghai, office: 区农办, from: 2026-01-01}}
calendar: {{holidays: none}}
defaults: {{open: false}}
units:
  区农办: {{contacts: [{{name: 值班员, email: {SENDER}}}]}}
"""
DUTY = f"""\
duties:
  - {{id: dropout-check, title: "“双线”控辍保学", when: 每月, from: 2026-06-01, responsible: 各单位,
     lead: 单位00000, task: "{TASK}"}}
"""


def address(number: int) -> str:
    """Where the unit of this number is told."""
    return f"u{number:05}@example.com"


def calendar(count: int) -> str:
    """A plan of ``count`` units that owe one thing each month."""
    names = [f"单位{number:05}" for number in range(count)]
    lines = [
        f"  {name}: {{contacts: [{{name: 联络员, email: {address(number)}}}]}}"
        for number, name in enumerate(names)
    ]
    groups = f"groups:\n  各单位: [{', '.join(names)}]\n"
    return HEAD + "\n".join(lines) + f"\n{groups}{DUTY}"


def settings(home: Path, url: str, port: int = 25) -> Settings:
    """What an office would set, mail being live."""
    from dispatcher.settings import load_settings

    given = {
        "DATABASE_URL": url,
        "LIVE": "1",
        "SMTP_URL": f"smtp+plain://127.0.0.1:{port}",
        "MAIL_FROM": SENDER,
    }
    return load_settings({f"DISPATCHER_{name}": value for name, value in given.items()}, home)


def make(home: Path, url: str, kind: Kind, count: int) -> None:
    """Makes the calendar in the home folder, and the ledger as the passes until the moment would
    have left it."""
    from dispatcher import bootstrap
    from dispatcher.dispatch.reconcile import reconcile
    from dispatcher.ledger.outbox import Address, queue

    (home / "schedules.yaml").write_text(calendar(count), "utf-8")
    given = settings(home, url)
    revision = bootstrap.read_revision(given.schedules)
    engine = bootstrap.ledger(given)
    with engine.begin() as conn:
        reconcile(conn, revision.plan, revision.hash, ENTERED)
    if kind == "letters":
        said = letter(given)
        with engine.begin() as conn:
            for number in range(count):
                queue(conn, Address("email", address(number)), "test", LETTERS, content=said)
    engine.dispose()


def letter(given: Settings) -> Content:
    """What the digest of one unit says."""
    from dispatcher import bootstrap
    from dispatcher.dispatch.office import Office, Site
    from dispatcher.ledger.items import Item

    plan = bootstrap.read_calendar(given.schedules)
    due = date(2026, 6, 30)
    item = Item(
        unit="单位00000", role="lead", owes=True, duty="dropout-check", title="“双线”控辍保学",
        task=TASK, rows=(), clause="", period="2026-06", opens=date(2026, 6, 1), due=due,
        nominal=due, provisional=False, progress=False, step="T-7", lead=("单位00000",),
        told="单位00000",
    )  # fmt: skip
    office = Office(plan, bootstrap.composer(given, plan), Site(True, ""))
    with bootstrap.ledger(given).begin() as conn:
        return office.compose(conn, [item], DIGESTS)


def write_letter(home: Path) -> None:
    """Puts the same letter where the peers find it: as words, and as the whole mail to unit 0."""
    from dispatcher.channels.contract import Outgoing
    from dispatcher.channels.mime import message_bytes, parse_sender

    (home / "schedules.yaml").write_text(calendar(1), "utf-8")
    words = letter(settings(home, "sqlite://")).words
    (home / "letter.json").write_text(json.dumps(words), "utf-8")
    outgoing = Outgoing(
        id=1, reference="1.00000000", kind="digest", at=DIGESTS, address=address(0),
        recipient_name="单位00000", sender_name="区农办", reply_to=SENDER, **words,
    )  # fmt: skip
    (home / "letter.eml").write_bytes(message_bytes(outgoing, parse_sender(SENDER)))


# ------------------------------------------------------------------------------------- the daemon


def run(home: Path, url: str, kind: Kind, port: int, due: float, connections: int) -> None:
    """Runs the daemon until it is told to stop; the moment comes at ``due`` of ``monotonic``.

    Prints, after each pass, the instant and what was done.
    """
    from dispatcher import bootstrap
    from dispatcher.channels.smtp import Smtp, parse_smtp_url
    from dispatcher.clock import boottime
    from dispatcher.daemon import Daemon
    from dispatcher.dispatch.courier import Courier
    from dispatcher.watch import Watch

    given = settings(home, url, port)
    revision = bootstrap.read_revision(given.schedules)
    parts = bootstrap.parts(
        given, revision, bootstrap.database(given), _clock(MOMENTS[kind], due), threading.Event()
    )
    channel = Smtp(parse_smtp_url(given.smtp_url), SENDER, connections=connections)
    parts = parts._replace(courier=Courier({"email": channel}, boottime))
    watch = Watch(given, parts, _say, None, orphans=True)
    watch.open()
    Daemon(watch, parts.clock, parts.stop).run()


def _clock(moment: datetime, due: float) -> Callable[[], datetime]:
    return lambda: moment + timedelta(seconds=monotonic() - due)


def _say(report: PassReport) -> None:
    print(json.dumps([monotonic(), report.counts]), flush=True)


def recorded(url: str) -> int:
    """How many messages the ledger has as sent at the first attempt."""
    from sqlalchemy import func, select

    from dispatcher.ledger.database import create_engine
    from dispatcher.ledger.tables import message

    engine = create_engine(url)
    with engine.begin() as conn:
        sent = select(func.count()).select_from(message).filter_by(state="sent", attempts=1)
        found = conn.scalar(sent.where(message.c.address.like("u%"))) or 0
    engine.dispose()
    return found


def main(task: str, home: str, url: str = "", kind: Kind = "letters", *numbers: str) -> None:
    """A child's part."""
    if task == "letter":
        write_letter(Path(home))
    elif task == "make":
        make(Path(home), url, kind, int(numbers[0]))
    elif task == "run":
        port, due, connections = numbers
        run(Path(home), url, kind, int(port), float(due), int(connections))
    else:
        print(recorded(url))


if __name__ == "__main__":
    main(*sys.argv[1:])
