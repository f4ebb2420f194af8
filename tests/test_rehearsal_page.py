"""The page of a rehearsal is whole: it opens from the disk, and every message is in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from dispatcher.rehearsal.wishes import Stretch
from tests.rehearsing import MONTHLY, Past, rehearse

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
POPPLER = shutil.which("pdfinfo")
in_a_browser = pytest.mark.skipif(
    not CHROMIUM, reason="chromium is not installed here (Debian: apt-get install chromium)"
)
VOID = {"meta", "link", "br", "img", "input", "hr"}
AWKWARD = MONTHLY.replace("title: 住房排查", "title: '<script>x()</script>&\"住房\"'").replace(
    "title: 测试", "title: '<b>测试</b>'"
)
LOADING = re.compile(r"""https?:|//\w|url\(|@import|<(?:script|link|img|iframe|object|base)\b""")
"""What could bring anything in from elsewhere."""


class Page(HTMLParser):
    """Reads a page and minds that what opens is closed; keeps links, cells and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "href":
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Half a year with an outage, in which nobody answers and titles are awkward."""
    outage = Stretch(date(2026, 2, 9), date(2026, 2, 10))
    folder = tmp_path_factory.mktemp("past")
    return rehearse(
        folder, "2026-01-01", "2026-06-30", AWKWARD, answer_rate=0.0, outages=(outage,), more_than=0
    )


def text_of(past: Past) -> str:
    return (past.out / "index.html").read_text("utf-8")


def test_the_page_is_well_formed_and_loads_nothing(past: Past) -> None:
    Page(text_of(past))
    assert LOADING.findall(text_of(past)) == []


def test_every_message_is_linked_and_every_link_leads_somewhere(past: Past) -> None:
    page = Page(text_of(past))
    inside = {link[1:] for link in page.links if link.startswith("#")}
    outside = {unquote(link) for link in page.links if not link.startswith("#")}
    assert inside == set(page.ids)
    assert outside == {
        str(path.relative_to(past.out)) for path in (past.out / "messages").iterdir()
    }
    mails = [link for link in outside if link.endswith(".eml")]
    assert len(mails) == past.tally.total.messages > 40
    assert len(outside) == 2 * len(mails), "each as a mail and as a web page"


def test_titles_are_shown_and_never_run(past: Past) -> None:
    assert any("<b>测试</b>" in text for text in Page(text_of(past)).texts)
    messages = [path.read_text("utf-8") for path in (past.out / "messages").glob("*.html")]
    assert any("&lt;script&gt;" in text for text in messages)
    assert not any("<script" in text for text in [*messages, text_of(past)])


def test_the_calendar_has_every_day_with_its_load_and_its_shade(past: Path) -> None:
    text = text_of(past)
    assert text.count("<caption>") == 6
    assert len(re.findall(r'<td class="s\d', text)) == 181
    # 4 January: one digest and the brief; the heaviest days have three items: shade 5√⅓.
    assert '<td class="s3" title="2封信,1项">4<b>2</b></td>' in text
    assert '<td class="s0 rest">3<b>\u00a0</b></td>' in text


def test_the_messages_of_a_unit_stand_under_the_day_on_which_they_left(past: Past) -> None:
    text = text_of(past)
    (unit,) = re.findall(r"<summary>潭东镇:.*?</details>", text, re.S)
    rows = re.findall(r"<tr><td>(\S+?)\(周.\)</td>.*?>(【\S+?)</a>", unit)
    assert rows[:2] == [("1月4日", "【提醒】潭东镇:待办1项(1月4日)"),
                        ("1月23日", "【提醒】潭东镇:7日内到期1项(1月23日)")]  # fmt: skip
    assert "2月9日" not in dict(rows)


def chromium(folder: Path, *options: str) -> str:
    """What a headless browser without any network says."""
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
        "--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}",
    ]  # fmt: skip
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


MEASURING = """\
<!DOCTYPE html><meta charset="utf-8"><title>measuring</title>
<iframe src="{page}" style="width:{width}px;height:800px;border:0"></iframe>
<script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  page.querySelectorAll("details").forEach(each => each.open = true);
  const size = getComputedStyle(page.body).fontSize;
  document.body.dataset.found = page.documentElement.scrollWidth + " " + size;
}};
</script>
"""


@in_a_browser
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_in_a_browser_no_width_has_to_be_scrolled_sideways(
    past: Past, tmp_path: Path, width: int
) -> None:
    around = tmp_path / "around.html"
    page = (past.out / "index.html").as_uri()
    around.write_text(MEASURING.format(page=page, width=width), "utf-8")
    found = re.search(
        r'data-found="(\d+) (\S+)"', chromium(tmp_path, "--dump-dom", around.as_uri())
    )
    assert found
    assert int(found[1]) <= width
    assert found[2] == "16px"


@in_a_browser
@pytest.mark.skipif(not POPPLER, reason="poppler's pdfinfo is not installed here")
def test_in_a_browser_it_prints_on_a4(past: Past, tmp_path: Path) -> None:
    printed = tmp_path / "printed.pdf"
    page = (past.out / "index.html").as_uri()
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", page)
    info = subprocess.run(
        [str(POPPLER), printed], capture_output=True, text=True, check=True
    ).stdout
    assert "(A4)" in info
    assert re.search(r"Pages: +[12]\n", info), "no unit is printed in full before it is opened"
