"""Requests before a release is loaded."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from flightline.serving.service import NoReleaseLoaded, Service
from flightline.serving.settings import Settings


def failed_without_a_release() -> float:
    labels = {"version": "", "role": "current", "outcome": "failed"}
    return REGISTRY.get_sample_value("flightline_requests_total", labels) or 0.0


def test_without_a_release_requests_fail_and_are_counted(tmp_path, row):
    service = Service(Settings("flights", tmp_path))
    before = failed_without_a_release()
    with pytest.raises(NoReleaseLoaded, match="no release is loaded yet"):
        asyncio.run(service.predict_rows([row]))
    with pytest.raises(NoReleaseLoaded):
        asyncio.run(service.predict_columns({name: [value] for name, value in row.items()}))
    assert failed_without_a_release() == before + 2
