"""The site, built once as `make docs` builds it."""

from pathlib import Path

import pytest

from scripts.docs.__main__ import REQUIREMENTS, SITE_DIR, VENV_DIR, build_site
from scripts.docs.source import SOURCE_DIR, assemble_source
from scripts.repository import REPOSITORY
from scripts.tool_environment import ensure_environment


@pytest.fixture(scope="session")
def tools() -> Path:
    """The `bin` of MkDocs' environment."""
    return ensure_environment("the documentation's tools", VENV_DIR, REQUIREMENTS)


@pytest.fixture(scope="session")
def site(tools: Path) -> Path:
    """The site's folder."""
    assemble_source(SOURCE_DIR)
    assert build_site(tools).returncode == 0
    return SITE_DIR


@pytest.fixture(scope="session")
def root() -> Path:
    return REPOSITORY
