"""A brief, a status message or a slip that its way cannot bring goes on by the next one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.forwarding import forward
from dispatcher.dispatch.office import Office as Desk
from dispatcher.dispatch.office import Site
from dispatcher.i18n import Text
from dispatcher.ledger import channels
from dispatcher.ledger.database import Engine
from dispatcher.ledger.outbox import Address
from dispatcher.plan.model import ChannelSetting, Contact, Notify, Plan
from tests.building import Box, Office, a_unit, trouble
from tests.dispatch.ladders import SHIPPED, drafted, laddered, released, voided

BOTH = ("群", "email")
MONDAY, TUESDAY = "2026-01-05", "2026-01-06"


def plan_of(kind: str = "webhook", notify: Notify = "first-that-works") -> Plan:
    """Slips to 甲, above it 乙, the office 丙: each by 群, else by mail."""
    units = {
        name: a_unit(name, superior="乙" if name == "甲" else "")._replace(
            channels=BOTH, notify=notify
        )
        for name in "甲乙丙"
    }
    return laddered(units=units, channels={"群": ChannelSetting("群", kind, {})})


def without_group(plan: Plan) -> Plan:
    """The plan as an edit leaves it that takes 群 out."""
    units = {name: unit._replace(channels=("email",)) for name, unit in plan.units.items()}
    return plan._replace(channels={}, units=units)


class Scene(Office):
    """An office whose passes write briefs, and whose 群 is a box of its own."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        super().__init__(engine, plan)
        self.group = Box("群")
        self.channels["群"] = self.group
        self.restart()
        self.queue_brief = self._desk(plan).queue_reports

    def edit(self, plan: Plan) -> None:
        super().edit(plan)
        self.queue_brief = self._desk(plan).queue_reports
        self.courier.equip({name: box for name, box in self.channels.items() if name == "email"
                            or name in plan.channels})  # fmt: skip

    def _desk(self, plan: Plan) -> Desk:
        return Desk(plan, Composer((SHIPPED,), plan.workdays), Site(live=True, mailbox=""))

    def arrived(self, kind: str) -> list[tuple[str, str]]:
        boxes = (self.group, self.box)
        return [(box.name, each.address) for box in boxes for each in box.sent if each.kind == kind]

    def states(self, kind: str) -> list[tuple[object, ...]]:
        query = "SELECT channel, address, state FROM message WHERE kind = '{}' ORDER BY id"
        return self.ask(query.format(kind))


def scene_of(engine: Engine, plan: Plan, first: Sequence[str] = (MONDAY,)) -> Scene:
    found = Scene(engine, plan)
    for moment in first:
        found.at(moment)
    return found


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return scene_of(engine, plan_of())


@pytest.fixture
def slip(engine: Engine) -> Scene:
    """A blue slip for 甲 that is drafted, at nine on Wednesday 4 February."""
    found = Scene(engine, plan_of())
    drafted(found, "2026-01-30", "2026-02-04")
    return found


# --------------------------------------------------------------------------- briefs and status


def test_what_the_office_is_told_goes_by_its_first_channel(scene: Scene) -> None:
    assert scene.arrived("brief") == [("群", "丙")]
    assert scene.arrived("status") == [("群", "丙")]


def test_a_brief_that_fails_goes_on_by_the_next_channel(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("permanent")]
    scene.at(TUESDAY)
    scene.at(f"{TUESDAY} 09:01")
    assert scene.arrived("brief")[1:] == [("email", "丙@example.com")]
    assert scene.box.sent[-1].html != ""
    scene.at(f"{TUESDAY} 09:02")
    assert len(scene.arrived("brief")) == 2


def test_a_brief_whose_channel_the_calendar_no_longer_has_goes_on_by_the_next(
    scene: Scene,
) -> None:
    scene.group.troubles["*"] = [trouble("temporary")] * 9
    scene.at(TUESDAY)
    scene.edit(without_group(scene.plan))
    scene.at(f"{TUESDAY} 09:05")
    assert scene.arrived("brief")[1:] == [("email", "丙@example.com")]
    assert scene.states("brief")[1:] == [
        ("群", "丙", "cancelled"),
        ("email", "丙@example.com", "sent"),
    ]


def test_a_brief_on_a_paused_channel_goes_on_by_the_next(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("temporary")]
    scene.at(TUESDAY)
    with scene.conn() as conn:
        channels.pause(conn, "群", "李四", Text("moved"), scene.now)
    scene.at(f"{TUESDAY} 09:05")
    with scene.conn() as conn:
        channels.resume(conn, "群", "李四", scene.now)
    scene.at(f"{TUESDAY} 09:30")
    assert scene.arrived("brief")[1:] == [("email", "丙@example.com")]


def test_a_brief_that_was_tried_for_hours_goes_on_by_the_next_channel(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("temporary")] * 99
    scene.at(TUESDAY)
    for moment in ("09:05", "10:00", "10:59"):
        scene.at(f"{TUESDAY} {moment}")
    assert len(scene.arrived("brief")) == 1
    scene.at(f"{TUESDAY} 11:01")
    assert scene.arrived("brief")[1:] == [("email", "丙@example.com")]


