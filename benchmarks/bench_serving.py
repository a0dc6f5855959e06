"""Requests per second and latency of the server, of a bare MLServer with the same model, and of calls in process.

    python benchmarks/bench_serving.py [--config configs/flights.yaml] [--seconds 8] [--out benchmarks]

For 1 and 8 clients, 1 and 100 rows per request, all on this machine. Writes serving.json and serving.md. Run nothing
else on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from flightline.config.loader import dump_config, load_config  # noqa: E402
from flightline.releases.registry import read_releases  # noqa: E402
from flightline.releases.server import serving_environment  # noqa: E402
from flightline.serving.contract import Contract  # noqa: E402
from scripts.load_generator import send_load  # noqa: E402
from scripts.simulation.server import free_ports  # noqa: E402
from scripts.simulation.traffic import read_flights  # noqa: E402

CLIENTS_AND_BATCH_SIZES = ((1, 1), (8, 1), (1, 100), (8, 100))  # clients, rows per request
ROWS = 2000  # distinct ones
START_TIMEOUT_S = 120
IN_PROCESS_SCRIPT = """
import json, sys, time
import numpy as np, tensorflow as tf
predict = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
examples = [bytes.fromhex(line.strip()) for line in open(sys.argv[2])]
for rows in (1, 100):
    batches = [tf.constant(examples[i:i + rows]) for i in range(0, len(examples) - rows + 1, rows)]
    for batch in batches[:20]:
        predict(batch)
    times, end = [], time.perf_counter() + float(sys.argv[3])
    while time.perf_counter() < end:
        start = time.perf_counter()
        next(iter(predict(batches[len(times) % len(batches)]).values())).numpy()
        times.append(time.perf_counter() - start)
    p50, p99 = np.percentile(times, [50, 99]) * 1000
    print(json.dumps({"rows": rows, "rps": len(times) / sum(times), "p50_ms": p50, "p99_ms": p99}))
