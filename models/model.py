"""The network."""

from flightline.modeling.model import build_model

__all__ = ["build_model"]
