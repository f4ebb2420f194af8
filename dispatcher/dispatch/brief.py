"""What the office itself is told: the daily brief, the first start, and a test message.

Composition only: plain data in, the words of a message out. Each ``..._view`` gives a dict of
plain values for the templates; its ``subject`` and ``lines`` are the built-in text.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import NamedTuple

from dispatcher.dispatch.wording import (
    NUMERALS,
    SECRECY,
    View,
    clock_words,
    day_and_weekday,
    day_words,
    full_day,
    period_words,
)

INLINE = 3
"""Up to so many entries stand in one sentence; more get a line each."""
PHONE_AFTER = 3
"""After so many unanswered reminders the brief suggests a telephone call."""


class Line(NamedTuple):
    """An item of a unit; ``days`` late or left, ``times`` it was urged after its due date."""

    title: str
    unit: str
    due: date
    days: int
    times: int = 0
    period: str = ""


class Brief(NamedTuple):
    """What the office reads every workday, for the days ``since``..``today``.

    Messages are counted over those days (``queued``: still waiting now); the lists show what is
    open now, in the order in which they are given. ``changes`` counts what became of assignments
    without an answer, by what it was; ``attention`` are sentences in Chinese.
    """

    office: str
    today: date
    since: date
    due_count: int
    sent: int
    failed: int
    unknown: int
    queued: int
    overdue: tuple[Line, ...] = ()
    due_today: tuple[Line, ...] = ()
    due_week: tuple[Line, ...] = ()
    changes: tuple[tuple[str, int], ...] = ()
    attention: tuple[str, ...] = ()
    provisional_years: tuple[int, ...] = ()


class Status(NamedTuple):
    """What the office is told when the service starts for the first time.

    ``assignments`` have been entered by then; ``next`` is the local time of the next step.
    """

    office: str
    go_live: date
    title: str
    duties: int
    units: int
    assignments: int
    live: bool
    mailbox: str
    next: datetime | None
    warnings: tuple[str, ...] = ()


class Trial(NamedTuple):
    """A test message to a unit, at a local time."""

    unit: str
    office: str
    office_contact: str
    at: datetime


class Section(NamedTuple):
    """A heading and what stands under it."""

    head: str
    entries: tuple[str, ...]
    numbered: bool = False
    colour: str = ""


def brief_view(brief: Brief) -> View:
    """The daily brief, as the templates need it."""
    sections = [
        Section(*_sendings(brief)),
        Section(
            f"逾期未反馈{len(brief.overdue)}项", _overdue(brief), numbered=True, colour="#b00020"
        ),
        Section(
            f"今日到期{len(brief.due_today)}项",
            tuple(f"{line.unit},{_short_title(line, brief.today)}" for line in brief.due_today),
            numbered=True,
            colour="#8a5a00",
        ),
        Section(f"7日内到期{len(brief.due_week)}项", _week(brief), colour="#0b57a4"),
        Section("台账变动", _changes(brief)),
        Section("请处理", brief.attention),
        Section("暂定日期", _provisional(brief)),
    ]
    return _view(
        f"【督办日报】{day_and_weekday(brief.today, brief.today)}:{_totals(brief)}", sections
    )


def _totals(brief: Brief) -> str:
    counts = {
        "逾期{}项": len(brief.overdue),
        "今日到期{}项": len(brief.due_today),
        "发送异常{}条": brief.failed + brief.unknown,
        "请处理{}类": 0 if brief.failed + brief.unknown else len(brief.attention),
    }
    found = "、".join(words.format(count) for words, count in counts.items() if count)
    return found or (f"已发{brief.sent}条" if brief.due_count else "无应发提醒")


def _sendings(brief: Brief) -> tuple[str, tuple[str, ...]]:
    days = "今日"
    if brief.since < brief.today:
        days = f"{day_words(brief.since, brief.today)}至{day_words(brief.today, brief.today)}"
    trouble = brief.failed or brief.unknown or brief.queued
    if not (brief.due_count or trouble):
        return f"{days}无应发提醒" + ("" if brief.attention else ",系统运行正常"), ()
    counts = (
        f"应发{brief.due_count}条,已发{brief.sent}条,失败{brief.failed}条,结果不明{brief.unknown}条"
    )
    waiting = f",待发{brief.queued}条" if brief.queued else ""
    return f"{days}提醒", (f"{counts}{waiting}(已发不等于已签收)",)


def _overdue(brief: Brief) -> tuple[str, ...]:
    """Who is late; an item that the entry before has named is 同一事项."""
    lines = brief.overdue
    unheard = [line for line in lines if line.times >= PHONE_AFTER]
    some = len(unheard) < len(lines)
    found = []
    for before, line in zip((None, *lines), lines, strict=False):
        same = before and (before.title, before.period) == (line.title, line.period)
        title = "同一事项" if same else _short_title(line, brief.today)
        urged = f",已催{line.times}次" if line.times else ""
        phone = "(建议电话督促)" if some and line in unheard else ""
        found.append(f"{line.unit},{title},逾期{line.days}天{urged}{phone}")
    if unheard and not some:
        found[-1] += ",建议电话督促"
    return tuple(found)


def _short_title(line: Line, today: date) -> str:
    """The title and its period, without this year: a brief is read on its day."""
    words = period_words(line.period)
    short = words.removeprefix(f"{today.year}年") or words
    return f"{line.title}({short})" if short else line.title


def _week(brief: Brief) -> tuple[str, ...]:
    units = Counter((_short_title(line, brief.today), line.due) for line in brief.due_week)
    return tuple(
        f"{title}{count}个单位({day_words(due, brief.today)})"
        for (title, due), count in units.items()
    )


def _changes(brief: Brief) -> tuple[str, ...]:
    counted = "、".join(f"{what}{count}件" for what, count in brief.changes if count)
    return (counted,) if counted else ()


def _provisional(brief: Brief) -> tuple[str, ...]:
    if not brief.provisional_years:
        return ()
    years = "、".join(f"{year}年" for year in brief.provisional_years)
    return (f"{years}放假安排未公布,相关时限暂定;公布后请用 dispatcher calendar import 导入",)


def status_view(status: Status) -> View:
    """The first start, as the templates need it."""
    day = status.go_live
    sending = "正式发送"
    if not status.live:
        sending = f"试运行,信件只存入 {status.mailbox},不对外发送"
    upcoming = "暂无"
    if status.next:
        upcoming = f"{day_and_weekday(status.next.date(), day)}{clock_words(status.next)}"
    sections = [
        Section(f"催办系统已于{full_day(day)}启动,此前已到期的事项不催办", ()),
        Section("工作清单", (status.title,)),
        Section(
            "登记情况",
            (f"工作{status.duties}项,单位{status.units}个,已开始的任务{status.assignments}件",),
        ),
        Section("发送方式", (sending,)),
        Section("下次提醒", (upcoming,)),
        Section("请处理", status.warnings),
    ]
    return _view(f"【系统启动】{status.office}:催办系统已启动({day_words(day, day)})", sections)


def trial_view(trial: Trial) -> View:
    """A test message, as the templates need it."""
    day = trial.at.date()
    when = f"{day_and_weekday(day, day)}{clock_words(trial.at)}"
    lines = [
        f"{trial.unit}:",
        f"这是一封测试信,{when}由催办系统发出。收到即说明发送正常,无需办理,也无需反馈。",
        *([f"联系人:{trial.office_contact}"] if trial.office_contact else []),
        f"{trial.office} {full_day(day)}",
        SECRECY,
    ]
    subject = f"【测试】{trial.unit}:测试信,无需办理({day_words(day, day)})"
    return {"subject": subject, "lines": lines, "secrecy": SECRECY}


def _view(subject: str, sections: list[Section]) -> View:
    """Sections that say something, numbered 一、二、……, and the same as lines of text.

    Those without entries are left out, unless they come first: their head is the message.
    """
    said = [section for section in sections if section.entries or section is sections[0]]
    numerals = NUMERALS if len(said) > 1 else ""
    heads = [
        f"{numerals[index : index + 1]}{'、' if numerals else ''}{section.head}"
        for index, section in enumerate(said)
    ]
    return {
        "subject": subject,
        "sections": [
            {"head": head, "entries": list(section.entries), "colour": section.colour}
            for head, section in zip(heads, said, strict=True)
        ],
        "lines": [
            line
            for head, section in zip(heads, said, strict=True)
            for line in _section_lines(head, section)
        ]
        + [SECRECY],
        "secrecy": SECRECY,
    }


def _section_lines(head: str, section: Section) -> list[str]:
    """A section in one line, or in a line an entry when there are many."""
    if not section.entries:
        return [f"{head}。"]
    entries = section.entries
    many = len(entries) > INLINE
    if many or (section.numbered and len(entries) > 1):
        entries = tuple(f"{number}.{entry}" for number, entry in enumerate(entries, start=1))
    return [f"{head}:", *entries] if many else [f"{head}:{';'.join(entries)}"]
