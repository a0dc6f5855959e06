"""Propose evaluation thresholds: better than a trivial prediction, by more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flightline.init.profile import TableProfile

_STD_ERRORS = 2.0  # how many standard errors count as chance
_MAX_AUC_BOUND = 0.9  # even with very few rows
# Of the possible gain over the trivial prediction: if chance may reach more, the metric cannot test usefulness.
_MAX_NOISE_SHARE = 0.5
_MIN_VS_CHAMPION_STD = 0.01  # of the label's standard deviation: models vary that much from run to run
_SANITY_BOUND_NOTE = "the threshold above tests usefulness, this one rules out nonsense"


@dataclass(frozen=True)
class Threshold:
    """The bounds of one metric for the config, and the reason."""

    metric: str
    bounds: dict[str, float]
    why: str


def propose_thresholds(profile: TableProfile) -> list[Threshold]:
    """The thresholds for the whole evaluation set."""
    match profile.target.task:
        case "binary":
            return _binary_thresholds(profile)
        case "multiclass":
            return _multiclass_thresholds(profile)
        case "regression":
            return _regression_thresholds(profile)


def _binary_thresholds(profile: TableProfile) -> list[Threshold]:
    negative, positive = (rate * profile.eval_rows for rate in profile.target.rates)
    error = math.sqrt((negative + positive + 1) / (12 * max(1.0, negative) * max(1.0, positive)))
    lower = round(min(_MAX_AUC_BOUND, 0.5 + _STD_ERRORS * error), 3)
    rate = profile.target.rates[1]
    return [
        Threshold(
            "AUC",
            {"lower": lower, "vs_champion": round(max(0.002, error / 2), 3)},
            f"guessing has 0.5; on about {profile.eval_rows:,} rows, {positive:,.0f} of them positive, chance rarely "
            f"reaches {lower:g}",
        ),
        _log_loss_sanity_bound("BinaryCrossentropy", profile, f"predicting {_format_percent(rate)}, the base rate,"),
    ]


def _multiclass_thresholds(profile: TableProfile) -> list[Threshold]:
    majority, rows = max(profile.target.rates), profile.eval_rows
    error = math.sqrt(majority * (1 - majority) / rows)
    tolerance = {"vs_champion": round(max(0.002, error), 3)}
    trivial = f"always predicting the most frequent class is right for {_format_percent(majority)}; on {rows:,} rows"
    base_rates = "predicting the base rates of the classes"
    if _STD_ERRORS * error > _MAX_NOISE_SHARE * (1 - majority):
        chance = _format_percent(_STD_ERRORS * error)
        why = f"{trivial} chance changes that by {chance}: too much to test usefulness, which the threshold below does"
        return [
            Threshold("SparseCategoricalAccuracy", tolerance, why),
            _log_loss_gain_bound("SparseCategoricalCrossentropy", profile, base_rates),
        ]
    lower = _round_up(majority + _STD_ERRORS * error, scale=1 - majority)
    why = f"{trivial} chance rarely reaches {_format_percent(lower)}"
    return [
        Threshold("SparseCategoricalAccuracy", {"lower": lower, **tolerance}, why),
        _log_loss_sanity_bound("SparseCategoricalCrossentropy", profile, base_rates),
    ]


def _log_loss_sanity_bound(metric: str, profile: TableProfile, trivial: str) -> Threshold:
    """The log loss must not be worse than that of the base rate, beyond chance; another metric tests usefulness."""
    loss = entropy(profile.target.rates)
    upper = _round_up(loss + _STD_ERRORS * _log_loss_std_error(profile), 4)
    why = (
        f"{_SANITY_BOUND_NOTE}: {trivial} for every row has {loss:.4g}, and on about {profile.eval_rows:,} rows "
        f"chance rarely makes it {upper:g}; probabilities with a larger loss are worse than none"
    )
    return Threshold(metric, {"upper": upper}, why)


def _log_loss_gain_bound(metric: str, profile: TableProfile, trivial: str) -> Threshold:
    """The log loss must be better than that of the base rate, by more than chance if possible."""
    loss = entropy(profile.target.rates)
    loss_beyond_noise, strictest_bound = (
        loss - _STD_ERRORS * _log_loss_std_error(profile),
        loss * (1 - _MAX_NOISE_SHARE),
    )
    upper = _round_up(max(loss_beyond_noise, strictest_bound), 4)
    on_rows = f"{trivial} for every row has {loss:.4g}; on about {profile.eval_rows:,} rows"
    if loss_beyond_noise >= strictest_bound:
        return Threshold(metric, {"upper": upper}, f"{on_rows} chance rarely reaches {upper:g}")
    few = "other classes have too few rows to rule out chance: half of that loss is required; more rows would help"
    return Threshold(metric, {"upper": upper}, f"{on_rows} {few}")


def _log_loss_std_error(profile: TableProfile) -> float:
    """The standard error of the mean log loss of the base rate.

    It comes from the sampling of the evaluation rows, and of the twice as many training rows that give the rate.
    """
    rates, rows = [rate for rate in profile.target.rates if rate], profile.eval_rows
    variance = sum(rate * math.log(rate) ** 2 for rate in rates) - entropy(profile.target.rates) ** 2
    return math.sqrt(max(0.0, variance) / rows + (len(rates) - 1) / (2 * rows**2))


def _regression_thresholds(profile: TableProfile) -> list[Threshold]:
    label, rows = profile.label, profile.eval_rows
    values, shares = label.values.astype(float), label.counts / label.present
    mean = float((values * shares).sum())
    deviation = math.sqrt(float(((values - mean) ** 2 * shares).sum()))
    fourth = float((((values - mean) / deviation) ** 4 * shares).sum())
    chance = math.sqrt(max(0.0, fourth - 1) / rows)  # relative standard error of the squared error of the mean
    correlation = _round_up(_STD_ERRORS**2 / rows, 2)
    error = _round_up(deviation * math.sqrt(1 + _STD_ERRORS * chance))
    return [
        Threshold(
            "SquaredPearsonCorrelation",
            {"lower": correlation},
            f"predictions that are unrelated to the label have about 1/rows; on about {rows:,} rows chance rarely "
            f"reaches {correlation:g}",
        ),
        Threshold(
            "RootMeanSquaredError",
            {"upper": error, "vs_champion": _round_up(deviation * max(_MIN_VS_CHAMPION_STD, chance / 2))},
            f"{_SANITY_BOUND_NOTE}: predicting the mean ({mean:.4g}) for every row has {deviation:.4g}, and on about "
            f"{rows:,} rows chance rarely makes it {error:g}; a model with a larger error is worse than none",
        ),
    ]


def entropy(rates: tuple[float, ...]) -> float:
    """The mean log loss, in nats, of always predicting the rates themselves."""
    return -sum(rate * math.log(rate) for rate in rates if rate)


def _format_percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def _round_up(number: float, digits: int = 3, scale: float | None = None) -> float:
    """Round up to significant digits, of the number itself or of `scale`."""
    places = digits - 1 - math.floor(math.log10(number if scale is None else scale))
    return math.ceil(number * 10**places) / 10**places if places < 300 else number
