"""Where settings come from, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import make_url

from dispatcher import bootstrap, settings
from dispatcher.clock import system_clock
from dispatcher.errors import SettingsError
from dispatcher.settings import load_settings
from tests.channels.test_secrets import everything_said


def write(path: Path, text: str, mode: int) -> None:
    path.write_text(text)
    path.chmod(mode)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that everybody may enter, as /etc is; pytest's own is its owner's alone."""
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    return folder


def test_without_any_setting_everything_lies_in_the_current_folder(tmp_path: Path) -> None:
    found = load_settings({}, tmp_path)
    assert found.home == tmp_path
    assert found.database_url == f"sqlite:///{tmp_path}/var/dispatcher.db"
    assert found.mailbox == tmp_path / "var" / "mailbox"
    assert not found.live


def test_the_shipped_calendar_is_used_until_the_folder_has_its_own(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path).schedules.name == "schedules.yaml"
    assert load_settings({}, tmp_path).schedules.parent != tmp_path
    (tmp_path / "schedules.yaml").touch()
    assert load_settings({}, tmp_path).schedules == tmp_path / "schedules.yaml"


def test_the_environment_wins_over_the_file_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\nDISPATCHER_MAIL_FROM='a@example.com'\nDISPATCHER_LIVE=1\n"
    )
    found = load_settings({"DISPATCHER_HOME": str(tmp_path), "DISPATCHER_LIVE": "0"}, Path("/"))
    assert found.mail_from == "a@example.com"
    assert not found.live


def test_an_unknown_name_is_refused_with_the_nearest_right_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DISPATCHER_LIV; did you mean DISPATCHER_LIVE"):
        load_settings({"DISPATCHER_LIV": "1"}, tmp_path)


@pytest.mark.parametrize(
    "name, value", [("DISPATCHER_LIVE", "perhaps"), ("DISPATCHER_LOG_FORMAT", "xml")]
)
def test_a_value_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"{name}: '{value}'"):
        load_settings({name: value}, tmp_path)


def test_a_line_that_is_no_setting_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\nnonsense\n")
    with pytest.raises(SettingsError, match=r"\.env:2: not of the form"):
        load_settings({}, tmp_path)


def test_a_secret_may_stand_in_a_file_and_never_shows_itself(tmp_path: Path) -> None:
    write(tmp_path / "url", "smtps://u:canary@mail.example.com\n", 0o600)
    found = load_settings({"DISPATCHER_SMTP_URL_FILE": "url"}, tmp_path)
    assert found.smtp_url == "smtps://u:canary@mail.example.com"
    assert "canary" not in repr(found)


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"DISPATCHER_SMTP_URL_FILE: .*nowhere"):
        load_settings({"DISPATCHER_SMTP_URL_FILE": "nowhere"}, tmp_path)


def test_a_trial_present_is_an_instant_and_never_that_of_a_live_service(tmp_path: Path) -> None:
    given = {"DISPATCHER_NOW": "2026-03-30T09:00+08:00"}
    assert str(load_settings(given, tmp_path).now) == "2026-03-30 09:00:00+08:00"
    with pytest.raises(SettingsError, match="DISPATCHER_NOW works only while mail goes to the"):
        load_settings(given | {"DISPATCHER_LIVE": "1"}, tmp_path)
    with pytest.raises(SettingsError, match="'tomorrow' is not an instant; write it like"):
        load_settings({"DISPATCHER_NOW": "tomorrow"}, tmp_path)


URL = "smtps://u:canary@mail.example.com"


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o620, 0o660, 0o602])
def test_a_secret_in_a_file_that_others_may_read_or_change_is_refused(
    open_folder: Path, mode: int
) -> None:
    write(open_folder / "url", URL, mode)
    with pytest.raises(SettingsError, match=r"etc/url holds a secret .*: chmod 600 /.*/etc/url"):
        load_settings({"DISPATCHER_SMTP_URL_FILE": "url"}, open_folder)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_secret_in_a_file_of_ours_or_of_our_group_to_read_is_taken(
    open_folder: Path, mode: int
) -> None:
    write(open_folder / "url", URL, mode)
    assert load_settings({"DISPATCHER_SMTP_URL_FILE": "url"}, open_folder).smtp_url == URL


def test_a_secret_in_a_folder_that_nobody_else_may_enter_is_taken(open_folder: Path) -> None:
    write(open_folder / "url", URL, 0o644)
    open_folder.chmod(0o700)
    assert load_settings({"DISPATCHER_SMTP_URL_FILE": "url"}, open_folder).smtp_url == URL


