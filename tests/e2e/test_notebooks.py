"""The notebooks, as committed but for the cell that says which run: no request, no error, real pictures."""

import re

import notebook_runs
import pytest

CONFIG = '"configs/flights.yaml"'


def run_notebook(name, result, replaced=None):
    """Executes a notebook on a run's workspace; the network is refused to it."""
    no_network = (
        "import socket\n"
        "_connect = socket.socket.connect\n"
        "def _refuse(self, address):\n"
        "    assert self.family == socket.AF_UNIX or address[0] in ('127.0.0.1', 'localhost', '::1'), address\n"
        "    return _connect(self, address)\n"
        "socket.socket.connect = _refuse\n"
    )
    start = "import flightline as fl\n"
    here = {start: no_network + start, CONFIG: repr(str(result.folder / "config.yaml"))}
    return notebook_runs.execute_notebook(name, {**here, **(replaced or {})})


@pytest.fixture(scope="module")
def inspected(trained):
    return run_notebook("inspect_run", trained, {'"latest"': '"first"'})


def test_inspect_shows_the_verdict_the_metrics_and_the_lineage(inspected, trained):
    said = "\n".join(notebook_runs.outputs_of(inspected, "text/plain"))
    assert f"released to {trained.workspace}" in said
    pages = "\n".join(notebook_runs.outputs_of(inspected, "text/html"))
    for word in ("Released", "origin=JFK", "PushedModel", "ExampleGen", "no anomalies"):
        assert word in pages


def test_inspect_shows_how_the_prediction_depends_on_a_feature(inspected):
    said = "\n".join(notebook_runs.outputs_of(inspected, "text/plain"))
    [probability] = re.findall(r"probability: (0\.\d+)", said)
    assert 0 < float(probability) < 1
    answers = [float(answer) for answer in re.findall(r"^dep_delay +-?\d+ +probability (0\.\d+)$", said, re.MULTILINE)]
    assert len(answers) >= 5
    assert answers[-1] - answers[0] > 0.1  # whoever leaves hours late arrives late


def test_pictures_are_in_the_page_and_fetch_nothing(inspected):
    pages = notebook_runs.outputs_of(inspected, "text/html")
    images = [source for page in pages for source in re.findall(r'<img[^>]* src="([^"]+)"', page)]
    assert len(images) > 25  # every feature, and the charts
    assert all(source.startswith("data:image/svg+xml;base64,") for source in images)
    assert not [page for page in pages if "<script" in page or "nothing to draw" in page]


def test_compare_shows_the_changes_and_their_effect(trained, again):
    pair = 'project.runs["latest"], project.runs["previous"]'
    chosen = f'project.runs["{again.run_id}"], project.runs["first"]'
    compared = run_notebook("compare_runs", trained, {pair: chosen})
    assert f"RunDiff first → {again.run_id}" in "\n".join(notebook_runs.outputs_of(compared, "text/plain"))
    pages = "\n".join(notebook_runs.outputs_of(compared, "text/html"))
    for word in ("train.epochs", "binary_crossentropy", 'alt="auc by origin"'):
        assert word in pages
