"""Handlers of TFT's analyzers, a module for each family; the arithmetic is that of TFT's own combiners."""

from flightline.executors.transform.analyzers import combine, per_key, vocabulary

HANDLERS = {**combine.HANDLERS, **per_key.HANDLERS, **vocabulary.HANDLERS}
