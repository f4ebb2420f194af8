"""A ledger that has gone back is held until a person says so; how a copy is put back."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatcher import bootstrap
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import Text
from dispatcher.ledger import installation, restoring
from dispatcher.ledger.database import Engine, backup, create_engine, single_daemon
from dispatcher.ledger.restoring import Mark, gone_back
from dispatcher.settings import load_settings
from tests.building import MIGRATIONS, ZONE, a_ledger

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
KNOWN = Mark("e1", 2, NOW)


@pytest.mark.parametrize(
    "found, sentence",
    [
        (None, "the ledger is empty, but work has been done until 2026-11-26 01:00 UTC"),
        (KNOWN._replace(watermark=NOW - HOUR), "until 2026-11-26 00:00 UTC, but .* 2026-11-26 01:"),
        (KNOWN._replace(generation=1, watermark=NOW + HOUR), "is an older copy"),
        (KNOWN._replace(epoch="e2", watermark=NOW + HOUR), "is another ledger"),
        (KNOWN._replace(epoch="e0", generation=1), "is another ledger"),
    ],
)
def test_a_ledger_that_knows_less_has_gone_back(found: Mark | None, sentence: str) -> None:
    assert re.search(sentence, str(gone_back(found, KNOWN)))


@pytest.mark.parametrize(
    "found, known",
    [
        (KNOWN, KNOWN),
        (KNOWN._replace(watermark=NOW + HOUR), KNOWN),
        (KNOWN, None),
        (None, None),
        (Mark("e2", 3, NOW - HOUR), KNOWN),
    ],
)
def test_a_ledger_that_knows_as_much_or_was_resumed_has_not(
    found: Mark | None, known: Mark | None
) -> None:
    assert gone_back(found, known) is None


def go_live(engine: Engine, watermark: datetime = NOW) -> None:
    with engine.begin() as conn:
        installation.install(conn, watermark.date(), watermark)


def found_in(engine: Engine) -> installation.Installation:
    with engine.begin() as conn:
        found = installation.find(conn)
        assert found
        return found


WHY = Text("knows what was done until {found}", found="2026-11-25")


def test_a_hold_is_kept_as_a_sentence_and_recorded(engine: Engine) -> None:
    go_live(engine)
    with engine.begin() as conn:
        restoring.hold(conn, WHY, NOW.date(), NOW)
        said = conn.execute(text("SELECT actor, action, subject FROM audit")).one()
    found = found_in(engine)
    assert (found.hold, found.held_by, found.held_at) == (WHY, "dispatcher", NOW)
    assert tuple(said) == ("dispatcher", "pause", "dispatcher")


def test_an_empty_ledger_goes_live_held(engine: Engine) -> None:
    with engine.begin() as conn:
        restoring.hold(conn, WHY, date(2026, 11, 26), NOW)
    assert found_in(engine).hold == WHY


def test_resuming_a_ledger_that_went_back_begins_a_generation_under_another_name(
    engine: Engine,
) -> None:
    go_live(engine)
    before = found_in(engine)
    with engine.begin() as conn:
        restoring.hold(conn, WHY, NOW.date(), NOW)
        assert restoring.resume(conn, "张三", NOW)
        assert not restoring.resume(conn, "张三", NOW)
    after = found_in(engine)
    assert after.hold is None
    assert after.generation == before.generation + 1
    assert after.epoch != before.epoch


def test_resuming_from_a_persons_pause_does_not(engine: Engine) -> None:
    go_live(engine)
    before = found_in(engine)
    with engine.begin() as conn:
        installation.pause(conn, "张三", '{"not": "ours"}', NOW)
        paused = installation.find(conn)
        assert paused
        assert str(paused.hold) == '{"not": "ours"}'
        assert restoring.resume(conn, "张三", NOW)
    assert found_in(engine) == before


# ------------------------------------------------------------------------- putting a copy back


@pytest.fixture
def present(tmp_path: Path) -> Path:
    """A ledger that has come to ten o'clock, and a copy of it from nine: ``copy.db``."""
    with a_ledger(tmp_path / "ledger.db") as engine:
        go_live(engine, NOW)
        backup(engine, tmp_path / "copy.db")
        with engine.begin() as conn:
            installation.advance(conn, NOW + HOUR)
    return tmp_path / "ledger.db"


def restore(present: Path, source: Path, now: datetime = NOW + 2 * HOUR) -> Path | None:
    engine = create_engine(f"sqlite:///{present}")
    try:
        return restoring.restore(engine, source, MIGRATIONS, now)
    finally:
        engine.dispose()


def look(path: Path) -> installation.Installation:
    engine = create_engine(f"sqlite:///{path}")
    try:
        return found_in(engine)
    finally:
        engine.dispose()


def test_the_time_in_the_name_of_what_was_put_aside_is_that_of_utc(present: Path) -> None:
    now = (NOW + 3 * HOUR).astimezone(ZONE)
    aside = restore(present, present.with_name("copy.db"), now)
    assert aside == present.with_name("ledger.db.20261126T040000Z")


def test_a_copy_takes_the_ledgers_place_and_is_held(present: Path) -> None:
    copy = present.with_name("copy.db")
    before = copy.read_bytes()
    aside = restore(present, copy)
    found = look(present)
    assert found.watermark == NOW
    assert f"restored from {copy}" in str(found.hold)
    assert "until 2026-11-26 01:00 UTC" in str(found.hold)
    assert found.held_by == restoring.PROGRAM
    assert copy.read_bytes() == before
    assert aside == present.with_name("ledger.db.20261126T030000Z")
    assert look(aside).watermark == NOW + HOUR
    engine = create_engine(f"sqlite:///{present}")
    with engine.begin() as conn:
        said = conn.execute(text("SELECT actor, action, detail FROM audit ORDER BY id")).all()
    engine.dispose()
    assert [row[:2] for row in said] == [("dispatcher", "pause"), ("dispatcher", "restore")]
    assert str(copy) in said[1][2]


