import keras
import numpy as np
import pytest

from flightline.config.feature_plan import CategoricalFeature, FeaturePlan, NumericFeature
from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.modeling import training
from flightline.modeling.objective import make_objective
from flightline.modeling.training import plan_steps, train_model
from flightline.modeling.training_data import TrainingData
from flightline.serving.target import BINARY_TARGET, Target
from models.model import build_model

SMALL = ModelSettings(projection=16, cross_rank=4, hidden=(16,))
PLAN = FeaturePlan(
    label="y",
    label_type="INT",
    numbers=[NumericFeature(name="n", optional=False)],
    categories=[CategoricalFeature(name="a", source="vocabulary"), CategoricalFeature(name="b", source="vocabulary")],
    quantile_bins=8,
    bucket_count=10,
    vocabulary_size=10,
    min_count=1,
    oov_buckets=1,
)


def table(rows, noise=0.0):
    """Rows whose label needs a cross: the parity of two categories, where the number is high."""
    random = np.random.default_rng(0)
    numbers, ids = random.random((rows, 1), "f4"), random.integers(1, 5, (rows, 2), "i4")
    labels = (ids.sum(axis=1) % 2) * (numbers[:, 0] > 0.3)
    flipped = random.random(rows) < noise
    return TrainingData({"numbers": numbers, "categories": ids}, np.where(flipped, 1 - labels, labels).astype("f4"))


def fit(rows, min_steps=0, target=BINARY_TARGET, **settings):
    keras.utils.set_random_seed(0)
    model = build_model(PLAN.model_copy(update={"target": target}), SMALL, (6, 6))
    objective = make_objective(target, rows.labels)
    return model, train_model(model, rows, TrainSettings(min_steps=min_steps, **settings), objective)


def test_it_learns_crosses_and_records_the_training():
    _, record = fit(table(4000), epochs=4, learning_rate=1e-2, validation_share=0.1)
    assert (record["rows_trained"], record["rows_held_out"]) == (3600, 400)
    assert record["epochs"] == len(record["history"]) == 4
    assert record["history"][-1]["val_loss"] < 0.1
    assert record["steps_per_epoch"] == 3600 // record["batch_size"]


def test_the_loss_curve_averages_to_the_losses_of_the_epochs():
    _, record = fit(table(4000), epochs=2, batch_size=64, validation_share=0)
    steps, losses = record["steps_per_epoch"], record["losses"]
    assert [entry["step"] for entry in losses if entry["step"] % steps == 0] == [steps, 2 * steps]
    assert 20 <= len(losses) <= 42
    for epoch in record["history"]:
        last = (epoch["epoch"] - 1) * steps
        total = 0.0
        for entry in losses:
            if last < entry["step"] <= epoch["epoch"] * steps:
                total += entry["loss"] * (entry["step"] - last)
                last = entry["step"]
        assert total / steps == pytest.approx(epoch["loss"], rel=1e-4)


def test_grouped_steps_give_the_same_weights_as_single_steps(monkeypatch):
    how = {"epochs": 2, "batch_size": 64, "min_steps_per_epoch": 0, "validation_share": 0.1}
    monkeypatch.setattr(training, "_MIN_STEPS_TO_GROUP", 20)
    several, record = fit(table(1800), **how)
    assert record["steps_per_epoch"] == 24  # of 25 batches: a multiple of 8
    assert [entry["step"] for entry in record["losses"]] == [8, 16, 24, 32, 40, 48]
    monkeypatch.setattr(training, "_GROUPED_STEPS", 1)
    monkeypatch.setattr(training, "plan_steps", lambda *_: (64, 24, 2))
    singly, one_by_one = fit(table(1800), **how)
    assert all(np.array_equal(a, b) for a, b in zip(several.get_weights(), singly.get_weights(), strict=True))
    assert record["history"] == one_by_one["history"]


def test_the_same_seed_gives_the_same_weights():
    rows = table(300)
    (first, _), (second, _) = fit(rows, epochs=3), fit(rows, epochs=3)
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


