"""``python -m bench [--write]``: measures, prints the tables; --write renews README.md's."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path

from bench import (
    digests,
    dispatch,
    expand,
    idle,
    ledger,
    load,
    rehearse,
    soak,
    standing,
    start,
    webhooks,
)
from bench.measure import output

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PACKAGES = ("click", "PyYAML", "chinesecalendar", "python-dateutil", "APScheduler")


def main() -> None:
    """Runs every benchmark; each table is printed as soon as it is measured."""
    parts = [_setting()]
    print(parts[0])
    for part in (
        *(start, load, expand, standing, ledger, digests, dispatch, webhooks, rehearse, idle, soak),
    ):
        for table in part.bench():
            parts.append(table.markdown())
            print(f"\n{parts[-1]}", flush=True)
    if "--write" in sys.argv[1:]:
        _write("\n\n".join(parts))


def _setting() -> str:
    """When, on what and with which versions."""
    versions = [f"{name} {version(name)}" for name in PACKAGES]
    versions += [
        found
        for name, option in (("khal", "--version"), ("remind", "-h"))
        if (found := _version(name, option))
    ]
    return (
        f"{time.strftime('%Y-%m-%d')}, {_processor()}, {os.cpu_count()} cores, "
        f"load average {os.getloadavg()[0]:.1f} at the start; {_system()}; "
        f"Python {platform.python_version()}; {', '.join(versions)}."
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)


def _version(name: str, option: str) -> str:
    """A tool with the number that it gives itself; empty when it is not installed."""
    if not shutil.which(name):
        return ""
    said = (output([name, option], errors=errors, check=False) for errors in (False, True))
    number = re.search(r"\d[\d.]+", "".join(said))
    return f"{name} {number[0]}" if number else name


def _write(measured: str) -> None:
    """Puts ``measured`` between the markers of the README."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    _old, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
