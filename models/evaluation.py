"""What Evaluator measures."""

from flightline.modeling.evaluation import build_eval_config

__all__ = ["build_eval_config"]
