"""What Trainer calls: it trains the network and the trees and exports them as one SavedModel. Change the steps here."""

from typing import Any

import tensorflow_transform as tft

from flightline.config.feature_plan import FeaturePlan
from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.modeling.export import export_model
from flightline.modeling.objective import make_objective
from flightline.modeling.search_space import apply_hyperparameters
from flightline.modeling.training import make_deterministic, split_held_out, train_model, write_training_record
from flightline.modeling.training_data import open_training_data
from flightline.modeling.transforms import read_category_sizes
from flightline.modeling.tree_blend import fit_tree_blend
from models.model import build_model


def run_fn(fn_args: Any) -> None:
    """Train on the training split and export the model.

    Early stopping and the weight of the trees use rows held out of the training split; the evaluation split is left to
    Evaluator. `train_args.num_steps` is not read: the section `train` of the config says how long to train.

    Args:
        fn_args: TFX's FnArgs. Its `custom_config` holds the dumped settings `features` (FeaturePlan), `model`
            (ModelSettings) and `train` (TrainSettings); `hyperparameters` of a search, where there are any, override
            them. The SavedModel goes to `serving_model_dir`, the record `training.json` to `model_run_dir`.

    Raises:
        ValueError: there are no transformed examples, or labels are missing or not valid for the task.
        pydantic.ValidationError: a setting is unknown or out of bounds.
    """
    config = fn_args.custom_config
    plan = FeaturePlan.model_validate(config["features"])
    model_settings = ModelSettings.model_validate(config.get("model", {}))
    train_settings = TrainSettings.model_validate(config.get("train", {}))
    found = (getattr(fn_args, "hyperparameters", None) or {}).get("values", {})
    model_settings, train_settings = apply_hyperparameters(found, model_settings, train_settings)
    transform = tft.TFTransformOutput(fn_args.transform_output)

    make_deterministic(train_settings.seed)
    model = build_model(plan, model_settings, read_category_sizes(plan, transform))
    with open_training_data(fn_args.train_files, plan) as rows:
        objective = make_objective(plan.target, rows.labels)
        record = train_model(model, rows, train_settings, objective)
        held_out, _ = split_held_out(len(rows), train_settings)
        tree_blend = fit_tree_blend(model, rows, held_out, model_settings, objective, train_settings.seed)

    export_model(model, tree_blend, plan, objective, transform, fn_args.serving_model_dir)
    write_training_record(record | (tree_blend.record if tree_blend else {"trees": 0}), fn_args.model_run_dir)
