"""The entry point of Transform."""

from flightline.modeling.preprocessing import preprocessing_fn

__all__ = ["preprocessing_fn"]
