"""Whatever a file holds, each of its rows is accounted for, or it is refused by one clear line and exit code 2.

Each case runs in a process that may take a few seconds and some memory; a crash of a library is an answer as well.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hostile_csv import TYPES
from hostile_file_worker import ingest_files
from hostile_files import FileCase, file_cases
from sandbox import Sandbox

CASES = list(file_cases())
SECONDS, MEMORY_MB = 20, 1536  # what one case may take: a good file of this size takes a tenth of a second and 20 MB
LONGEST_LINE = 2000  # characters that a person would still read


@pytest.fixture(scope="module")
def confined() -> Sandbox:
    return Sandbox(["hostile_file_worker"], SECONDS, MEMORY_MB)


def test_the_number_of_hostile_inputs_is_the_documented_one():
    assert len({case.name for case in CASES}) == len(CASES) >= 500


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_row_is_accounted_for_or_the_file_is_refused(confined, tmp_path, case: FileCase):
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    files = case.make(folder)
    declared = TYPES if len(case.name) % 2 else {}  # half of them with the types of a schema, half inferred
    outcome = confined(ingest_files, [str(file) for file in files], str(output), declared)
    assert not outcome.ended
    assert not outcome.raised
    if "refused" in outcome.answer:
        assert_one_clear_line(outcome.answer["refused"], files)
        assert outcome.answer["exit_code"] == 2
        assert not list(output.rglob("*.*"))
        return
    counts = outcome.answer["counts"]
    rejected = sum(count for key, count in counts.items() if key.startswith("rows_rejected_"))
    written = sum(count for key, count in counts.items() if key.startswith("rows_split_"))
    assert counts["rows_read"] == written + rejected > 0
    assert outcome.answer["examples"] == written
    assert count_rejected_rows(output) == rejected
    if (expected := count_plain_text_rows(files)) is not None:
        assert counts["rows_read"] == expected


def assert_one_clear_line(told: str, files: list[Path]) -> None:
    assert told == told.strip()
    assert len(told) < LONGEST_LINE
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", told), told
    assert (
        any(file.name.isprintable() and file.name in told for file in files)
        or not all(file.name.isprintable() for file in files)
        or not files
    )


def count_rejected_rows(output: Path) -> int:
    path = output / "rejected" / "rejected.csv"
    if not path.exists():
        return 0
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["file"] and row["line"].isdigit() and row["reason"] for row in rows)
    return len(rows)


def count_plain_text_rows(files: list[Path]) -> int | None:
    """How many lines have something on them after the header, where no quote can join lines; None where one might."""
    total = 0
    for file in files:
        content = file.read_bytes() if file.suffix == ".csv" and file.is_file() else b'"'
        if b'"' in content:
            return None
        total += sum(1 for line in content.split(b"\n")[1:] if line.strip(b"\r"))
    return total
