"""Bringing a ledger to the newest schema: from every earlier one, with data in it, in both
databases; and what is refused."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from dispatcher.errors import DispatcherError
from dispatcher.ledger.database import Engine, create_engine, migrate
from dispatcher.ledger.tables import metadata
from tests.building import MIGRATIONS
from tests.databases import a_database

SCHEMA = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE type <> 'trigger' AND sql IS NOT NULL",
    "postgresql": (
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE conrelid::regclass::text IN"
        " (SELECT tablename FROM pg_tables WHERE schemaname = 'public')"
        " UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " UNION ALL SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable,"
        " column_default) FROM information_schema.columns WHERE table_schema = 'public'"
    ),
}
ROWS = {
    "0001": (
        "INSERT INTO occurrence (id, duty, period, state, opens_on, due_on, nominal_on,"
        " provisional, progress, event, title, task, rows, clause, phrase, lead, entered_at)"
        " VALUES (1, 'work', '2026-01', 'open', '2026-01-01', '2026-01-30', '2026-01-31', false,"
        " false, false, 't', 't', '[]', '', 'p', '[]', '2026-01-01 00:00:00')",
        "INSERT INTO assignment (id, occurrence_id, unit, role, owes, state, due_on, round,"
        " closed_at, closed_by) VALUES (1, 1, '甲', 'lead', true, 'done', '2026-01-30', 1,"
        " '2026-01-30 00:00:00', '张三')",
        "INSERT INTO round VALUES (1, 1, 'opened', '2026-01-30', '2026-01-01 00:00:00')",
        "INSERT INTO answer (assignment_id, at, by, kind, note)"
        " VALUES (1, '2026-01-30 00:00:00', '张三', 'done', '电话')",
        "INSERT INTO reminder (id, assignment_id, round, step, addressee, unit, state, queued_at,"
        " told_at) VALUES (1, 1, 1, 'T', 'owner', '甲', 'told', '2026-01-30 00:00:00',"
        " '2026-01-30 00:00:00')",
        *(
            "INSERT INTO message (channel, address, kind, at, state, attempts, subject, text,"
            f" html, settled_at) VALUES ('email', 'a@example.com', 'digest', '2026-01-{day}',"
            " 'sent', 1, 's', 't', '', '2026-01-30 00:00:00')"
            for day in (29, 30)
        ),
        "INSERT INTO message_item VALUES (1, 1)",
        "INSERT INTO attempt (message_id, number, started_at, finished_at, outcome)"
        " VALUES (1, 1, '2026-01-29 00:00:00', '2026-01-29 00:00:01', 'sent')",
        "DELETE FROM message WHERE id = 2",
        "INSERT INTO installation (id, epoch, go_live_on, watermark)"
        " VALUES (1, 'e', '2026-01-01', '2026-01-30 00:00:00')",
        "INSERT INTO audit (at, actor, action, subject, detail)"
        " VALUES ('2026-01-30', '张三', 'done', 'work/2026-01@甲', '{}')",
    ),
    "0002": (
        "INSERT INTO slip (id, assignment_id, round, rung, colour, name, state, drafted_at)"
        " VALUES (1, 1, 1, 1, '蓝', '蓝色提醒单', 'draft', '2026-01-30')",
        "INSERT INTO message (channel, address, kind, at, state, attempts, next_attempt_at,"
        " slip_id) VALUES ('email', 'a@example.com', 'slip', '2026-01-30', 'queued', 0,"
        " '2026-01-30', 1)",
        "INSERT INTO attachment SELECT max(id), '台账.xlsx', '' FROM message",
    ),
}
"""What a ledger of each schema holds, on top of what the one before could hold."""
REVISIONS = sorted(path.name[:4] for path in MIGRATIONS.glob("versions/[0-9]*.py"))


@pytest.fixture
def url(database: str, tmp_path: Path) -> Iterator[str]:
    """A new database of either kind, with nothing in it."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    with a_database("migrations") as found:
        yield found


