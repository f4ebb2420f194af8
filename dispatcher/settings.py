"""Where things are, and the secrets: from the environment and from ``.env`` in the home folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from dispatcher.errors import SettingsError, said_by_system
from dispatcher.i18n import _

PREFIX = "DISPATCHER_"
NAMES = (
    *("HOME", "SCHEDULES", "DATABASE_URL", "LIVE", "MAILBOX", "SMTP_URL", "MAIL_FROM"),
    *("SMTP_CA_FILE", "SMTP_CONNECTIONS", "HOSTS", "HEARTBEAT_URL", "METRICS_PORT", "LOG_FORMAT"),
    *("SILENCE_PERCENT", "NOW"),
)
IN_FILES = ("DATABASE_URL", "SMTP_URL", "HEARTBEAT_URL")
"""Settings that may hold a password: each may be given as ``…_FILE``, the name of a file."""
ONLY_OURS = 0o027
"""What a file that holds a secret may not allow: anything to others, nor its group to change it."""
CONTAINER_SECRETS = Path("/run/secrets")
"""Where a container engine puts a container's secrets, readable by all that runs in it: by us."""
YES, NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
PACKAGE = Path(__file__).parent
LOGIN = re.compile(r"@|[?&](?:ssl)?password=")
"""What there is in an address with a user or a password in it."""
FILE = r"sqlite(\+\w+)?://(/.*)?"
SERVER = (
    r"(?!sqlite)[\w+]+://([^:/]*(:[^@]*)?@)?"
    r"(\[[^]/?@]+]|[\w.,-]*)(:\d+)?(/[^?@]*)?(\?[^@]*)?"
)
"""How a database is written. SQLAlchemy ends a password at the first ``@``, and takes what is left
of it for the host, which it names when it does not find it."""


class Secret(str):
    """A text that does not show itself in a log or a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Settings(NamedTuple):
    """Everything that depends on the machine. Paths are absolute.

    ``hosts`` are those that channels may call beside the vendors' own: whoever edits the calendar
    cannot have messages sent anywhere else.
    ``silence_percent``: an edit that silences more of the duties waits for a person.
    ``now`` is taken for the present while the product is tried out; never when mail is live.
    """

    home: Path
    schedules: Path
    database_url: Secret
    live: bool
    mailbox: Path
    smtp_url: Secret
    smtp_ca_file: Path | None
    smtp_connections: int
    mail_from: str
    hosts: tuple[str, ...]
    heartbeat_url: Secret
    metrics_port: int | None
    log_format: str
    silence_percent: int
    now: datetime | None
    environ: Mapping[str, Secret]

    def secret(self, name: str) -> Secret:
        """What the environment or ``.env`` say of a name that the calendar asks for, itself or in
        the file that ``NAME_FILE`` names; empty where they say nothing."""
        if self.environ.get(name):
            return self.environ[name]
        file = self.environ.get(f"{name}_FILE")
        return Secret(_file_content(f"{name}_FILE", self.home / file) if file else "")

    @property
    def state(self) -> Path:
        """The folder of the ledger, the mailbox and the heartbeat."""
        return self.home / "var"

    @property
    def heartbeat(self) -> Path:
        """The file that is touched after each good pass, and says why there is none."""
        return self.state / "heartbeat.json"


def shipped(name: str) -> Path:
    """A file or folder that comes with the program: inside the installed package, or in the
    project's own folder when it runs from there."""
    inside = PACKAGE / "shipped" / name
    return inside if inside.exists() else PACKAGE.parent / name


def load_settings(environ: Mapping[str, str], folder: Path) -> Settings:
    """The settings of ``environ`` and of ``.env`` in the home folder; the environment wins.

    ``folder`` is the home where the environment names none. Raises SettingsError for an unknown
    name, with the nearest right one, and for a value that cannot be used.
    """
    home = Path(environ.get(PREFIX + "HOME") or folder).absolute()
    written = read_env_file(home / ".env")
    if any(_is_secret(name, value) for name, value in written.items()):
        _refuse_readable_by_others(home / ".env")
    given = {name: text for name, text in written.items() if not _is_given(name, environ)}
    given |= environ
    values = _known(given, home)
    schedules = values.get("SCHEDULES")
    own = home / "schedules.yaml"
    state = home / "var"
    return Settings(
        home=home,
        schedules=_path(home, schedules) or (own if own.exists() else shipped("schedules.yaml")),
        database_url=_database(values.get("DATABASE_URL") or f"sqlite:///{state}/dispatcher.db"),
        live=_flag("LIVE", values.get("LIVE", "")),
        mailbox=_path(home, values.get("MAILBOX")) or state / "mailbox",
        smtp_url=Secret(values.get("SMTP_URL", "")),
        smtp_ca_file=_path(home, values.get("SMTP_CA_FILE")),
        smtp_connections=_number("SMTP_CONNECTIONS", values.get("SMTP_CONNECTIONS", ""), 16) or 4,
        mail_from=values.get("MAIL_FROM", ""),
        hosts=_hosts(values.get("HOSTS", "")),
        heartbeat_url=_heartbeat(values.get("HEARTBEAT_URL", "")),
        metrics_port=_number("METRICS_PORT", values.get("METRICS_PORT", ""), 65535),
        log_format=_log_format(values.get("LOG_FORMAT", "")),
        silence_percent=_number("SILENCE_PERCENT", values.get("SILENCE_PERCENT", ""), 100) or 10,
        now=_trial_now(values.get("NOW", ""), live=_flag("LIVE", values.get("LIVE", ""))),
        environ={name: Secret(value) for name, value in given.items()},
    )


