"""Small tables that have everything which tables have and should not."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

LABEL = "Überlebt? (0/1)"


def write_messy_table(file: Path, rows: int = 100, label: Sequence[Any] | None = None) -> Path:
    """Unicode, spaces, quotes and newlines in names and values; empty and constant columns, dates, texts, ids, leaks.

    The label follows `größe, cm` and `Farbe "neu"`; three rows have none.
    """
    random = np.random.default_rng(7)
    size = random.normal(170, 10, rows).round(1)
    colour = random.choice(["rot", 'gr"ün', "bl\nau", "weiß, matt"], rows)
    truth = (size + 25 * (colour == "rot") + random.normal(0, 3, rows) > 176).astype(int)
    labels: list[Any] = [(label or (0, 1))[value] for value in truth]
    for row in (3, 50, 77):
        labels[row] = ""
    columns: dict[str, Sequence[Any]] = {
        "größe, cm": [value if random.random() > 0.1 else "" for value in size],
        'Farbe "neu"': colour,
        "年/月?": random.integers(1, 13, rows),
        "a/b": random.choice(["x", "y"], rows),
        "ab": random.choice(["u", "v", "w"], rows),
        "a_b": random.choice(["p", "q"], rows),
        "a?b": random.choice(["p", "q"], rows),
        "kunden_id": [f"K{number:05d}" for number in random.permutation(rows)],
        "zeile": range(1, rows + 1),
        "datum": [f"2024-{1 + day % 12:02d}-{1 + day % 28:02d}" for day in range(rows)],
        "empty": [""] * rows,
        "immer": ["gleich"] * rows,
        "leak": ["" if value == "" else f"is {value}" for value in labels],
        "notiz": [
            f'Der Kunde {day} sagt:\n"komme am Tag {day * 7 % 31} wieder", und ging dann fort' for day in range(rows)
        ],
        "😀 {x} [y] 'z': #!%": random.normal(0, 1, rows).round(3),
        LABEL: labels,
    }
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return file


def write_wide_table(file: Path, columns: int = 150, rows: int = 600) -> Path:
    """Many columns, of which fifty say a little; every fiftieth is text."""
    random = np.random.default_rng(3)
    cause = random.normal(0, 1, rows)
    numbers = random.normal(0, 1, (rows, columns))
    numbers[:, :50] += cause[:, None]
    numbers = numbers.round(4)
    truth = (cause > 0).astype(int)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow([*(f"column {number}" for number in range(columns)), "y"])
        for row, value in zip(numbers, truth, strict=True):
            cells = [f"t{int(abs(cell) * 3)}" if place % 50 == 49 else cell for place, cell in enumerate(row)]
            writer.writerow([*cells, value])
    return file