@pytest.fixture
def empty(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def folder_up_to(revision: str, folder: Path) -> Path:
    """The migrations as they were when ``revision`` was the newest."""
    (folder / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", folder / "env.py")
    for path in MIGRATIONS.glob("versions/[0-9]*.py"):
        if path.name[:4] <= revision:
            shutil.copy(path, folder / "versions" / path.name)
    return folder


def grow(engine: Engine, revision: str, folder: Path) -> Path:
    """Brings a new ledger up to ``revision``, with what each schema on the way could hold; gives
    the migrations of that time."""
    for known in REVISIONS[: REVISIONS.index(revision) + 1]:
        newest = folder_up_to(known, folder / known)
        migrate(engine, newest)
        with engine.begin() as conn:
            for statement in ROWS.get(known, ()):
                conn.execute(text(statement))
    return newest


def counts(conn: Connection) -> dict[str, int]:
    tables = set(inspect(conn).get_table_names()) - {"alembic_version"}
    return {name: conn.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in tables}


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_ledger_of_an_earlier_schema_keeps_all_that_it_holds(
    empty: Engine, revision: str, tmp_path: Path
) -> None:
    grow(empty, revision, tmp_path)
    with empty.begin() as conn:
        before = counts(conn)
    migrate(empty, MIGRATIONS)
    with empty.begin() as conn:
        after = counts(conn)
        assert {name: after[name] for name in before} == before
        answer = conn.execute(text("SELECT kind, was, became, by, note FROM answer")).one()
        message = text("SELECT state, subject, slip_id, rescues FROM message WHERE id = 1")
        assert tuple(answer) == ("done", "pending", "done", "张三", "电话")
        assert tuple(conn.execute(message).one()) == ("sent", "s", None, 0)
        items = text("SELECT outcome, reminder_id FROM attempt JOIN message_item"
                     " ON attempt.message_id = message_item.message_id")  # fmt: skip
        assert tuple(conn.execute(items).one()) == ("sent", 1)
        assert conn.execute(text("SELECT state, missed FROM assignment")).one() == ("done", False)
        assert conn.scalar(text("SELECT generation FROM installation")) == 1


def test_the_id_of_a_message_that_is_gone_never_comes_again(empty: Engine, tmp_path: Path) -> None:
    grow(empty, "0001", tmp_path)
    migrate(empty, MIGRATIONS)
    with empty.begin() as conn:
        conn.execute(text(
            "INSERT INTO message (channel, address, kind, at, state, attempts, next_attempt_at)"
            " VALUES ('email', 'a@example.com', 'brief', '2026-02-01', 'queued', 0, '2026-02-01')"
        ))  # fmt: skip
        assert conn.execute(text("SELECT max(id) FROM message")).scalar() == 3


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_an_earlier_schema_guarded_is_guarded_still(
    empty: Engine, revision: str, tmp_path: Path
) -> None:
    grow(empty, revision, tmp_path)
    migrate(empty, MIGRATIONS)
    for statement in (
        "DELETE FROM attempt",
        "UPDATE attempt SET outcome = 'unknown'",
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'x'",
        "UPDATE assignment SET state = 'returned', closed_at = NULL, closed_by = NULL",
        "INSERT INTO answer (assignment_id, at, by, kind, note, was, became)"
        " VALUES (1, '2026-01-30', 'x', 'done', '', 'waived', 'done')",
    ):
        with pytest.raises(IntegrityError), empty.begin() as conn:
            conn.execute(text(statement))


def test_the_migrations_make_the_very_tables_of_the_metadata(empty: Engine, database: str) -> None:
    migrate(empty, MIGRATIONS)
    made = {each for each in schema(empty, database) if "alembic_version" not in each}
    with empty.begin() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        for table in (*metadata.tables, "alembic_version"):
            conn.execute(text(f"DROP TABLE {table}" + " CASCADE" * (database != "sqlite")))
    metadata.create_all(empty)
    assert made == schema(empty, database)


def schema(engine: Engine, database: str) -> set[str]:
    """What the database says of its tables and indexes."""
    with engine.begin() as conn:
        found = [statement for (statement,) in conn.execute(text(SCHEMA[database]))]
    return {"\n".join(parts(statement)) for statement in found}


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


def test_a_current_database_is_opened_without_loading_alembic(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)
    migrate(engine, MIGRATIONS)


def test_a_failed_migration_leaves_the_database_as_it_was(empty: Engine, tmp_path: Path) -> None:
    folder = folder_up_to("0000", tmp_path / "db")
    (folder / "versions/0001_half.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    op.create_table('half', sa.Column('id', sa.Integer))\n"
        "    raise RuntimeError('power')\n",
        "utf-8",
    )
    with pytest.raises(RuntimeError, match="power"):
        migrate(empty, folder)
    assert inspect(empty).get_table_names() == []


def test_a_database_of_a_newer_program_is_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    try:
        with pytest.raises(DispatcherError, match=r"0999, newer than this program's 0\d+"):
            migrate(engine, MIGRATIONS)
    finally:
        with engine.begin() as conn:
            newest = {"newest": REVISIONS[-1]}
            conn.execute(text("UPDATE alembic_version SET version_num = :newest"), newest)


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_older_schema_is_never_gone_back_to(
    empty: Engine, revision: str, tmp_path: Path
) -> None:
    folder = grow(empty, revision, tmp_path)
    config = Config()
    config.set_main_option("script_location", str(folder))
    with empty.begin() as conn:
        before = counts(conn)
        config.attributes["connection"] = conn
        with pytest.raises(NotImplementedError, match="never taken back to an older schema"):
            command.downgrade(config, "-1")
        assert counts(conn) == before
