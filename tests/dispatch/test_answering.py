"""Answers: what each one changes, when it is refused and in which words, said once or twice.

The duty of these tests is monthly: January 2026 is due on Friday the 30th, February on the 27th.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dispatcher.errors import Refused
from dispatcher.ledger.database import Engine
from dispatcher.ledger.tables import metadata
from dispatcher.ledger.transitions import KINDS, STATE_WORDS, Kind
from dispatcher.plan.model import Measure, Target
from tests.building import Office, a_duty, plan_with
from tests.ledger.test_tables import ALLOWED

ALONE = a_duty(units=("甲",))
BOTH = a_duty()
THREE = a_duty(units=("甲", "乙", "丙"))
RATE = Measure("参保率", "%", (Target(">=", Decimal(99)),), (), None)
ROUTES: dict[str, tuple[Kind, ...]] = {
    "pending": (),
    "acknowledged": ("ack",),
    "reported": ("report",),
    "returned": ("report", "return"),
    "done": ("done",),
    "waived": ("waive",),
    "withdrawn": ("withdraw",),
    "lapsed": (),
}
ENDED = [("done", "done"), ("waive", "waived"), ("withdraw", "withdrawn")]


@pytest.fixture
def office(engine: Engine) -> Office:
    """On a day before January is due, with one assignment that was told once."""
    office = Office(engine, plan_with(ALONE))
    office.at("2026-01-23")
    return office


def standing(office: Office) -> dict[str, Any]:
    """The first assignment's row."""
    columns = "state", "due_on", "round", "asked_on", "closed_by", "reason", "next_at"
    [row] = office.ask(f"SELECT {', '.join(columns)} FROM assignment WHERE id = 1")
    return dict(zip(columns, row, strict=True))


def recorded(office: Office) -> list[tuple[object, ...]]:
    return office.ask("SELECT kind, note, due_on, was, became FROM answer ORDER BY id")


def everything(office: Office) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    return {name: office.ask(f'SELECT * FROM "{name}"') for name in metadata.tables}


def in_every_state(engine: Engine) -> tuple[Office, dict[str, str]]:
    """An office on 27 February with an assignment in each state, and their keys by state."""
    office = Office(engine, plan_with(*(ALONE._replace(id=state) for state in ROUTES)))
    office.at("2026-01-23")
    office.at("2026-02-27")
    keys = {state: f"{state}/2026-{'01' if state == 'lapsed' else '02'}@甲" for state in ROUTES}
    for state, route in ROUTES.items():
        for kind in route:
            office.say(kind, keys[state], "到这里")
    assert {state: office.state(key) for state, key in keys.items()} == {s: s for s in ROUTES}
    return office, keys


# ------------------------------------------------------------------------------ the whole table


@pytest.mark.parametrize("kind", ALLOWED)
def test_an_answer_makes_of_each_state_what_the_table_says_and_is_refused_by_the_others(
    engine: Engine, kind: Kind
) -> None:
    office, keys = in_every_state(engine)
    became, texts = {}, []
    for state, key in keys.items():
        if kind in ("grant", "refuse") and state in ALLOWED["ask"]:
            office.say("ask", key, "忙", to="2026-03-10")
        due = {"to": "2026-03-12"} if kind == "ask" else {}
        try:
            if office.say(kind, key, "看这里", **due):
                became[state] = office.state(key)
        except Refused as refused:
            texts.append(str(refused))
            assert office.state(key) == state
    assert became == ALLOWED[kind]
    refused_by = [state for state in ROUTES if state not in became and (kind, state) not in ENDED]
    assert [text.split(";")[0] for text in texts] == [
        f"{keys[state]} is {STATE_WORDS[state]}: '{KINDS[kind]}' is not possible now"
        for state in refused_by
    ]


def test_a_refusal_says_what_is_possible(office: Office) -> None:
    office.say("done")
    with pytest.raises(Refused, match=r"not possible now; possible: reopen$"):
        office.say("report")


@pytest.mark.parametrize("kind", ["return", "ask", "refuse", "waive", "withdraw", "reopen"])
def test_what_the_office_or_a_unit_must_give_a_reason_for_is_refused_without_one(
    engine: Engine, kind: Kind
) -> None:
    office, keys = in_every_state(engine)
    key = keys[{"return": "reported", "reopen": "done"}.get(kind, "pending")]
    with pytest.raises(Refused, match=rf"^'{KINDS[kind]}' needs a reason: add --note$"):
        office.say(kind, key, "  ", to="2026-03-10")


