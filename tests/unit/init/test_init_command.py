import os
import subprocess
import sys
from pathlib import Path

import pytest
from messy_tables import LABEL, write_messy_table, write_wide_table

from flightline.config.loader import check_against_data, load_config

ROOT = Path(__file__).resolve().parents[3]


def rows(**more):
    return {"x": [row * 7 % 11 + 0.5 for row in range(90)], "y": [row % 2 for row in range(90)], **more}


def test_it_writes_what_a_run_takes_and_says_the_next_command(init, table):
    said = init(table(rows()), "--label", "y")
    assert said.exit_code == 0, said.stderr
    config = load_config(Path("configs/table.yaml"))
    assert [file.location for file in check_against_data(config)] == ["table.csv"]
    assert "runner_local.py --config configs/table.yaml" in said.stdout


def test_marks_for_no_value_are_said_and_settled(init, table):
    said = init(table(rows(age=["NA" if row % 9 == 0 else row * 13 % 40 for row in range(90)])), "--label", "y")
    assert "'NA': taken for empty cells" in said.stdout
    config = load_config(Path("configs/table.yaml"))
    assert config.data.missing_values == ("NA",)
    assert "age" not in config.features.exclude


def test_it_writes_whole_though_nobody_reads_to_the_end(table, tmp_path):
    """`flightline init ... | head -3`."""
    command = [sys.executable, "-m", "flightline", "init", str(table(rows())), "--label", "y"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ended:
        ended.stdout.close()  # before it has said anything
        assert ended.stderr.read() == b""
    assert ended.returncode == 0
    assert (tmp_path / "configs" / "table.yaml").is_file()
    assert (tmp_path / "schema" / "table.pbtxt").is_file()


def test_words_among_numbers_are_missing_values_where_that_is_asked_for(init, table):
    path = table(rows(age=["unknown" if row % 30 == 0 else row * 13 % 70 for row in range(90)]))
    assert "numbers but for 'unknown' (3.3% of the rows)" in init(path, "--label", "y").stdout
    assert init(path, "--label", "y", "--missing", "unknown", "--force").exit_code == 0
    config = load_config(Path("configs/table.yaml"))
    check_against_data(config)
    assert config.data.missing_values == ("unknown",)
    assert "age" not in config.features.exclude


def test_leading_zeros_are_named(init, table):
    said = init(table(rows(zip=[f"{row * 937 % 9000:05d}" for row in range(90)])), "--label", "y")
    assert "leading zeros" in said.stdout
    text = Path("configs/table.yaml").read_text()
    assert "zip: written with leading zeros" in text
    assert "categorical: []" in text


def test_what_is_asked_for_is_checked_before_what_is_there(init, table):
    path = table(rows())
    assert init(path, "--label", "y").exit_code == 0
    assert "did you mean y?" in init(path, "--label", "Y").stderr
    assert "ranking" in init(path, "--label", "y", "--task", "ranking").stderr


def test_the_awkward_table_is_understood(init, tmp_path):
    said = init(write_messy_table(tmp_path / "awk ward.csv"), "--label", LABEL, "--name", "awk")
    assert said.exit_code == 0, said.stderr
    config = load_config(Path("configs/awk.yaml"))
    check_against_data(config)
    assert set(config.features.exclude) == {"kunden_id", "zeile", "datum", "empty", "immer", "leak", "notiz"}
    assert config.gate.max_rejected["missing_label"] >= 0.03


def test_five_hundred_columns(init, tmp_path):
    said = init(write_wide_table(tmp_path / "wide.csv"), "--label", "y")
    assert said.exit_code == 0, said.stderr
    check_against_data(load_config(Path("configs/wide.yaml")))


def test_nothing_is_overwritten_unless_it_is_asked_for(init, table):
    path = table(rows())
    assert init(path, "--label", "y").exit_code == 0
    Path("configs/table.yaml").write_text("mine")
    again = init(path, "--label", "y")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert Path("configs/table.yaml").read_text() == "mine"
    assert init(path, "--label", "y", "--force").exit_code == 0
    assert Path("configs/table.yaml").read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--label", "Y"], "did you mean y?"),
        (["--label", "y", "--keep", "z"], "no such column"),
        (["--label", "y", "--name", "No Name"], "--name no_name would do"),
        (["--label", "y", "--task", "ranking"], "binary, multiclass or regression"),
        (["--label", "x", "--task", "binary"], "11 values"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(init, table, words, said):
    asked = init(table(rows()), *words)
    assert asked.exit_code == 2
    assert said in asked.stderr
    assert len(asked.stderr.strip().splitlines()) == 1
    assert not Path("configs").exists()


def test_files_that_are_not_there_or_have_company(init, table, tmp_path):
    assert init(tmp_path / "no.csv", "--label", "y").exit_code == 2
    one, two = table(rows(), "a-1.csv"), table(rows(), "a-2.csv")
    table(rows(), "b.csv")
    assert init(one, two, "--label", "y", "--name", "both").exit_code == 0
    assert load_config(Path("configs/both.yaml")).data.pattern == "a-*.csv"
    table(rows(), "a-3.csv")
    refused = init(one, two, "--label", "y", "--name", "both", "--force")
    assert refused.exit_code == 2
    assert "folder of their own" in refused.stderr


def test_it_answers_without_tensorflow(table, tmp_path):
    path = table(rows())
    script = (
        "import sys; from flightline.cli.main import app; import typer\n"
        f"typer.main.get_command(app)(['init', {str(path)!r}, '--label', 'y'], standalone_mode=False)\n"
        "sys.exit('tensorflow' in sys.modules or 'tfx' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True)
    assert ended.returncode == 0, ended.stderr
