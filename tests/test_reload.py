"""The calendar while the daemon runs: edits are noticed, taken up, held or refused, and nothing
that was due is lost on the way."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from dispatcher import bootstrap
from dispatcher.dispatch import revising
from dispatcher.dispatch.passes import Overtaken, run_pass
from dispatcher.errors import DispatcherError, PlanError
from dispatcher.health import health
from dispatcher.ledger import guards, installation, revisions
from dispatcher.ledger.database import Engine
from dispatcher.ledger.revisions import Edit
from dispatcher.ledger.tables import revision
from dispatcher.plan import occurrences
from dispatcher.reload import Reload
from dispatcher.settings import load_settings
from dispatcher.starting import begin
from dispatcher.watch import Watch
from tests.building import HEAD, Box, local

DUTIES = {
    name: f"  - {{id: {name}, title: {name}的工作, responsible: [甲, 乙], when: {when}}}\n"
    for name, when in (("count", "每年, open: false"), ("work", "每月"), ("visit", "每季度"))
}
"""Of the count nobody has been told by the end of March."""
START = "2026-03-30"


def text(**changed: str) -> str:
    """A calendar of three duties, some of them changed; empty: without it."""
    return HEAD + "".join((DUTIES | changed).values())


class Daemon:
    """A daemon without its ticker: ``at`` is a pass, and gives what it sent, address and text."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.file, self.engine = folder / "schedules.yaml", engine
        self.settings = load_settings({"DISPATCHER_SILENCE_PERCENT": "50"}, folder)
        self.box, self.now = Box(), local(START)
        self.reports: list[object] = []
        self.start()

    def start(self) -> None:
        """The process begins, as ``dispatcher run`` does it."""
        stop = threading.Event()
        begun = begin(self.settings, self.engine, lambda: self.now, stop)
        calendar, parts, instead_of = begun
        self.reload = Reload(self.settings, parts, calendar, instead_of, settle=0)
        self.watch = Watch(self.settings, parts, self.reports.append, None, reload=self.reload)
        self.watch.opened = True  # the tests' ledger is: it was not made by migrations of its own

    def write(self, content: str) -> None:
        self.file.write_text(content, "utf-8")

    def at(self, moment: str) -> list[tuple[str, str]]:
        self.now = local(moment)
        self._divert()
        before = len(self.box.sent)
        self.watch()
        return [(sent.address, sent.text) for sent in self.box.sent[before:]]

    def _divert(self) -> None:
        """Whatever it would write to the mailbox comes here."""
        equip = self.reload.parts.courier.equip
        equip({"email": self.box})
        self.reload.parts.courier.equip = lambda _channels: equip({"email": self.box})  # type: ignore[method-assign]

    def edits(self) -> list[Edit]:
        with self.engine.begin() as conn:
            return revisions.edits(conn)

    @property
    def states(self) -> list[str]:
        return [edit.state for edit in self.edits()]

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with self.engine.begin() as conn:
            return [tuple(row) for row in conn.exec_driver_sql(query)]

    def open(self) -> list[tuple[object, ...]]:
        return self.ask(
            "SELECT duty, period, unit FROM assignment JOIN occurrence"
            " ON occurrence.id = occurrence_id WHERE assignment.state = 'pending'"
            " ORDER BY duty, period, unit"
        )


@pytest.fixture(autouse=True)
def a_quick_server_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' PostgreSQL is quicker than it is safe."""
    monkeypatch.setattr(guards, "refuse_forgetful_server", lambda _engine: None)


@pytest.fixture
def daemon(engine: Engine, tmp_path: Path) -> Daemon:
    """It has told of the work of March, which is due on the 31st, and of the visit."""
    (tmp_path / "var").mkdir()
    (tmp_path / "schedules.yaml").write_text(text(), "utf-8")
    found = Daemon(engine, tmp_path)
    found.at(START)
    return found


def test_an_edit_is_taken_up_by_the_next_pass_and_kept_with_what_it_changes(daemon: Daemon) -> None:
    new = text(count=DUTIES["count"].replace("每年", "每半年"))
    daemon.write(new)
    assert daemon.reload.restless()
    daemon.at("2026-03-30 09:05")
    assert not daemon.reload.restless()
    first, second = daemon.edits()
    assert (first.state, second.state) == ("applied", "applied")
    assert second.consequences
    assert second.consequences["added"] > 0
    with daemon.engine.begin() as conn:
        assert revisions.running(conn) == second.hash
        assert revisions.calendar(conn, second.hash) == new
    assert daemon.watch.parts.revision == second.hash


