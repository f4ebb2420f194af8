"""Taking up an edited calendar: what it would do is weighed first, and what may not happen unseen
waits for a person.

All of it is one transaction with the last pass by the calendar before, so that no step falls
between the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from dispatcher.dispatch.cards import said_on
from dispatcher.dispatch.foreseeing import Foreseen, foresee
from dispatcher.dispatch.reconcile import reconcile
from dispatcher.dispatch.telling import letter_addresses
from dispatcher.i18n import Text, _, translator
from dispatcher.ledger import audit, outbox, revisions
from dispatcher.ledger.database import Connection
from dispatcher.ledger.outbox import Content
from dispatcher.ledger.revisions import Edit
from dispatcher.plan.comparing import Difference
from dispatcher.plan.model import Plan, Revision
from dispatcher.plan.ways import ways

chinese = translator("zh_CN")
EDITED = "日历文件于{at}有改动。"
REFUSED = "【请处理】日历文件有错误,改动没有生效"
WHY_REFUSED = """{edited}文件有错误,改动没有生效。程序仍按原来的日历提醒,应发的提醒不受影响。

错误:{why}

请改正并保存,程序会自动读取。保存之前可以用 dispatcher check 检查。
"""
HELD = "【请确认】日历文件的改动暂未生效"
WHY_HELD = """{edited}改动需要确认,暂未生效。程序仍按原来的日历提醒。

原因:{why}
影响:{consequences}

