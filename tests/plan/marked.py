"""Calendars with a mark at the place that the error must name."""

from __future__ import annotations

import pytest

from dispatcher.errors import PlanError
from dispatcher.plan.reading import read_plan

HERE = "‸"
"""Marks in a text the place that the error must name; it is not part of the text."""

WHOLE = """\
plan: {title: 测试, timezone: Asia/Shanghai, office: 甲, from: 2023-01-01}
calendar:
  ranges:
    寒暑假:
      - {name: 2026年寒假, from: 2026-01-31, to: 2026-03-01}
defaults:
  roll: preceding
units:
  甲:
    contacts:
      - {name: 张工, email: a@example.com}
  乙: {aliases: [乙方]}
groups:
  大家: [甲, 乙]
duties:
  - id: first
    title: 第一项
    when: 每月
    responsible: 甲、乙
  - id: second
    title: 第二项
    when: 每季度
    responsible: 大家
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PlanError) as refused:
        read_plan("s.yaml", text)
    return str(refused.value).splitlines()


def place_of(marked: str) -> str:
    before = marked.split(HERE, maxsplit=1)[0]
    line = before.count("\n") + 1
    return f"s.yaml:{line}:{len(before) - before.rfind(chr(10))}"


def assert_one_problem(marked: str, says: str) -> None:
    """``says`` begins with the duty, if any: the whole of what follows the place."""
    (problem,) = problems(marked.replace(HERE, ""))
    where, _blank, what = problem.partition(" ")
    assert where.removesuffix(":") == place_of(marked)
    assert what.startswith(says), problem


def changed(old: str, new: str) -> str:
    assert WHOLE.count(old) == 1, old
    return WHOLE.replace(old, new)