@pytest.mark.parametrize("kind", ALLOWED)
def test_who_only_gets_copies_answers_nothing(engine: Engine, kind: Kind) -> None:
    office = Office(engine, plan_with(BOTH._replace(expect="lead")))
    office.at("2026-01-23")
    with pytest.raises(Refused, match="@乙: this unit only gets copies and owes no answer"):
        office.say(kind, "work/2026-01@乙", "为什么", to="2026-02-10")


# ----------------------------------------------------------------------------- what each changes


def test_an_acknowledgement_changes_the_state_and_nothing_else(office: Office) -> None:
    before = standing(office)
    assert office.say("ack", note="在办")
    after = standing(office)
    assert after == before | {"state": "acknowledged", "next_at": after["next_at"]}
    assert after["next_at"] is not None
    assert recorded(office) == [("ack", "在办", None, "pending", "acknowledged")]


def test_a_report_is_looked_at_no_more_until_the_office_has_decided(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    office.say("report", note="已排查")
    assert standing(office) == {
        "state": "reported", "due_on": "2026-01-30", "round": 1, "asked_on": None,
        "closed_by": None, "reason": None, "next_at": None,
    }  # fmt: skip


def test_done_closes_with_a_name_and_without_a_reason(office: Office) -> None:
    office.say("report")
    office.say("done", note="核实")
    found = standing(office)
    assert (found["state"], found["closed_by"], found["reason"]) == ("done", "张三", None)
    assert recorded(office)[-1] == ("done", "核实", None, "reported", "done")


@pytest.mark.parametrize("kind, state", ENDED[1:])
def test_a_waiver_and_a_withdrawal_keep_their_reason(
    office: Office, kind: Kind, state: str
) -> None:
    office.say(kind, note="不涉及")
    found = standing(office)
    assert (found["state"], found["closed_by"]) == (state, "张三")
    assert found["reason"] == '{"say": "{note}", "note": "不涉及"}'
    assert found["next_at"] is None


@pytest.mark.parametrize("to, due", [({}, "2026-01-30"), ({"to": "2026-02-05"}, "2026-02-05")])
def test_a_return_begins_a_new_round_and_keeps_the_date_unless_another_is_given(
    office: Office, to: dict[str, str], due: str
) -> None:
    office.say("report")
    office.say("return", note="缺附件", **to)
    found = standing(office)
    assert (found["state"], found["round"], found["due_on"]) == ("returned", 2, due)
    assert found["next_at"] is not None
    assert office.ask("SELECT number, cause, due_on FROM round") == [
        (1, "opened", "2026-01-30"),
        (2, "returned", due),
    ]


@pytest.mark.parametrize("route", [["ack"], ["report", "return"], []])
def test_asking_for_an_extension_changes_no_date_and_no_state(
    office: Office, route: list[Kind]
) -> None:
    for kind in route:
        office.say(kind, note="先")
    before = standing(office)
    office.say("ask", note="忙", to="2026-02-10")
    assert standing(office) == before | {"asked_on": "2026-02-10"}


@pytest.mark.parametrize("to, due", [({}, "2026-02-10"), ({"to": "2026-02-05"}, "2026-02-05")])
def test_a_granted_extension_gives_the_date_that_was_asked_for_or_the_offices_own(
    office: Office, to: dict[str, str], due: str
) -> None:
    office.say("ack")
    office.say("ask", note="忙", to="2026-02-10")
    office.say("grant", **to)
    found = standing(office)
    assert (found["state"], found["round"], found["due_on"]) == ("acknowledged", 2, due)
    assert found["asked_on"] is None
    assert recorded(office)[-1] == ("grant", "", due, "acknowledged", "acknowledged")
    assert office.ask("SELECT cause FROM round WHERE number = 2") == [("extended",)]


def test_a_refused_extension_keeps_the_date_and_the_round_and_may_be_asked_for_again(
    office: Office,
) -> None:
    before = standing(office)
    office.say("ask", note="忙", to="2026-02-10")
    office.say("refuse", note="不行")
    assert standing(office) == before
    assert office.say("ask", note="忙", to="2026-02-10")
    assert standing(office)["asked_on"] == "2026-02-10"


@pytest.mark.parametrize("to, due", [({}, "2026-01-30"), ({"to": "2026-02-05"}, "2026-02-05")])
def test_reopening_begins_a_new_round_of_what_was_closed(
    office: Office, to: dict[str, str], due: str
) -> None:
    office.say("waive", note="不涉及")
    office.say("reopen", note="又涉及", **to)
    found = standing(office)
    assert found == {
        "state": "pending", "due_on": due, "round": 2, "asked_on": None, "closed_by": None,
        "reason": None, "next_at": found["next_at"],
    }  # fmt: skip
    assert found["next_at"] is not None


def test_each_answer_stands_in_the_audit_with_its_reason_and_its_date(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    office.say("grant", note="好")
    office.say("waive", note="不涉及")
    rows = office.ask("SELECT actor, action, reason, detail FROM audit WHERE subject LIKE 'work%'")
    assert rows == [
        ("张三", "ask", '{"say": "{note}", "note": "忙"}', '{"due": "2026-02-10"}'),
        ("张三", "grant", '{"say": "{note}", "note": "好"}', '{"due": "2026-02-10"}'),
        ("张三", "waived", '{"say": "{note}", "note": "不涉及"}', "{}"),
    ]


def test_a_late_report_on_what_has_lapsed_is_taken(office: Office) -> None:
    office.at("2026-02-27")
    assert office.state() == "lapsed"
    office.say("report", note="迟了")
    found = standing(office)
    assert (found["state"], found["reason"], found["closed_by"]) == ("reported", None, None)


# ---------------------------------------------------------------------------------------- dates


def test_an_extension_is_asked_for_up_to_the_due_date(office: Office) -> None:
    office.at("2026-01-30")
    assert office.say("ask", note="忙", to="2026-02-10")


def test_an_extension_asked_for_after_the_due_date_is_refused(office: Office) -> None:
    office.at("2026-02-02")
    with pytest.raises(Refused, match=r"was due on 2026-01-30: an extension is asked for before"):
        office.say("ask", note="忙", to="2026-02-10")


@pytest.mark.parametrize("to", [{}, {"to": "2026-01-30"}, {"to": "2026-01-29"}])
def test_an_extension_asks_for_a_later_date(office: Office, to: dict[str, str]) -> None:
    with pytest.raises(Refused, match="is due on 2026-01-30: name a later date with --to"):
        office.say("ask", note="忙", **to)


@pytest.mark.parametrize("kind", ["grant", "refuse"])
def test_an_extension_that_nobody_asked_for_is_neither_granted_nor_refused(
    office: Office, kind: Kind
) -> None:
    with pytest.raises(Refused, match="work/2026-01@甲: no extension has been asked for"):
        office.say(kind, note="好", to="2026-02-10")


@pytest.mark.parametrize("kind", ["grant", "return", "reopen"])
def test_a_date_that_has_passed_is_not_given(office: Office, kind: Kind) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    for before in {"return": ["report"], "reopen": ["done"]}.get(kind, []):
        office.say(before)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="2026-01-22 has passed: give a date from 2026-01-23 on"):
        office.say(kind, note="好", to="2026-01-22")


def test_a_granted_date_that_has_passed_meanwhile_is_refused(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    office.at("2026-02-11")
    with pytest.raises(Refused, match="2026-02-10 has passed"):
        office.say("grant")


def test_an_extension_is_not_granted_to_an_earlier_date(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    with pytest.raises(Refused, match="later"):
        office.say("grant", to="2026-01-28")


# --------------------------------------------------------------------------------- said twice


@pytest.mark.parametrize("kind", ["ack", "report", "done", "ask", "waive", "withdraw"])
def test_the_same_answer_again_changes_no_row(office: Office, kind: Kind) -> None:
    given = {"to": "2026-02-10"} if kind == "ask" else {}
    assert office.say(kind, note="同一句", **given)
    before = everything(office)
    assert not office.say(kind, note="同一句", **given)
    assert everything(office) == before


@pytest.mark.parametrize(
    "kind, route",
    [
        ("return", ["report"]),
        ("reopen", ["done"]),
        ("grant", ["ask"]),
        ("refuse", ["ask"]),
    ],
)
def test_the_same_decision_again_begins_no_second_round(
    office: Office, kind: Kind, route: list[Kind]
) -> None:
    for each in route:
        office.say(each, note="先", **({"to": "2026-02-10"} if each == "ask" else {}))
    assert office.say(kind, note="同一句")
    before = everything(office)
    assert not office.say(kind, note="同一句")
    assert everything(office) == before


@pytest.mark.parametrize("kind, state", ENDED)
def test_what_is_closed_in_the_same_way_already_is_nothing_new(
    office: Office, kind: Kind, state: str
) -> None:
    office.say(kind, note="一个理由")
    assert not office.say(kind, note="另一个理由")
    assert office.state() == state


def test_a_report_in_other_words_is_another_answer(office: Office) -> None:
    office.say("report", note="一半")
    assert office.say("report", note="全部")
    assert [note for _kind, note, *_rest in recorded(office)] == ["一半", "全部"]


def test_another_date_in_the_same_words_is_another_asking(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    assert office.say("ask", note="忙", to="2026-02-13")
    assert standing(office)["asked_on"] == "2026-02-13"


def test_progress_can_be_said_after_an_acknowledgement(office: Office) -> None:
    office.say("ack")
    assert not office.say("ack")
    assert office.say("ack", note="完成一半")
    assert not office.say("ack", note="完成一半")
    assert office.state() == "acknowledged"


def test_the_same_report_after_a_return_is_a_new_one(office: Office) -> None:
    for kind in ("report", "return", "report"):
        assert office.say(kind, note="同一句")
    assert office.state() == "reported"


def test_an_extension_can_be_asked_for_again_after_an_edit_has_ended_the_first_asking(
    office: Office,
) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    for day, plan in ((26, plan_with()), (27, plan_with(ALONE))):
        office.edit(plan)
        office.at(f"2026-01-{day}")
    assert standing(office)["asked_on"] is None
    office.say("ask", note="忙", to="2026-02-10")
    assert standing(office)["asked_on"] == "2026-02-10"


# ------------------------------------------------------------------------------------ the lead


def test_a_lead_is_not_done_while_others_are_open(engine: Engine) -> None:
    office = Office(engine, plan_with(THREE))
    office.at("2026-01-23")
    office.say("report", "work/2026-01@乙")
    with pytest.raises(Refused) as refused:
        office.say("done")
    assert str(refused.value) == (
        "work/2026-01@甲 leads and is not done while 乙, 丙 are open; close those first, or say why"
        " with --despite"
    )
    assert office.state() == "pending"


def test_the_office_can_say_why_a_lead_is_done_all_the_same(engine: Engine) -> None:
    office = Office(engine, plan_with(THREE))
    office.at("2026-01-23")
    assert office.say("done", despite="丙另报")
    assert office.ask("SELECT detail FROM audit WHERE action = 'done'") == [
        ('{"despite": "丙另报"}',)
    ]
    assert office.state("work/2026-01@丙") == "pending"


@pytest.mark.parametrize("kind", ["done", "waive", "withdraw"])
def test_a_lead_is_done_once_no_other_is_open(engine: Engine, kind: Kind) -> None:
    office = Office(engine, plan_with(BOTH))
    office.at("2026-01-23")
    office.say(kind, "work/2026-01@乙", "好")
    assert office.say("done")


def test_a_second_lead_does_not_hold_up_the_first(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH._replace(lead=("甲", "乙"))))
    office.at("2026-01-23")
    assert office.say("done")


def test_copies_do_not_hold_up_the_lead(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH._replace(expect="lead")))
    office.at("2026-01-23")
    assert office.say("done")


def test_blanks_are_no_reason_to_close_a_lead_despite_others(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH))
    office.at("2026-01-23")
    with pytest.raises(Refused, match="--despite"):
        office.say("done", despite="  ")


def test_a_lead_is_not_done_in_advance_for_others_that_are_not_in_the_ledger_yet(
    engine: Engine,
) -> None:
    office = Office(engine, plan_with(BOTH))
    office.at("2026-01-23")
    with pytest.raises(Refused, match="while 乙"):
        office.say("done", "work/2026-03@甲")
