"""A colour slip as an office writes it: a plain letter (函), without red head or seal.

Composition only: plain data in, a dict of plain values for the templates out.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from dispatcher.dispatch.digest import ROLES
from dispatcher.dispatch.wording import (
    View,
    day_and_weekday,
    day_words,
    full_day,
    sources,
    titled,
)

UNNUMBERED = "(草稿,未编号)"
SECRECY = "(请勿回复涉密内容和群众个人信息)"
"""Not the digest's words: a slip is not sent by itself, a person has released it."""
COLOURS = {"蓝": "#0b57a4", "黄": "#8a5a00", "橙": "#9a4a00", "红": "#b00020"}
PLAIN = "#444444"


class Earlier(NamedTuple):
    """A slip to which no answer came by its day."""

    name: str
    code: str
    answer_due: date


class Letter(NamedTuple):
    """A slip to ``unit``, with copies to others, on an item that it has not answered.

    ``code`` is the slip's number, empty on a draft; ``times`` how often the unit was urged.
    """

    code: str
    name: str
    colour: str
    unit: str
    copies: tuple[str, ...]
    role: str
    title: str
    period: str
    task: str
    rows: tuple[int, ...]
    clause: str
    lead: tuple[str, ...]
    due: date
    provisional: bool
    times: int
    earlier: tuple[Earlier, ...]
    demand: str
    answer_due: date
    office: str
    contact: str
    today: date


def letter_view(letter: Letter) -> View:
    """A slip, as the templates need it: plain values, and the built-in text in ``lines``."""
    source = sources(letter.rows, letter.clause)
    name, title = _name(letter), titled(letter.title, letter.period)
    code, asked = letter.code or UNNUMBERED, day_words(letter.answer_due, letter.today)
    view: View = {
        "subject": f"【{name}】{letter.unit}:{title},请于{asked}前答复{_bracketed(code)}",
        "name": name,
        "code": code,
        "colour": COLOURS.get(letter.colour, PLAIN),
        "unit": letter.unit,
        "opening": f"截至{day_and_weekday(letter.today, letter.today)},你单位以下事项尚未办结:",
        "title": title,
        "task": letter.task,
        "deadline": _deadline(letter),
        "lead": "、".join(letter.lead) + (f"({source})" if source else ""),
        "role": f"你单位为{ROLES[letter.role]}",
        "earlier": [_unanswered(slip, letter.today) for slip in letter.earlier],
        "demand": letter.demand,
        "answer": f"请于{day_and_weekday(letter.answer_due, letter.today)}前书面答复。",
        "contact": letter.contact,
        "office": letter.office,
        "date": full_day(letter.today),
        "copies": "、".join(letter.copies),
        "secrecy": SECRECY,
    }
    return view | {"lines": _plain(view)}


def _name(letter: Letter) -> str:
    """The slip's name, with the colour in it as a word."""
    return letter.name if letter.colour in letter.name else f"{letter.name}({letter.colour})"


def _bracketed(code: str) -> str:
    return code if code.startswith("(") else f"({code})"


def _deadline(letter: Letter) -> str:
    """``3月31日(周二),已逾期17天,已催办4次``."""
    days = (letter.due - letter.today).days
    words = [
        day_and_weekday(letter.due, letter.today),
        f"还有{days}天" if days > 0 else "今日到期" if not days else f"已逾期{-days}天",
    ]
    if letter.times:
        words.append(f"已催办{letter.times}次")
    if letter.provisional:
        words.append("暂定")
    return ",".join(words)


def _unanswered(slip: Earlier, today: date) -> str:
    day = day_and_weekday(slip.answer_due, today)
    return f"{slip.name}({slip.code})要求{day}前答复,至今未答复。"


def _plain(view: View) -> list[str]:
    """The built-in text: everything that the letter must say."""
    return [
        view["name"],
        view["code"],
        f"{view['unit']}:",
        view["opening"],
        f"事项:{view['title']}",
        *([f"要求:{view['task']}"] if view["task"] else []),
        f"时限:{view['deadline']}",
        f"牵头单位:{view['lead']},{view['role']}",
        *view["earlier"],
        view["demand"],
        view["answer"],
        *([f"联系人:{view['contact']}"] if view["contact"] else []),
        f"{view['office']} {view['date']}",
        *([f"抄送:{view['copies']}"] if view["copies"] else []),
        view["secrecy"],
    ]
