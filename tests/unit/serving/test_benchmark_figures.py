"""The figures in the docs are those of the serving benchmark."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RESULTS = json.loads((ROOT / "benchmarks" / "serving.json").read_text())


def figures(result) -> str:
    """Clients, rows, requests per second, p50, p99 and memory, as the tables write them."""
    rate, p50, p99 = f"{result['rps']:,.0f}", f"{result['p50_ms']:.1f}", f"{result['p99_ms']:.1f}"
    memory = f"{result['memory_mb']:,.0f}" if "memory_mb" in result else ""
    return f"| {result['clients']} | {result['rows']} | {rate} | {p50} | {p99} | {memory} |"


def test_the_benchmark_page_has_all_results():
    lines = (ROOT / "benchmarks" / "serving.md").read_text().splitlines()
    assert [line for line in lines if f"| {RESULTS[0]['server']} " in line]
    assert {f"| {result['server']} {figures(result)}" for result in RESULTS} <= set(lines)


def test_the_serving_page_quotes_the_benchmark():
    lines = (ROOT / "docs" / "serving.md").read_text().splitlines()
    served = [figures(result) for result in RESULTS if result["server"] == "Flightline"]
    quoted = [line for line in lines if line.startswith("| ") and line.count("|") == 7 and line[2].isdigit()]
    assert quoted == served