def test_a_secret_that_a_container_engine_put_there_is_taken(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(open_folder / "url", URL, 0o444)
    monkeypatch.setattr(settings, "CONTAINER_SECRETS", open_folder)
    assert load_settings({"DISPATCHER_SMTP_URL_FILE": "url"}, open_folder).smtp_url == URL


def test_a_link_does_not_hide_who_may_read_the_secret(open_folder: Path) -> None:
    write(open_folder / "url", URL, 0o644)
    home = open_folder.parent / "home"
    home.mkdir(mode=0o700)
    (home / "url").symlink_to(open_folder / "url")
    with pytest.raises(SettingsError, match="holds a secret"):
        load_settings({"DISPATCHER_SMTP_URL_FILE": "url"}, home)


@pytest.mark.parametrize(
    "line",
    [
        "DISPATCHER_SMTP_URL=smtps://u:p@mail.example.com",
        "DISPATCHER_DATABASE_URL=postgresql://u:p@db/ledger",
        "DISPATCHER_DATABASE_URL=postgresql://db/ledger?user=u&password=p",
        "DISPATCHER_DATABASE_URL=postgresql://db/ledger?sslpassword=p&sslkey=k",
        "DISPATCHER_HEARTBEAT_URL=https://watchdog.example.com/ping/key",
        "WECOM_KEY=abc",
    ],
)
def test_a_settings_file_that_holds_a_secret_is_guarded_like_one(
    open_folder: Path, line: str
) -> None:
    write(open_folder / ".env", line, 0o644)
    with pytest.raises(SettingsError, match=r"chmod 600 .*\.env"):
        load_settings({}, open_folder)
    (open_folder / ".env").chmod(0o640)
    load_settings({}, open_folder)


@pytest.mark.parametrize(
    "line", ["DISPATCHER_MAIL_FROM=a@example.com", "DISPATCHER_DATABASE_URL=sqlite:////x.db"]
)
def test_a_settings_file_without_a_secret_may_be_read_by_all(open_folder: Path, line: str) -> None:
    write(open_folder / ".env", line, 0o644)
    load_settings({}, open_folder)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite:x.db",
        "sqlite://x.db",
        "postgresql:/u:S3cret@h/x",
        "postgresql://u:S3cret@h:abc/x",
        "postgresql://u:S3cret@h:/x",
        "postgresql://u:S3cret@[::1/x",
        "postgresql://u:12/S3cret@h:abc/x",
        "postgresql://h:5432/x?user=u@d&password=S3cret",
    ],
)
def test_an_address_that_is_no_databases_is_refused_by_name_and_not_shown(
    tmp_path: Path, url: str
) -> None:
    (tmp_path / "url").write_text(url)
    for given in ({"DISPATCHER_DATABASE_URL": url}, {"DISPATCHER_DATABASE_URL_FILE": "url"}):
        with pytest.raises(SettingsError, match="DISPATCHER_DATABASE_URL should be like") as found:
            load_settings(given, tmp_path)
        assert "S3cret" not in everything_said(found.value)


@pytest.mark.parametrize(
    "address",
    ["u:S3c@retTail@h/x", "u:S3c@ret:Tail@h/x", "u:S3c@ret/Tail@h", "u:S3c@ret?Tail@h/x"],
)
def test_what_follows_an_at_in_a_password_is_not_taken_for_the_host(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(SettingsError, match="write @ in the password as %40") as found:
        load_settings({"DISPATCHER_DATABASE_URL": f"postgresql://{address}"}, tmp_path)
    assert not re.search("S3c|Tail", everything_said(found.value))


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///x.db",
        "sqlite:////srv/台账/a@b:c.db",
        "sqlite+pysqlite:////srv/x.db",
        "postgresql:///ledger",
        "postgresql://u@h/ledger",
        "postgresql://u%40d:p%40ss@db-1.example.gov.cn:5432/ledger?sslmode=require",
        "postgresql://u@d:p/s#s?[@h/ledger",
        "postgresql+psycopg://u:p@[::1]:5432/ledger",
        "postgresql:///ledger?host=/var/run/postgresql&user=u&password=p",
    ],
)
def test_every_address_that_can_be_used_is_taken(tmp_path: Path, url: str) -> None:
    assert load_settings({"DISPATCHER_DATABASE_URL": url}, tmp_path).database_url == url
    assert make_url(url)


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_settings_file_that_is_not_utf_8_is_refused_by_name(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / ".env").write_text("DISPATCHER_MAIL_FROM=办公室@example.com\n", encoding)
    with pytest.raises(SettingsError, match=r"/\.env is not UTF-8"):
        load_settings({}, tmp_path)


def test_a_settings_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsError, match=r"/\.env cannot be read: it is a folder"):
        load_settings({}, tmp_path)


