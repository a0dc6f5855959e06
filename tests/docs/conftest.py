"""The site, built once as `make docs` builds it."""

from pathlib import Path

import pytest

from pipeline.digests import ROOT
from scripts.docs.__main__ import HOME, REQUIREMENTS, SITE, build
from scripts.docs.source import SOURCE, gather
from scripts.tool_environment import environment


@pytest.fixture(scope="session")
def tools() -> Path:
    """The `bin` of MkDocs' environment."""
    return environment("the documentation's tools", HOME, REQUIREMENTS)


@pytest.fixture(scope="session")
def site(tools: Path) -> Path:
    """The site's folder."""
    gather(SOURCE)
    assert build(tools).returncode == 0
    return SITE


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
