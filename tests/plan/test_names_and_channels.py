"""Names of units, groups and ranges; channels and their secrets; what is not written."""

from __future__ import annotations

from datetime import time

import pytest

from dispatcher.plan.model import Offset, Plan
from dispatcher.plan.reading import placeholders, read_plan
from tests.plan.marked import HERE, WHOLE, changed, place_of, problems
from tests.plan.small import plan, work

# --------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["甲(一)", "甲（一）", "甲 (一)"])
def test_full_width_and_half_width_brackets_are_the_same_name(name: str) -> None:
    text = WHOLE.replace("  乙:", "  甲（一）: {}\n  乙:").replace("甲、乙", f"{name}、乙")
    assert read_plan("s.yaml", text).duties["first"].lead == ("甲（一）",)


@pytest.mark.parametrize(
    "old, new",
    [
        ("  乙: {aliases: [乙方]}", "  乙(一): {}\n  乙（一）: {}\n  乙: {}"),
        ("  大家: [甲, 乙]", "  大家: [甲, 乙]\n  乙: [甲]"),
        ("  大家: [甲, 乙]", "  大家: [甲, 乙]\n  大 家: [甲]"),
    ],
)
def test_two_owners_of_one_name_are_told(old: str, new: str) -> None:
    assert problems(changed(old, new))


@pytest.mark.parametrize("name", ["Holidays", "Spring Break", "寒假（小学）", "第二个学期", "假期"])
def test_a_range_may_be_named_in_a_phrase_however_its_name_is_written(name: str) -> None:
    ranges = f"{name}: [{{name: 一, from: 2026-01-31, to: 2026-03-01}}]"
    for when in (
        f"除{name}外每月1次",
        f"monthly except {name}",
        f"{{every: month, except: {name}}}",
    ):
        assert (
            work(plan(when, ranges=ranges)).cadence
            == work(plan(f"{{every: month, except: {name}}}", ranges=ranges)).cadence
        )


def test_a_unit_may_be_called_by_its_alias_and_a_group_by_its_members() -> None:
    text = WHOLE.replace("responsible: 甲、乙", "responsible: 乙方、大家")
    duty = read_plan("s.yaml", text).duties["first"]
    assert (duty.lead, duty.units) == (("乙",), ("乙", "甲"))


def test_a_group_as_the_first_name_makes_each_member_lead() -> None:
    duty = read_plan("s.yaml", WHOLE).duties["second"]
    assert duty.lead == duty.owing == ("甲", "乙")


def test_a_lead_of_its_own_need_not_be_among_the_responsible() -> None:
    text = WHOLE.replace("responsible: 甲、乙", "responsible: 乙\n    lead: 甲")
    assert read_plan("s.yaml", text).duties["first"].units == ("甲", "乙")


@pytest.mark.parametrize("column", ["甲、乙", "甲,乙", "甲，乙", "甲；乙", "甲 、 乙"])
def test_a_column_of_units_may_use_any_of_the_usual_marks(column: str) -> None:
    text = WHOLE.replace("甲、乙", column)
    assert read_plan("s.yaml", text).duties["first"].units == ("甲", "乙")


# ------------------------------------------------------------------------------ secrets, channels

CHANNELS = "channels:\n  群: {{kind: wecom, {rest}}}\nunits:"


def with_channel(rest: str) -> str:
    return WHOLE.replace("units:", CHANNELS.format(rest=rest))


@pytest.mark.parametrize("kind", ["wecom", "gov-dingtalk", "dingtalk", "feishu", "sms", "webhook"])
def test_the_channels_of_later_versions_are_understood(kind: str) -> None:
    text = with_channel("key: '${WECOM_KEY}', secret: '${A_SECRET}', detail: title-only").replace(
        "kind: wecom", f"kind: {kind}"
    )
    ours = read_plan("s.yaml", text.replace("[乙方]", "[乙方], channels: [群, email]"))
    assert ours.channels["群"].kind == kind
    assert ours.units["乙"].channels == ("群", "email")


def test_the_environment_names_that_channels_ask_for_are_known() -> None:
    text = with_channel("url: 'https://example.com/send?key=${WECOM_KEY}', secret: '${A_SECRET}'")
    assert placeholders(read_plan("s.yaml", text)) == {"WECOM_KEY": "群", "A_SECRET": "群"}


@pytest.mark.parametrize(
    "rest",
    [
        "key: ‸abcdef",
        "secret: ‸SEC0123456789",
        "key: '‸x${WECOM_KEY}'",
        "key: ‸$WECOM_KEY",
        "key: '‸${wecom_key}'",
        "url: ‸https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4",
        "url: ‸https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef",
        "url: ‸https://me:hunter2@example.com/hook",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(rest: str) -> None:
    marked = with_channel(rest).replace("'‸", "‸'")
    (problem,) = problems(marked.replace(HERE, ""))
    assert problem.startswith(f"{place_of(marked)}: a secret does not belong in this file; write ")
    assert "abcdef" not in problem
    assert "693a91f6" not in problem
    assert "hunter2" not in problem


# ----------------------------------------------------------------------------------- plain values


def test_what_is_not_written_is_what_the_documents_say() -> None:
    defaults = read_plan("s.yaml", WHOLE).defaults
    assert (defaults.at, defaults.window) == (time(9), (time(9), time(18)))
    assert (defaults.roll, defaults.due, defaults.open) == ("preceding", None, True)
    assert defaults.min_workdays == 3
    assert defaults.overdue == (Offset(1, True), Offset(3, True), Offset(5, True, every=True))
    assert defaults.escalate.after == Offset(3, True)
    assert defaults.escalate.to == "superior"
    assert {length: " ".join(map(str, offsets)) for length, offsets in defaults.before.items()} == {
        "week": "1d",
        "fortnight": "2d",
        "half-month": "2d",
        "month": "7d 1d",
        "two-months": "15d 3d",
        "quarter": "15d 3d",
        "half-year": "30d 7d",
        "year": "60d 15d 3d",
        "dates": "15d 3d",
    }


def test_an_optional_key_without_a_value_is_as_if_it_were_not_there() -> None:
    text = WHOLE.replace("roll: preceding", "roll:\n  due: ~\n  overdue: null")
    assert read_plan("s.yaml", text).defaults == read_plan("s.yaml", WHOLE).defaults


def test_what_is_read_cannot_be_changed() -> None:
    ours: Plan = read_plan("s.yaml", WHOLE)
    with pytest.raises(AttributeError):
        ours.title = "另一个"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        ours.duties["first"].title = "另一个"  # type: ignore[misc]
