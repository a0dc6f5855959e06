"""ROC, calibration and training loss charts. The candidate is a solid line, the champion a dashed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from flightline.reporting.html.data import Curves, TrainingHistory
from flightline.reporting.html.svg import Scale, fit_scale, format_number, line, path, svg_image, tag, text

CHART_SIZE, LEFT, BOTTOM = 360, 48, 36
Points = Sequence[tuple[float, float]]
CSS_CLASSES = {"candidate": "model", "baseline": "champion"}


def roc_chart(curves: Mapping[str, Curves]) -> Markup:
    """True positive rate against false positive rate; empty where there is no curve."""
    lines = [(name, curve.roc) for name, curve in curves.items() if curve.roc]
    return _unit_chart(lines, "false positive rate", "true positive rate", "ROC curve")


def calibration_chart(curves: Mapping[str, Curves]) -> Markup:
    """Observed frequency against predicted probability; the area of a dot is the number of rows of its bucket."""
    lines = [(name, [(p, y) for p, y, _ in curve.calibration]) for name, curve in curves.items() if curve.calibration]
    x, y = _axes()
    dots = []
    for name, curve in curves.items():
        max_rows = max((rows for _, _, rows in curve.calibration), default=1.0)
        for predicted, actual, rows in curve.calibration if CSS_CLASSES.get(name) == "model" else ():
            title = tag("title", f"predicted {predicted:.3f}, observed {actual:.3f}, {format_number(rows)} rows")
            radius = 2 + 7 * (rows / max_rows) ** 0.5
            dots.append(tag("circle", title, cx=x(predicted), cy=y(actual), r=radius, class_="dot"))
    return _unit_chart(lines, "mean prediction", "fraction of positive labels", "Calibration", dots)


def _axes() -> tuple[Scale, Scale]:
    return Scale(0, 1, LEFT, CHART_SIZE - 8), Scale(0, 1, CHART_SIZE - BOTTOM, 8)


def _unit_chart(
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    x_name: str,
    y_name: str,
    label: str,
    extra: Sequence[Markup] = (),
) -> Markup:
    if not lines:
        return Markup("")
    x, y = _axes()
    parts = [path([(x(0), y(0)), (x(1), y(1))], "diagonal")]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [line(x(tick), y(0), x(tick), y(1), "grid"), line(x(0), y(tick), x(1), y(tick), "grid")]
        parts += [text(x(tick), y(0) + 14, f"{tick:g}", "tick", "middle")]
        parts += [text(x(0) - 5, y(tick) + 4, f"{tick:g}", "tick", "end")]
    # The model's own line lies on top.
    for name, points in sorted(lines, key=lambda item: CSS_CLASSES.get(item[0]) == "model"):
        parts.append(path([(x(a), y(b)) for a, b in points], f"curve {CSS_CLASSES.get(name, 'other')}"))
    parts += [*extra, text((LEFT + CHART_SIZE) / 2, CHART_SIZE - 4, x_name, "axis-name", "middle")]
    parts.append(
        tag("text", y_name, transform=f"translate(11 {CHART_SIZE / 2 - 12:g}) rotate(-90)", class_="axis-name middle")
    )
    return svg_image(CHART_SIZE, CHART_SIZE, f"{label}: {y_name} against {x_name}", *parts)


def loss_chart(training: TrainingHistory, width: float = 480, height: float = 230) -> Markup:
    """Training loss by optimizer step, and validation loss at the end of each epoch; empty where there are none."""
    training_loss = [(float(step), loss) for step, loss in training.losses if loss is not None]
    steps = max(1, training.steps_per_epoch)
    ends = [(epoch * steps, loss, validation_loss) for epoch, loss, validation_loss in training.epochs]
    if not training_loss:
        training_loss = [(float(step), loss) for step, loss, _ in ends if loss is not None]
    validation_loss = [(float(step), loss) for step, _, loss in ends if loss is not None]
    if not training_loss and not validation_loss:
        return Markup("")
    x = Scale(0, max(step for step, _ in [*training_loss, *validation_loss]), 46, width - 58)
    y = fit_scale([loss for _, loss in [*training_loss, *validation_loss]], height - BOTTOM, 8)
    parts = []
    for tick in y.ticks(4):
        parts += [
            line(46, y(tick), width - 58, y(tick), "grid"),
            text(40, y(tick) + 4, format_number(tick, 3), "tick", "end"),
        ]
    for tick in x.ticks(5):
        parts.append(text(x(tick), height - BOTTOM + 15, format_number(tick), "tick", "middle"))
    if len(ends) <= 40:
        parts += [line(x(step), 8, x(step), height - BOTTOM, "epoch") for step, _, _ in ends]
    parts.append(path([(x(step), y(loss)) for step, loss in training_loss], "curve model"))
    parts.append(path([(x(step), y(loss)) for step, loss in validation_loss], "curve validation"))
    parts += [tag("circle", cx=x(step), cy=y(loss), r=4, class_="validation-dot") for step, loss in validation_loss]
    parts += _end_labels(x, y, training_loss, validation_loss)
    parts.append(
        text(
            (46 + width - 58) / 2,
            height - 3,
            "optimizer steps; vertical lines mark the ends of epochs",
            "axis-name",
            "middle",
        )
    )
    return svg_image(width, height, "Training loss", *parts)


def _end_labels(x: Scale, y: Scale, training_loss: Points, validation_loss: Points) -> list[Markup]:
    """The names at the ends of the lines, moved apart where the lines end close to each other."""
    ends = [
        (y(points[-1][1]), name)
        for points, name in ((training_loss, "training"), (validation_loss, "validation"))
        if points
    ]
    ends.sort()
    if len(ends) == 2 and ends[1][0] - ends[0][0] < 14:
        middle = (ends[0][0] + ends[1][0]) / 2
        ends = [(middle - 7, ends[0][1]), (middle + 7, ends[1][1])]
    return [text(x.end + 8, at + 4, name, "line-name") for at, name in ends]
