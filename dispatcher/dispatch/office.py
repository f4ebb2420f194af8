"""What the office is told, and how digests are composed: the ledger's rows in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from dispatcher.dispatch import cards
from dispatcher.dispatch.brief import Brief, Line, Status
from dispatcher.dispatch.cards import said_on
from dispatcher.dispatch.compose import Composer, Rendered
from dispatcher.dispatch.decisions import decisions, mislaid
from dispatcher.dispatch.digest import Digest
from dispatcher.dispatch.forwarding import forward
from dispatcher.dispatch.reconcile import next_look
from dispatcher.dispatch.telling import letter_addresses, office_contact
from dispatcher.dispatch.window import opening
from dispatcher.i18n import Text, translator
from dispatcher.ledger import channels, desk, installation, outbox, queries, revisions
from dispatcher.ledger.database import Connection
from dispatcher.ledger.items import Item
from dispatcher.ledger.outbox import Content
from dispatcher.ledger.queries import Sent, Standing
from dispatcher.ledger.tables import ALIVE
from dispatcher.ledger.terms import SOON
from dispatcher.plan.model import Plan
from dispatcher.plan.periods import DAY
from dispatcher.plan.steps import instant
from dispatcher.plan.ways import MAIL, detail, ways

LETTERS = ("digest", "slip")
DAWN = datetime(2000, 1, 1, tzinfo=UTC)
chinese = translator("zh_CN")
CHANGES = {"move": "时限调整", "withdrawn": "撤销", "restore": "恢复", "lapsed": "转为逾期未办"}
"""What became of assignments without an answer, in the order in which the brief says it."""


class Site(NamedTuple):
    """What the first status message says of this machine, beside the plan."""

    live: bool
    mailbox: str
    warnings: tuple[Text, ...] = ()


class Office:
    """Composes digests for units, and queues what the office itself is told."""

    def __init__(self, plan: Plan, composer: Composer, site: Site) -> None:
        self.plan = plan
        self.composer = composer
        self.site = site

    def compose(
        self, conn: Connection, items: Sequence[Item], now: datetime, channel: str = MAIL
    ) -> Content:
        """What a digest says that leaves ``now``: as a mail with the sheets that its units want, or
        as a card of as much as the channel may say."""
        at = now.astimezone(self.plan.zone)
        digest = Digest(
            units=tuple(dict.fromkeys(item.told for item in items)),
            today=at.date(),
            at=at,
            office=self.plan.office,
            office_contact=office_contact(self.plan),
            items=tuple(items),
        )
        said = _content(self.composer.digest(digest))
        if channel == MAIL:
            return said._replace(files=self._sheets(conn, items, now))
        full = detail(self.plan, channel) == "full"
        card = cards.card_of(digest, self.plan.workdays, full=full)
        return Content(said.subject, cards.text_of(card), "", cards.packed(card))

    def _sheets(
        self, conn: Connection, items: Sequence[Item], now: datetime
    ) -> tuple[tuple[str, bytes], ...]:
        """The sheets of the units that are told, where their settings ask for it."""
        told = dict.fromkeys(item.told for item in items)
        wanted = [unit for unit in told if unit in self.plan.units and self.plan.units[unit].sheet]
        if not wanted:
            return ()
        from dispatcher.dispatch.sheets import attached_sheet

        return tuple(attached_sheet(conn, self.plan, unit, now) for unit in wanted)

    def queue_reports(self, conn: Connection, now: datetime) -> None:
        """Queues the status message at the very first pass, and the brief once each workday; what
        its way could not bring before goes on by another."""
        if queries.last_report(conn, "status") is None:
            self._queue(conn, "status", self.composer.status(self._status(conn, now)), now)
        if self._brief_is_due(conn, now):
            self._queue(conn, "brief", self.composer.brief(self._brief(conn, now)), now)
        forward(conn, self.plan, now)

    def _queue(
        self, conn: Connection, kind: outbox.Kind, rendered: Rendered, now: datetime
    ) -> None:
        content = _content(rendered)
        for to in letter_addresses(conn, self.plan, self.plan.office, now):
            outbox.queue(conn, to, kind, now, content=said_on(self.plan, to.channel, content))

    def _brief_is_due(self, conn: Connection, now: datetime) -> bool:
        """During a pause none is: by its end what it said would be wrong."""
        today = self._day(now)
        held, at = installation.find(conn), instant(today, self.plan.defaults.at, self.plan.zone)
        if (held and held.hold is not None) or opening(self.plan, now) > now or now < at:
            return False
        last = queries.last_report(conn, "brief")
        return last is None or self._day(last.at) != today

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.plan.zone).date()

    def _status(self, conn: Connection, now: datetime) -> Status:
        return Status(
            office=self.plan.office,
            go_live=self._day(now),
            title=self.plan.title,
            duties=len(self.plan.duties),
            units=len(self.plan.units),
            assignments=queries.health(conn).open,
            live=self.site.live,
            mailbox=self.site.mailbox,
            next=next_look(conn, self.plan, now).astimezone(self.plan.zone),
            warnings=tuple(warning.render(chinese) for warning in self.site.warnings),
        )

    def _brief(self, conn: Connection, now: datetime) -> Brief:
        today = self._day(now)
        last = queries.last_report(conn, "brief")
        since = last.at if last else DAWN
        recent = queries.messages_since(conn, since)
        letters = [sent for sent in recent if sent.kind in LETTERS and sent.state != "cancelled"]
        digests = [sent for sent in letters if sent.kind == "digest"]
        first = self._day(last.at) + DAY if last else today
        return Brief(
            office=self.plan.office,
            today=today,
            since=min([first, today, *(self._day(sent.at) for sent in digests)]),
            due_count=len(digests),
            **_by_outcome(digests),
            **_by_due_date(queries.outstanding(conn, today + SOON), today),
            changes=_changes(conn, last.at if last else now),
            attention=tuple(self._attention(conn, letters, since, now)),
            provisional_years=self.plan.workdays.missing(today),
        )

    def _waiting(self, digests: Iterable[Sent]) -> Iterator[str]:
        waiting = [sent for sent in digests if sent.state == "queued" and sent.attempts]
        if waiting:
            since = waiting[0].at.astimezone(self.plan.zone)
            yield (
                f"{len(waiting)}封信没有发出(最早的是{since.month}月{since.day}日的),"
                "程序会继续尝试,请检查邮件服务器"
            )

    def _closed(self, conn: Connection, now: datetime) -> Iterator[str]:
        for state in channels.states(conn).values():
            if state.needs_hand(now) and state.paused_at and state.reason:
                since = state.paused_at.astimezone(self.plan.zone)
                yield (
                    f"发送渠道“{state.name}”自{since.month}月{since.day}日{since:%H:%M}起暂停:"
                    f"{state.reason.render(chinese)}"
                )

    def _attention(
        self, conn: Connection, letters: Sequence[Sent], since: datetime, now: datetime
    ) -> list[str]:
        """Everything that needs a hand, a sentence each."""
        today = self._day(now)
        found = [*decisions(conn, self.plan, today), *_mishaps(letters), *self._waiting(letters)]
        found += [*mislaid(conn, since), *self._closed(conn, now)]
        unreachable = sorted({each.unit for each in queries.unreached(conn)})
        found += [
            f"{unit}没有可用的联系方式,请补充邮箱"
            for unit in unreachable
            if not ways(self.plan, unit)
        ]
        found += _unapplied(conn, self.plan)
        found += [f"信件模板有错,已改用内置文字:{fault}" for fault in self.composer.faults()]
        return list(dict.fromkeys(found))


def _content(rendered: Rendered) -> Content:
    return Content(rendered.subject, rendered.text, rendered.html)


def _unapplied(conn: Connection, plan: Plan) -> Iterator[str]:
    """The edit of the calendar that is not in force, if there is one."""
    waits = revisions.waiting(conn)
    if waits and waits.reason:
        at = waits.noticed_at.astimezone(plan.zone)
        since, why = f"{at.month}月{at.day}日{at:%H:%M}", waits.reason.render(chinese)
        if waits.state == "held":
            yield f"日历文件{since}的改动待确认,暂未生效:{why};确认请运行dispatcher apply"
        else:
            yield f"日历文件自{since}起有错误,仍按原来的日历提醒:{why}"


def _mishaps(digests: Iterable[Sent]) -> Iterator[str]:
    for sent in digests:
        if sent.state == "failed" and sent.reason:
            yield f"{sent.address}没有发到:{sent.reason.render(chinese)}"
        if sent.state == "unknown":
            yield f"{sent.address}的信不知是否收到(编号{sent.id}),请电话核实"


def _changes(conn: Connection, since: datetime) -> tuple[tuple[str, int], ...]:
    counted = desk.changes_since(conn, since)
    return tuple((words, counted[action]) for action, words in CHANGES.items())


def _by_outcome(digests: Iterable[Sent]) -> dict[str, Any]:
    states = Counter("queued" if sent.state in ALIVE else sent.state for sent in digests)
    return {state: states[state] for state in ("sent", "failed", "unknown", "queued")}


def _by_due_date(standing: Sequence[Standing], today: date) -> dict[str, Any]:
    return {
        "overdue": _lines((each for each in standing if each.due < today), today),
        "due_today": _lines((each for each in standing if each.due == today), today),
        "due_week": _lines((each for each in standing if each.due > today), today),
    }


def _lines(standing: Iterable[Standing], today: date) -> tuple[Line, ...]:
    return tuple(
        Line(each.title, each.unit, each.due, abs((each.due - today).days), each.times, each.period)
        for each in standing
    )
