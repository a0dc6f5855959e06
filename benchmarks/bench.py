"""Compares a bare script, stock TFX and Flightline on the same rows: CPU, wall time and peak memory of each step.

    python benchmarks/bench.py [--copies N] [--out benchmarks]

On a tenth of the flights and on the whole year; with `--copies N` on N times the year, for Flightline only (stock TFX
would need more than an hour). Writes results.json, results.md and results.svg. Run nothing else on the machine
meanwhile. Seconds depend on the machine; ratios hardly do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
sys.path.insert(0, str(ROOT))

from data import flights  # noqa: E402
from flightline.metadata.evaluation import OVERALL  # noqa: E402
from flightline.reporting.summary import Summary  # noqa: E402

# Component of stock TFX → step of Flightline.
STEPS = {"CsvExampleGen": "ExampleGen", "StatisticsGen": "StatisticsGen", "Transform": "Transform"}
STEPS |= {"Trainer": "Trainer", "Evaluator": "Evaluator"}
RESOURCES = {"cpu_s": "CPU s", "wall_s": "wall s", "peak_mb": "peak MB"}  # of each step and of the whole run


def labeled_flights() -> pd.DataFrame:
    """The 327,346 flights that have a label, as text."""
    table = flights.build_table()
    return table[table["late"].notna()]


def write_rows(table: pd.DataFrame, folder: Path, copies: int = 1) -> int:
    """Writes `copies` files with the rows of `table`; returns the number of rows."""
    folder.mkdir(parents=True)
    first = folder / "flights-000.csv"
    table.to_csv(first, index=False)
    for copy in range(1, copies):
        shutil.copyfile(first, folder / f"flights-{copy:03d}.csv")
    return len(table) * copies


def measure_command(command: list[str], log: Path) -> dict[str, float]:
    """Runs a command; returns its CPU seconds, wall seconds and peak resident set in MB, all with its children."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        peak = PeakMemory(process.pid)
        code = process.wait()
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}:\n{log.read_text()[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": round(cpu, 1), "wall_s": round(wall, 1), "peak_mb": peak.megabytes()}


class PeakMemory:
    """Samples the resident set of a process and its children, ten times a second, until it ends."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._process = psutil.Process(pid)
        self._gone = psutil.Error
        self._peak = 0
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while True:
            try:
                processes = [self._process, *self._process.children(recursive=True)]
                self._peak = max(self._peak, sum(process.memory_info().rss for process in processes))
                if self._process.status() == "zombie":
                    return
            except self._gone:
                return
            time.sleep(0.1)

    def megabytes(self) -> int:
        self._thread.join(timeout=2)
        return self._peak >> 20


def bench_bare(data: Path, work: Path) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / "bare_script.py"), str(next(data.iterdir())), str(work / "bare")]
    return {"whole": measure_command(command, work / "bare.log"), "steps": {}}


def bench_stock(data: Path, work: Path) -> dict[str, Any]:
    report = work / "stock.json"
    command = [sys.executable, str(BENCHMARKS / "stock_pipeline.py"), "--data", str(data), "--out", str(work / "stock")]
    whole = measure_command([*command, "--json", str(report)], work / "stock.log")
    parts = {part["component"]: part for part in json.loads(report.read_text())["components"]}
    steps = {
        step: {k: parts[component][k] for k in RESOURCES} for component, step in {"import": "import", **STEPS}.items()
    }
    return {"whole": whole, "steps": steps}


def bench_flightline(data: Path, work: Path) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "runner_local.py"), "--config", str(BENCHMARKS / "flights_plain.yaml")]
    command += ["--run-id", "bench", "--set", f"data.input={data}", "--set", f"workspace={work / 'flightline'}"]
    whole = measure_command(command, work / "flightline.log")
    folder = work / "flightline" / "runs" / "bench"
    timings = json.loads((folder / "timings.json").read_text())
    steps = {step: timings[step] for step in ("import", *STEPS.values(), "ServingCheck")}
    # Without --run-id, Flightline finds that nothing has changed before it imports anything.
    rerun = measure_command([*command[:4], *command[6:]], work / "rerun.log")
    return {"whole": whole, "steps": steps, "cached_rerun": rerun, "auc": _auc(folder)}


def _auc(folder: Path) -> float:
    summary = Summary.read(folder)
    if summary is None or summary.evaluation is None:
        raise RuntimeError(f"{folder} has no evaluation")
    return summary.evaluation.metrics[OVERALL]["auc"]


def run_benchmarks(copies: int) -> dict[str, Any]:
    """Every measurement, by scale."""
    table = labeled_flights()
    scales: dict[str, tuple[pd.DataFrame, int, list[Any]]] = {
        "a tenth": (table.iloc[::10], 1, [bench_bare, bench_stock, bench_flightline]),
        "the year": (table, 1, [bench_bare, bench_stock, bench_flightline]),
    }
    if copies > 1:
        scales = {f"{copies} years": (table, copies, [bench_flightline])}
    results: dict[str, Any] = {}
    for scale, (rows, times, contestants) in scales.items():
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            work = Path(folder)
            count = write_rows(rows, work / "data", times)
            results[scale] = {"rows": count}
            for contestant in contestants:
                name = contestant.__name__.removeprefix("bench_")
                results[scale][name] = contestant(work / "data", work)
                print(scale, name, json.dumps(results[scale][name]["whole"]), flush=True)
    return results


def as_markdown(results: dict[str, Any]) -> str:
    """The tables of results.md."""
    lines = [
        "# Benchmarks",
        "",
        "A bare pandas-and-Keras script, stock TFX and Flightline, one after the other, with the same rows, features,",
        "model, batch size (256) and one epoch. CPU is user + system seconds with children; peak is the resident",
        "set: of the process with its children for the whole run, of the process alone for a step.",
        f"Measured on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.",
        "Seconds depend on the machine; ratios hardly do. Written by `make bench`.",
        "",
        "![CPU seconds](results.svg)",
    ]
    for scale, found in results.items():
        lines += ["", f"## {scale}: {found['rows']:,} rows", "", *_table(found)]
        flightline = found["flightline"]
        rerun = f"Rerun without any change: {flightline['cached_rerun']['wall_s']} s."
        lines += ["", f"{rerun} AUC {flightline['auc']:.4f}."]
    return "\n".join(lines) + "\n"


def _table(found: dict[str, Any]) -> list[str]:
    """One row per step: the resources of each contestant, and the CPU seconds of stock TFX relative to Flightline's."""
    names = [name for name in ("bare", "stock", "flightline") if name in found]
    columns = [(name, used) for used in RESOURCES for name in names if name != "bare" or used == "cpu_s"]
    header = (
        "| step | "
        + " | ".join(f"{name}: {RESOURCES[used]}" for name, used in columns)
        + " | CPU, stock / flightline |"
    )
    lines = [header, "|---|" + "---:|" * (len(columns) + 1)]
    for step in found["flightline"]["steps"]:
        lines.append(_row(step, {name: found[name]["steps"].get(step, {}) for name in names}, columns))
    lines.append(_row("**whole**", {name: found[name]["whole"] for name in names}, columns))
    if "bare" in found:
        bare = found["bare"]["whole"]
        lines += ["", f"The bare script: {bare['wall_s']:.0f} s wall, {bare['peak_mb']:,.0f} MB."]
    return lines


def _row(title: str, used: dict[str, dict[str, float]], columns: Sequence[tuple[str, str]]) -> str:
    cells = []
    for name, what in columns:
        value = used[name].get(what)
        cells.append("" if value is None else f"{value:,.0f}" if what == "peak_mb" else f"{value:,.1f}")
    stock, flightline = used.get("stock", {}).get("cpu_s"), used["flightline"]["cpu_s"]
    ratio = f"{stock / max(flightline, 0.1):.1f}" if stock else ""
    return f"| {title} | {' | '.join(cells)} | {ratio} |"


def draw_chart(results: dict[str, Any], path: Path) -> None:
    """Bars of the CPU seconds of the whole run, by scale."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    colours = {"bare": "#8a8f98", "stock": "#c44e52", "flightline": "#4c72b0"}
    shown = [found for found in results.values() if "stock" in found]
    figure, axes = plt.subplots(1, len(shown), figsize=(4.5 * len(shown), 3), squeeze=False)
    for axis, found in zip(axes[0], shown, strict=True):
        for position, name in enumerate(colours):
            seconds = found[name]["whole"]["cpu_s"]
            axis.bar(position, seconds, color=colours[name])
            axis.text(position, seconds, f"{seconds:,.0f}", ha="center", va="bottom")
        axis.set_xticks(range(len(colours)), list(colours))
        axis.set_title(f"{found['rows']:,} rows")
        axis.set_ylabel("CPU seconds")
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=1, help="N times the year, for Flightline only")
    parser.add_argument("--out", type=Path, default=BENCHMARKS)
    arguments = parser.parse_args()
    file = arguments.out / "results.json"
    results = json.loads(file.read_text()) if file.is_file() else {}
    results |= run_benchmarks(arguments.copies)
    file.write_text(json.dumps(results, indent=2) + "\n")
    (arguments.out / "results.md").write_text(as_markdown(results))
    draw_chart(results, arguments.out / "results.svg")
    print(f"wrote {arguments.out / 'results.md'}")


if __name__ == "__main__":
    main()
