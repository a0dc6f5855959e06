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


def test_init_writes_a_valid_config_and_prints_the_next_command(init, table):
    result = init(table(rows()), "--label", "y")
    assert result.exit_code == 0, result.stderr
    config = load_config(Path("configs/table.yaml"))
    assert [file.location for file in check_against_data(config)] == ["table.csv"]
    assert "runner_local.py --config configs/table.yaml" in result.stdout


def test_markers_for_missing_values_are_reported_and_configured(init, table):
    result = init(table(rows(age=["NA" if row % 9 == 0 else row * 13 % 40 for row in range(90)])), "--label", "y")
    assert "'NA': count as empty cells" in result.stdout
    config = load_config(Path("configs/table.yaml"))
    assert config.data.missing_values == ("NA",)
    assert "age" not in config.features.exclude


def test_init_writes_its_files_even_if_its_output_is_closed(table, tmp_path):
    """`flightline init ... | head -3`."""
    command = [sys.executable, "-m", "flightline", "init", str(table(rows())), "--label", "y"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ended:
        ended.stdout.close()  # before init prints anything
        assert ended.stderr.read() == b""
    assert ended.returncode == 0
    assert (tmp_path / "configs" / "table.yaml").is_file()
    assert (tmp_path / "schema" / "table.pbtxt").is_file()


def test_words_among_numbers_are_missing_values_with_the_option(init, table):
    path = table(rows(age=["unknown" if row % 30 == 0 else row * 13 % 70 for row in range(90)]))
    assert "numbers except for 'unknown' (3.3% of the rows)" in init(path, "--label", "y").stdout
    assert init(path, "--label", "y", "--missing-value", "unknown", "--force").exit_code == 0
    config = load_config(Path("configs/table.yaml"))
    check_against_data(config)
    assert config.data.missing_values == ("unknown",)
    assert "age" not in config.features.exclude


def test_leading_zeros_are_reported(init, table):
    result = init(table(rows(zip=[f"{row * 937 % 9000:05d}" for row in range(90)])), "--label", "y")
    assert "leading zeros" in result.stdout
    text = Path("configs/table.yaml").read_text()
    assert "zip: written with leading zeros" in text
    assert "categorical: []" in text


def test_options_are_checked_before_existing_files(init, table):
    path = table(rows())
    assert init(path, "--label", "y").exit_code == 0
    assert "did you mean y?" in init(path, "--label", "Y").stderr
    assert "ranking" in init(path, "--label", "y", "--task", "ranking").stderr


def test_a_messy_table_is_profiled_correctly(init, tmp_path):
    result = init(write_messy_table(tmp_path / "awk ward.csv"), "--label", LABEL, "--name", "awk")
    assert result.exit_code == 0, result.stderr
    config = load_config(Path("configs/awk.yaml"))
    check_against_data(config)
    assert set(config.features.exclude) == {"kunden_id", "zeile", "datum", "empty", "immer", "leak", "notiz"}
    assert config.gate.max_rejected["missing_label"] >= 0.03


def test_a_table_with_five_hundred_columns_is_profiled(init, tmp_path):
    result = init(write_wide_table(tmp_path / "wide.csv"), "--label", "y")
    assert result.exit_code == 0, result.stderr
    check_against_data(load_config(Path("configs/wide.yaml")))


def test_nothing_is_overwritten_without_force(init, table):
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
    ("words", "message"),
    [
        (["--label", "Y"], "did you mean y?"),
        (["--label", "y", "--include", "z"], "no such column"),
        (["--label", "y", "--name", "No Name"], "for example --name no_name"),
        (["--label", "y", "--task", "ranking"], "binary, multiclass or regression"),
        (["--label", "x", "--task", "binary"], "11 values"),
    ],
)
def test_invalid_options_give_one_line_and_write_nothing(init, table, words, message):
    result = init(table(rows()), *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not Path("configs").exists()


def test_missing_files_and_ambiguous_globs_are_rejected(init, table, tmp_path):
    assert init(tmp_path / "no.csv", "--label", "y").exit_code == 2
    one, two = table(rows(), "a-1.csv"), table(rows(), "a-2.csv")
    table(rows(), "b.csv")
    assert init(one, two, "--label", "y", "--name", "both").exit_code == 0
    assert load_config(Path("configs/both.yaml")).data.pattern == "a-*.csv"
    table(rows(), "a-3.csv")
    result = init(one, two, "--label", "y", "--name", "both", "--force")
    assert result.exit_code == 2
    assert "separate folder" in result.stderr


def test_init_does_not_import_tensorflow(table, tmp_path):
    path = table(rows())
    script = (
        "import sys; from flightline.cli.main import app; import typer\n"
        f"typer.main.get_command(app)(['init', {str(path)!r}, '--label', 'y'], standalone_mode=False)\n"
        "sys.exit('tensorflow' in sys.modules or 'tfx' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True)
    assert ended.returncode == 0, ended.stderr


def test_an_infinite_label_counts_as_a_rejected_row(init, table):
    labels = [f"{row * 31 % 97}.5" for row in range(90)]
    result = init(table(rows(y=[*labels[:-1], "inf"])), "--label", "y")
    assert result.exit_code == 0, result.stderr
    assert "1 rows have no label (1 are infinite) and will be rejected" in result.stdout
