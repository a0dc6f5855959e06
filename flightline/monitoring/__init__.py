"""Watching a release in production: windows of the prediction log, what is measured on them, alerts, retraining."""
