"""One pass of the service on a clock that stands still, to be killed at any moment.

``python one_pass.py HOME PORT INSTANT``: says ``ready`` before the pass and ``done`` after it.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from dispatcher import bootstrap
from dispatcher.clock import still_clock
from dispatcher.dispatch.passes import run_pass
from dispatcher.ledger.database import single_daemon
from dispatcher.settings import load_settings


def main(home: str, port: str, moment: str) -> None:
    environ = {
        "DISPATCHER_LIVE": "1",
        "DISPATCHER_SMTP_URL": f"smtp+plain://127.0.0.1:{port}",
        "DISPATCHER_MAIL_FROM": "office@example.com",
    }
    settings = load_settings(environ, Path(home))
    plan = bootstrap.read_calendar(settings.schedules)
    engine = bootstrap.ledger(settings)
    clock = still_clock(datetime.fromisoformat(moment))
    with single_daemon(engine) as alone:
        parts = bootstrap.parts(settings, plan, engine, clock)
        print("ready", flush=True)
        run_pass(parts, clock(), orphans=alone)
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
