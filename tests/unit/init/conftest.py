"""Fixtures that write small tables and profile them."""

from __future__ import annotations

import csv

import pytest
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.init.profile import profile_table


@pytest.fixture
def table(tmp_path):
    """`table({"a": [1, 2]})` → the path of a CSV with these columns; None is an empty cell."""

    def write(columns, name="table.csv"):
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(
                ["" if cell is None else cell for cell in row] for row in zip(*columns.values(), strict=True)
            )
        return path

    return write


@pytest.fixture
def profile(table):
    """`profile({"a": [...], "y": [...]})` → the profile of the table, with the label `y`."""
    return lambda columns, label="y", **options: profile_table([str(table(columns))], label, **options)


@pytest.fixture
def init(tmp_path, monkeypatch):
    """`init(file, "--label", "y")` → the result of the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["init", *(str(word) for word in words)])
