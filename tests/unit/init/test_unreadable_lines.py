from pathlib import Path

import pytest

from flightline.config.loader import load_config

ROWS = 400
FIXED_BY = {"Köln".encode("latin-1"): "iconv", b"Bonn, Rhein": "quote the cells"}


def write_table(folder, town, share):
    """A CSV file in which this share of the lines has the given town."""
    bad = range(0, ROWS, round(1 / share)) if share else ()
    lines = [(town if row in bad else b"Bonn") + b",%d,%d\n" % (row * 7 % 41, row % 2) for row in range(ROWS)]
    (folder / "t.csv").write_bytes(b"town,x,y\n" + b"".join(lines))
    return folder / "t.csv"


@pytest.mark.parametrize(("town", "advice"), FIXED_BY.items())
def test_a_few_unreadable_lines_are_reported_with_an_example(init, tmp_path, town, advice):
    result = init(write_table(tmp_path, town, 0.025), "--label", "y")
    assert result.exit_code == 0, result.stderr
    assert "10 of 400 lines (2.5%) cannot be read" in result.stdout
    assert "t.csv, line 2: " in result.stdout
    assert advice in result.stdout
    assert load_config(Path("configs/t.yaml")).gate.max_rejected["unparsable"] == 0.038


@pytest.mark.parametrize("share", [0.0625, 0.5, 1])
@pytest.mark.parametrize(("town", "advice"), FIXED_BY.items())
def test_too_many_unreadable_lines_are_rejected(init, tmp_path, town, advice, share):
    result = init(write_table(tmp_path, town, share), "--label", "y")
    assert result.exit_code == 2
    assert "cannot be read, the first is" in result.stderr
    assert advice in result.stderr
    assert not Path("configs").exists()


def test_the_gate_limit_is_at_most_the_accepted_share(init, tmp_path):
    assert init(write_table(tmp_path, b"Bonn, Rhein", 0.045), "--label", "y").exit_code == 0
    assert load_config(Path("configs/t.yaml")).gate.max_rejected["unparsable"] == 0.05
