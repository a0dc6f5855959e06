"""What a model has to beat before it is released: what anybody knows without one, by more than chance gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flightline.init.profile import TableProfile

_STD_ERRORS = 2.0  # of what chance does on so many rows
_MAX_AUC_BOUND = 0.9  # asked for, however few the rows
_MAX_NOISE_SHARE = (
    0.5  # of what is right beyond always answering one class, the largest part that chance may make of it
)
_MIN_VS_CHAMPION_STD = 0.01  # of the label's deviation: what training again may cost, however many the rows
_SANITY_BOUND_NOTE = "the test of use is the bound above, this one is against nonsense"


@dataclass(frozen=True)
class Threshold:
    """Bounds of one metric, as the config has them, and why."""

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
            f"guessing has 0.5; on about {profile.eval_rows:,} rows, {positive:,.0f} of them positive, luck seldom has "
            f"{lower:g}",
        ),
        _log_loss_sanity_bound("BinaryCrossentropy", profile, f"answering {_format_percent(rate)}, the base rate,"),
    ]


def _multiclass_thresholds(profile: TableProfile) -> list[Threshold]:
    most, rows = max(profile.target.rates), profile.eval_rows
    error = math.sqrt(most * (1 - most) / rows)
    room = {"vs_champion": round(max(0.002, error), 3)}
    frequent = f"always answering the most frequent class is right for {_format_percent(most)}; on about {rows:,} rows"
    shares = "answering the shares of the classes"
    if _STD_ERRORS * error > _MAX_NOISE_SHARE * (1 - most):
        chance = _format_percent(_STD_ERRORS * error)
        why = f"{frequent} chance moves that by {chance}: this shows no use, the bound below does"
        return [
            Threshold("SparseCategoricalAccuracy", room, why),
            _log_loss_gain_bound("SparseCategoricalCrossentropy", profile, shares),
        ]
    lower = _round_up(most + _STD_ERRORS * error, of=1 - most)
    why = f"{frequent} luck seldom makes {_format_percent(lower)} of it"
    return [
        Threshold("SparseCategoricalAccuracy", {"lower": lower, **room}, why),
        _log_loss_sanity_bound("SparseCategoricalCrossentropy", profile, shares),
    ]


def _log_loss_sanity_bound(metric: str, profile: TableProfile, answering: str) -> Threshold:
    """Of a model whose use another metric shows: no worse than the base rate, by more than chance."""
    loss = entropy(profile.target.rates)
    upper = _round_up(loss + _STD_ERRORS * _log_loss_std_error(profile), 4)
    why = (
        f"{_SANITY_BOUND_NOTE}: {answering} to every row has {loss:.4g}, and on about {profile.eval_rows:,} rows chance seldom "
        f"makes {upper:g} of it; the probabilities of a model beyond that are worse than none"
    )
    return Threshold(metric, {"upper": upper}, why)


def _log_loss_gain_bound(metric: str, profile: TableProfile, answering: str) -> Threshold:
    """Of a model whose use no other metric shows: better than the base rate by more than luck, if that can be asked."""
    loss = entropy(profile.target.rates)
    loss_beyond_noise, strictest_bound = (
        loss - _STD_ERRORS * _log_loss_std_error(profile),
        loss * (1 - _MAX_NOISE_SHARE),
    )
    upper = _round_up(max(loss_beyond_noise, strictest_bound), 4)
    on_rows = f"{answering} to every row has {loss:.4g}; on about {profile.eval_rows:,} rows"
    if loss_beyond_noise >= strictest_bound:
        return Threshold(metric, {"upper": upper}, f"{on_rows} luck seldom makes {upper:g} of it")
    few = "too few are of another class to rule luck out: half of that loss is asked for, and more rows would help"
    return Threshold(metric, {"upper": upper}, f"{on_rows} {few}")


def _log_loss_std_error(profile: TableProfile) -> float:
    """One sigma of the mean log loss of always answering the base rate: by which labels are among the evaluation rows,
    and by which were among the twice as many rows that taught the rate."""
    rates, rows = [rate for rate in profile.target.rates if rate], profile.eval_rows
    variance = sum(rate * math.log(rate) ** 2 for rate in rates) - entropy(profile.target.rates) ** 2
    return math.sqrt(max(0.0, variance) / rows + (len(rates) - 1) / (2 * rows**2))


def _regression_thresholds(profile: TableProfile) -> list[Threshold]:
    label, rows = profile.label, profile.eval_rows
    values, shares = label.values.astype(float), label.counts / label.present
    mean = float((values * shares).sum())
    deviation = math.sqrt(float(((values - mean) ** 2 * shares).sum()))
    fourth = float((((values - mean) / deviation) ** 4 * shares).sum())
    chance = math.sqrt(max(0.0, fourth - 1) / rows)  # of the squared error of answering the mean, as a share of it
    correlation = _round_up(_STD_ERRORS**2 / rows, 2)
    error = _round_up(deviation * math.sqrt(1 + _STD_ERRORS * chance))
    return [
        Threshold(
            "SquaredPearsonCorrelation",
            {"lower": correlation},
            f"answers that have nothing to do with the label have about 1/rows; on about {rows:,} rows luck seldom has "
            f"{correlation:g}",
        ),
        Threshold(
            "RootMeanSquaredError",
            {"upper": error, "vs_champion": _round_up(deviation * max(_MIN_VS_CHAMPION_STD, chance / 2))},
            f"{_SANITY_BOUND_NOTE}: answering the mean ({mean:.4g}) to every row has {deviation:.4g}, and on about {rows:,} rows "
            f"chance seldom makes {error:g} of it; a model beyond that is worse than none",
        ),
    ]


def entropy(rates: tuple[float, ...]) -> float:
    """Mean log loss, in nats, of always answering the rates themselves."""
    return -sum(rate * math.log(rate) for rate in rates if rate)


def _format_percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def _round_up(number: float, digits: int = 3, of: float | None = None) -> float:
    """Rounded up, to so many digits of it or of another number."""
    places = digits - 1 - math.floor(math.log10(number if of is None else of))
    return math.ceil(number * 10**places) / 10**places if places < 300 else number
