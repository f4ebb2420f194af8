"""A message sheds detail before it is split, is split between entries, and loses nothing in
silence."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.channels.fitting import MOST, Line, Part, Space, parts
from tests.channels.robots import CLOSING, carded, entry, many
from tests.channels.servers import digest


def size(line: Line | str) -> int:
    return len((line if isinstance(line, str) else line.text).encode()) + 1


def fitted(outgoing, room: int = 4096) -> list[Part]:
    found = parts(outgoing, Space(room, size, size))
    for part in found:
        assert size(part.title) + sum(map(size, part.lines)) <= room
    return found


def texts(found: list[Part]) -> list[str]:
    return [line.text for part in found for line in part.lines]


def test_what_fits_is_said_whole_under_the_heads_of_its_colours() -> None:
    outgoing = carded([entry("甲"), entry("乙"), entry("丙", "blue")], subject="【催办】潭东镇")
    (part,) = fitted(outgoing)
    assert part.title == "【催办】潭东镇"
    assert [line.text for line in part.lines] == [
        "潭东镇:",
        "截至4月17日(周五)9时,你单位以下事项尚未办结:",
        "【红】已逾期1项",
        *_whole("1.甲"),
        *_whole("2.乙"),
        "【蓝】7日内到期1项",
        *_whole("3.丙"),
        *CLOSING,
    ]


def _whole(title: str) -> list[str]:
    return [
        title,
        "要求:每季度开展排查",
        "时限:3月31日(周二),已逾期17天",
        "第4次催办",
        "你单位为责任单位",
        "牵头单位:区住建局",
    ]


def test_detail_is_shed_before_anything_is_split() -> None:
    seen = []
    for count in range(1, 60):
        found = fitted(many(count))
        said = "\n".join(texts(found))
        how = "split" if len(found) > 1 else "whole" if "要求" in said else (
            "short" if "时限" in said else "brief")  # fmt: skip
        seen += [how] if how not in seen[-1:] else []
    assert seen == ["whole", "short", "brief", "split"]


def test_room_is_used_to_the_very_last_byte() -> None:
    outgoing = digest(subject="s", text="\n".join(["x" * 99] * 40))
    assert len(fitted(outgoing, 4002)) == 1
    first, *_others = fitted(outgoing, 4001)
    assert len(first.lines) == 39
    assert len(fitted(outgoing, 1007)[0].lines) == 10  # the title takes seven
    assert len(fitted(outgoing, 1006)[0].lines) == 9


def test_an_entry_on_one_line_keeps_its_colour_in_words_its_deadline_and_whose_it_is() -> None:
    long = entry("甲", notes=("注" * 1400,))
    (part,) = fitted(carded([long]))
    assert part.lines[2] == Line("1.【红】甲:3月31日(周二),已逾期17天;你单位为责任单位", "red")


@pytest.mark.parametrize("count", [60, 100, 150])
def test_parts_are_numbered_and_in_order_with_every_entry_whole(count: int) -> None:
    found = fitted(many(count))
    total = len(found)
    assert 1 < total <= MOST
    for number, part in enumerate(found, start=1):
        assert part.title.endswith(f"({number}/{total})")
    entries = [text for text in texts(found) if re.fullmatch(r"\d+\.【.+责任单位", text)]
    assert [int(text.partition(".")[0]) for text in entries] == list(range(1, count + 1))
    assert [text for text in texts(found) if text in CLOSING] == list(CLOSING)


def test_what_even_the_parts_do_not_hold_is_counted_and_sent_to_the_office() -> None:
    found = fitted(many(1000))
    assert len(found) == MOST
    said = texts(found)
    shown = [text for text in said if "【" in text]
    (note,) = [text for text in said if text.startswith("其余")]
    assert note == f"其余{1000 - len(shown)}项从略,请向区农办查询。"
    assert said[-3:] == list(CLOSING)
    room = sum(4096 - size(part.title) - sum(map(size, part.lines)) for part in found[:-1])
    assert room < MOST * 200  # no part is left empty


def test_an_entry_longer_than_a_part_is_cut_between_characters() -> None:
    found = fitted(carded([entry("长" * 3000 + "尾")]))
    assert "".join(texts(found)).count("长") == 3000
    assert "尾" in "".join(texts(found))


def test_a_subject_without_end_is_cut() -> None:
    (part,) = fitted(carded([entry("甲")], subject="题" * 5000))
    assert part.title == "题" * 80


def test_a_text_is_split_between_its_lines() -> None:
    lines = [f"第{number:04}行,内容是一样的" for number in range(300)]
    found = fitted(digest(text="\n".join(lines)))
    assert texts(found) == lines
    assert len(found) > 1


def test_a_text_that_is_too_long_says_how_much_is_missing() -> None:
    found = fitted(digest(text="\n".join(f"第{number:04}行" for number in range(3000))))
    assert len(found) == MOST
    said = texts(found)
    assert said[-1] == f"其余{3000 - (len(said) - 1)}行从略,请向区农办查询。"


@settings(max_examples=60, deadline=None)
@given(
    titles=st.lists(st.text(max_size=900), max_size=12),
    subject=st.text(max_size=300),
    room=st.integers(3500, 20_000),
)
def test_no_part_is_ever_too_large(titles: list[str], subject: str, room: int) -> None:
    found = fitted(carded([entry(title, task=title) for title in titles], subject=subject), room)
    assert 1 <= len(found) <= MOST
    assert found == fitted(
        carded([entry(title, task=title) for title in titles], subject=subject), room
    )
