"""Taking out what is long closed: only that, only once exported, and never to come back."""

from __future__ import annotations

import base64
import errno
import json
from collections import Counter
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dispatcher.errors import Refused
from dispatcher.ledger import outbox, retention
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.outbox import Address, Content
from dispatcher.ledger.retention import Export, prunable, prune
from tests.building import Office, a_duty, local, plan_with

BEFORE = date(2026, 3, 1)
NOW = local("2027-06-01")


@pytest.fixture
def office(engine: Engine) -> Office:
    """甲 and 乙 owe a report a month from January to April 2026: both have closed January's and
    February's, only 乙 March's."""
    found = Office(engine, plan_with(a_duty(first=date(2026, 1, 1), last=date(2026, 4, 30))))
    found.attach = lambda conn, items, now: (("list.xlsx", b"\x00\xff"),)
    for month in "123":
        found.at(f"2026-0{month}-10")
        found.at(f"2026-0{month}-26")
        for unit in "乙甲" if month != "3" else "乙":
            found.say("done", f"work/2026-0{month}@{unit}")
    found.at("2026-04-02")
    return found


def periods(office: Office) -> list[str]:
    return [period for (period,) in office.ask("SELECT period FROM occurrence ORDER BY period")]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def pruned(office: Office, to: Path, before: date = BEFORE) -> Export:
    with office.conn() as conn:
        return prune(conn, before, to, "张三", NOW)


TABLES = (
    *("occurrence", "assignment", "round", "answer", "reminder", "message", "message_item"),
    *("attempt", "attachment"),
)


def sizes(office: Office) -> Counter[str]:
    return Counter({name: office.ask(f"SELECT count(*) FROM {name}")[0][0] for name in TABLES})


def test_what_is_closed_goes_and_the_rest_stays(office: Office, tmp_path: Path) -> None:
    assert periods(office) == ["2026-01", "2026-02", "2026-03", "2026-04"]
    before = sizes(office)
    written = pruned(office, tmp_path / "old.jsonl")
    assert periods(office) == ["2026-03", "2026-04"]
    assert before - sizes(office) == written.counts
    assert set(written.counts) == set(TABLES)
    (first,) = office.ask("SELECT min(settled_at) FROM message")[0]
    assert first > "2026-03"


def test_the_file_holds_every_row_that_went(office: Office, tmp_path: Path) -> None:
    with office.conn() as conn:
        expected = prunable(conn, BEFORE, NOW.date())
    rows = office.ask("SELECT id, title, due_on FROM occurrence WHERE period < '2026-03'")
    path = tmp_path / "old.jsonl"
    written = pruned(office, path)
    found = lines(path)
    assert Counter(line["table"] for line in found) == expected == written.counts
    assert sha256(path.read_bytes()).hexdigest() == written.digest
    kept = [line for line in found if line["table"] == "occurrence"]
    assert [(line["id"], line["title"], line["due_on"]) for line in kept] == rows
    files = [line["content"] for line in found if line["table"] == "attachment"]
    assert base64.b64decode(files[0]) == b"\x00\xff"
    superseded = [line["reason"] for line in found if line.get("reason")]
    assert all("say" in reason for reason in superseded)
    assert path.stat().st_mode & 0o077 == 0


def test_the_audit_says_what_went_and_where_it_is(office: Office, tmp_path: Path) -> None:
    rows_before = office.ask("SELECT count(*) FROM audit")
    written = pruned(office, tmp_path / "old.jsonl")
    ((actor, detail),) = office.ask("SELECT actor, detail FROM audit WHERE action = 'prune'")
    said = json.loads(detail)
    assert actor == "张三"
    assert (said["file"], said["sha256"]) == ("old.jsonl", written.digest)
    assert said["rows"] == dict(written.counts)
    assert office.ask("SELECT count(*) FROM audit") == [(rows_before[0][0] + 1,)]


def test_what_went_does_not_come_back_with_an_edit(office: Office, tmp_path: Path) -> None:
    pruned(office, tmp_path / "old.jsonl")
    office.edit(office.plan)
    told = office.at("2026-04-03")
    assert periods(office) == ["2026-03", "2026-04"]
    assert not [line for line in told if "2026-01" in line or "2026-02" in line]


def test_a_second_run_finds_nothing(office: Office, tmp_path: Path) -> None:
    pruned(office, tmp_path / "old.jsonl")
    with office.conn() as conn:
        assert prunable(conn, BEFORE, NOW.date()) == Counter()


def test_what_is_younger_than_400_days_is_refused(office: Office, tmp_path: Path) -> None:
    latest = NOW.date() - timedelta(days=400)
    with office.conn() as conn:
        prunable(conn, latest, NOW.date())
        with pytest.raises(Refused, match=f"what was closed after {latest} is still needed"):
            prune(conn, latest + timedelta(days=1), tmp_path / "old.jsonl", "张三", NOW)
    assert not (tmp_path / "old.jsonl").exists()


