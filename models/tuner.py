"""What Tuner calls: a search for settings with a lower loss. Change the search here."""

from pathlib import Path
from typing import Any

import tensorflow_transform as tft
from tfx.components.tuner.component import TunerFnResult

from flightline.config.feature_plan import FeaturePlan
from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.config.tuning import TuneSettings
from flightline.modeling.training_data import read_training_data
from flightline.modeling.transforms import read_category_sizes
from flightline.modeling.tuning import make_tuner
from models.model import build_model


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """Set up the search of the section `tune`.

    Every trial trains on the same rows of the training split and is compared on the same held-out ones, those of
    Trainer. The evaluation split is left to Evaluator.

    Args:
        fn_args: TFX's FnArgs. Its `custom_config` holds what `run_fn` takes, and `tune` (TuneSettings).
    """
    config = fn_args.custom_config
    plan = FeaturePlan.model_validate(config["features"])
    model_settings = ModelSettings.model_validate(config.get("model", {}))
    train_settings = TrainSettings.model_validate(config.get("train", {}))
    search = TuneSettings.model_validate(config["tune"])

    working_dir = Path(fn_args.working_dir)
    tuner = make_tuner(search, model_settings, train_settings, build_model, working_dir)
    sizes = read_category_sizes(plan, tft.TFTransformOutput(fn_args.transform_graph_path))
    (working_dir / "rows").mkdir(parents=True)
    rows = read_training_data(fn_args.train_files, plan, working_dir / "rows")
    return TunerFnResult(tuner=tuner, fit_kwargs={"rows": rows, "plan": plan, "sizes": sizes})
