"""The entry point of Tuner."""

from flightline.modeling.tuner import tuner_fn

__all__ = ["tuner_fn"]