查看详细影响:dispatcher diff {file}
确认无误,使其生效:dispatcher apply
如系误改,请把文件改回并保存。
"""
CONSEQUENCES = {
    "added": _("due dates added {count}"),
    "moved": _("due dates moved {count}"),
    "dropped": _("due dates dropped {count}"),
    "gained": _("reminders gained {count}"),
    "lost": _("reminders lost {count}"),
    "addresses": _("addresses changed {count}"),
    "silenced": _("duties without reminders {count}"),
    "retimed": _("other times of sending"),
    "office": _("another office"),
    "assignments_moved": _("assignments moved {count}"),
    "assignments_withdrawn": _("assignments withdrawn {count}"),
    "assignments_restored": _("assignments chased again {count}"),
    "at_once": _("reminders at once {count}"),
}
"""What an edit changes, as people read it."""


class Proposal(NamedTuple):
    """An edit of ``file``: ``old`` is in force, ``difference`` what ``compare`` says of the two.

    ``may_silence`` is how many duties in a hundred may lose all their reminders without anybody
    being asked; ``at_start`` that the file was like this when the process began.
    """

    old: Revision
    new: Revision
    difference: Difference
    file: str
    may_silence: int
    at_start: bool = False


class Weighed(NamedTuple):
    """What an edit changes, counted, and why it waits for a person, if it does."""

    consequences: Mapping[str, int]
    hold: Text | None


class Proposed(NamedTuple):
    """What became of an edit: why it is held, if it is; what the passes around it have done."""

    hold: Text | None
    counts: Counter[str]


def weigh(edit: Proposal, foreseen: Foreseen) -> Weighed:
    """What an edit changes, and whether somebody has to agree to it first."""
    withdrawn = sum(fate.becomes == "withdrawn" and fate.told for fate in foreseen.fates)
    silenced, duties = len(edit.difference.silenced), len(edit.old.plan.duties)
    hold = None
    if _is_cut_off(edit.old.text, edit.new.text):
        hold = _("the file ends where the calendar in force goes on: a save that was cut off?")
    elif withdrawn:
        hold = _("assignments that units have been told of would be withdrawn: {count}",
                 count=withdrawn)  # fmt: skip
    elif silenced * 100 > duties * edit.may_silence:
        hold = _("{count} of {duties} duties would have no reminder any more",
                 count=silenced, duties=duties)  # fmt: skip
    elif ways(edit.old.plan, edit.old.plan.office) and not ways(
        edit.new.plan, edit.new.plan.office
    ):
        hold = _("the office would have no address any more")
    return Weighed(_counted(edit.difference, foreseen), hold)


def _is_cut_off(old: str, new: str) -> bool:
    """Whether ``new`` is a beginning of ``old``, and more than blanks is missing."""
    begun = new.rstrip()
    return begun != old.rstrip() and old.startswith(begun)


def _counted(found: Difference, foreseen: Foreseen) -> dict[str, int]:
    dates = Counter(change.kind for change in found.occurrences)
    fates = Counter(f"assignments_{fate.becomes}" for fate in foreseen.fates)
    counts = {
        **dates,
        **fates,
        "gained": len(found.gained),
        "lost": len(found.lost),
        "addresses": len(found.addresses_gained) + len(found.addresses_lost),
        "silenced": len(found.silenced),
        "retimed": int(found.retimed),
        "office": int(found.office is not None),
        "at_once": len(foreseen.at_once),
    }
    return {name: counts[name] for name in CONSEQUENCES if counts.get(name)}


def in_words(consequences: Mapping[str, int] | None) -> list[Text]:
    """What an edit changes, a phrase each."""
    counts = consequences or {}
    found = [Text(CONSEQUENCES[name].msgid, count=counts[name]) for name in CONSEQUENCES
             if name in counts]  # fmt: skip
    return found or [_("no dates, reminders or addresses")]


def begin(conn: Connection, new: Revision, now: datetime) -> Counter[str]:
    """Takes up the calendar of a new ledger, or of one that did not keep its calendar's text;
    counts what changed."""
    revisions.record(conn, new.hash, "applied", now)
    return _first_pass(conn, new, now)


def propose(conn: Connection, edit: Proposal, now: datetime) -> Proposed:
    """Takes up an edit after a last pass by the calendar in force, or holds it and tells the
    office, unless this very edit is held."""
    old, new = edit.old, edit.new
    waits = revisions.waiting(conn)
    if waits and waits.state == "held" and waits.hash == new.hash:
        return Proposed(waits.reason, Counter())
    counts = reconcile(conn, old.plan, old.hash, now, last=True).counts
    weighed = weigh(edit, foresee(conn, old.plan, new.plan, now))
    if weighed.hold is None and edit.at_start and revisions.was_in_force(conn, new.text):
        # A replica may have been away, or a file been put back by the way.
        weighed = weighed._replace(
            hold=_("it was in force before, and the file held it at a start")
        )
    if weighed.hold is None:
        revisions.record(conn, new.hash, "applied", now, consequences=weighed.consequences)
        counts += _first_pass(conn, new, now)
    else:
        _hold(conn, edit, weighed.hold, weighed.consequences, now)
    return Proposed(weighed.hold, counts)


def _hold(
    conn: Connection, edit: Proposal, why: Text, consequences: Mapping[str, int], now: datetime
) -> None:
    plan, new = edit.old.plan, edit.new
    told = any(
        known.hash == new.hash and _same_day(plan, known.noticed_at, now)
        for known in revisions.edits(conn)
    )
    revisions.keep(conn, new.hash, new.text, now)
    revisions.record(conn, new.hash, "held", now, why, consequences)
    if not told:
        more = {"file": edit.file, "consequences": _list(consequences)}
        _tell_office(conn, plan, HELD, _about(WHY_HELD, plan, why, now, **more), now)


def refuse(conn: Connection, plan: Plan, bad_hash: str, why: Text, now: datetime) -> bool:
    """Notes that the file cannot be used, and tells the office; once a day for one bad edit after
    the other. False when this very one was noted before."""
    waits = revisions.waiting(conn)
    if waits and waits.state == "refused":
        if waits.hash == bad_hash:
            return False
        if _same_day(plan, waits.noticed_at, now):
            revisions.refuse_again(conn, waits, bad_hash, why)
            return True
    revisions.record(conn, bad_hash, "refused", now, why)
    _tell_office(conn, plan, REFUSED, _about(WHY_REFUSED, plan, why, now), now)
    return True


def agree(conn: Connection, waits: Edit, by: str, now: datetime) -> None:
    """Somebody agrees to an edit that is held; the next pass takes it up."""
    audit.record(conn, now, by, "apply", waits.hash, waits.reason)
    revisions.settle(conn, waits, "agreed", by, now)


def take_up(
    conn: Connection, agreed: Edit, old: Revision, new: Revision, now: datetime
) -> Counter[str]:
    """Takes up an edit that somebody has agreed to; counts what changed."""
    revisions.settle(conn, agreed, "applied", agreed.settled_by or "", now)
    return change(conn, old, new, now)


def change(conn: Connection, old: Revision, new: Revision, now: datetime) -> Counter[str]:
    """Goes over to ``new`` after a last pass by ``old``, the revision in force; counts what
    changed."""
    before = reconcile(conn, old.plan, old.hash, now, last=True)
    return before.counts + _first_pass(conn, new, now)


def _first_pass(conn: Connection, new: Revision, now: datetime) -> Counter[str]:
    revisions.keep(conn, new.hash, new.text, now)
    return reconcile(conn, new.plan, new.hash, now).counts


def _same_day(plan: Plan, one: datetime, other: datetime) -> bool:
    return one.astimezone(plan.zone).date() == other.astimezone(plan.zone).date()


def _about(words: str, plan: Plan, why: Text, now: datetime, **more: str) -> str:
    at = now.astimezone(plan.zone)
    edited = EDITED.format(at=f"{at.month}月{at.day}日{at:%H:%M}")
    return words.format(edited=edited, why=why.render(chinese), **more)


def _list(consequences: Mapping[str, int]) -> str:
    return "、".join(each.render(chinese) for each in in_words(consequences))


def _tell_office(conn: Connection, plan: Plan, subject: str, text: str, now: datetime) -> None:
    for to in letter_addresses(conn, plan, plan.office, now):
        content = said_on(plan, to.channel, Content(subject, text, ""))
        outbox.queue(conn, to, "status", now, content=content)
