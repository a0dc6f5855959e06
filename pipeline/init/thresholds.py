"""What a model has to beat before it is released: what anybody knows without one, by more than chance gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.init.profile import Profile

_SIGMAS = 2.0  # of what chance does on so many rows
_HIGHEST_AUC, _HIGHEST_ACCURACY = 0.9, 0.97  # asked for, however few the rows


@dataclass(frozen=True)
class Threshold:
    """Bounds of one metric, as the config has them, and why."""

    metric: str
    bounds: dict[str, float]
    why: str


def thresholds_of(profile: Profile) -> list[Threshold]:
    """The thresholds for the whole evaluation set."""
    match profile.target.task:
        case "binary":
            return _binary(profile)
        case "multiclass":
            return _multiclass(profile)
        case "regression":
            return _regression(profile)


def _binary(profile: Profile) -> list[Threshold]:
    negative, positive = (rate * profile.eval_rows for rate in profile.target.rates)
    error = math.sqrt((negative + positive + 1) / (12 * max(1.0, negative) * max(1.0, positive)))
    lower = round(min(_HIGHEST_AUC, 0.5 + _SIGMAS * error), 3)
    rate = profile.target.rates[1]
    return [
        Threshold(
            "AUC",
            {"lower": lower, "vs_champion": round(max(0.002, error / 2), 3)},
            f"guessing has 0.5; on about {profile.eval_rows:,} rows, {positive:,.0f} of them positive, luck seldom has "
            f"{lower:g}",
        ),
        Threshold(
            "BinaryCrossentropy",
            {"upper": _down(entropy(profile.target.rates))},
            f"answering {rate:.1%}, the base rate, to every row has this: a model must beat it to be of any use",
        ),
    ]


def _multiclass(profile: Profile) -> list[Threshold]:
    rates = profile.target.rates
    most = max(rates)
    error = math.sqrt(most * (1 - most) / max(1, profile.eval_rows))
    lower = _down(min(_HIGHEST_ACCURACY, most + _SIGMAS * error), 3)
    return [
        Threshold(
            "SparseCategoricalAccuracy",
            {"lower": lower, "vs_champion": round(max(0.002, error), 3)},
            f"always answering the most frequent class is right for {most:.1%}; on about {profile.eval_rows:,} rows "
            f"luck seldom makes {lower:.1%} of it",
        ),
        Threshold(
            "SparseCategoricalCrossentropy",
            {"upper": _down(entropy(rates))},
            "answering the shares of the classes to every row has this: a model must beat it to be of any use",
        ),
    ]


def _regression(profile: Profile) -> list[Threshold]:
    label = profile.label
    values, counts = label.values.astype(float), label.counts / label.present
    mean = float((values * counts).sum())
    deviation = math.sqrt(float(((values - mean) ** 2 * counts).sum()))
    return [
        Threshold(
            "RootMeanSquaredError",
            {"upper": _three_digits(deviation), "vs_champion": _three_digits(deviation / 100)},
            f"answering the mean ({mean:.4g}) to every row has this: a model must beat it to be of any use",
        )
    ]


def entropy(rates: tuple[float, ...]) -> float:
    """Mean log loss, in nats, of always answering the rates themselves."""
    return -sum(rate * math.log(rate) for rate in rates if rate)


def _three_digits(number: float) -> float:
    """Three digits of it, rounded down."""
    places = 2 - math.floor(math.log10(number))
    return math.floor(number * 10**places) / 10**places if places < 300 else number


def _down(number: float, digits: int = 4) -> float:
    return math.floor(number * 10**digits) / 10**digits
