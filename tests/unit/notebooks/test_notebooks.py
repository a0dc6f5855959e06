"""What is committed of the notebooks: code without outputs, and one cell that says which run."""

import json

import notebook_runs
import pytest

NAMES = sorted(path.stem for path in notebook_runs.FOLDER.glob("*.ipynb"))


def test_there_are_notebooks():
    assert NAMES == ["compare_runs", "inspect_run"]


@pytest.mark.parametrize("name", NAMES)
def test_no_output_is_committed(name):
    for cell in json.loads((notebook_runs.FOLDER / f"{name}.ipynb").read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", NAMES)
def test_the_first_cell_of_code_says_which_run_and_asks_no_environment(name):
    notebook = notebook_runs.read_notebook(name)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first is notebook_runs.parameters_cell(notebook)
    assert "environ" not in first.source
    assert "getenv" not in first.source
