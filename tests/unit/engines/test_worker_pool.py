import os
import socket
import time
from pathlib import Path

import apache_beam as beam
import grpc
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import ExternalEnvironment

from flightline.engines import worker_pool


@pytest.fixture
def pool(monkeypatch):
    """The port of a worker pool whose workers do not import TFX."""
    monkeypatch.setattr(worker_pool, "PRELOADED_MODULES", ["apache_beam.runners.worker.sdk_worker"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = worker_pool.start_server("localhost", port)
    yield port
    server.stop(None)


def is_running(pid):
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_pool_workers_run_the_pipeline_and_exit_when_it_ends(pool, tmp_path):
    out = tmp_path / "pids"
    environment = ExternalEnvironment(f"localhost:{pool}")
    with beam.Pipeline(runner=FnApiRunner(default_environment=environment)) as pipeline:
        _ = pipeline | beam.Create([1, 2, 3]) | beam.Map(lambda _: str(os.getpid())) | beam.io.WriteToText(str(out))
    pids = {int(line) for file in tmp_path.glob("pids*") for line in file.read_text().split()}
    assert pids
    assert os.getpid() not in pids
    until = time.monotonic() + 10
    while any(map(is_running, pids)):
        assert time.monotonic() < until, "a worker outlived its engine"
        time.sleep(0.05)


def test_a_worker_pool_listens_on_loopback_only(pool):
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    places = {line.split()[1] for line in listening.splitlines() if f":{pool:04X} " in line and " 0A " in line}
    assert places
    assert all(place.partition(":")[0].endswith(("0100007F", "00000000000000000000000001000000")) for place in places)


def test_a_port_in_use_is_an_error(pool):
    with pytest.raises((RuntimeError, grpc.RpcError)):
        worker_pool.start_server("localhost", pool)
