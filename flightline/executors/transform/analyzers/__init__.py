"""TFT's analyzers, one family a module, each with TFT's own combiners doing the arithmetic."""

from flightline.executors.transform.analyzers import combine, per_key, vocabulary

HANDLERS = {**combine.HANDLERS, **per_key.HANDLERS, **vocabulary.HANDLERS}
