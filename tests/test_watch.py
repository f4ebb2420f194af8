"""Around a pass: what keeps it from running, what is remembered, and who hears when it fails."""

from __future__ import annotations

import email
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import policy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from dispatcher import bootstrap, watch
from dispatcher.dispatch.steadiness import Reading
from dispatcher.heartbeat import last_beat, trouble
from dispatcher.holds import LedgerGuard, Machine, accept_clock
from dispatcher.ledger import guards, installation, outbox, restoring
from dispatcher.ledger.database import Engine, create_engine
from dispatcher.ledger.outbox import Address, Content
from dispatcher.plan.model import ChannelSetting, Contact
from dispatcher.settings import load_settings
from dispatcher.watch import Watch
from tests.building import Box, Office, a_duty, a_ledger, a_unit, local, plan_with
from tests.building import trouble as failing

SECONDS, MINUTES, HOURS, DAYS = (
    lambda count, unit=unit: timedelta(**{unit: count})
    for unit in ("seconds", "minutes", "hours", "days")
)
START = local("2026-01-28")


class Scene:
    """An office, its state folder and its machine; ``tick`` is what the daemon does."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        units = [a_unit("甲"), a_unit("乙"), a_unit("丙", "office@example.com")]
        self.office = Office(engine, plan_with(a_duty(), units=units))
        self.office.now = START
        self.settings = load_settings({"DISPATCHER_MAIL_FROM": "office@example.com"}, folder)
        self.up, self.boot, self.synchronised = 1000.0, "boot", False
        self.reports: list[Any] = []
        self.watch = self.started()

    def started(self) -> Watch:
        """The daemon, started anew on the same folder."""
        self.watch = Watch(self.settings, self.office.parts, self.reports.append, self.machine)
        return self.watch

    @property
    def machine(self) -> Machine:
        return Machine(
            lambda: Reading(self.office.now, self.up, self.boot), lambda: self.synchronised
        )

    @property
    def sent(self) -> int:
        return len(self.office.box.sent)

    def passes(self, time: timedelta) -> None:
        self.office.now += time
        self.up += time.total_seconds()

    def jumps(self, time: timedelta) -> None:
        self.office.now += time

    def tick(self, after: timedelta = timedelta(seconds=30)) -> int:
        """How many messages left in a pass, which comes ``after`` the one before."""
        self.passes(after)
        before = self.sent
        try:
            self.watch()
        finally:
            self.watch.alarm.wait()
        return self.sent - before

    def fails(self, kind: type[Exception]) -> None:
        """A pass ends with an error of this kind."""
        with pytest.raises(kind):
            self.tick()

    def letters(self) -> list[str]:
        """The subjects of what was written to the office past the ledger, and their texts."""
        found = []
        for path in sorted(self.settings.mailbox.glob("*"), key=lambda path: path.stat().st_mtime):
            message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
            body = message.get_body(("plain",))
            assert body
            found.append(f"{message['Subject']}\n{body.get_content()}")
        return found

    def hold(self) -> Any:
        with self.office.conn() as conn:
            return installation.find(conn)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    (tmp_path / "var").mkdir()
    with a_ledger(tmp_path / "var" / "dispatcher.db") as engine:
        found = Scene(engine, tmp_path)
        monkeypatch.setattr(bootstrap, "now", lambda: found.office.now)
        yield found


def why(scene: Scene) -> str:
    found = trouble(scene.settings.heartbeat)
    return str(found.why) if found else ""


# ------------------------------------------------------------------------------------ the clock


def test_a_clock_that_jumped_runs_no_pass_and_moves_no_watermark(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    assert scene.tick() == 2
    before = scene.hold().watermark
    scene.jumps(HOURS(26))
    with caplog.at_level(logging.WARNING):
        assert [scene.tick() for _tick in range(4)] == [0, 0, 0, 0]
    assert scene.hold().watermark == before
    assert len(scene.reports) == 1
    assert [line.message for line in caplog.records if "jumped" in line.message] == [
        "nothing is done: the clock jumped forward by 93600 seconds; nothing is done until it has "
        "been steady for two minutes"
    ]
    assert "jumped forward" in why(scene)
    assert scene.tick() == 2
    assert why(scene) == ""


def test_the_clock_is_remembered_over_a_restart_of_the_process(scene: Scene) -> None:
    scene.tick()
    scene.jumps(DAYS(400))
    scene.started()
    assert scene.tick() == 0
    assert "400 days" in why(scene)
    scene.started()
    assert scene.tick(HOURS(1)) == 0
    scene.synchronised = True
    assert scene.tick() == 2


def test_the_clock_is_remembered_where_nothing_can_be_written(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.tick()

    def on_a_read_only_disk(*_args: object, **_options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", on_a_read_only_disk)
    scene.jumps(DAYS(400))
    assert [scene.tick() for _tick in range(3)] == [0, 0, 0]


def test_sleep_is_made_good_at_once(scene: Scene) -> None:
    scene.tick()
    assert scene.tick(DAYS(1)) == 2


def test_a_person_ends_the_hold_from_another_process(scene: Scene) -> None:
    scene.tick()
    assert not accept_clock(scene.settings.state)
    scene.jumps(DAYS(400))
    assert scene.tick() == 0
    assert accept_clock(scene.settings.state)
    assert scene.tick() > 0
    scene.jumps(DAYS(400))
    assert scene.tick() == 0, "the new time is the base, and its word was for one jump"


def test_after_a_clock_that_was_ahead_nothing_of_before_waits_for_its_time(scene: Scene) -> None:
    scene.office.box.troubles["*"] = [failing("temporary") for _ in range(50)]
    with scene.office.conn() as conn:
        to = Address("email", "z@example.com")
        outbox.queue(conn, to, "status", START, content=Content("s", "t", ""))
    assert scene.tick() == 0
    scene.jumps(DAYS(60))
    scene.tick()
    accept_clock(scene.settings.state)
    assert scene.tick() == 0
    scene.jumps(-DAYS(60))
    assert (scene.tick(), scene.tick()) == (0, 0)
    assert "work has been done until" in why(scene)
    accept_clock(scene.settings.state)
    scene.office.box.troubles.clear()
    scene.tick()
    assert "z@example.com" in [sent.address for sent in scene.office.box.sent]
    assert scene.hold().watermark == scene.office.now
    assert scene.hold().generation == 2
    scene.started()
    scene.tick()
    assert scene.hold().hold is None, "the new generation is the one that is remembered"


def test_an_injected_clock_is_not_guarded(scene: Scene) -> None:
    scene.watch = Watch(scene.settings, scene.office.parts, scene.reports.append, None)
    scene.tick()
    scene.jumps(DAYS(1))
    assert scene.tick() == 2
    assert not (scene.settings.state / "clock.json").exists()


def test_nothing_is_done_while_the_databases_clock_is_another(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "server_clock", lambda conn: scene.office.now - MINUTES(2))
    assert scene.tick() == 0
    assert "differs from the database's by 120 seconds" in why(scene)
    monkeypatch.setattr(guards, "server_clock", lambda conn: scene.office.now)
    assert scene.tick() == 2


# ----------------------------------------------------------------------------------- the ledger


def taken_back(scene: Scene, copy: bytes) -> None:
    """The database is put back by hand, past every command."""
    path = scene.settings.state / "dispatcher.db"
    scene.office.engine.dispose()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(copy)


def a_copy(scene: Scene) -> bytes:
    scene.office.engine.dispose()
    return (scene.settings.state / "dispatcher.db").read_bytes()


def test_a_ledger_put_back_by_hand_sends_nothing_before_a_person_resumes(scene: Scene) -> None:
    with scene.office.conn() as conn:
        installation.install(conn, START.date(), START)
    copy = a_copy(scene)
    assert scene.tick() == 2
    taken_back(scene, copy)
    scene.started()
    assert [scene.tick() for _tick in range(3)] == [0, 0, 0]
    held = scene.hold()
    assert held.held_by == restoring.PROGRAM
    assert "it knows what was done until 2026-01-28 01:00 UTC, but work has been done until" in str(
        held.hold
    )
    with scene.office.conn() as conn:
        restoring.resume(conn, "张三", scene.office.now)
    references = {sent.reference for sent in scene.office.box.sent}
    assert scene.tick() == 2
    assert references.isdisjoint(sent.reference for sent in scene.office.box.sent[-2:])
    scene.started()
    scene.tick()
    assert scene.hold().hold is None, "the file follows"


def test_a_ledger_that_is_resumed_comes_after_the_one_that_it_was_put_back_for(
    scene: Scene,
) -> None:
    with scene.office.conn() as conn:
        installation.install(conn, START.date(), START)
        conn.execute(text("UPDATE installation SET generation = 1"))
    old = a_copy(scene)
    with scene.office.conn() as conn:
        conn.execute(text("UPDATE installation SET generation = 3"))
    scene.tick()
    new = a_copy(scene)
    taken_back(scene, old)
    scene.started()
    scene.tick()
    assert scene.hold().held_by == restoring.PROGRAM
    known = LedgerGuard(scene.settings.state).known
    with scene.office.conn() as conn:
        restoring.resume(conn, "张三", scene.office.now, known)
    scene.tick()
    assert scene.hold().generation == 4
    taken_back(scene, new)
    scene.started()
    scene.tick()
    assert scene.hold().held_by == restoring.PROGRAM, "the one before knows nothing of that since"


def test_a_ledger_that_goes_back_under_a_running_daemon_is_held_too(scene: Scene) -> None:
    with scene.office.conn() as conn:
        installation.install(conn, START.date(), START)
    copy = a_copy(scene)
    assert scene.tick() == 2
    taken_back(scene, copy)
    assert scene.tick() == 0
    assert scene.hold().held_by == restoring.PROGRAM


def test_an_empty_ledger_where_one_was_known_goes_live_held(scene: Scene) -> None:
    copy = a_copy(scene)
    scene.tick()
    taken_back(scene, copy)
    scene.started()
    assert scene.tick() == 0
    assert "the ledger is empty" in str(scene.hold().hold)


def test_another_ledger_is_held(scene: Scene) -> None:
    scene.tick()
    with scene.office.conn() as conn:
        conn.execute(text("UPDATE installation SET epoch = 'another'"))
    scene.started()
    scene.tick()
    assert "this is another ledger" in str(scene.hold().hold)


def test_a_first_start_holds_nothing_and_remembers_how_far_it_came(scene: Scene) -> None:
    assert scene.tick() == 2
    known = json.loads((scene.settings.state / "epoch.json").read_text())
    found = scene.hold()
    assert known == {
        "epoch": found.epoch,
        "generation": 1,
        "watermark": found.watermark.isoformat(),
    }


def test_a_copy_that_was_restored_by_the_command_is_held_once(scene: Scene) -> None:
    scene.tick()
    with scene.office.conn() as conn:
        restoring.hold(conn, guards.FULL, START.date(), START)
        conn.execute(text("UPDATE installation SET watermark = '2026-01-01 00:00:00'"))
    scene.started()
    scene.tick()
    assert scene.hold().hold == guards.FULL
    assert scene.office.ask("SELECT count(*) FROM audit WHERE action = 'pause'") == [(1,)]


# -------------------------------------------------------------------------------------- failing


class Broken:
    """The database of an engine fails each transaction with ``error``, while there is one."""

    def __init__(self, engine: Engine) -> None:
        self.error: Exception | None = None
        event.listen(engine, "begin", self._begin)

    def _begin(self, _conn: object) -> None:
        if self.error:
            raise OperationalError("BEGIN IMMEDIATE", None, self.error)


def real_error(make: Callable[[], None]) -> Exception:
    with pytest.raises(Exception) as found:  # noqa: PT011 - the one that is wanted
        make()
    return found.value


@pytest.fixture
def disk_full(tmp_path: Path) -> Exception:
    """SQLite's own error on a disk without room."""
    engine = create_engine(f"sqlite:///{tmp_path}/full.db")

    def fill() -> None:
        with engine.begin() as conn:
            conn.exec_driver_sql("PRAGMA max_page_count = 2")
            conn.exec_driver_sql("CREATE TABLE t (x)")
            conn.exec_driver_sql("INSERT INTO t VALUES (zeroblob(99999))")

    error = real_error(fill)
    engine.dispose()
    assert isinstance(error, OperationalError)
    assert isinstance(error.orig, Exception)
    return error.orig


