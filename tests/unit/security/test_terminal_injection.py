"""Names and values from data, as the terminal shows them: as they are, and obeyed by neither rich nor the terminal."""

import io
import re
from pathlib import Path

import pytest
from report_examples import make_summary
from rich.console import Console

from flightline.cli.runs import show_slices
from flightline.config.modeling import TrainSettings
from flightline.executors.data_gate.findings import FeatureDrift, Finding
from flightline.reporting.progress_table import ProgressDisplay
from flightline.reporting.terminal_summary import show_next_commands, show_summary
from flightline.utils.terminal import escape

HOSTILE = [
    "[/red]",
    "[bold]x",
    "[link=file:///etc]x[/link]",
    "{{7*7}}",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "a\u202eb",
    "[",
    "\\[x]",
    "a\\",
]
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def spelt_out(word):
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in word)


def on_a_console(draw):
    file = io.StringIO()
    draw(Console(file=file, width=400, highlight=False))
    return file.getvalue()


@pytest.mark.parametrize("word", HOSTILE)
def test_escaped_text_is_shown_as_it_is(word):
    shown = on_a_console(lambda console: console.print(f"[bold]{escape(word)}[/]"))
    assert shown.rstrip("\n") == spelt_out(word)


@pytest.mark.parametrize("word", HOSTILE)
def test_the_summary_of_a_run(word):
    finding = Finding(word, "K", f"holds {word}", 3)
    blocked = make_summary(
        word,
        findings=[finding],
        exit_code=4,
        failure=f"it is {word}",
        drift=[FeatureDrift(word, "L-infinity", 0.1, 0.2)],
    )

    def draw(console):
        show_summary(console, blocked)
        show_slices(console, blocked.evaluation)
        show_next_commands(console, blocked, Path("runs") / word.replace("\0", ""), TrainSettings())

    shown = on_a_console(draw)
    assert not CONTROLS.search(shown)
    assert f"origin={spelt_out(word)}" in shown
    assert f"holds {spelt_out(word)}" in shown


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("word", HOSTILE)
def test_the_reason_and_notes_of_a_step_are_escaped(word, live):
    def draw(console):
        screen = ProgressDisplay(console, live=False)
        screen.open(["Trainer"])
        screen.step_started("Trainer")
        screen.step_ended("Trainer", "failed", 7, word)
        screen.note(word)
        if live:
            console.print(screen._table())

    shown = on_a_console(draw)
    assert not CONTROLS.search(shown)
    assert shown.count(spelt_out(word)) >= 2
