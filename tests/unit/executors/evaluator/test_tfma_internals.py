"""TFMA's private names: the installed version has them, and without one the stock executor evaluates."""

from importlib import metadata

import pytest

from flightline.executors.evaluator import job as job_module
from flightline.executors.evaluator.job import read_job
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError
from flightline.executors.evaluator.tfma_internals import TFMA
from flightline.utils.private_api import PrivateApi


def test_the_installed_version_was_checked_and_has_every_name():
    assert metadata.version("tensorflow-model-analysis") in TFMA.checked_versions
    TFMA.require()


def test_an_evaluation_is_unsupported_when_tfma_lacks_a_name(monkeypatch):
    older = PrivateApi(
        TFMA.distribution, TFMA.checked_versions, ["tensorflow_model_analysis.metrics.calibration:_Gone"]
    )
    monkeypatch.setattr(job_module, "TFMA", older)
    with pytest.raises(UnsupportedEvaluationError, match=r"no longer has .*calibration\._Gone; Flightline was checked"):
        read_job({}, {}, {})
