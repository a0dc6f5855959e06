"""Serving one release from a folder: by `python -m flightline.serving`, and by MLServer with a bundle."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from model_server import ROOT, SERVING_PYTHON
from small_releases import ROW, add_small_release

from flightline.config.loader import load_config
from flightline.releases.manifests.bundle import MODEL_SETTINGS, write_bundle
from flightline.releases.release import read_releases as all_releases
from scripts.simulation.server import free_ports

STARTS_IN_S = 120


@contextlib.contextmanager
def started(command, port, **environment):
    """A server, ready, until the block ends."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        end = time.monotonic() + STARTS_IN_S
        while ask(port, "/v2/models/flights/ready")[0] != 200:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


def ask(port, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        content = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    except OSError:
        return 0, None
    finally:
        connection.close()


@pytest.fixture
def release(releases):
    add_small_release(releases, 7)
    return releases / "7"


def test_a_folder_is_served_under_the_given_name(release, tmp_path):
    ports = free_ports(3)
    names = ("--http-port", "--grpc-port", "--metrics-port")
    options = [word for name, port in zip(names, ports, strict=True) for word in (name, str(port))]
    mounted = tmp_path / "models"
    release.rename(mounted)
    log = tmp_path / "log"
    command = [
        str(SERVING_PYTHON),
        "-m",
        "flightline.serving",
        "--release",
        str(mounted),
        "--name",
        "flights",
        "--version",
        "7",
    ]
    with started([*command, *options, "--log", str(log)], ports[0]):
        status, answer = ask(ports[0], "/predict", {"rows": [ROW]})
        assert (status, answer["version"]) == (200, "7")
        assert answer["predictions"][0]["probability"] == pytest.approx(0.5744, abs=1e-3)
        assert ask(ports[0], "/predict", {"rows": [{**ROW, "origin": "BOS"}]})[0] == 400
    assert list(log.glob("*.parquet"))


def test_mlserver_serves_a_bundle(release, tmp_path):
    workspace = release.parents[2]
    config = load_config(Path("configs/flights.yaml"), [f"workspace={workspace}"])
    [known] = all_releases(config.releases)
    settings = write_bundle(config, known, tmp_path / "models") / MODEL_SETTINGS
    counted = json.loads(settings.read_text())
    counted["parameters"]["version"] = "1"  # Seldon Core v2 counts by itself
    settings.write_text(json.dumps(counted))
    http_port, grpc_port, metrics_port = free_ports(3)
    environment = {
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(http_port),
        "MLSERVER_GRPC_PORT": str(grpc_port),
        "MLSERVER_METRICS_PORT": str(metrics_port),
    }
    mlserver = str(SERVING_PYTHON.with_name("mlserver"))
    with started([mlserver, "start", str(tmp_path / "models")], http_port, **environment):
        columns = [
            {"name": name, "datatype": kind, "shape": [1], "data": [ROW[name]]}
            for name, kind in (("dep_delay", "INT64"), ("distance", "INT64"), ("origin", "BYTES"))
        ]
        status, answer = ask(http_port, "/v2/models/flights/infer", {"id": "q", "inputs": columns})
        assert (status, answer["model_version"], answer["id"]) == (200, "7", "q")


def test_a_folder_without_a_release_is_rejected(tmp_path):
    ended = subprocess.run(
        [str(SERVING_PYTHON), "-m", "flightline.serving", "--release", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 2
    assert "is not a release" in ended.stderr
    assert "Traceback" not in ended.stderr
