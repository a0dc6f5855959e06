import io

from rich.console import Console

from flightline.reporting.progress_table import ProgressDisplay


def plain():
    out = io.StringIO()
    return ProgressDisplay(Console(file=out, width=100), live=False), out


def test_plain_screen_prints_one_line_per_event(monkeypatch):
    monkeypatch.setattr("flightline.reporting.progress_table.time.monotonic", lambda: 100.0)
    screen, out = plain()
    screen.open(["ExampleGen", "Trainer"])
    screen.step_started("ExampleGen")
    screen.step_ended("ExampleGen", "ran", 336776)
    screen.note("Trainer runs [slowly]")
    screen.close()
    assert out.getvalue().splitlines() == [
        "[1/2] ExampleGen: running",
        "[1/2] ExampleGen: ran, 336,776 rows, 0.0 s",
        "Trainer runs [slowly]",
    ]


def test_progress_of_a_long_step_shows_its_rate(monkeypatch):
    screen, out = plain()
    now = [100.0]
    monkeypatch.setattr("flightline.reporting.progress_table.time.monotonic", lambda: now[0])
    screen.open(["ExampleGen"])
    screen.step_started("ExampleGen")
    for seconds, rows in ((1, 1000), (6, 6000), (7, 7000), (12, 12000)):
        now[0] = 100.0 + seconds
        screen.progress("ExampleGen", rows)
    progress = [line for line in out.getvalue().splitlines() if "per second" in line]
    assert progress == [
        "[1/1] ExampleGen: 6,000 rows, 1,000 per second",
        "[1/1] ExampleGen: 12,000 rows, 1,000 per second",
    ]


def test_step_without_a_row_count_keeps_its_last_progress():
    screen, out = plain()
    screen.open(["Evaluator"])
    screen.step_started("Evaluator")
    screen.progress("Evaluator", 42)
    screen.step_ended("Evaluator", "ran", None)
    assert "ran, 42 rows" in out.getvalue()


def test_live_table_redraws_and_does_not_capture_library_output(capsys):
    out = io.StringIO()
    screen = ProgressDisplay(Console(file=out, width=100, force_terminal=True), live=True)
    with screen.status("loading"):
        print("noise of a library")  # noqa: T201
    screen.open(["ExampleGen", "Trainer"])
    screen.step_started("ExampleGen")
    screen.step_ended("ExampleGen", "cached", 10)
    screen.step_started("Trainer")
    screen.close()
    text = out.getvalue()
    assert "cached" in text
    assert "failed" in text  # a step that is still running when the screen closes
    assert "noise" not in text
    assert "noise" in capsys.readouterr().out
