"""Names of units, groups and ranges; channels and their secrets; what is not written."""

from __future__ import annotations

from datetime import time

import pytest

from dispatcher.errors import DispatcherError
from dispatcher.plan.channels import filled, placeholders
from dispatcher.plan.model import Offset, Plan
from dispatcher.plan.names import duty_called
from dispatcher.plan.reading import read_plan
from dispatcher.plan.ways import Way, detail, spread, ways
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

CHANNELS = "channels:\n  群: {{kind: webhook, {rest}}}\nunits:"
SETTINGS = {
    "wecom": "key: '${KEY}'",
    "dingtalk": "key: '${KEY}', secret: '${SECRET}'",
    "feishu": "key: '${KEY}', secret: '${SECRET}', detail: full, spread: 0",
    "gov-dingtalk": "url: https://gov.example.com, key: '${KEY}', secret: '${SECRET}', tenant: '7'",
    "sms": "url: https://sms.example.com, text: '{unit}', body: {to: '{mobile}'}, success: [0]",
    "sms-aliyun": "key: '${KEY}', secret: '${SECRET}', signature: 农办, template: SMS_1,"
    " params: {unit: '{unit}'}",
    "sms-tencent": "key: '${KEY}', secret: '${SECRET}', signature: 农办, template: '1',"
    " params: ['{unit}'], app: '14'",
    "webhook": "url: 'https://oa.example.com/?k=${KEY}', secret: '${SECRET}', connections: 16",
}


def with_channel(rest: str) -> str:
    return WHOLE.replace("units:", CHANNELS.format(rest=rest))


def of_kind(kind: str, rest: str, unit: str = "channels: [群, email]") -> Plan:
    text = with_channel(rest).replace("kind: webhook", f"kind: {kind}")
    return read_plan("s.yaml", text.replace("[乙方]", f"[乙方], {unit}"))


@pytest.mark.parametrize("kind", SETTINGS)
def test_each_kind_of_channel_is_read_with_what_it_needs(kind: str) -> None:
    plan = of_kind(kind, SETTINGS[kind])
    assert plan.channels["群"].kind == kind
    assert plan.units["乙"].channels == ("群", "email")


@pytest.mark.parametrize("kind", SETTINGS)
def test_what_a_kind_of_channel_needs_is_asked_for(kind: str) -> None:
    text = with_channel("detail: full").replace("kind: webhook", f"kind: {kind}")
    found = problems(text)
    assert found
    assert all("needs" in str(problem) for problem in found)


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_key_of_another_kind_is_refused_with_those_that_there_are(kind: str) -> None:
    other = "tenant: '7'" if kind != "gov-dingtalk" else "app: '14'"
    text = with_channel(f"{SETTINGS[kind]}, {other}").replace("kind: webhook", f"kind: {kind}")
    (problem,) = problems(text)
    assert f"of kind {kind} has no '{other.split(':', maxsplit=1)[0]}'; it takes: kind" in str(
        problem
    )


TASKS = {"creator": "creator: '9'", "page": "page: 'https://oa.example.com/?a=1'"}


@pytest.mark.parametrize("missing", TASKS)
def test_to_dos_need_somebody_who_opens_them_and_a_page(missing: str) -> None:
    given = [SETTINGS["gov-dingtalk"], *(each for key, each in TASKS.items() if key != missing)]
    text = with_channel(", ".join([*given, "tasks: true"]))
    (problem,) = problems(text.replace("kind: webhook", "kind: gov-dingtalk"))
    assert f"'tasks: true' needs '{missing}' beside it" in str(problem)
    assert of_kind("gov-dingtalk", ", ".join([*given, "tasks: false"]))


def test_to_dos_with_both_are_read() -> None:
    given = [SETTINGS["gov-dingtalk"], *TASKS.values(), "tasks: true"]
    values = of_kind("gov-dingtalk", ", ".join(given)).channels["群"].values
    assert (values["tasks"], values["creator"]) == (True, "9")


def test_mail_itself_is_not_set_up_in_the_file() -> None:
    text = with_channel(SETTINGS["webhook"]).replace("群: {", "email: {")
    (problem,) = problems(text)
    assert "environment" in str(problem)


def test_commercial_messengers_get_titles_only_and_at_odd_minutes_unless_told_otherwise() -> None:
    wecom, feishu = of_kind("wecom", SETTINGS["wecom"]), of_kind("feishu", SETTINGS["feishu"])
    assert (detail(wecom, "群"), spread(wecom, "群")) == ("title-only", 5)
    assert (detail(feishu, "群"), spread(feishu, "群")) == ("full", 0)
    assert (detail(wecom, "email"), spread(wecom, "email")) == ("full", 0)


@pytest.mark.parametrize(
    "kind, old, new",
    [
        ("sms-aliyun", "params: {unit: '{unit}'}", "params: ['{unit}']"),
        ("sms-tencent", "params: ['{unit}']", "params: {unit: '{unit}'}"),
    ],
)
def test_variables_in_the_other_clouds_form_are_told(kind: str, old: str, new: str) -> None:
    text = with_channel(SETTINGS[kind].replace(old, new)).replace("kind: webhook", f"kind: {kind}")
    (problem,) = problems(text)
    assert f"{kind} takes 'params' as " in str(problem)


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "proxy:", "htp//x", "a:b@proxy:1"])
def test_a_proxy_that_is_none_is_told(proxy: str) -> None:
    (problem,) = problems(with_channel(f"{SETTINGS['webhook']}, proxy: '{proxy}'"))
    assert "a proxy is written as http://proxy.example.com:3128" in str(problem)
    assert proxy not in str(problem)


