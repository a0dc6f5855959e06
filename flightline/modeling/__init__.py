"""User code of the pipeline: features, preprocessing, model, training, evaluation. Imports nothing from `pipeline`."""