def test_a_brief_that_no_way_brings_stays_as_it_is(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("permanent")] * 9
    scene.box.troubles["*"] = [trouble("permanent")] * 9
    scene.at(TUESDAY)
    for minute in (1, 2, 3):
        scene.at(f"{TUESDAY} 09:0{minute}")
    assert scene.states("brief")[1:] == [
        ("群", "丙", "failed"),
        ("email", "丙@example.com", "failed"),
    ]


def test_a_brief_of_yesterday_that_failed_is_left_alone(scene: Scene) -> None:
    scene.group.troubles["*"] = [trouble("permanent")]
    scene.box.troubles["*"] = [trouble("permanent")]
    scene.at(TUESDAY)
    scene.edit(with_new_contact(scene.plan, "丙"))
    scene.at("2026-01-07")
    assert scene.arrived("brief") == [("群", "丙")] * 2


def test_a_brief_goes_on_by_a_title_only_channel_in_short(
    engine: Engine,
) -> None:
    scene = scene_of(engine, plan_of("wecom"))
    assert scene.arrived("brief") == [("email", "丙@example.com")]
    scene.box.troubles["*"] = [trouble("permanent")]
    scene.at(TUESDAY)
    scene.at(f"{TUESDAY} 09:01")
    assert scene.arrived("brief")[0] == ("群", "丙")
    assert scene.group.sent[-1].text == "具体要求不在此处发送,请向丙查询。\n"


def test_with_all_channels_one_that_fails_is_made_up_for_by_no_other(engine: Engine) -> None:
    scene = scene_of(engine, plan_of(notify="all"))
    scene.group.troubles["*"] = [trouble("permanent")]
    scene.at(TUESDAY)
    scene.at(f"{TUESDAY} 09:01")
    assert scene.arrived("brief") == [("群", "丙"), *[("email", "丙@example.com")] * 2]


def test_a_new_contact_gets_the_brief_that_the_one_before_could_not(scene: Scene) -> None:
    scene.edit(without_group(scene.plan))
    scene.box.troubles["*"] = [trouble("permanent")]
    scene.at(TUESDAY)
    scene.edit(with_new_contact(scene.plan, "丙"))
    scene.at(f"{TUESDAY} 10:00")
    assert scene.arrived("brief")[1:] == [("email", "new@example.com")]


# --------------------------------------------------------------------------------------- slips


def test_a_slip_that_fails_goes_on_by_the_next_channel_as_it_was_released(slip: Scene) -> None:
    slip.group.troubles["*"] = [trouble("permanent")]
    assert released(slip, 1).to == (Address("群", "甲"),)
    slip.at("2026-02-04 09:01")
    slip.at("2026-02-04 09:02")
    assert slip.arrived("slip") == [("email", "甲@example.com")]
    assert slip.ask("SELECT text FROM slip") == [(slip.box.sent[-1].text,)]


def to_two(engine: Engine, plan: Plan) -> Scene:
    """The blue slip has gone to 甲 by 群; a yellow one to 甲 and 乙 is drafted, the second."""
    found = Scene(engine, plan)
    drafted(found, "2026-01-30", "2026-02-04")
    released(found, 1)
    found.at("2026-02-04 09:00")
    drafted(found, "2026-02-05", "2026-02-11")
    return found


def test_a_slip_whose_channel_is_gone_goes_on_to_each_that_is_to_get_it(engine: Engine) -> None:
    found = to_two(engine, plan_of())
    found.group.troubles["乙"] = [trouble("temporary")] * 9
    assert released(found, 2).to == (Address("群", "甲"), Address("群", "乙"))
    found.at("2026-02-11 09:01")
    found.edit(without_group(found.plan))
    found.at("2026-02-11 09:10")
    assert found.arrived("slip") == [("群", "甲")] * 2 + [("email", "乙@example.com")]


def test_a_slip_goes_on_once_to_an_address_that_two_units_share(engine: Engine) -> None:
    plan = plan_of()
    shared = {
        name: unit._replace(contacts=(Contact("共用", email="shared@example.com"),))
        for name, unit in plan.units.items()
    }
    found = to_two(engine, plan._replace(units=shared))
    found.group.troubles["*"] = [trouble("permanent")] * 2
    assert released(found, 2).to == (Address("群", "甲"), Address("群", "乙"))
    found.at("2026-02-11 09:01")
    found.at("2026-02-11 09:02")
    assert found.arrived("slip") == [("群", "甲"), ("email", "shared@example.com")]


@pytest.fixture
def failed(slip: Scene) -> Scene:
    """The slip released, and refused on both ways."""
    slip.group.troubles["*"] = [trouble("permanent")]
    slip.box.troubles["*"] = [trouble("permanent")]
    released(slip, 1)
    slip.at("2026-02-04 09:01")
    assert slip.states("slip") == [
        ("群", "甲", "failed"),
        ("email", "甲@example.com", "failed"),
    ]
    return slip


