"""What the office has to decide: reports, extensions, figures that fall short, slips to release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from dispatcher.dispatch.answering import verdicts
from dispatcher.dispatch.wording import titled
from dispatcher.i18n import translator
from dispatcher.ledger import answers, desk, slips, todos
from dispatcher.ledger.database import Connection
from dispatcher.ledger.desk import Waiting
from dispatcher.ledger.slips import Slip
from dispatcher.ledger.todos import Unsettled
from dispatcher.plan.model import Plan

NAMED = 3
"""So many are named in a sentence; of more, the rest is counted."""
chinese = translator("zh_CN")


def decisions(conn: Connection, plan: Plan, today: date) -> Iterator[str]:
    """What waits for the office ``today``, a Chinese sentence for each kind."""
    yield from _listed("待审核", desk.reported(conn))
    yield from _listed("延期申请待批", desk.extensions_asked(conn))
    short = list(_falling_short(conn, plan))
    if short:
        yield f"指标未达到{len(short)}项:{_first(short)}"
    yield from _slips("督办单草稿待签发", slips.drafts(conn))
    late = [
        each for each in slips.unanswered(conn) if each.answer_due_on and each.answer_due_on < today
    ]
    yield from _slips("督办单逾期未答复", late)


def mislaid(conn: Connection, since: datetime) -> Iterator[str]:
    """The to-dos that have come to grief after ``since``, a Chinese sentence for each kind."""
    found = todos.unsettled(conn, since)
    kinds = {
        "不知是否建成的待办": [each for each in found if each.state == "unknown"],
        "没有建成的待办": [each for each in found if each.state == "failed" and not each.task],
        "没有关闭的待办": [each for each in found if each.state == "failed" and each.task],
    }
    for what, those in kinds.items():
        if those:
            yield f"{what}{len(those)}项,请核实:{_first([_told(each) for each in those])}"


def _told(each: Unsettled) -> str:
    words = f"{each.unit}({each.account}),{titled(each.title, each.period)}"
    return f"{words}({each.reason.render(chinese)})"


def _slips(what: str, found: Sequence[Slip]) -> Iterator[str]:
    if found:
        named = [f"{each.unit},{each.title}({each.code or each.name})" for each in found]
        yield f"{what}{len(found)}件:{_first(named)}"


def _listed(what: str, waiting: Sequence[Waiting]) -> Iterator[str]:
    if waiting:
        yield f"{what}{len(waiting)}件:{_first([_named(each) for each in waiting])}"


def _named(waiting: Waiting) -> str:
    words = f"{waiting.unit},{titled(waiting.title, waiting.period)}"
    asked = waiting.asked_on
    return f"{words},申请延期至{asked.month}月{asked.day}日" if asked else words


def _first(sentences: Sequence[str]) -> str:
    rest = len(sentences) - NAMED
    more = f";另有{rest}件" if rest > 0 else ""
    return ";".join(sentences[:NAMED]) + more


def _falling_short(conn: Connection, plan: Plan) -> Iterator[str]:
    found = desk.missed(conn)
    figures = answers.figures_of(conn, [assigned.id for assigned in found])
    for assigned in found:
        for verdict in verdicts(plan, assigned, figures[assigned.id]):
            if verdict.met is False:
                yield f"{assigned.unit},{verdict.says.render(chinese)}"
