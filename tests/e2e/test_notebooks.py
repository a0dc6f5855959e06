"""The notebooks, as committed but for the cell that says which run: no request, no error, real pictures."""

import re

import notebook_runs
import pytest

CONFIG = 'Path("configs/flights.yaml")'


def run_notebook(name, result, replaced=None):
    """Executes a notebook on a run's workspace; the network is refused to it."""
    no_network = (
        "import socket\n"
        "_connect = socket.socket.connect\n"
        "def _refuse(self, address):\n"
        "    assert self.family == socket.AF_UNIX or address[0] in ('127.0.0.1', 'localhost', '::1'), address\n"
        "    return _connect(self, address)\n"
        "socket.socket.connect = _refuse\n"
        "import os\n"
    )
    here = {"import os\n": no_network, CONFIG: f"Path({str(result.folder / 'config.yaml')!r})"}
    return notebook_runs.execute_notebook(name, {**here, **(replaced or {})})


@pytest.fixture(scope="module")
def inspected(trained):
    return run_notebook("inspect_run", trained, {'"latest"': '"first"'})


def test_inspect_tells_the_verdict_the_metrics_and_the_lineage(inspected, trained):
    said = "\n".join(notebook_runs.outputs_of(inspected, "text/plain"))
    assert f"run first: released to {trained.workspace}" in said
    assert "origin=JFK" in said
    assert "PushedModel" in said
    assert "ExampleGen" in said


def test_inspect_asks_the_model_what_if(inspected):
    said = "\n".join(notebook_runs.outputs_of(inspected, "text/plain"))
    [probability] = re.findall(r"probability: (0\.\d+)", said)
    assert 0 < float(probability) < 1
    asked = [float(answer) for answer in re.findall(r"^ *-?[\d.]+ +(0\.\d+) *$", said, re.MULTILINE)]
    assert len(asked) >= 5
    assert asked[-1] - asked[0] > 0.1  # whoever leaves hours late arrives late


def test_pictures_are_in_the_page_and_fetch_nothing(inspected):
    pages = notebook_runs.outputs_of(inspected, "text/html")
    images = [source for page in pages for source in re.findall(r'<img[^>]* src="([^"]+)"', page)]
    assert len(images) > 25  # every feature, and the charts
    assert all(source.startswith("data:image/svg+xml;base64,") for source in images)
    assert not [page for page in pages if "<script" in page or "nothing to draw" in page]


def test_compare_tells_what_was_changed_and_what_came_of_it(trained, again):
    pair = "now, before = list(runs)[:2]"
    chosen = f'now, before = runs.get("{again.run_id}"), runs.get("first")'
    compared = run_notebook("compare_runs", trained, {pair: chosen})
    said = "\n".join(notebook_runs.outputs_of(compared, "text/plain"))
    assert f"first → {again.run_id}" in said
    assert "train.epochs" in said
    assert "binary_crossentropy" in said
    assert 'alt="auc by origin"' in "\n".join(notebook_runs.outputs_of(compared, "text/html"))
