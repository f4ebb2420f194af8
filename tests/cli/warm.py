"""A Python that has loaded the libraries of the program, and becomes the program when it is asked.

Loading them is most of the time that a short command takes. A command is a process of its own all
the same: it loads the program itself, has its own folder, environment and output, and ends as any
Python ends. It is asked by a line of JSON, and answers with the exit code in a line.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import sys
import time
from importlib import import_module
from typing import Any

# Nothing of the program itself, which looks at its environment while it is loaded.
LIBRARIES = (
    "alembic.command alembic.autogenerate chinese_calendar click dateutil.rrule jinja2 openpyxl "
    "sqlalchemy.dialects.postgresql sqlalchemy.dialects.sqlite yaml zoneinfo"
).split()
SECONDS = 60
"""A command that takes longer hangs, and is ended by SIGALRM."""


def become(asked: dict[str, Any]) -> None:
    """Makes this process what ``python -m dispatcher`` would be."""
    for number, path in enumerate((os.devnull, asked["stdout"], asked["stderr"])):
        os.dup2(os.open(path, os.O_RDWR), number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    time.tzset()
    sys.path[0] = asked["folder"]
    sys.argv[1:] = asked["words"]
    signal.alarm(SECONDS)


def wait_to_be_asked() -> bool:
    """Whether this is a process that is to go on as the program; not when nobody asks any more."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(json.loads(line))
            return True
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return False


if __name__ == "__main__":
    for library in LIBRARIES:
        import_module(library)
    gc.freeze()  # what is loaded is not gone through, and so not copied, in each process
    if wait_to_be_asked():
        runpy.run_module("dispatcher", run_name="__main__", alter_sys=True)