def test_training_stops_when_held_out_rows_get_worse_and_keeps_the_best_weights():
    rows = table(300, noise=0.4)
    model, record = fit(rows, epochs=40, learning_rate=3e-2, validation_share=0.3, patience=2)
    losses = [epoch["val_loss"] for epoch in record["history"]]
    assert record["epochs"] < 40
    assert record["best_epoch"] == 1 + int(np.argmin(losses))
    held_out = np.random.default_rng(0).permutation(300)[:90]
    features, labels = rows.take(held_out)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)(labels[:, np.newaxis], model(features, training=False))
    assert float(loss) == pytest.approx(min(losses), abs=1e-4)


def test_no_rows_are_held_out_when_validation_share_is_0():
    _, record = fit(table(200), validation_share=0)
    assert (record["rows_trained"], record["rows_held_out"]) == (200, 0)
    assert "val_loss" not in record["history"][0]


def test_one_class_trains_to_finite_weights():
    rows = table(100)
    model, _ = fit(TrainingData(rows.features, np.zeros_like(rows.labels)))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize(
    ("rows", "settings", "expected"),
    [
        (200_000, {}, (195, 1024)),
        (1_000_000, {}, (488, 2048)),
        (10_000, {}, (156, 64)),
        (300, {}, (9, 32)),
        (1, {}, (1, 1)),
        (10_000, {"batch_size": 256, "min_steps_per_epoch": 0}, (39, 256)),
    ],
)
def test_the_steps_of_an_epoch_cover_the_rows_once(rows, settings, expected):
    batch_size, steps, _ = plan_steps(rows, TrainSettings(**settings))
    assert (steps, batch_size) == expected


def test_small_tables_get_more_epochs():
    assert plan_steps(320, TrainSettings(min_steps=100))[1:] == (10, 10)
    assert plan_steps(1_000_000, TrainSettings(min_steps=100, epochs=2))[2] == 2


def test_training_on_no_rows_is_an_error():
    with pytest.raises(ValueError, match=r"train\.validation_share"):
        plan_steps(0, TrainSettings())


def test_it_learns_classes():
    rows = table(4000)
    classes = np.where(rows.labels == 1, 2, rows.features["categories"][:, 0] % 2).astype(np.int64)
    target = Target(task="multiclass", classes=("low", "high", "odd"))
    model, record = fit(TrainingData(rows.features, classes), target=target, epochs=4, learning_rate=1e-2)
    assert sum(record["class_rates"].values()) == pytest.approx(1, abs=1e-5)
    predictions = np.asarray(make_objective(target, classes).predictions(model.predict(rows.features, verbose=0)))
    np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)
    assert (predictions.argmax(axis=1) == classes).mean() > 0.9


@pytest.mark.parametrize(("scale", "offset"), [(1e6, 5e6), (1e-3, 0.0)])
def test_it_learns_regression_targets_of_any_scale(scale, offset):
    rows = table(4000)
    values = (offset + scale * (rows.labels + rows.features["numbers"][:, 0])).astype(np.float32)
    target = Target(task="regression")
    model, record = fit(TrainingData(rows.features, values), target=target, epochs=4, learning_rate=1e-2)
    assert record["label_mean"] == pytest.approx(values.mean(), rel=1e-3)
    predictions = np.asarray(make_objective(target, values).predictions(model.predict(rows.features, verbose=0)))[:, 0]
    assert 1 - np.var(predictions - values) / np.var(values) > 0.9


def test_constant_regression_labels_are_predicted_exactly():
    rows, target = table(100), Target(task="regression")
    values = np.full(100, 7.0, np.float32)
    model, _ = fit(TrainingData(rows.features, values), target=target, epochs=1)
    predictions = np.asarray(make_objective(target, values).predictions(model.predict(rows.features, verbose=0)))
    np.testing.assert_array_equal(predictions, np.full((100, 1), 7))


def test_a_network_without_the_output_layer_is_an_error():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="last")])
    rows = table(100)
    with pytest.raises(ValueError, match="no layer named 'outputs'"):
        train_model(model, rows, TrainSettings(), make_objective(BINARY_TARGET, rows.labels))