def read_env_file(path: Path) -> dict[str, str]:
    """The ``NAME=value`` lines of a file, quotes taken off; nothing when there is no file."""
    found = {}
    for number, line in enumerate(_lines(path), start=1):
        match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*", line)
        if match:
            found[match[1]] = re.sub(r"^(['\"])(.*)\1$", r"\2", match[2])
        elif line.strip() and not line.lstrip().startswith("#"):
            raise SettingsError(
                _("{file}:{line}: not of the form NAME=value", file=path, line=number)
            )
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise SettingsError(_("{file} is not UTF-8: save it as UTF-8", file=path)) from None
    except OSError as error:
        text = _("{file} cannot be read: {detail}", file=path, detail=said_by_system(error))
        raise SettingsError(text) from None


def _is_given(name: str, environ: Mapping[str, str]) -> bool:
    """Whether the environment gives it, in this form or the other; an empty other says nothing."""
    plain = name.removesuffix("_FILE")
    other = f"{plain}_FILE" if name == plain else plain
    return name in environ or bool(environ.get(other))


def _known(given: Mapping[str, str], home: Path) -> dict[str, str]:
    """The values by name without prefix, those given as files read."""
    allowed = [PREFIX + name for name in NAMES] + [f"{PREFIX}{name}_FILE" for name in IN_FILES]
    found = {}
    for name, value in given.items():
        if not name.startswith(PREFIX):
            continue
        if name not in allowed:
            from difflib import get_close_matches

            near = get_close_matches(name, allowed, 1, 0)
            text = _("unknown setting {name}; did you mean {near}?", name=name, near=near)
            raise SettingsError(text)
        found[name.removeprefix(PREFIX)] = value
    for name in IN_FILES:
        if found.get(f"{name}_FILE"):
            if found.get(name):
                text = _("{name} and {name}_FILE are both set: keep one", name=PREFIX + name)
                raise SettingsError(text)
            found[name] = _file_content(f"{PREFIX}{name}_FILE", home / found[f"{name}_FILE"])
    return found


def _file_content(name: str, path: Path) -> str:
    try:
        _refuse_readable_by_others(path)
        return path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise SettingsError(_("{name}: {file} is not UTF-8", name=name, file=path)) from None
    except OSError as error:
        raise SettingsError(
            _("{name}: {file} cannot be read: {detail}", name=name, file=path,
              detail=said_by_system(error))
        ) from None  # fmt: skip


def _is_secret(name: str, value: str) -> bool:
    """A channel's own name, or an address of ours with a user and a password in it."""
    if not name.startswith(PREFIX):
        return bool(value)
    ours = name.removeprefix(PREFIX) in IN_FILES
    return ours and ("HEARTBEAT" in name or LOGIN.search(value) is not None)


def _refuse_readable_by_others(path: Path) -> None:
    """Whoever cannot enter the folder cannot read the file, whatever its own mode."""
    path = path.resolve()
    closed = path.parent.stat().st_mode & 0o077 == 0 or CONTAINER_SECRETS in path.parents
    if path.stat().st_mode & ONLY_OURS and not closed:
        raise SettingsError(
            _("{file} holds a secret that others can read: chmod 600 {file}", file=path)
        )


def _path(home: Path, value: str | None) -> Path | None:
    return home / Path(value).expanduser() if value else None


def _database(value: str) -> Secret:
    if re.fullmatch(f"{FILE}|{SERVER}", value):
        return Secret(value)
    name, twice = PREFIX + "DATABASE_URL", value.count("@") > 1
    raise SettingsError(
        _("{name}: write @ in the password as %40", name=name) if twice else
        _("{name} should be like sqlite:////FOLDER/FILE or "
          "postgresql://USER:PASSWORD@HOST:5432/NAME", name=name)
    )  # fmt: skip


def _hosts(value: str) -> tuple[str, ...]:
    found = tuple(value.replace(",", " ").split())
    wrong = [host for host in found if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", host)]
    if wrong:
        raise SettingsError(
            _("DISPATCHER_HOSTS: '{host}' is no host's name; write it like gateway.example.com",
              host=wrong[0])
        )  # fmt: skip
    return found


def _heartbeat(value: str) -> Secret:
    if value and not re.match("https?://[^/]", value):
        raise SettingsError(_("DISPATCHER_HEARTBEAT_URL should begin with http:// or https://"))
    return Secret(value)


def _flag(name: str, value: str) -> bool:
    if value.lower() in YES + NO:
        return value.lower() in YES
    raise SettingsError(_("{name}: '{value}' should be 1 or 0", name=PREFIX + name, value=value))


def read_instant(value: str) -> datetime:
    """An instant like ``2026-11-23T09:00+08:00``; raises SettingsError for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        example = "2026-11-23T09:00+08:00"
        raise SettingsError(
            _("'{value}' is not an instant; write it like {example}", value=value, example=example)
        )
    return moment


def _trial_now(value: str, *, live: bool) -> datetime | None:
    if value and live:
        raise SettingsError(_("DISPATCHER_NOW works only while mail goes to the mailbox"))
    return read_instant(value) if value else None


def _number(name: str, value: str, most: int) -> int | None:
    if not value:
        return None
    if value.isascii() and value.isdigit() and 0 < int(value) <= most:
        return int(value)
    raise SettingsError(
        _("{name}: '{value}' should be 1 to {most}", name=PREFIX + name, value=value, most=most)
    )


def _log_format(value: str) -> str:
    if value in ("", "text", "json"):
        return value
    text = _("{name}: '{value}' should be text or json", name=PREFIX + "LOG_FORMAT", value=value)
    raise SettingsError(text)