def test_a_header_that_http_does_not_take_is_told_at_its_place() -> None:
    text = with_channel(f"{SETTINGS['sms']}, headers: {{X-From: 农办}}")
    (problem,) = problems(text.replace("kind: webhook", "kind: sms"))
    assert "HTTP takes no such letters in 'headers'" in str(problem)


def test_a_proxy_and_a_name_for_it_are_taken() -> None:
    for proxy in (
        *("http://proxy:3128", "proxy.example.com:3128", "HTTP://[::1]:3128/", "${PROXY}"),
        "http://${PROXY_HOST}:${PROXY_PORT}",
    ):
        assert read_plan("s.yaml", with_channel(f"{SETTINGS['webhook']}, proxy: '{proxy}'"))


CONTACTS = (
    "contacts: [{name: 张三, email: a@example.com, mobile: '13800000000'},"
    " {name: 李四, email: a@example.com, account: '42'}], channels: [群, email]"
)


@pytest.mark.parametrize(
    "kind, address", [("wecom", "乙"), ("sms", "13800000000"), ("gov-dingtalk", "42")]
)
def test_the_ways_to_a_unit_lead_where_its_channels_can_go(kind: str, address: str) -> None:
    plan = of_kind(kind, SETTINGS[kind], CONTACTS)
    assert ways(plan, "乙") == [Way("群", (address,)), Way("email", ("a@example.com",))]


def test_a_channel_that_reaches_nobody_of_a_unit_is_no_way_to_it() -> None:
    plan = of_kind("sms", SETTINGS["sms"], "contacts: [{name: 张三}], channels: [群, email]")
    assert ways(plan, "乙") == []
    assert ways(plan, "无此单位") == []


def test_the_environment_names_that_channels_ask_for_are_known_and_filled_in() -> None:
    settings = of_kind("webhook", SETTINGS["webhook"])
    assert placeholders(settings) == {"KEY": "群", "SECRET": "群"}
    given = filled(settings.channels["群"].values, {"KEY": "k", "SECRET": "s"})
    assert given["url"] == "https://oa.example.com/?k=k"
    assert (given["secret"], given["connections"]) == ("s", 16)


@pytest.mark.parametrize(
    "rest",
    [
        "secret: ‸abcdef",
        "secret: ‸SEC0123456789",
        "key: '‸x${WECOM_KEY}'",
        "key: ‸$WECOM_KEY",
        "key: '‸${wecom_key}'",
        "url: ‸https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4",
        "url: ‸https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef",
        "url: ‸https://me:hunter2@example.com/hook",
        "body: ‸{user: office, password: abcdef}",
        "body: ‸{auth: [{appKey: '0'}, {SecretKey: abcdef}]}",
        "body: ‸{pwd: 123456}",
        "headers: ‸{X-Token: abcdef}",
        "headers: ‸{Authorization: Basic b2ZmaWNlOmFiY2RlZg==}",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(rest: str) -> None:
    marked = with_channel(rest).replace("'‸", "‸'")
    found = problems(marked.replace(HERE, ""))
    (problem,) = (each for each in found if "does not belong" in each)
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


@pytest.mark.parametrize(
    "written",
    ["task: 甲方清单\n    secret: true", "task: 秘密★1年 甲方清单", "task: '【机密】甲方清单'"],
)
def test_a_secret_text_is_never_read_in(written: str) -> None:
    text = WHOLE.replace("responsible:", f"{written}\n    responsible:", 1)
    duty = read_plan("s.yaml", text).duties["first"]
    assert duty.task.startswith("(内容涉密,不在此发送,请到")
    assert "甲方清单" not in repr(duty)


def test_what_stands_for_a_secret_among_a_gateways_values_is_no_secret() -> None:
    rest = SETTINGS["sms"].replace("body: {to: '{mobile}'}", "body: {to: '{mobile}', "
           "password: '{secret}', app: [{key: '${KEY}'}], keyword: 农办, withToken: true}, "
           "headers: {Authorization: 'Bearer ${TOKEN}', X-Kind: text}")  # fmt: skip
    assert set(placeholders(of_kind("sms", rest))) == {"KEY", "TOKEN"}


def test_a_channel_is_named_once_by_a_unit() -> None:
    text = with_channel(SETTINGS["webhook"]).replace("[乙方]", "[乙方], channels: [群, email, ‸群]")
    (problem,) = problems(text.replace(HERE, ""))
    assert problem.startswith(f"{place_of(text)}: channel '群' stands here twice")


def test_a_robot_is_one_channel() -> None:
    text = with_channel("key: '${A_KEY}'").replace("webhook", "wecom")
    text = text.replace("units:", "  旧群: {kind: wecom, key: ‸'${A_KEY}'}\nunits:", 1)
    (problem,) = problems(text.replace(HERE, ""))
    assert problem.startswith(f"{place_of(text)}: channels '群' and '旧群' are one robot")


def test_a_title_that_two_duties_bear_names_neither_and_an_id_goes_before_a_title() -> None:
    duties = [
        "{id: one, title: 检查, when: 每月, responsible: 甲}",
        "{id: two, title: 检查, when: 每月, responsible: 甲}",
        "{id: three, title: two, when: 每月, responsible: 甲}",
        "{id: four, title: 督导, when: 每月, responsible: 甲}",
    ]
    text = "plan: {title: 测, office: 甲, from: 2026-01-01}\nunits: {甲: {}}\nduties:\n"
    ours = read_plan("s.yaml", text + "".join(f"  - {duty}\n" for duty in duties))
    assert duty_called(ours, "督导").id == "four"
    assert duty_called(ours, "two").id == "two"
    with pytest.raises(DispatcherError, match="called '检查': one, two; name one of these"):
        duty_called(ours, "检查")
