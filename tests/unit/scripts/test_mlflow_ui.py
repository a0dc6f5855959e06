import re

import pytest
import yaml

from flightline.errors import UsageError
from scripts import mlflow_ui
from scripts.repository import REPOSITORY


@pytest.fixture
def config(tmp_path):
    def write(uri):
        raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "data"}}
        (tmp_path / "flights.yaml").write_text(yaml.safe_dump({**raw, "tracking": {"mlflow": uri}}))
        return tmp_path / "flights.yaml"

    return write


def test_the_interface_has_the_version_that_writes_the_store():
    writes, shows = (
        re.search(rf"^{package}==([\d.]+)", path.read_text(), re.MULTILINE)[1]
        for package, path in (("mlflow-skinny", REPOSITORY / "requirements.lock"), ("mlflow", mlflow_ui.REQUIREMENTS))
    )
    assert shows == writes


@pytest.mark.parametrize("uri", [None, "embedded"])
def test_the_embedded_store_is_shown_if_only_one_run_used_it(config, tmp_path, uri):
    (tmp_path / "mlflow.db").touch()
    assert mlflow_ui.resolve_store(config(uri)) == tmp_path / "mlflow.db"


def test_a_missing_store_and_a_server_are_errors(config):
    with pytest.raises(UsageError, match="there is no store"):
        mlflow_ui.resolve_store(config("embedded"))
    with pytest.raises(UsageError, match="is a server"):
        mlflow_ui.resolve_store(config("http://host:5000"))
