"""A stretch of days lived through in seconds gives what the daemon would give, day by day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dispatcher import bootstrap
from dispatcher.ledger.queries import Sent
from dispatcher.plan.reading import read_plan
from dispatcher.rehearsal.stage import stage
from dispatcher.rehearsal.tally import Heavy, Letter, Load, Tally
from dispatcher.rehearsal.wishes import Edit, Stretch
from dispatcher.settings import load_settings
from tests.building import plan_with
from tests.dispatch.test_year_2023 import answer_all_due
from tests.mail import opened
from tests.rehearsing import MONTHLY, Past, rehearse
from tests.service import Service, days
from tests.sink import Sink, mail_server

ROOT = Path(__file__).parent.parent
JANUARY = [
    "01-04 【提醒】潭东镇:待办1项(1月4日)",
    "01-23 【提醒】潭东镇:7日内到期1项(1月23日)",
    "01-29 【提醒】潭东镇:7日内到期1项(1月29日)",
    "01-30 【提醒】潭东镇:今日到期1项(1月30日)",
]
"""The first three days of 2026 are a holiday, 4 January is a workday, 31 January a Saturday."""


def stretch(first: str, last: str) -> Stretch:
    return Stretch(date.fromisoformat(first), date.fromisoformat(last))


def test_who_answers_on_the_due_day_is_told_each_step_and_no_more(tmp_path: Path) -> None:
    past = rehearse(tmp_path, "2026-01-01", "2026-01-31")
    assert past.told("tandong") == JANUARY
    assert past.told("leader") == []
    assert past.report == ([], [])
    assert past.tally.months[2026, 1, "潭东镇"] == Load(4, 4)
    assert past.tally.days[date(2026, 1, 30)] == Load(2, 1), "its digest and the office's brief"


def test_who_answers_does_so_in_the_evening_of_the_due_day(tmp_path: Path) -> None:
    past = rehearse(tmp_path, "2026-03-31", "2026-04-01")
    assert past.told("tandong") == [
        "03-31 【提醒】潭东镇:今日到期1项(3月31日)",
        "04-01 【提醒】潭东镇:待办1项(4月1日)",
    ]


def test_who_never_answers_is_urged_and_reported_to_those_above(tmp_path: Path) -> None:
    past = rehearse(tmp_path, "2026-01-01", "2026-02-11", answer_rate=0.0)
    assert past.told("tandong") == [
        *JANUARY,
        "02-02 【催办】潭东镇:逾期1项、待办1项(2月2日)",
        "02-04 【催办】潭东镇:逾期1项(2月4日)",
        "02-11 【催办】潭东镇:逾期1项(2月11日)",
    ]
    assert past.told("leader") == [
        "02-04 【报告】区领导:下属单位逾期1项(2月4日)",
        "02-11 【报告】区领导:下属单位逾期1项(2月11日)",
    ]


def test_in_an_outage_nothing_leaves_and_after_it_what_is_true_is_told_once(
    tmp_path: Path,
) -> None:
    outage = stretch("2026-01-20", "2026-01-29")
    past = rehearse(tmp_path, "2026-01-01", "2026-01-31", outages=(outage,))
    assert past.told("tandong") == [JANUARY[0], JANUARY[3]], "T-7 and T-1 are superseded"
    assert all(past.tally.days[day] == Load() for day in outage.days())
    assert past.tally.late == {}, "an outage is no limit of a channel"
    assert past.report.wrong == []


def test_what_an_outage_held_up_to_its_end_is_told_on_the_first_day_after_it(
    tmp_path: Path,
) -> None:
    outage = stretch("2026-01-20", "2026-01-23")
    past = rehearse(tmp_path, "2026-01-01", "2026-01-28", outages=(outage,))
    assert past.told("tandong") == JANUARY[:2], "told once, and what was frozen is not lost"
    assert past.tally.days[date(2026, 1, 26)].items == 1, "the Monday after it"


def test_who_has_not_been_told_answers_in_the_evening_of_the_day_on_which_it_is(
    tmp_path: Path,
) -> None:
    outage = stretch("2026-01-01", "2026-02-04")
    past = rehearse(tmp_path, "2026-01-01", "2026-02-13", outages=(outage,))
    assert past.told("tandong") == [
        "02-02 【催办】潭东镇:逾期1项、待办1项(2月2日)",
        "02-04 【催办】潭东镇:逾期1项(2月4日)",
    ], "both leave on 5 February; on the 11th January is answered"
    assert past.tally.days[date(2026, 2, 5)].items == 2


def test_an_outage_without_end_leaves_messages_that_wait(tmp_path: Path) -> None:
    outage = stretch("2026-01-20", "2026-01-31")
    past = rehearse(tmp_path, "2026-01-01", "2026-01-28", outages=(outage,))
    (waiting,) = past.report.notes
    assert waiting.msgid == "{count} messages still wait at the end"


def test_an_edit_in_the_middle_holds_from_its_day_on(tmp_path: Path) -> None:
    edited = tmp_path / "edited.yaml"
    early = MONTHLY.replace("units:", 'defaults: {at: "08:00", window: "08:00-18:00"}\nunits:')
    edited.write_text(early.replace("每月", "每月27日前"), "utf-8")
    edit = Edit(edited, date(2026, 1, 21))
    past = rehearse(tmp_path, "2026-01-01", "2026-01-31", edits=(edit,))
    told = past.told("tandong")
    assert told[0] == JANUARY[0]
    assert [line[:5] for line in told[1:]] == ["01-21", "01-26", "01-27"], "moved, T-1, T"
    names = [each.name for each in past.letters() if "tandong" in each.name]
    assert [name[9:13] for name in names] == ["0900", "0800", "0800", "0800"]
    assert past.report.wrong == []


def test_the_same_seed_chooses_the_same_answers_and_another_others(tmp_path: Path) -> None:
    def told(name: str, seed: int) -> list[str]:
        folder = tmp_path / name
        folder.mkdir()
        past = rehearse(folder, "2026-01-01", "2026-03-31", answer_rate=0.5, seed=seed)
        return past.told("tandong")

    assert told("a", 7) == told("b", 7)
    assert told("c", 7) != told("d", 9)


MANY_TOWNS = "、".join(f"镇{number}" for number in range(30))
WECOM = (
    """\
