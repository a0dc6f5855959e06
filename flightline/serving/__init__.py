"""The model server: MLServer with a runtime of ours over a release's SavedModel.

It runs in an environment of its own (`make serving-setup`) and imports nothing from `pipeline` or `models`: what it
knows of a model is in the release's folder. `contract`, `examples`, `log_files` and `prediction_log` need no MLServer.
"""
