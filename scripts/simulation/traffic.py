"""The flights of a month as requests to the server, in batches, and the labels that arrive later."""

from __future__ import annotations

import csv
import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PARSERS = {"int": int, "float": float, "bytes": str}
Row = dict[str, Any]


@dataclass
class TrafficResult:
    """The outcome of a month's requests.

    Attributes:
        rows, answered, rejected: numbers of rows. A rejected row is removed from its batch, which is sent again.
        versions: the releases that made the predictions.
        labels: (request id, row, label) of the flights that arrived.
    """

    rows: int = 0
    answered: int = 0
    rejected: int = 0
    versions: set[str] = field(default_factory=set)
    labels: list[tuple[str, int, str]] = field(default_factory=list, repr=False)


def read_flights(file: Path, inputs: Sequence[Mapping[str, Any]], label: str) -> list[tuple[Row, str]]:
    """(features, label) of the flights that left, in their order: at push-back there is a departure delay."""
    readers = {one["name"]: _PARSERS[one["type"]] for one in inputs}
    required = [one["name"] for one in inputs if one.get("required")]
    found = []
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            features = {name: readers[name](text) for name, text in row.items() if text and name in readers}
            if all(name in features for name in required):
                found.append((features, row[label]))
    return found


def send_requests(port: int, flights: Sequence[tuple[Row, str]], prefix: str, batch: int = 100) -> TrafficResult:
    """Send all flights to a server on this machine, `batch` rows a request."""
    result = TrafficResult()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number, some in enumerate(_batches(flights, batch)):
        request_id, left = f"{prefix}-{number:05d}", list(some)
        result.rows += len(left)
        while left:
            status, answer = _post_rows(connection, request_id, [features for features, _ in left])
            if status == 200:
                result.answered += len(left)
                result.versions.add(str(answer["version"]))
                result.labels += [(request_id, row, label) for row, (_, label) in enumerate(left) if label]
                break
            bad = {problem["row"] for problem in answer.get("problems", []) if problem["row"] is not None}
            if status != 400 or not bad:
                raise RuntimeError(f"the server answered {status}: {answer}")
            result.rejected += len(bad)
            left = [flight for row, flight in enumerate(left) if row not in bad]
            request_id += "r"
    connection.close()
    return result


def write_labels(traffic: TrafficResult, file: Path, label: str) -> None:
    """The labels of a month as the CSV that `flightline feedback` takes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["request_id", "row", label])
        writer.writerows(traffic.labels)


def served_versions(port: int) -> dict[str, str]:
    """Role → the release that is served in it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/releases")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return {role: str(version) for role, version in answer.items()}


def wait_until_served(port: int, versions: Mapping[str, str], seconds: float = 60.0) -> None:
    """Waits until the releases of some roles, `{"current": "17", "shadow": "16"}`, are served.

    Raises:
        TimeoutError: they are not served in time.
    """
    start = time.monotonic()
    while not versions.items() <= served_versions(port).items():
        if time.monotonic() - start > seconds:
            roles = ", ".join(f"{role} {version}" for role, version in versions.items())
            raise TimeoutError(f"{roles} is not served after {seconds:.0f} s")
        time.sleep(0.05)


def _batches(flights: Sequence[tuple[Row, str]], size: int) -> Iterator[Sequence[tuple[Row, str]]]:
    for start in range(0, len(flights), size):
        yield flights[start : start + size]


def _post_rows(connection: http.client.HTTPConnection, request_id: str, rows: list[Row]) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
    connection.request("POST", "/predict", json.dumps({"rows": rows}).encode(), headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())
