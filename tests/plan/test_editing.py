"""Editing in place: only the lines that must change do, and what they come to is what was meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import DispatcherError
from dispatcher.plan.amending import add_duty, hand_over, remove_duty, set_duty, set_unit
from dispatcher.plan.comparing import compare
from dispatcher.plan.document import DUTY
from dispatcher.plan.editing import Verbatim, meaning, put, take
from dispatcher.plan.reading import read_plan
from tests import naive
from tests.plan.consequences import FIRST, LAST, Side, as_shipped, check, monthly

SHIPPED = (Path(__file__).parents[2] / "schedules.yaml").read_text("utf-8")
PLAN = read_plan("schedules.yaml", SHIPPED)
ORDER = [*DUTY.fields]
VALUES: dict[str, list[str]] = {
    "title": ["新的简称: 试"],
    "rows": ["5", "6"],
    "clause": ["三(九)"],
    "task": ["另一段要求,“引号”和'单引号' #不是说明"],
    "secret": ["true"],
    "when": ["每年3月10日前"],
    "responsible": ["区农办、区财政局,各镇(管理处)"],
    "lead": ["区财政局"],
    "expect": ["lead"],
    "roll": ["following"],
    "before": ["9d", "4wd"],
    "overdue": ["2wd", "every 4wd"],
    "open": ["false"],
    "min_workdays": ["7"],
    "from": ["2024-01-01"],
    "until": ["2029-12-30"],
    "measures": ["[{name: 户数, unit: 户, target: 不少于1}]"],
    "note": ["备注"],
}


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went and those that came; all above and below are the same, byte by byte."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return old, new


def lines_of(id: str, text: str = SHIPPED) -> list[str]:
    """The lines of a duty, from its id to the next one."""
    _head, _mark, tail = text.partition(f"  - id: {id}\n")
    return tail.partition("\n  - id: ")[0].splitlines(keepends=True)


@pytest.mark.parametrize("field", VALUES)
def test_set_of_a_field_of_each_shipped_duty_touches_the_lines_of_that_field_alone(
    field: str,
) -> None:
    for id in PLAN.duties:
        after = set_duty(SHIPPED, PLAN, id, field, VALUES[field])
        if after == SHIPPED:
            assert f"    {field}: {VALUES[field][0]}" in "".join(lines_of(id))
            continue
        gone, came = changed(SHIPPED, after)
        if field == "measures" and gone:
            # Comments between the key and its first line stay.
            assert all(line in lines_of(id) for line in came[1:]), (id, came)
            came = came[:1]
        assert len(came) == 1, (id, came)
        assert came[0].startswith(f"    {field}: "), (id, came)
        own = lines_of(id)
        assert all(line in own for line in gone), (id, gone)
        if field != "measures":
            assert len(gone) <= 1
        comment = gone[0].partition("  # ")[2] if gone and field not in ("task", "measures") else ""
        assert came[0].endswith(comment or "\n"), (id, came)


@pytest.mark.parametrize("field", [field for field in VALUES if not DUTY.fields[field].required])
def test_a_field_that_was_set_and_taken_out_again_leaves_the_file_as_it_was(field: str) -> None:
    for id in [*PLAN.duties][::5]:
        if not any(line.startswith(f"    {field}:") for line in lines_of(id)):
            text = set_duty(SHIPPED, PLAN, id, field, VALUES[field])
            assert set_duty(text, PLAN, id, field, [""]) == SHIPPED, id


def test_skip_and_move_add_a_period_below_those_that_are_there_and_go_with_the_last() -> None:
    one = set_duty(SHIPPED, PLAN, "dropout-check", "skip", ["2026-02", "春节期间"])
    two = set_duty(one, PLAN, "dropout-check", "skip", ["2026-04", "合并, 5月"])
    assert changed(SHIPPED, one) == ([], ["    skip:\n", "      2026-02: 春节期间\n"])
    assert changed(one, two) == ([], ["      2026-04: 合并, 5月\n"])
    assert set_duty(two, PLAN, "dropout-check", "skip", ["2026-04", ""]) == one
    assert set_duty(one, PLAN, "dropout-check", "skip", ["2026-02", ""]) == SHIPPED
    moved = set_duty(SHIPPED, PLAN, "dropout-check", "move", ["2026-04", "2026-05-08", "会议"])
    assert changed(SHIPPED, moved)[1][1] == "      2026-04: {to: 2026-05-08, reason: 会议}\n"


def test_a_unit_and_a_person_change_in_their_own_line() -> None:
    text = set_unit(SHIPPED, PLAN, "财政局", "superior", ["区农办"])
    assert changed(SHIPPED, text) == (
        ["    superior: 区分管领导\n"],
        ["    superior: 区农办\n"],
    )
    given = {
        "name": "李四",
        "email": "li@example.com",
        "mobile": "13900000000",
        "account": "zhangsan",
    }
    text = hand_over(SHIPPED, PLAN, "区财政局", "联络员", given)
    [came] = changed(SHIPPED, text)[1]
    assert came == (
        "      - {name: 李四, role: 联络员, email: li@example.com, "
        'mobile: "13900000000", account: zhangsan}\n'
    )
    with pytest.raises(DispatcherError, match="has no contact called '王五'"):
        hand_over(SHIPPED, PLAN, "区财政局", "王五", given)


def test_a_duty_is_added_below_the_last_and_removed_again_without_a_trace() -> None:
    given = {"responsible": "区农办,潭东镇", "title": "山塘检查", "when": "每年3月31日前"}
    text = add_duty(SHIPPED, PLAN, "pond", given)
    assert text.removeprefix(SHIPPED) == (
        "\n  - id: pond\n    title: 山塘检查\n    when: 每年3月31日前\n"
        "    responsible: 区农办,潭东镇\n"
    )
    assert remove_duty(text, read_plan("s", text), "pond") == SHIPPED
    with pytest.raises(DispatcherError, match="there is a duty 'pond' already"):
        add_duty(text, read_plan("s", text), "pond", given)


def test_a_removed_duty_takes_its_own_lines_and_no_other() -> None:
    for id in PLAN.duties:
        after = remove_duty(SHIPPED, PLAN, id)
        head, _mark, tail = SHIPPED.partition(f"  - id: {id}\n")
        rest = tail.splitlines(keepends=True)
        while rest and rest[0].startswith("    "):
            del rest[0]
        below = "".join(rest).removeprefix("\n") if head.endswith("\n\n") else "".join(rest)
        assert after in (head + below, (head + below).removesuffix("\n")), id
        assert [*read_plan("s", after).duties] == [each for each in PLAN.duties if each != id]


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.campaign)])
def test_what_set_changes_of_each_shipped_duty_is_what_an_independent_calendar_says(
    every: int,
) -> None:
    for id in [*PLAN.duties][::every]:
        before = as_shipped(id)
        # Measures name units that are to fill them in, and change no date.
        base = set_duty(SHIPPED, PLAN, id, "measures", [""])
        plan = read_plan("s", base)
        for words, after in edits(id, before) if before.lines else ():
            text = set_duty(base, plan, id, words[0], words[1:])
            found = compare(plan, read_plan("s", text), FIRST, LAST)
            check(found, before, after, f"{id} {words}")


def edits(id: str, before: Side) -> Iterator[tuple[list[str], Side]]:
    """Edits of a duty, and what it is after each."""
    lines, known = before.lines, naive.duties()[id]
    own = "".join(lines_of(id))
    day = date(2025, 7, 1)
    yield ["until", "2025-06-30"], before._replace(lines=[x for x in lines if x.nominal < day])
    yield ["from", f"{day}"], before._replace(lines=[x for x in lines if x.nominal >= day])
    yield ["open", "false"], before._replace(opens=False)
    one = next(line for line in lines if FIRST <= line.due <= LAST)
    yield ["skip", one.period, "合并"], before._replace(lines=[x for x in lines if x != one])
    to = date(2025, 12, 19)
    moved = one._replace(due=to, opens=min(one.opens, to))
    yield (
        ["move", one.period, f"{to}", "会议"],
        before._replace(lines=[moved if line == one else line for line in lines]),
    )
    if not before.progress:
        yield ["expect", "lead"], before._replace(owing=known["lead"].split())
    if "    lead: " not in own:
        units = ["区财政局"] if before.progress else ["区财政局", "潭东镇"]
        owing = units[: 1 if known["owes"] == "lead" else 2]
        yield ["responsible", "区财政局,潭东镇"], before._replace(units=units, owing=owing)
    if "every month" not in known["cadence"] and not before.progress:
        yield ["when", "每月"], before._replace(lines=monthly(), edited=True)


# -------------------------------------------------------------------- other files than the shipped

STYLES = [
    "duties:\n  - id: a\n    when: 每月   # 说明\n    title: 甲\n",
    "duties:\r\n- id: a\r\n  when: '每月'\r\n  title: \"甲\"   # 说明\r\n",
    "duties: [{id: a, when: 每月, title: 甲}]   # 说明\n",
    "{duties: [{id: a, when: '每月', title: 甲}]}",
    "duties:\n  - {id: a, when: 每月, title: 甲}\n  # 说明\n",
    "duties:\n  -   id: a\n      when: |\n        每月\n      title: 甲",
    "duties:\n  - id: a\n    when:\n      # 说明\n      每月\n    title:\n# 说明\nmore: b\n",
    "duties:\r\n  - id: a\r\n    when:\r\n      # 说明\r\n      每月\r\n    title: 甲\r\n",
]
LETTERS = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"])
TEXTS = st.text(LETTERS, min_size=1, max_size=12)
ODD = st.sampled_from(
    [
        *("a: b", "a #b", "- a", "", "null", "~", "[a", "{", "'", '"', "a, b", "是", "&x", "*x"),
        *("!x", "|", ">", "%", "@", "`", " a", "a ", "a:", "?", "-", "\\", "\t", "true"),
        *("2026-02", ":a", "#", "---", "...", "it's", 'a "b"', "a]", "}"),
    ]
)


@given(st.sampled_from(STYLES), st.sampled_from(["id", "when", "title", "note"]), TEXTS | ODD)
@settings(max_examples=600, deadline=None, derandomize=True)
def test_whatever_text_is_put_into_whatever_style_is_read_again_and_nothing_else_changes(
    text: str, field: str, value: str
) -> None:
    after = put(text, ("duties", 0, field), value, ORDER)
    wanted = meaning(text)
    wanted["duties"][0][field] = value
    assert meaning(after) == wanted
    assert "\r\n" not in text or "\n" not in after.replace("\r\n", "")
    assert "\r\r" not in after
    assert text.count("说明") == after.replace(value, "").count("说明")
    if field in ("note", "title") and text is not STYLES[6]:
        assert take(put(text, ("duties", 0, "note"), value, ORDER), ("duties", 0, "note")) in (
            text,
            f"{text}\n",
        )


@given(st.sampled_from(STYLES), st.lists(TEXTS | ODD, max_size=3))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_whatever_list_is_put_into_whatever_style_is_read_again(
    text: str, items: list[str]
) -> None:
    after = put(text, ("duties", 0, "when"), items)
    assert meaning(after)["duties"][0]["when"] == items
    verbatim = Verbatim(json.dumps(items, ensure_ascii=False))
    assert meaning(put(text, ("duties", 0, "note"), verbatim))["duties"][0]["note"] == items


def test_a_verbatim_value_cannot_bring_in_more_than_itself() -> None:
    for value in ("[a]\nother: b", "[a], b: c", "[a] # x", "[a", "[a]: b"):
        with pytest.raises(DispatcherError):
            put(STYLES[2], ("duties", 0, "when"), Verbatim(value))


def test_a_field_nobody_knows_or_too_many_words_are_refused() -> None:
    with pytest.raises(DispatcherError, match="unknown key 'wen'; did you mean: when"):
        set_duty(SHIPPED, PLAN, "dropout-check", "wen", ["每月"])
    with pytest.raises(DispatcherError, match="'title' takes one value"):
        set_duty(SHIPPED, PLAN, "dropout-check", "title", ["一", "二"])
    with pytest.raises(DispatcherError, match="move takes a period, a date and a reason"):
        set_duty(SHIPPED, PLAN, "dropout-check", "move", ["2026-04", "2026-05-08"])
