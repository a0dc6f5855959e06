"""Whatever a config, a schema or a value of `--set` holds, it is taken as it is meant or refused by one clear line and
exit code 2: no traceback, no hang, bounded memory. They are tried in processes that may take little of either."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_config_worker import try_configs
from hostile_configs import ConfigCase, config_cases
from sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
CASES = list(config_cases())
CASES_PER_PROCESS = 25  # cases in one process: its start takes longer than they do
BATCHES = [CASES[start : start + CASES_PER_PROCESS] for start in range(0, len(CASES), CASES_PER_PROCESS)]
SECONDS, MEMORY_MB = 120, 512
PEAK_MB = 300  # what a batch may really touch
LONGEST_LINE = 2500


@pytest.fixture(scope="module")
def confined() -> Sandbox:
    return Sandbox(["hostile_config_worker"], SECONDS, MEMORY_MB)


def test_the_number_of_hostile_inputs_is_the_documented_one():
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: ascii(batch[0].name)[1:-1])
def test_a_hostile_config_is_read_as_written_or_refused(confined, tmp_path, batch: list[ConfigCase]):
    made = []
    for number, case in enumerate(batch):
        folder = tmp_path / str(number)
        folder.mkdir()
        config, overrides = case.make(folder)
        made.append((str(config), overrides))
    outcome = confined(try_configs, made)
    if outcome.answer is None:  # it says nothing of the others: which one was it?
        alone = {case.name: confined(try_configs, [one]) for case, one in zip(batch, made, strict=True)}
        pytest.fail(str({name: one for name, one in alone.items() if one.answer is None} or outcome))
    assert outcome.peak_mb < PEAK_MB
    for case, answer in zip(batch, outcome.answer, strict=True):
        assert_as_expected(case, answer)
    assert not list(tmp_path.glob("*/workspace"))


def assert_as_expected(case: ConfigCase, answer: dict) -> None:
    told = answer.get("refused", "")
    assert case.expected in ("either", "refused" if told else "accepted"), (case.name, told)
    if told:
        assert_one_clear_line(told)
        assert answer["exit_code"] == 2, case.name
    else:
        assert answer == {"accepted": True, "files": 1}, case.name


def assert_one_clear_line(told: str) -> None:
    assert told == told.strip()
    assert len(told) < LONGEST_LINE
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", told), told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("yaml: billion laughs", ["-m", "flightline", "runs"]),
        ("place: rows.yaml is a pipe that nobody writes to", ["-m", "flightline", "serve"]),
        ("schema: nested without end", ["runner_local.py"]),
    ],
)
def test_commands_report_the_error_in_one_line(tmp_path, name, command):
    [case] = [case for case in CASES if case.name == name]
    config, _ = case.make(tmp_path)
    words = [sys.executable, *command, "--config", str(config)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 2
    assert not ended.stdout
    [line] = ended.stderr.splitlines()
    assert line.startswith("flightline: ")
    assert_one_clear_line(line)
