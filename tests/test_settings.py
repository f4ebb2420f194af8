"""Where settings come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.errors import SettingsError
from dispatcher.settings import load_settings


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
    (tmp_path / "url").write_text("smtps://u:canary@mail.example.com\n")
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
