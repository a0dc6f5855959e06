"""The entry point of Trainer."""

from flightline.modeling.trainer import run_fn

__all__ = ["run_fn"]
