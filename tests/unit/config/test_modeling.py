import pytest
from pydantic import ValidationError

from flightline.config.evaluation import EvaluationSettings, MetricBounds
from flightline.config.modeling import FeatureSettings, ModelSettings, TrainSettings
from flightline.utils.suggestions import suggest_names


@pytest.mark.parametrize("settings", [FeatureSettings, ModelSettings, TrainSettings, EvaluationSettings])
def test_every_setting_has_a_default_and_a_description(settings):
    settings()
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("settings", [FeatureSettings, ModelSettings, TrainSettings, EvaluationSettings, MetricBounds])
def test_unknown_keys_are_refused(settings):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        settings(no_such_setting=1)


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        TrainSettings().epochs = 3


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        (FeatureSettings, {"quantile_bins": -1}),
        (FeatureSettings, {"bucket_count": 1}),
        (FeatureSettings, {"oov_buckets": 0}),
        (ModelSettings, {"hidden": (64, 0)}),
        (ModelSettings, {"dropout": 1.0}),
        (ModelSettings, {"cross_order": 0}),
        (TrainSettings, {"validation_share": 1.0}),
        (TrainSettings, {"schedule": "linear"}),
        (TrainSettings, {"batch_size": 0}),
    ],
)
def test_values_out_of_bounds_are_refused(settings, values):
    with pytest.raises(ValidationError):
        settings(**values)


@pytest.mark.parametrize(
    "roles",
    [
        {"exclude": ["a"], "categorical": ["a"]},
        {"exclude": ["a"], "bucketised": ["a"]},
        {"categorical": ["a"], "bucketised": ["a"]},
    ],
)
def test_a_column_has_one_role(roles):
    with pytest.raises(ValidationError, match="column 'a'"):
        FeatureSettings(**roles)


def test_an_unknown_metric_is_refused_with_a_suggestion():
    with pytest.raises(ValidationError, match="unknown metric 'BinaryCrossEntropy': did you mean BinaryCrossentropy"):
        EvaluationSettings(thresholds={"BinaryCrossEntropy": {"upper": 0.4}})
    with pytest.raises(ValidationError, match="unknown metric 'Auc'"):
        EvaluationSettings(per_slice=[{"slice": ["a"], "thresholds": {"Auc": {"lower": 0.5}}}])


def test_a_metric_without_a_direction_cannot_have_vs_champion():
    with pytest.raises(ValidationError, match="neither higher nor lower is better"):
        EvaluationSettings(thresholds={"Calibration": {"vs_champion": 0.1}})


@pytest.mark.parametrize(
    ("bounds", "message"), [({}, "at least one"), ({"lower": 2, "upper": 1}, "nothing could pass")]
)
def test_metric_bounds_must_have_a_bound_and_be_in_order(bounds, message):
    with pytest.raises(ValidationError, match=message):
        MetricBounds(**bounds)


def test_a_suggestion_lists_all_names_when_none_is_similar():
    assert suggest_names("carier", ["carrier", "origin"]) == "did you mean carrier?"
    assert suggest_names("zzz", ["b", "a"]) == "there is: a, b"
