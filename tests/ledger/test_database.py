"""Opening, migrating, guarding and copying the database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from dispatcher.errors import DispatcherError, Refused
from dispatcher.ledger.database import Engine, backup, create_engine, migrate, single_daemon
from dispatcher.ledger.tables import metadata
from tests.building import MIGRATIONS


def parts(statement: str) -> list[str]:
    """A CREATE statement's name, columns and constraints, in order and free of layout; it does not
    matter whether a constraint stands behind its column or by itself."""
    flat = " ".join(statement.replace('"', "").split())
    found, depth = [""], 0
    for letter in flat:
        depth += (letter == "(") - (letter == ")")
        if (letter == "," and depth == 1) or (letter == "(" and depth == 1):
            found.append("")
        else:
            found[-1] += letter
    found[-1] = found[-1].removesuffix(")") if depth == 0 else found[-1]
    split = [piece for part in found for piece in re.split(r" (?=CONSTRAINT )", part.strip())]
    return sorted(piece.strip() for piece in split if piece.strip())


def schema(engine: Engine) -> set[str]:
    """What the CREATE statements of tables and indexes say."""
    query = text("SELECT sql FROM sqlite_master WHERE type <> 'trigger' AND sql IS NOT NULL")
    with engine.begin() as conn:
        found = [statement for (statement,) in conn.execute(query)]
    return {"\n".join(parts(statement)) for statement in found}


def test_the_migrations_make_the_very_tables_of_the_metadata(engine: Engine) -> None:
    from_metadata = create_engine("sqlite://")
    metadata.create_all(from_metadata)
    made = {text for text in schema(engine) if "alembic_version" not in text}
    assert made == schema(from_metadata)
    with engine.begin() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    from_metadata.dispose()


def test_a_current_database_is_opened_without_loading_alembic(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)
    migrate(engine, MIGRATIONS)


def test_a_failed_migration_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text((MIGRATIONS / "env.py").read_text("utf-8"), "utf-8")
    (folder / "versions/0001_half.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    op.create_table('half', sa.Column('id', sa.Integer))\n"
        "    raise RuntimeError('power')\n",
        "utf-8",
    )
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    with pytest.raises(RuntimeError, match="power"):
        migrate(engine, folder)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_database_of_a_newer_program_is_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(DispatcherError, match=r"0999, newer than this program's 0\d+"):
        migrate(engine, MIGRATIONS)


def test_what_is_committed_survives_a_power_cut_and_keys_are_kept(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/new/ledger.db")
    with engine.begin() as conn:
        pragmas = {
            name: conn.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engine.dispose()


def test_a_transaction_that_reads_first_and_writes_later_waits_for_another(engine: Engine) -> None:
    other = threading.Thread(target=lambda: _read_then_write(engine, "b"))
    with engine.begin() as conn:
        conn.execute(text("SELECT * FROM revision")).all()
        other.start()
        conn.execute(text("INSERT INTO revision VALUES ('a', '2026-01-01', NULL)"))
    other.join()
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM revision")).scalar() == 2


def _read_then_write(engine: Engine, name: str) -> None:
    with engine.begin() as conn:
        conn.execute(text("SELECT * FROM revision")).all()
        conn.execute(
            text("INSERT INTO revision VALUES (:name, '2026-01-01', NULL)"), {"name": name}
        )


def test_a_second_daemon_on_one_file_is_refused_and_the_first_is_named(engine: Engine) -> None:
    with single_daemon(engine) as held:
        assert held
        with (
            pytest.raises(Refused, match=rf"process {os.getpid()}"),
            single_daemon(create_engine(str(engine.url))),
        ):
            pass
    with single_daemon(engine) as held:
        assert held


def test_the_lock_of_a_killed_daemon_is_free(engine: Engine) -> None:
    program = (
        "import os, sys; from dispatcher.ledger.database import create_engine, single_daemon\n"
        "with single_daemon(create_engine(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(engine.url)], check=False)
    assert killed.returncode == -9
    with single_daemon(engine) as held:
        assert held


def test_a_database_in_memory_needs_no_lock() -> None:
    with single_daemon(create_engine("sqlite://")) as held:
        assert not held


def test_a_backup_is_whole_and_consistent_while_others_write(
    engine: Engine, tmp_path: Path
) -> None:
    insert = text("INSERT INTO revision VALUES (:name, '2026-01-01', NULL)")
    with engine.begin() as conn:
        conn.execute(insert, {"name": "committed"})
    with engine.begin() as conn:
        conn.execute(insert, {"name": "not yet"})
        backup(engine, tmp_path / "copy.db")
    copy = create_engine(f"sqlite:///{tmp_path}/copy.db")
    with copy.begin() as conn:
        assert conn.execute(text("SELECT hash FROM revision")).all() == [("committed",)]
        assert conn.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    copy.dispose()
    assert not list(tmp_path.glob("*.part"))


def test_a_backup_overwrites_nothing(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(Refused, match="exists"):
        backup(engine, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_into_a_folder_that_is_not_there_is_refused(
    engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="is not a folder"):
        backup(engine, tmp_path / "usb" / "copy.db")


OLD_ROWS = (
    "INSERT INTO occurrence (id, duty, period, state, opens_on, due_on, nominal_on, provisional,"
    " progress, event, title, task, rows, clause, phrase, lead, entered_at) VALUES (1, 'work',"
    " '2026-01', 'open', '2026-01-01', '2026-01-30', '2026-01-31', 0, 0, 0, 't', 't', '[]', '',"
    " 'p', '[]', '2026-01-01 00:00:00')",
    "INSERT INTO assignment (id, occurrence_id, unit, role, owes, state, due_on, round, closed_at,"
    " closed_by) VALUES (1, 1, '甲', 'lead', 1, 'done', '2026-01-30', 1,"
    " '2026-01-30 00:00:00', '张三')",
    "INSERT INTO round VALUES (1, 1, 'opened', '2026-01-30', '2026-01-01 00:00:00')",
    "INSERT INTO answer (id, assignment_id, at, by, kind, note)"
    " VALUES (1, 1, '2026-01-30 00:00:00', '张三', 'done', '电话')",
    "INSERT INTO reminder (id, assignment_id, round, step, addressee, unit, state, queued_at,"
    " told_at) VALUES (1, 1, 1, 'T', 'owner', '甲', 'told', '2026-01-30 00:00:00',"
    " '2026-01-30 00:00:00')",
    *(
        "INSERT INTO message (id, channel, address, kind, at, state, attempts, subject, text, html,"
        f" settled_at) VALUES ({key}, 'email', 'a@example.com', 'digest', '2026-01-{key} 00:00:00',"
        " 'sent', 1, 's', 't', '', '2026-01-30 00:00:00')"
        for key in (29, 30)
    ),
    "INSERT INTO message_item VALUES (29, 1)",
    "INSERT INTO attempt VALUES (29, 1, '2026-01-29 00:00:00', '2026-01-29 00:00:01', 'sent', '')",
    "DELETE FROM message WHERE id = 30",
)


@pytest.fixture
def old_ledger(tmp_path: Path) -> Iterator[Engine]:
    """A ledger as the first schema left it, with an answer and a message that was sent."""
    folder = tmp_path / "old"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "versions/0001_ledger.py"):
        shutil.copy(MIGRATIONS / name, folder / name)
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    migrate(engine, folder)
    with engine.begin() as conn:
        for statement in OLD_ROWS:
            conn.execute(text(statement))
    yield engine
    engine.dispose()


def test_a_ledger_of_the_first_schema_keeps_all_that_it_holds(old_ledger: Engine) -> None:
    migrate(old_ledger, MIGRATIONS)
    with old_ledger.begin() as conn:
        answer = conn.execute(text("SELECT kind, was, became, by, note FROM answer")).one()
        message = conn.execute(text("SELECT id, state, subject, slip_id FROM message")).one()
        joined = text(
            "SELECT outcome, reminder_id FROM attempt JOIN message_item USING (message_id)"
        )
        assert tuple(answer) == ("done", "pending", "done", "张三", "电话")
        assert tuple(message) == (29, "sent", "s", None)
        assert tuple(conn.execute(joined).one()) == ("sent", 1)
        assert conn.execute(text("SELECT state, missed FROM assignment")).one() == ("done", 0)
        assert conn.execute(text("PRAGMA foreign_key_check")).all() == []
        assert conn.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_the_id_of_a_message_that_is_gone_does_not_come_again_in_the_new_schema(
    old_ledger: Engine,
) -> None:
    migrate(old_ledger, MIGRATIONS)
    with old_ledger.begin() as conn:
        conn.execute(text(
            "INSERT INTO message (channel, address, kind, at, state, attempts, next_attempt_at)"
            " VALUES ('email', 'a@example.com', 'brief', '2026-02-01', 'queued', 0, '2026-02-01')"
        ))  # fmt: skip
        assert conn.execute(text("SELECT max(id) FROM message")).scalar() == 31
