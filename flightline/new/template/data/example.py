"""Makes the data: a table of 3,000 invented customers, to try the project with. Replace it by your own.

A recipe writes files that a config's `data.input` and `data.pattern` name, always the same for the same source.
`make data` runs it before every run; name another recipe in the Makefile (RECIPE).
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

FILE = Path(__file__).parent / "example" / "customers.csv"
COLUMNS = ("plan", "region", "months", "monthly_fee", "support_calls", "cancelled")
FEES = {"basic": 9.0, "family": 19.0, "business": 39.0}
ROWS = 3000


def customers(seed: int = 1) -> list[tuple[str, str, int, float, int, int]]:
    """The rows: who cancels depends on the plan, the months and the calls, and on chance."""
    draw = random.Random(seed)
    rows = []
    for _ in range(ROWS):
        plan = draw.choice(list(FEES))
        months, calls = draw.randint(1, 60), min(int(draw.expovariate(0.7)), 9)
        fee = round(FEES[plan] * draw.uniform(0.8, 1.2), 2)
        risk = 0.5 * calls - 0.05 * months + (0.8 if plan == "business" else 0.0) - 0.6
        cancelled = int(draw.random() < 1 / (1 + 2.718281828 ** (-2 * risk)))
        rows.append((plan, draw.choice(["north", "south", "east", "west"]), months, fee, calls, cancelled))
    return rows


def main() -> None:
    """Write the table."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(customers())
    print(f"wrote {ROWS:,} customers to {FILE}")


if __name__ == "__main__":
    main()
