"""One writer at a time, in both databases; and what takes no turn."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from dispatcher.errors import DispatcherError
from dispatcher.ledger import database as databases
from dispatcher.ledger import leases, outbox
from dispatcher.ledger.database import Engine, create_engine, together
from dispatcher.ledger.outbox import Address
from tests.building import local

ADD = text("INSERT INTO revision VALUES (:name, '2026-01-01', NULL)")
COUNT = text("SELECT count(*) FROM revision")


def add_after_counting(engine: Engine, name: str) -> None:
    with engine.begin() as conn:
        conn.execute(COUNT).all()
        conn.execute(ADD, {"name": name})


def test_a_transaction_that_reads_first_and_writes_later_waits_for_another(engine: Engine) -> None:
    other = threading.Thread(target=add_after_counting, args=(engine, "b"))
    with engine.begin() as conn:
        before = conn.execute(COUNT).scalar()
        other.start()
        time.sleep(0.2)
        assert conn.execute(COUNT).scalar() == before
        conn.execute(ADD, {"name": "a"})
    other.join()
    with engine.begin() as conn:
        assert conn.execute(COUNT).scalar() == 2


@pytest.mark.postgresql
def test_a_statement_that_takes_only_what_is_free_waits_for_nobody(engine: Engine) -> None:
    with engine.begin(), together(engine).begin() as conn:
        assert conn.execute(COUNT).scalar() == 0


@pytest.mark.postgresql
def test_a_process_that_is_stopped_in_a_transaction_does_not_stop_the_others_for_long(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(databases.SESSION, "idle_in_transaction_session_timeout", 300)
    url = engine.url.render_as_string(hide_password=False)
    stopped, other = create_engine(url), create_engine(url)

    def be_stopped() -> None:
        with stopped.begin() as conn:
            conn.execute(ADD, {"name": "half"})
            add_after_counting(other, "whole")
            conn.execute(COUNT)

    with pytest.raises(DBAPIError, match="idle-in-transaction timeout"):
        be_stopped()
    with engine.begin() as conn:
        assert conn.scalars(text("SELECT hash FROM revision")).all() == ["whole"]
    stopped.dispose()
    other.dispose()


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1/test", "oracle://x"])
def test_another_database_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(DispatcherError, match=r"write sqlite:///FILE or postgresql://"):
        create_engine(url)


def test_postgresql_without_its_driver_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "find_spec", lambda _name: None)
    with pytest.raises(DispatcherError, match=r"pip install 'psycopg\[binary\]'"):
        create_engine("postgresql://127.0.0.1/test")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_the_driver_need_not_be_named(scheme: str) -> None:
    assert databases.with_driver(make_url(f"{scheme}://h/d")).drivername == "postgresql+psycopg"


@pytest.mark.postgresql
def test_a_digest_that_is_being_added_to_is_claimed_by_nobody(engine: Engine) -> None:
    now, waiting = local("2026-01-05"), {Address("email", "a@example.com"): outbox.Pile([])}
    with engine.begin() as conn:
        assert outbox.queue_digests(conn, waiting, now, now) == 1
    with engine.begin() as conn, together(engine).begin() as other:
        assert outbox.queue_digests(conn, waiting, now, now) == 1
        assert leases.claim(other, now, ["digest"], 9) == []
    with together(engine).begin() as other:
        assert len(leases.claim(other, now, ["digest"], 9)) == 1
