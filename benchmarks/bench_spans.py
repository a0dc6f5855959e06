"""What a new span costs against the window that it moves: Transform with and without the analyzer cache.

    python benchmarks/bench_spans.py [--window 6] [--out benchmarks]

Takes in one month of flights after another until the window is full, then runs Transform over it twice: with what the
run before has left of it in the cache (all but the newest month of the window), and with no cache. Writes spans.json
and spans.md. Run it alone on the machine: seconds are this machine's, ratios travel.
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
    """Runs the monthly pipeline; ends where it fails. A model that is not blessed is no failure here."""
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
    """Fills a window, moves it by one span, and does the Transform of that move again without its cache."""
    year, data, workspace = work / "year", work / "data", work / "workspace"
    flights.make(year)
    spans = window + 2  # the window before the last span is full, and differs by one from the one before it
    for span in range(1, spans + 1):
        shutil.copytree(year / f"span-{span:02}", data / f"span-{span:02}")
    run_pipeline(workspace, data, window, "--all-new")
    [moved] = [folder.name for folder in (workspace / "runs").iterdir() if folder.name.endswith(f"-span-{spans:02}")]
    whole = cpu_seconds_by_step(workspace, moved)

    caches = workspace / "artifacts" / "Transform" / "updated_analyzer_cache"
    newest = max(caches.iterdir(), key=lambda folder: int(folder.name))
    shutil.rmtree(newest)  # the one that the last run made; what is left is what it had found
    again = (f"--span={spans}", "--no-cache", "--to", "Transform")
    run_pipeline(workspace, data, window, *again, "--run-id", "warm")
    shutil.rmtree(caches)
    run_pipeline(workspace, data, window, *again, "--run-id", "cold")
    rows = [_span_rows(workspace, span) for span in range(spans - window, spans)]
    return {
        "window": window,
        "rows_of_window": sum(rows),
        "rows_of_new_span": rows[-1],
        "warm": cpu_seconds_by_step(workspace, "warm")["Transform"],
        "cold": cpu_seconds_by_step(workspace, "cold")["Transform"],
        "steps": whole,
    }


def _span_rows(workspace: Path, span: int) -> int:
    [folder] = (workspace / "runs").glob(f"*-span-{span:02}")
    return Summary.read(folder).rows.used


def as_markdown(found: dict[str, Any]) -> str:
    steps = " | ".join(f"{seconds:.1f}" for seconds in found["steps"].values())
    window, new = (f"{found[key]:,} rows" for key in ("rows_of_window", "rows_of_new_span"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"""# What a new span costs

A window of {found["window"]} months, {window}, moved by one month of {new}.
Measured on {machine}. Written by `make bench-spans`.

| Transform, CPU s | |
|---|---|
| the new month analyzed, the others from the analyzer cache | {found["warm"]:.1f} |
| all months analyzed | {found["cold"]:.1f} |

Both transform every row of the window: its vocabularies and quantiles have changed.

| CPU s of taking in a month | {" | ".join(found["steps"])} |
|---|{"---|" * len(found["steps"])}
| | {steps} |

ExampleGen and StatisticsGen read the new month alone; Evaluator reads all of it, with candidate and champion.
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
