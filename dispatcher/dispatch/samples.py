"""Messages to try templates with: of each kind one that says all that it may, and a bare one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from dispatcher.dispatch.brief import (
    Brief,
    Line,
    Status,
    Trial,
    brief_view,
    status_view,
    trial_view,
)
from dispatcher.dispatch.digest import IN_FULL, Digest, digest_view
from dispatcher.dispatch.letter import Earlier, Letter, letter_view
from dispatcher.dispatch.wording import View
from dispatcher.ledger.items import Item
from dispatcher.plan.workdays import Workdays

TODAY = date(2026, 4, 17)
NOW = datetime(2026, 4, 17, 9, tzinfo=UTC)
DAY = timedelta(days=1)
BARE = Item(
    unit="甲单位",
    role="responsible",
    owes=True,
    duty="work",
    title="工作",
    task="",
    rows=(),
    clause="",
    period="",
    opens=TODAY,
    due=TODAY,
    nominal=TODAY,
    provisional=False,
    progress=False,
    step="T",
)
FULL = BARE._replace(
    task="做好工作",
    rows=(1,),
    clause="一",
    period="2026-Q1",
    nominal=TODAY + DAY,
    provisional=True,
    progress=True,
    times=2,
    lapsed=1,
    lead=("乙单位",),
    missed=True,
)
ITEMS = (
    FULL._replace(due=TODAY - DAY, step="T+1"),
    FULL,
    FULL._replace(role="lead", due=TODAY + DAY, step="moved", old_due=TODAY),
    FULL._replace(due=TODAY + DAY, missed=False),
    FULL._replace(due=TODAY + 30 * DAY, missed=False),
    FULL._replace(due=TODAY - DAY, addressee="superior"),
    FULL._replace(owes=False),
    FULL._replace(step="waived", remark="已调整"),
    FULL._replace(step="withdrawn"),
)
DIGEST = Digest(("甲单位",), TODAY, NOW, "办公室", "", (BARE,))
BRIEF = Brief("办公室", TODAY, TODAY, due_count=0, sent=0, failed=0, unknown=0, queued=0)
LINES = tuple(Line("工作", f"单位{n}", TODAY, n, n, "2026-Q1") for n in range(4))
STATUS = Status("办公室", TODAY, "计划", 1, 1, 1, True, "", None)
TRIAL = Trial("甲单位", "办公室", "", NOW)
LETTER = Letter(
    code="",
    name="督办单",
    colour="蓝",
    unit="甲单位",
    copies=(),
    role="responsible",
    title="工作",
    period="",
    task="",
    rows=(),
    clause="",
    lead=("乙单位",),
    due=TODAY,
    provisional=False,
    times=0,
    earlier=(),
    demand="请反馈",
    answer_due=TODAY,
    office="办公室",
    contact="",
    today=TODAY,
)


def samples() -> Iterator[tuple[str, View]]:
    """Each kind of message with what a template of it is given, the bare one first."""
    for digest in (DIGEST, _full_digest()):
        yield "digest", digest_view(digest, Workdays("none"))
    for brief in (BRIEF, _full_brief()):
        yield "brief", brief_view(brief)
    for status in (STATUS, STATUS._replace(live=False, next=NOW, warnings=("请核对",))):
        yield "status", status_view(status)
    for trial in (TRIAL, TRIAL._replace(office_contact="张三")):
        yield "test", trial_view(trial)
    for letter in (LETTER, _full_letter()):
        yield "slip", letter_view(letter)


def _full_digest() -> Digest:
    """Of two units, and more than is shown in full."""
    assert len(ITEMS) > IN_FULL
    return DIGEST._replace(units=("甲单位", "丙单位"), office_contact="张三", items=ITEMS)


def _full_brief() -> Brief:
    return BRIEF._replace(
        since=TODAY - DAY,
        due_count=4,
        sent=1,
        failed=1,
        unknown=1,
        queued=1,
        overdue=LINES,
        due_today=LINES,
        due_week=LINES,
        changes=(("撤销", 1),),
        attention=("请核对",),
        provisional_years=(2027,),
    )


def _full_letter() -> Letter:
    return LETTER._replace(
        code="〔2026〕1号",
        copies=("丙单位",),
        period="2026-Q1",
        task="做好工作",
        rows=(1,),
        provisional=True,
        times=2,
        earlier=(Earlier("提醒单", "〔2026〕1号", TODAY),),
        contact="张三",
    )
