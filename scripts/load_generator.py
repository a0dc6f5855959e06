"""Load for a server on this machine: closed loops over keep-alive connections, bounded in requests and in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"  # this machine only


@dataclass
class LoadResult:
    """The outcome of the requests.

    Attributes:
        latencies_ms: of each request with a response, in no particular order.
        versions: version of a release → the number of requests that it answered.
        failures: messages of the first failures.
    """

    requests: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list, repr=False)
    versions: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def send_load(
    port: int,
    requests: int,
    clients: int,
    body: Callable[[int], dict[str, Any]],
    path: str = "/predict",
    timeout_s: float = 600.0,
) -> LoadResult:
    """Sends `requests` requests, `body(number)` each, from `clients` clients at once; checks every response."""
    return asyncio.run(load_async(port, requests, clients, body, path, timeout_s))


async def load_async(
    port: int,
    requests: int,
    clients: int,
    body: Callable[[int], dict[str, Any]],
    path: str = "/predict",
    timeout_s: float = 600.0,
) -> LoadResult:
    """As `send_load`, inside an event loop that is already running."""
    outcome, numbers, start = LoadResult(), iter(range(requests)), time.perf_counter()
    loops = [_client(port, numbers, body, path, outcome, start + timeout_s) for _ in range(clients)]
    await asyncio.gather(*loops)
    outcome.seconds = time.perf_counter() - start
    return outcome


async def _client(port: int, numbers: Any, body: Any, path: str, outcome: LoadResult, end: float) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    for number in numbers:
        if time.perf_counter() > end:
            break
        content = json.dumps(body(number)).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        start = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        outcome.requests += 1
        try:
            status, response = await _read(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            _record_failure(outcome, f"{type(error).__name__}: {error}")
            reader, writer = await asyncio.open_connection(HOST, port)
            continue
        outcome.latencies_ms.append((time.perf_counter() - start) * 1000)
        if status != 200:
            _record_failure(outcome, f"{status}: {response[:200]!r}")
            continue
        prediction = json.loads(response)
        outcome.versions[str(prediction.get("version") or prediction.get("model_version"))] += 1
    writer.close()


def _record_failure(outcome: LoadResult, message: str) -> None:
    outcome.failed += 1
    if len(outcome.failures) < 10:
        outcome.failures.append(message)


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)
