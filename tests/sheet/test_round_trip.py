"""What was written is what is read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.sheet import Entry
from dispatcher.sheet.content import CUT, MOST_CHARACTERS, fitting
from dispatcher.sheet.writing import write_sheet
from tests.sheet.samples import DROPOUT, FILE, JOBS, MEDICAL, SHEET, filled, read, sheet_of

TEXTS = st.one_of(
    st.text(),
    st.sampled_from(["=1+1", "_x0041_", "_x005F_x000D_", "a\r\nb", "😀" * 3, "2026-10-20", "98%"]),
)


def read_progress(text: str) -> str:
    [entry] = read(write_sheet(sheet_of(progress=text))).entries
    assert not entry.changed
    return entry.progress


def test_a_sheet_that_nobody_touched_says_what_was_exported() -> None:
    returned = read(write_sheet(SHEET))
    assert (returned.file, returned.unit) == (FILE, "区社管局")
    assert returned.entries[:2] == (
        Entry(
            key=DROPOUT.key,
            progress="已摸排3个镇",
            status="正在办理",
            extend_to=None,
            note="",
            figures=(),
            figure_rows={},
            row=4,
            sheet="台账",
            file=FILE,
            changed=False,
        ),
        Entry(
            key=MEDICAL.key,
            progress="",
            status="未启动",
            extend_to=None,
            note="",
            figures=(("资助人数", "300"),),
            figure_rows={"参保率": 6, "资助人数": 7},
            row=5,
            sheet="台账",
            file=FILE,
            changed=False,
        ),
    )
    assert not returned.entries[2].changed


def test_what_was_filled_in_is_read_and_marks_its_item_alone() -> None:
    first, second, third = read(
        filled({"L4": "全部摸排完毕", "M4": "已办结", "S4": "见附件", "N6": 0.987, "N7": 334.50})
    ).entries
    assert (first.progress, first.status, first.note) == ("全部摸排完毕", "已办结", "见附件")
    assert second.figures == (("参保率", "98.7%"), ("资助人数", "334.5"))
    assert [first.changed, second.changed, third.changed] == [True, True, False]


def test_an_extension_is_read_from_a_date() -> None:
    entry = read(filled({"O4": date(2026, 11, 20)})).entries[0]
    assert (entry.extend_to, entry.changed) == (date(2026, 11, 20), True)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20",
        "2026/11/20",
        "2026.11.20",
        "2026年11月20日",
        " 2026年 11月20日 ",
        "２０２６-11-20",
    ],
)
def test_an_extension_is_read_from_a_text(text: str) -> None:
    assert read(filled({"O4": text})).entries[0].extend_to == date(2026, 11, 20)


@pytest.mark.parametrize(
    "value, figure",
    [
        (0.987, "98.7%"),
        ("98.7%", "98.7%"),
        ("98.7", "98.7%"),
        ("９８．７％", "98.7%"),
        (1, "100%"),
        (0, "0%"),
    ],
)
def test_a_percentage_is_read_as_it_is_shown_with_its_sign(value: object, figure: str) -> None:
    assert read(filled({"N6": value})).entries[1].figures[0] == ("参保率", figure)


@pytest.mark.parametrize(
    "value, figure", [(334, "334"), ("1,334", "1334"), (98.69999999999999, "98.7")]
)
def test_a_number_is_read_as_the_program_shows_it(value: object, figure: str) -> None:
    assert read(filled({"N7": value})).entries[1].figures == (("资助人数", figure),)


def test_an_emptied_figure_is_a_change_and_no_figure() -> None:
    entry = read(filled({"N7": None})).entries[1]
    assert (entry.figures, entry.changed) == ((), True)


def test_a_status_typed_with_spaces_is_read() -> None:
    assert read(filled({"M4": " 已办结 "})).entries[0].status == "已办结"


def test_a_number_or_a_date_in_a_text_is_read_as_it_is_shown() -> None:
    entry = read(filled({"L4": 12, "S4": date(2026, 10, 20)})).entries[0]
    assert (entry.progress, entry.note) == ("12", "2026-10-20")


def test_line_ends_as_some_programs_spell_them_are_line_ends() -> None:
    assert read(filled({"L4": "第一行_x000D_\n第二行"})).entries[0].progress == "第一行\n第二行"


@settings(max_examples=30)
@given(TEXTS)
def test_any_text_comes_back(text: str) -> None:
    assert read_progress(text) == fitting(text).strip()


@settings(max_examples=30)
@given(st.text("ab_x0041F5", max_size=60))
def test_a_text_that_looks_like_the_files_own_spelling_comes_back(text: str) -> None:
    assert read_progress(text).replace("＿", "_") == text


def test_control_characters_are_replaced_visibly() -> None:
    assert read_progress("a\x00b\x07c\x1fd\ud800") == "a␀b␇c␟d\ufffd"


@pytest.mark.parametrize("character", ["字", "😀", "_x0041_"])
def test_a_text_that_no_cell_can_hold_is_cut_visibly(character: str) -> None:
    progress = read_progress(character * 40_000)
    assert progress.endswith(CUT)
    assert len(progress.encode("utf-16-le")) // 2 <= MOST_CHARACTERS
    assert len(write_sheet(sheet_of(progress=character * 40_000))) < 100_000


def test_the_longest_text_comes_back_whole() -> None:
    assert read_progress("字" * MOST_CHARACTERS) == "字" * MOST_CHARACTERS


@settings(max_examples=30)
@given(st.decimals(min_value=0, max_value=100, places=4))
def test_any_percentage_comes_back(value: Decimal) -> None:
    figure = MEDICAL.figures[0]._replace(value=value)
    [entry] = read(write_sheet(sheet_of(key=MEDICAL.key, figures=(figure,)))).entries
    number, sign, _rest = dict(entry.figures)["参保率"].partition("%")
    assert (Decimal(number), sign) == (value, "%")
    assert not entry.changed


@settings(max_examples=30)
@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_any_number_comes_back(value: Decimal) -> None:
    figure = JOBS._replace(value=value)
    [entry] = read(write_sheet(sheet_of(key=MEDICAL.key, figures=(figure,)))).entries
    assert Decimal(dict(entry.figures)["资助人数"]) == value
    assert not entry.changed
