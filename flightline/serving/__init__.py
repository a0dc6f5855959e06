"""The model server: MLServer with a runtime that serves the current release of a pipeline.

It runs in its own environment (`make serving-setup`) and imports nothing from the rest of the library: everything it
needs to know about a model is in the release's folder. `contract`, `example_encoder`, `log_files` and `prediction_log`
work without MLServer.
"""
