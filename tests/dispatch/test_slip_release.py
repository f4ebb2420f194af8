"""A named person releases a slip: numbered without gap, kept as it is, and sent as it is kept."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.deliver import deliver
from dispatcher.dispatch.slips import Released, preview
from dispatcher.errors import Refused
from dispatcher.ledger import leases, pruning, slips
from dispatcher.ledger.database import Engine
from dispatcher.ledger.outbox import Address
from dispatcher.plan.model import Offset
from tests.building import Office, a_duty, a_unit, local, trouble
from tests.dispatch.ladders import (
    BLUE,
    RED,
    SHIPPED,
    after,
    drafted,
    laddered,
    listed,
    released,
    standing,
    voided,
)

TO_A = Address("email", "甲@example.com")
MANY = a_duty(units=tuple(f"镇{number}" for number in range(12)), lead=("镇0",))


@pytest.fixture
def office(engine: Engine) -> Office:
    """At nine on Wednesday 4 February, a blue slip just drafted."""
    found = Office(engine, laddered())
    drafted(found, "2026-01-30", "2026-02-04")
    return found


def many(engine: Engine) -> Office:
    """The same with a draft for each of twelve units."""
    units = [a_unit(name, superior="乙") for name in (*MANY.units, "乙", "丙")]
    plan = laddered(duties={"work": MANY}, units={unit.name: unit for unit in units})
    found = Office(engine, plan)
    drafted(found, "2026-01-30", "2026-02-04")
    return found


def messages(office: Office) -> list[tuple[object, ...]]:
    return office.ask("SELECT address, state FROM message WHERE kind = 'slip' ORDER BY id")


# ------------------------------------------------------------------------------------- numbers


def test_a_release_numbers_dates_and_keeps_a_slip(office: Office) -> None:
    assert released(office, 1, note="领导同意") == Released("督〔2026〕1号", (TO_A,))
    [slip] = listed(office)
    assert (slip.state, slip.released_by, slip.year, slip.number) == ("released", "张三", 2026, 1)
    assert (slip.released_at, str(slip.answer_due_on)) == (local("2026-02-04"), "2026-02-09")
    with office.conn() as conn:
        kept = slips.content_of(conn, 1)
    assert kept
    assert "督〔2026〕1号" in kept.text
    assert office.ask("SELECT actor, reason, detail FROM audit WHERE action = 'release-slip'") == [
        ("张三", '{"say": "{note}", "note": "领导同意"}', '{"slip": "督〔2026〕1号"}')
    ]


def test_a_second_release_says_so_and_does_nothing(office: Office) -> None:
    first = released(office, 1)
    assert released(office, 1) == Released(first.code, new=False)
    assert len(messages(office)) == 1


def test_numbers_go_on_within_a_year_and_begin_anew_with_the_next(engine: Engine) -> None:
    office = many(engine)
    codes = []
    for slip, moment in ((1, "2026-12-31 23:59"), (2, "2026-12-31 23:59"), (3, "2027-01-01 00:00")):
        office.now = local(moment)
        codes.append(released(office, slip).code)
    assert codes == ["督〔2026〕1号", "督〔2026〕2号", "督〔2027〕1号"]


def test_a_void_number_stays_listed_and_is_never_used_again(engine: Engine) -> None:
    office = many(engine)
    released(office, 1)
    released(office, 2)
    voided(office, 2)
    voided(office, 3)  # a draft, which never had a number
    assert released(office, 4).code == "督〔2026〕3号"
    with office.conn() as conn:
        numbered = slips.listed(conn, year=2026)
        assert [each.id for each in slips.listed(conn, state="void")] == [2, 3]
    assert [(each.number, each.state) for each in numbered] == [
        *((1, "released"), (2, "void"), (3, "released")),
    ]


def test_a_release_that_is_refused_leaves_no_gap(engine: Engine) -> None:
    office = many(engine)
    voided(office, 2)
    with pytest.raises(Refused):
        released(office, 1, 2)
    assert standing(office)[0] == ("蓝色提醒单", "draft")
    assert released(office, 3).code == "督〔2026〕1号"


def test_many_at_one_time_get_each_its_number_and_none_is_left_out(engine: Engine) -> None:
    office = many(engine)
    start, codes = threading.Barrier(4), []

    def work(mine: range) -> None:
        start.wait()
        codes.extend(released(office, slip).code for slip in mine)

    threads = [threading.Thread(target=work, args=(range(n, 13, 4),)) for n in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == sorted(f"督〔2026〕{number}号" for number in range(1, 13))


def test_two_who_release_the_same_slip_give_it_one_number(office: Office) -> None:
    start, found = threading.Barrier(2), []

    def work() -> None:
        start.wait()
        found.append(released(office, 1))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((each.code, each.new) for each in found) == [
        *(("督〔2026〕1号", False), ("督〔2026〕1号", True)),
    ]
    assert len(messages(office)) == 1


# ------------------------------------------------------------------------------------- refusals


def test_what_has_been_answered_is_not_released(office: Office) -> None:
    office.say("report")
    with pytest.raises(Refused, match="slip 1 has lost its cause: answered: reported, by 张三"):
        released(office, 1)


def test_what_has_begun_a_new_round_is_not_released(office: Office) -> None:
    office.say("report")
    office.say("return", note="数据不全")
    with pytest.raises(Refused, match="returned by the office"):
        released(office, 1)


def test_what_an_edit_has_moved_is_not_released_before_the_next_pass(office: Office) -> None:
    office.edit(office.plan._replace(ladder=None))
    with pytest.raises(Refused, match="the plan's ladder no longer has this rung"):
        released(office, 1)


def test_a_void_slip_is_not_released(office: Office) -> None:
    voided(office, 1, "重复")
    with pytest.raises(Refused, match="slip 1 is void: 李四: 重复"):
        released(office, 1)


def test_a_slip_is_made_void_with_a_reason_and_once(office: Office) -> None:
    with pytest.raises(Refused, match="add --note"):
        voided(office, 1, " ")
    assert voided(office, 1) is not None
    assert voided(office, 1) is None


def test_an_unknown_slip_is_refused(office: Office) -> None:
    with pytest.raises(Refused, match="no slip 7"):
        released(office, 7)


# -------------------------------------------------------------------------------------- to whom


def test_a_slip_goes_to_every_address_of_whom_its_rung_names_once(engine: Engine) -> None:
    units = [
        a_unit("甲", "a1@example.com", "a2@example.com", superior="乙"),
        a_unit("乙", "b@example.com", "a2@example.com"),
        a_unit("丙", "c@example.com"),
    ]
    rung = RED._replace(after=BLUE.after, unanswered=False)
    office = Office(engine, laddered(rung, units={unit.name: unit for unit in units}))
    drafted(office, "2026-01-30", "2026-02-04")
    found = released(office, 1)
    names = ["a1@example.com", "a2@example.com", "b@example.com", "c@example.com"]
    assert [address.address for address in found.to] == names
    assert found.unreached == ()


def without_contacts(engine: Engine, *silent: str) -> Office:
    """A blue slip to the unit and its superior, of whom some have no address by now."""
    rung = BLUE._replace(to=("owner", "superior"))
    office = Office(engine, laddered(rung))
    drafted(office, "2026-01-30", "2026-02-04")
    muted = {name: office.plan.units[name]._replace(contacts=()) for name in silent}
    office.plan = office.plan._replace(units={**office.plan.units, **muted})
    return office


def test_whoever_has_no_contact_is_named(engine: Engine) -> None:
    found = released(without_contacts(engine, "甲"), 1)
    assert ([to.address for to in found.to], found.unreached) == (["乙@example.com"], ("甲",))


def test_a_slip_that_reaches_nobody_is_refused(engine: Engine) -> None:
    office = without_contacts(engine, "甲", "乙")
    with pytest.raises(Refused, match="no contact of 甲, 乙 can be reached"):
        released(office, 1)
    assert standing(office) == [("蓝色提醒单", "draft")]


# -------------------------------------------------------------------------------------- delivery


def test_a_slip_leaves_as_it_is_kept(office: Office) -> None:
    released(office, 1)
    office.at("2026-02-04 09:05")
    [sent] = [each for each in office.box.sent if each.kind == "slip"]
    with office.conn() as conn:
        kept = slips.content_of(conn, 1)
        [delivery] = slips.deliveries(conn, 1)
    assert kept
    assert (sent.subject, sent.text, sent.html) == (kept.subject, kept.text, kept.html)
    assert (sent.address, sent.recipient_name) == ("甲@example.com", "甲")
    assert (delivery.state, delivery.settled_at) == ("sent", local("2026-02-04 09:05"))


def test_an_answer_after_the_release_changes_nothing_of_it(office: Office) -> None:
    released(office, 1)
    office.say("report")
    office.at("2026-02-04 09:05")
    assert messages(office) == [("甲@example.com", "sent")]
    assert standing(office) == [("蓝色提醒单", "released")]


def test_a_slip_waits_for_the_window_and_for_the_end_of_a_pause(office: Office) -> None:
    office.now = local("2026-02-04 18:30")
    released(office, 1)
    deliver(office.parts)
    assert messages(office) == [("甲@example.com", "queued")]
    office.at("2026-02-05")
    assert messages(office) == [("甲@example.com", "sent")]


def test_no_slip_is_dropped_for_a_later_one(engine: Engine) -> None:
    duties = {name: a_duty(name, units=("甲",)) for name in ("one", "two")}
    office = Office(engine, laddered(BLUE, duties=duties))
    drafted(office, "2026-01-30", "2026-02-04")
    released(office, 1)
    released(office, 2)
    office.at("2026-02-04 09:05")
    assert messages(office) == [("甲@example.com", "sent"), ("甲@example.com", "sent")]


def test_what_is_made_void_before_it_leaves_is_not_sent(office: Office) -> None:
    office.now = local("2026-02-04 18:30")
    released(office, 1)
    voided(office, 1, "重复")
    office.at("2026-02-05")
    assert [each for each in office.box.tried if each.kind == "slip"] == []
    rows = office.ask("SELECT state, reason FROM message WHERE kind = 'slip'")
    assert rows == [("cancelled", '{"say": "{by}: {note}", "by": "李四", "note": "重复"}')]


def test_what_is_made_void_between_two_attempts_is_not_tried_again(office: Office) -> None:
    office.box.troubles["*"] = [trouble("temporary")]
    released(office, 1)
    office.at("2026-02-04 09:05")
    voided(office, 1)
    assert messages(office) == [("甲@example.com", "cancelled")]


def test_what_may_have_arrived_stays_unknown_when_it_is_made_void(office: Office) -> None:
    office.box.troubles["*"] = [trouble("unknown")]
    released(office, 1)
    office.at("2026-02-04 09:05")
    assert messages(office) == [("甲@example.com", "queued")]
    voided(office, 1)
    assert messages(office) == [("甲@example.com", "unknown")]


def test_what_is_made_void_while_it_is_claimed_is_dropped(office: Office) -> None:
    released(office, 1)
    with office.conn() as conn:
        [claimed] = leases.claim(conn, office.now, ["slip"], 9)
    voided(office, 1)
    with office.conn() as conn:
        assert pruning.prune(conn, [claimed], office.now) == []
    assert messages(office) == [("甲@example.com", "cancelled")]


def test_a_failing_address_leaves_the_slip_released_and_says_so(office: Office) -> None:
    office.box.troubles["*"] = [trouble("permanent")]
    released(office, 1)
    office.at("2026-02-04 09:05")
    assert messages(office) == [("甲@example.com", "failed")]
    with office.conn() as conn:
        [delivery] = slips.deliveries(conn, 1)
        assert [each.id for each in slips.unanswered(conn)] == [1]
    assert str(delivery.reason) == "the channel says permanent"


# ------------------------------------------------------------------------------------ the words


def test_a_broken_template_still_releases_and_names_the_fault(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "slip.txt").write_text("{{ nobody }}", "utf-8")
    found = released(office, 1, templates=(tmp_path, SHIPPED))
    assert found.broken == "slip.txt:1: 'nobody' is undefined"
    office.at("2026-02-04 09:05")
    [sent] = [each for each in office.box.sent if each.kind == "slip"]
    assert "督〔2026〕1号" in sent.text
    assert "请抓紧办理。" in sent.text
    assert sent.html == ""


def test_a_later_edit_of_the_templates_changes_no_released_slip(
    office: Office, tmp_path: Path
) -> None:
    released(office, 1)
    before = office.ask("SELECT text FROM slip")
    (tmp_path / "slip.txt").write_text("别的", "utf-8")
    released(office, 1, templates=(tmp_path, SHIPPED))
    assert office.ask("SELECT text FROM slip") == before


def test_a_letter_says_how_often_it_was_urged_and_which_slip_went_unanswered(
    office: Office,
) -> None:
    released(office, 1)
    drafted(office, "2026-02-05", "2026-02-11")
    released(office, 2)
    [(text,)] = office.ask("SELECT text FROM slip WHERE id = 2")
    assert "时限:1月30日(周五),已逾期12天,已催办3次\n" in text  # T+1, T+3, T+8
    assert "蓝色提醒单(督〔2026〕1号)要求2月9日(周一)前答复,至今未答复。\n" in text
    assert "抄送:乙\n" in text


def test_a_slip_whose_day_has_not_passed_is_not_called_unanswered(engine: Engine) -> None:
    office = Office(engine, laddered(*after("级", Offset(1), Offset(4))))
    drafted(office, "2026-01-30", "2026-02-02")
    released(office, 1)
    drafted(office, "2026-02-03", "2026-02-03")
    released(office, 2)
    [(text,)] = office.ask("SELECT text FROM slip WHERE id = 2")
    assert "级1单" not in text


def test_a_preview_is_the_letter_without_a_number(office: Office) -> None:
    composer = Composer([SHIPPED], office.plan.workdays)
    [draft] = listed(office)
    with office.conn() as conn:
        before = preview(conn, office.plan, composer, draft, office.now)
    assert "(草稿,未编号)" in before.text
    released(office, 1)
    [(text,)] = office.ask("SELECT text FROM slip")
    assert text == before.text.replace("(草稿,未编号)", "督〔2026〕1号")
