"""Measures the cost of a new span for a sliding window: Transform with and without the analyzer cache.

    python benchmarks/bench_spans.py [--window 6] [--out benchmarks]

Ingests one month of flights after another until the window is full, then runs Transform over it twice: with the cache
of the previous run (all months but the newest), and without a cache. Writes spans.json and spans.md. Run nothing else
on the machine meanwhile. Seconds depend on the machine; ratios hardly do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from data import flights  # noqa: E402
from flightline.reporting.summary import Summary  # noqa: E402

STEPS = ("ExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator", "ServingCheck")


def run_pipeline(workspace: Path, data: Path, window: int, *options: str) -> None:
    """Runs the monthly pipeline; exits where it fails. A model that is not blessed does not count as a failure."""
    command = [sys.executable, "runner_local.py", "--config", "configs/flights_monthly.yaml", "--plain", *options]
    for setting in (f"workspace={workspace}", f"data.input={data}", f"window.spans={window}"):
        command += ["--set", setting]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    if ended.returncode not in (0, 4):
        raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr[-3000:]}")


def cpu_seconds_by_step(workspace: Path, run_id: str) -> dict[str, float]:
    """CPU seconds of each step of a run."""
    timings = json.loads((workspace / "runs" / run_id / "timings.json").read_text())
    return {step: round(timings[step]["cpu_s"], 1) for step in STEPS if step in timings}


def measure_span(window: int, work: Path) -> dict[str, Any]:
    """Fills a window, moves it by one span, and repeats the Transform of that move with and without its cache."""
    year, data, workspace = work / "year", work / "data", work / "workspace"
    flights.make(year)
    spans = window + 2  # one more than fills the window, and one that moves it
    for span in range(1, spans + 1):
        shutil.copytree(year / f"span-{span:02}", data / f"span-{span:02}")
    run_pipeline(workspace, data, window, "--all-new")
    [moved] = [folder.name for folder in (workspace / "runs").iterdir() if folder.name.endswith(f"-span-{spans:02}")]
    whole = cpu_seconds_by_step(workspace, moved)

    caches = workspace / "artifacts" / "Transform" / "updated_analyzer_cache"
    newest = max(caches.iterdir(), key=lambda folder: int(folder.name))
    shutil.rmtree(newest)  # written by the last run; the others are those it found
    transform_only = (f"--span={spans}", "--no-cache", "--to", "Transform")
    run_pipeline(workspace, data, window, *transform_only, "--run-id", "with-cache")
    shutil.rmtree(caches)
    run_pipeline(workspace, data, window, *transform_only, "--run-id", "without-cache")
    rows = [_span_rows(workspace, span) for span in range(spans - window, spans)]
    return {
        "window": window,
        "rows_of_window": sum(rows),
        "rows_of_new_span": rows[-1],
        "with_cache": cpu_seconds_by_step(workspace, "with-cache")["Transform"],
        "without_cache": cpu_seconds_by_step(workspace, "without-cache")["Transform"],
        "steps": whole,
    }


def _span_rows(workspace: Path, span: int) -> int:
    [folder] = (workspace / "runs").glob(f"*-span-{span:02}")
    summary = Summary.read(folder)
    if summary is None or summary.rows is None:
        raise RuntimeError(f"{folder} has no row counts")
    return summary.rows.used


def as_markdown(found: dict[str, Any]) -> str:
    steps = " | ".join(f"{seconds:.1f}" for seconds in found["steps"].values())
    window, new = (f"{found[key]:,} rows" for key in ("rows_of_window", "rows_of_new_span"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"""# Cost of a new span

A window of {found["window"]} months, {window}, moved by one month of {new}.
Measured on {machine}. Written by `make bench-spans`.

| Transform, CPU s | |
|---|---|
| the new month analyzed, the others from the analyzer cache | {found["with_cache"]:.1f} |
| all months analyzed | {found["without_cache"]:.1f} |

Both transform every row of the window, because its vocabularies and quantiles have changed.

| CPU s to ingest a month | {" | ".join(found["steps"])} |
|---|{"---|" * len(found["steps"])}
| | {steps} |

ExampleGen and StatisticsGen read only the new month; Evaluator reads all of it, with candidate and champion.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--window", type=int, default=6, choices=range(1, 11), help="months")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-spans-") as folder:
        found = measure_span(arguments.window, Path(folder))
    (arguments.out / "spans.json").write_text(json.dumps(found, indent=2) + "\n")
    (arguments.out / "spans.md").write_text(as_markdown(found))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
