"""The notebooks as committed: code without outputs, the public API alone, and one cell that names the run."""

import json
import re

import notebook_runs
import pytest

import flightline as fl

NAMES = sorted(path.stem for path in notebook_runs.FOLDER.glob("*.ipynb"))


def test_there_are_notebooks():
    assert NAMES == ["compare_runs", "inspect_run"]


@pytest.mark.parametrize("name", NAMES)
def test_no_output_is_committed(name):
    for cell in json.loads((notebook_runs.FOLDER / f"{name}.ipynb").read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", NAMES)
def test_only_the_public_api_is_used(name):
    code = "\n".join(cell.source for cell in notebook_runs.read_notebook(name).cells if cell.cell_type == "code")
    assert re.findall(r"^.*import.*flightline.*$|^.*flightline.*import.*$", code, re.MULTILINE) == [
        "import flightline as fl"
    ]
    assert set(re.findall(r"\bfl\.(\w+)", code)) <= set(fl.__all__)
    assert not re.findall(r"\._\w|\.record\b|\.store\b", code)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_code_cell_names_the_run_and_reads_no_environment(name):
    notebook = notebook_runs.read_notebook(name)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first is notebook_runs.parameters_cell(notebook)
    assert "environ" not in first.source
    assert "getenv" not in first.source
