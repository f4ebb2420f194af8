"""What the office has to decide: reports, extensions, figures that fall short, slips to release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dispatcher.dispatch.answering import verdicts
from dispatcher.dispatch.wording import titled
from dispatcher.i18n import translator
from dispatcher.ledger import answers, desk
from dispatcher.ledger.database import Connection
from dispatcher.ledger.desk import Waiting
from dispatcher.plan.model import Plan

NAMED = 3
"""So many are named in a sentence; of more, the rest is counted."""
chinese = translator("zh_CN")


def decisions(conn: Connection, plan: Plan) -> Iterator[str]:
    """What waits for the office, a Chinese sentence for each kind."""
    yield from _listed("待审核", desk.reported(conn))
    yield from _listed("延期申请待批", desk.extensions_asked(conn))
    short = list(_falling_short(conn, plan))
    if short:
        yield f"指标未达到{len(short)}项:{_first(short)}"


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
