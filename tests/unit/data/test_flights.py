import hashlib
import json

import pandas as pd
import pytest

from data import flights


@pytest.fixture(scope="module")
def year(flights_year):
    return pd.concat([pd.read_csv(path) for path in sorted(flights_year.glob("span-*/flights.csv"))], ignore_index=True)


def test_every_month_holds_its_flights(flights_year):
    rows = [len(pd.read_csv(flights_year / f"span-{month:02d}" / "flights.csv")) for month in range(1, 13)]
    assert rows == flights.ROWS_PER_MONTH
    assert sum(rows) == 336_776


def test_the_columns_are_those_known_at_push_back(year):
    assert list(year.columns) == flights.COLUMNS
    assert not {"dep_time", "arr_time", "arr_delay", "air_time"} & set(year.columns)


def test_a_flight_is_late_if_it_arrives_more_than_15_minutes_late(year):
    delay = flights.read_table("flights.csv.zip").sort_values("month", key=lambda m: m.astype(int), kind="stable")
    delay = delay["arr_delay"].astype(float).reset_index(drop=True)
    assert (year["late"].isna() == delay.isna()).all()
    assert (year["late"].dropna() == (delay.dropna() > 15)).all()
    assert year["late"].notna().sum() == 327_346


def test_values_are_copied_unchanged(flights_year):
    first = (flights_year / "span-01" / "flights.csv").read_text().splitlines()[1]
    assert first.startswith("1,1,5,15,515,819,2,UA,1545,N14228,EWR,IAH,1400,39.02,28.04,64.43,260,12.658579999999999,")


def test_weather_is_that_of_the_origin_in_the_scheduled_hour(year):
    weather = flights.read_table("weather.csv")
    picked = year.iloc[[1000, 200_000, 300_000]]
    for row in picked.itertuples():
        same = weather[
            (weather["origin"] == row.origin)
            & (weather["month"] == str(row.month))
            & (weather["day"] == str(row.day))
            & (weather["hour"] == str(row.hour))
        ]
        assert float(same["temp"].iloc[0]) == row.temp


def test_existing_spans_are_not_made_again(flights_year):
    assert flights.make(flights_year) is False


@pytest.mark.parametrize("damage", ["edit", "remove", "manifest"])
def test_an_edited_or_removed_span_or_manifest_is_detected(tmp_path, damage):
    span = tmp_path / "span-01" / "flights.csv"
    span.parent.mkdir()
    span.write_bytes(b"a\n1\n")
    manifest = {"span-01/flights.csv": {"rows": 1, "sha256": hashlib.sha256(b"a\n1\n").hexdigest()}}
    (tmp_path / flights.MANIFEST).write_text(json.dumps(manifest))
    assert flights.is_made(tmp_path)
    if damage == "edit":
        span.write_bytes(b"a\n2\n")
    elif damage == "remove":
        span.unlink()
    else:
        (tmp_path / flights.MANIFEST).write_text("[]")
    assert not flights.is_made(tmp_path)


def test_a_package_with_other_rows_is_refused(monkeypatch):
    monkeypatch.setitem(flights.TABLES, "planes.csv", (1, 9))
    with pytest.raises(ValueError, match=r"planes\.csv has \(rows, columns\) \(3322, 9\)"):
        flights.read_table("planes.csv")