def test_a_failed_pass_is_noted_beside_the_last_good_one(
    scene: Scene, disk_full: Exception
) -> None:
    broken = Broken(scene.office.engine)
    scene.tick()
    good = last_beat(scene.settings.heartbeat)
    broken.error = disk_full
    scene.passes(MINUTES(1))
    first = scene.office.now + SECONDS(30)
    scene.fails(OperationalError)
    scene.fails(OperationalError)
    found = trouble(scene.settings.heartbeat)
    assert found
    assert (found.since, found.why) == (first, guards.FULL)
    assert last_beat(scene.settings.heartbeat) == good
    broken.error = None
    scene.tick()
    assert trouble(scene.settings.heartbeat) is None
    assert last_beat(scene.settings.heartbeat) != good


def test_what_failed_is_said_without_secrets_and_in_one_line(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "postgresql://u:canary@db/ledger"
    scene.settings = load_settings({"DISPATCHER_DATABASE_URL": secret}, scene.settings.home)
    scene.started()

    def fail(*_args: object, **_options: object) -> None:
        raise ValueError(f"no such thing at {secret}\nmore")

    monkeypatch.setattr(watch, "run_pass", fail)
    scene.fails(ValueError)
    assert why(scene) == "ValueError: no such thing at ***"
    assert "canary" not in scene.settings.heartbeat.read_text()


def test_the_office_is_told_after_ten_minutes_and_once_when_it_is_over(
    scene: Scene, disk_full: Exception
) -> None:
    broken = Broken(scene.office.engine)
    scene.tick()
    broken.error = disk_full
    for _tick in range(21):
        scene.fails(OperationalError)
    assert scene.letters() == []
    scene.fails(OperationalError)
    (letter,) = scene.letters()
    assert letter.startswith("【告警】任务提醒程序自1月28日09:01起不能正常工作\n")
    assert guards.FULL.msgid in letter or "磁盘" in letter
    for _tick in range(50):
        scene.fails(OperationalError)
    assert len(scene.letters()) == 1
    broken.error = None
    scene.tick()
    scene.tick()
    assert len(scene.letters()) == 2
    assert scene.letters()[1].startswith("【恢复】任务提醒程序已恢复正常\n")


def test_a_trouble_that_comes_and_goes_is_told_once_a_day(
    scene: Scene, disk_full: Exception
) -> None:
    broken = Broken(scene.office.engine)
    for _trouble in range(3):
        broken.error = disk_full
        scene.fails(OperationalError)
        scene.passes(MINUTES(11))
        scene.fails(OperationalError)
        broken.error = None
        scene.tick()
    assert len(scene.letters()) == 2
    scene.passes(DAYS(1))
    broken.error = disk_full
    scene.fails(OperationalError)
    scene.passes(MINUTES(11))
    scene.fails(OperationalError)
    assert len(scene.letters()) == 3


def test_another_cause_is_told_the_same_day(
    scene: Scene, disk_full: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Broken(scene.office.engine)
    broken.error = disk_full
    scene.fails(OperationalError)
    scene.passes(MINUTES(11))
    scene.fails(OperationalError)
    broken.error = None
    monkeypatch.setattr(watch, "run_pass", lambda *_args, **_options: 1 / 0)
    scene.fails(ZeroDivisionError)
    assert len(scene.letters()) == 2
    assert "ZeroDivisionError" in scene.letters()[1]


def test_what_was_told_is_remembered_over_a_restart(scene: Scene, disk_full: Exception) -> None:
    broken = Broken(scene.office.engine)
    broken.error = disk_full
    scene.fails(OperationalError)
    scene.passes(MINUTES(11))
    scene.fails(OperationalError)
    scene.started()
    scene.fails(OperationalError)
    assert len(scene.letters()) == 1
    broken.error = None
    scene.started()
    scene.tick()
    assert scene.letters()[1].startswith("【恢复】")


def test_what_was_told_is_remembered_where_nothing_can_be_written(
    scene: Scene, disk_full: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Broken(scene.office.engine)
    broken.error = disk_full

    def on_a_full_disk(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", on_a_full_disk)
    scene.fails(OperationalError)
    scene.passes(MINUTES(11))
    for _tick in range(5):
        scene.fails(OperationalError)
    assert len(scene.letters()) == 1


def test_while_mail_fails_too_it_is_tried_again_every_ten_minutes(
    scene: Scene, disk_full: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Broken(scene.office.engine)
    broken.error = disk_full
    tried: list[datetime] = []

    def in_vain(*_given: object) -> list[object]:
        tried.append(scene.office.now)
        return []

    scene.fails(OperationalError)
    with monkeypatch.context() as broken_mail:
        broken_mail.setattr(bootstrap, "send_directly", in_vain)
        for _tick in range(60):
            scene.fails(OperationalError)
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert gaps == [MINUTES(10)]
    scene.passes(MINUTES(10))
    assert scene.letters() == []
    scene.fails(OperationalError)
    assert len(scene.letters()) == 1


def test_the_word_that_it_is_over_is_tried_again_too(
    scene: Scene, disk_full: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Broken(scene.office.engine)
    broken.error = disk_full
    scene.fails(OperationalError)
    scene.passes(MINUTES(11))
    scene.fails(OperationalError)
    broken.error = None
    with monkeypatch.context() as broken_mail:
        broken_mail.setattr(bootstrap, "channels", lambda *_args: 1 / 0)
        scene.tick()
    scene.tick()
    assert len(scene.letters()) == 1
    scene.tick(MINUTES(10))
    assert len(scene.letters()) == 2
    scene.tick()
    assert len(scene.letters()) == 2


def test_a_mail_server_that_hangs_holds_up_no_pass_and_gets_one_letter(
    scene: Scene, disk_full: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Broken(scene.office.engine)
    answers, begun = threading.Event(), threading.Semaphore(0)
    send = bootstrap.send_directly

    def hang(*given: Any) -> Any:
        begun.release()
        assert answers.wait(60)
        return send(*given)

    monkeypatch.setattr(bootstrap, "send_directly", hang)
    broken.error = disk_full
    scene.fails(OperationalError)
    for _pass in range(30):
        scene.passes(MINUTES(1))
        with pytest.raises(OperationalError):
            scene.watch()
    assert begun.acquire(timeout=60)
    assert not begun.acquire(blocking=False)
    broken.error = None
    scene.passes(MINUTES(1))
    scene.watch()
    assert last_beat(scene.settings.heartbeat), "what succeeds meanwhile is noted at once"
    assert not begun.acquire(blocking=False), "nothing is over of which nobody has heard"
    answers.set()
    scene.watch.alarm.wait()
    scene.tick()
    assert [letter[:4] for letter in scene.letters()] == ["【告警】", "【恢复】"]


def test_the_process_ends_while_its_letter_hangs(tmp_path: Path) -> None:
    program = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from dispatcher.alarm import Alarm
from dispatcher.heartbeat import Trouble
from dispatcher.i18n import Text
hangs = Event()
alarm = Alarm(Path("alarms.json"), lambda *_letter: hangs.set() or Event().wait())
now = datetime.now(UTC)
alarm.failing("cause", Trouble(now - timedelta(hours=1), Text("why")), now)
hangs.wait()
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60, check=True)


def test_a_hold_is_no_alarm_for_its_clock_cannot_date_a_letter(scene: Scene) -> None:
    scene.tick()
    scene.jumps(DAYS(400))
    for _tick in range(60):
        assert scene.tick() == 0
    assert scene.letters() == []


# -------------------------------------------------------------------------------------- opening


def test_a_database_that_is_away_at_the_start_is_waited_for(
    scene: Scene, disk_full: Exception
) -> None:
    broken = Broken(scene.office.engine)
    broken.error = disk_full
    scene.watch.open()
    scene.fails(OperationalError)
    broken.error = None
    assert scene.tick() == 2


def test_what_is_refused_at_the_start_is_not_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dispatcher.errors import DispatcherError

    with scene.office.conn() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(DispatcherError, match="newer than this program"):
        scene.watch.open()


def test_it_comes_again_soon_while_it_is_held(scene: Scene) -> None:
    scene.tick()
    scene.jumps(DAYS(400))
    assert scene.watch() - scene.office.now == SECONDS(30)


def test_the_outside_watchdog_is_called_after_good_passes_only(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(watch, "call", called.append)
    url = "https://watchdog.example.com/ping"
    scene.settings = load_settings({"DISPATCHER_HEARTBEAT_URL": url}, scene.settings.home)
    scene.started()
    scene.tick()
    scene.jumps(DAYS(400))
    scene.tick()
    assert called == [url]


def test_a_report_is_said_with_the_instant_to_come_again(scene: Scene) -> None:
    when = scene.watch()
    assert isinstance(when, datetime)
    assert scene.reports[0].next_at == when


def test_a_channel_that_breaks_its_promise_hides_no_other_from_who_writes_to_the_office(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, group = scene.office.box, Box("群")
    group.troubles["*"] = [TypeError("secret")]
    monkeypatch.setattr(bootstrap, "channels", lambda *_given: {"email": mail, "群": group})
    contact = Contact("联络员", email="office@example.com")
    units = {"丙": a_unit("丙")._replace(contacts=(contact,), channels=("群", "email"))}
    plan = scene.office.plan._replace(
        units=units, office="丙", channels={"群": ChannelSetting("群", "webhook", {})}
    )
    said = Content("通知", "内容", "")
    found = bootstrap.send_directly(scene.settings, plan, "丙", "status", said)
    assert [(to.channel, wrong and str(wrong)) for to, wrong in found] == [
        ("群", "TypeError"),
        ("email", None),
    ]