plan: {title: 测试, office: 区农办, from: 2025-01-01}
defaults: {window: "09:00-09:01"}
channels:
  工作群: {kind: wecom, key: "${WECOM_KEY}", spread: 0}
units:
  区农办: {contacts: [{name: 张工, email: office@example.com}]}
"""
    + "".join(
        f"  镇{number}: {{contacts: [{{name: 王工, mobile: '13800000000'}}], channels: [工作群]}}\n"
        for number in range(30)
    )
    + f"""\
duties:
  - {{id: housing, title: 住房排查, rows: [1], when: 每月, responsible: "{MANY_TOWNS}"}}
"""
)


def test_messages_that_a_channels_limit_puts_off_to_another_day_are_wrong(tmp_path: Path) -> None:
    past = rehearse(tmp_path, "2026-01-01", "2026-01-06", WECOM)
    (wrong,) = past.report.wrong
    assert wrong.msgid.startswith("channel '{channel}': {count} messages do not leave on their day")
    # One call in 3.1 seconds, and two for a message that mentions somebody.
    assert past.tally.days[date(2026, 1, 4)].items == 10
    assert wrong.values == {"channel": "工作群", "count": 20}


@pytest.mark.parametrize(
    "url, says",
    [
        ("https://oa.example.cn/in", []),
        ("${OA_URL}", ["channel '工作群': OA_URL is not set"]),
    ],
)
def test_a_secret_that_is_not_set_yet_is_taken_for_no_bad_one(
    tmp_path: Path, url: str, says: list[str]
) -> None:
    hook = f'{{kind: webhook, url: "{url}", secret: "${{OA_SECRET}}"}}'
    group = '{kind: wecom, key: "${WECOM_KEY}", spread: 0}'
    plan = read_plan("schedules.yaml", WECOM.replace(group, hook))
    settings = load_settings({"DISPATCHER_HOSTS": "oa.example.cn"}, tmp_path)
    assert [str(why) for why in stage(settings, plan, None, lambda: True).unknown] == says


def test_a_step_that_never_comes_is_wrong(tmp_path: Path) -> None:
    calendar = MONTHLY.replace("when: 每月", "when: 每月, before: [60d, 1d]")
    past = rehearse(tmp_path, "2026-01-01", "2026-01-06", calendar)
    (wrong,) = past.report.wrong
    assert wrong.values == {"duty": "housing", "step": "T-60"}


def test_a_unit_that_nobody_can_tell_is_wrong(tmp_path: Path) -> None:
    calendar = MONTHLY.replace("email: tandong@example.com", "mobile: '13800000000'")
    past = rehearse(tmp_path, "2026-01-01", "2026-01-06", calendar)
    assert [wrong.values for wrong in past.report.wrong] == [{"unit": "潭东镇"}]


def test_what_rests_on_provisional_dates_is_counted(tmp_path: Path) -> None:
    past = rehearse(tmp_path, "2027-03-01", "2027-03-31")
    (note,) = past.report.notes
    assert note.values == {"count": 1, "duties": ["住房排查"]}


def a_letter(at: str, state: str = "sent", kind: str = "digest") -> Letter:
    instant = datetime.fromisoformat(f"{at}T01:00").replace(tzinfo=UTC)
    sent = Sent(1, "email", "a@example.com", kind, instant, state, 1, None, instant, "s", None)
    return Letter(sent, ["甲"], [])


@pytest.mark.parametrize(
    "kind, state, resting, lost",
    [("digest", "sent", 1, 0), ("status", "sent", 0, 0), ("digest", "failed", 0, 1)],
)
def test_a_message_on_a_rest_day_and_one_that_failed_are_counted(
    kind: str, state: str, resting: int, lost: int
) -> None:
    tally, sunday = Tally(8), datetime(2026, 3, 15, 1, tzinfo=UTC)
    tally.note([a_letter("2026-03-15", state, kind)], sunday, plan_with(), outage=False)
    assert (tally.resting.total(), tally.lost.total()) == (resting, lost)


def test_a_unit_with_two_contacts_gets_its_items_once_a_day(tmp_path: Path) -> None:
    two = "[{name: 王工, email: tandong@example.com}, {name: 赵工, email: zhao@example.com}]"
    calendar = MONTHLY.replace("[{name: 王工, email: tandong@example.com}]", two)
    past = rehearse(tmp_path, "2026-01-01", "2026-01-31", calendar, more_than=0)
    assert past.tally.months[2026, 1, "潭东镇"] == Load(8, 4)
    assert past.tally.heavy_days == 4
    assert past.tally.heaviest[0] == Heavy(1, date(2026, 1, 4), "潭东镇")
    page = (past.out / "index.html").read_text("utf-8")
    assert page.count('<span class="quiet">zhao@example.com</span>') == 4, "whose is whose"


Letters = Counter[tuple[date, str, str, str]]


def day_by_day(folder: Path, first: date, last: date) -> Letters:
    """What the service sends to a real mail server, with two passes a day."""
    found: Letters = Counter()
    with mail_server() as (sink, port):
        service = Service(folder, port, first)
        for day in days(first, last):
            service.pass_at(day, 9)
            answer_all_due(service, day)
            service.pass_at(day, 17)
            found.update(_received(sink, day))
        service.close()
    return found


def _received(sink: Sink, day: date) -> Letters:
    found = [opened(each) for each in sink.received]
    sink.received.clear()
    return Counter(
        (day, mail.address, mail.subject, mail.text) for mail in found if mail.kind != "系统启动"
    )


def rehearsed(folder: Path, first: date, last: date) -> tuple[Letters, Past]:
    shipped = (bootstrap.settings().home / "schedules.yaml").read_text("utf-8")
    past = rehearse(folder, str(first), str(last), shipped)
    letters = past.letters()
    found = Counter(
        (each.day, each.mail.address, each.mail.subject, each.mail.text)
        for each in letters
        if each.mail.kind != "系统启动"
    )
    assert past.tally.total.messages == len(letters)
    assert past.report.wrong == []
    return found, past


@pytest.mark.parametrize(
    "last", [date(2023, 3, 31), pytest.param(date(2023, 12, 31), marks=pytest.mark.campaign)]
)
def test_a_rehearsal_of_2023_gives_message_for_message_what_the_daemon_sends_day_by_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: date
) -> None:
    monkeypatch.chdir(ROOT)
    first = date(2023, 1, 1)
    found, _past = rehearsed(tmp_path, first, last)
    wanted = day_by_day(tmp_path / "service", first, last)
    assert len(wanted) > 400
    assert found == wanted
