import numpy as np
import pytest

from flightline.init.association import Association
from flightline.init.column_roles import choose_role

ROWS = 200
RANDOM = np.random.default_rng(1)
LABEL = RANDOM.integers(0, 2, ROWS)


@pytest.fixture
def role(profile):
    """`role(values, name)` → the role of a column in a table with a random label."""

    def find(values, name="x"):
        other = np.random.default_rng(0).normal(size=ROWS).round(3)
        [found] = [one.role for one in profile({name: values, "other": other, "y": LABEL}).features if one.name == name]
        return found

    return find


EXCLUDED = [
    ("empty", "x", [None] * ROWS),
    ("constant", "x", ["same"] * ROWS),
    ("constant", "x", [7] * ROWS),
    ("id", "x", [f"K-{number}" for number in RANDOM.permutation(ROWS)]),
    ("id", "x", range(1000, 1000 + ROWS)),
    ("id", "customer_id", RANDOM.permutation(10**6)[:ROWS]),
    ("id", "customerId", [number % 90 for number in range(ROWS)]),
    ("date", "x", [f"2024-02-{1 + row % 28:02d}" for row in range(ROWS)]),
    ("date", "x", [f"{1 + row % 12}/{1 + row % 28}/24 10:{row % 60:02d}" for row in range(ROWS)]),
    ("date", "x", [20240101 + row % 28 for row in range(ROWS)]),
    ("date", "created_at", [1_700_000_000 + 86_399 * row for row in range(ROWS)]),
    ("text", "x", [f"customer {row} asked for the bill a second time" for row in range(ROWS)]),
    ("too many values", "x", [f"street {row // 2}" for row in range(ROWS)]),
    ("leak", "x", ["paid" if label else "open" for label in LABEL]),
    ("leak", "x", [float(label) + noise for label, noise in zip(LABEL, RANDOM.uniform(0, 0.9, ROWS), strict=True)]),
    ("leak", "x", [3.5 if label else None for label in LABEL]),
    ("leak", "x", [f"2024-02-{1 + row % 28:02d}" if label else None for row, label in enumerate(LABEL)]),
    ("leak", "x", [f"the customer {row} has left us for good" if label else None for row, label in enumerate(LABEL)]),
    ("date", "x", [f"{('Jan', 'Feb', 'May')[row % 3]} {1 + row % 28:02d}, 2024" for row in range(ROWS)]),
    ("date", "x", [f"2024-W{1 + row % 52:02d}" for row in range(ROWS)]),
    ("date", "x", [f"2024-{1 + row % 12:02d}" for row in range(ROWS)]),
    ("date", "x", [f"{2020 + row % 4}-Q{1 + row % 3}" for row in range(ROWS)]),
    ("number format", "x", [f"${row + 1000:,}" for row in range(ROWS)]),
    ("number format", "x", [f"{row},{row % 10}" for row in range(ROWS)]),
    ("number format", "x", ["unknown" if row % 50 == 0 else row for row in range(ROWS)]),
]


@pytest.mark.parametrize(("reason", "name", "values"), EXCLUDED)
def test_a_column_is_excluded_for_a_reason(role, reason, name, values):
    found = role(values, name)
    assert (found.use, found.reason) == ("excluded", reason)
    assert found.evidence


USED = [
    ("number", "income", RANDOM.permutation(10**6)[:ROWS]),  # unique in every row, yet a numeric value
    ("number", "x", RANDOM.normal(size=ROWS)),
    ("number", "year", [1990 + row % 30 for row in range(ROWS)]),
    ("number", "x", [7 if row % 3 else None for row in range(ROWS)]),  # presence alone may be predictive
    ("category", "x", [f"v{row % 40}" for row in range(ROWS)]),
    ("category", "paid", ["yes" if row % 3 else "no" for row in range(ROWS)]),
    ("category", "x", ["a long name of a category, one of two" if row % 3 else "another" for row in range(ROWS)]),
]


@pytest.mark.parametrize(("use", "name", "values"), USED)
def test_a_column_is_used_as_number_or_category(role, use, name, values):
    assert role(values, name).use == use


def test_a_leak_gets_no_advice_on_how_to_use_it(role):
    days = [f"2024-02-{1 + row % 28:02d}" for row in range(ROWS)]
    assert "as number columns" in role(days).evidence
    assert (
        "as number columns"
        not in role([day if label else None for day, label in zip(days, LABEL, strict=True)]).evidence
    )


def test_an_excluded_column_with_a_strong_association_is_reported(profile):
    [found, _] = profile(
        {"x": [f"street {row // 2}" for row in range(ROWS)], "z": RANDOM.normal(size=ROWS), "y": LABEL}
    ).features
    evidence = choose_role(found.column, Association("AUC", 0.941)).evidence
    assert evidence.endswith("strong alone (AUC 0.941): is it known before the label?")


def test_an_empty_column_has_no_association(profile):
    [empty, _] = profile({"empty": [None] * ROWS, "x": RANDOM.normal(size=ROWS), "y": LABEL}).features
    assert empty.association is None


def test_an_included_column_is_used_despite_reasons_to_exclude_it(profile):
    leak = ["paid" if label else "open" for label in LABEL]
    assert [one.role.use for one in profile({"x": leak, "y": LABEL}, include=["x"]).features] == ["category"]


def test_the_leak_in_the_flights_is_detected(profile):
    """The arrival delay determines the label but is known only after it; the departure delay is known before."""
    delay = RANDOM.normal(5, 30, ROWS).round()
    arrival = delay + RANDOM.normal(0, 12, ROWS).round()
    late = (arrival > 15).astype(int)
    found = {
        one.name: one.role.reason for one in profile({"dep_delay": delay, "arr_delay": arrival, "y": late}).features
    }
    assert found == {"dep_delay": None, "arr_delay": "leak"}
