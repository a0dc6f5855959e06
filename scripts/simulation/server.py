"""The model server of the simulation: `flightline serve`, until a block ends."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from flightline.config.settings import Config
from flightline.utils.files import atomic_write

START_TIMEOUT_S = 120.0


def free_ports(count: int) -> list[int]:
    """Free TCP ports of this machine."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]


@contextlib.contextmanager
def running_server(config: Config, config_file: Path, output: Path) -> Iterator[None]:
    """Serve the current release of a config, saved in `config_file`, until the block ends.

    Raises:
        RuntimeError: the server ended, or was not ready in time.
    """
    command = [
        sys.executable,
        "-c",
        "from flightline.cli.main import main; main()",
        "serve",
        "--config",
        str(config_file),
    ]
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait_until_ready(config, process, output)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_until_ready(config: Config, process: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}; its output is in {output}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(config.serving.host, config.serving.http_port, timeout=5)
            connection.request("GET", f"/v2/models/{config.name}/ready")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server was not ready after {START_TIMEOUT_S:.0f} s; its output is in {output}")


def write_config(path: Path, text: str) -> Path:
    """Save a config for commands that read it from a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)
    return path
