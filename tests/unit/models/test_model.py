import numpy as np
import pytest

from flightline.config.feature_plan import CategoricalFeature, FeaturePlan, NumericFeature
from flightline.config.modeling import FeatureSettings, ModelSettings
from flightline.modeling.model_io import OUTPUT_LAYER
from models.model import build_model

PLAIN = ModelSettings(cross_order=1, projection=0, cross_layers=0, hidden=(64, 32), dropout=0)


def plan(numbers=(), categories=(), **changed):
    shared = FeatureSettings().model_dump(include=set(FeaturePlan.model_fields)) | changed
    return FeaturePlan(
        label="y",
        label_type="INT",
        numbers=[NumericFeature(name=f"n{i}", optional=optional) for i, optional in enumerate(numbers)],
        categories=[CategoricalFeature(name=f"c{i}", source="vocabulary") for i in range(len(categories))],
        **shared,
    )


@pytest.mark.parametrize("shape", [ModelSettings(), PLAIN, ModelSettings(wide=False, hidden=())])
@pytest.mark.parametrize("bins", [0, 8])
@pytest.mark.parametrize(("numbers", "sizes"), [((True, False), (3, 4)), ((False,), ()), ((), (5,)), ((True,), (2, 2))])
def test_every_kind_of_table_builds_and_predicts(shape, bins, numbers, sizes):
    model = build_model(plan(numbers, sizes, quantile_bins=bins), shape, sizes)
    batch = {"numbers": np.zeros((5, len(numbers)), "f4"), "categories": np.zeros((5, len(sizes)), "i4")}
    logits = model({name: matrix for name, matrix in batch.items() if matrix.shape[1]})
    assert logits.shape == (5, 1)


def test_missing_numbers_change_the_prediction_and_never_spoil_it():
    model = build_model(plan((True,)), ModelSettings(), ())
    missing, zero = model({"numbers": np.float32([[np.nan], [0]])}).numpy().ravel()
    assert np.isfinite(missing)
    assert missing != zero


def test_the_last_layer_is_the_one_that_training_starts_from():
    assert build_model(plan((True,), (3,)), ModelSettings(), (3,)).get_layer(OUTPUT_LAYER).units == 1
