"""The chain of the audit: what was altered, put in or taken out is found and named.

The triggers that forbid it are put out of force first, as somebody with the file in his hands
would do.
"""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import text

from dispatcher.i18n import _
from dispatcher.ledger import audit, sealing
from dispatcher.ledger.database import Engine
from dispatcher.ledger.sealing import Verdict, seal, verify
from tests.building import local
from tests.databases import unguard

NOW = local("2026-01-05")


@pytest.fixture
def chain(engine: Engine) -> Engine:
    """Five sealed rows, and nothing that guards them any more."""
    add(engine, 5)
    with engine.begin() as conn:
        assert seal(conn) == 5
    unguard(engine, "audit")
    return engine


def add(engine: Engine, count: int, first: int = 1) -> None:
    with engine.begin() as conn:
        for number in range(first, first + count):
            why = _("{note}", note=f"第{number}次")
            audit.record(conn, NOW, "张三", "done", f"work/{number}@甲", why, z=1, a=[number, "乙"])


def do(engine: Engine, *statements: str) -> None:
    with engine.begin() as conn:
        for statement in statements:
            conn.execute(text(statement))


def check(engine: Engine, noted: str | None = None) -> Verdict:
    with engine.begin() as conn:
        return verify(conn, noted)


def fault(engine: Engine) -> tuple[int, str] | None:
    found = check(engine).fault
    return (found.id, str(found.text).split(":")[0]) if found else None


def test_an_untouched_chain_holds_and_says_how_long_it_is(chain: Engine) -> None:
    add(chain, 2, first=6)
    verdict = check(chain)
    assert (verdict.sealed, verdict.waiting, verdict.fault, verdict.noted) == (5, 2, None, None)


def test_an_empty_audit_holds(engine: Engine) -> None:
    with engine.begin() as conn:
        assert seal(conn) == 0
    assert check(engine) == Verdict(0, 0, None, None, None)


def test_a_row_is_sealed_once_and_later_ones_follow_the_head(chain: Engine) -> None:
    before = check(chain).head
    add(chain, 3, first=6)
    with chain.begin() as conn:
        assert seal(conn) == 3
        assert seal(conn) == 0
        assert conn.scalar(text("SELECT prev_hash FROM audit WHERE id = 6")) == before
    assert check(chain).fault is None


def test_more_rows_than_a_batch_are_sealed_in_one_chain(engine: Engine) -> None:
    add(engine, sealing.BATCH + 1)
    with engine.begin() as conn:
        assert seal(conn) == sealing.BATCH + 1
    assert check(engine).fault is None


def by_hand(before: str, number: int, actor: str = "张三") -> str:
    """The hash of a row of this chain, computed as the documentation says."""
    detail = {"a": [number, "乙"], "z": 1}
    reason = {"note": f"第{number}次", "say": "{note}"}
    at = "2026-01-05T01:00:00.000000+00:00"
    row = [number, at, actor, "done", f"work/{number}@甲", detail, reason]
    return hashlib.sha256((before + json.dumps(row, separators=(",", ":"))).encode()).hexdigest()


def hashes(engine: Engine) -> list[str]:
    with engine.begin() as conn:
        return list(conn.scalars(text("SELECT hash FROM audit ORDER BY id")))


def test_anybody_can_compute_the_chain_again_from_the_rows(chain: Engine) -> None:
    before = ""
    for number, found in enumerate(hashes(chain), start=1):
        before = by_hand(before, number)
        assert found == before


@pytest.mark.parametrize(
    "change",
    [
        "at = '2026-01-05 02:00:00.000000'",
        "actor = '李四'",
        "action = 'waive'",
        "subject = 'work/9@甲'",
        """detail = '{"a": [3, "乙"], "z": 2}'""",
        "reason = NULL",
        """reason = '{"say": "{note}", "note": "第4次"}'""",
        "hash = 'f00'",
    ],
)
def test_a_row_that_was_altered_is_named(chain: Engine, change: str) -> None:
    do(chain, f"UPDATE audit SET {change} WHERE id = 3")
    assert fault(chain) == (3, "its content is not what was sealed")


