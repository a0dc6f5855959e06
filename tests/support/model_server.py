"""A server as a user starts it, on free ports of this machine, and plain requests to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.simulation.server import free_ports

ROOT = Path(__file__).resolve().parents[2]
SERVING_PYTHON = ROOT / ".venv-serving" / "bin" / "python"
START_TIMEOUT_S = 120


@dataclass
class Server:
    """A running server.

    Attributes:
        process: `flightline serve`; the server itself is its child.
    """

    process: subprocess.Popen[str]
    workspace: Path
    http_port: int
    grpc_port: int
    metrics_port: int
    output: Path

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> tuple[int, Any]:
        """One request; returns its status and its answer, read as JSON where it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=60)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}}
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, content, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text) if text else None
        except ValueError:
            return response.status, text.decode()

    def predict(self, *rows: dict[str, Any], **more: Any) -> tuple[int, Any]:
        """Asks for the predictions of some rows."""
        return self.ask("/predict", {"rows": list(rows), **more})

    @property
    def served(self) -> dict[str, Any]:
        """Which releases answer, by role."""
        return self.ask("/releases")[1]

    @property
    def events(self) -> list[dict[str, Any]]:
        """What happened, as the server wrote it down."""
        [file] = self.workspace.glob("serving/*/events.jsonl")
        return [json.loads(line) for line in file.read_text().splitlines()]

    @property
    def predictions(self) -> Path:
        """The folder of the prediction log."""
        [folder] = self.workspace.glob("predictions/*")
        return folder

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value, summed over the labels that are not given; 0 where it is not there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=60)
        connection.request("GET", "/metrics")
        total = 0.0
        for line in connection.getresponse().read().decode().splitlines():
            if line.startswith((f"{name}{{", f"{name} ")) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        connection.close()
        return total

    def kill(self) -> None:
        """Kills the server outright, as the kernel does when memory runs out."""
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
        self.process.wait(timeout=60)

    def stop(self) -> int:
        """Ends it as `kill` does by default; returns its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    """Waits until `condition()` holds. Raises AssertionError where it does not within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@contextlib.contextmanager
def running_server(workspace: Path, **settings: Any) -> Iterator[Server]:
    """`flightline serve` on a workspace, until the block ends; `settings` are keys of the config below `serving`."""
    http_port, grpc_port, metrics_port = free_ports(3)
    raw = yaml.safe_load((ROOT / "configs" / "flights.yaml").read_text())
    raw["workspace"] = str(workspace)
    ports = {"http_port": http_port, "grpc_port": grpc_port, "metrics_port": metrics_port}
    raw["serving"] = {"poll_s": 0.1, **ports, **settings}
    config = workspace / "serving.yaml"
    config.write_text(yaml.safe_dump(raw))
    output = workspace / "serve.log"
    command = [sys.executable, "-c", "from flightline.cli.main import main; main()", "serve", "--config", str(config)]
    with output.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, text=True)
    server = Server(process, workspace, http_port, grpc_port, metrics_port, output)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            server.stop()


def _wait_until_ready(server: Server) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        assert server.process.poll() is None, server.output.read_text()
        assert time.monotonic() < end, server.output.read_text()
        with contextlib.suppress(OSError, http.client.HTTPException):
            if server.ask("/v2/models/flights/ready")[0] == 200:
                return
        time.sleep(0.1)