def with_new_contact(plan: Plan, unit: str) -> Plan:
    contacts = (Contact("新", email="new@example.com"),)
    return plan._replace(units={**plan.units, unit: plan.units[unit]._replace(contacts=contacts)})


def test_a_slip_that_failed_goes_to_a_new_contact(failed: Scene) -> None:
    failed.edit(with_new_contact(failed.plan, "甲"))
    failed.at("2026-02-04 10:00")
    assert failed.arrived("slip") == [("email", "new@example.com")]


def test_a_slip_that_failed_moves_nowhere_once_it_is_answered(failed: Scene) -> None:
    failed.say("done")
    failed.edit(with_new_contact(failed.plan, "甲"))
    failed.at("2026-02-04 10:00")
    assert failed.arrived("slip") == []


def test_a_void_slip_moves_nowhere(failed: Scene) -> None:
    voided(failed, 1)
    failed.edit(with_new_contact(failed.plan, "甲"))
    failed.at("2026-02-04 10:00")
    assert len(failed.states("slip")) == 2


def test_a_slip_that_waits_where_nobody_is_any_more_goes_to_the_new_contact(slip: Scene) -> None:
    slip.edit(without_group(slip.plan))
    slip.box.troubles["甲@example.com"] = [trouble("temporary")] * 9
    released(slip, 1)
    slip.at("2026-02-04 09:01")
    slip.edit(with_new_contact(slip.plan, "甲"))
    slip.at("2026-02-04 09:02")
    assert slip.states("slip") == [
        ("email", "甲@example.com", "cancelled"),
        ("email", "new@example.com", "sent"),
    ]


def test_a_slip_waits_where_it_is_while_no_other_way_is_left(slip: Scene) -> None:
    slip.group.troubles["*"] = [trouble("temporary")] * 9
    released(slip, 1)
    slip.at("2026-02-04 09:01")
    nobody = slip.plan.units["甲"]._replace(contacts=())
    plan = without_group(slip.plan._replace(units={**slip.plan.units, "甲": nobody}))
    slip.edit(plan)
    slip.at("2026-02-04 09:30")
    assert slip.states("slip") == [("群", "甲", "queued")]
    slip.edit(with_new_contact(plan, "甲"))
    slip.at("2026-02-04 10:00")
    assert slip.arrived("slip") == [("email", "new@example.com")]


def test_a_slip_comes_back_to_no_address_that_it_was_taken_from(slip: Scene) -> None:
    slip.group.troubles["*"] = [trouble("temporary")]
    slip.box.troubles["*"] = [trouble("permanent")]
    released(slip, 1)
    slip.at("2026-02-04 09:01")
    with slip.conn() as conn:
        channels.pause(conn, "群", "李四", Text("moved"), slip.now)
    slip.at("2026-02-04 09:02")
    with slip.conn() as conn:
        channels.resume(conn, "群", "李四", slip.now)
    slip.at("2026-02-04 10:00")
    assert [state for *_to, state in slip.states("slip")] == ["cancelled", "failed"]


def test_a_slip_that_was_cut_to_its_subject_goes_on_in_full(engine: Engine) -> None:
    found = Scene(engine, plan_of("wecom"))
    drafted(found, "2026-01-30", "2026-02-04")
    with found.conn() as conn:
        channels.pause(conn, "email", "李四", Text("moved"), found.now)
    found.group.troubles["*"] = [trouble("permanent")]
    assert released(found, 1).to == (Address("群", "甲"),)
    with found.conn() as conn:
        channels.resume(conn, "email", "李四", found.now)
    found.at("2026-02-04 09:01")
    assert found.arrived("slip") == [("email", "甲@example.com")]
    assert found.ask("SELECT text FROM slip") == [(found.box.sent[-1].text,)]


def test_an_edited_ladder_takes_a_slip_back_from_nobody_whom_it_waits_for(engine: Engine) -> None:
    found = Scene(engine, plan_of())
    drafted(found, "2026-01-30", "2026-02-04")
    released(found, 1)
    drafted(found, "2026-02-05", "2026-02-11")
    found.group.troubles["乙"] = [trouble("temporary")] * 2
    released(found, 2)
    found.at("2026-02-11 09:01")
    found.edit(found.plan._replace(ladder=None))
    found.at("2026-02-11 09:10")
    found.at("2026-02-11 09:30")
    assert found.arrived("slip") == [("群", "甲"), ("群", "甲"), ("群", "乙")]


def test_nothing_is_decided_while_a_letter_is_in_hand(slip: Scene) -> None:
    released(slip, 1)
    with slip.conn() as conn:
        conn.exec_driver_sql(
            "UPDATE message SET state = 'claimed', next_attempt_at = NULL, lease_until = 1e12"
            " WHERE kind = 'slip'"
        )
        forward(conn, without_group(slip.plan), slip.now)
    assert slip.states("slip") == [("群", "甲", "claimed")]
