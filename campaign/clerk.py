"""An office that answers while the service is at work: a second writer on the same ledger."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import count as counted
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

from campaign import oracle
from campaign.kills import LARGE
from campaign.runs import Run, finished
from campaign.stage import CONTEXT, Stage
from dispatcher import bootstrap
from dispatcher.dispatch.answering import answer, named
from dispatcher.ledger.answers import Said
from dispatcher.ledger.database import create_engine

PAUSE = 0.005


def answered(seed: int, count: int, mutant: str = "") -> Run:
    """A clerk notes progress on what is overdue, without a pause, while the service tells it:
    ``count`` days, nobody harmed. No pass may fail, and no note."""
    with Stage("sqlite", LARGE, mutant=mutant, patience=20.0) as stage:
        first, *days = islice(oracle.workdays(), count + 1)
        stage.whole(first)
        for day in days:
            ours, theirs = CONTEXT.Pipe()
            given = (str(stage.home), stage.url, f"{day}T09:00+08:00", theirs)
            clerk = CONTEXT.Process(target=work, args=given)
            clerk.start()
            stage.whole(day)
            ours.send("enough")
            stage.failed += ours.recv()
            clerk.join()
        return finished(stage)


def work(home: str, url: str, at: str, pipe: Connection) -> None:
    """Notes something on one unit's overdue duty after the other until it is told to stop; says how
    many notes failed."""
    plan = bootstrap.read_calendar(Path(home) / "schedules.yaml")
    engine, now, failed = create_engine(url), datetime.fromisoformat(at), 0
    for number in counted():
        if pipe.poll():
            break
        key = f"a/2026-01@单位{number % LARGE}"
        try:
            with engine.begin() as conn:
                said = Said("ack", "王工", f"{at} {number}")
                answer(conn, plan, named(conn, plan, key, now), said, now)
        except Exception:
            failed += 1
        time.sleep(PAUSE)
    pipe.send(failed)