@pytest.mark.parametrize("value", ["0", "17", "four", "-1", "４"])
def test_a_number_of_connections_that_cannot_be_is_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"SMTP_CONNECTIONS: '{value}' should be 1 to 16"):
        load_settings({"DISPATCHER_SMTP_CONNECTIONS": value}, tmp_path)


def test_four_connections_unless_another_number_is_given(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path).smtp_connections == 4
    one = {"DISPATCHER_SMTP_CONNECTIONS": "1"}
    assert load_settings(one, tmp_path).smtp_connections == 1


def test_what_the_calendar_asks_for_may_stand_in_a_file_too(tmp_path: Path) -> None:
    write(tmp_path / "key", "canary\n", 0o600)
    found = load_settings({"WECOM_KEY": "k", "SMS_KEY_FILE": "key"}, tmp_path)
    assert (found.secret("WECOM_KEY"), found.secret("SMS_KEY")) == ("k", "canary")
    assert found.secret("NOTHING") == ""
    assert "canary" not in repr(found.secret("SMS_KEY"))


def test_hosts_are_a_list_of_names(tmp_path: Path) -> None:
    given = {"DISPATCHER_HOSTS": "oa.example.gov.cn, sms.example.cn"}
    assert load_settings(given, tmp_path).hosts == ("oa.example.gov.cn", "sms.example.cn")


def test_the_example_lists_every_setting() -> None:
    names = {*settings.NAMES, *(f"{name}_FILE" for name in settings.IN_FILES)}
    example = settings.shipped(".env.example").read_text("utf-8")
    assert set(re.findall(r"^#DISPATCHER_(\w+)=", example, re.M)) == names


def test_a_settings_file_that_breaks_meanwhile_leaves_the_clock_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("DISPATCHER_TYPO=1\n")
    before = system_clock()
    assert before <= bootstrap.now() <= system_clock()


@pytest.mark.parametrize(
    "file, given", [("url", "DISPATCHER_DATABASE_URL"), ("", "DISPATCHER_DATABASE_URL_FILE")]
)
def test_the_environment_wins_whichever_of_the_two_has_it_in_a_file(
    tmp_path: Path, file: str, given: str
) -> None:
    ours, other = "sqlite:///ours.db", "sqlite:///other.db"
    write(tmp_path / "url", other if file else ours, 0o600)
    line = "DISPATCHER_DATABASE_URL_FILE=url" if file else f"DISPATCHER_DATABASE_URL={other}"
    write(tmp_path / ".env", f"{line}\nWECOM_KEY=old\n", 0o600)
    write(tmp_path / "key", "new", 0o600)
    environ = {given: ours if file else "url", "WECOM_KEY_FILE": "key"}
    found = load_settings(environ, tmp_path)
    assert (found.database_url, found.secret("WECOM_KEY")) == (ours, "new")


@pytest.mark.parametrize(
    "name, value",
    [
        ("HOSTS", "http://gateway/send"),
        ("HEARTBEAT_URL", "ftp://watchdog.example.com"),
        ("HEARTBEAT_URL", "watchdog.example.com"),
    ],
)
def test_an_address_of_the_wrong_form_is_refused_when_it_is_read(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"DISPATCHER_{name}"):
        load_settings({f"DISPATCHER_{name}": value}, tmp_path)


def test_an_empty_variable_hides_nothing_of_another_form(tmp_path: Path) -> None:
    """As a compose file gives what is not set."""
    write(tmp_path / "db", "postgresql://office:secret@db/office\n", 0o600)
    write(tmp_path / "key", "token\n", 0o600)
    lines = "DISPATCHER_DATABASE_URL_FILE=db\nWECOM_KEY_FILE=key\n"
    write(tmp_path / ".env", lines, 0o600)
    found = load_settings({"DISPATCHER_DATABASE_URL": "", "WECOM_KEY": ""}, tmp_path)
    assert found.database_url == "postgresql://office:secret@db/office"
    assert found.secret("WECOM_KEY") == "token"
    empty = {"DISPATCHER_SMTP_URL": "smtps://mail", "DISPATCHER_SMTP_URL_FILE": ""}
    assert load_settings(empty, tmp_path).smtp_url == "smtps://mail"


def test_a_secret_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "url", "smtps://u:p@mail.example.com", 0o600)
    environ = {"DISPATCHER_SMTP_URL": "smtps://mail", "DISPATCHER_SMTP_URL_FILE": "url"}
    with pytest.raises(SettingsError, match="DISPATCHER_SMTP_URL_FILE are both set: keep one"):
        load_settings(environ, tmp_path)
