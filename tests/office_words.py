"""How the naive model's digests read: each item with its colour, its deadline and its notices."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import NamedTuple

from tests.mail import Entry, Told
from tests.naive import DAY
from tests.office_part import CLOSED, Part

GROUPS = {
    "red": ("红", "逾期{}项"),
    "today": ("黄", "今日到期{}项"),
    "short": ("黄", "指标未达到{}项"),
    "soon": ("蓝", "7日内到期{}项"),
    "later": ("待办", "待办{}项"),
    "above": ("上报", "下属单位逾期{}项"),
    "copy": ("抄送", "抄送{}项"),
    "waived": ("免报", "免报{}项"),
    "withdrawn": ("撤销", "撤销{}项"),
}
"""The mark of an item, and how the subject counts it, in the order of the subject."""


class Item(NamedTuple):
    """A part in a digest of ``day``, with its title in words, and how many earlier periods of the
    duty its unit let lapse; ``above`` says that it is told to those above the unit."""

    part: Part
    title: str
    lapsed: int
    day: date
    above: bool = False

    @property
    def group(self) -> str:
        part, day = self.part, self.day
        if part.state in CLOSED:
            return part.state
        if self.above or not part.owes:
            return "above" if self.above else "copy"
        if part.due <= day:
            return "red" if part.due < day else "today"
        if part.misses:
            return "short"
        return "soon" if part.due <= day + 7 * DAY else "later"

    def entry(self) -> Entry:
        mark = GROUPS[self.group][0]
        if self.part.state in CLOSED:
            due = f"原为{with_weekday(self.part.due, self.day)}"
            return Entry(mark, self.title, due, (f"{self._said()[-1]},无需再办理和反馈",))
        late = self.part.unit if self.above else ""
        return Entry(mark, self.title, self._deadline(), tuple(filter(None, self._notes())), late)

    def _deadline(self) -> str:
        part, left = self.part, (self.part.due - self.day).days
        said = f"还有{left}天" if left > 0 else "今日到期" if not left else f"已逾期{-left}天"
        words = [with_weekday(part.due, self.day), said]
        if part.urged and part.owes and left < 0:
            words.append(f"第{len(part.urged)}次催办")
        return ",".join([*words, "暂定"] if part.line.provisional else words)

    def _notes(self) -> list[str]:
        part = self.part
        lapsed = f"另有{self.lapsed}期逾期未办" if self.lapsed else ""
        if self.above:
            return [lapsed]
        return [
            *self._said(),
            "全年推进事项,请报进展" if part.progress and part.owes else "",
            "上次反馈的指标未达到要求" if part.misses else "",
            lapsed,
            "" if part.owes else "抄送,无需反馈",
        ]

    def _said(self) -> list[str]:
        return [self._notice(*notice) for notice in self.part.notices]

    def _notice(self, kind: str, note: str, old_due: date | None) -> str:
        why, new = (f":{note}" if note else ""), with_weekday(self.part.due, self.day)
        old = with_weekday(old_due, self.day) if old_due else ""
        again = f",请于{new}前重新反馈" if old_due else ",请重新反馈"
        return {
            "grant": f"延期申请已同意,时限由{old}调整为{new}{why}",
            "refuse": f"延期申请未获同意,仍按原时限办理{why}",
            "return": f"退回重办{why}{again}",
            "reopen": f"重新办理{why}{again}",
            "waive": f"已同意免报{why}",
            "withdraw": f"该事项已撤销{why}",
        }[kind]


def digest(unit: str, items: list[Item], day: date) -> Told:
    """A unit's digest of a day."""
    counts = Counter(item.group for item in items)
    kind = "催办" if counts["red"] else "报告" if counts["above"] else "提醒"
    totals = "、".join(
        words.format(counts[group]) for group, (_mark, words) in GROUPS.items() if counts[group]
    )
    subject = f"【{kind}】{unit}:{totals}({day.month}月{day.day}日)"
    return Told(subject, tuple(sorted(item.entry() for item in items)))


def with_weekday(day: date, today: date) -> str:
    year = "" if day.year == today.year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日(周{'一二三四五六日'[day.weekday()]})"


def period_words(period: str) -> str:
    """``2026-Q1`` and its like in words; a name stays as it is."""
    year, dash, rest = period.partition("-")
    if not dash:
        number = period.partition(".")
        return f"{number[0]}年第{number[2]}次" if number[2] else period + "年" * period.isdigit()
    if rest[0] == "Q":
        return f"{year}年第{'一二三四'[int(rest[1]) - 1]}季度"
    return f"{year}年" + (f"{'上下'[int(rest[1]) - 1]}半年" if rest[0] == "H" else f"{int(rest)}月")
