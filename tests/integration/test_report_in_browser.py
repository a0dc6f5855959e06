"""The report and the index in headless Chromium, with values that attack a page which does not escape them."""

import browser
import pytest
from report_examples import HOSTILE_TEXT, make_report_data, make_summary
from run_store import RunRecorder

from flightline.metadata.runs import Runs
from flightline.reporting.html.index import write_index
from flightline.reporting.html.render import render_report

PHONE, DESK = 360, 1200  # width in pixels


@pytest.fixture(scope="module")
def chromium():
    found = browser.find_chromium()
    if found is None:
        pytest.skip("there is no Chromium on the PATH: scripts/browser.sh installs it")
    return found


def index(tmp_path):
    RunRecorder(tmp_path / "metadata.db")
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    make_summary(HOSTILE_TEXT, pipeline=HOSTILE_TEXT).write(folder)
    return write_index(tmp_path, Runs.open(tmp_path / "metadata.db")).read_text()


@pytest.mark.parametrize(("name", "width"), [("report", PHONE), ("report", DESK), ("index", PHONE)])
def test_page_sends_no_requests_runs_no_scripts_and_does_not_overflow(chromium, tmp_path, name, width):
    page = render_report(make_report_data(HOSTILE_TEXT)) if name == "report" else index(tmp_path)
    seen = browser.visit_page(chromium, page, tmp_path / "profile", width)
    assert seen.requests == []
    assert seen.console == []
    assert seen.page["overflow_px"] <= 0
    assert (seen.page["hostile"], seen.page["scripts"], seen.page["images"]) == (False, 0, 0)
    assert "<script>parent.hostile = 1" in seen.page["text"]
    assert seen.page["background"] == "rgb(250, 249, 247)"  # the style sheet is in force


def test_browser_detects_an_attack_that_is_not_escaped(chromium, tmp_path):
    seen = browser.visit_page(chromium, f"<body>{HOSTILE_TEXT}</body>", tmp_path / "profile", DESK)
    assert seen.requests == ["elsewhere.example/leak.png"]
    assert seen.page["hostile"]
