"""Several channels: which of them brings a reminder, how fast, and what follows when one cannot."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.channels.contract import DeliveryError, Outgoing, Reason
from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.courier import Courier
from dispatcher.dispatch.deliver import deliver
from dispatcher.dispatch.office import Office as Writer
from dispatcher.dispatch.office import Site
from dispatcher.dispatch.telling import letter_addresses, move_on, offset
from dispatcher.i18n import Text
from dispatcher.ledger import channels, mending, outbox
from dispatcher.ledger.database import Engine
from dispatcher.ledger.outbox import Address, Content
from dispatcher.plan.model import ChannelSetting, Contact, Plan
from tests.building import Box, Office, a_duty, a_unit, local, plan_with, trouble

START, TOLD = "2026-01-01", "2026-01-23"
PACE = 3.1
SECOND = timedelta(seconds=1)
BOTH = ("群", "email")


def wrong(reason: Reason, wait: float = 900.0, *, pauses: bool = True) -> DeliveryError:
    return DeliveryError(reason, Text("it says {it}", it=reason), retry_after=wait, pauses=pauses)


def plan_of(*kinds: str, spread: int = 0, **unit: object) -> Plan:
    """甲 has a duty, and the channels 群 and mail; 丙 is the office, by mail."""
    contact = Contact("张三", email="甲@example.com", mobile="13800000000")
    first = a_unit("甲")._replace(**{"channels": BOTH, "contacts": (contact,), **unit})
    group = {
        name: ChannelSetting(name, kind, {"spread": spread})
        for name, kind in zip(("群", "短信"), kinds or ("wecom",), strict=False)
    }
    duty = a_duty(units=("甲",), open=False)
    return plan_with(duty, units=[first, a_unit("丙")], channels=group)


class Scene(Office):
    """An office whose 群 is a robot that remembers what it was called with, and when."""

    def __init__(self, engine: Engine, plan: Plan, *, pace: float = 0.0) -> None:
        super().__init__(engine, plan)
        self.group = Box("群", "hold")
        self.group.pace = pace
        self.channels["群"] = self.group
        self.restart()
        self.times: list[datetime] = []
        self.group.before_sending = lambda _outgoing: self.times.append(self.now)

    def arrived(self) -> list[tuple[str, str]]:
        """By which channel, and where: in the order of each."""
        return [(box.name, sent.address) for box in (self.group, self.box) for sent in box.sent]

    def state(self, key: str = "群") -> channels.State:  # type: ignore[override]
        with self.conn() as conn:
            return channels.states(conn).get(key, channels.State(key))

    def until_all_is_sent(self) -> None:
        """Passes follow each other as the daemon would have them."""
        for _pass in range(10_000):
            deliver(self.parts)
            if not self.ask("SELECT 1 FROM message WHERE state = 'queued'"):
                return
            opens = self.state().opens(self.now)
            assert opens
            self.now = max(opens, self.now + SECOND / 10)
        raise AssertionError("still waiting")


@pytest.fixture
def scene(engine: Engine) -> Scene:
    found = Scene(engine, plan_of())
    found.at(START)
    return found


# ----------------------------------------------------------------- the next where one cannot


def test_a_unit_is_told_by_the_first_of_its_channels(scene: Scene) -> None:
    scene.at(TOLD)
    assert set(scene.arrived()) == {("群", "甲")}
    assert scene.group.sent[-1].mobiles == ("13800000000",)


def test_all_channels_tell_a_unit_that_wants_that(engine: Engine) -> None:
    scene = Scene(engine, plan_of(notify="all"))
    scene.at(TOLD)
    assert scene.arrived() == [("群", "甲"), ("email", "甲@example.com")]
    assert scene.ask("SELECT state FROM reminder WHERE step = 'T-7'") == [("told",)]


def test_with_all_channels_one_that_arrives_is_enough(engine: Engine) -> None:
    scene = Scene(engine, plan_of(notify="all"))
    scene.group.troubles["*"] = [trouble("permanent")]
    scene.at(TOLD)
    assert scene.ask("SELECT state FROM reminder WHERE step = 'T-7'") == [("told",)]


def test_a_permanent_failure_moves_on_to_the_next_channel(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("permanent")]
    scene.at(TOLD)
    scene.at(f"{TOLD} 09:01")
    assert scene.arrived()[-1] == ("email", "甲@example.com")
    assert scene.ask("SELECT state FROM reminder WHERE step = 'T-7'") == [("told",)]
    failed = scene.ask("SELECT channel, state FROM message WHERE state = 'failed'")
    assert failed == [("群", "failed")]


def test_a_reminder_that_no_channel_brings_has_failed(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("permanent")]
    scene.box.troubles["*"] = [trouble("permanent")]
    scene.at(TOLD)
    scene.at(f"{TOLD} 09:01")
    scene.at(f"{TOLD} 09:02")
    assert scene.ask("SELECT state FROM reminder WHERE step = 'T-7'") == [("failed",)]


def test_a_channel_that_is_set_up_wrongly_is_paused_and_the_next_one_tells(scene: Scene) -> None:
    scene.group.troubles["*"] = [wrong("auth")] * 9
    scene.at(TOLD)
    scene.at(f"{TOLD} 09:01")
    assert len(scene.group.tried) == 1  # not hammered
    assert scene.arrived()[-1] == ("email", "甲@example.com")
    assert scene.state().needs_hand(scene.now)


def test_what_went_another_way_meanwhile_is_not_said_again(scene: Scene) -> None:
    scene.group.troubles["*"] = [wrong("auth")]
    scene.at(TOLD)
    scene.at(f"{TOLD} 09:01")
    scene.at(f"{TOLD} 09:16")
    assert scene.arrived() == [("email", "甲@example.com")]
    assert scene.ask("SELECT state FROM message WHERE channel = '群'") == [("cancelled",)]


def test_without_another_way_it_waits_until_the_channel_is_mended(engine: Engine) -> None:
    scene = Scene(engine, plan_of(channels=("群",)))
    scene.group.troubles["*"] = [wrong("auth"), wrong("auth")]
    scene.at(TOLD)
    for minute in (1, 14, 15, 16, 44):
        scene.at(f"{TOLD} 09:{minute:02}")
    assert len(scene.group.tried) == 2  # a quarter of an hour, then half an hour
    scene.at(f"{TOLD} 09:46")
    assert scene.arrived() == [("群", "甲")]
    assert scene.state() == channels.State("群")


def test_a_channel_in_doubt_is_tried_with_one_message_alone(engine: Engine) -> None:
    units = [a_unit(f"镇{number}", channels=("群",)) for number in range(6)]
    names = tuple(unit.name for unit in units)
    plan = plan_of()._replace(
        units={unit.name: unit for unit in [*units, a_unit("丙")]},
        duties={"work": a_duty(lead=names[:1], units=names)},
    )
    scene = Scene(engine, plan)
    scene.group.connections = 4
    scene.restart()
    scene.group.troubles["*"] = [wrong("auth") for _message in range(4)] + [wrong("auth")]
    scene.at(TOLD)
    assert len(scene.group.tried) == 4
    scene.at(f"{TOLD} 09:16")
    assert len(scene.group.tried) == 5
    scene.at(f"{TOLD} 09:47")
    assert len({sent.address for sent in scene.group.sent}) == 6


def test_a_person_pauses_and_resumes_a_channel(scene: Scene) -> None:
    with scene.conn() as conn:
        channels.pause(conn, "群", "李四", Text("new robot"), scene.now)
    scene.at(TOLD)
    assert scene.arrived() == [("email", "甲@example.com")]
    with scene.conn() as conn:
        channels.resume(conn, "群", "李四", scene.now)
    scene.at("2026-01-29")
    assert scene.arrived()[0] == ("群", "甲")


def test_a_message_that_waits_is_taken_back_when_its_channel_is_paused(engine: Engine) -> None:
    scene = Scene(engine, plan_of(spread=10))
    scene.at(TOLD)
    assert scene.arrived() == []
    with scene.conn() as conn:
        channels.pause(conn, "群", "李四", Text("new robot"), scene.now)
    scene.at(f"{TOLD} 09:01")
    assert scene.arrived() == [("email", "甲@example.com")]
    [(state, why)] = scene.ask("SELECT state, reason FROM message WHERE channel = '群'")
    assert state == "cancelled"
    assert "another channel brings it" in str(why)


def test_a_channel_in_doubt_that_is_taken_out_of_the_calendar_stops_nobody(scene: Scene) -> None:
    scene.group.troubles["*"] = [wrong("auth")] * 9
    scene.at(TOLD)
    mail = scene.plan.units["甲"]._replace(channels=("email",))
    units = scene.plan.units | {"甲": mail}
    scene.edit(scene.plan._replace(units=units, channels={}))
    scene.channels.pop("群")
    scene.restart()
    scene.at(f"{TOLD} 09:20")
    scene.at(f"{TOLD} 10:00")
    assert scene.arrived() == [("email", "甲@example.com")]
    assert not scene.ask("SELECT 1 FROM message WHERE state = 'queued'")


def test_a_reminder_whose_last_way_is_taken_away_has_failed(scene: Scene) -> None:
    scene.box.troubles["*"] = [trouble("temporary")] * 9
    scene.group.troubles["*"] = [trouble("permanent")]
    scene.at(TOLD)
    scene.at(f"{TOLD} 09:01")
    nowhere = scene.plan.units["甲"]._replace(channels=("群",))
    scene.edit(scene.plan._replace(units=scene.plan.units | {"甲": nowhere}))
    scene.at(f"{TOLD} 09:02")
    assert scene.ask("SELECT state FROM reminder WHERE step = 'T-7'") == [("failed",)]
    assert not scene.ask("SELECT 1 FROM message WHERE state = 'queued'")


def test_nobody_is_told_by_two_channels_since_the_first_one_works_again(scene: Scene) -> None:
    scene.group.troubles["*"] = [wrong("auth")]
    scene.box.troubles["*"] = [trouble("temporary", 1800)]
    scene.at(TOLD)
    for minute in (1, 16, 20, 40):
        scene.at(f"{TOLD} 09:{minute:02}")
    assert scene.arrived() == [("email", "甲@example.com")]


def test_a_channel_in_front_of_the_one_that_waits_changes_nothing(scene: Scene) -> None:
    behind = scene.plan.units["甲"]._replace(channels=("email",))
    before = scene.plan
    scene.edit(scene.plan._replace(units=scene.plan.units | {"甲": behind}))
    scene.box.troubles["*"] = [trouble("temporary")]
    scene.at(TOLD)
    scene.edit(before)
    scene.at(f"{TOLD} 09:05")
    assert scene.arrived() == [("email", "甲@example.com")]


def test_a_channel_that_is_out_of_reach_for_hours_gives_way_to_the_next(scene: Scene) -> None:
    scene.group.troubles["*"] = [wrong("unreachable", 60, pauses=False)] * 99
    for hour in (9, 10, 11):
        scene.at(f"{TOLD} {hour:02}:00")
    assert scene.arrived() == []
    scene.at(f"{TOLD} 11:01")
    assert scene.arrived() == [("email", "甲@example.com")]
    assert scene.ask("SELECT state FROM message WHERE channel = '群'") == [("cancelled",)]


def test_what_was_lost_by_a_persons_word_moves_on(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("unknown")]
    scene.at(TOLD)
    with scene.conn() as conn:
        assert mending.resolve(conn, 1, "张三", "", scene.now, arrived=False)
        move_on(conn, scene.plan, [1])
    scene.at(f"{TOLD} 10:00")
    assert scene.arrived() == [("email", "甲@example.com")]


def test_what_was_unknown_and_is_then_refused_moves_on(scene: Scene) -> None:
    scene.group.on_unknown = "ask"
    scene.group.troubles["*"] = [trouble("unknown"), trouble("permanent")]
    scene.at(TOLD)
    scene.at(f"{TOLD} 09:02")
    assert scene.ask("SELECT state FROM message WHERE channel = '群'") == [("failed",)]
    scene.at(f"{TOLD} 09:03")
    assert scene.arrived() == [("email", "甲@example.com")]
    assert scene.ask("SELECT state FROM reminder WHERE step = 'T-7'") == [("told",)]


def test_letters_go_by_a_channel_that_may_say_all_and_that_works(scene: Scene) -> None:
    def to() -> list[str]:
        with scene.conn() as conn:
            found = letter_addresses(conn, scene.plan, "甲", scene.now)
        return [address.channel for address in found]

    assert to() == ["email"]
    with scene.conn() as conn:
        channels.pause(conn, "email", "李四", Text("moved"), scene.now)
    assert to() == ["群"]


def test_a_message_whose_calls_cannot_be_counted_stops_no_other(engine: Engine) -> None:
    scene = Scene(engine, plan_of(notify="all"), pace=PACE)

    def uncountable(_outgoing: Outgoing) -> int:
        raise ZeroDivisionError

    scene.group.calls = uncountable  # type: ignore[method-assign]
    scene.at(TOLD)
    assert ("email", "甲@example.com") in scene.arrived()


# ---------------------------------------------------------------------------------- budgets


def test_what_exceeds_a_budget_waits_as_long_as_the_vendor_says(engine: Engine) -> None:
    scene = Scene(engine, plan_of(channels=("群",)))
    scene.group.troubles["*"] = [wrong("rate", 600)]
    scene.at(TOLD)
    assert scene.report
    assert scene.report.next_at >= scene.now + timedelta(minutes=9)
    scene.at(f"{TOLD} 09:09")
    assert len(scene.group.tried) == 1
    assert not scene.state().needs_hand(scene.now)  # nobody has done anything wrong
    scene.at(f"{TOLD} 09:10")
    assert scene.arrived() == [("群", "甲")]


def crowd(count: int, late: int = 0) -> Plan:
    """So many units with the robot alone; the last ``late`` of them owe something overdue."""
    units = [a_unit(f"镇{number:04}", channels=("群",)) for number in range(count)]
    names = tuple(unit.name for unit in units)
    duties = [a_duty(lead=names[:1], units=names, open=False, before=())]
    if late:
        tardy = names[-late:]
        duties.append(a_duty("late", lead=tardy[:1], units=tardy, open=False, before=()))
    return plan_of()._replace(
        units={unit.name: unit for unit in [*units, a_unit("丙")]},
        duties={duty.id: duty for duty in duties},
    )


def most_in_a_minute(times: list[datetime]) -> int:
    return max(sum(at <= other < at + 60 * SECOND for other in times) for at in times)


def keeps_to_the_limit(scene: Scene, count: int) -> None:
    assert len(scene.times) == count
    assert Counter(sent.address for sent in scene.group.sent).most_common(1)[0][1] == 1
    assert most_in_a_minute(scene.times) <= 20
    took = (scene.times[-1] - scene.times[0]).total_seconds()
    assert took == pytest.approx((count - 1) * PACE, abs=0.001)  # as arithmetic says


def test_digests_for_one_robot_leave_at_its_pace_and_none_is_lost(engine: Engine) -> None:
    leave_at_its_pace(engine, 60)


@pytest.mark.campaign
@pytest.mark.one_database
def test_so_do_thousands(engine: Engine) -> None:
    leave_at_its_pace(engine, 2000)


def leave_at_its_pace(engine: Engine, count: int) -> None:
    scene = Scene(engine, crowd(count), pace=PACE)
    scene.at(START)
    scene.at("2026-01-30")
    scene.until_all_is_sent()
    keeps_to_the_limit(scene, count)


def test_a_budget_outlives_the_process_and_is_one_for_all_replicas(engine: Engine) -> None:
    scene = Scene(engine, crowd(40), pace=PACE)
    scene.at(START)
    scene.at("2026-01-30")
    one, other = scene.courier, Courier(scene.channels, lambda: 0.0)
    while scene.ask("SELECT 1 FROM message WHERE state = 'queued'"):
        one, other = other, one
        scene.courier = one
        deliver(scene.parts)
        if len(scene.times) == 20:
            scene.restart()
            one = scene.courier
        scene.now += SECOND / 10
    assert most_in_a_minute(scene.times) <= 20
    assert len(scene.times) == 40


def test_the_urgent_leave_before_the_others_and_a_report_last(engine: Engine) -> None:
    scene = Scene(engine, crowd(30, late=3), pace=PACE)
    scene.at("2026-01-30")
    scene.until_all_is_sent()
    scene.group.sent.clear()
    with scene.conn() as conn:
        report = Content("日报", "日报", "")
        outbox.queue(conn, Address("群", "丙"), "brief", local("2026-02-02 08:00"), content=report)
    for number in range(27):
        scene.say("done", f"work/2026-01@镇{number:04}", despite="x")
    scene.at("2026-02-02")
    scene.until_all_is_sent()
    said = [sent.address for sent in scene.group.sent]
    assert set(said[:3]) == {"镇0027", "镇0028", "镇0029"}
    assert said[-1] == "丙"


def test_a_message_of_several_calls_spends_as_many(engine: Engine) -> None:
    scene = Scene(engine, crowd(3), pace=PACE)
    scene.group.calls = lambda _outgoing: 3  # type: ignore[method-assign]
    scene.at(START)
    scene.at("2026-01-30")
    scene.until_all_is_sent()
    gaps = [later - at for at, later in zip(scene.times, scene.times[1:], strict=False)]
    assert all(gap >= 3 * PACE * SECOND for gap in gaps)


def test_a_slow_budget_delays_no_other_channel(engine: Engine) -> None:
    plan = crowd(30)
    others = [a_unit(f"局{number}") for number in range(5)]
    names = (*plan.duties["work"].units, *(unit.name for unit in others))
    plan = plan._replace(
        units=plan.units | {unit.name: unit for unit in others},
        duties={"work": plan.duties["work"]._replace(units=names)},
    )
    scene = Scene(engine, plan, pace=PACE)
    scene.at(START)
    scene.at("2026-01-30")
    assert len(scene.box.sent) == 5
    assert len(scene.group.sent) <= 2


# ----------------------------------------------------------------------------- at odd minutes


def test_messages_of_one_moment_are_spread_each_at_its_own_time(engine: Engine) -> None:
    plan = crowd(40)
    setting = ChannelSetting("群", "wecom", {})
    scene = Scene(engine, plan._replace(channels={"群": setting}))
    scene.at(START)
    scene.at("2026-01-30")
    assert scene.group.sent == []  # nothing at nine sharp
    for minute in range(1, 7):
        scene.at(f"2026-01-30 09:{minute:02}")
    assert len(scene.group.sent) == 40
    at = {sent.address: time for sent, time in zip(scene.group.sent, scene.times, strict=True)}
    for name, time in at.items():
        due = local("2026-01-30") + offset(Address("群", name), 5)
        assert timedelta() <= time - due <= timedelta(minutes=1)


def test_an_offset_lies_between_the_first_minute_and_the_last() -> None:
    found = [offset(Address("群", f"镇{number}"), 5) for number in range(500)]
    assert min(found) >= timedelta(minutes=1)
    assert max(found) < timedelta(minutes=5)
    assert len(set(found)) > 150
    assert offset(Address("email", "a@example.com"), 0) == timedelta()


def test_nothing_is_spread_beyond_the_window(engine: Engine) -> None:
    scene = Scene(engine, plan_of(spread=10))
    scene.at(f"{TOLD} 17:59")
    assert scene.arrived() == [("群", "甲")]


# ------------------------------------------------------------------------------ what it says


def writing(engine: Engine, detail: str) -> Scene:
    plan = plan_of()
    plan.channels["群"].values["detail"] = detail  # type: ignore[index]
    scene = Scene(engine, plan)
    templates = Path(__file__).parents[2] / "templates"
    writer = Writer(plan, Composer([templates], plan.workdays), Site(True, ""))
    scene._written = writer.compose  # type: ignore[method-assign]
    return scene


@pytest.mark.parametrize("detail", ["full", "title-only"])
def test_a_channel_gets_a_card_of_as_much_as_it_may_say(engine: Engine, detail: str) -> None:
    scene = writing(engine, detail)
    scene.at(TOLD)
    [sent] = scene.group.sent
    assert sent.card
    assert [entry.title for entry in sent.card.entries] == ["work的工作(2026年1月)"]
    assert ("做好工作" in repr(sent)) == (detail == "full")
    kept = str(scene.ask("SELECT subject, text, html, card FROM message WHERE channel = '群'"))
    assert ("做好工作" in kept) == (detail == "full")


def test_a_second_attempt_says_the_very_same(engine: Engine) -> None:
    scene = writing(engine, "full")
    scene.group.troubles["*"] = [trouble("temporary")]
    scene.at(TOLD)
    scene.at(f"{TOLD} 10:00")

    def said(outgoing: Outgoing) -> tuple[object, ...]:
        return outgoing.reference, outgoing.subject, outgoing.text, outgoing.card

    first, second = scene.group.tried
    assert said(first) == said(second)


def test_mail_holds_no_card(engine: Engine) -> None:
    scene = Scene(engine, plan_of(channels=("email",)))
    scene.at(TOLD)
    assert scene.ask("SELECT card FROM message WHERE channel = 'email'") == [(None,)]
