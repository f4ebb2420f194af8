"""To-dos: on the list while a unit is chased, off it afterwards, and never called for twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from dispatcher.channels.contract import DeliveryError, Receipt
from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.decisions import mislaid
from dispatcher.dispatch.office import Office as Writer
from dispatcher.dispatch.office import Site
from dispatcher.dispatch.todos import MOST, keep_up
from dispatcher.i18n import Text
from dispatcher.ledger import channels, installation
from dispatcher.ledger.database import Engine
from dispatcher.ledger.retention import prune
from dispatcher.plan.model import ChannelSetting, Contact, Plan, Unit
from tests.building import Box, Office, a_duty, a_unit, local, plan_with
from tests.dispatch.ladders import SHIPPED

START, TOLD = "2026-01-01", "2026-01-23"
KEY = "work/2026-01@甲"
LINE = "work的工作(2026年1月)"
HOUR = timedelta(hours=1)


class Power(BaseException):
    """The process is gone."""


class Platform(Box):
    """A channel whose lists are ``standing``; it first raises what it is told to raise."""

    def __init__(self) -> None:
        super().__init__("政", "hold")
        self.standing: dict[str, tuple[str, str, date]] = {}
        self.calls: list[str] = []
        self.references: list[str] = []
        self.wrong: list[BaseException] = []
        self.nameless = False
        self.noting = Lock()

    def open_task(self, reference: str, address: str, subject: str, due: date) -> Receipt:
        with self.noting:
            self.calls.append(f"open {address}")
            self.references.append(reference)
            name = "" if self.nameless else f"uuid-{len(self.references)}"
        self._fail()
        self.standing[name] = (address, subject, due)
        return Receipt(name)

    def finish_task(self, task: str, address: str) -> None:
        self.calls.append(f"finish {task}")
        self._fail()
        assert self.standing.pop(task)[0] == address

    def _fail(self) -> None:
        if self.wrong:
            raise self.wrong.pop(0)


def wrong(reason: Any = "unreachable", **more: Any) -> DeliveryError:
    return DeliveryError(reason, Text("it says {it}", it=reason), **more)


def unit_of(*accounts: str, name: str = "甲", by: tuple[str, ...] = ("email", "政")) -> Unit:
    contacts = tuple(
        Contact(f"联络员{each}", email=f"{name}@example.com", account=each)
        for each in accounts or ("",)
    )
    return a_unit(name)._replace(contacts=contacts, channels=by)


def plan_of(*accounts: str, duties: int = 1, tasks: bool = True, **changes: Any) -> Plan:
    """甲 owes some work, and its people have these accounts; 丙 is the office."""
    setting = ChannelSetting("政", "gov-dingtalk", {"tasks": True} if tasks else {})
    names = ["work", *(f"work{number}" for number in range(1, duties))]
    owed = [a_duty(name, units=("甲",), open=False, **changes) for name in names]
    units = [unit_of(*accounts), a_unit("丙")]
    return plan_with(*owed, units=units, channels={"政": setting})


class Scene(Office):
    """An office that keeps its to-dos up after each pass."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        super().__init__(engine, plan)
        self.platform = Platform()
        self.channels["政"] = self.platform
        self.restart()
        self.at(START)

    def kept(self, moment: str) -> list[str]:
        """What was called for after a pass at a local time."""
        self.at(moment)
        return self.keep()

    def keep(self, after: timedelta = timedelta()) -> list[str]:
        self.now += after
        before = len(self.platform.calls)
        keep_up(self.parts, self.now)
        return self.platform.calls[before:]

    def todos(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT round, account, state FROM todo ORDER BY id")

    def die(self, moment: str = TOLD) -> None:
        """The process ends in the middle of its next call."""
        self.platform.wrong = [Power()]
        with pytest.raises(Power):
            self.kept(moment)

    def time_passes_for_leases(self) -> None:
        with self.conn() as conn:
            conn.exec_driver_sql("UPDATE todo SET lease_until = 1 WHERE lease_until IS NOT NULL")

    def mislaid(self, since: datetime) -> list[str]:
        with self.conn() as conn:
            return list(mislaid(conn, since))


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return Scene(engine, plan_of("101"))


# -------------------------------------------------------------------------- opened and closed


def test_a_to_do_is_opened_once_the_unit_has_been_told(scene: Scene) -> None:
    assert scene.kept("2026-01-22") == []
    assert scene.kept(TOLD) == ["open 101"]
    assert scene.platform.standing == {"uuid-1": ("101", LINE, date(2026, 1, 30))}
    assert scene.todos() == [(1, "101", "open")]
    assert scene.keep() == []


def test_nothing_stands_on_a_list_before_the_message_has_arrived(scene: Scene) -> None:
    scene.box.troubles["*"] = [wrong()]
    assert scene.kept(TOLD) == []
    assert scene.kept("2026-01-23 12:00") == ["open 101"]


def test_each_person_of_a_unit_has_the_to_do_on_his_list(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", "102"))
    assert scene.kept(TOLD) == ["open 101", "open 102"]
    assert len(set(scene.platform.references)) == 2


@pytest.mark.parametrize(
    "kind, note", [("report", ""), ("done", ""), ("waive", "不涉及"), ("withdraw", "重复")]
)
def test_it_is_closed_when_the_unit_is_no_longer_chased(scene: Scene, kind: Any, note: str) -> None:
    scene.kept(TOLD)
    scene.say(kind, KEY, note)
    assert scene.keep() == ["finish uuid-1"]
    assert scene.platform.standing == {}
    assert scene.todos() == [(1, "101", "closed")]
    assert scene.keep() == []


def test_an_acknowledgement_leaves_it_where_it_is(scene: Scene) -> None:
    scene.kept(TOLD)
    scene.say("ack", KEY)
    assert scene.keep() == []


def test_one_that_lapses_leaves_its_place_to_its_successor(scene: Scene) -> None:
    scene.kept(TOLD)
    for day in ("2026-02-02", "2026-02-13", "2026-02-20"):
        scene.kept(day)
    scene.kept("2026-02-27")
    assert scene.state() == "lapsed"
    assert [subject for _who, subject, _due in scene.platform.standing.values()] == [
        "work的工作(2026年2月)"
    ]


def test_an_edit_that_withdraws_the_duty_closes_it(scene: Scene) -> None:
    scene.kept(TOLD)
    scene.edit(scene.plan._replace(duties={}))
    assert scene.kept("2026-01-23 10:00") == ["finish uuid-1"]


def test_who_is_no_longer_a_contact_is_freed_of_it_and_his_successor_gets_it(scene: Scene) -> None:
    scene.kept(TOLD)
    scene.edit(scene.plan._replace(units={**scene.plan.units, "甲": unit_of("102")}))
    assert sorted(scene.kept("2026-01-23 10:00")) == ["finish uuid-1", "open 102"]


def test_who_changes_to_another_unit_is_freed_of_it(scene: Scene) -> None:
    scene.kept(TOLD)
    units = {**scene.plan.units, "甲": unit_of("102"), "乙": unit_of("101", name="乙")}
    scene.edit(scene.plan._replace(units=units))
    assert sorted(scene.kept("2026-01-23 10:00")) == ["finish uuid-1", "open 102"]


def test_a_unit_that_gives_up_the_channel_is_freed_of_it(scene: Scene) -> None:
    scene.kept(TOLD)
    units = {**scene.plan.units, "甲": unit_of("101", by=("email",))}
    scene.edit(scene.plan._replace(units=units))
    assert scene.kept("2026-01-23 10:00") == ["finish uuid-1"]


def test_a_moved_date_is_shown_by_a_new_to_do_and_so_is_the_old_one_again(scene: Scene) -> None:
    scene.kept(TOLD)
    before = scene.plan
    moved = before.duties["work"]._replace(roll="none")
    scene.edit(before._replace(duties={"work": moved}))
    calls = scene.kept("2026-01-23 10:00") + scene.keep()
    assert calls == ["finish uuid-1", "open 101"]
    assert [due for *_to, due in scene.platform.standing.values()] == [date(2026, 1, 31)]
    scene.edit(before)
    scene.kept("2026-01-23 11:00")
    scene.keep()
    assert [due for *_to, due in scene.platform.standing.values()] == [date(2026, 1, 30)]
    assert [state for *_more, state in scene.todos()] == ["closed", "closed", "open"]


def test_a_return_brings_a_new_one_once_the_unit_has_been_told_of_it(scene: Scene) -> None:
    scene.kept(TOLD)
    scene.say("report", KEY)
    scene.keep()
    scene.say("return", KEY, "缺附件")
    assert scene.keep() == []
    assert scene.kept("2026-01-26") == ["open 101"]
    assert scene.todos() == [(1, "101", "closed"), (2, "101", "open")]


def test_a_reopened_one_is_on_the_list_again_and_an_extended_one_by_its_new_date(
    scene: Scene,
) -> None:
    scene.kept(TOLD)
    scene.say("done", KEY)
    scene.keep()
    scene.say("reopen", KEY, "数据有误", to="2026-02-06")
    assert scene.kept("2026-01-26") == ["open 101"]
    scene.say("ask", KEY, "人手不足", to="2026-02-13")
    scene.say("grant", KEY)
    assert scene.keep() == ["finish uuid-2"]
    assert scene.kept("2026-01-27") == ["open 101"]
    assert [due for *_to, due in scene.platform.standing.values()] == [date(2026, 2, 13)]


def plan_of_two(expect: str) -> Plan:
    """甲 leads and 乙 takes part; both have the channel."""
    plan = plan_of("101", expect=expect)
    units = [unit_of("101"), unit_of("201", name="乙"), a_unit("丙")]
    duty = plan.duties["work"]._replace(units=("甲", "乙"))
    return plan._replace(duties={"work": duty}, units={unit.name: unit for unit in units})


def test_who_only_gets_copies_has_none(engine: Engine) -> None:
    scene = Scene(engine, plan_of_two("lead"))
    assert scene.kept(TOLD) == ["open 101"]


def test_who_by_an_edit_owes_nothing_any_more_is_freed_of_it(engine: Engine) -> None:
    scene = Scene(engine, plan_of_two("all"))
    assert scene.kept(TOLD) == ["open 101", "open 201"]
    scene.edit(plan_of_two("lead"))
    assert scene.kept("2026-01-23 10:00") == ["finish uuid-2"]


# ---------------------------------------------------------------------------- when not to call


def test_whoever_has_no_such_channel_pays_nothing(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", tasks=False))
    scene.at(TOLD)
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *each: asked.append(each[2]))
    assert scene.keep() == []
    assert asked == []


def test_the_mailbox_that_stands_for_a_channel_before_mail_is_live_has_no_lists(
    engine: Engine,
) -> None:
    scene = Scene(engine, plan_of("101"))
    scene.channels["政"] = Box("政")
    scene.restart()
    assert scene.kept(TOLD) == []
    assert scene.todos() == []


def test_outside_the_hours_of_messages_lists_are_only_shortened(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", duties=2))
    scene.platform.wrong = [wrong()]
    assert scene.kept(TOLD) == ["open 101"]
    assert scene.keep(HOUR) == ["open 101", "open 101"]
    scene.say("done", KEY)
    scene.say("report", "work1/2026-01@甲")
    scene.say("return", "work1/2026-01@甲", "缺附件")
    scene.now = local("2026-01-23 19:00")
    assert len(scene.keep()) == 2
    assert scene.platform.standing == {}


def test_an_opening_that_was_put_off_waits_for_the_morning(scene: Scene) -> None:
    scene.platform.wrong = [wrong()]
    scene.kept(f"{TOLD} 17:55")
    assert scene.keep(HOUR) == []
    assert scene.kept("2026-01-26") == ["open 101"]


def test_nothing_is_called_while_all_is_held(scene: Scene) -> None:
    scene.at(TOLD)
    with scene.conn() as conn:
        installation.pause(conn, "张三", "核对", scene.now)
    assert scene.keep() == []
    with scene.conn() as conn:
        installation.resume(conn, "张三", scene.now)
    assert scene.keep() == ["open 101"]


def test_a_paused_channel_is_not_called(scene: Scene) -> None:
    scene.at(TOLD)
    with scene.conn() as conn:
        channels.pause(conn, "政", "张三", Text("换密钥"), scene.now)
    assert scene.keep() == []
    with scene.conn() as conn:
        channels.resume(conn, "政", "张三", scene.now)
    assert scene.keep() == ["open 101"]


def test_a_daemon_that_is_to_stop_begins_no_call(scene: Scene) -> None:
    scene.at(TOLD)
    scene.stop.set()
    assert scene.keep() == []


def test_no_more_than_a_few_are_called_for_at_a_time_the_oldest_first(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", duties=MOST + 3))
    assert len(scene.kept(TOLD)) == MOST
    assert len(scene.keep()) == 3
    assert scene.keep() == []
    order = [reference.split(".")[1] for reference in scene.platform.references]
    assert order == sorted(order, key=int)


# ------------------------------------------------------------------------------- what goes wrong


def test_a_call_is_committed_before_it_is_made_and_no_transaction_is_open_in_it(
    scene: Scene,
) -> None:
    seen = []
    real = scene.platform.open_task

    def look(*given: Any) -> Receipt:
        seen.extend(scene.ask("SELECT state, next_at, task FROM todo"))
        return real(*given)

    scene.platform.open_task = look  # type: ignore[method-assign]
    scene.kept(TOLD)
    assert seen == [("opening", None, None)]


def test_an_opening_whose_process_died_is_never_called_again_but_listed(scene: Scene) -> None:
    scene.die()
    assert scene.todos() == [(1, "101", "opening")]
    assert scene.keep() == []
    scene.time_passes_for_leases()
    assert scene.keep() == []
    assert scene.todos() == [(1, "101", "unknown")]
    assert scene.platform.calls == ["open 101"]
    (line,) = scene.mislaid(local(START))
    assert line.startswith(f"不知是否建成的待办1项,请核实:甲(101),{LINE}(")


def test_what_is_unknown_stays_so_to_the_end_of_its_round_and_the_next_has_its_own(
    scene: Scene,
) -> None:
    scene.platform.wrong = [wrong("unknown")]
    assert scene.kept(TOLD) == ["open 101"]
    scene.say("report", KEY)
    assert scene.keep(HOUR) == []
    scene.say("return", KEY, "缺附件")
    assert scene.kept("2026-01-26") == ["open 101"]
    assert scene.todos() == [(1, "101", "unknown"), (2, "101", "open")]


def test_replicas_that_work_at_once_call_once_for_each(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", "102", "103", duties=4))
    scene.at(TOLD)
    replicas = [Thread(target=keep_up, args=(scene.parts, scene.now)) for _each in range(3)]
    for each in replicas:
        each.start()
    for each in replicas:
        each.join()
    assert len(scene.platform.standing) == 12
    assert len(scene.platform.calls) == len(set(scene.platform.references)) == 12


def test_a_round_has_no_second_to_do_on_one_list_unless_the_first_was_closed(scene: Scene) -> None:
    scene.kept(TOLD)
    again = (
        "INSERT INTO todo (assignment_id, round, channel, account, due_on, state, task)"
        " SELECT assignment_id, round, channel, account, due_on, 'open', 'other' FROM todo"
    )
    with pytest.raises(IntegrityError), scene.conn() as conn:
        conn.exec_driver_sql(again)
    scene.say("done", KEY)
    scene.keep()
    with scene.conn() as conn:
        conn.exec_driver_sql(again)


@pytest.mark.parametrize(
    "change",
    [
        "state = 'opening'",
        "state = 'open', task = NULL",
        "next_at = '2026-01-01'",
        "state = 'opening', next_at = '2026-01-01', lease_until = 1",
        "state = 'failed', settled_at = '2026-01-01'",
        "state = 'closed'",
        "state = 'lost'",
    ],
)
def test_a_state_that_makes_no_sense_is_refused(scene: Scene, change: str) -> None:
    scene.kept(TOLD)
    with pytest.raises(IntegrityError), scene.conn() as conn:
        conn.exec_driver_sql(f"UPDATE todo SET {change}")


def test_a_closing_whose_process_died_is_said_again(scene: Scene) -> None:
    scene.kept(TOLD)
    scene.say("done", KEY)
    scene.platform.wrong = [Power()]
    with pytest.raises(Power):
        scene.keep()
    assert scene.keep() == []
    scene.time_passes_for_leases()
    assert scene.keep() == ["finish uuid-1"]
    assert scene.todos() == [(1, "101", "closed")]


def test_a_closing_without_an_answer_is_said_again(scene: Scene) -> None:
    scene.kept(TOLD)
    scene.say("done", KEY)
    scene.platform.wrong = [wrong("unknown")]
    scene.keep()
    assert scene.todos() == [(1, "101", "closing")]
    assert scene.keep() == []
    assert scene.keep(HOUR) == ["finish uuid-1"]


def test_an_answer_that_comes_after_it_was_given_up_is_believed(scene: Scene) -> None:
    real = scene.platform.open_task

    def slow(*given: Any) -> Receipt:
        scene.time_passes_for_leases()
        other = Scene.__new__(Scene)
        other.__dict__.update(scene.__dict__)
        keep_up(other.parts, scene.now)
        assert scene.todos() == [(1, "101", "unknown")]
        return real(*given)

    scene.platform.open_task = slow  # type: ignore[method-assign]
    scene.kept(TOLD)
    assert scene.todos() == [(1, "101", "open")]
    assert scene.platform.calls == ["open 101"]


def test_a_temporary_failure_is_tried_again_later_and_later(scene: Scene) -> None:
    scene.platform.wrong = [wrong() for _each in range(7)]
    scene.kept(f"{TOLD} 09:00")
    tries = [scene.now]
    while scene.platform.wrong and len(tries) < 8:
        scene.now = max(scene.now + timedelta(minutes=1), local("2026-01-23"))
        if scene.keep():
            tries.append(scene.now)
    waits = [(b - a) // timedelta(minutes=1) for a, b in pairwise(tries)]
    assert waits == [10, 10, 10, 10, 30, 60]
    assert len(set(scene.platform.references)) == 1


def test_who_is_told_to_wait_waits(scene: Scene) -> None:
    scene.platform.wrong = [wrong("busy", retry_after=5000)]
    scene.kept(TOLD)
    assert scene.keep(timedelta(seconds=4999)) == []
    assert scene.keep(timedelta(seconds=1)) == ["open 101"]


def test_while_the_vendor_does_not_answer_one_to_do_is_risked_and_not_all(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", duties=5))
    scene.platform.wrong = [wrong("unknown")]
    assert len(scene.kept(TOLD)) == 1
    assert scene.keep(timedelta(minutes=9)) == []
    assert len(scene.keep(timedelta(minutes=1))) == 4


def test_one_that_is_not_needed_any_more_is_not_tried_again(scene: Scene) -> None:
    scene.platform.wrong = [wrong()]
    scene.kept(TOLD)
    scene.say("done", KEY)
    assert scene.keep(HOUR) == []
    assert scene.todos() == [(1, "101", "closed")]


def test_a_refusal_is_kept_with_its_reason_and_not_tried_again(scene: Scene) -> None:
    scene.platform.wrong = [wrong("address", permanent=True)]
    scene.kept(TOLD)
    assert scene.keep(HOUR) == []
    assert scene.todos() == [(1, "101", "failed")]
    (line,) = scene.mislaid(local(START))
    assert line == f"没有建成的待办1项,请核实:甲(101),{LINE}(it says address)"
    scene.edit(scene.plan._replace(units={**scene.plan.units, "甲": unit_of("102")}))
    assert scene.kept("2026-01-23 11:00") == ["open 102"]


def test_a_closing_that_is_refused_is_listed_as_one(scene: Scene) -> None:
    scene.kept(TOLD)
    scene.say("done", KEY)
    scene.platform.wrong = [wrong("content", permanent=True)]
    scene.keep()
    assert scene.mislaid(local(START)) == [
        f"没有关闭的待办1项,请核实:甲(101),{LINE}(it says content)"
    ]
    assert scene.mislaid(scene.now) == []


def test_one_refusal_does_not_stop_the_others(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", "102"))
    scene.platform.wrong = [wrong("address", permanent=True)]
    assert scene.kept(TOLD) == ["open 101", "open 102"]


def test_an_error_that_pauses_closes_the_channel_for_its_messages_too(engine: Engine) -> None:
    scene = Scene(engine, plan_of("101", "102"))
    scene.platform.wrong = [wrong("auth", retry_after=900, pauses=True)]
    assert scene.kept(TOLD) == ["open 101"]
    with scene.conn() as conn:
        state = channels.states(conn)["政"]
    assert state.needs_hand(scene.now)
    assert state.paused_until == scene.now + timedelta(seconds=900)
    assert scene.keep(timedelta(minutes=59)) == []
    assert scene.keep(timedelta(minutes=1)) == ["open 101", "open 102"]
    with scene.conn() as conn:
        assert channels.states(conn)["政"].faults == 0


def test_a_vendor_who_gives_no_name_leaves_it_for_a_person(scene: Scene) -> None:
    scene.platform.nameless = True
    scene.kept(TOLD)
    assert scene.todos() == [(1, "101", "unknown")]
    scene.say("done", KEY)
    assert scene.keep() == []


def test_a_fault_in_the_channel_is_an_unknown_outcome(scene: Scene) -> None:
    scene.platform.wrong = [TypeError("what")]
    scene.kept(TOLD)
    assert scene.todos() == [(1, "101", "unknown")]


# ---------------------------------------------------------------------------------- beside it


def test_the_office_hears_once_of_what_has_come_to_grief(scene: Scene) -> None:
    writer = Writer(scene.plan, Composer([SHIPPED], scene.plan.workdays), Site(True, ""))
    scene.queue_brief = writer.queue_reports
    scene.platform.wrong = [wrong("unknown")]
    scene.at(TOLD)
    scene.keep(timedelta(minutes=1))
    briefs = []
    for day in ("2026-01-26", "2026-01-27"):
        scene.kept(day)
        briefs.append([sent.text for sent in scene.box.sent if sent.kind == "brief"][-1])
    assert "不知是否建成的待办1项" in briefs[0]
    assert "待办" not in briefs[1]


def test_to_dos_go_with_their_assignments_when_those_are_pruned(
    scene: Scene, tmp_path: Path
) -> None:
    scene.kept(TOLD)
    scene.say("done", KEY)
    scene.keep()
    with scene.conn() as conn:
        written = prune(conn, date(2026, 2, 1), tmp_path / "old", "张三", local("2027-06-01"))
    assert written.counts["todo"] == 1
    assert scene.todos() == []