@pytest.mark.parametrize("way", ["in place", "renamed", "linked", "coarse time"])
def test_an_edit_is_noticed_by_content_however_it_was_saved(daemon: Daemon, way: str) -> None:
    file, new = daemon.file, text(count="")
    before = file.stat()
    if way == "renamed":
        file.with_name("draft").write_text(new, "utf-8")
        file.with_name("draft").replace(file)
    elif way == "linked":
        file.with_name("other").write_text(new, "utf-8")
        file.with_name("link").symlink_to("other")
        file.with_name("link").replace(file)
    else:
        daemon.write(new)
    if way == "coarse time":
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    daemon.at("2026-03-30 09:05")
    assert "count" not in daemon.watch.parts.plan.duties


def test_what_is_read_otherwise_a_moment_later_is_left_for_the_next_pass(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = iter([text(count=""), text(count="")[:-20]])
    found = bootstrap.calendar_text
    monkeypatch.setattr(bootstrap, "calendar_text", lambda path: next(halves))
    daemon.at("2026-03-30 09:05")
    assert daemon.states == ["applied"]
    monkeypatch.setattr(bootstrap, "calendar_text", found)
    daemon.write(text(count=""))
    daemon.at("2026-03-30 09:06")
    assert daemon.states == ["applied", "applied"]


BAD = {
    "a unit that is not there": text(work=DUTIES["work"].replace("[甲, 乙]", "[甲, 已]")),
    "not YAML": text() + "  - {",
    "empty": "",
    "of nothing but a name": "plan",
    "with what PostgreSQL cannot store": text(work=DUTIES["work"].replace("每月", '"每\\0月"')),
}


@pytest.mark.parametrize("why", BAD)
def test_a_bad_file_changes_nothing_and_the_office_hears_of_it_at_once(
    daemon: Daemon, why: str
) -> None:
    before = daemon.open()
    daemon.write(BAD[why])
    sent = daemon.at("2026-03-30 20:00")
    assert [to for to, _text in sent] == ["c@example.com"]
    assert "改动没有生效" in sent[0][1]
    assert "schedules.yaml:" in sent[0][1]
    assert daemon.states == ["applied", "refused"]
    assert daemon.open() == before
    assert daemon.at("2026-03-30 20:10") == []
    told = {to for to, _text in daemon.at("2026-03-31")}
    assert {"a@example.com", "b@example.com"} <= told


def test_a_bad_file_is_in_the_brief_until_it_is_mended(daemon: Daemon) -> None:
    daemon.write(BAD["a unit that is not there"])
    daemon.at("2026-03-30 20:00")
    [brief] = [words for to, words in daemon.at("2026-03-31") if to == "c@example.com"]
    assert "日历文件自3月30日20:00起有错误" in brief
    assert "已" in brief
    daemon.write(text())
    daemon.at("2026-03-31 10:00")
    assert daemon.states == ["applied", "dropped"]
    [brief] = [words for to, words in daemon.at("2026-04-01") if to == "c@example.com"]
    assert "日历文件" not in brief


def test_one_bad_save_after_the_other_is_told_once_and_shown_as_it_is_now(daemon: Daemon) -> None:
    sent = []
    for minute, content in enumerate((*BAD.values(), BAD["empty"])):
        daemon.write(content)
        sent += daemon.at(f"2026-03-30 20:{minute:02}")
    assert len(sent) == 1
    assert daemon.states == ["applied", "refused"]
    assert "empty" in str(daemon.edits()[-1].reason)


def test_a_restart_with_the_bad_file_in_place_goes_on_by_the_last_good_one(daemon: Daemon) -> None:
    daemon.write(BAD["not YAML"])
    daemon.start()
    told = {to for to, _text in daemon.at("2026-03-31")}
    assert {"a@example.com", "b@example.com"} <= told
    assert daemon.states == ["applied", "refused"]


def test_a_file_that_is_gone_is_a_bad_file(daemon: Daemon) -> None:
    daemon.file.unlink()
    daemon.at("2026-03-30 20:00")
    assert daemon.states == ["applied", "refused"]
    daemon.write(text())
    daemon.at("2026-03-30 20:10")
    assert daemon.states == ["applied", "dropped"]


def test_a_bad_file_of_which_nobody_can_be_told_stops_no_reminder(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_given: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(revising, "refuse", fails)
    daemon.write(BAD["empty"])
    told = {to for to, _text in daemon.at("2026-03-31")}
    assert {"a@example.com", "b@example.com"} <= told
    assert "nobody can be told that the calendar file cannot be used" in caplog.text


def test_an_edit_that_leaves_the_office_without_an_address_is_held_and_it_is_told(
    daemon: Daemon,
) -> None:
    daemon.write(text().replace("丙: {contacts: [{name: 丙, email: c@example.com}]}", "丙: {}"))
    assert "丙: {}" in daemon.file.read_text("utf-8")
    [(to, said)] = daemon.at("2026-03-30 20:00")
    assert to == "c@example.com"
    assert "没有任何收件地址" in said
    assert daemon.states == ["applied", "held"]


@pytest.mark.parametrize(
    "line, into, what",
    [
        ("office: 丙", "office: 甲", "office"),
        ("timezone: Asia/Shanghai", "timezone: America/New_York", "retimed"),
        ("", "defaults: {window: 08:00-12:00}\n", "retimed"),
        ("", "defaults: {at: 10:30}\n", "retimed"),
    ],
)
def test_other_hours_and_another_office_are_consequences(
    daemon: Daemon, line: str, into: str, what: str
) -> None:
    head = HEAD.replace("office: 丙", "office: 丙, timezone: Asia/Shanghai", 1)
    daemon.write(head + "".join(DUTIES.values()))
    daemon.at("2026-03-30 20:00")
    assert daemon.edits()[-1].consequences == {}
    changed = head.replace(line, into, 1) if line else into + head
    daemon.write(changed + "".join(DUTIES.values()))
    daemon.at("2026-03-30 20:10")
    consequences = daemon.edits()[-1].consequences
    assert consequences
    assert consequences[what] == 1


HELD = {
    "withdraws what was told": text(work=""),
    "silences a third of the duties": text(
        count=DUTIES["count"].replace("}", ", from: 2028-01-01}")
    ),
    "cut off": text()[: text().index("  - {id: visit")],
}


@pytest.mark.parametrize("why", HELD)
def test_what_may_not_happen_unseen_is_held_until_somebody_agrees(daemon: Daemon, why: str) -> None:
    before = daemon.open()
    daemon.reload.settings = daemon.settings._replace(silence_percent=10)
    daemon.write(HELD[why])
    [(to, said)] = daemon.at("2026-03-30 20:00")
    assert to == "c@example.com"
    assert "dispatcher apply" in said
    assert daemon.states == ["applied", "held"]
    assert daemon.open() == before
    assert daemon.at("2026-03-30 20:10") == []
    told = {to for to, _text in daemon.at("2026-03-31")}
    assert {"a@example.com", "b@example.com"} <= told
    agree(daemon, "2026-03-31 10:00")
    daemon.at("2026-03-31 10:01")
    assert daemon.states == ["applied", "applied"]
    assert daemon.edits()[-1].settled_by == "李主任"
    assert daemon.watch.parts.revision == daemon.edits()[-1].hash


def agree(daemon: Daemon, moment: str) -> None:
    """李主任 runs 'dispatcher apply'."""
    with daemon.engine.begin() as conn:
        waits = revisions.waiting(conn)
        assert waits
        revising.agree(conn, waits, "李主任", local(moment))


def test_units_hear_of_what_is_withdrawn_once_somebody_has_agreed(daemon: Daemon) -> None:
    daemon.write(text(work=""))
    daemon.at("2026-03-30 20:00")
    agree(daemon, "2026-03-31 10:00")
    told = dict(daemon.at("2026-03-31 10:01"))
    assert {"a@example.com", "b@example.com"} <= told.keys()
    assert "撤销" in told["a@example.com"]
    assert all(duty != "work" for duty, *_more in daemon.open())


def test_a_held_edit_that_is_taken_back_is_dropped(daemon: Daemon) -> None:
    daemon.write(text(work=""))
    daemon.at("2026-03-30 20:00")
    daemon.write(text())
    daemon.at("2026-03-30 20:10")
    assert daemon.states == ["applied", "dropped"]


def test_a_restart_holds_what_was_held_and_tells_nobody_again(daemon: Daemon) -> None:
    daemon.write(text(work=""))
    assert len(daemon.at("2026-03-30 20:00")) == 1
    daemon.start()
    assert daemon.at("2026-03-30 20:10") == []
    assert daemon.states == ["applied", "held"]
    assert "work" in daemon.watch.parts.plan.duties


def test_an_edit_made_while_the_daemon_was_down_is_weighed_as_any_other(daemon: Daemon) -> None:
    daemon.write(text(work=""))
    daemon.start()
    daemon.at("2026-04-02")
    assert daemon.states == ["applied", "held"]
    assert ("work", "2026-03", "甲") in daemon.open()


def test_a_replica_follows_what_another_has_taken_up(daemon: Daemon, tmp_path: Path) -> None:
    first, second = daemon, Daemon(daemon.engine, tmp_path)
    second.at("2026-03-30 09:01")
    new = text(count=DUTIES["count"].replace("每年", "每半年"))
    first.write(new)
    first.at("2026-03-30 09:05")
    second.at("2026-03-30 09:06")
    assert second.watch.parts.revision == first.watch.parts.revision
    assert first.states == ["applied", "applied"]


def test_a_replica_whose_file_has_not_changed_yet_does_not_take_the_edit_back(
    daemon: Daemon, tmp_path: Path
) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two/schedules.yaml").write_text(text(), "utf-8")
    first, second = daemon, Daemon(daemon.engine, tmp_path / "two")
    second.at("2026-03-30 09:01")
    first.write(text(count=""))
    first.at("2026-03-30 09:05")
    for minute in range(6, 9):
        second.at(f"2026-03-30 09:{minute:02}")
        first.at(f"2026-03-30 09:{minute:02}")
    assert first.states == ["applied", "applied"]
    assert "count" not in second.watch.parts.plan.duties
    second.write(text(count=""))
    second.at("2026-03-30 09:10")
    assert first.states == ["applied", "applied"]


def test_a_pass_by_a_calendar_that_is_no_longer_in_force_changes_nothing(daemon: Daemon) -> None:
    old = daemon.watch.parts
    daemon.write(text(count=""))
    daemon.at("2026-03-30 09:05")
    before = daemon.ask("SELECT count(*) FROM reminder")
    with pytest.raises(Overtaken):
        run_pass(old, daemon.now + timedelta(days=30))
    assert daemon.ask("SELECT count(*) FROM reminder") == before


def test_no_pass_works_on_a_ledger_that_a_newer_program_has_migrated(daemon: Daemon) -> None:
    [(known,)] = daemon.ask("SELECT version_num FROM alembic_version")
    move = "UPDATE alembic_version SET version_num = '{}' RETURNING version_num"
    daemon.ask(move.format("9999"))
    try:
        with pytest.raises(DispatcherError, match="schema 9999, newer than this program's"):
            daemon.at("2026-03-30 09:05")
    finally:
        daemon.ask(move.format(known))


def test_a_ledger_that_did_not_keep_its_calendar_takes_up_the_file_as_it_is(daemon: Daemon) -> None:
    with daemon.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE revision SET calendar = NULL")
    daemon.write(text(work=""))
    daemon.start()
    daemon.at("2026-03-30 09:05")
    assert "work" not in daemon.watch.parts.plan.duties
    with daemon.engine.begin() as conn:
        assert revisions.calendar(conn, daemon.watch.parts.revision) == text(work="")


def test_a_calendar_in_force_that_cannot_be_read_any_more_gives_way_to_the_file(
    daemon: Daemon,
) -> None:
    """An earlier version of this program had taken it up."""
    unread = text(work=DUTIES["work"].replace("每月", "3月、6月25日前"))
    with daemon.engine.begin() as conn:
        conn.execute(update(revision).values(calendar=unread))
    daemon.write(unread)
    with pytest.raises(PlanError):
        daemon.start()
    mended = text(count="")
    daemon.write(mended)
    daemon.start()
    assert daemon.at("2026-03-31")
    assert daemon.states == ["applied", "applied"]
    with daemon.engine.begin() as conn:
        assert bootstrap.in_force(daemon.settings, conn).text == mended
    daemon.at("2026-03-31 09:05")
    assert daemon.states == ["applied", "applied"]


def test_what_this_machine_lacks_brings_no_edit_in_by_itself(daemon: Daemon) -> None:
    daemon.write(text(work=""))
    live = {"DISPATCHER_LIVE": "yes", "DISPATCHER_SMTP_URL": "smtp://127.0.0.1:9"}
    daemon.settings = load_settings(live | {"DISPATCHER_SMTP_CA_FILE": "gone"}, daemon.file.parent)
    with pytest.raises(DispatcherError, match="DISPATCHER_SMTP_CA_FILE"):
        daemon.start()
    assert daemon.states == ["applied"]


def test_other_holiday_data_is_taken_up_at_the_start_and_never_in_turns(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = bootstrap.RULES
    monkeypatch.setattr(bootstrap, "RULES", "newer")
    newer = Daemon(daemon.engine, tmp_path)
    newer.at("2026-03-30 10:00")
    assert daemon.states == ["applied", "applied"]
    monkeypatch.setattr(bootstrap, "RULES", ours)
    for minute in range(1, 4):
        daemon.at(f"2026-03-30 10:{minute:02}")
        newer.at(f"2026-03-30 10:{minute:02}")
    assert daemon.states == ["applied", "applied"]
    assert daemon.watch.parts.revision == newer.watch.parts.revision


@pytest.mark.sqlite
def test_health_says_what_is_not_in_force(tmp_path: Path) -> None:
    (tmp_path / "schedules.yaml").write_text(text(), "utf-8")
    settings = load_settings({"DISPATCHER_HOME": str(tmp_path)}, tmp_path)
    (tmp_path / "var").mkdir()
    engine = bootstrap.ledger(settings)
    daemon = Daemon(engine, tmp_path)
    daemon.at(START)
    daemon.write(text(work=""))
    daemon.at("2026-03-30 20:00")
    assert any("dispatcher apply" in str(each) for each in health(settings).troubles)
    daemon.write(BAD["empty"])
    daemon.at("2026-03-30 20:10")
    assert any("cannot be used" in str(each) for each in health(settings).troubles)
    engine.dispose()


def test_what_one_replica_has_left_open_another_that_starts_does_not_close_for_good(
    daemon: Daemon, tmp_path: Path
) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two/schedules.yaml").write_text(text(), "utf-8")
    daemon.write(text(work=""))
    daemon.at("2026-03-30 20:00")
    second = Daemon(daemon.engine, tmp_path / "two")
    for minute in range(1, 5):
        second.at(f"2026-03-30 20:{minute:02}")
        daemon.at(f"2026-03-30 20:{minute:02}")
    assert [edit.state for edit in daemon.edits() if edit.state == "held"] == ["held"]
    assert len(daemon.edits()) == 3


def test_replicas_with_two_held_edits_do_not_take_turns_for_ever(
    daemon: Daemon, tmp_path: Path
) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two/schedules.yaml").write_text(text(), "utf-8")
    second = Daemon(daemon.engine, tmp_path / "two")
    second.at("2026-03-30 19:00")
    daemon.write(text(work=""))
    second.write(text(visit=""))
    for minute in range(10):
        daemon.at(f"2026-03-30 20:{minute:02}")
        second.at(f"2026-03-30 20:{minute:02}")
    assert len(daemon.edits()) < 7


def test_an_earlier_calendar_that_is_found_at_a_start_is_held(daemon: Daemon) -> None:
    daemon.write(text(count=""))
    daemon.at("2026-03-30 09:05")
    daemon.write(text())
    daemon.start()
    daemon.at("2026-03-30 09:10")
    assert daemon.states == ["applied", "applied", "held"]
    daemon.write(text(count=""))
    daemon.at("2026-03-30 09:11")
    daemon.write(text())
    daemon.at("2026-03-30 09:12")
    assert daemon.states == ["applied", "applied", "dropped", "applied"]


def test_an_earlier_calendar_is_known_again_by_another_version_of_the_program(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.write(text(count=""))
    daemon.at("2026-03-30 09:05")
    daemon.write(text())
    monkeypatch.setattr(bootstrap, "RULES", "newer")
    daemon.start()
    daemon.at("2026-03-30 09:10")
    assert daemon.states == ["applied", "applied", "applied", "held"]


def test_a_start_finds_what_a_replica_of_another_version_did_not_know_to_open(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = text(early="  - {id: early, title: 早报, responsible: 甲, when: 每月5日前}\n")
    rest = "{holidays: none, off: [2026-05-01, 2026-05-04, 2026-05-05]}"
    with monkeypatch.context() as older:
        older.setattr(occurrences, "_opening", lambda one, due: min(one.opens, due))
        occurrences._shared.cache_clear()
        daemon.write(early.replace("{holidays: none}", rest))
        for day in ("2026-04-24", "2026-04-27", "2026-04-28"):
            assert not any("早报(2026年5月)" in words for _to, words in daemon.at(day))
    occurrences._shared.cache_clear()
    daemon.start()
    assert any("早报(2026年5月)" in words for _to, words in daemon.at("2026-04-29"))


def test_an_earlier_calendar_that_is_saved_again_after_a_held_one_is_an_edit_like_any(
    daemon: Daemon,
) -> None:
    """The process never ended, so that nothing was found at a start."""
    other = text(count=DUTIES["count"].replace("count的", "清点的"))
    for minute, file in enumerate((text(count=""), text(work=""), other, text())):
        daemon.write(file)
        daemon.at(f"2026-03-30 09:{minute + 1:02}")
    assert daemon.states == ["applied", "applied", "dropped", "applied", "applied"]


def test_an_older_ledger_that_is_put_back_meets_the_file_anew(daemon: Daemon) -> None:
    daemon.write(text(count=""))
    daemon.at("2026-03-30 09:05")
    with daemon.engine.begin() as conn:
        first, _second = revisions.edits(conn)
        conn.exec_driver_sql(f"UPDATE installation SET generation = 2, revision = '{first.hash}'")
        conn.exec_driver_sql("DELETE FROM edit WHERE id > 1")
    daemon.at("2026-03-30 09:10")
    assert daemon.states == ["applied", "applied"]
    assert "count" not in daemon.watch.parts.plan.duties


def test_what_nobody_thought_of_is_refused_and_the_passes_go_on(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("dispatcher.reload.compare", fail)
    daemon.write(text(count=""))
    daemon.at("2026-03-30 09:05")
    assert daemon.states == ["applied", "refused"]
    assert {to for to, _text in daemon.at("2026-03-31")} >= {"a@example.com"}


@pytest.mark.parametrize("why", ["closed", "paused"])
def test_a_step_that_was_due_when_nothing_may_leave_is_told_though_an_edit_took_it_away(
    engine: Engine, tmp_path: Path, why: str
) -> None:
    (tmp_path / "var").mkdir()
    file = tmp_path / "schedules.yaml"
    work = DUTIES["work"].replace("每月", "每月, open: false, before: [5d], overdue: []")
    file.write_text(text(work=work), "utf-8")
    daemon = Daemon(engine, tmp_path)
    daemon.at("2026-03-25")
    if why == "paused":
        with engine.begin() as conn:
            installation.pause(conn, "张三", "会议", daemon.now)
    daemon.write(text(work=work.replace("[5d]", "[]")))
    daemon.at("2026-03-26 10:00" if why == "paused" else "2026-03-26 19:00")
    assert daemon.states == ["applied", "applied"]
    if why == "paused":
        with engine.begin() as conn:
            installation.resume(conn, "张三", local("2026-03-27 08:00"))
    told = [words for to, words in daemon.at("2026-03-27") if to == "a@example.com"]
    assert len(told) == 1
    assert "work的工作" in told[0]


def test_another_error_on_another_day_is_told_again_but_nothing_twice_a_day(
    daemon: Daemon,
) -> None:
    daemon.write(BAD["empty"])
    assert len(daemon.at("2026-03-30 20:00")) == 1
    daemon.write(BAD["not YAML"])
    assert daemon.at("2026-03-30 20:10") == []
    daemon.write(BAD["empty"])
    assert len(daemon.at("2026-04-04 20:10")) == 1  # a Saturday
    for minute, work in enumerate(("", DUTIES["work"], "", DUTIES["work"])):
        daemon.write(text(work=work))
        sent = daemon.at(f"2026-04-04 21:{minute:02}")
        assert len(sent) == (minute == 0)