def test_what_the_present_ledger_had_not_yet_written_back_goes_with_it(present: Path) -> None:
    other = sqlite3.connect(present)
    other.execute("SELECT * FROM installation").fetchall()
    engine = create_engine(f"sqlite:///{present}")
    with engine.begin() as conn:
        installation.advance(conn, NOW + 90 * HOUR)
    aside = restoring.restore(engine, present.with_name("copy.db"), MIGRATIONS, NOW + 2 * HOUR)
    other.close()
    engine.dispose()
    assert aside
    assert look(aside).watermark == NOW + 90 * HOUR
    assert look(present).watermark == NOW


def test_nothing_is_put_back_while_a_daemon_runs(present: Path) -> None:
    engine = create_engine(f"sqlite:///{present}")
    with single_daemon(engine), pytest.raises(Refused, match="another daemon"):
        restore(present, present.with_name("copy.db"))
    engine.dispose()
    assert look(present).watermark == NOW + HOUR


def test_a_link_to_the_ledger_stays_one_and_its_daemon_is_seen(present: Path) -> None:
    link = present.with_name("link.db")
    link.symlink_to(present)
    given = {"DISPATCHER_DATABASE_URL": f"sqlite:///{link}"}
    engine = bootstrap.database(load_settings(given, present.parent))
    copy, now = present.with_name("copy.db"), NOW + 2 * HOUR
    with (
        single_daemon(create_engine(f"sqlite:///{present}")),
        pytest.raises(Refused, match="another daemon"),
    ):
        restoring.restore(engine, copy, MIGRATIONS, now)
    aside = restoring.restore(engine, copy, MIGRATIONS, now)
    engine.dispose()
    assert aside
    assert (link.is_symlink(), aside.is_symlink()) == (True, False)
    assert (look(present).watermark, look(aside).watermark) == (NOW, NOW + HOUR)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 20000] = b"\xff" * 20000
    path.write_bytes(content)


def miscount(path: Path) -> None:
    """It can be read to its end, and says that it has pages which it does not have."""
    content = bytearray(path.read_bytes())
    content[39] = 5
    path.write_bytes(content)


def make_newer(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0999'")
    raw.close()


def empty(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("DELETE FROM installation")
    raw.close()


def make_another(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE installation (x)")
    raw.close()


@pytest.mark.parametrize(
    "spoil, says",
    [
        (damage, "copy.db is"),
        (miscount, "copy.db is damaged: "),
        (make_newer, "0999, newer than this program"),
        (empty, "copy.db is empty"),
        (make_another, "copy.db is not a ledger"),
        (lambda path: path.write_text("x" * 9999), "copy.db is not a ledger"),
        (Path.unlink, "there is no file .*copy.db"),
    ],
)
def test_what_is_no_whole_ledger_is_refused_and_nothing_is_touched(
    present: Path, spoil: object, says: str
) -> None:
    spoil(present.with_name("copy.db"))  # type: ignore[operator]
    with pytest.raises(DispatcherError, match=says):
        restore(present, present.with_name("copy.db"))
    assert look(present).watermark == NOW + HOUR
    assert look(present).hold is None
    assert not list(present.parent.glob("*.part*"))
    assert not list(present.parent.glob("ledger.db.2*"))


def test_a_copy_with_an_older_schema_is_brought_up_to_date(present: Path) -> None:
    copy = present.with_name("copy.db")
    with sqlite3.connect(copy) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0002'")
        raw.execute("ALTER TABLE revision RENAME COLUMN kept_at TO applied_at")
        for table in ("edit", "todo", "channel"):
            raw.execute(f"DROP TABLE {table}")
        raw.execute("DROP INDEX ix_message_queued")
        raw.execute("CREATE INDEX ix_message_queued ON message (next_attempt_at)")
        for column in ("rescues", "urgency", "card"):
            raw.execute(f"ALTER TABLE message DROP COLUMN {column}")
        raw.execute("DROP TRIGGER attempt_kept")
        raw.execute("CREATE TRIGGER attempt_kept BEFORE DELETE ON attempt BEGIN SELECT 1; END")
        raw.execute("ALTER TABLE installation DROP COLUMN generation")
        raw.execute("ALTER TABLE installation DROP COLUMN pruned_before")
    raw.close()
    restore(present, copy)
    assert look(present).generation == 1


def test_a_damaged_ledger_is_kept_too(present: Path) -> None:
    present.write_text("damaged " * 1000)
    aside = restore(present, present.with_name("copy.db"))
    assert aside
    assert aside.read_text().startswith("damaged")
    assert look(present).watermark == NOW


def test_two_restores_in_one_second_do_not_overwrite_each_other(present: Path) -> None:
    restore(present, present.with_name("copy.db"))
    with pytest.raises(Refused, match="exists"):
        restore(present, present.with_name("copy.db"))


def test_a_ledger_that_is_not_there_can_be_restored(present: Path) -> None:
    present.unlink()
    assert restore(present, present.with_name("copy.db")) is None
    assert look(present).watermark == NOW


def test_postgresql_is_left_to_its_own_tools() -> None:
    engine = create_engine("postgresql://127.0.0.1:1/nowhere")
    with pytest.raises(Refused, match="pg_restore"):
        restoring.restore(engine, Path("x"), MIGRATIONS, NOW)