@pytest.mark.sqlite  # PostgreSQL takes nothing of the kind
@pytest.mark.parametrize(
    "change", ["at = 'nonsense'", "actor = x'00ff'", "detail = 'no json'", "reason = 'x'"]
)
def test_a_row_that_was_spoilt_is_named(chain: Engine, change: str) -> None:
    do(chain, f"UPDATE audit SET {change} WHERE id = 3")
    assert fault(chain) == (3, "its content is not what was sealed")


def test_of_two_altered_rows_the_first_is_named(chain: Engine) -> None:
    do(chain, "UPDATE audit SET actor = 'x' WHERE id IN (4, 2)")
    assert fault(chain) == (2, "its content is not what was sealed")


OTHER = "the row before it is not the one that it was sealed after"


@pytest.mark.parametrize("gone, named", [("1", 2), ("3", 4), ("2, 3", 4)])
def test_the_row_after_one_that_was_taken_out_is_named(
    chain: Engine, gone: str, named: int
) -> None:
    do(chain, f"DELETE FROM audit WHERE id IN ({gone})")
    assert fault(chain) == (named, OTHER)


def test_a_row_whose_hash_was_made_to_fit_is_found_by_the_one_after_it(chain: Engine) -> None:
    forged = by_hand(hashes(chain)[1], 3, actor="李四")
    do(chain, f"UPDATE audit SET actor = '李四', hash = '{forged}' WHERE id = 3")
    assert fault(chain) == (4, OTHER)


def test_a_row_put_in_between_with_a_hash_that_fits_is_found(chain: Engine) -> None:
    do(chain, "DELETE FROM audit WHERE id = 3")
    forged = by_hand(hashes(chain)[1], 3, actor="李四")
    columns = "at, actor, action, subject, detail, reason, prev_hash, hash"
    with chain.begin() as conn:
        row = conn.execute(text(f"SELECT {columns} FROM audit WHERE id = 2")).one()._asdict()
        said = {
            name: json.dumps(each, ensure_ascii=False) if isinstance(each, dict) else str(each)
            for name, each in row.items()
        }
        put_in = said | {"actor": "李四", "subject": "work/3@甲", "prev_hash": said["hash"]}
        put_in |= {name: said[name].replace("2", "3") for name in ("detail", "reason")}
        values = ", ".join(f":{name}" for name in row)
        conn.execute(text(f"INSERT INTO audit (id, {columns}) VALUES (3, {values})"),
                     put_in | {"hash": forged})  # fmt: skip
    assert fault(chain) == (4, OTHER)


def test_a_row_put_in_without_a_hash_is_named(chain: Engine) -> None:
    do(chain, "UPDATE audit SET prev_hash = NULL, hash = NULL WHERE id = 2")
    assert fault(chain) == (2, "it is not sealed, though later ones are")


def test_rows_that_changed_places_are_found(chain: Engine) -> None:
    do(chain, *(f"UPDATE audit SET id = {new} WHERE id = {old}"
                for old, new in ((2, 9), (3, 2), (9, 3))))  # fmt: skip
    assert fault(chain) == (2, "its content is not what was sealed")


def test_an_end_that_was_cut_off_shows_by_a_head_that_was_noted(chain: Engine) -> None:
    head = check(chain).head
    assert check(chain, head).noted is True
    do(chain, "DELETE FROM audit WHERE id = 5")
    verdict = check(chain, head)
    assert (verdict.fault, verdict.noted) == (None, False)


def test_a_head_noted_long_ago_is_still_in_the_chain(chain: Engine) -> None:
    head = check(chain).head
    add(chain, 3, first=6)
    with chain.begin() as conn:
        seal(conn)
    assert check(chain, head).noted is True


@pytest.mark.sqlite
def test_a_row_spoilt_before_it_was_sealed_does_not_stop_the_sealing(engine: Engine) -> None:
    add(engine, 2)
    unguard(engine, "audit")
    spoilt = "at = 'x', detail = 'no json', actor = x'00ff'"
    do(engine, f"UPDATE audit SET {spoilt} WHERE id = 1")
    with engine.begin() as conn:
        assert seal(conn) == 2
    assert check(engine).fault is None