"""


@dataclass(frozen=True)
class Target:
    """A measured server: how to send it requests, and the process whose memory is measured."""

    name: str
    port: int
    path: str
    body: Callable[[int, int], dict[str, Any]]
    process: subprocess.Popen[bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/flights.yaml"))
    parser.add_argument("--data", type=Path, default=Path("data/flights/span-07/flights.csv"))
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    config = load_config(options.config)
    [release] = [one for one in read_releases(config.releases) if one.current]
    flights = [row for row, _ in read_flights(options.data, release.metadata["inputs"], config.label)][:ROWS]
    contract = Contract.from_inputs(release.metadata["inputs"])
    examples = contract.read_rows(flights).examples
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder)
        results += measure_in_process(release.path, examples, place, options.seconds)
        with run_bare_server(release.path, examples, place) as target:
            results += measure_server(target, options.seconds)
        for logged in (False, True):
            with run_flightline_server(options.config, flights, place, logged) as target:
                results += measure_server(target, options.seconds)
    options.out.joinpath("serving.json").write_text(json.dumps(results, indent=2) + "\n")
    options.out.joinpath("serving.md").write_text(as_markdown(results))
    print(f"wrote {options.out / 'serving.md'}")


def _request_body(target: Target, rows: int, number: int) -> dict[str, Any]:
    return target.body(number, rows)


def measure_server(target: Target, seconds: float) -> Iterator[dict[str, Any]]:
    """Measures each combination of clients and rows for about `seconds`, after a warm-up."""
    for clients, rows in CLIENTS_AND_BATCH_SIZES:
        body = partial(_request_body, target, rows)
        send_load(target.port, 100, clients, body, target.path)
        trial = send_load(target.port, 200, clients, body, target.path)
        requests = max(200, int(200 / trial.seconds * seconds))
        done = send_load(target.port, requests, clients, body, target.path)
        assert not done.failed, done.failures
        found = {
            "server": target.name,
            "clients": clients,
            "rows": rows,
            "rps": done.requests / done.seconds,
            "p50_ms": done.percentile(0.5),
            "p99_ms": done.percentile(0.99),
            "memory_mb": memory_mb(target.process.pid),
        }
        print(json.dumps(found), flush=True)
        yield found


def measure_in_process(model: Path, examples: list[bytes], place: Path, seconds: float) -> list[dict[str, Any]]:
    """Measures direct calls of the SavedModel in a process."""
    file = place / "examples.hex"
    file.write_text("".join(f"{example.hex()}\n" for example in examples))
    command = [
        str(serving_environment() / "bin" / "python"),
        "-c",
        IN_PROCESS_SCRIPT,
        str(model),
        str(file),
        str(seconds),
    ]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [{"server": "in process", "clients": 1, **json.loads(line)} for line in lines]


@contextlib.contextmanager
def run_bare_server(model: Path, examples: list[bytes], place: Path) -> Iterator[Target]:
    """MLServer with `BareRuntime`, without worker processes, which do not start with this version of uvloop."""
    folder = place / "bare"
    folder.mkdir()
    http_port, grpc_port, metrics_port = free_ports(3)
    settings = {
        "host": "127.0.0.1",
        "http_port": http_port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "parallel_workers": 0,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    implementation = {"name": "flights", "implementation": "bare_runtime.BareRuntime"}
    model_settings = {**implementation, "parameters": {"uri": str(model.resolve())}}
    (folder / "model-settings.json").write_text(json.dumps(model_settings))
    encoded = [base64.b64encode(example).decode() for example in examples]

    def body(number: int, rows: int) -> dict[str, Any]:
        start = number * rows % (len(encoded) - rows + 1)
        return {
            "inputs": [
                {
                    "name": "examples",
                    "datatype": "BYTES",
                    "shape": [rows, 1],
                    "data": encoded[start : start + rows],
                    "parameters": {"content_type": "base64"},
                }
            ]
        }

    command = [str(serving_environment() / "bin" / "mlserver"), "start", str(folder)]
    with running_server(command, folder / "log", http_port, {"PYTHONPATH": str(HERE)}) as process:
        yield Target("bare MLServer", http_port, "/v2/models/flights/infer", body, process)


@contextlib.contextmanager
def run_flightline_server(
    config_file: Path, flights: list[dict[str, Any]], place: Path, logged: bool
) -> Iterator[Target]:
    """`flightline serve`, with the prediction log and without."""
    http_port, grpc_port, metrics_port = free_ports(3)
    ports = [f"serving.http_port={http_port}", f"serving.grpc_port={grpc_port}", f"serving.metrics_port={metrics_port}"]
    log = [f"serving.log={{enabled: {str(logged).lower()}, folder: {place / 'predictions'}}}"]
    config = load_config(config_file, [*ports, *log])
    file = place / f"flightline-{logged}.yaml"
    file.write_text(dump_config(config))

    def body(number: int, rows: int) -> dict[str, Any]:
        start = number * rows % (len(flights) - rows + 1)
        return {"rows": flights[start : start + rows]}

    command = [sys.executable, "-c", "from flightline.cli.main import main; main()", "serve", "--config", str(file)]
    with running_server(command, place / f"flightline-{logged}.log", http_port, {"PYTHONPATH": str(ROOT)}) as process:
        yield Target(f"Flightline{'' if logged else ', no log'}", http_port, "/predict", body, process)


@contextlib.contextmanager
def running_server(
    command: list[str], log: Path, port: int, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server until the block ends, and enters the block when the server is ready.

    Raises:
        RuntimeError: it did not become ready; the message is its output.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    try:
        end = time.monotonic() + START_TIMEOUT_S
        while not is_ready(port):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(log.read_text(errors="replace")[-3000:])
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/v2/models/flights/ready")
        return connection.getresponse().status == 200
    return False


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its children in MB; shared pages count once (Linux)."""
    total = 0.0
    for process in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def descendants(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def as_markdown(results: list[dict[str, Any]]) -> str:
    lines = [
        "# Serving benchmark",
        "",
        "One SavedModel (the flights' current release): called in a process, behind a bare MLServer (serialized",
        "examples in, nothing checked, nothing logged), and behind Flightline (named features in, contract checked,",
        "every prediction logged). Clients and server share the machine:",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.",
        "Compare the ratios; the milliseconds depend on the machine.",
        f"Measured on {date.today():%Y-%m-%d} by `make bench-serving`.",
        "",
        "| server | clients | rows per request | requests per second | p50 ms | p99 ms | memory MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in results:
        memory = f"{one['memory_mb']:,.0f}" if "memory_mb" in one else ""
        numbers = f"{one['rps']:,.0f} | {one['p50_ms']:.1f} | {one['p99_ms']:.1f} | {memory}"
        lines.append(f"| {one['server']} | {one['clients']} | {one['rows']} | {numbers} |")
    lines += [
        "",
        "A bare runtime calls TensorFlow on the event loop: during a call, no other request is read or answered, so",
        "eight clients get hardly more than one, at several times the latency. Flightline calls it in a thread, and",
        "requests that wait at the same time share one call, which takes about as long for eight rows as for one.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
