"""What the daemon remembers outside the ledger: small JSON files in the state folder."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from dispatcher.files import flush

log = logging.getLogger("dispatcher.state")


def keep(path: Path, facts: dict[str, Any]) -> bool:
    """Writes ``facts``, whole or not at all; False, and a line in the log, when the disk fails."""
    draft = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(facts, ensure_ascii=False), "utf-8")
        flush(draft)
        draft.replace(path)
    except OSError as error:
        log.error("%s cannot be written: %s", path.name, error.strerror)
        return False
    return True


def kept(path: Path) -> dict[str, Any]:
    """What was written; nothing where there is no such file, or none that can be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