def test_an_export_overwrites_nothing(office: Office, tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text("precious")
    with pytest.raises(Refused, match="exists"):
        pruned(office, tmp_path / "old.jsonl")
    assert (tmp_path / "old.jsonl").read_text() == "precious"
    assert "2026-01" in periods(office)


def test_nothing_goes_unless_the_file_holds_all_of_it(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = retention._export

    def on_a_bad_disk(conn: Connection, going: retention.Going, to: Path) -> Export:
        written = real(conn, going, to)
        to.write_bytes(to.read_bytes()[:-1] + b" ")
        return written

    monkeypatch.setattr(retention, "_export", on_a_bad_disk)
    before = sizes(office)
    with pytest.raises(Refused, match="does not hold all that goes"):
        pruned(office, tmp_path / "old.jsonl")
    assert sizes(office) == before
    assert not (tmp_path / "old.jsonl").exists()


@pytest.mark.parametrize("place", ["flush", "_read_back", "_take_out"])
def test_a_file_that_the_full_disk_did_not_take_is_not_in_the_way_of_the_next_try(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(retention, place, full)
        with pytest.raises(OSError, match="No space"):
            pruned(office, tmp_path / "old.jsonl")
    assert list(tmp_path.glob("*.jsonl")) == []
    assert "2026-01" in periods(office)
    pruned(office, tmp_path / "old.jsonl")


STAYS = {
    "it is open again": (
        "UPDATE assignment SET state = 'pending', closed_at = NULL, closed_by = NULL"
    ),
    "a unit's own date is later": "UPDATE assignment SET due_on = '2026-03-01'",
    "it was closed later": (
        "UPDATE assignment SET closed_at = '2026-03-01 00:00:00.000000' WHERE closed_at IS NOT NULL"
    ),
    "a notice waits to be told": (
        "UPDATE reminder SET state = 'queued', told_at = NULL, reason = NULL"
    ),
    "its occurrence was due later": "UPDATE occurrence SET due_on = '2026-03-01'",
    "its last message left later": (
        "UPDATE message SET settled_at = '2026-03-01 00:00:00.000000' WHERE settled_at IS NOT NULL"
    ),
}


@pytest.mark.parametrize("change", STAYS.values(), ids=STAYS.keys())
def test_an_occurrence_stays_while(office: Office, tmp_path: Path, change: str) -> None:
    with office.conn() as conn:
        conn.execute(text(change))
    with office.conn() as conn:
        assert "occurrence" not in prunable(conn, BEFORE, NOW.date())
    pruned(office, tmp_path / "old.jsonl")
    assert "2026-01" in periods(office)


SLIP = (
    "INSERT INTO slip (id, assignment_id, round, rung, colour, name, state, drafted_at)"
    " SELECT 1, min(id), 1, 1, '蓝', '蓝色提醒单', 'draft', '2026-02-01 00:00:00' FROM assignment"
)


def test_an_occurrence_with_a_slip_stays_for_ever(office: Office, tmp_path: Path) -> None:
    with office.conn() as conn:
        conn.execute(text(SLIP))
    pruned(office, tmp_path / "old.jsonl")
    assert periods(office) == ["2026-01", "2026-03", "2026-04"]


def test_a_message_that_also_tells_what_stays_stays(office: Office, tmp_path: Path) -> None:
    """January's second digest also told a reminder of March, say."""
    ((key,),) = office.ask("SELECT min(id) FROM message")
    ((other,),) = office.ask("SELECT max(id) FROM reminder")
    with office.conn() as conn:
        conn.execute(text(f"INSERT INTO message_item VALUES ({key}, {other})"))
    pruned(office, tmp_path / "old.jsonl")
    assert office.ask(f"SELECT reminder_id FROM message_item WHERE message_id = {key}") == [
        (other,)
    ]
    assert office.ask(f"SELECT count(*) FROM attempt WHERE message_id = {key}") == [(1,)]


def test_an_attempt_cannot_be_deleted_otherwise(office: Office, tmp_path: Path) -> None:
    pruned(office, tmp_path / "old.jsonl")
    assert office.ask("SELECT pruned_before FROM installation") == [(None,)]
    with pytest.raises(DBAPIError, match="never deleted"), office.conn() as conn:
        conn.execute(text("DELETE FROM attempt"))


@pytest.fixture
def brief(office: Office) -> None:
    """Two briefs, one of January, one of March."""
    row = (
        "INSERT INTO message (channel, address, kind, at, state, attempts, subject, text, html,"
        " settled_at) VALUES ('email', 'c@example.com', 'brief', '{0}', 'sent', 1, 's', 't', '',"
        " '{0}')"
    )
    with office.conn() as conn:
        for day in ("2026-01-15 01:00:00", "2026-03-15 01:00:00"):
            conn.execute(text(row.format(day)))


@pytest.mark.usefixtures("brief")
def test_old_briefs_go_too(office: Office, tmp_path: Path) -> None:
    pruned(office, tmp_path / "old.jsonl")
    left = office.ask("SELECT settled_at FROM message WHERE kind = 'brief'")
    assert [at[:7] for (at,) in left] == ["2026-03"]


def test_the_latest_status_message_stays_by_which_the_first_start_is_known(
    office: Office, tmp_path: Path
) -> None:
    with office.conn() as conn:
        for day in ("2026-01-14", "2026-01-15"):
            queued = outbox.queue(
                conn, Address("email", "x"), "status", local(day), content=Content("启用", "", "")
            )
            change = "UPDATE message SET state = 'sent', settled_at = at, next_attempt_at = NULL"
            conn.execute(text(f"{change} WHERE id = :id"), {"id": queued})
    pruned(office, tmp_path / "old.jsonl")
    left = office.ask("SELECT settled_at FROM message WHERE kind = 'status'")
    assert [at[:10] for (at,) in left] == ["2026-01-15"]
