"""YAML, strictly: hostile and half-written files give a clear error, quickly, and nothing else."""

from __future__ import annotations

import random
from datetime import date, time
from pathlib import Path
from time import perf_counter

import pytest

from dispatcher.errors import PlanError
from dispatcher.plan.nodes import read_nodes
from dispatcher.plan.reading import read_plan

SHIPPED = (Path(__file__).parents[2] / "schedules.yaml").read_text("utf-8")
HEAD = "plan: {title: 测试, office: 甲, from: 2023-01-01}\nunits: {甲: {}}\n"
LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{letter}: &{letter} [{', '.join(['*' + before] * 9)}]\n"
    for before, letter in zip("abcdefghi", "bcdefghij", strict=True)
)


def refused(text: str, within: float = 1.0) -> str:
    begun = perf_counter()
    with pytest.raises(PlanError) as error:
        read_plan("s.yaml", text)
    assert perf_counter() - begun < within
    return str(error.value)


# --------------------------------------------------------------------------------- hostile files


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "s.yaml:1:1: the file is empty; start with 'dispatcher init'"),
        ("\n\n  \n", "s.yaml:1:1: the file is empty"),
        ("# 只有说明\n", "s.yaml:1:1: the file is empty"),
        ("---\n...\n", "s.yaml:1:1: the file is empty"),
        ("~", "s.yaml:1:1: the file is empty"),
        (
            HEAD + 'duties:\n  - {id: a, title: "甲\\0"}\n',
            "s.yaml:4:20: the control character U+0000",
        ),
        (HEAD + '"甲\\x1b": 1\n', "s.yaml:3:1: the control character U+001B"),
        ("你好", "s.yaml:1:1: '你好' should be a mapping: lines of the form 'key: ...'"),
        ("- 甲\n", "s.yaml:1:1: should be a mapping: lines of the form 'key: ...'"),
        (LAUGHS, "s.yaml:1:4: anchors and aliases (&a, *a) are not used here"),
        ("a: &a [*a]\n", "s.yaml:1:4: anchors and aliases (&a, *a) are not used here"),
        (HEAD + "duties: *none\n", "s.yaml:3:9: anchors and aliases (&none, *none) are not"),
        (HEAD + "duties: []\n<<: {title: x}\n", "s.yaml:4:1: unknown key '<<'"),
        (HEAD + "units: {}\n", "s.yaml:3:1: key 'units' stands here twice; first on line 2"),
        ("plan: {title: 一, title: 二}\n", "s.yaml:1:18: key 'title' stands here twice; first on"),
        ("!!python/object/apply:os.system [ls]\n", "s.yaml:1:1: tag 'tag:yaml.org,2002:python/"),
        ("plan: !!python/name:os.system x\n", "s.yaml:1:7: tag 'tag:yaml.org,2002:python/name"),
        ("plan: !!binary aGVsbG8=\n", "s.yaml:1:7: tag 'tag:yaml.org,2002:binary' is not used"),
        ("plan: !!set {a, b}\n", "s.yaml:1:7: tag 'tag:yaml.org,2002:set' is not used here"),
        ("plan: !secret x\n", "s.yaml:1:7: tag '!secret' is not used here; remove it"),
        ("? [a, b]\n: c\n", "s.yaml:1:3: a key must be a word, not a list or a mapping"),
        (HEAD + "duties: []\n---\nplan: {}\n", "s.yaml:4:1: a second document begins here"),
        ("[" * 100_000, "s.yaml:1:21: nested deeper than 20 levels"),
        ("{a: " * 100_000, "nested deeper than 20 levels"),
        ("- " * 100_000, "nested deeper than 20 levels"),
        ("plan: {title: '没有结尾\n", "the quote that opens here is not closed"),
        ("plan: [1, 2\n", "lacks a comma, or its ']'"),
        ("plan: {title: 测试}}\n", "a bracket is too many"),
        ("plan: {title: a\nb: c\n", "lacks a comma, or its '}'"),
        ("plan:\n  title: a\n office: b\n", "s.yaml:3:2: the indentation does not fit"),
        ('plan:\n  title: "关于"三农"工作"\n', "s.yaml:2:13: the quote ends here"),
        ("plan: a: b\n", "s.yaml:1:8: a second ': ' on one line"),
        ("plan: - a\n", "s.yaml:1:7: a list begins below its key"),
        ("%YAML 9.9\n---\na: b\n", "YAML"),
        ("plan: \x00\n", "s.yaml:1:7: a character that YAML does not allow"),
        ("a: b\nplan: 测\x07试\n", "s.yaml:2:8: a character that YAML does not allow"),
        ("plan: '\ud800'\n", "s.yaml:1:8: a character that YAML does not allow"),
        ("plan: @home\n", "s.yaml:1:7"),
        ("plan: `x`\n", "s.yaml:1:7"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_within_a_second(text: str, says: str) -> None:
    assert says in refused(text)


def test_a_file_over_8_mb_is_refused_before_it_is_parsed() -> None:
    many = HEAD + "#" * (8 * 1024 * 1024)
    assert "s.yaml:1:1: the file is larger than 8 MB" in refused(many)
    chinese = "# " + "测" * (8 * 1024 * 1024 // 3 + 1)
    assert "s.yaml:1:1: the file is larger than 8 MB" in refused(chinese)


def test_a_file_just_under_8_mb_is_read() -> None:
    text = HEAD + "duties: []\n" + "#" * (8 * 1024 * 1024 - 1000)
    assert read_plan("s.yaml", text).duties == {}


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert read_plan("s.yaml", "\ufeff" + HEAD + "duties: []\n").title == "测试"


def test_windows_line_ends_are_no_mistake() -> None:
    text = SHIPPED.replace("\n", "\r\n")
    assert read_plan("s.yaml", text).duties.keys() == read_plan("s.yaml", SHIPPED).duties.keys()


@pytest.mark.parametrize(
    "when",
    [
        "每年" + "1" * 20_000 + "次",
        "每年999999次",
        "除" * 50_000,
        "{rrule: 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30'}",
        "{rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'}",
        "{rrule: 'FREQ=DAILY;BYMONTHDAY=32'}",
        "{rrule: 'FREQ=DAILY;BYYEARDAY=367'}",
        "{rrule: 'FREQ=DAILY;BYWEEKNO=54'}",
        "{rrule: 'FREQ=WEEKLY;BYSETPOS=9'}",
        "{rrule: 'BYSETPOS=2;FREQ=DAILY'}",
    ],
)
def test_a_cadence_that_would_take_long_to_work_out_is_refused_within_a_second(when: str) -> None:
    duty = f"duties:\n  - {{id: a, title: 工作, responsible: 甲, when: {when}}}\n"
    refused(HEAD + duty)


# ----------------------------------------------------------------- what clerks most often get wrong


@pytest.mark.parametrize(
    "text, says",
    [
        ("plan:\n\ttitle: 测试\n", "s.yaml:2:1: a tab; indent with spaces"),
        ("plan:\n  title: 测试\n \toffice: 甲\n", "s.yaml:3:2: a tab; indent with spaces"),
        (
            "plan: {title： 测试, office: 甲}\nunits: {甲: {}}\nduties: []\n",
            "s.yaml:1:8: full-width '：': YAML needs the half-width ':' here",
        ),
        (
            "plan:\n  title：测试\n  office: 甲\n",
            "s.yaml:2:8: full-width '：': YAML needs the half-width ':' here",
        ),
        (
            "units:\n  甲：\n    level: town\n",
            "s.yaml:2:4: full-width '：': YAML needs the half-width ':' here",
        ),
        (
            "duties:\n  - id：a\n    title: 工作\n",
            "s.yaml:2:7: full-width '：': YAML needs the half-width ':' here",
        ),
        (
            "plan: {title: 测试， office: 甲}\n",
            "s.yaml:1:17: full-width '，': YAML needs the half-width ',' here",
        ),
        (
            "plan:\n\u3000\u3000title: 测试\n  office: 甲\n",
            "full-width '\u3000': YAML needs the half-width ' ' here",
        ),
    ],
)
def test_a_slip_of_the_input_method_is_named_where_it_stands(text: str, says: str) -> None:
    assert says in refused(text)


def test_a_full_width_colon_alone_on_a_line_is_hinted_at() -> None:
    says = refused(HEAD.replace("units: {甲: {}}", "units：") + "duties: []\n")
    assert "s.yaml:2:6: full-width '：'" in says


def test_a_full_width_comma_between_names_is_hinted_at() -> None:
    says = refused(HEAD + "groups: {大家: [甲，甲]}\nduties: []\n")
    assert "full-width '，'" in says


# --------------------------------------------------------------------------- YAML 1.2, not 1.1


def test_words_and_times_are_not_taken_for_something_else() -> None:
    text = """\
plan: {title: on, office: yes, from: 2023-01-01}
calendar: {holidays: none, ranges: {off: [{name: 0123, from: 2026-01-01, to: 2026-01-02}]}}
defaults: {at: 9:00, window: 8:30-17:30, roll: none, min_workdays: 010}
units:
  yes: {aliases: [no, 12:30:45, 0x1F, 1e3, .inf, 1_000, True]}
duties:
  - {id: 0123, title: 2026-01-01, clause: 8:30, rows: [0012], when: 每月, responsible: no}
"""
    plan = read_plan("s.yaml", text)
    (duty,) = plan.duties.values()
    assert (plan.title, plan.office) == ("on", "yes")
    assert plan.units["yes"].aliases == ("no", "12:30:45", "0x1F", "1e3", ".inf", "1_000", "True")
    assert (plan.defaults.at, plan.defaults.window) == (time(9), (time(8, 30), time(17, 30)))
    assert (plan.defaults.roll, plan.defaults.min_workdays) == ("none", 10)
    assert plan.ranges["off"][0].name == "0123"
    assert plan.ranges["off"][0].first == date(2026, 1, 1)
    assert (duty.id, duty.title, duty.clause, duty.rows) == ("0123", "2026-01-01", "8:30", (12,))
    assert duty.lead == ("yes",)


@pytest.mark.parametrize("word", ["yes", "on", "True", "TRUE", "1", "y", '"true"'])
def test_only_true_and_false_are_yes_and_no(word: str) -> None:
    duty = f"  - {{id: a, title: 工作, when: 每月, responsible: 甲, open: {word}}}\n"
    assert "should be true or false" in refused(HEAD + "duties:\n" + duty)


@pytest.mark.parametrize("word", ["1_0", "0x1", "0o7", "1.0", "1e1", "+1", '"1"', "１"])
def test_only_plain_digits_are_a_number(word: str) -> None:
    duty = f"  - {{id: a, title: 工作, when: 每月, responsible: 甲, rows: [{word}]}}\n"
    assert "should be a number from 1 to 9999" in refused(HEAD + "duties:\n" + duty)


def test_places_count_lines_and_columns_from_1_in_letters_not_bytes() -> None:
    root = read_nodes("s.yaml", "甲乙: {丙: [丁, 戊]}\n己: 庚\n")
    (key, value), (_other, last) = root.value.values()
    assert (key.place, value.place) == ((1, 1), (1, 5))
    (_key, items) = value.value["丙"]
    assert [item.place for item in items.value] == [(1, 10), (1, 13)]
    assert last.place == (2, 4)


# ----------------------------------------------------------------------------- half-written files

FUZZ = random.Random(2023)
CONTENT = SHIPPED.encode()
CUTS = sorted(FUZZ.sample(range(len(CONTENT)), 500))
LETTERS = (
    "：，　【】“”\t\n -#:,[]{}\"'&*!|>%@`?~0年月周日前后除外每、9z/\x00\x85\u2028\ufeff\U0001f600"
)
EDITS = [
    (FUZZ.randrange(len(SHIPPED)), FUZZ.choice(("put", "drop", "swap")), FUZZ.choice(LETTERS))
    for _number in range(500)
]


def read_or_refuse(text: str) -> None:
    """Anything but a plan or a PlanError with places fails the test."""
    try:
        read_plan("s.yaml", text)
    except PlanError as error:
        problems = error.problems
    else:
        return
    assert problems
    assert all(place.line > 0 < place.column for place, _text, _duty in problems)


@pytest.mark.parametrize("part", range(10))
def test_a_shipped_calendar_cut_short_anywhere_is_a_plan_or_a_plan_error(part: int) -> None:
    for cut in CUTS[part::10]:
        read_or_refuse(CONTENT[:cut].decode("utf-8", "replace"))


@pytest.mark.parametrize("part", range(10))
def test_a_shipped_calendar_with_one_wrong_letter_is_a_plan_or_a_plan_error(part: int) -> None:
    for place, kind, letter in EDITS[part::10]:
        if kind == "put":
            text = SHIPPED[:place] + letter + SHIPPED[place:]
        elif kind == "drop":
            text = SHIPPED[:place] + SHIPPED[place + 1 :]
        else:
            text = SHIPPED[:place] + letter + SHIPPED[place + 1 :]
        read_or_refuse(text)


def test_a_colon_without_a_space_is_hinted_at_on_its_own_line() -> None:
    says = refused(HEAD + "duties:\n  - id: a\n    title:农村\n    when: 每月\n")
    assert "a space is missing after this ':'" in says


def test_a_quote_that_is_never_closed_is_named_where_it_opens() -> None:
    says = refused(HEAD + 'duties:\n  - {id: a, title: "农村, when: 每月}\n')
    assert "the quote that opens here is not closed" in says
